/*
 * store_cluster.c -- clusters come and go, grow by empty chunks, shrink by
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

static bool
number_ok(uint64_t nodes)
{
    return nodes > 0 && nodes % 4 == 0;
}

store_rc_t
store_create(store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes)
{
    store_cluster_t *c;
    uint32_t place;
    store_rc_t rc;

    if (s->ordered && s->by_name.n > 0) {
        return STORE_ONE_CLUSTER_ALREADY_EXISTED;
    }
    if (!store_name_ok(name)) {
        return STORE_INVALID_CLUSTER_NAME;
    }
    if (store_find_cluster(s, name) != STORE_NONE) {
        return STORE_ALREADY_EXISTED;
    }
    /* More masters than slots: the last would have none. */
    if (!number_ok(nodes) || nodes / 2 > UM_SLOTS) {
        return STORE_INVALID_NODE_NUMBER;
    }

    c = store_cluster_new(name);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    if (!store_enter_cluster(s, c, &place)) {
        store_cluster_put(c);
        return STORE_NO_MEMORY;
    }
    c->config = e->config;
    rc = store_alloc_chunks(s, e, c, place, nodes);
    if (rc == STORE_OK && !store_plan_first(c)) {
        rc = STORE_NO_MEMORY;
    }
    if (rc == STORE_OK) {
        store_touch(s, c);
    } else if (rc != STORE_NO_MEMORY) {
        store_leave_cluster(s, place);
    }
    return rc;
}

store_rc_t
store_remove(store_t *s, um_str_t name)
{
    store_cluster_t *c;
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    c = store_cluster_own(s, place);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }

    for (uint32_t i = 0; i < c->chunks; i++) {
        store_chunk_release(s, &c->chunk[i]);
    }
    store_leave_cluster(s, place);
    store_bump(s);
    return STORE_OK;
}

/* Chunks from `old` on are new: their nodes, as JSON. */
static store_rc_t
tell_nodes(
    const store_t *s, const store_cluster_t *c, uint32_t old, um_sbuf_t *out)
{
    store_shape_t sh;

    if (out == NULL) {
        return STORE_OK;
    }
    if (!store_shape_init(&sh, s, c, 0)) {
        store_shape_deinit(&sh);
        return STORE_NO_MEMORY;
    }

    um_sbuf_addz(out, "[");
    for (uint32_t i = old; i < c->chunks; i++) {
        for (unsigned n = 0; n < 4; n++) {
            um_sbuf_addz(out, i > old || n > 0 ? "," : "");
            store_json_node(&sh, i, n, out);
        }
    }
    um_sbuf_addz(out, "]");
    store_shape_deinit(&sh);
    return out->failed ? STORE_NO_MEMORY : STORE_OK;
}

store_rc_t
store_add_nodes(store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes,
    um_sbuf_t *out)
{
    store_cluster_t *c;
    uint32_t place;
    uint32_t old;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_busy(s->cluster[place])) {
        return STORE_MIGRATION_RUNNING;
    }
    if (!number_ok(nodes)
        || nodes / 2 > UM_SLOTS - 2 * s->cluster[place]->chunks) {
        return STORE_INVALID_NODE_NUMBER;
    }

    c = store_cluster_own(s, place);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    old = c->chunks;
    rc = store_alloc_chunks(s, e, c, place, nodes);
    if (rc != STORE_OK) {
        return rc;
    }
    store_touch(s, c);
    return tell_nodes(s, c, old, out);
}

store_rc_t
store_scale_nodes(store_t *s, const store_env_t *e, um_str_t name,
    uint64_t total, um_sbuf_t *out)
{
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);
    uint64_t now;

    if (rc != STORE_OK) {
        return rc;
    }
    now = (uint64_t) s->cluster[place]->chunks * 4;
    if (total <= now) {
        return STORE_NODE_NUM_ALREADY_ENOUGH;
    }
    return store_add_nodes(s, e, name, total - now, out);
}

static bool
chunk_empty(const store_cluster_t *c, uint32_t chunk)
{
    return c->chunk[chunk].stable[0] == NULL
           && c->chunk[chunk].stable[1] == NULL;
}

bool
store_chunks_drop_empty(store_t *s, store_cluster_t *c)
{
    uint32_t kept = 0;
    bool any;

    for (uint32_t i = 0; i < c->chunks; i++) {
        if (chunk_empty(c, i)) {
            store_chunk_release(s, &c->chunk[i]);
            continue;
        }
        c->chunk[kept] = c->chunk[i];
        s->proxy[c->chunk[kept].proxy[0]].chunk = kept;
        s->proxy[c->chunk[kept].proxy[1]].chunk = kept;
        kept++;
    }
    any = kept < c->chunks;
    c->chunks = kept;
    return any;
}

store_rc_t
store_free_nodes(store_t *s, um_str_t name)
{
    store_cluster_t *c;
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_busy(s->cluster[place])) {
        return STORE_MIGRATION_RUNNING;
    }

    c = store_cluster_own(s, place);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    if (!store_chunks_drop_empty(s, c)) {
        return STORE_FREE_NODE_NOT_FOUND;
    }
    store_touch(s, c);
    return STORE_OK;
}
