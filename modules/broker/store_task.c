/*
 * store_task.c -- slots on the move: planned, committed, taken back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <string.h>

/* The cluster, its own and not busy; for those who plan. */
static store_rc_t
want_idle(store_t *s, um_str_t name, store_cluster_t **c)
{
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_busy(s->cluster[place])) {
        return STORE_MIGRATION_RUNNING;
    }
    *c = store_cluster_own(s, place);
    return *c == NULL ? STORE_NO_MEMORY : STORE_OK;
}

bool
store_part_missing(const store_cluster_t *c)
{
    for (uint32_t i = 0; i < c->chunks; i++) {
        if (c->chunk[i].stable[0] == NULL || c->chunk[i].stable[1] == NULL) {
            return true;
        }
    }
    return false;
}

store_rc_t
store_expand(store_t *s, const store_env_t *e, um_str_t name)
{
    store_cluster_t *c;
    store_rc_t rc = want_idle(s, name, &c);

    if (rc == STORE_OK) {
        rc = store_plan_expand(c, s->epoch + 1);
    }
    if (rc == STORE_OK) {
        (void) store_tasks_start(c, e->migration_limit);
        store_touch(s, c);
    }
    return rc;
}

store_rc_t
store_shrink(store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes)
{
    store_cluster_t *c;
    store_rc_t rc = want_idle(s, name, &c);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_part_missing(c)) {
        return STORE_FREE_NODE_FOUND;
    }
    if (nodes == 0 || nodes % 4 != 0 || nodes / 4 >= c->chunks) {
        return STORE_INVALID_NODE_NUMBER;
    }

    rc = store_plan_shrink(c, (uint32_t) (nodes / 4), s->epoch + 1);
    if (rc == STORE_OK) {
        (void) store_tasks_start(c, e->migration_limit);
        store_touch(s, c);
    }
    return rc;
}

bool
store_task_settle(store_cluster_t *c, uint32_t i, unsigned end)
{
    store_task_t *t = &c->task[i];
    store_ranges_t **part = &c->chunk[t->chunk[end]].stable[t->part[end]];
    store_ranges_t *both = store_ranges_merge(*part, t->ranges);

    if (both == NULL) {
        return false;
    }

    store_ranges_put(*part);
    *part = both;
    store_ranges_put(t->ranges);
    c->tasks--;
    memmove(t, t + 1, (c->tasks - i) * sizeof(*t));
    return true;
}

/* The task a report is about, in a cluster that may be changed. */
static store_rc_t
want_task(
    store_t *s, const store_task_args_t *a, store_cluster_t **c, uint32_t *i)
{
    uint32_t place;
    store_rc_t rc;

    if (!store_name_ok(a->cluster)) {
        return STORE_INVALID_CLUSTER_NAME;
    }
    if (a->tag == STORE_TAG_NONE) {
        return STORE_INVALID_MIGRATION_TASK;
    }
    rc = store_want_cluster(s, a->cluster, &place);
    if (rc != STORE_OK) {
        return rc;
    }

    *c = s->cluster[place];
    for (*i = 0; *i < (*c)->tasks; (*i)++) {
        const store_task_t *t = &(*c)->task[*i];

        if (t->epoch == a->epoch
            && store_ranges_same(t->ranges, a->ranges, a->n)) {
            *c = store_cluster_own(s, place);
            return *c == NULL ? STORE_NO_MEMORY : STORE_OK;
        }
    }
    return STORE_MIGRATION_TASK_NOT_FOUND;
}

store_rc_t
store_commit(store_t *s, const store_env_t *e, const store_task_args_t *a)
{
    store_cluster_t *c;
    uint32_t i;
    store_rc_t rc = want_task(s, a, &c, &i);

    if (rc != STORE_OK) {
        return rc;
    }
    /* The destination has nothing of it any more: it cannot be complete.  A
     * source that had gone back may have begun anew since, when it was started
     * again, and then what the proxies say of the slots is so. */
    if (c->task[i].undone[1]) {
        return STORE_MIGRATION_TASK_NOT_FOUND;
    }
    if (!store_task_settle(c, i, 1)) {
        return STORE_NO_MEMORY;
    }
    (void) store_tasks_start(c, e->migration_limit);
    store_touch(s, c);
    return STORE_OK;
}

store_rc_t
store_undone(store_t *s, const store_task_args_t *a)
{
    unsigned side = a->tag == STORE_TAG_IMPORTING;
    store_cluster_t *c;
    uint32_t i;
    store_rc_t rc = want_task(s, a, &c, &i);

    if (rc != STORE_OK) {
        return rc;
    }
    if (!c->task[i].cancelling) {
        return STORE_MIGRATION_TASK_NOT_FOUND;
    }
    if (c->task[i].undone[side]) {
        return STORE_OK;
    }

    c->task[i].undone[side] = true;
    if (!c->task[i].undone[!side]) {
        store_changed(s); /* what is shown is the same */
        return STORE_OK;
    }
    if (!store_task_settle(c, i, 0)) {
        return STORE_NO_MEMORY;
    }
    store_touch(s, c);
    return STORE_OK;
}

/* Do both proxies of the task know our protocol? */
static bool
can_cancel(const store_t *s, const store_cluster_t *c, const store_task_t *t)
{
    for (unsigned end = 0; end < 2; end++) {
        const store_chunk_t *ch = &c->chunk[t->chunk[end]];
        unsigned node = store_part_node(ch->role, t->part[end]);

        if (s->proxy[ch->proxy[node / 2]].protocol == 0) {
            return false;
        }
    }
    return true;
}

/* Mark what has started, take back what has not. */
static bool
cancel_tasks(store_cluster_t *c)
{
    for (uint32_t i = c->tasks; i-- > 0;) {
        if (c->task[i].started) {
            c->task[i].cancelling = true;
        } else if (!store_task_settle(c, i, 0)) {
            return false;
        }
    }
    return true;
}

store_rc_t
store_cancel(store_t *s, um_str_t name)
{
    store_cluster_t *c;
    uint32_t place;
    bool any = false;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    c = s->cluster[place];
    if (!store_busy(c)) {
        return STORE_MIGRATION_TASK_NOT_FOUND;
    }

    for (uint32_t i = 0; i < c->tasks; i++) {
        any |= !c->task[i].cancelling;
        if (c->task[i].started && !can_cancel(s, c, &c->task[i])) {
            return STORE_CANCEL_NOT_SUPPORTED;
        }
    }
    if (any || c->scale_to != 0) {
        c = store_cluster_own(s, place);
        if (c == NULL || !cancel_tasks(c)) {
            return STORE_NO_MEMORY;
        }
        c->scale_to = 0;
        store_touch(s, c);
    }
    return STORE_OK;
}
