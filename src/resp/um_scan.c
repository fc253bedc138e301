/*
 * um_scan.c -- one request in a client's bytes.
 *
 * Nearly every request is a whole array of bulks: scan_whole() takes it in one
 * go.  What it cannot take it leaves at the word it stumbled over, and the
 * patient half goes on from there, now and whenever more bytes have come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "resp/um_scan.h"

#include <string.h>

#include "core/um_str.h"
#include "resp/um_inline.h"

/*
 *   START  -> INLINE   [any byte but '*']
 *   START  -> COUNT    ['*']
 *   COUNT  -> WORD     [the line is whole]
 *   WORD   -> WORD     [a word is whole, others follow]
 *   any    -> START    [request whole, or an error]
 *
 *   INLINE, COUNT  no end of the first line before `pos`.
 *   WORD           `line` is where the '$' of the next word belongs.
 */
enum { SCAN_START, SCAN_INLINE, SCAN_COUNT, SCAN_WORD };

#define SCAN_UNAUTH_WORDS  10
#define SCAN_UNAUTH_LENGTH 16384

/*
 * A number of up to 9 digits with its CR and the byte behind.  What follows,
 * or NULL: it is not so simple, or not all there.  Like Redis we do not look
 * whether the byte behind the CR is an LF.
 */
static inline const char *
scan_small(const char *p, const char *end, uint32_t *out)
{
    const char *first = p;
    uint32_t n = 0;

    while (p < end && p - first < 9) {
        unsigned digit = (unsigned char) *p - '0';

        if (digit > 9) {
            break;
        }

        n = n * 10 + digit;
        p++;
    }

    if (end - p < 2 || *p != '\r' || p == first
        || (*first == '0' && p - first > 1)) {
        return NULL;
    }

    *out = n;
    return p + 2;
}

/*
 * The whole request at once.  UM_AGAIN: `s` says from where scan_patient()
 * has to go on.
 */
static um_rc_t
scan_whole(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, um_args_t *args, size_t *used)
{
    const char *end = data + len, *p, *q;
    uint32_t count, size;

    p = scan_small(data + 1, end, &count);
    if (p == NULL || count > lim->max_args) {
        return UM_AGAIN;
    }

    for (uint32_t left = count; left > 0; left--) {
        if (p == end || *p != '$' || (q = scan_small(p + 1, end, &size)) == NULL
            || size > lim->max_bulk || (size_t) (end - q) < (size_t) size + 2
            || um_args_add(args, (um_str_t){ q, size }) != UM_OK)
        {
            s->phase = SCAN_WORD;
            s->pos = s->line = (size_t) (p - data);
            s->args_left = left;
            args->argc = 0;
            return UM_AGAIN;
        }

        p = q + size + 2;
    }

    *used = (size_t) (p - data);
    return UM_OK;
}

/*
 * Find `stop` in the line that begins at s->line.  As in Redis, which looks
 * with strchr(), a NUL hides it for ever.  UM_ERR: the line is too long.
 */
static um_rc_t
scan_line(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, char stop, size_t *eol)
{
    const char *from = data + s->pos, *hit = NULL;
    size_t look = len - s->pos;

    if (!s->endless && look > 0) {
        hit = memchr(from, stop, look);
        if (hit != NULL) {
            look = (size_t) (hit - from);
        }

        s->endless = memchr(from, '\0', look) != NULL;
        if (s->endless) {
            hit = NULL;
        }
    }

    s->pos = hit != NULL ? (size_t) (hit - data) : len;

    /* Redis would take a longer line if it came in one read: we never do, so
     * that the answer does not depend on how the bytes were cut. */
    if (s->pos - s->line > lim->max_inline) {
        return UM_ERR;
    }

    if (hit == NULL) {
        s->need = 1;
        return UM_AGAIN;
    }

    *eol = s->pos;
    return UM_OK;
}

/* A line that is a number, up to its CR; the byte behind must be there too. */
static um_rc_t
scan_number_line(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, size_t *eol)
{
    um_rc_t rc = scan_line(s, lim, data, len, '\r', eol);

    if (rc == UM_OK && len - *eol < 2) {
        s->need = 1;
        return UM_AGAIN;
    }

    return rc;
}

static const char *
scan_expected_dollar(char got)
{
    static char text[] = "Protocol error: expected '$', got '?'";

    /* The reply is one line. */
    text[sizeof(text) - 3] = got == '\r' || got == '\n' ? ' ' : got;
    return text;
}

/* The line behind '*'.  UM_OK: s->args_left words are to come, maybe none. */
static um_rc_t
scan_count(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, const char **err)
{
    um_rc_t rc;
    size_t eol;
    int64_t n;

    rc = scan_number_line(s, lim, data, len, &eol);
    if (rc == UM_ERR) {
        *err = "Protocol error: too big mbulk count string";
    }

    if (rc != UM_OK) {
        return rc;
    }

    if (um_str_to_arg((um_str_t){ data + 1, eol - 1 }, &n) != UM_OK
        || n > (int64_t) lim->max_args)
    {
        *err = "Protocol error: invalid multibulk length";
        return UM_ERR;
    }

    if (n > SCAN_UNAUTH_WORDS && lim->unauthenticated) {
        *err = "Protocol error: unauthenticated multibulk length";
        return UM_ERR;
    }

    s->phase = SCAN_WORD;
    s->pos = s->line = eol + 2;
    s->args_left = n > 0 ? (uint32_t) n : 0;
    return UM_OK;
}

