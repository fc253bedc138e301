/*
 * store_alloc.c -- which spares make a chunk, and which one replaces a loss.
 *
 * A chunk is two proxies on two hosts.  The first comes from the host with
 * the most spares, so that hosts empty evenly and the last spares are not all
 * on one; the second from the host it shares the fewest chunks with, so that
 * the load of a lost host falls on many.  docs/chunks.md has the picture.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

/* The spares, by host; each host's in the order of their addresses. */
typedef struct {
    uint32_t *first; /* per host: a proxy, or STORE_NONE */
    uint32_t *next;  /* per proxy                        */
    uint32_t *left;  /* per host: how many may be taken  */
    uint32_t *links; /* per host: chunks shared with one */
    uint32_t total;
} spares_t;

static void
spares_deinit(spares_t *sp)
{
    free(sp->first);
    free(sp->next);
    free(sp->left);
    free(sp->links);
}

static bool
spares_init(spares_t *sp, const store_t *s, const store_env_t *e)
{
    uint8_t *suspect = store_suspects(s, e, 1);

    *sp = (spares_t){
        .first = malloc((s->hosts + 1) * sizeof(*sp->first)),
        .next = malloc((s->proxies + 1) * sizeof(*sp->next)),
        .left = calloc(s->hosts + 1, sizeof(*sp->left)),
        .links = calloc(s->hosts + 1, sizeof(*sp->links)),
    };
    if (suspect == NULL || sp->first == NULL || sp->next == NULL
        || sp->left == NULL || sp->links == NULL)
    {
        free(suspect);
        return false;
    }

    memset(sp->first, 0xff, s->hosts * sizeof(*sp->first));
    for (uint32_t i = s->by_address.n; i-- > 0;) {
        uint32_t place = s->by_address.at[i];
        const store_proxy_t *p = &s->proxy[place];

        if (p->cluster != STORE_NONE || p->failed || suspect[place]) {
            continue;
        }
        sp->next[place] = sp->first[p->host];
        sp->first[p->host] = place;
        sp->left[p->host]++;
        sp->total++;
    }
    free(suspect);
    return true;
}

/* Count into sp->links what links host a; undone with `set` false. */
static void
links_of(spares_t *sp, const store_t *s, uint32_t a, bool set)
{
    uint32_t n;
    const store_link_t *row = store_link_row(s, a, &n);

    for (uint32_t i = 0; i < n; i++) {
        sp->links[row[i].b] = set ? row[i].n : 0;
    }
}

/* At most as many from the largest host as from all others together: each of
 * its proxies needs a partner elsewhere. */
static void
spares_trim(spares_t *sp, const store_t *s)
{
    for (uint32_t h = 0; h < s->hosts; h++) {
        uint32_t others = sp->total - sp->left[h];

        if (sp->left[h] > others) {
            sp->left[h] = others;
            sp->total = 2 * others;
            return;
        }
    }
}

static uint32_t
spares_pop(spares_t *sp, uint32_t host)
{
    uint32_t place = sp->first[host];

    sp->first[host] = sp->next[place];
    sp->left[host]--;
    sp->total--;
    return place;
}

/* The host with the most spares. */
static uint32_t
first_host(const spares_t *sp, const store_t *s)
{
    uint32_t best = STORE_NONE;

    for (uint32_t i = 0; i < s->by_host.n; i++) {
        uint32_t h = s->by_host.at[i];

        if (sp->left[h] > 0
            && (best == STORE_NONE || sp->left[h] > sp->left[best])) {
            best = h;
        }
    }
    return best;
}

/* Of the hosts with spares except two: the one least linked, then the one
 * with the most spares. */
static uint32_t
second_host(const spares_t *sp, const store_t *s, uint32_t not1, uint32_t not2)
{
    uint32_t best = STORE_NONE;

    for (uint32_t i = 0; i < s->by_host.n; i++) {
        uint32_t h = s->by_host.at[i];

        if (sp->left[h] == 0 || h == not1 || h == not2) {
            continue;
        }
        if (best == STORE_NONE || sp->links[h] < sp->links[best]
            || (sp->links[h] == sp->links[best]
                && sp->left[h] > sp->left[best]))
        {
            best = h;
        }
    }
    return best;
}

static bool
chunk_add(
    store_t *s, store_cluster_t *c, uint32_t cluster, uint32_t p0, uint32_t p1)
{
    uint32_t pair[2] = { p0, p1 };

    for (uint8_t side = 0; side < 2; side++) {
        store_proxy_t *p = &s->proxy[pair[side]];

        p->cluster = cluster;
        p->chunk = c->chunks;
        p->side = side;
    }
    c->chunk[c->chunks++] = (store_chunk_t){ .proxy = { p0, p1 } };
    return store_link_add(s, s->proxy[p0].host, s->proxy[p1].host);
}

