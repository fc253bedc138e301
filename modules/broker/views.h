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
#include "http/um_httpd.h"
#include "store.h"

#define VIEWS_BUCKETS 4096

typedef enum {
    VIEW_PROXY,
    VIEW_CLUSTER,
} view_kind_t;

/* How it is said. */
typedef enum {
    VIEW_PLAIN,
    VIEW_PACKED, /* by gzip                           */
    VIEW_SAME,   /* 304: who asks has it              */
    VIEW_FORMS,
} view_form_t;

/* W/"age-epoch-stamp" */
typedef struct {
    char text[64];
} view_tag_t;

typedef struct view_s view_t;

struct view_s {
    view_t *next;
    view_kind_t kind;
    store_key_t key;
    view_tag_t tag;
    um_http_page_t *page[VIEW_FORMS]; /* NULL until it is asked for */
    size_t bytes;                     /* of it all                  */
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

/* The ETag of an answer with this key. */
view_tag_t views_tag(const views_t *v, const store_key_t *key);

/* What is kept with this key; lent until the next call, NULL: nothing. */
view_t *views_find(
    views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key);

/* Keep `text`, which is taken.  Lent as above; NULL: out of memory. */
view_t *views_put(views_t *v, view_kind_t kind, um_str_t name,
    const store_key_t *key, um_sbuf_t *text);

/* The answer, with all that belongs into its head; lent as above.  NULL: out
 * of memory, but for VIEW_PLAIN, which is always there. */
um_http_page_t *views_page(views_t *v, view_t *view, view_form_t form);

#endif /* BROKER_VIEWS_H */
