/*
 * views.h -- answers about proxies and clusters, kept until they change.
 *
 * An answer belongs to a key of the store; with another key it is of no use
 * any more.  It is kept in the forms that were asked for, each with its whole
 * head.  All of them together stay below a number of bytes: others go for a
 * new one, whichever are next in a row that has nothing to do with who asks,
 * so that of more than there is room for some are always there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_VIEWS_H
#define BROKER_VIEWS_H

#include "core/um_sbuf.h"
#include "http/um_httpd.h"
#include "store.h"

#define VIEWS_BUCKETS 4096

/* What fits into one packet is not worth to be packed. */
#define VIEWS_PACK_MIN 1024

typedef enum {
    VIEW_PROXY,
    VIEW_CLUSTER,
    VIEW_CANCELLING, /* there is one, without a name */
} view_kind_t;

typedef enum {
    VIEW_PLAIN,
    VIEW_PACKED, /* by gzip, from VIEWS_PACK_MIN on */
    VIEW_SAME,   /* 304: who asks has it            */
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
    um_http_page_t *page[VIEW_FORMS]; /* NULL: not kept */
    size_t bytes;                     /* of it all      */
    size_t name_len;
    char name[];
};

typedef struct {
    view_t *bucket[VIEWS_BUCKETS];
    size_t hand; /* the bucket to be emptied next */
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

/* The answer with this key, perhaps without a page yet, but with its ETag;
 * lent until the next call for another one.  NULL: out of memory, logged. */
view_t *views_get(
    views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key);

/* Lent as the view is; NULL: not kept. */
um_http_page_t *views_page(views_t *v, const view_t *view, view_form_t form);

/* Keep `text` in this form, and as a page, lent as the view is.  It is taken;
 * VIEW_SAME needs none.  NULL: out of memory, logged. */
um_http_page_t *views_put(
    views_t *v, view_t *view, view_form_t form, um_sbuf_t *text);

#endif /* BROKER_VIEWS_H */
