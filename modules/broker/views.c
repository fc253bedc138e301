/* SPDX-License-Identifier: Apache-2.0 */

#include "views.h"

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

static size_t
view_bytes(const view_t *view)
{
    return sizeof(*view) + view->name_len + view->text.cap + view->packed.cap;
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
    v->bytes -= view_bytes(view);
    um_sbuf_deinit(&view->text);
    um_sbuf_deinit(&view->packed);
    free(view);
}

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
        return NULL;
    }

    view->kind = kind;
    view->key = *key;
    view->text = *text;
    view->name_len = name.len;
    memcpy(view->name, name.data, name.len);
    memset(text, 0, sizeof(*text));
    view_fit(&view->text);

    if (v->bytes + view_bytes(view) > v->max) {
        views_empty(v);
    }
    v->bytes += view_bytes(view);
    at = &v->bucket[view_bucket(kind, name)];
    view->next = *at;
    *at = view;
    return view;
}

const um_sbuf_t *
views_packed(views_t *v, view_t *view)
{
    if (view->packed.len == 0) {
        v->bytes -= view_bytes(view);
        if (um_gzip(
                (um_str_t){ view->text.data, view->text.len }, &view->packed)
            != UM_OK)
        {
            um_sbuf_deinit(&view->packed);
        }
        view_fit(&view->packed);
        v->bytes += view_bytes(view);
    }

    return view->packed.len > 0 ? &view->packed : NULL;
}
