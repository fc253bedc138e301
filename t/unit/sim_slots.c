/*
 * sim_slots.c -- slots on the move: planned, done, undone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim_ops.h"

#include <stdio.h>
#include <string.h>

#define DID(op, ...)                                                           \
    (void) snprintf((op)->m->did, sizeof((op)->m->did), __VA_ARGS__)

static sim_cluster_t *
cluster(const sim_op_t *op)
{
    return &op->m->now->cluster[op->c];
}

static bool
want(sim_op_t *op, store_rc_t rc)
{
    return op->rc == rc
           || sim_fail(op->m, "%s: %s, not %s", op->m->did,
               store_rc_name(op->rc), store_rc_name(rc));
}

/* How many slots each part has; true: the first `used` parts have all, and
 * none has two more than another. */
static bool
is_even(const sim_cluster_t *c, unsigned used)
{
    unsigned n[2 * SIM_CHUNKS] = { 0 };

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        n[c->owner[slot]]++;
    }

    for (unsigned i = 0; i < 2 * c->chunks; i++) {
        unsigned least = i < used ? UM_SLOTS / used : 0;

        if (n[i] != least && (i >= used || n[i] != least + 1)) {
            return false;
        }
    }

    return true;
}

unsigned
sim_unused(const sim_cluster_t *c)
{
    bool used[SIM_CHUNKS] = { false };
    unsigned n = 0;

    for (uint32_t slot = 0; slot < UM_SLOTS && c->there; slot++) {
        used[c->owner[slot] / 2] = true;
    }

    for (unsigned i = 0; i < c->chunks; i++) {
        n += !used[i];
    }

    return n;
}

/*
 * Chunks without slots may have gone; those with slots are still there, in the
 * order they had, and what is known of them holds under new numbers.
 */
bool
sim_remap(sim_op_t *op)
{
    sim_t *m = op->m;
    const sim_cluster_t *old = &m->was->cluster[op->c];
    const sim_cluster_t *c = &m->now->cluster[op->c];
    uint16_t to[2 * SIM_CHUNKS] = { 0 };
    bool used[SIM_CHUNKS] = { false };
    unsigned at = 0;

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        used[old->owner[slot] / 2] = true;
    }

    for (unsigned i = 0; i < old->chunks; i++) {
        if (!used[i]) {
            continue;
        }

        while (at < c->chunks
               && memcmp(c->chunk[at].proxy, old->chunk[i].proxy,
                      sizeof(old->chunk[i].proxy))
                      != 0)
        {
            at++;
        }

        if (at == c->chunks) {
            return sim_fail(m, "%s: chunk %u is lost", m->did, i);
        }

        to[2 * i] = (uint16_t) (2 * at);
        to[2 * i + 1] = (uint16_t) (2 * at + 1);
    }

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        m->plan[op->c].owner[slot] = to[m->plan[op->c].owner[slot]];
    }

    return true;
}

static bool
has_empty_part(const sim_cluster_t *c)
{
    bool used[2 * SIM_CHUNKS] = { false };

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        used[c->owner[slot]] = true;
    }

    for (unsigned i = 0; i < 2 * c->chunks; i++) {
        if (!used[i]) {
            return true;
        }
    }

    return false;
}

/* --- plans ---------------------------------------------------------------- */

bool
sim_expand(sim_op_t *op)
{
    DID(op, "expand c%u", op->c);
    op->rc = store_expand(op->next, &op->m->e, sim_name(op->c));
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (op->busy) {
        return want(op, STORE_MIGRATION_RUNNING);
    }

    /* What was taken back half-way may be uneven without an empty part. */
    op->goal = 2 * cluster(op)->chunks;
    return (op->rc == STORE_SLOTS_ALREADY_EVEN && !has_empty_part(cluster(op)))
           || want(op, STORE_OK);
}

bool
sim_shrink(sim_op_t *op)
{
    uint64_t have = 4 * (uint64_t) cluster(op)->chunks;
    uint64_t nodes = op->r[3] % 5 * 4 + (op->r[2] % 16 == 0);

    DID(op, "shrink c%u to %u nodes", op->c, (unsigned) nodes);
    op->rc = store_shrink(op->next, &op->m->e, sim_name(op->c), nodes);
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (op->busy) {
        return want(op, STORE_MIGRATION_RUNNING);
    }

    op->goal = (unsigned) nodes / 2;
    if (has_empty_part(cluster(op))) {
        return want(op, STORE_FREE_NODE_FOUND);
    }

    return want(op, nodes == 0 || nodes % 4 != 0 || nodes >= have
                        ? STORE_INVALID_NODE_NUMBER
                        : STORE_OK);
}

