/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_utf8.h"

#include <string.h>

/* Eight bytes at a time while they are ASCII: metadata hardly is else. */
static size_t
utf8_ascii(const char *s, size_t len)
{
    size_t i = 0;
    uint64_t word;

    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, s + i, sizeof(word));
        if (word & 0x8080808080808080u) {
            break;
        }
    }

    while (i < len && (unsigned char) s[i] < 0x80) {
        i++;
    }

    return i;
}

/* The length of the well-formed sequence at `s`; 0 when it is none. */
static size_t
utf8_sequence(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf; /* for the second byte */
    size_t len;

    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        len = 2;
    } else if ((s[0] & 0xf0) == 0xe0) {
        len = 3;
        low = s[0] == 0xe0 ? 0xa0 : 0x80;
        high = s[0] == 0xed ? 0x9f : 0xbf;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        len = 4;
        low = s[0] == 0xf0 ? 0x90 : 0x80;
        high = s[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }

    if (left < len || s[1] < low || s[1] > high) {
        return 0;
    }

    for (size_t i = 2; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return len;
}

bool
um_utf8_valid(um_str_t s)
{
    size_t i = utf8_ascii(s.data, s.len);

    while (i < s.len) {
        size_t n = utf8_sequence((const unsigned char *) s.data + i, s.len - i);

        if (n == 0) {
            return false;
        }

        i += n;
        i += utf8_ascii(s.data + i, s.len - i);
    }

    return true;
}
