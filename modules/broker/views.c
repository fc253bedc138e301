/* SPDX-License-Identifier: Apache-2.0 */

#include "views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_str.h"
#include "meta/um_gzip.h"

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

/* Answers are kept for long: what they do not need goes back. */
static void
view_fit(um_sbuf_t *b)
{
    char *data = b->len > 0 ? realloc(b->data, b->len) : NULL;

    if (data != NULL) {
        b->data = data;
        b->cap = b->len;
    }
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

/* ---- Pages -------------------------------------------------------------- */

/* What libmicrohttpd keeps of a page beside its body. */
#define PAGE_BYTES 1000

static const struct {
    unsigned status;
    const char *type;
    const char *encoding;
} page_of[VIEW_FORMS] = {
    [VIEW_PLAIN] = { 200, "application/json", NULL },
    [VIEW_PACKED] = { 200, "application/json", "gzip" },
    [VIEW_SAME] = { 304, NULL, NULL },
};

/* `body` is taken.  False: out of memory. */
static bool
view_page_make(view_t *view, view_form_t form, um_sbuf_t *body)
{
    um_http_page_t *p;

    view_fit(body);
    p = um_http_page_new(page_of[form].status, page_of[form].type, body);
    if (p == NULL) {
        return false;
    }

    if (um_http_page_set(p, "ETag", view->tag.text) != UM_OK
        || um_http_page_set(p, "Vary", "Accept-Encoding") != UM_OK
        || (page_of[form].encoding != NULL
            && um_http_page_set(p, "Content-Encoding", page_of[form].encoding)
                   != UM_OK))
    {
        um_http_page_free(p);
        return false;
    }

    view->page[form] = p;
    view->bytes += PAGE_BYTES + um_http_page_body(p).len;
    return true;
}

um_http_page_t *
views_page(views_t *v, view_t *view, view_form_t form)
{
    um_sbuf_t body = { 0 };

    if (view->page[form] != NULL) {
        return view->page[form];
    }

    if (form == VIEW_PACKED
        && um_gzip(um_http_page_body(view->page[VIEW_PLAIN]), &body) != UM_OK)
    {
        um_sbuf_deinit(&body);
        return NULL;
    }

    v->bytes -= view->bytes;
    (void) view_page_make(view, form, &body);
    v->bytes += view->bytes;
    return view->page[form];
}

/* ---- All of them -------------------------------------------------------- */

void
views_init(views_t *v, size_t max)
{
    memset(v, 0, sizeof(*v));
    v->max = max;
    v->age = um_clock_wall_us();
}

static void
views_empty(views_t *v)
{
    for (size_t i = 0; i < VIEWS_BUCKETS; i++) {
        while (v->bucket[i] != NULL) {
            view_t *view = v->bucket[i];

            v->bucket[i] = view->next;
            view_free(v, view);
        }
    }
}

void
views_deinit(views_t *v)
{
    views_empty(v);
}

void
views_clear(views_t *v)
{
    views_empty(v);
    v->age = um_max(um_clock_wall_us(), v->age + 1);
}

view_tag_t
views_tag(const views_t *v, const store_key_t *key)
{
    view_tag_t tag;

    snprintf(tag.text, sizeof(tag.text),
        "W/\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", v->age, key->epoch,
        key->stamp);
    return tag;
}

static view_t **
views_at(views_t *v, view_kind_t kind, um_str_t name)
{
    view_t **at = &v->bucket[view_bucket(kind, name)];

    while (*at != NULL
           && ((*at)->kind != kind
               || !um_str_eq((um_str_t){ (*at)->name, (*at)->name_len }, name)))
    {
        at = &(*at)->next;
    }

    return at;
}

view_t *
views_find(views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key)
{
    view_t *view = *views_at(v, kind, name);

    if (view != NULL && view->key.epoch == key->epoch
        && view->key.stamp == key->stamp)
    {
        v->hits++;
        return view;
    }

    v->misses++;
    return NULL;
}

view_t *
views_put(views_t *v, view_kind_t kind, um_str_t name, const store_key_t *key,
    um_sbuf_t *text)
{
    view_t **at = views_at(v, kind, name);
    view_t *view = *at;

    if (view != NULL) {
        *at = view->next;
        view_free(v, view);
    }

    view = calloc(1, sizeof(*view) + name.len);
    if (view == NULL) {
        um_sbuf_deinit(text);
        return NULL;
    }

    view->kind = kind;
    view->key = *key;
    view->tag = views_tag(v, key);
    view->bytes = sizeof(*view) + name.len;
    view->name_len = name.len;
    memcpy(view->name, name.data, name.len);
    if (!view_page_make(view, VIEW_PLAIN, text)) {
        free(view);
        return NULL;
    }

    if (v->bytes + view->bytes > v->max) {
        views_empty(v);
    }
    v->bytes += view->bytes;
    at = &v->bucket[view_bucket(kind, name)];
    view->next = *at;
    *at = view;
    return view;
}
