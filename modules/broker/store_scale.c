/*
 * store_scale.c -- scaling to a number of nodes, in steps that survive.
 *
 *   (none)  -> waiting  [store_auto: nodes are added]
 *   waiting -> (none)   [store_scaling_ready: the expand is planned]
 *   waiting -> (none)   [store_scaling_abandon: with a reason to show]
 *   waiting -> (none)   [store_cancel, store_remove]
 *
 *   waiting  the new proxies may not have the cluster's metadata yet; slots
 *            that move to one of them would find nobody there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include "meta/um_utf8.h"

#define REASON_MAX 200

static store_rc_t
auto_more(store_t *s, const store_env_t *e, uint32_t place, uint64_t nodes)
{
    store_cluster_t *c = s->cluster[place];
    uint64_t more = nodes - (uint64_t) c->chunks * 4;
    store_rc_t rc;

    if (nodes / 2 > UM_SLOTS) {
        return STORE_INVALID_NODE_NUMBER;
    }
    rc = store_alloc_chunks(s, e, c, place, more);
    if (rc == STORE_OK) {
        c->scale_to = nodes;
        c->scale_since = e->now;
    }
    return rc;
}

/* Not more: the proxies know all there is to know. */
static store_rc_t
auto_plan(store_t *s, const store_env_t *e, store_cluster_t *c, uint64_t nodes,
    bool *changed)
{
    store_rc_t rc;

    if (nodes < (uint64_t) c->chunks * 4) {
        rc = store_plan_shrink(c, (uint32_t) (nodes / 4), s->epoch + 1);
    } else if (store_part_missing(c)) {
        /* What a plan that was taken back half-way leaves. */
        rc = store_plan_expand(c, s->epoch + 1);
    } else {
        return STORE_OK;
    }
    if (rc == STORE_OK) {
        (void) store_tasks_start(c, e->migration_limit);
        *changed = true;
    }
    return rc == STORE_SLOTS_ALREADY_EVEN ? STORE_OK : rc;
}

static store_rc_t
auto_run(store_t *s, const store_env_t *e, uint32_t place, uint64_t nodes)
{
    store_cluster_t *c = store_cluster_own(s, place);
    bool changed;
    store_rc_t rc;

    if (c == NULL) {
        return STORE_NO_MEMORY;
    }

    changed = store_chunks_drop_empty(s, c) || c->scale_error != NULL;
    store_text_put(c->scale_error);
    c->scale_error = NULL;
    if (nodes > (uint64_t) c->chunks * 4) {
        rc = auto_more(s, e, place, nodes);
        changed = true;
    } else {
        rc = auto_plan(s, e, c, nodes, &changed);
    }
    if (rc == STORE_OK && changed) {
        store_touch(s, c);
    }
    return rc;
}

store_rc_t
store_auto(store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes)
{
    store_t *t;
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_busy(s->cluster[place])) {
        return STORE_MIGRATION_RUNNING;
    }
    if (nodes == 0 || nodes % 4 != 0) {
        return STORE_INVALID_NODE_NUMBER;
    }

    /* The second step may fail when the first is done. */
    t = store_copy(s);
    if (t == NULL) {
        return STORE_NO_MEMORY;
    }
    rc = auto_run(t, e, place, nodes);
    if (rc == STORE_OK) {
        store_t swap = *s;

        *s = *t;
        *t = swap;
    }
    store_free(t);
    return rc;
}

um_rc_t
store_scaling(const store_t *s, size_t i, store_scaling_t *in)
{
    for (uint32_t k = 0; k < s->by_name.n; k++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[k]];

        if (c->scale_to != 0 && i-- == 0) {
            *in = (store_scaling_t){
                .name = um_str_of(c->name),
                .nodes = c->scale_to,
                .epoch = c->epoch,
                .since = c->scale_since,
            };
            return UM_OK;
        }
    }
    return UM_DONE;
}

um_rc_t
store_cluster_proxy(
    const store_t *s, um_str_t name, size_t i, um_str_t *address)
{
    uint32_t place = store_find_cluster(s, name);
    const store_cluster_t *c;

    if (place == STORE_NONE) {
        return UM_DONE;
    }
    c = s->cluster[place];
    if (i / 2 >= c->chunks) {
        return UM_DONE;
    }
    *address = store_address(s, c->chunk[i / 2].proxy[i % 2]);
    return UM_OK;
}

/* The cluster, if it has an intent. */
static store_rc_t
want_scaling(store_t *s, um_str_t name, store_cluster_t **c)
{
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (s->cluster[place]->scale_to == 0) {
        return STORE_MIGRATION_TASK_NOT_FOUND;
    }
    *c = store_cluster_own(s, place);
    return *c == NULL ? STORE_NO_MEMORY : STORE_OK;
}

store_rc_t
store_scaling_ready(
    store_t *s, const store_env_t *e, um_str_t name, uint64_t epoch)
{
    store_cluster_t *c;
    store_rc_t rc = want_scaling(s, name, &c);

    if (rc != STORE_OK) {
        return rc;
    }
    if (epoch != c->epoch) {
        return STORE_RETRY;
    }
    rc = store_plan_expand(c, s->epoch + 1);
    if (rc == STORE_OK || rc == STORE_SLOTS_ALREADY_EVEN) {
        c->scale_to = 0;
        (void) store_tasks_start(c, e->migration_limit);
        store_touch(s, c);
        rc = STORE_OK;
    }
    return rc;
}

store_rc_t
store_scaling_abandon(store_t *s, um_str_t name, um_str_t reason)
{
    store_cluster_t *c;
    store_text_t *t;
    store_rc_t rc = want_scaling(s, name, &c);

    if (rc != STORE_OK) {
        return rc;
    }
    reason.len = um_min(reason.len, REASON_MAX);
    if (!um_utf8_valid(reason)) {
        reason = um_lit("unreadable");
    }
    t = store_text_new(reason);
    if (t == NULL) {
        return STORE_NO_MEMORY;
    }
    store_text_put(c->scale_error);
    c->scale_error = t;
    c->scale_to = 0;
    store_changed(s); /* what is shown is the same */
    return STORE_OK;
}
