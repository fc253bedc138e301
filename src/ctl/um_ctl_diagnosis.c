/*
 * um_ctl_diagnosis.c -- findings about brokers, clusters, hosts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl_diagnosis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Brokers ------------------------------------------------------------ */

static void
look_broker(const um_ctl_facts_t *f, const um_ctl_broker_fact_t *b,
    um_ctl_findings_t *out)
{
    const char *who = um_ctl_printf(out->pool, "broker %s", b->address);

    if (b->why != NULL) {
        um_ctl_find(out, UM_CTL_ERROR, "broker_unreachable", who,
            "Start it.  Until then nothing can be changed, and a proxy that "
            "fails is not replaced; clients are served as before.",
            "%s", b->why);
        return;
    }

    if (b->health == UM_CTL_HEALTH_ILL) {
        um_ctl_find(out, UM_CTL_ERROR, "storage_fails", who,
            "Its log says why: the disk may be full or read-only.",
            "cannot save changes, so it refuses them");
    } else if (b->save_failures > 0) {
        um_ctl_find(out, UM_CTL_WARNING, "saves_failed", who,
            "Its log says when and why.",
            "%" PRIu64 " changes could not be saved since it was started; now "
            "it can",
            b->save_failures);
    }

    if (b->storage != NULL && strcmp(b->storage, "memory") == 0) {
        um_ctl_find(out, UM_CTL_WARNING, "storage_memory", who,
            "Configure \"storage file PATH;\".",
            "has its metadata in memory only: a restart forgets all clusters");
    }

    if (b->has_skew && llabs(b->skew) > UM_CTL_SKEW_MAX) {
        um_ctl_find(out, UM_CTL_WARNING, "clock_differs", who,
            "Have the clocks of all hosts set by NTP.",
            "its clock and the one here differ by %lld s",
            (long long) llabs(b->skew));
    }

    if (b->has_epoch && f->unknown == NULL && b->epoch < f->store.epoch) {
        um_ctl_find(out, UM_CTL_WARNING, "broker_behind", who,
            "Is it a replica that is not told of changes any more?",
            "knows epoch %" PRIu64 ", the first of them %" PRIu64, b->epoch,
            f->store.epoch);
    }
}

/* ---- Clusters ----------------------------------------------------------- */