bool
sim_auto(sim_op_t *op)
{
    uint64_t nodes = op->r[3] % 7 * 4 + (op->r[2] % 16 == 0);

    DID(op, "scale c%u to %u nodes", op->c, (unsigned) nodes);
    op->rc = store_auto(op->next, &op->m->e, sim_name(op->c), nodes);
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (op->busy) {
        return want(op, STORE_MIGRATION_RUNNING);
    }

    if (nodes == 0 || nodes % 4 != 0) {
        return want(op, STORE_INVALID_NODE_NUMBER);
    }

    op->goal = (unsigned) nodes / 2;
    return op->rc == STORE_NO_AVAILABLE_RESOURCE
           || op->rc == STORE_PROXY_RESOURCE_OUT_OF_ORDER || want(op, STORE_OK);
}

/* The proxies have the metadata, or not yet. */
bool
sim_ready(sim_op_t *op)
{
    uint64_t epoch = 0;
    bool scaling = sim_scaling(op->m, op->c, &epoch);
    bool late = op->r[2] % 4 == 0;

    DID(op, "c%u is ready at %llu%s", op->c, (unsigned long long) epoch,
        late ? ", and has gone on" : "");
    op->rc =
        store_scaling_ready(op->next, &op->m->e, sim_name(op->c), epoch - late);
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (!scaling) {
        return want(op, STORE_MIGRATION_TASK_NOT_FOUND);
    }

    op->goal = 2 * cluster(op)->chunks;
    return (epoch == cluster(op)->epoch
               || sim_fail(op->m, "%s: it is at another", op->m->did))
           && want(op, late ? STORE_RETRY : STORE_OK);
}

bool
sim_abandon(sim_op_t *op)
{
    uint64_t epoch;
    bool scaling = sim_scaling(op->m, op->c, &epoch);

    DID(op, "give up scaling c%u", op->c);
    op->rc = store_scaling_abandon(
        op->next, sim_name(op->c), um_lit("no proxy answers"));
    return op->rc == STORE_OK ? scaling || want(op, STORE_RETRY)
                              : !scaling || want(op, STORE_OK);
}

/* A plan leaves what is there where it is, and says what is to come. */
bool
sim_planned(sim_op_t *op)
{
    sim_t *m = op->m;
    const sim_cluster_t *old = &m->was->cluster[op->c];
    const sim_cluster_t *c = &m->now->cluster[op->c];
    unsigned used = 2 * (old->chunks - sim_unused(old));
    uint64_t epoch;

    if (op->rc == STORE_OK && old->there && !sim_remap(op)) {
        return false;
    }

    if (op->rc != STORE_OK || !old->there || old->tasks > 0 || c->tasks == 0) {
        return true;
    }

    if (sim_scaling(m, op->c, &epoch)) {
        return sim_fail(m, "%s: planned, but still scaling", m->did);
    }

    for (unsigned i = 0; i < c->tasks; i++) {
        if (c->task[i].epoch != c->epoch || c->task[i].to >= op->goal) {
            return sim_fail(m, "%s: task %u", m->did, i);
        }
    }

    m->plan[op->c].goal = is_even(old, used) ? op->goal : 0;
    m->plan[op->c].filled = true;
    return true;
}

/* --- tasks ---------------------------------------------------------------- */

/* A task as a proxy tells of it; NULL: there is none. */
static const sim_task_t *
some_task(sim_op_t *op, store_task_args_t *a)
{
    static store_range_t nothing = { 0, 1 };
    const sim_cluster_t *c = cluster(op);
    const sim_task_t *t = c->tasks == 0 ? NULL : &c->task[op->r[2] % c->tasks];

    a->cluster = sim_name(op->c);
    a->tag = op->r[3] % 2 == 0 ? STORE_TAG_MIGRATING : STORE_TAG_IMPORTING;
    a->epoch = t == NULL ? 1 : t->epoch;
    a->ranges = t == NULL ? &nothing : t->range;
    a->n = t == NULL ? 1 : t->ranges;
    return t;
}

/* What is right but for one thing is not that task. */
static bool
spoil(sim_op_t *op, store_task_args_t *a)
{
    switch (op->r[3] >> 8 & 15) {
    case 0:
        a->epoch++;
        return true;

    case 1:
        a->n--;
        return true;

    default:
        return false;
    }
}

