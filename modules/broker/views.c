/* SPDX-License-Identifier: Apache-2.0 */

#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "meta/um_gzip.h"

/* What libmicrohttpd keeps of a page beside its body. */
#define PAGE_BYTES 1000

/* ---- One ---------------------------------------------------------------- */

/* FNV-1a: names differ in their last bytes. */
static size_t
view_bucket(view_kind_t kind, um_str_t name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) + kind;

    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (unsigned char) name.data[i]) * UINT64_C(0x100000001b3);
    }

    return (h ^ h >> 32) % VIEWS_BUCKETS;
}

static bool
view_is(const view_t *view, view_kind_t kind, um_str_t name)
{
    return view->kind == kind
           && um_str_eq((um_str_t){ view->name, view->name_len }, name);
}

/* It says something else from now on. */
static void
view_set_key(views_t *v, view_t *view, const store_key_t *key)
{
    for (size_t i = 0; i < VIEW_FORMS; i++) {
        um_http_page_free(view->page[i]);
        view->page[i] = NULL;
    }

    v->bytes -= view->bytes;
    view->bytes = sizeof(*view) + view->name_len;
    v->bytes += view->bytes;
    view->key = *key;
    snprintf(view->tag.text, sizeof(view->tag.text),
        "W/\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", v->age, key->epoch,
        key->stamp);
}

static void
view_free(views_t *v, view_t *view)
{
    v->bytes -= view->bytes;
    for (size_t i = 0; i < VIEW_FORMS; i++) {
        um_http_page_free(view->page[i]);
    }
    free(view);
}

/* ---- All of them -------------------------------------------------------- */

void
views_init(views_t *v, size_t max)
{
    memset(v, 0, sizeof(*v));
    v->max = max;
    v->age = um_clock_wall_us();
}

/* Empty a bucket of all but `spared`. */
static void
views_empty(views_t *v, size_t i, const view_t *spared)
{
    view_t **at = &v->bucket[i];

    while (*at != NULL) {
        view_t *view = *at;

        if (view == spared) {
            at = &view->next;
            continue;
        }
        *at = view->next;
        view_free(v, view);
    }
}

void
views_deinit(views_t *v)
{
    for (size_t i = 0; i < VIEWS_BUCKETS; i++) {
        views_empty(v, i, NULL);
    }
}

void
views_clear(views_t *v)
{
    views_deinit(v);
    v->age = um_max(um_clock_wall_us(), v->age + 1);
}

static void
views_make_room(views_t *v, const view_t *spared)
{
    for (size_t n = 0; n < VIEWS_BUCKETS && v->bytes > v->max; n++) {
        views_empty(v, v->hand, spared);
        v->hand = (v->hand + 1) % VIEWS_BUCKETS;
    }
}

view_t *
views_get(views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key)
{
    view_t **first = &v->bucket[view_bucket(kind, name)];
    view_t *view = *first;

    while (view != NULL && !view_is(view, kind, name)) {
        view = view->next;
    }

    if (view == NULL) {
        view = calloc(1, sizeof(*view) + name.len);
        if (view == NULL) {
            um_log_error(ENOMEM, "a view");
            return NULL;
        }

        view->kind = kind;
        view->name_len = name.len;
        memcpy(view->name, name.data, name.len);
        view->next = *first;
        *first = view;
    } else if (view->key.epoch == key->epoch && view->key.stamp == key->stamp) {
        return view;
    }

    view_set_key(v, view, key);
    views_make_room(v, view);
    return view;
}

/* ---- Pages -------------------------------------------------------------- */

um_http_page_t *
views_page(views_t *v, const view_t *view, view_form_t form)
{
    if (view->page[form] != NULL) {
        v->hits++;
    } else {
        v->misses++;
    }

    return view->page[form];
}

/* Answers are kept for long: what they do not need goes back. */
static void
text_fit(um_sbuf_t *b)
{
    char *data = b->len > 0 ? realloc(b->data, b->len) : NULL;

    if (data != NULL) {
        b->data = data;
        b->cap = b->len;
    }
}

/* In place; it may be `failed` then. */
static void
text_pack(um_sbuf_t *text)
{
    um_sbuf_t packed = { 0 };

    if (um_gzip((um_str_t){ text->data, text->len }, &packed) != UM_OK) {
        packed.failed = true;
    }
    um_sbuf_deinit(text);
    *text = packed;
}

/* NULL: out of memory. */
static um_http_page_t *
page_make(const view_t *view, unsigned status, bool packed, um_sbuf_t *text)
{
    um_http_page_t *p;

    text_fit(text);
    p = um_http_page_new(
        status, status == 200 ? "application/json" : NULL, text);
    if (p == NULL
        || (um_http_page_set(p, "ETag", view->tag.text) == UM_OK
            && um_http_page_set(p, "Vary", "Accept-Encoding") == UM_OK
            && (!packed
                || um_http_page_set(p, "Content-Encoding", "gzip") == UM_OK)))
    {
        return p;
    }

    um_http_page_free(p);
    return NULL;
}

um_http_page_t *
views_put(views_t *v, view_t *view, view_form_t form, um_sbuf_t *text)
{
    bool packed = form == VIEW_PACKED && text->len >= VIEWS_PACK_MIN;
    um_http_page_t *p;
    size_t bytes;

    if (packed && !text->failed) {
        text_pack(text);
    }

    p = page_make(view, form == VIEW_SAME ? 304 : 200, packed, text);
    if (p == NULL) {
        return NULL;
    }

    bytes = PAGE_BYTES + um_http_page_body(p).len;
    um_assert(view->page[form] == NULL);
    view->page[form] = p;
    view->bytes += bytes;
    v->bytes += bytes;
    views_make_room(v, view);
    return p;
}