static store_rc_t
alloc_by_host(store_t *s, spares_t *sp, store_cluster_t *c, uint32_t place,
    uint32_t chunks)
{
    spares_trim(sp, s);
    if (sp->total / 2 < chunks) {
        return STORE_NO_AVAILABLE_RESOURCE;
    }

    for (uint32_t i = 0; i < chunks; i++) {
        uint32_t a = first_host(sp, s);
        uint32_t b;
        uint32_t p;

        links_of(sp, s, a, true);
        b = second_host(sp, s, a, a);
        links_of(sp, s, a, false);
        um_assert(a != STORE_NONE && b != STORE_NONE);

        p = spares_pop(sp, a);
        if (!chunk_add(s, c, place, p, spares_pop(sp, b))) {
            return STORE_NO_MEMORY;
        }
    }
    return STORE_OK;
}

/* For qsort: an index and whose it is. */
typedef struct {
    uint64_t index;
    uint32_t order; /* by address, for equals */
    uint32_t place;
} indexed_t;

static int
indexed_cmp(const void *a, const void *b)
{
    const indexed_t *x = a;
    const indexed_t *y = b;

    if (x->index != y->index) {
        return x->index < y->index ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static store_rc_t
alloc_by_index(store_t *s, spares_t *sp, store_cluster_t *c, uint32_t place,
    uint32_t chunks)
{
    uint64_t from = (uint64_t) c->chunks * 2;
    indexed_t *list;
    uint32_t n = 0;

    if (sp->total / 2 < chunks) {
        return STORE_NO_AVAILABLE_RESOURCE;
    }
    list = malloc(sp->total * sizeof(*list));
    if (list == NULL) {
        return STORE_NO_MEMORY;
    }

    for (uint32_t i = 0; i < s->by_host.n; i++) {
        uint32_t p = sp->first[s->by_host.at[i]];

        for (; p != STORE_NONE; p = sp->next[p]) {
            list[n] = (indexed_t){ s->proxy[p].index, n, p };
            n++;
        }
    }
    qsort(list, n, sizeof(*list), indexed_cmp);

    for (uint32_t i = 0; i < 2 * chunks; i++) {
        if (list[i].index != from + i) {
            free(list);
            return STORE_PROXY_RESOURCE_OUT_OF_ORDER;
        }
    }
    for (uint32_t i = 0; i < chunks; i++) {
        if (!chunk_add(s, c, place, list[2 * i].place, list[2 * i + 1].place)) {
            free(list);
            return STORE_NO_MEMORY;
        }
    }
    free(list);
    return STORE_OK;
}

store_rc_t
store_alloc_chunks(store_t *s, const store_env_t *e, store_cluster_t *c,
    uint32_t place, uint64_t nodes)
{
    uint32_t chunks = (uint32_t) (nodes / 4);
    store_chunk_t *more;
    spares_t sp;
    store_rc_t rc;

    if (nodes / 2 > s->by_address.n) {
        return STORE_NO_AVAILABLE_RESOURCE;
    }
    more = realloc(c->chunk, (c->chunks + chunks) * sizeof(*c->chunk));
    if (more == NULL) {
        return STORE_NO_MEMORY;
    }
    c->chunk = more;

    if (!spares_init(&sp, s, e)) {
        rc = STORE_NO_MEMORY;
    } else if (s->ordered) {
        rc = alloc_by_index(s, &sp, c, place, chunks);
    } else {
        rc = alloc_by_host(s, &sp, c, place, chunks);
    }
    spares_deinit(&sp);
    return rc;
}

uint32_t
store_alloc_heir(const store_t *s, const store_env_t *e, uint32_t failed,
    uint32_t partner, bool *oom)
{
    uint32_t own = s->proxy[failed].host;
    uint32_t other = s->proxy[partner].host;
    uint32_t heir = STORE_NONE;
    spares_t sp;

    *oom = !spares_init(&sp, s, e);
    if (!*oom) {
        uint32_t h;

        /* What it will share a chunk with is the partner's host. */
        links_of(&sp, s, other, true);
        h = second_host(&sp, s, own, other);
        if (h == STORE_NONE) {
            /* The lost proxy's host may still be well; two sides on one
             * host are better than a chunk with one side. */
            h = sp.left[own] > 0 ? own : other;
        }
        if (sp.left[h] > 0) {
            heir = spares_pop(&sp, h);
        }
    }
    spares_deinit(&sp);
    return heir;
}

void
store_chunk_release(store_t *s, store_chunk_t *ch)
{
    for (unsigned side = 0; side < 2; side++) {
        s->proxy[ch->proxy[side]].cluster = STORE_NONE;
        store_ranges_put(ch->stable[side]);
        ch->stable[side] = NULL;
    }
    store_link_drop(
        s, s->proxy[ch->proxy[0]].host, s->proxy[ch->proxy[1]].host);
}
