/*
 * um_sbuf.h -- one growing run of bytes, for texts built off the hot path
 * (CLUSTER NODES, INFO, -T) and for replies of commands answered here.
 *
 * Out of memory or over the limit, a buffer turns `failed` and ignores all
 * further appends: check once, at the end.  Zero-initialised is valid and
 * empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SBUF_H
#define UM_SBUF_H

#include <stdarg.h>

#include "core/um_base.h"

typedef struct {
    char *data; /* owned; not NUL-terminated unless um_sbuf_cstr() was called */
    size_t len;
    size_t cap;
    bool failed;
} um_sbuf_t;

void um_sbuf_add(um_sbuf_t *b, const void *data, size_t len);
void um_sbuf_add_str(um_sbuf_t *b, um_str_t s);
void um_sbuf_addz(um_sbuf_t *b, const char *z);
void um_sbuf_add_u64(um_sbuf_t *b, uint64_t v);
void um_sbuf_add_i64(um_sbuf_t *b, int64_t v);
void um_sbuf_addf(um_sbuf_t *b, const char *fmt, ...) UM_PRINTF(2, 3);
void um_sbuf_addv(um_sbuf_t *b, const char *fmt, va_list ap);

/* Make room for `more` bytes: where they may be written, or NULL and failed. */
char *um_sbuf_room(um_sbuf_t *b, size_t more);

/* NUL-terminate (the NUL is not counted); "" when failed. */
const char *um_sbuf_cstr(um_sbuf_t *b);

/* Empty it, keep the memory. */
void um_sbuf_clear(um_sbuf_t *b);

/* Give the memory back; the buffer is zero again and may be used. */
void um_sbuf_deinit(um_sbuf_t *b);

#endif /* UM_SBUF_H */
