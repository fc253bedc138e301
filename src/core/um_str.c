/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_str.h"

#include <string.h>

um_str_t
um_str_of(const char *z)
{
    if (z == NULL) {
        return um_lit("");
    }

    return (um_str_t){ z, strlen(z) };
}

bool
um_str_eq(um_str_t a, um_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
um_str_ieq(um_str_t a, um_str_t b)
{
    if (a.len != b.len) {
        return false;
    }

    for (size_t i = 0; i < a.len; i++) {
        if (um_char_lower(a.data[i]) != um_char_lower(b.data[i])) {
            return false;
        }
    }

    return true;
}

um_rc_t
um_str_to_u64(um_str_t s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.len == 0) {
        return UM_DECLINED;
    }

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9'
            || __builtin_mul_overflow(v, 10, &v)
            || __builtin_add_overflow(v, (uint64_t) (s.data[i] - '0'), &v))
        {
            return UM_DECLINED;
        }
    }

    *out = v;
    return UM_OK;
}

um_rc_t
um_str_to_i64(um_str_t s, int64_t *out)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    uint64_t v;

    if (negative) {
        s.data++;
        s.len--;
    }

    if (um_str_to_u64(s, &v) != UM_OK
        || v > (uint64_t) INT64_MAX + (negative ? 1 : 0))
    {
        return UM_DECLINED;
    }

    *out = (int64_t) (negative ? 0 - v : v);
    return UM_OK;
}

um_rc_t
um_str_to_arg(um_str_t s, int64_t *out)
{
    size_t sign = s.len > 1 && s.data[0] == '-';

    if (s.len > 1 && s.data[sign] == '0') {
        return UM_DECLINED;
    }

    return um_str_to_i64(s, out);
}

size_t
um_u64_format(uint64_t v, char *out)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[sizeof(digits) - ++n] = (char) ('0' + v % 10);
        v /= 10;
    } while (v > 0);

    memcpy(out, digits + sizeof(digits) - n, n);

    return n;
}

size_t
um_i64_format(int64_t v, char *out)
{
    if (v >= 0) {
        return um_u64_format((uint64_t) v, out);
    }

    out[0] = '-';

    return 1 + um_u64_format(0 - (uint64_t) v, out + 1);
}

/*
 * One [...] of a glob against `c`; *at stands behind the '['.  As Redis reads
 * it: an unfinished one ends with the pattern, bounds may come the wrong way
 * round, an escaped letter has its case, and bytes are signed.
 */
static bool
glob_class(um_str_t pat, size_t *at, signed char c, bool nocase)
{
    signed char low = nocase ? um_char_lower(c) : c;
    size_t i = *at;
    bool negate = i < pat.len && pat.data[i] == '^';
    bool hit = false;

    for (i += negate; i < pat.len && pat.data[i] != ']'; i++) {
        signed char from = (signed char) pat.data[i];
        signed char to = from;

        if (from == '\\' && i + 1 < pat.len) {
            hit |= pat.data[++i] == c;
            continue;
        }

        if (i + 2 < pat.len && pat.data[i + 1] == '-') {
            from = um_min(from, (signed char) pat.data[i + 2]);
            to = um_max(to, (signed char) pat.data[i + 2]);
            i += 2;
        }

        if (nocase) {
            from = um_char_lower(from);
            to = um_char_lower(to);
        }

        hit |= low >= from && low <= to;
    }

    *at = um_min(i + 1, pat.len); /* behind the ']' */

    return hit != negate;
}

/*
 * Match one character of the pattern at *at against `c`, and step over it.
 * '*' is the caller's business.
 */
static bool
glob_one(um_str_t pat, size_t *at, char c, bool nocase)
{
    char p = pat.data[(*at)++];

    switch (p) {
    case '?':
        return true;

    case '[':
        return glob_class(pat, at, (signed char) c, nocase);

    case '\\':
        if (*at < pat.len) {
            p = pat.data[(*at)++];
        }
        break;

    default:
        break;
    }

    return p == c || (nocase && um_char_lower(p) == um_char_lower(c));
}

bool
um_str_glob(um_str_t pattern, um_str_t text, bool nocase)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX; /* behind the last '*' */
    size_t from = 0;        /* what that '*' has swallowed so far */

    /*
     * Only the last '*' needs to be tried again: whatever an earlier one
     * swallowed more, this one could swallow less.  So the time is bounded by
     * the product of the lengths.
     */
    while (t < text.len || p < pattern.len) {
        size_t next = p;

        if (p < pattern.len && pattern.data[p] == '*') {
            star = ++p;
            from = t;
            continue;
        }

        if (p < pattern.len && t < text.len
            && glob_one(pattern, &next, text.data[t], nocase))
        {
            p = next;
            t++;
            continue;
        }

        if (star == SIZE_MAX || from >= text.len) {
            return false;
        }

        p = star;
        t = ++from;
    }

    return true;
}
