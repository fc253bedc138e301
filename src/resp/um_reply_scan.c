/*
 * um_reply_scan.c -- where a reply of Redis ends.
 *
 * Lines are looked through, bodies are skipped, and of arrays we only count
 * what is still to come.  Every turn of the loop consumes a byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "resp/um_reply_scan.h"

#include <string.h>

/*
 *   TYPE     -> LINE     [+ - : , ( # _]
 *   TYPE     -> NUMBER   [$ = ! * ~ > % |]
 *   LINE     -> LINE_LF  [CR]
 *   LINE_LF  -> TYPE     [LF: one element done]
 *   NUMBER   -> NUMBER_LF [CR]
 *   NUMBER_LF -> BODY    [$ = !]
 *   NUMBER_LF -> TYPE    [array header, or nil: one element done]
 *   BODY     -> TYPE     [its CR LF seen: one element done]
 *
 *   BODY     `num` bytes to come, with the CR LF behind the content.
 */
enum { R_TYPE, R_LINE, R_LINE_LF, R_NUMBER, R_NUMBER_LF, R_BODY };

/* No value of Redis comes near them; sums of them do not overflow. */
#define R_BODY_MAX  (UINT64_C(1) << 48)
#define R_ARRAY_MAX (UINT64_C(1) << 32)
#define R_LEFT_MAX  (UINT64_C(1) << 62)
#define R_DIGITS    18

/* An element has ended.  True: so has the reply. */
static bool
reply_element_done(um_reply_scan_t *s)
{
    s->phase = R_TYPE;

    while (s->depth > 0) {
        if (--s->left[s->depth - 1] > 0) {
            return false;
        }

        s->depth--;
    }

    return true;
}

/* An element begins with `c`.  Is it the reply's own first byte?  So is that
 * of the value behind a top attribute, the last of its elements. */
static inline void
reply_begin(um_reply_scan_t *s, char c)
{
    if (s->depth == 0 || (s->depth == 1 && s->type == '|' && s->left[0] == 1)) {
        s->type = c;
    }
}

static um_rc_t
reply_type(um_reply_scan_t *s, char c)
{
    reply_begin(s, c);
    s->kind = c;

    switch (c) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '(':
    case '#':
    case '_':
        s->phase = R_LINE;
        return UM_OK;

    case '$':
    case '=':
    case '!':
    case '*':
    case '~':
    case '>':
    case '%':
    case '|':
        s->phase = R_NUMBER;
        s->num = 0;
        s->digits = 0;
        s->negative = false;
        return UM_OK;

    default:
        return UM_ERR;
    }
}

static um_rc_t
reply_number(um_reply_scan_t *s, char c)
{
    if (c >= '0' && c <= '9') {
        if (s->digits == R_DIGITS) {
            return UM_ERR;
        }

        s->digits++;
        s->num = s->num * 10 + (unsigned) (c - '0');
        return UM_OK;
    }

    if (c == '-' && s->digits == 0 && !s->negative) {
        s->negative = true;
        return UM_OK;
    }

    if (c == '\r' && s->digits > 0) {
        s->phase = R_NUMBER_LF;
        return UM_OK;
    }

    return UM_ERR;
}

/* The header of an array of `s->num` elements, pairs counted twice. */
static um_rc_t
reply_array(um_reply_scan_t *s, bool *done)
{
    uint64_t n = s->num;

    if (n > R_ARRAY_MAX) {
        return UM_ERR;
    }

    if (s->kind == '%' || s->kind == '|') {
        n *= 2;
    }

    if (s->kind == '|') {
        /* No element by itself: its value stands in for it. */
        if (s->depth > 0) {
            s->phase = R_TYPE;
            s->left[s->depth - 1] += n;
            return s->left[s->depth - 1] > R_LEFT_MAX ? UM_ERR : UM_OK;
        }

        n++;
    }

    if (n == 0) {
        *done = reply_element_done(s);
        return UM_OK;
    }

    if (s->depth == UM_REPLY_DEPTH) {
        return UM_ERR;
    }

    s->left[s->depth++] = n;
    s->phase = R_TYPE;
    return UM_OK;
}

