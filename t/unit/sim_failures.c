/*
 * sim_failures.c -- proxies that fail, and who takes their place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim_ops.h"

#include <stdio.h>
#include <string.h>

#define DID(op, ...)                                                           \
    (void) snprintf((op)->m->did, sizeof((op)->m->did), __VA_ARGS__)

static bool
is_well(const sim_look_t *l, unsigned k)
{
    return !l->proxy[k].failed && l->proxy[k].reports == 0;
}

/* Is there surely a spare on a host that is neither of these? */
static bool
spare_beside(const sim_t *m, const sim_look_t *l, unsigned a, unsigned b)
{
    for (unsigned k = 0; k < m->proxies; k++) {
        if (sim_spare(l, k) && k % m->hosts != a && k % m->hosts != b) {
            return true;
        }
    }

    return false;
}

bool
sim_report(sim_op_t *op)
{
    sim_t *m = op->m;
    um_str_t who = op->r[2] % 2 == 0 ? um_lit("r0") : um_lit("r1");
    uint64_t serial;

    DID(op, "%s reports proxy %u", who.data, op->k);
    op->rc = store_report(op->next, &m->e, sim_address(m, op->k), who);
    if (op->rc != STORE_OK) {
        return sim_fail(m, "%s: %s", m->did, store_rc_name(op->rc));
    }

    serial = store_serial(op->next);
    return (store_report(op->next, &m->e, sim_address(m, op->k), who)
                   == STORE_OK
               && store_serial(op->next) == serial)
           || sim_fail(m, "%s: again, it is no change", m->did);
}

/* What somebody has said, or not. */
bool
sim_unreport(sim_op_t *op)
{
    sim_t *m = op->m;
    um_str_t who = op->r[2] % 2 == 0 ? um_lit("r0") : um_lit("r1");

    DID(op, "%s finds proxy %u alive", who.data, op->k);
    op->rc = store_unreport(op->next, sim_address(m, op->k), who);
    return (store_epoch(op->next) == store_epoch(m->s)
               || sim_fail(m, "%s: it takes an epoch", m->did))
           && (op->rc == STORE_OK
               || sim_fail(m, "%s: %s", m->did, store_rc_name(op->rc)));
}

/* At most one report less, of this proxy only; and marks are as they were. */
bool
sim_unreport_after(sim_op_t *op)
{
    sim_t *m = op->m;

    for (unsigned k = 0; k < m->proxies; k++) {
        const sim_proxy_t *old = &m->was->proxy[k];
        const sim_proxy_t *p = &m->now->proxy[k];
        unsigned may = k == op->k ? 1 : 0;

        if (p->failed != old->failed || p->reports > old->reports
            || p->reports + may < old->reports)
        {
            return sim_fail(m, "%s: proxy %u: %u reports, not %u%s", m->did, k,
                p->reports, old->reports, old->failed ? ", failed" : "");
        }
    }

    return true;
}

bool
sim_failover(sim_op_t *op)
{
    sim_t *m = op->m;
    um_str_t again;
    uint64_t serial;

    /* Rather one that is in use. */
    for (unsigned i = 0; i < m->proxies && op->r[2] % 8 != 0; i++) {
        unsigned k = (op->k + i) % m->proxies;

        if (m->now->proxy[k].cluster != SIM_NOBODY) {
            op->k = k;
            break;
        }
    }

    DID(op, "failover of proxy %u", op->k);
    op->may_change = true;
    op->heir = um_lit("");
    op->rc = store_failover(op->next, &m->e, sim_address(m, op->k), &op->heir);
    if (!m->now->proxy[op->k].there) {
        return op->rc == STORE_PROXY_NOT_FOUND
               || sim_fail(m, "%s: it is not there", m->did);
    }

    if (op->rc == STORE_NO_AVAILABLE_RESOURCE) {
        serial = store_serial(op->next);
        return (store_failover(op->next, &m->e, sim_address(m, op->k), &again)
                       == op->rc
                   && store_serial(op->next) == serial)
               || sim_fail(m, "%s: again, it is no change", m->did);
    }

    return op->rc == STORE_OK
           || sim_fail(m, "%s: %s", m->did, store_rc_name(op->rc));
}

/* Whoever came into a chunk was the best there was. */
static bool
heirs_ok(sim_op_t *op)
{
    sim_t *m = op->m;

    for (unsigned at = 0; at < SIM_CLUSTERS; at++) {
        const sim_cluster_t *old = &m->was->cluster[at];
        const sim_cluster_t *c = &m->now->cluster[at];

        for (unsigned i = 0; i < c->chunks; i++) {
            for (unsigned side = 0; side < 2; side++) {
                unsigned gone = old->chunk[i].proxy[side];
                unsigned heir = c->chunk[i].proxy[side];
                unsigned mate = c->chunk[i].proxy[1 - side] % m->hosts;

                if (heir == gone) {
                    continue;
                }

                if (!sim_maybe_spare(m->was, heir)
                    || !m->now->proxy[gone].failed
                    || m->now->proxy[gone].cluster != SIM_NOBODY
                    || sim_has_master(&c->chunk[i], side))
                {
                    return sim_fail(
                        m, "%s: %u in the place of %u", m->did, heir, gone);
                }

                if ((heir % m->hosts == mate
                        && spare_beside(m, m->now, mate, mate))
                    || (heir % m->hosts == gone % m->hosts
                        && spare_beside(m, m->now, mate, gone % m->hosts)))
                {
                    return sim_fail(m, "%s: %u, though there is a better one",
                        m->did, heir);
                }
            }
        }
    }

    return true;
}

