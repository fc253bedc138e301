/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_inline.h"

typedef struct {
    const char *p; /* next byte of the line */
    const char *end;
    char *out; /* next free byte of the text; never outruns `p` */
} inline_t;

/* C locale's isspace(). */
static bool
inline_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
inline_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a closing quote. */
static um_rc_t
inline_after_quote(const inline_t *in)
{
    return in->p == in->end || inline_is_space(*in->p) ? UM_OK : UM_DECLINED;
}

/* What a backslash within double quotes stands for; `p` is behind it. */
static char
inline_escape(inline_t *in)
{
    int high, low;
    char c = *in->p++;

    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    case 'x':
        if (in->end - in->p < 2) {
            return c;
        }

        high = inline_hex(in->p[0]);
        low = inline_hex(in->p[1]);
        if (high < 0 || low < 0) {
            return c;
        }

        in->p += 2;
        return (char) (high * 16 + low);
    default:
        return c;
    }
}

static um_rc_t
inline_double(inline_t *in)
{
    while (in->p < in->end) {
        char c = *in->p++;

        if (c == '"') {
            return inline_after_quote(in);
        }

        if (c == '\\' && in->p < in->end) {
            c = inline_escape(in);
        }

        *in->out++ = c;
    }

    return UM_DECLINED;
}

static um_rc_t
inline_single(inline_t *in)
{
    while (in->p < in->end) {
        char c = *in->p++;

        if (c == '\'') {
            return inline_after_quote(in);
        }

        if (c == '\\' && in->p < in->end && *in->p == '\'') {
            c = *in->p++;
        }

        *in->out++ = c;
    }

    return UM_DECLINED;
}

/* One word; `p` is at its first byte.  A quote may begin within a word. */
static um_rc_t
inline_word(inline_t *in)
{
    while (in->p < in->end) {
        char c = *in->p++;

        switch (c) {
        case '"':
            return inline_double(in);
        case '\'':
            return inline_single(in);
        case ' ':
        case '\n':
        case '\r':
        case '\t':
            return UM_OK;
        default:
            *in->out++ = c;
        }
    }

    return UM_OK;
}

um_rc_t
um_inline_split(um_str_t line, um_args_t *args)
{
    inline_t in = { line.data, line.data + line.len, NULL };

    um_sbuf_clear(&args->text);

    for (;;) {
        char *word;
        um_rc_t rc;

        while (in.p < in.end && inline_is_space(*in.p)) {
            in.p++;
        }

        if (in.p == in.end) {
            return UM_OK;
        }

        if (in.out == NULL) {
            /* Words are never longer than the line: one piece of memory, so
             * that it does not move under the slices. */
            in.out = um_sbuf_room(&args->text, line.len);
            if (in.out == NULL) {
                um_sbuf_deinit(&args->text);
                return UM_ERR;
            }
        }

        word = in.out;
        rc = inline_word(&in);
        if (rc != UM_OK) {
            return rc;
        }

        rc = um_args_add(args, (um_str_t){ word, (size_t) (in.out - word) });
        if (rc != UM_OK) {
            return rc;
        }
    }
}
