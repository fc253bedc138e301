/*
 * store_fail.c -- a proxy is lost: roles move, a spare takes its place.
 *
 * What waits for a spare is a failed proxy that still stands in a chunk: that
 * is in every dump, the reference's too, and needs no list of its own.
 *
 * A side that holds masters is never replaced: the spare is empty, and what
 * it took the place of may come back with the data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>

/* The role in which the other side has all masters. */
static store_role_t
role_without(unsigned side)
{
    return side == 0 ? STORE_ROLE_SECOND : STORE_ROLE_FIRST;
}

static store_role_t
role_of(const store_t *s, const store_proxy_t *p)
{
    return s->cluster[p->cluster]->chunk[p->chunk].role;
}

static uint32_t
partner_of(const store_t *s, const store_proxy_t *p)
{
    return s->cluster[p->cluster]->chunk[p->chunk].proxy[!p->side];
}

/* Is the other side believed alive? */
static bool
partner_lives(const store_t *s, const store_proxy_t *p, const uint8_t *suspect)
{
    uint32_t partner = partner_of(s, p);

    return !suspect[partner] && !s->proxy[partner].failed;
}

/* The heir takes the place of proxy `lost`, which holds no masters. */
static store_rc_t
replace(store_t *s, uint32_t lost, uint32_t heir)
{
    store_proxy_t *p = &s->proxy[lost];
    store_proxy_t *h = &s->proxy[heir];
    uint32_t partner = partner_of(s, p);
    store_cluster_t *c = store_cluster_own(s, p->cluster);

    if (c == NULL) {
        return STORE_NO_MEMORY;
    }

    store_link_drop(s, p->host, s->proxy[partner].host);
    if (!store_link_add(s, h->host, s->proxy[partner].host)) {
        return STORE_NO_MEMORY;
    }
    c->chunk[p->chunk].proxy[p->side] = heir;
    h->cluster = p->cluster;
    h->chunk = p->chunk;
    h->side = p->side;
    p->cluster = STORE_NONE;
    store_touch(s, c);
    return STORE_OK;
}

/* Find a spare for `lost` and put it there.  NO_AVAILABLE_RESOURCE. */
static store_rc_t
repair_one(store_t *s, const store_env_t *e, uint32_t lost, uint32_t *heir)
{
    bool oom;

    *heir = store_alloc_heir(s, e, lost, partner_of(s, &s->proxy[lost]), &oom);
    if (oom) {
        return STORE_NO_MEMORY;
    }
    if (*heir == STORE_NONE) {
        return STORE_NO_AVAILABLE_RESOURCE;
    }
    return replace(s, lost, *heir);
}

/* Move the masters away from p; the other side lives. */
static store_rc_t
roles_move(store_t *s, const store_proxy_t *p)
{
    store_role_t want = role_without(p->side);
    store_cluster_t *c;

    if (role_of(s, p) == want) {
        return STORE_OK;
    }
    c = store_cluster_own(s, p->cluster);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    store_role_set(s, c, p->chunk, want);
    store_touch(s, c);
    return STORE_OK;
}

/* One half of a chunk whose other half lives is lost. */
static store_rc_t
half_lost(store_t *s, const store_env_t *e, uint32_t place, um_str_t *heir)
{
    uint32_t spare;
    store_rc_t rc = roles_move(s, &s->proxy[place]);

    if (rc != STORE_OK || s->ordered) {
        return rc;
    }
    if (!s->proxy[place].failed) {
        s->proxy[place].failed = true;
        store_changed(s);
    }
    rc = repair_one(s, e, place, &spare);
    if (rc == STORE_OK) {
        *heir = store_address(s, spare);
    }
    return rc;
}

/* A spare is lost: not to be chosen until it is registered again. */
static store_rc_t
spare_lost(store_t *s, uint32_t place)
{
    bool marked = store_reports_drop(s, store_address(s, place));

    if (marked || !s->proxy[place].failed) {
        s->proxy[place].failed = true;
        store_changed(s);
    }
    return STORE_OK;
}

store_rc_t
store_failover(
    store_t *s, const store_env_t *e, um_str_t address, um_str_t *heir)
{
    uint32_t place = store_find_proxy(s, address);
    uint8_t *suspect;
    bool lives;

    *heir = um_lit("");
    if (place == STORE_NONE) {
        return STORE_PROXY_NOT_FOUND;
    }
    if (s->proxy[place].cluster == STORE_NONE) {
        return spare_lost(s, place);
    }

    suspect = store_suspects(s, e, e->failure_quorum);
    if (suspect == NULL) {
        return STORE_NO_MEMORY;
    }
    lives = partner_lives(s, &s->proxy[place], suspect);
    free(suspect);
    if (lives) {
        return half_lost(s, e, place, heir);
    }
    /* Both sides are down: whatever moved would move to nobody.  Whoever
     * comes back first goes on. */
    return s->ordered ? STORE_OK : STORE_NO_AVAILABLE_RESOURCE;
}

store_rc_t
store_repair(store_t *s, const store_env_t *e, size_t *n)
{
    uint8_t *suspect = store_suspects(s, e, e->failure_quorum);
    size_t done = 0;
    store_rc_t rc = STORE_OK;

    if (suspect == NULL) {
        return STORE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < s->by_address.n && !s->ordered; i++) {
        uint32_t place = s->by_address.at[i];
        const store_proxy_t *p = &s->proxy[place];
        uint32_t heir;

        /* Of a side that is down, an heir could not become a replica. */
        if (!p->failed || p->cluster == STORE_NONE
            || role_of(s, p) != role_without(p->side)
            || !partner_lives(s, p, suspect))
        {
            continue;
        }
        rc = repair_one(s, e, place, &heir);
        if (rc != STORE_OK) {
            break; /* no spare for this one is no spare for any */
        }
        done++;
    }
    free(suspect);
    if (n != NULL) {
        *n = done;
    }
    return rc == STORE_NO_AVAILABLE_RESOURCE ? STORE_OK : rc;
}

store_rc_t
store_balance(store_t *s, const store_env_t *e, um_str_t name)
{
    store_cluster_t *c;
    uint32_t place;
    uint8_t *suspect;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    c = store_cluster_own(s, place);
    suspect = store_suspects(s, e, 1);
    if (c == NULL || suspect == NULL) {
        free(suspect);
        return STORE_NO_MEMORY;
    }

    for (uint32_t i = 0; i < c->chunks; i++) {
        uint32_t a = c->chunk[i].proxy[0];
        uint32_t b = c->chunk[i].proxy[1];

        if (!s->proxy[a].failed && !s->proxy[b].failed && !suspect[a]
            && !suspect[b]) {
            store_role_set(s, c, i, STORE_ROLE_NORMAL);
        }
    }
    free(suspect);
    store_touch(s, c);
    return STORE_OK;
}
