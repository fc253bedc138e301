/*
 * um_ctl_takers.c -- cluster balance and failover: nodes become masters.
 *
 * The broker does not know how much of the data a replica has; the proxies do.
 * So they are asked first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl_takers.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/um_ctl_wait.h"

const char *
um_ctl_taker_why(
    um_pool_t *p, const um_ctl_node_t *n, const um_ctl_probe_t *probe)
{
    const um_ctl_seat_t *s;

    if (probe == NULL || probe->why != NULL) {
        return um_ctl_printf(p, "proxy %s does not say how node %s is: %s",
            n->proxy, n->node, probe != NULL ? probe->why : "not asked");
    }
    if (!probe->health.detailed) {
        return NULL; /* a proxy of the reference: nobody can know */
    }

    s = um_ctl_health_of(&probe->health, n->node);
    if (s == NULL) {
        return um_ctl_printf(
            p, "proxy %s does not know node %s", n->proxy, n->node);
    }
    if (strcmp(s->role, "replica") == 0 && strcmp(s->state, "in_sync") != 0) {
        return um_ctl_printf(p,
            "node %s of proxy %s has not all data: it is %s, %" PRIu64
            " bytes behind",
            n->node, n->proxy, s->state, s->lag);
    }
    return NULL;
}

bool
um_ctl_taker_at_balance(const um_ctl_view_t *v, size_t node)
{
    return node % 2 == 0 && !v->node[node].master;
}

/* ---- Balance ------------------------------------------------------------ */

/* Does the broker pass over the node's chunk? */
static bool
chunk_is_ill(const um_ctl_store_t *s, const um_ctl_view_t *v, size_t node)
{
    size_t first = node - node % UM_CTL_CHUNK_NODES;

    for (size_t i = first; i < first + UM_CTL_CHUNK_NODES && i < v->nodes; i++)
    {
        const um_ctl_proxy_t *p = um_ctl_store_proxy(s, v->node[i].proxy);

        if (p == NULL || p->failed || p->dead || p->reports > 0) {
            return true;
        }
    }
    return false;
}

static int
balance_check(um_ctl_t *c, const um_ctl_view_t *v, const um_ctl_store_t *s)
{
    um_ctl_probe_t *probe;
    int status = um_ctl_load_probes(c, c->pool, v, &probe);

    for (size_t i = 0; status == UM_CTL_DONE && i < v->nodes; i++) {
        const char *why;

        if (!um_ctl_taker_at_balance(v, i) || chunk_is_ill(s, v, i)) {
            continue;
        }
        why = um_ctl_taker_why(c->pool, &v->node[i],
            um_ctl_probe_of(probe, v->proxies, v->node[i].proxy));
        if (why != NULL) {
            return um_ctl_fail(c, UM_CTL_REFUSED, "NOT_IN_SYNC",
                "%s: nothing was changed, for writes could be lost", why);
        }
    }
    return status;
}

int
um_ctl_cluster_balance(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    um_ctl_store_t s;
    um_ctl_said_t said;
    um_ctl_view_t v;
    int status = um_ctl_load_view(c, c->pool, name, &v);

    if (status == UM_CTL_DONE) {
        status = um_ctl_load_store(c, c->pool, &s);
    }
    if (status == UM_CTL_DONE) {
        status = balance_check(c, &v, &s);
    }
    if (status == UM_CTL_DONE) {
        status = um_ctl_change(c, UM_HTTP_PUT,
            um_ctl_printf(
                c->pool, "/clusters/balance/%s", um_ctl_escape(c->pool, name)),
            NULL, &said);
    }
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, name, "%s: is balanced", name);
}

/* ---- Failover ----------------------------------------------------------- */

/* The other proxy of the chunk; NULL: there is none. */
static const char *
partner_of(const um_ctl_view_t *v, const char *address)
{
    for (size_t i = 0; i < v->nodes; i++) {
        size_t other = i % UM_CTL_CHUNK_NODES < 2 ? i + 2 : i - 2;

        if (strcmp(v->node[i].proxy, address) == 0) {
            return other < v->nodes ? v->node[other].proxy : NULL;
        }
    }

    return NULL;
}