bool
sim_commit(sim_op_t *op)
{
    store_task_args_t a;
    const sim_task_t *t = some_task(op, &a);
    bool spoilt = spoil(op, &a);

    if ((op->r[3] >> 12 & 15) == 0) {
        a.tag = STORE_TAG_NONE;
    }

    DID(op, "commit c%u, task %u at %llu%s%s", op->c,
        t == NULL ? 0 : (unsigned) (t - cluster(op)->task),
        (unsigned long long) a.epoch, t == NULL ? ", none" : "",
        spoilt ? ", spoilt" : "");
    op->rc = store_commit(op->next, &op->m->e, &a);

    if (a.tag == STORE_TAG_NONE) {
        return want(op, STORE_INVALID_MIGRATION_TASK);
    }

    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (op->rc == STORE_OK && t != NULL && !spoilt) {
        op->task = *t;
        return true;
    }

    /* One that was undone by one side is not to be had any more. */
    return want(op, t == NULL || spoilt || op->m->plan[op->c].cancelling
                        ? STORE_MIGRATION_TASK_NOT_FOUND
                        : STORE_OK);
}

/* Its slots have gone over; the last one leaves all as it was planned. */
bool
sim_committed(sim_op_t *op)
{
    sim_t *m = op->m;
    sim_plan_t *plan = &m->plan[op->c];
    const sim_cluster_t *c = &m->now->cluster[op->c];

    if (op->rc != STORE_OK) {
        return true;
    }

    for (size_t i = 0; i < op->task.ranges; i++) {
        const store_range_t *r = &op->task.range[i];

        for (uint32_t slot = r->start; slot <= r->end; slot++) {
            plan->owner[slot] = op->task.to;
        }
    }

    plan->filled = true;
    if (c->tasks != m->was->cluster[op->c].tasks - 1) {
        return sim_fail(m, "%s: %u tasks are left", m->did, c->tasks);
    }

    return c->tasks > 0 || plan->goal == 0 || is_even(c, plan->goal)
           || sim_fail(m, "%s: it is not even", m->did);
}

/* From now on more or fewer may start; what has started goes on. */
bool
sim_limit(sim_op_t *op)
{
    op->m->e.migration_limit = op->r[2] % 5;
    op->rc = STORE_OK;
    DID(op, "limit %u", (unsigned) op->m->e.migration_limit);
    return true;
}

bool
sim_start(sim_op_t *op)
{
    uint64_t serial;

    DID(op, "start what the limit allows");
    op->rc = store_start(op->next, &op->m->e);
    serial = store_serial(op->next);
    return want(op, STORE_OK)
           && ((store_start(op->next, &op->m->e) == STORE_OK
                   && store_serial(op->next) == serial)
               || sim_fail(op->m, "%s: again, it is no change", op->m->did));
}

bool
sim_started(sim_op_t *op)
{
    for (unsigned c = 0; c < SIM_CLUSTERS; c++) {
        op->m->plan[c].filled = true;
    }

    return true;
}

bool
sim_cancel(sim_op_t *op)
{
    sim_t *m = op->m;
    bool spoken = true;

    for (unsigned k = 0; k < m->proxies; k++) {
        spoken =
            spoken && (m->now->proxy[k].cluster != op->c || m->protocol[k] > 0);
    }

    DID(op, "cancel c%u", op->c);
    op->rc = store_cancel(op->next, sim_name(op->c));
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    if (!op->busy) {
        return want(op, STORE_MIGRATION_TASK_NOT_FOUND);
    }

    return (!spoken && op->rc == STORE_CANCEL_NOT_SUPPORTED)
           || want(op, STORE_OK);
}

bool
sim_cancelled(sim_op_t *op)
{
    sim_t *m = op->m;
    uint64_t epoch;

    if (op->rc != STORE_OK) {
        return true;
    }

    m->plan[op->c].goal = 0;
    m->plan[op->c].cancelling = true;
    return !sim_scaling(m, op->c, &epoch)
           || sim_fail(m, "%s: it still scales", m->did);
}

bool
sim_undone(sim_op_t *op)
{
    store_task_args_t a;
    const sim_task_t *t = some_task(op, &a);
    bool spoilt = spoil(op, &a);

    DID(op, "undone c%u, task %u%s%s, %s", op->c,
        t == NULL ? 0 : (unsigned) (t - cluster(op)->task),
        t == NULL ? ", none" : "", spoilt ? ", spoilt" : "",
        a.tag == STORE_TAG_MIGRATING ? "source" : "destination");
    op->rc = store_undone(op->next, &a);
    if (!cluster(op)->there) {
        return want(op, STORE_CLUSTER_NOT_FOUND);
    }

    return want(op, t != NULL && !spoilt && op->m->plan[op->c].cancelling
                        ? STORE_OK
                        : STORE_MIGRATION_TASK_NOT_FOUND);
}
