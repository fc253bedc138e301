/*
 * sim_ops.c -- things done to a store, and what must come of each.
 *
 * An operation works on a copy, as the broker does it, and knows the state
 * before (m->now) and what it was told.  What holds after all of them is in
 * sim_step.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DID(op, ...)                                                           \
    (void) snprintf((op)->m->did, sizeof((op)->m->did), __VA_ARGS__)

static sim_cluster_t *
cluster(const sim_op_t *op)
{
    return &op->m->now->cluster[op->c];
}

/* The result is one of two (the second may be STORE_RESULT_COUNT: none). */
static bool
want(sim_op_t *op, store_rc_t a, store_rc_t b)
{
    return op->rc == a || op->rc == b
           || sim_fail(op->m, "%s: %s, not %s", op->m->did,
               store_rc_name(op->rc), store_rc_name(a));
}

#define WANT(op, rc) want((op), (rc), STORE_RESULT_COUNT)

/*
 * What all that need a quiet cluster have in common: true, and *ok says
 * whether that is right, when the result is settled by the cluster alone.
 */
static bool
not_quiet(sim_op_t *op, bool *ok)
{
    if (!cluster(op)->there) {
        *ok = WANT(op, STORE_CLUSTER_NOT_FOUND);
        return true;
    }

    if (op->busy) {
        *ok = WANT(op, STORE_MIGRATION_RUNNING);
        return true;
    }

    if (op->rc == STORE_MIGRATION_RUNNING) {
        *ok = sim_fail(op->m, "%s: nothing is running", op->m->did);
        return true;
    }

    return false;
}

/* --- proxies -------------------------------------------------------------- */

static bool
add_proxy(sim_op_t *op)
{
    sim_t *m = op->m;
    store_proxy_args_t a = {
        .address = sim_address(m, op->k),
        .nodes = { sim_node(m, op->k, 0), sim_node(m, op->k, 1) },
        .host = sim_host(m, op->k),
        .index = op->k,
        .has_index = store_ordered(op->next),
    };

    DID(op, "add proxy %u", op->k);
    op->rc = store_add_proxy(op->next, &a);
    op->may_change = true; /* ALREADY_EXISTED clears marks */
    if (op->rc == STORE_OK) {
        m->protocol[op->k] = m->announce;
        (void) store_announce(op->next, a.address, m->announce);
    }

    return WANT(
        op, m->now->proxy[op->k].there ? STORE_ALREADY_EXISTED : STORE_OK);
}

static bool
add_proxy_after(sim_op_t *op)
{
    const sim_proxy_t *p = &op->m->now->proxy[op->k];

    return (p->there && !p->failed && p->reports == 0)
           || sim_fail(op->m, "%s: it is not well", op->m->did);
}

static bool
remove_proxy(sim_op_t *op)
{
    const sim_proxy_t *p = &op->m->now->proxy[op->k];

    DID(op, "remove proxy %u", op->k);
    op->rc = store_remove_proxy(op->next, sim_address(op->m, op->k));
    return WANT(op, !p->there                  ? STORE_PROXY_NOT_FOUND
                    : p->cluster != SIM_NOBODY ? STORE_IN_USE
                                               : STORE_OK);
}

static bool
announce(sim_op_t *op)
{
    sim_t *m = op->m;
    uint64_t protocol = m->announce || op->r[2] % 8 == 0;

    DID(op, "proxy %u announces %llu", op->k, (unsigned long long) protocol);
    op->rc = store_announce(op->next, sim_address(m, op->k), protocol);
    if (op->rc == STORE_OK) {
        m->protocol[op->k] = protocol;
    }

    return (store_epoch(op->next) == store_epoch(m->s)
               || sim_fail(m, "%s: it burns an epoch", m->did))
           && WANT(op,
               m->now->proxy[op->k].there ? STORE_OK : STORE_PROXY_NOT_FOUND);
}

/* --- allocation ----------------------------------------------------------- */

