/*
 * store_load_cluster.c -- clusters out of a dump.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_load_priv.h"

#include <stdlib.h>
#include <string.h>

/* A number that may be missing, and more than we can write: the most then. */
static bool
load_setting(
    load_t *l, const cJSON *object, const char *name, uint64_t min, uint64_t *v)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, name);

    if (n == NULL) {
        return true;
    }
    if (cJSON_IsNumber(n) && n->valuedouble > (double) STORE_NUMBER_MAX) {
        *v = STORE_NUMBER_MAX;
        return true;
    }
    return load_number_of(l, object, name, min, STORE_NUMBER_MAX, v);
}

static bool
load_config(load_t *l, const cJSON *v, store_config_t *c)
{
    const cJSON *m;
    um_str_t s;

    *c = store_config_default;
    if (!load_object(l, v)) {
        return false;
    }
    if (cJSON_GetObjectItemCaseSensitive(v, "compression_strategy") != NULL) {
        if (!load_string_of(l, v, "compression_strategy", &s)) {
            return false;
        }
        if (!store_compress_parse(s, &c->compression)) {
            return load_fail(l, "has an unknown compression_strategy");
        }
    }
    m = cJSON_GetObjectItemCaseSensitive(v, "migration_config");
    if (m == NULL) {
        return true;
    }
    return load_object(l, m)
           && load_setting(
               l, m, "max_migration_time", 0, &c->max_migration_time)
           && load_setting(l, m, "max_blocking_time", 0, &c->max_blocking_time)
           && load_setting(l, m, "scan_interval", 0, &c->scan_interval)
           && load_setting(l, m, "scan_count", 1, &c->scan_count);
}

static bool
load_role(load_t *l, const cJSON *v, store_role_t *role)
{
    um_str_t s;

    if (!load_string_of(l, v, "role_position", &s)) {
        return false;
    }
    for (unsigned i = 0; i < um_countof(store_role_names); i++) {
        if (um_str_eq(s, um_str_of(store_role_names[i]))) {
            *role = (store_role_t) i;
            return true;
        }
    }
    (void) load_down(l, "role_position");
    return load_fail(l, "is unknown");
}

static bool
load_stable(load_t *l, const cJSON *v, store_chunk_t *ch, uint8_t *seen)
{
    size_t mark;
    const cJSON *parts = load_member(l, v, "stable_slots", &mark);
    const cJSON *p;
    size_t i = 0;

    if (parts == NULL || !load_array(l, parts, 2)) {
        return false;
    }
    cJSON_ArrayForEach(p, parts)
    {
        size_t at = load_item(l, i);

        if (!cJSON_IsNull(p)) {
            if (!load_ranges(l, p, seen, &ch->stable[i])) {
                return false;
            }
            if (ch->stable[i]->n == 0) {
                store_ranges_put(ch->stable[i]);
                ch->stable[i] = NULL;
            }
        }
        load_up(l, at);
        i++;
    }
    load_up(l, mark);
    return true;
}

/* The array of texts is what the proxies have: [n], one by one. */
static bool
load_texts(
    load_t *l, const cJSON *v, const char *name, const um_str_t *have, size_t n)
{
    size_t mark;
    const cJSON *list = load_member(l, v, name, &mark);
    const cJSON *t;
    size_t i = 0;

    if (list == NULL || !load_array(l, list, n)) {
        return false;
    }
    cJSON_ArrayForEach(t, list)
    {
        size_t at = load_item(l, i);
        um_str_t s;

        if (!load_string(l, t, &s)) {
            return false;
        }
        if (!um_str_eq(s, have[i])) {
            return load_fail(l, "is not what the proxy has");
        }
        load_up(l, at);
        i++;
    }
    load_up(l, mark);
    return true;
}

static bool
load_side(load_t *l, const cJSON *v, uint32_t cluster, uint32_t chunk,
    uint8_t side, uint32_t *place)
{
    um_str_t address;
    store_proxy_t *p;

    if (!load_string(l, v, &address)) {
        return false;
    }
    *place = store_find_proxy(l->s, address);
    if (*place == STORE_NONE) {
        return load_fail(l, "is not one of all_proxies");
    }
    p = &l->s->proxy[*place];
    if (p->cluster != STORE_NONE) {
        return load_fail(l, "is in another chunk");
    }
    p->cluster = cluster;
    p->chunk = chunk;
    p->side = side;
    return true;
}

