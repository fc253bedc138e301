/*
 * um_str.h -- slices: compare, find, convert to numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_STR_H
#define UM_STR_H

#include "core/um_base.h"

/* A slice of a string literal. */
#define um_lit(s) ((um_str_t){ (s), sizeof(s) - 1 })

/* For printf's "%.*s". */
#define um_str_fmt(s) (int) (s).len, (s).data

/* A slice of all of `z`, which must be NUL-terminated; NULL gives "". */
um_str_t um_str_of(const char *z);

bool um_str_eq(um_str_t a, um_str_t b);

/* ASCII letters compare without regard to case, whatever the locale. */
bool um_str_ieq(um_str_t a, um_str_t b);

/*
 * Decimal numbers, the whole slice: no spaces, no '+', no overflow.
 * UM_DECLINED: it is not such a number; `*out` is untouched.
 */
UM_MUSTCHECK um_rc_t um_str_to_u64(um_str_t s, uint64_t *out);
UM_MUSTCHECK um_rc_t um_str_to_i64(um_str_t s, int64_t *out);

/* As Redis' string2ll() reads an argument: no leading zeros either, no "-0". */
UM_MUSTCHECK um_rc_t um_str_to_arg(um_str_t s, int64_t *out);

/* Write `v` in decimal at `out` (room for 20 bytes); how many were written. */
size_t um_u64_format(uint64_t v, char *out);
size_t um_i64_format(int64_t v, char *out); /* 21 bytes */

/* ASCII only, whatever the locale. */
static inline char
um_char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}

/*
 * Does `text` match the glob `pattern` (* ? [a-z] \x), as Redis' own
 * stringmatchlen() understands it?  Bounded time: no exponential patterns.
 */
bool um_str_glob(um_str_t pattern, um_str_t text, bool nocase);

#endif /* UM_STR_H */