/*
 * Could `wanted` proxies be had?  The host with the most may give as many as
 * all others together.
 */
static bool
enough(const sim_t *m, uint64_t wanted, bool certain)
{
    unsigned of_host[SIM_PROXIES] = { 0 };
    unsigned all = 0, most = 0;

    for (unsigned k = 0; k < m->proxies; k++) {
        if (certain ? sim_spare(m->now, k) : sim_maybe_spare(m->now, k)) {
            unsigned n = ++of_host[k % m->hosts];

            most = n > most ? n : most;
            all++;
        }
    }

    return (2 * most > all ? 2 * (all - most) : all) >= wanted;
}

static bool
allocated(sim_op_t *op, uint64_t nodes)
{
    if (nodes == 0 || nodes % 4 != 0) {
        return WANT(op, STORE_INVALID_NODE_NUMBER);
    }

    if (op->rc != STORE_OK && op->rc != STORE_NO_AVAILABLE_RESOURCE
        && !(store_ordered(op->next)
             && op->rc == STORE_PROXY_RESOURCE_OUT_OF_ORDER))
    {
        return WANT(op, STORE_OK);
    }

    if (store_ordered(op->next)) {
        return true;
    }

    if (op->rc == STORE_OK ? !enough(op->m, nodes / 2, false)
                           : enough(op->m, nodes / 2, true))
    {
        return sim_fail(op->m, "%s: %s, against the rule", op->m->did,
            store_rc_name(op->rc));
    }

    return true;
}

static bool
create(sim_op_t *op)
{
    uint64_t nodes = op->r[2] % 16 == 0 ? op->r[3] % 10 : 4 + op->r[3] % 4 * 4;
    bool any = false;

    DID(op, "create c%u with %u nodes", op->c, (unsigned) nodes);
    op->rc = store_create(op->next, &op->m->e, sim_name(op->c), nodes);

    for (unsigned c = 0; c < SIM_CLUSTERS; c++) {
        any = any || op->m->now->cluster[c].there;
    }

    if (store_ordered(op->next) && any) {
        return WANT(op, STORE_ONE_CLUSTER_ALREADY_EXISTED);
    }

    return cluster(op)->there ? WANT(op, STORE_ALREADY_EXISTED)
                              : allocated(op, nodes);
}

static bool
remove_cluster(sim_op_t *op)
{
    DID(op, "remove c%u", op->c);
    op->rc = store_remove(op->next, sim_name(op->c));
    return WANT(op, cluster(op)->there ? STORE_OK : STORE_CLUSTER_NOT_FOUND);
}

static bool
add_nodes(sim_op_t *op)
{
    uint64_t nodes = op->r[2] % 16 == 0 ? op->r[3] % 10 : 4 + op->r[3] % 3 * 4;
    bool ok;

    DID(op, "add %u nodes to c%u", (unsigned) nodes, op->c);
    op->rc = store_add_nodes(op->next, &op->m->e, sim_name(op->c), nodes, NULL);
    return not_quiet(op, &ok) ? ok : allocated(op, nodes);
}

static bool
scale_nodes(sim_op_t *op)
{
    uint64_t have = 4 * (uint64_t) cluster(op)->chunks;
    uint64_t nodes = 4 + op->r[3] % 6 * 4 + (op->r[2] % 16 == 0);
    bool ok;

    DID(op, "make c%u %u nodes", op->c, (unsigned) nodes);
    op->rc =
        store_scale_nodes(op->next, &op->m->e, sim_name(op->c), nodes, NULL);
    if (cluster(op)->there && nodes <= have) {
        return WANT(op, STORE_NODE_NUM_ALREADY_ENOUGH);
    }

    return not_quiet(op, &ok) ? ok : allocated(op, nodes - have);
}

