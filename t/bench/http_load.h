/*
 * http_load.h -- what the load asks for, and what it is answered at first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HTTP_LOAD_H
#define HTTP_LOAD_H

#include "core/um_sbuf.h"

typedef struct {
    um_sbuf_t path;
    um_sbuf_t request;
    um_sbuf_t body;
    um_sbuf_t tag; /* its ETag, when that is to be said */
} ask_t;

extern ask_t *asks;
extern size_t asks_count;

/* A path a line, from standard input. */
void asks_read(void);

/* The requests, with `fields` as they stand in a head, and the tags. */
void asks_make(const char *host, const um_sbuf_t *fields);

/* Each body behind a line "PATH LENGTH". */
void asks_write_bodies(const char *file);

/* The value of a field of the head; empty: it has none. */
um_str_t head_field(um_str_t head, um_str_t name);

/* Say so on standard error, and end. */
UM_NORETURN void fail(const char *fmt, ...) UM_PRINTF(1, 2);

#endif /* HTTP_LOAD_H */
