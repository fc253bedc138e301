/*
 * store_link.c -- how often two hosts share a chunk.
 *
 * Changed chunk by chunk, never rebuilt.  Only pairs that share one are kept:
 * with every proxy on a host of its own a full table would be the largest
 * thing in the store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <string.h>

/* Where (a, b) is or should be. */
static uint32_t
link_find(const store_t *s, uint32_t a, uint32_t b)
{
    uint32_t lo = 0;
    uint32_t hi = s->links;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const store_link_t *l = &s->link[mid];

        if (l->a < a || (l->a == a && l->b < b)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool
link_is(const store_t *s, uint32_t i, uint32_t a, uint32_t b)
{
    return i < s->links && s->link[i].a == a && s->link[i].b == b;
}

static bool
link_one(store_t *s, uint32_t a, uint32_t b)
{
    uint32_t i = link_find(s, a, b);

    if (link_is(s, i, a, b)) {
        s->link[i].n++;
        return true;
    }
    if (!store_room(&s->link, s->links, &s->link_cap, sizeof(s->link[0]))) {
        return false;
    }

    memmove(&s->link[i + 1], &s->link[i], (s->links - i) * sizeof(s->link[0]));
    s->link[i] = (store_link_t){ a, b, 1 };
    s->links++;
    return true;
}

static void
unlink_one(store_t *s, uint32_t a, uint32_t b)
{
    uint32_t i = link_find(s, a, b);

    um_assert(link_is(s, i, a, b));
    if (--s->link[i].n > 0) {
        return;
    }
    s->links--;
    memmove(&s->link[i], &s->link[i + 1], (s->links - i) * sizeof(s->link[0]));
}

bool
store_link_add(store_t *s, uint32_t a, uint32_t b)
{
    return link_one(s, a, b) && (a == b || link_one(s, b, a));
}

void
store_link_drop(store_t *s, uint32_t a, uint32_t b)
{
    unlink_one(s, a, b);
    if (a != b) {
        unlink_one(s, b, a);
    }
}

uint32_t
store_link_count(const store_t *s, uint32_t a, uint32_t b)
{
    uint32_t i = link_find(s, a, b);

    return link_is(s, i, a, b) ? s->link[i].n : 0;
}

const store_link_t *
store_link_row(const store_t *s, uint32_t a, uint32_t *n)
{
    uint32_t i = link_find(s, a, 0);

    *n = 0;
    while (i + *n < s->links && s->link[i + *n].a == a) {
        (*n)++;
    }
    return *n > 0 ? &s->link[i] : NULL;
}
