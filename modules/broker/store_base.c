/*
 * store_base.c -- find by name, enter, leave, take an epoch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

typedef um_str_t (*name_pt)(const store_t *s, uint32_t place);

um_str_t
store_address(const store_t *s, uint32_t place)
{
    return s->proxy[place].ident->address;
}

static um_str_t
host_name(const store_t *s, uint32_t place)
{
    return store_text(s->host[place].name);
}

static um_str_t
cluster_name(const store_t *s, uint32_t place)
{
    return um_str_of(s->cluster[place]->name);
}

/* Where in the order `name` is, or should be. */
static uint32_t
order_find(const store_t *s, const store_order_t *o, name_pt name_of,
    um_str_t name, bool *found)
{
    uint32_t lo = 0;
    uint32_t hi = o->n;

    *found = false;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int d = store_cmp(name_of(s, o->at[mid]), name);

        if (d == 0) {
            *found = true;
            return mid;
        }
        if (d < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static uint32_t
place_of(
    const store_t *s, const store_order_t *o, name_pt name_of, um_str_t name)
{
    bool found;
    uint32_t i = order_find(s, o, name_of, name, &found);

    return found ? o->at[i] : STORE_NONE;
}

uint32_t
store_find_proxy(const store_t *s, um_str_t address)
{
    return place_of(s, &s->by_address, store_address, address);
}

uint32_t
store_find_host(const store_t *s, um_str_t name)
{
    return place_of(s, &s->by_host, host_name, name);
}

uint32_t
store_find_cluster(const store_t *s, um_str_t name)
{
    return place_of(s, &s->by_name, cluster_name, name);
}

/* Put the place where its name belongs; the order has room. */
static void
order_add(store_t *s, store_order_t *o, name_pt name_of, uint32_t place)
{
    bool found;
    uint32_t i = order_find(s, o, name_of, name_of(s, place), &found);

    memmove(&o->at[i + 1], &o->at[i], (o->n - i) * sizeof(o->at[0]));
    o->at[i] = place;
    o->n++;
}

static void
order_drop(store_t *s, store_order_t *o, name_pt name_of, uint32_t place)
{
    bool found;
    uint32_t i = order_find(s, o, name_of, name_of(s, place), &found);

    um_assert(found && o->at[i] == place);
    o->n--;
    memmove(&o->at[i], &o->at[i + 1], (o->n - i) * sizeof(o->at[0]));
}

static bool
order_room(store_order_t *o)
{
    return store_room(&o->at, o->n, &o->cap, sizeof(o->at[0]));
}

bool
store_name_ok(um_str_t name)
{
    if (name.len == 0 || name.len > STORE_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        char l = um_char_lower(c);

        if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '@'
            && c != '_' && c != '-')
        {
            return false;
        }
    }
    return true;
}

bool
store_text_ok(um_str_t s, size_t max)
{
    if (s.len == 0 || s.len > max) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == '"'
            || s.data[i] == '\\')
        {
            return false;
        }
    }
    return true;
}

store_rc_t
store_want_cluster(const store_t *s, um_str_t name, uint32_t *place)
{
    if (!store_name_ok(name)) {
        return STORE_INVALID_CLUSTER_NAME;
    }
    *place = store_find_cluster(s, name);
    return *place == STORE_NONE ? STORE_CLUSTER_NOT_FOUND : STORE_OK;
}

store_cluster_t *
store_cluster_own(store_t *s, uint32_t place)
{
    store_cluster_t *c = s->cluster[place];

    if (c->refs == 1) {
        return c;
    }

    c = store_cluster_clone(c);
    if (c != NULL) {
        store_cluster_put(s->cluster[place]);
        s->cluster[place] = c;
    }
    return c;
}

void
store_changed(store_t *s)
{
    s->serial++;
}

void
store_bump(store_t *s)
{
    s->serial++;
    s->epoch++;
}

void
store_touch(store_t *s, store_cluster_t *c)
{
    store_bump(s);
    c->epoch = s->epoch;
    c->stamp = s->serial;
}

bool
store_busy(const store_cluster_t *c)
{
    return c->tasks > 0 || c->scale_to != 0;
}

/* The host of that name, there or entered. */
static uint32_t
enter_host(store_t *s, um_str_t name)
{
    uint32_t place = store_find_host(s, name);
    store_text_t *t;

    if (place != STORE_NONE) {
        return place;
    }

    for (place = 0; place < s->hosts; place++) {
        if (s->host[place].name == NULL) {
            break;
        }
    }
    if (!order_room(&s->by_host)
        || !store_room(&s->host, place, &s->host_cap, sizeof(s->host[0])))
    {
        return STORE_NONE;
    }
    t = store_text_new(name);
    if (t == NULL) {
        return STORE_NONE;
    }

    s->hosts = um_max(s->hosts, place + 1);
    s->host[place] = (store_host_t){ .name = t };
    order_add(s, &s->by_host, host_name, place);
    return place;
}

uint32_t
store_enter_proxy(store_t *s, const store_proxy_args_t *a)
{
    uint32_t host = enter_host(s, a->host);
    uint32_t place;
    store_ident_t *id;

    for (place = 0; place < s->proxies; place++) {
        if (s->proxy[place].ident == NULL) {
            break;
        }
    }
    if (host == STORE_NONE || !order_room(&s->by_address)
        || !store_room(&s->proxy, place, &s->proxy_cap, sizeof(s->proxy[0])))
    {
        return STORE_NONE;
    }
    id = store_ident_new(a->address, a->nodes);
    if (id == NULL) {
        return STORE_NONE;
    }

    s->proxies = um_max(s->proxies, place + 1);
    s->proxy[place] = (store_proxy_t){
        .ident = id,
        .index = a->has_index ? a->index : 0,
        .host = host,
        .cluster = STORE_NONE,
    };
    s->host[host].proxies++;
    order_add(s, &s->by_address, store_address, place);
    return place;
}

void
store_leave_proxy(store_t *s, uint32_t place)
{
    store_proxy_t *p = &s->proxy[place];
    store_host_t *h = &s->host[p->host];

    if (--h->proxies == 0) {
        order_drop(s, &s->by_host, host_name, p->host);
        store_text_put(h->name);
        h->name = NULL;
    }
    order_drop(s, &s->by_address, store_address, place);
    store_ident_put(p->ident);
    p->ident = NULL;
}

bool
store_enter_cluster(store_t *s, store_cluster_t *c, uint32_t *at)
{
    uint32_t place;

    for (place = 0; place < s->clusters; place++) {
        if (s->cluster[place] == NULL) {
            break;
        }
    }
    if (!order_room(&s->by_name)
        || !store_room(&s->cluster, place, &s->cluster_cap, sizeof(c)))
    {
        return false;
    }

    s->clusters = um_max(s->clusters, place + 1);
    s->cluster[place] = c;
    order_add(s, &s->by_name, cluster_name, place);
    *at = place;
    return true;
}

void
store_leave_cluster(store_t *s, uint32_t place)
{
    order_drop(s, &s->by_name, cluster_name, place);
    store_cluster_put(s->cluster[place]);
    s->cluster[place] = NULL;
}