/* A number is complete, with its LF. */
static um_rc_t
reply_header(um_reply_scan_t *s, bool *done)
{
    if (s->negative) {
        if (s->num != 1 || (s->kind != '$' && s->kind != '*')) {
            return UM_ERR;
        }

        *done = reply_element_done(s); /* nil */
        return UM_OK;
    }

    if (s->kind == '$' || s->kind == '=' || s->kind == '!') {
        if (s->num > R_BODY_MAX) {
            return UM_ERR;
        }

        s->num += 2;
        s->phase = R_BODY;
        return UM_OK;
    }

    return reply_array(s, done);
}

/* Skip what is there of a body; the CR LF at its end is checked. */
static um_rc_t
reply_body(um_reply_scan_t *s, const char **p, const char *end, bool *done)
{
    size_t have = (size_t) (end - *p);

    if (s->num > 2) {
        size_t skip = (size_t) um_min((uint64_t) have, s->num - 2);

        *p += skip;
        s->num -= skip;
    }

    while (*p < end && s->num <= 2) {
        if (*(*p)++ != (s->num == 2 ? '\r' : '\n')) {
            return UM_ERR;
        }

        if (--s->num == 0) {
            *done = reply_element_done(s);
            break;
        }
    }

    return UM_OK;
}

/* Some bytes, at least one, of whatever phase we are in. */
static um_rc_t
reply_step(um_reply_scan_t *s, const char **p, const char *end, bool *done)
{
    switch (s->phase) {
    case R_TYPE:
        return reply_type(s, *(*p)++);

    case R_LINE:
        *p = memchr(*p, '\r', (size_t) (end - *p));
        if (*p == NULL) {
            *p = end;
            return UM_OK;
        }

        (*p)++;
        s->phase = R_LINE_LF;
        return UM_OK;

    case R_LINE_LF:
        if (*(*p)++ != '\n') {
            return UM_ERR;
        }

        *done = reply_element_done(s);
        return UM_OK;

    case R_NUMBER:
        return reply_number(s, *(*p)++);

    case R_NUMBER_LF:
        if (*(*p)++ != '\n') {
            return UM_ERR;
        }

        return reply_header(s, done);

    default:
        return reply_body(s, p, end, done);
    }
}

/*
 * One line or one small bulk, whole, as nearly all replies and elements are.
 * Where it ends, or NULL: let reply_step() see to it.
 */
static inline const char *
reply_small(const char *p, const char *end)
{
    const char *q;
    size_t n = 0;

    switch (*p) {
    case '+':
    case '-':
    case ':':
        q = memchr(p, '\r', (size_t) (end - p));
        return q != NULL && end - q >= 2 && q[1] == '\n' ? q + 2 : NULL;

    case '$':
        for (q = p + 1; q < end && q - p <= 9; q++) {
            unsigned digit = (unsigned char) *q - '0';

            if (digit > 9) {
                break;
            }

            n = n * 10 + digit;
        }

        if (q == p + 1 || end - q < 2 || q[0] != '\r' || q[1] != '\n') {
            return NULL;
        }

        q += 2;
        if ((size_t) (end - q) < n + 2 || q[n] != '\r' || q[n + 1] != '\n') {
            return NULL;
        }

        return q + n + 2;

    default:
        return NULL;
    }
}

um_rc_t
um_reply_scan(um_reply_scan_t *s, const char *data, size_t len, size_t *used)
{
    const char *p = data, *end = data + len;
    bool done = false;

    while (p < end) {
        const char *q;

        if (s->phase == R_TYPE && (q = reply_small(p, end)) != NULL) {
            reply_begin(s, *p);
            p = q;
            done = reply_element_done(s);
        } else if (reply_step(s, &p, end, &done) != UM_OK) {
            return UM_ERR;
        }

        if (done) {
            *used = (size_t) (p - data);
            return UM_OK;
        }
    }

    return UM_AGAIN;
}