/* Both proxies have been asked: may the second's replicas take over? */
static int
failover_check(
    um_ctl_t *c, const um_ctl_view_t *v, const um_ctl_probe_t probe[2])
{
    bool lives = probe[0].why == NULL;

    if (probe[1].why != NULL) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "PARTNER_UNREACHABLE",
            "its partner %s does not answer: %s: nobody could take over",
            probe[1].address, probe[1].why);
    }

    for (size_t i = 0; lives && i < v->nodes; i++) {
        const um_ctl_node_t *n = &v->node[i];
        const char *why = strcmp(n->proxy, probe[1].address) == 0 && !n->master
                              ? um_ctl_taker_why(c->pool, n, &probe[1])
                              : NULL;

        if (why != NULL) {
            return um_ctl_fail(c, UM_CTL_REFUSED, "NOT_IN_SYNC",
                "%s: nothing was changed, for writes could be lost", why);
        }
    }

    return um_ctl_confirm(c, "yes",
        "Proxy %s %s.  Its partner %s takes its masters over, and a spare "
        "proxy its place.",
        probe[0].address, lives ? "lives" : "does not answer",
        probe[1].address);
}

static int
failover_used(um_ctl_t *c, const um_ctl_proxy_t *proxy)
{
    um_ctl_probe_t probe[2] = { { .address = proxy->address } };
    um_ctl_view_t v;
    int status = um_ctl_load_view(c, c->pool, proxy->cluster, &v);

    if (status != UM_CTL_DONE) {
        return status;
    }

    probe[1].address = partner_of(&v, proxy->address);
    if (probe[1].address == NULL) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "RETRY",
            "the cluster has just changed: try again");
    }
    if (!um_ctl_probe(c, c->pool, probe, 2)) {
        return um_ctl_interrupted(c);
    }
    return failover_check(c, &v, probe);
}

/* {"proxy":{"address":..}} or {"proxy":null} */
static int
failover_told(um_ctl_t *c, const char *address, const cJSON *answer)
{
    const char *heir = um_ctl_json_text(
        cJSON_GetObjectItemCaseSensitive(answer, "proxy"), "address");

    if (c->opts.json) {
        cJSON *doc = cJSON_CreateObject();

        um_ctl_json_add(doc, "name", address);
        cJSON_AddTrueToObject(doc, "done");
        um_ctl_json_add(doc, "replacement", heir);
        return um_ctl_json(c, doc);
    }
    if (heir != NULL) {
        um_ctl_line(c, "%s: %s has its place", address, heir);
    } else {
        um_ctl_line(
            c, "%s: is marked as failed; nobody had to replace it", address);
    }
    return UM_CTL_DONE;
}

int
um_ctl_failover(um_ctl_t *c)
{
    const char *address = c->opts.arg[0];
    const um_ctl_proxy_t *proxy;
    um_ctl_said_t said;
    um_ctl_store_t s;
    int status = um_ctl_load_store(c, c->pool, &s);

    if (status != UM_CTL_DONE) {
        return status;
    }

    proxy = um_ctl_store_proxy(&s, address);
    if (proxy == NULL) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "PROXY_NOT_FOUND",
            "there is no proxy %s: \"proxy list\" has all", address);
    }

    status = proxy->cluster != NULL
                 ? failover_used(c, proxy)
                 : um_ctl_confirm(c, "yes",
                     "Proxy %s is spare.  It is marked as failed until it "
                     "is registered again.",
                     address);
    if (status == UM_CTL_DONE) {
        status = um_ctl_change(c, UM_HTTP_POST,
            um_ctl_printf(c->pool, "/proxies/failover/%s",
                um_ctl_escape(c->pool, address)),
            NULL, &said);
    }
    return status != UM_CTL_DONE ? status
                                 : failover_told(c, address, said.json);
}
