/*
 * store_mem.c -- growing arrays, and the counted things copies share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

bool
store_room(void *array, uint32_t n, uint32_t *cap, size_t size)
{
    void **data = array;
    uint32_t more = n < 8 ? 8 : n + n / 2;
    void *p;

    if (n < *cap) {
        return true;
    }

    p = realloc(*data, more * size);
    if (p == NULL) {
        return false;
    }

    *data = p;
    *cap = more;
    return true;
}

int
store_cmp(um_str_t a, um_str_t b)
{
    size_t len = um_min(a.len, b.len);
    int d = len > 0 ? memcmp(a.data, b.data, len) : 0;

    if (d != 0) {
        return d;
    }
    return (a.len > b.len) - (a.len < b.len);
}

store_text_t *
store_text_new(um_str_t s)
{
    store_text_t *t = malloc(sizeof(*t) + s.len);

    if (t == NULL) {
        return NULL;
    }

    t->refs = 1;
    t->len = (uint32_t) s.len;
    if (s.len > 0) {
        memcpy(t->data, s.data, s.len);
    }
    return t;
}

void
store_text_put(store_text_t *t)
{
    if (t != NULL && --t->refs == 0) {
        free(t);
    }
}

um_str_t
store_text(const store_text_t *t)
{
    return t == NULL ? um_lit("") : (um_str_t){ t->data, t->len };
}

store_ident_t *
store_ident_new(um_str_t address, const um_str_t nodes[2])
{
    store_ident_t *id =
        malloc(sizeof(*id) + address.len + nodes[0].len + nodes[1].len);
    char *p;

    if (id == NULL) {
        return NULL;
    }

    id->refs = 1;
    p = id->bytes;
    id->address = (um_str_t){ p, address.len };
    memcpy(p, address.data, address.len);
    p += address.len;
    for (unsigned i = 0; i < 2; i++) {
        id->node[i] = (um_str_t){ p, nodes[i].len };
        memcpy(p, nodes[i].data, nodes[i].len);
        p += nodes[i].len;
    }
    return id;
}

void
store_ident_put(store_ident_t *id)
{
    if (id != NULL && --id->refs == 0) {
        free(id);
    }
}

store_cluster_t *
store_cluster_new(um_str_t name)
{
    store_cluster_t *c = calloc(1, sizeof(*c));

    if (c != NULL) {
        c->refs = 1;
        memcpy(c->name, name.data, name.len);
    }
    return c;
}

store_cluster_t *
store_cluster_clone(const store_cluster_t *c)
{
    store_cluster_t *n = malloc(sizeof(*n));

    if (n == NULL) {
        return NULL;
    }

    /* Never of no size, so that NULL means no memory. */
    *n = *c;
    n->refs = 1;
    n->chunk = malloc((c->chunks + 1) * sizeof(*n->chunk));
    n->task = malloc((c->tasks + 1) * sizeof(*n->task));
    if (n->chunk == NULL || n->task == NULL) {
        free(n->chunk);
        free(n->task);
        free(n);
        return NULL;
    }

    if (n->scale_error != NULL) {
        n->scale_error->refs++;
    }
    for (uint32_t i = 0; i < c->chunks; i++) {
        n->chunk[i] = c->chunk[i];
        (void) store_ranges_get(n->chunk[i].stable[0]);
        (void) store_ranges_get(n->chunk[i].stable[1]);
    }
    for (uint32_t i = 0; i < c->tasks; i++) {
        n->task[i] = c->task[i];
        (void) store_ranges_get(n->task[i].ranges);
    }
    return n;
}

void
store_cluster_put(store_cluster_t *c)
{
    if (c == NULL || --c->refs > 0) {
        return;
    }

    for (uint32_t i = 0; i < c->chunks; i++) {
        store_ranges_put(c->chunk[i].stable[0]);
        store_ranges_put(c->chunk[i].stable[1]);
    }
    for (uint32_t i = 0; i < c->tasks; i++) {
        store_ranges_put(c->task[i].ranges);
    }
    store_text_put(c->scale_error);
    free(c->chunk);
    free(c->task);
    free(c);
}