static void
put_some_slots(um_ctl_findings_t *out, const um_ctl_slots_t *s,
    const char *code, const char *who, const char *advice, const char *what)
{
    um_sbuf_t text = { 0 };

    if (s->n == 0) {
        return;
    }
    um_ctl_slots_put(&text, s, 5);
    um_ctl_find(out, UM_CTL_ERROR, code, who, advice, "%u slots %s: %s",
        um_ctl_slots_count(s), what, um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
}

static void
look_slots(const um_ctl_view_t *v, const char *who, um_ctl_findings_t *out)
{
    um_ctl_cover_t cover = { { 0 } };
    um_ctl_slots_t slots;

    for (size_t i = 0; i < v->nodes; i++) {
        um_ctl_cover_add(&cover, &v->node[i].slots);
        um_ctl_cover_add(&cover, &v->node[i].leaving);
    }

    um_ctl_cover_having(&cover, 0, &slots, out->pool);
    put_some_slots(out, &slots, "slots_uncovered", who,
        "The metadata are damaged: restore the broker's file.",
        "belong to nobody");
    um_ctl_cover_having(&cover, 2, &slots, out->pool);
    put_some_slots(out, &slots, "slots_twice", who,
        "The metadata are damaged: restore the broker's file.",
        "belong to several nodes");
}

/* Are all of the chunk's proxies what they should be? */
static bool
chunk_is_well(const um_ctl_facts_t *f, const um_ctl_view_t *v, size_t first)
{
    for (size_t i = first; i < first + UM_CTL_CHUNK_NODES && i < v->nodes; i++)
    {
        const um_ctl_proxy_t *p =
            um_ctl_store_proxy(&f->store, v->node[i].proxy);

        if (p == NULL || p->failed || p->dead || p->reports > 0) {
            return false;
        }
    }
    return true;
}

static void
look_balance(const um_ctl_facts_t *f, const um_ctl_view_t *v, const char *who,
    um_ctl_findings_t *out)
{
    size_t moved = 0;

    for (size_t i = 0; i + 2 < v->nodes; i += UM_CTL_CHUNK_NODES) {
        moved += chunk_is_well(f, v, i)
                 && !(v->node[i].master && v->node[i + 2].master);
    }
    if (moved > 0) {
        um_ctl_find(out, UM_CTL_WARNING, "out_of_balance", who,
            "\"undermoonctl cluster balance\" puts the masters back.",
            "%zu proxies have no masters, and their partners all of them, "
            "after failovers",
            moved);
    }
}

static void
look_cluster(const um_ctl_facts_t *f, const um_ctl_cluster_fact_t *cl,
    um_ctl_findings_t *out)
{
    const um_ctl_info_t *info = &cl->info;
    const char *who = um_ctl_printf(out->pool, "cluster %s", cl->view.name);

    look_slots(&cl->view, who, out);
    look_balance(f, &cl->view, who, out);
    if (info->scaling_error != NULL) {
        um_ctl_find(out, UM_CTL_WARNING, "scaling_failed", who,
            "Mend what it names, then \"undermoonctl cluster scale\" again.",
            "scaling was given up: %s", info->scaling_error);
    }
    if (!info->migrating && info->with_slots < info->nodes) {
        um_ctl_find(out, UM_CTL_NOTE, "free_nodes", who,
            "\"undermoonctl cluster scale\" to the number that have slots "
            "makes the others spare.",
            "%" PRIu64 " of its nodes have no slots",
            info->nodes - info->with_slots);
    }
}

/* ---- Hosts -------------------------------------------------------------- */

static void
look_hosts(const um_ctl_facts_t *f, um_ctl_findings_t *out)
{
    const um_ctl_store_t *s = &f->store;
    size_t spares = 0;

    for (size_t i = 0; i < s->chunks && !s->ordered; i++) {
        const um_ctl_chunk_t *ch = &s->chunk[i];

        if (strcmp(ch->host[0], ch->host[1]) == 0) {
            um_ctl_find(out, UM_CTL_WARNING, "chunk_on_one_host",
                um_ctl_printf(out->pool, "cluster %s", ch->cluster),
                "Add a proxy on another host, then \"undermoonctl failover\" "
                "one of the two.",
                "masters and replicas of %s and %s are both on host %s",
                ch->proxy[0], ch->proxy[1], ch->host[0]);
        }
    }

    for (size_t i = 0; i < s->proxies; i++) {
        spares += strcmp(um_ctl_proxy_state(&s->proxy[i]), "spare") == 0;
    }
    if (s->clusters > 0 && spares == 0 && !s->ordered) {
        um_ctl_find(out, UM_CTL_WARNING, "no_spares", "proxies",
            "Add one on a host of its own: \"undermoonctl proxy add\".",
            "none is spare: one that fails cannot be replaced");
    }

    for (size_t i = 0; i < f->hosts && f->hosts_known; i++) {
        um_ctl_find(out, UM_CTL_WARNING, "host_cannot_fail",
            um_ctl_printf(out->pool, "host %s", f->host[i]),
            "Add spare proxies on other hosts.",
            "if it were lost, not all of its proxies could be replaced");
    }
    if (!f->hosts_known) {
        um_ctl_find(out, UM_CTL_NOTE, "hosts_not_checked", "hosts", NULL,
            "which of them could not be lost was not found out");
    }
}

/* ---- All of it ---------------------------------------------------------- */

void
um_ctl_diagnose(const um_ctl_facts_t *f, um_ctl_findings_t *out)
{
    bool any = false;

    for (size_t i = 0; i < f->brokers; i++) {
        any = any || f->broker[i].why == NULL;
        look_broker(f, &f->broker[i], out);
    }

    if (f->coordinator != NULL && f->coordinator_why != NULL) {
        um_ctl_find(out, UM_CTL_ERROR, "coordinator_unreachable",
            um_ctl_printf(out->pool, "coordinator %s", f->coordinator),
            "Start it.  Without any, proxies are not told of changes, and "
            "failures are not noticed.",
            "%s", f->coordinator_why);
    }

    if (f->unknown != NULL) {
        if (any) {
            um_ctl_find(out, UM_CTL_ERROR, "broker_nonsense", "broker",
                "Does --broker name a broker?", "%s", f->unknown);
        }
        return;
    }

    for (size_t i = 0; i < f->clusters; i++) {
        look_cluster(f, &f->cluster[i], out);
    }
    um_ctl_diagnose_moves(f, out);
    um_ctl_diagnose_proxies(f, out);
    look_hosts(f, out);
}
