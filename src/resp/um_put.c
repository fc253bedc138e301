/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_put.h"

#include <string.h>

#include "core/um_str.h"

#define PUT_HEADER_MAX 24 /* type, 20 digits, CR LF */

/* "<type><n>\r\n" */
static void
put_header(um_sbuf_t *b, char type, uint64_t n)
{
    char text[PUT_HEADER_MAX];
    size_t len = 1;

    text[0] = type;
    len += um_u64_format(n, text + 1);
    text[len++] = '\r';
    text[len++] = '\n';
    um_sbuf_add(b, text, len);
}

static void
put_crlf(um_sbuf_t *b)
{
    um_sbuf_add(b, "\r\n", 2);
}

void
um_put_simple(um_sbuf_t *b, const char *text)
{
    um_sbuf_add(b, "+", 1);
    um_sbuf_addz(b, text);
    put_crlf(b);
}

void
um_put_error(um_sbuf_t *b, const char *fmt, ...)
{
    size_t from;
    va_list ap;

    um_sbuf_add(b, "-", 1);
    from = b->len;

    va_start(ap, fmt);
    um_sbuf_addv(b, fmt, ap);
    va_end(ap);

    if (!b->failed) {
        for (size_t i = from; i < b->len; i++) {
            if ((unsigned char) b->data[i] < 0x20 || b->data[i] == 0x7f) {
                b->data[i] = ' ';
            }
        }
    }

    put_crlf(b);
}

void
um_put_int(um_sbuf_t *b, int64_t v)
{
    char text[PUT_HEADER_MAX];
    size_t len = 1;

    text[0] = ':';
    len += um_i64_format(v, text + 1);
    text[len++] = '\r';
    text[len++] = '\n';
    um_sbuf_add(b, text, len);
}

void
um_put_bulk(um_sbuf_t *b, um_str_t s)
{
    put_header(b, '$', s.len);
    um_sbuf_add_str(b, s);
    put_crlf(b);
}

void
um_put_bulkz(um_sbuf_t *b, const char *z)
{
    um_put_bulk(b, um_str_of(z));
}

void
um_put_bulkf(um_sbuf_t *b, const char *fmt, ...)
{
    um_sbuf_t text = { .data = NULL };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);

    if (text.failed) {
        b->failed = true;
    } else {
        um_put_bulk(b, (um_str_t){ text.data, text.len });
    }

    um_sbuf_deinit(&text);
}

void
um_put_null(um_sbuf_t *b, int proto)
{
    um_sbuf_addz(b, proto == 2 ? "$-1\r\n" : "_\r\n");
}

void
um_put_null_array(um_sbuf_t *b, int proto)
{
    um_sbuf_addz(b, proto == 2 ? "*-1\r\n" : "_\r\n");
}

void
um_put_array(um_sbuf_t *b, size_t n)
{
    put_header(b, '*', n);
}

void
um_put_map(um_sbuf_t *b, size_t n, int proto)
{
    if (proto == 2) {
        put_header(b, '*', 2 * n);
    } else {
        put_header(b, '%', n);
    }
}

void
um_put_set(um_sbuf_t *b, size_t n, int proto)
{
    put_header(b, proto == 2 ? '*' : '~', n);
}

void
um_put_bool(um_sbuf_t *b, bool v, int proto)
{
    if (proto == 2) {
        um_put_int(b, v);
    } else {
        um_sbuf_addz(b, v ? "#t\r\n" : "#f\r\n");
    }
}

void
um_put_text(um_sbuf_t *b, um_str_t s, int proto)
{
    if (proto == 2) {
        um_put_bulk(b, s);
        return;
    }

    um_put_text_head(b, s.len, proto);
    um_sbuf_add_str(b, s);
    put_crlf(b);
}

void
um_put_text_head(um_sbuf_t *b, size_t len, int proto)
{
    if (proto == 2) {
        put_header(b, '$', len);
    } else {
        put_header(b, '=', len + 4);
        um_sbuf_add(b, "txt:", 4);
    }
}

void
um_put_args(um_sbuf_t *b, const um_str_t *argv, uint32_t argc)
{
    size_t room = PUT_HEADER_MAX;
    char *p, *start;

    for (uint32_t i = 0; i < argc; i++) {
        room += PUT_HEADER_MAX + argv[i].len + 2;
    }

    start = p = um_sbuf_room(b, room);
    if (p == NULL) {
        return;
    }

    *p++ = '*';
    p += um_u64_format(argc, p);
    *p++ = '\r';
    *p++ = '\n';

    for (uint32_t i = 0; i < argc; i++) {
        *p++ = '$';
        p += um_u64_format(argv[i].len, p);
        *p++ = '\r';
        *p++ = '\n';
        if (argv[i].len > 0) {
            memcpy(p, argv[i].data, argv[i].len);
            p += argv[i].len;
        }

        *p++ = '\r';
        *p++ = '\n';
    }

    b->len += (size_t) (p - start);
}
