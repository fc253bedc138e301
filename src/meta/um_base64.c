/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_base64.h"

/* The value of a character; anything above 63: it has none. */
static uint32_t
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t) (c - 'A');
    }

    if (c >= 'a' && c <= 'z') {
        return (uint32_t) (c - 'a') + 26;
    }

    if (c >= '0' && c <= '9') {
        return (uint32_t) (c - '0') + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four characters, none of them padding: 24 bits.  False: not base64. */
static bool
base64_group(const char *s, uint32_t *bits)
{
    uint32_t a = base64_value(s[0]), b = base64_value(s[1]);
    uint32_t c = base64_value(s[2]), d = base64_value(s[3]);

    *bits = a << 18 | b << 12 | c << 6 | d;
    return (a | b | c | d) < 64;
}

um_rc_t
um_base64_decode(um_str_t text, unsigned char *out, size_t *n)
{
    const char *s = text.data;
    size_t len = text.len, pad = 0;
    unsigned char *o = out;
    char last[4];
    uint32_t bits;

    if (len % 4 != 0) {
        return UM_DECLINED;
    }

    if (len > 0 && s[len - 1] == '=') {
        pad = s[len - 2] == '=' ? 2 : 1;
        len -= 4;
    }

    for (; len > 0; len -= 4, s += 4) {
        if (!base64_group(s, &bits)) {
            return UM_DECLINED;
        }

        *o++ = (unsigned char) (bits >> 16);
        *o++ = (unsigned char) (bits >> 8);
        *o++ = (unsigned char) bits;
    }

    if (pad > 0) {
        for (size_t i = 0; i < 4; i++) {
            last[i] = i < 4 - pad ? s[i] : 'A';
        }

        /* The bits that padding stands for must be zero. */
        if (!base64_group(last, &bits)
            || (bits & (pad == 2 ? 0xffff : 0xff)) != 0) {
            return UM_DECLINED;
        }

        *o++ = (unsigned char) (bits >> 16);
        if (pad == 1) {
            *o++ = (unsigned char) (bits >> 8);
        }
    }

    *n = (size_t) (o - out);
    return UM_OK;
}

void
um_base64_encode(um_str_t bytes, um_sbuf_t *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *) bytes.data;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = um_min(bytes.len - i, 3u);
        uint32_t bits = (uint32_t) s[i] << 16 | (n > 1 ? s[i + 1] : 0u) << 8
                        | (n > 2 ? s[i + 2] : 0u);
        char four[4] = {
            digits[bits >> 18],
            digits[bits >> 12 & 63],
            n > 1 ? digits[bits >> 6 & 63] : '=',
            n > 2 ? digits[bits & 63] : '=',
        };

        um_sbuf_add(out, four, sizeof(four));
    }
}
