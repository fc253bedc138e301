/*
 * sim_step.c -- one step of the simulation: what must hold after anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim_ops.h"

#include <stdio.h>
#include <string.h>

/* --- the store is whole ----------------------------------------------------
 */

/* From its dump it is the same again. */
static bool
round_trip(sim_t *m)
{
    um_str_t text = { m->text.data, m->text.len };
    um_sbuf_t out = { 0 };
    store_t *again = NULL;
    store_why_t why = { 0 };
    store_rc_t rc = store_load(text, false, &m->e, &again, &why);
    const char *bad;
    bool ok;

    if (rc != STORE_OK) {
        return sim_fail(m, "its dump is refused: %s: %s %s", store_rc_name(rc),
            why.field, why.message == NULL ? "" : why.message);
    }

    store_dump(again, &out);
    bad = store_audit(again);
    ok = bad == NULL && um_str_eq(text, (um_str_t){ out.data, out.len });
    um_sbuf_deinit(&out);
    store_free(again);

    return ok
           || sim_fail(
               m, "loaded again it is another: %s", bad ? bad : "its dump");
}

/* What is counted for metrics is what there is. */
static bool
counts_ok(sim_t *m)
{
    store_counts_t n, w = { 0 };
    bool host[SIM_PROXIES] = { false };

    for (unsigned k = 0; k < m->proxies; k++) {
        const sim_proxy_t *p = &m->now->proxy[k];

        w.proxies += p->there;
        w.free += sim_maybe_spare(m->now, k);
        w.failed += p->failed;
        w.waiting += p->failed && p->cluster != SIM_NOBODY;
        host[k % m->hosts] = host[k % m->hosts] || p->there;
    }

    for (unsigned h = 0; h < m->hosts; h++) {
        w.hosts += host[h];
    }

    for (unsigned c = 0; c < SIM_CLUSTERS; c++) {
        uint64_t epoch;

        w.clusters += m->now->cluster[c].there;
        w.migrations += m->now->cluster[c].tasks;
        w.scaling += m->now->cluster[c].there && sim_scaling(m, c, &epoch);
    }

    store_count(m->s, &n);
    if (n.proxies != w.proxies || n.free != w.free || n.failed != w.failed
        || n.hosts != w.hosts || n.clusters != w.clusters
        || n.migrations != w.migrations || n.scaling != w.scaling)
    {
        return sim_fail(m,
            "counts: %u/%u proxies, %u/%u free, %u/%u failed, %u/%u hosts, "
            "%u/%u clusters, %u/%u tasks, %u/%u scaling",
            n.proxies, w.proxies, n.free, w.free, n.failed, w.failed, n.hosts,
            w.hosts, n.clusters, w.clusters, n.migrations, w.migrations,
            n.scaling, w.scaling);
    }

    /* Nobody who failed in a chunk is forgotten. */
    return n.waiting == w.waiting
           || sim_fail(
               m, "%u wait for a replacement, not %u", n.waiting, w.waiting);
}

/* --- against what it was ---------------------------------------------------
 */

/* The slots of a new cluster, one run per part. */
static bool
first_slots_ok(sim_t *m, unsigned at)
{
    const sim_cluster_t *c = &m->now->cluster[at];
    unsigned parts = 2 * c->chunks;
    uint32_t slot = 0;

    for (unsigned i = 0; i < parts; i++) {
        uint32_t n = UM_SLOTS / parts + (i < UM_SLOTS % parts);

        for (; n > 0; n--, slot++) {
            if (c->owner[slot] != i) {
                return sim_fail(m, "%s: slot %u is part %u's", m->did, slot,
                    c->owner[slot]);
            }
        }
    }

    return c->tasks == 0 || sim_fail(m, "%s: with tasks", m->did);
}

static unsigned
end_of(const sim_cluster_t *c, unsigned part)
{
    const sim_chunk_t *ch = &c->chunk[part / 2];
    unsigned node = sim_master(ch->role, part % 2);

    return 2u * ch->proxy[node / 2] + node % 2;
}

/* A task of which an end is another node now is another task to proxies. */
static bool
tasks_renewed(sim_t *m, unsigned at)
{
    const sim_cluster_t *old = &m->was->cluster[at];
    const sim_cluster_t *c = &m->now->cluster[at];

    for (unsigned i = 0; i < old->tasks * c->tasks; i++) {
        const sim_task_t *x = &old->task[i / c->tasks];
        const sim_task_t *y = &c->task[i % c->tasks];

        if (x->from != y->from || x->to != y->to || x->ranges != y->ranges
            || memcmp(x->range, y->range, x->ranges * sizeof(x->range[0])) != 0)
        {
            continue;
        }

        if ((end_of(old, x->from) != end_of(c, x->from)
                || end_of(old, x->to) != end_of(c, x->to))
            && y->epoch <= old->epoch)
        {
            return sim_fail(m, "%s: c%u: task %u>%u goes on as of epoch %llu",
                m->did, at, x->from, x->to, (unsigned long long) y->epoch);
        }
    }

    return true;
}