/* New chunks stand on two hosts each, and on proxies that were free. */
static bool
allocated_after(sim_op_t *op)
{
    sim_t *m = op->m;
    const sim_cluster_t *c = &m->now->cluster[op->c];
    unsigned first = op->had ? m->was->cluster[op->c].chunks : 0;

    for (unsigned i = first; op->rc == STORE_OK && i < c->chunks; i++) {
        const uint16_t *p = c->chunk[i].proxy;

        if (!sim_maybe_spare(m->was, p[0]) || !sim_maybe_spare(m->was, p[1])) {
            return sim_fail(m, "%s: chunk %u is not of spares", m->did, i);
        }

        if (store_ordered(m->s) ? p[0] != 2 * i || p[1] != 2 * i + 1
                                : p[0] % m->hosts == p[1] % m->hosts)
        {
            return sim_fail(
                m, "%s: chunk %u is of %u and %u", m->did, i, p[0], p[1]);
        }
    }

    return true;
}

static bool
free_nodes(sim_op_t *op)
{
    unsigned unused = sim_unused(cluster(op));
    bool ok;

    DID(op, "free nodes of c%u", op->c);
    op->rc = store_free_nodes(op->next, sim_name(op->c));
    return not_quiet(op, &ok)
               ? ok
               : WANT(op, unused > 0 ? STORE_OK : STORE_FREE_NODE_NOT_FOUND);
}

static bool
free_nodes_after(sim_op_t *op)
{
    if (op->rc != STORE_OK) {
        return true;
    }

    return sim_remap(op)
           && (sim_unused(cluster(op)) == 0
               || sim_fail(op->m, "%s: there are still some", op->m->did));
}

/* --- configuration, roles ------------------------------------------------- */

static bool
config(sim_op_t *op)
{
    static const struct {
        const char *key, *value;
        bool good;
    } some[] = {
        { "compression_strategy", "disabled", true },
        { "compression_strategy", "allow_all", true },
        { "migration_scan_count", "17", true },
        { "MIGRATION_max_migration_time", "5", true },
        { "migration_scan_count", "0", false },
        { "no_such_key", "1", false },
    };
    size_t at = op->r[2] % (sizeof(some) / sizeof(some[0]));
    store_pair_t pair = { um_str_of(some[at].key), um_str_of(some[at].value) };
    um_str_t name = sim_name(op->c);
    store_why_t why;
    uint64_t serial;
    bool ok;

    DID(op, "configure c%u: %s %s", op->c, some[at].key, some[at].value);
    op->rc = store_set_config(op->next, name, &pair, 1, &why);
    if (not_quiet(op, &ok)) {
        return ok;
    }

    serial = store_serial(op->next);
    if (op->rc == STORE_OK
        && (store_set_config(op->next, name, &pair, 1, &why) != STORE_OK
            || store_serial(op->next) != serial))
    {
        return sim_fail(op->m, "%s: again, it is no change", op->m->did);
    }

    return WANT(op, some[at].good ? STORE_OK : STORE_INVALID_CONFIG);
}

static bool
balance(sim_op_t *op)
{
    DID(op, "balance c%u", op->c);
    op->rc = store_balance(op->next, &op->m->e, sim_name(op->c));
    return WANT(op, cluster(op)->there ? STORE_OK : STORE_CLUSTER_NOT_FOUND);
}

static bool
balance_after(sim_op_t *op)
{
    sim_t *m = op->m;
    const sim_cluster_t *c = &m->now->cluster[op->c];

    for (unsigned i = 0; op->rc == STORE_OK && i < c->chunks; i++) {
        const sim_chunk_t *ch = &c->chunk[i];
        bool whole = true;

        for (unsigned side = 0; side < 2; side++) {
            const sim_proxy_t *p = &m->now->proxy[ch->proxy[side]];

            whole = whole && !p->failed && p->reports == 0;
        }

        if (whole && ch->role != 0) {
            return sim_fail(
                m, "%s: chunk %u is whole, but not normal", m->did, i);
        }
    }

    return true;
}