/* One word from s->line on, its length and its bytes. */
static um_rc_t
scan_word(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, const char **err)
{
    um_rc_t rc;
    size_t eol, have;
    int64_t n;

    rc = scan_number_line(s, lim, data, len, &eol);
    if (rc == UM_ERR) {
        *err = "Protocol error: too big bulk count string";
    }

    if (rc != UM_OK) {
        return rc;
    }

    if (data[s->line] != '$') {
        *err = scan_expected_dollar(data[s->line]);
        return UM_ERR;
    }

    if (um_str_to_arg((um_str_t){ data + s->line + 1, eol - s->line - 1 }, &n)
            != UM_OK
        || n < 0 || (uint64_t) n > lim->max_bulk)
    {
        *err = "Protocol error: invalid bulk length";
        return UM_ERR;
    }

    if (n > SCAN_UNAUTH_LENGTH && lim->unauthenticated) {
        *err = "Protocol error: unauthenticated bulk length";
        return UM_ERR;
    }

    have = len - eol - 2;
    if (have < (uint64_t) n + 2) {
        s->pos = s->line; /* the number is read again: 20 bytes at most */
        s->need = (uint64_t) n + 2 - have;
        return UM_AGAIN;
    }

    s->pos = s->line = eol + 2 + (size_t) n + 2;
    return UM_OK;
}

/* Take the words out of a request that is known to be whole and right. */
static um_rc_t
scan_collect(const char *data, const char *end, um_args_t *args)
{
    const char *p = (const char *) memchr(data, '\r', (size_t) (end - data));

    for (p += 2; p < end; p += 2) {
        size_t n = 0;

        for (p++; *p != '\r'; p++) {
            n = n * 10 + (unsigned) (*p - '0');
        }

        p += 2;
        if (um_args_add(args, (um_str_t){ p, n }) != UM_OK) {
            return UM_ERR;
        }

        p += n;
    }

    return UM_OK;
}

static um_rc_t
scan_inline(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, um_args_t *args, size_t *used, const char **err)
{
    um_rc_t rc;
    size_t eol;

    rc = scan_line(s, lim, data, len, '\n', &eol);
    if (rc == UM_ERR) {
        *err = "Protocol error: too big inline request";
    }

    if (rc != UM_OK) {
        return rc;
    }

    *used = eol + 1;
    if (eol > 0 && data[eol - 1] == '\r') {
        eol--;
    }

    args->is_inline = true;
    rc = um_inline_split((um_str_t){ data, eol }, args);
    if (rc == UM_DECLINED) {
        *err = "Protocol error: unbalanced quotes in request";
        return UM_ERR;
    }

    if (rc == UM_ERR) {
        *err = "out of memory";
    }

    return rc;
}

static um_rc_t
scan_array(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, um_args_t *args, size_t *used, const char **err)
{
    um_rc_t rc;

    if (s->phase == SCAN_COUNT) {
        rc = scan_count(s, lim, data, len, err);
        if (rc != UM_OK) {
            return rc;
        }
    }

    for (; s->args_left > 0; s->args_left--) {
        rc = scan_word(s, lim, data, len, err);
        if (rc != UM_OK) {
            return rc;
        }
    }

    *used = s->pos;
    rc = scan_collect(data, data + s->pos, args);
    if (rc != UM_OK) {
        *err = "out of memory";
    }

    return rc;
}

um_rc_t
um_scan_request(um_scan_t *s, const um_scan_limits_t *lim, const char *data,
    size_t len, um_args_t *args, size_t *used, const char **err)
{
    um_rc_t rc;

    args->argc = 0;
    args->is_inline = false;

    if (um_unlikely(len == 0)) {
        s->need = 1;
        return UM_AGAIN;
    }

    if (um_likely(s->phase == SCAN_START)) {
        if (um_likely(data[0] == '*')) {
            s->phase = SCAN_COUNT;
            if (um_likely(!lim->unauthenticated)
                && um_likely(
                    scan_whole(s, lim, data, len, args, used) == UM_OK))
            {
                s->phase = SCAN_START;
                s->need = 0;
                return UM_OK;
            }
        } else {
            s->phase = SCAN_INLINE;
        }
    }

    if (s->phase == SCAN_INLINE) {
        rc = scan_inline(s, lim, data, len, args, used, err);
    } else {
        rc = scan_array(s, lim, data, len, args, used, err);
    }

    if (rc != UM_OK) {
        args->argc = 0;
    }

    if (rc != UM_AGAIN) {
        *s = (um_scan_t){ .pos = 0 };
    }

    return rc;
}