static bool
load_sides(load_t *l, const cJSON *v, uint32_t cluster, uint32_t chunk,
    store_chunk_t *ch)
{
    store_t *s = l->s;
    um_str_t hosts[2];
    um_str_t nodes[4];
    size_t mark;
    const cJSON *list = load_member(l, v, "proxy_addresses", &mark);
    const cJSON *p;
    uint8_t i = 0;

    if (list == NULL || !load_array(l, list, 2)) {
        return false;
    }
    cJSON_ArrayForEach(p, list)
    {
        size_t at = load_item(l, i);
        const store_proxy_t *is;

        if (!load_side(l, p, cluster, chunk, i, &ch->proxy[i])) {
            return false;
        }
        is = &s->proxy[ch->proxy[i]];
        hosts[i] = store_text(s->host[is->host].name);
        nodes[2 * i] = is->ident->node[0];
        nodes[2 * i + 1] = is->ident->node[1];
        load_up(l, at);
        i++;
    }
    load_up(l, mark);

    if (!load_texts(l, v, "hosts", hosts, 2)
        || !load_texts(l, v, "node_addresses", nodes, 4))
    {
        return false;
    }
    return store_link_add(
               s, s->proxy[ch->proxy[0]].host, s->proxy[ch->proxy[1]].host)
           || load_nomem(l);
}

static bool
load_chunks(load_t *l, const cJSON *list, store_cluster_t *c, uint32_t place)
{
    uint8_t seen[UM_SLOTS] = { 0 };
    const cJSON *v;

    if (!load_array(l, list, SIZE_MAX)) {
        return false;
    }
    c->chunk = calloc((size_t) cJSON_GetArraySize(list) + 1, sizeof(*c->chunk));
    if (c->chunk == NULL) {
        return load_nomem(l);
    }

    cJSON_ArrayForEach(v, list)
    {
        size_t at = load_item(l, c->chunks);
        store_chunk_t *ch = &c->chunk[c->chunks++];

        if (!load_object(l, v) || !load_role(l, v, &ch->role)
            || !load_stable(l, v, ch, seen)
            || !load_sides(l, v, place, c->chunks - 1, ch))
        {
            return false;
        }
        load_up(l, at);
    }
    if (!load_tasks(l, list, c, seen)) {
        return false;
    }
    if (memchr(seen, 0, sizeof(seen)) != NULL) {
        return load_fail(l, "leave slots without an owner");
    }
    return true;
}

static bool
load_cluster(load_t *l, const cJSON *v, store_cluster_t *c, uint32_t place)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(v, "config");
    size_t mark;
    const cJSON *chunks;
    um_str_t name;

    if (!load_string_of(l, v, "name", &name)
        || !load_number_of(l, v, "epoch", 0, l->s->epoch, &c->epoch))
    {
        return false;
    }
    if (!um_str_eq(name, um_str_of(c->name))) {
        return load_fail(l, "has another name");
    }
    chunks = load_member(l, v, "chunks", &mark);
    if (chunks == NULL || !load_chunks(l, chunks, c, place)) {
        return false;
    }
    load_up(l, mark);
    c->config = store_config_default;
    if (config != NULL) {
        mark = load_down(l, "config");
        if (!load_config(l, config, &c->config)) {
            return false;
        }
        load_up(l, mark);
    }
    return true;
}

bool
load_clusters(load_t *l, const cJSON *all)
{
    const cJSON *v;

    if (!load_object(l, all)) {
        return false;
    }
    cJSON_ArrayForEach(v, all)
    {
        size_t at = load_down(l, v->string);
        um_str_t name = um_str_of(v->string);
        store_cluster_t *c;
        uint32_t place;

        if (!load_object(l, v)) {
            return false;
        }
        if (!store_name_ok(name)
            || store_find_cluster(l->s, name) != STORE_NONE) {
            return load_fail(l, "is an impossible name, or there twice");
        }
        c = store_cluster_new(name);
        if (c == NULL) {
            return load_nomem(l);
        }
        if (!store_enter_cluster(l->s, c, &place)) {
            store_cluster_put(c);
            return load_nomem(l);
        }
        c->stamp = l->s->serial;
        if (!load_cluster(l, v, c, place)) {
            return false;
        }
        load_up(l, at);
    }
    return true;
}