static bool
cluster_after(sim_t *m, unsigned at)
{
    const sim_cluster_t *old = &m->was->cluster[at];
    const sim_cluster_t *c = &m->now->cluster[at];
    sim_plan_t *plan = &m->plan[at];

    if (!c->there) {
        memset(plan, 0, sizeof(*plan));
        return true;
    }

    if (!old->there) {
        memcpy(plan->owner, c->owner, sizeof(plan->owner));
        return first_slots_ok(m, at);
    }

    if (c->epoch < old->epoch
        || (c->hash != old->hash && c->epoch == old->epoch)) {
        return sim_fail(m, "%s: c%u changed, epoch %llu after %llu", m->did, at,
            (unsigned long long) c->epoch, (unsigned long long) old->epoch);
    }

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        if (plan->owner[slot] != c->owner[slot]) {
            return sim_fail(m, "%s: c%u: slot %u is part %u's, not %u's",
                m->did, at, slot, c->owner[slot], plan->owner[slot]);
        }
    }

    plan->cancelling = plan->cancelling && c->tasks > 0;
    return tasks_renewed(m, at);
}

static bool
after(sim_op_t *op, sim_do_t own)
{
    sim_t *m = op->m;
    const char *bad = store_audit(m->s);

    if (bad != NULL) {
        return sim_fail(m, "%s: audit: %s", m->did, bad);
    }

    if (m->now->epoch < m->was->epoch) {
        return sim_fail(m, "%s: the epoch falls", m->did);
    }

    for (unsigned c = 0; c < SIM_CLUSTERS; c++) {
        m->plan[c].filled = false;
    }

    if (own != NULL && !own(op)) {
        return false;
    }

    for (unsigned c = 0; c < SIM_CLUSTERS; c++) {
        if (!cluster_after(m, c)) {
            return false;
        }
    }

    return counts_ok(m) && sim_views(m) && round_trip(m);
}

/* --- one step --------------------------------------------------------------
 */

static bool
same(const um_sbuf_t *a, const um_sbuf_t *b)
{
    return um_str_eq(
        (um_str_t){ a->data, a->len }, (um_str_t){ b->data, b->len });
}

/* `next` is what it may be: m->s has not moved, nothing changed in silence,
 * and what failed changed nothing.  *other: it is another state. */
static bool
moved(sim_op_t *op, bool *other)
{
    sim_t *m = op->m;
    um_sbuf_t old = { 0 }, out = { 0 };
    bool ok = true;

    store_dump(m->s, &old);
    store_dump(op->next, &out);
    *other = op->quiet || store_serial(op->next) != store_serial(m->s);

    if (!same(&old, &m->text)) {
        ok = sim_fail(m, "%s: the copied store changed, too", m->did);
    } else if (!*other && !same(&out, &m->text)) {
        ok = sim_fail(m, "%s: a change under the same serial", m->did);
    } else if (*other && op->rc != STORE_OK && !op->may_change) {
        ok = sim_fail(
            m, "%s: %s, and yet a change", m->did, store_rc_name(op->rc));
    }

    um_sbuf_deinit(&old);
    um_sbuf_deinit(&m->text);
    m->text = out;
    return ok;
}

static const sim_kind_t *
kind_of(uint64_t r)
{
    const sim_kind_t *kind;
    unsigned all = 0;

    for (kind = sim_kinds; kind->weight > 0; kind++) {
        all += kind->weight;
    }

    r %= all;
    for (kind = sim_kinds; r >= kind->weight; kind++) {
        r -= kind->weight;
    }

    return kind;
}

/* One step in eight is about any, there or not. */
static bool
is_rather(const sim_op_t *op, sim_rather_t rather)
{
    const sim_t *m = op->m;

    switch (rather) {
    case SIM_CLUSTER:
        return m->now->cluster[op->c].there;

    case SIM_NO_CLUSTER:
        return !m->now->cluster[op->c].there;

    case SIM_BUSY:
        return m->now->cluster[op->c].there && sim_busy(m, op->c);

    case SIM_PROXY:
        return m->now->proxy[op->k].there;

    case SIM_NO_PROXY:
        return !m->now->proxy[op->k].there;

    default:
        return true;
    }
}

static void
choose(sim_op_t *op, sim_rather_t rather)
{
    for (unsigned i = 0; i < SIM_PROXIES && !is_rather(op, rather); i++) {
        if ((op->r[0] >> 50) % 8 == 0) {
            break;
        }

        op->k = (op->k + 1) % op->m->proxies;
        op->c = (op->c + 1) % SIM_CLUSTERS;
    }

    op->had = op->m->now->cluster[op->c].there;
    op->busy = sim_busy(op->m, op->c);
}

bool
sim_act(sim_t *m, const uint64_t r[4])
{
    const sim_kind_t *kind = kind_of(r[0]);
    sim_op_t op = {
        .m = m,
        .r = r,
        .k = (unsigned) (r[1] % m->proxies),
        .c = (unsigned) (r[1] >> 32) % SIM_CLUSTERS,
    };
    sim_look_t *look = m->was;
    bool other;

    m->did[0] = '\0';
    m->e.now += (r[0] >> 40) % 8;
    if (!sim_look(m)) { /* reports may have expired */
        return false;
    }

    choose(&op, kind->rather);
    op.next = store_copy(m->s);
    if (op.next == NULL || !kind->run(&op) || !moved(&op, &other)) {
        store_free(op.next);
        return op.next == NULL ? sim_fail(m, "no memory") : false;
    }

    if (m->trace) {
        printf("# %zu: %s: %s\n", m->step, m->did, store_rc_name(op.rc));
    }

    store_free(other ? m->s : op.next);
    m->s = other ? op.next : m->s;
    m->was = m->now;
    m->now = look;

    return sim_look(m) && after(&op, kind->after);
}
