/*
 * views.h -- answers about proxies and clusters, kept until they change.
 *
 * An answer belongs to a key of the store; with another key it is of no use
 * any more.  All of them together stay below a number of bytes: when they
 * would not, all are forgotten.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_VIEWS_H
#define BROKER_VIEWS_H

#include "core/um_sbuf.h"
#include "store.h"

#define VIEWS_BUCKETS 4096

typedef enum {
    VIEW_PROXY,
    VIEW_CLUSTER,
} view_kind_t;

typedef struct view_s view_t;

struct view_s {
    view_t *next;
    view_kind_t kind;
    store_key_t key;
    um_sbuf_t text;
    um_sbuf_t packed; /* gzip; empty until it is asked for */
    size_t name_len;
    char name[];
};

typedef struct {
    view_t *bucket[VIEWS_BUCKETS];
    size_t bytes;
    size_t max;
    uint64_t age; /* tells keys of this life from those of others */
    uint64_t hits;
    uint64_t misses;
} views_t;

void views_init(views_t *v, size_t max);
void views_deinit(views_t *v);

/* Forget all, and that the keys ever meant something. */
void views_clear(views_t *v);

/* What is kept with this key; lent until the next call, NULL: nothing. */
view_t *views_find(
    views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key);

/* Keep `text`, which is taken.  Lent as above; NULL: out of memory, `text` is
 * still the caller's. */
view_t *views_put(views_t *v, view_kind_t kind, um_str_t name,
    const store_key_t *key, um_sbuf_t *text);

/* The same bytes packed; NULL: out of memory. */
const um_sbuf_t *views_packed(views_t *v, view_t *view);

#endif /* BROKER_VIEWS_H */
