/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_sbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"

#define SBUF_FIRST 256
#define SBUF_LIMIT ((size_t) 1 << 32) /* a runaway, not a text */

char *
um_sbuf_room(um_sbuf_t *b, size_t more)
{
    size_t cap = b->cap;
    char *data;

    if (b->failed) {
        return NULL;
    }

    if (b->data != NULL && more <= b->cap - b->len) {
        return b->data + b->len;
    }

    if (more > SBUF_LIMIT - b->len) {
        b->failed = true;
        return NULL;
    }

    cap = um_max(cap, SBUF_FIRST);
    while (cap - b->len < more) {
        cap *= 2;
    }

    data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return NULL;
    }

    b->data = data;
    b->cap = cap;

    return data + b->len;
}

void
um_sbuf_add(um_sbuf_t *b, const void *data, size_t len)
{
    char *at = um_sbuf_room(b, len);

    if (at != NULL && len > 0) {
        memcpy(at, data, len);
        b->len += len;
    }
}

void
um_sbuf_add_str(um_sbuf_t *b, um_str_t s)
{
    um_sbuf_add(b, s.data, s.len);
}

void
um_sbuf_addz(um_sbuf_t *b, const char *z)
{
    um_sbuf_add(b, z, strlen(z));
}

void
um_sbuf_add_u64(um_sbuf_t *b, uint64_t v)
{
    char text[20];

    um_sbuf_add(b, text, um_u64_format(v, text));
}

void
um_sbuf_add_i64(um_sbuf_t *b, int64_t v)
{
    char text[21];

    um_sbuf_add(b, text, um_i64_format(v, text));
}

void
um_sbuf_addf(um_sbuf_t *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(b, fmt, ap);
    va_end(ap);
}

void
um_sbuf_addv(um_sbuf_t *b, const char *fmt, va_list ap)
{
    va_list again;
    char *at;
    int n;

    at = um_sbuf_room(b, 1);
    if (at == NULL) {
        return;
    }

    va_copy(again, ap);
    n = vsnprintf(at, b->cap - b->len, fmt, ap);

    if (n >= 0 && (size_t) n >= b->cap - b->len) {
        at = um_sbuf_room(b, (size_t) n + 1); /* vsnprintf's NUL */
        if (at != NULL) {
            n = vsnprintf(at, (size_t) n + 1, fmt, again);
        }
    }

    va_end(again);

    if (n < 0) {
        b->failed = true;
    }

    if (!b->failed) {
        b->len += (size_t) n;
    }
}

const char *
um_sbuf_cstr(um_sbuf_t *b)
{
    char *at = um_sbuf_room(b, 1);

    if (at == NULL) {
        return "";
    }

    *at = '\0';

    return b->data;
}

void
um_sbuf_clear(um_sbuf_t *b)
{
    b->len = 0;
    b->failed = false;
}

void
um_sbuf_deinit(um_sbuf_t *b)
{
    free(b->data);
    *b = (um_sbuf_t){ 0 };
}