/* Chunks that could be repaired but were not. */
static bool
none_waits(sim_op_t *op, unsigned only)
{
    sim_t *m = op->m;

    if (store_ordered(m->s)
        || !spare_beside(m, m->now, SIM_PROXIES, SIM_PROXIES)) {
        return true;
    }

    for (unsigned k = 0; k < m->proxies; k++) {
        const sim_proxy_t *p = &m->now->proxy[k];
        const sim_chunk_t *ch;

        if (!p->failed || p->cluster == SIM_NOBODY
            || (only != SIM_NOBODY && only != k)) {
            continue;
        }

        ch = &m->now->cluster[p->cluster].chunk[p->chunk];
        if (!sim_has_master(ch, p->side)
            && is_well(m->now, ch->proxy[1 - p->side])) {
            return sim_fail(m, "%s: %u still waits", m->did, k);
        }
    }

    return true;
}

bool
sim_failover_after(sim_op_t *op)
{
    sim_t *m = op->m;
    const sim_proxy_t *old = &m->was->proxy[op->k];
    const sim_proxy_t *p = &m->now->proxy[op->k];
    const sim_chunk_t *ch;

    if (!old->there) {
        return true;
    }

    if (old->cluster == SIM_NOBODY) {
        return (p->failed && op->rc == STORE_OK)
               || sim_fail(m, "%s: it was free, and is not failed", m->did);
    }

    if (op->rc == STORE_OK && !store_ordered(m->s) && p->cluster != SIM_NOBODY)
    {
        return sim_fail(m, "%s: it has no heir", m->did);
    }

    /* The side that lives has the masters. */
    ch = &m->now->cluster[old->cluster].chunk[old->chunk];
    if (is_well(m->was, ch->proxy[1 - old->side])
        && (sim_has_master(ch, old->side)
            || (!store_ordered(m->s) && !p->failed)))
    {
        return sim_fail(m, "%s: it still has masters", m->did);
    }

    return heirs_ok(op)
           && (op->rc != STORE_NO_AVAILABLE_RESOURCE || none_waits(op, op->k));
}

bool
sim_repair(sim_op_t *op)
{
    size_t n;

    DID(op, "repair");
    op->rc = store_repair(op->next, &op->m->e, &n);
    return op->rc == STORE_OK
           || sim_fail(op->m, "%s: %s", op->m->did, store_rc_name(op->rc));
}

bool
sim_repair_after(sim_op_t *op)
{
    return heirs_ok(op) && none_waits(op, SIM_NOBODY);
}

/* --- which hosts may fail ------------------------------------------------- */

/* By trying: all proxies of the host fail, one after the other, first those
 * that nobody uses: none of them may take another's place. */
static bool
can_fail(sim_t *m, unsigned host, bool *can)
{
    store_t *s = store_copy(m->s);
    um_str_t heir;

    *can = true;
    for (unsigned i = 0; s != NULL && i < 2 * m->proxies; i++) {
        unsigned k = i % m->proxies;
        const sim_proxy_t *p = &m->now->proxy[k];
        bool used = p->cluster != SIM_NOBODY;

        if (k % m->hosts == host && p->there && used == (i >= m->proxies)
            && store_failover(s, &m->e, sim_address(m, k), &heir)
                   == STORE_NO_AVAILABLE_RESOURCE)
        {
            *can = false;
        }
    }

    store_free(s);
    return s != NULL;
}

/* Are both sides of a chunk on that host? */
static bool
has_pair(const sim_t *m, unsigned host)
{
    for (unsigned at = 0; at < SIM_CLUSTERS; at++) {
        const sim_cluster_t *c = &m->now->cluster[at];

        for (unsigned i = 0; i < c->chunks; i++) {
            if (c->chunk[i].proxy[0] % m->hosts == host
                && c->chunk[i].proxy[1] % m->hosts == host)
            {
                return true;
            }
        }
    }

    return false;
}

bool
sim_check(sim_op_t *op)
{
    sim_t *m = op->m;
    um_sbuf_t out = { 0 };
    char quoted[40];
    bool ok = true;

    DID(op, "check what may fail");
    op->rc = store_check(m->s, &m->e, &out);
    (void) um_sbuf_cstr(&out);

    for (unsigned h = 0; ok && h < m->hosts; h++) {
        bool can, listed;

        /* Who of a pair goes first decides: nobody to be held to it. */
        if (has_pair(m, h)) {
            continue;
        }

        (void) snprintf(quoted, sizeof(quoted), "\"%s\"", sim_host(m, h).data);
        listed = out.data != NULL && strstr(out.data, quoted) != NULL;
        ok = can_fail(m, h, &can)
             && (can != listed
                 || sim_fail(m, "%s: %s may%s fail", m->did, quoted,
                     can ? "" : " not"));
    }

    um_sbuf_deinit(&out);
    return ok && op->rc == STORE_OK;
}
