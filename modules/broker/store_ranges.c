/*
 * store_ranges.c -- lists of slot ranges, immutable and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

static store_ranges_t *
ranges_alloc(size_t n)
{
    store_ranges_t *r = malloc(sizeof(*r) + n * sizeof(r->r[0]));

    if (r != NULL) {
        r->refs = 1;
        r->n = 0;
    }
    return r;
}

uint32_t
store_ranges_count(const store_ranges_t *r)
{
    uint32_t count = 0;

    for (uint32_t i = 0; r != NULL && i < r->n; i++) {
        count += (uint32_t) r->r[i].end - r->r[i].start + 1;
    }
    return count;
}

store_ranges_t *
store_ranges_get(store_ranges_t *r)
{
    if (r != NULL) {
        r->refs++;
    }
    return r;
}

void
store_ranges_put(store_ranges_t *r)
{
    if (r != NULL && --r->refs == 0) {
        free(r);
    }
}

static int
range_cmp(const void *a, const void *b)
{
    const store_range_t *x = a;
    const store_range_t *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/* Sort, swap and merge what was gathered in r. */
static void
ranges_compact(store_ranges_t *r)
{
    uint32_t last = 0;

    for (uint32_t i = 0; i < r->n; i++) {
        store_range_t *x = &r->r[i];

        if (x->start > x->end) {
            *x = (store_range_t){ x->end, x->start };
        }
    }
    qsort(r->r, r->n, sizeof(r->r[0]), range_cmp);

    for (uint32_t i = 1; i < r->n; i++) {
        if (r->r[i].start <= r->r[last].end + 1) {
            r->r[last].end = um_max(r->r[last].end, r->r[i].end);
        } else {
            r->r[++last] = r->r[i];
        }
    }
    if (r->n > 0) {
        r->n = last + 1;
    }
}

store_ranges_t *
store_ranges_new(const store_range_t *list, size_t n)
{
    store_ranges_t *r = ranges_alloc(n);

    if (r != NULL && n > 0) {
        memcpy(r->r, list, n * sizeof(list[0]));
        r->n = (uint32_t) n;
        ranges_compact(r);
    }
    return r;
}

store_ranges_t *
store_ranges_merge(const store_ranges_t *a, const store_ranges_t *b)
{
    uint32_t an = a != NULL ? a->n : 0;
    uint32_t bn = b != NULL ? b->n : 0;
    store_ranges_t *r = ranges_alloc(an + bn);

    if (r == NULL) {
        return NULL;
    }
    if (an > 0) {
        memcpy(r->r, a->r, an * sizeof(r->r[0]));
    }
    if (bn > 0) {
        memcpy(r->r + an, b->r, bn * sizeof(r->r[0]));
    }
    r->n = an + bn;
    ranges_compact(r);
    return r;
}

/* One range from an end of `left` to `out`, at most n slots. */
static uint32_t
range_take(store_ranges_t *left, uint32_t n, bool front, store_ranges_t *out)
{
    store_range_t *x = &left->r[front ? 0 : left->n - 1];
    uint32_t size = (uint32_t) x->end - x->start + 1;
    store_range_t *to = &out->r[out->n++];

    *to = *x;
    if (n < size) {
        if (front) {
            to->end = (uint16_t) (x->start + n - 1);
            x->start = (uint16_t) (x->start + n);
        } else {
            to->start = (uint16_t) (x->end - n + 1);
            x->end = (uint16_t) (x->end - n);
        }
        return n;
    }

    left->n--;
    if (front) {
        memmove(left->r, left->r + 1, left->n * sizeof(left->r[0]));
    }
    return size;
}

bool
store_ranges_take(
    store_ranges_t **from, uint32_t n, bool front, store_ranges_t **out)
{
    store_ranges_t *left = store_ranges_merge(*from, NULL);
    store_ranges_t *taken = ranges_alloc(left != NULL ? left->n : 0);

    if (left == NULL || taken == NULL) {
        free(left);
        free(taken);
        return false;
    }

    while (n > 0 && left->n > 0) {
        n -= range_take(left, n, front, taken);
    }
    ranges_compact(taken);

    store_ranges_put(*from);
    *from = left;
    if (left->n == 0) {
        free(left);
        *from = NULL;
    }
    *out = taken;
    return true;
}

bool
store_ranges_same(const store_ranges_t *a, const store_range_t *r, size_t n)
{
    if (a->n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (a->r[i].start != r[i].start || a->r[i].end != r[i].end) {
            return false;
        }
    }
    return true;
}
