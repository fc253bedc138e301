/*
 * um_put.h -- write RESP values at the end of a buffer.
 *
 * `proto` is 2 or 3 where the forms differ (RESP3: github.com/redis/
 * redis-specifications, protocol/RESP3.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PUT_H
#define UM_PUT_H

#include "core/um_sbuf.h"

void um_put_simple(um_sbuf_t *b, const char *text); /* +text */

/* -text: CR, LF and other control bytes in the formatted text become blanks,
 * so what a client sent may be quoted back to it. */
void um_put_error(um_sbuf_t *b, const char *fmt, ...) UM_PRINTF(2, 3);

void um_put_int(um_sbuf_t *b, int64_t v);
void um_put_bulk(um_sbuf_t *b, um_str_t s);
void um_put_bulkz(um_sbuf_t *b, const char *z);
void um_put_bulkf(um_sbuf_t *b, const char *fmt, ...) UM_PRINTF(2, 3);
void um_put_null(um_sbuf_t *b, int proto);       /* $-1 or _ */
void um_put_null_array(um_sbuf_t *b, int proto); /* *-1 or _ */
void um_put_array(um_sbuf_t *b, size_t n);       /* header; n values follow */
void um_put_map(um_sbuf_t *b, size_t n, int proto); /* n pairs follow */
void um_put_set(um_sbuf_t *b, size_t n, int proto);
void um_put_bool(um_sbuf_t *b, bool v, int proto); /* :1/:0 or #t/#f */

/* Text for people (INFO, CLIENT LIST): a bulk, or RESP3's verbatim string. */
void um_put_text(um_sbuf_t *b, um_str_t s, int proto);

/* What stands before a text of `len` bytes that follows otherwise, with a
 * CRLF behind it. */
void um_put_text_head(um_sbuf_t *b, size_t len, int proto);

/* A request: *n and its words as bulks. */
void um_put_args(um_sbuf_t *b, const um_str_t *argv, uint32_t argc);

#endif /* UM_PUT_H */