/* --- epochs, time --------------------------------------------------------- */

static bool
set_epoch(sim_op_t *op)
{
    uint64_t epoch = op->m->now->epoch + op->r[2] % 5;

    DID(op, "set epoch %llu", (unsigned long long) epoch);
    op->rc = store_set_epoch(op->next, epoch);
    return WANT(op, epoch > op->m->now->epoch
                        ? STORE_OK
                        : STORE_EPOCH_SMALLER_THAN_CURRENT);
}

static bool
recover_epoch(sim_op_t *op)
{
    uint64_t seen = op->m->now->epoch + op->r[2] % 9;

    DID(op, "recover epoch, %llu seen", (unsigned long long) seen);
    op->rc = store_recover_epoch(op->next, seen);
    return (store_epoch(op->next) > seen
               || sim_fail(op->m, "%s: still not beyond", op->m->did))
           && WANT(op, STORE_OK);
}

/* A proxy is at some epoch, mostly at one that it may have. */
static bool
seen(sim_op_t *op)
{
    um_str_t address = sim_address(op->m, op->k);
    uint64_t told = store_proxy_key(op->m->s, address).epoch;
    uint64_t epoch = told + op->r[2] % 6 - (told > 2 ? 3 : 0);
    bool changed;

    DID(op, "proxy %u is seen at %llu", op->k, (unsigned long long) epoch);
    op->rc = store_seen(op->next, address, epoch);
    if (!op->m->now->proxy[op->k].there) {
        return WANT(op, STORE_PROXY_NOT_FOUND);
    }

    changed = store_serial(op->next) != store_serial(op->m->s);
    if (changed != (epoch > told)
        || store_proxy_key(op->next, address).epoch < epoch + changed)
    {
        return sim_fail(op->m, "%s, told %llu: %llu", op->m->did,
            (unsigned long long) told,
            (unsigned long long) store_proxy_key(op->next, address).epoch);
    }

    return WANT(op, STORE_OK);
}

static bool
purge(sim_op_t *op)
{
    DID(op, "purge");
    store_purge(op->next, &op->m->e);
    op->rc = STORE_OK;
    op->quiet = true;
    return true;
}

static bool
restart(sim_op_t *op)
{
    store_t *again = NULL;
    store_why_t why;
    um_str_t text = { op->m->text.data, op->m->text.len };

    DID(op, "restart");
    op->rc = store_load(text, false, &op->m->e, &again, &why);
    if (op->rc != STORE_OK) {
        return sim_fail(
            op->m, "load: %s: %s", store_rc_name(op->rc), why.field);
    }

    store_free(op->next);
    op->next = again;
    op->quiet = true;
    return true;
}

const sim_kind_t sim_kinds[] = {
    { 10, SIM_NO_PROXY, add_proxy, add_proxy_after },
    { 3, SIM_PROXY, add_proxy, add_proxy_after }, /* it is back */
    { 2, SIM_PROXY, remove_proxy, NULL },
    { 3, SIM_PROXY, announce, NULL },
    { 4, SIM_NO_CLUSTER, create, allocated_after },
    { 1, SIM_CLUSTER, remove_cluster, NULL },
    { 5, SIM_CLUSTER, add_nodes, allocated_after },
    { 3, SIM_CLUSTER, scale_nodes, allocated_after },
    { 2, SIM_CLUSTER, free_nodes, free_nodes_after },
    { 3, SIM_CLUSTER, config, NULL },
    { 3, SIM_CLUSTER, balance, balance_after },
    { 1, SIM_ANY, set_epoch, NULL },
    { 1, SIM_ANY, recover_epoch, NULL },
    { 2, SIM_PROXY, seen, NULL },
    { 1, SIM_ANY, purge, NULL },
    { 2, SIM_ANY, restart, NULL },
    SIM_SLOT_KINDS,
    SIM_FAILURE_KINDS,
    { 0, SIM_ANY, NULL, NULL },
};
