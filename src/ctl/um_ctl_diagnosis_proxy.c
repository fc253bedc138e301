/*
 * um_ctl_diagnosis_proxy.c -- findings about proxies and their nodes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/um_ctl_diagnosis.h"

uint64_t
um_ctl_epoch_due(const um_ctl_facts_t *f, const um_ctl_proxy_t *p)
{
    for (size_t i = 0; i < f->clusters && p->cluster != NULL; i++) {
        if (strcmp(f->cluster[i].view.name, p->cluster) == 0) {
            return f->cluster[i].view.epoch;
        }
    }

    return f->store.epoch; /* spare */
}

/*
 * A spare is told once that it owns nothing; that stays so while the epoch
 * rises for others, and nobody tells it again.
 */
static bool
is_behind(
    const um_ctl_facts_t *f, const um_ctl_proxy_t *p, const um_ctl_health_t *h)
{
    if (h->epoch >= um_ctl_epoch_due(f, p)) {
        return false;
    }

    return p->cluster != NULL || h->epoch == 0
           || (h->detailed && h->cluster[0] != '\0');
}

bool
um_ctl_is_settling(const um_ctl_facts_t *f)
{
    for (size_t i = 0; f->unknown == NULL && i < f->store.proxies; i++) {
        const um_ctl_proxy_t *p = &f->store.proxy[i];
        const um_ctl_health_t *h = &f->probe[i].health;

        if (!p->failed && f->probe[i].why == NULL
            && (is_behind(f, p, h) || h->epoch > um_ctl_epoch_due(f, p)))
        {
            return true;
        }
    }

    return false;
}

/* ---- What the broker thinks of it --------------------------------------- */

static void
look_state(const um_ctl_proxy_t *p, const char *who, um_ctl_findings_t *out)
{
    if (p->failed && p->cluster != NULL) {
        um_ctl_find(out, UM_CTL_ERROR, "chunk_waits", who,
            "Add a spare proxy, best on a host that has neither of the two: "
            "\"undermoonctl proxy add\".  Or start the lost one: a coordinator "
            "takes it back when it is well.",
            "has failed and nobody replaces it: its half of cluster %s has no "
            "replicas",
            p->cluster);
    } else if (p->failed) {
        um_ctl_find(out, UM_CTL_WARNING, "proxy_failed", who,
            "Start it: a coordinator takes it back as a spare when it is well, "
            "unless it has disable_failover.  If it is gone for good: "
            "\"undermoonctl proxy remove\".",
            "was replaced, and is not used until it is taken back");
    } else if (p->dead) {
        um_ctl_find(out, UM_CTL_ERROR, "proxy_dead", who,
            "Start it.  If a cluster uses it, a failover should follow: does "
            "a coordinator run?",
            "has been found dead by enough coordinators");
    } else if (p->reports > 0) {
        um_ctl_find(out, UM_CTL_WARNING, "proxy_suspected", who, NULL,
            "%u say that it is dead", p->reports);
    }
}

/* ---- Its nodes ---------------------------------------------------------- */

static const char *
fault_advice(const char *fault)
{
    static const struct {
        const char *fault;
        const char *advice;
    } known[] = {
        { "down", "Start its Redis; its log says why it ended." },
        { "hung", "Look at its Redis: it is stopped, swapping, or busy with "
                  "one command." },
        { "lost", "Do not restart the replica: it has the data, and a "
                  "failover should follow." },
        { "fenced", "Newer metadata should follow: does a coordinator run?" },
        { "unsynced", "A failover to the other side should follow: does a "
                      "coordinator run?" },
    };

    for (size_t i = 0; i < um_countof(known); i++) {
        if (strcmp(fault, known[i].fault) == 0) {
            return known[i].advice;
        }
    }
    return NULL;
}

static void
look_replica(const um_ctl_seat_t *s, const char *who, um_ctl_findings_t *out)
{
    if (strcmp(s->state, "in_sync") != 0) {
        um_ctl_find(out, UM_CTL_WARNING, "replica_not_in_sync", who,
            "It mends itself while its master lives.  If it goes on: does its "
            "Redis run, and can it reach its master?",
            "is a replica that has not all data: it is %s, its link is %s",
            s->state, s->link ? "up" : "down");
    } else if (s->lag > UM_CTL_LAG_MAX) {
        um_ctl_find(out, UM_CTL_WARNING, "replica_lags", who,
            "Its network or its Redis is too slow for what is written.",
            "is a replica %" PRIu64 " bytes behind its master", s->lag);
    }
}

static void
look_seat(
    const um_ctl_seat_t *s, const um_ctl_proxy_t *p, um_ctl_findings_t *out)
{
    const char *fault = um_ctl_fault_words(s->fault);
    const char *who =
        um_ctl_printf(out->pool, "node %s of proxy %s", s->node, p->address);

    if (fault != NULL) {
        um_ctl_find(out, UM_CTL_ERROR, "node_fault", who,
            fault_advice(s->fault), "%s", fault);
    } else if (p->cluster == NULL) {
        if (strcmp(s->state, "down") == 0 || strcmp(s->state, "silent") == 0) {
            um_ctl_find(out, UM_CTL_WARNING, "spare_without_redis", who,
                "Start its Redis: the proxy is no use as a spare.", "is %s",
                s->state);
        }
    } else if (strcmp(s->role, "master") != 0) {
        look_replica(s, who, out);
    } else if (strcmp(s->state, "serving") != 0) {
        um_ctl_find(out, UM_CTL_WARNING, "master_not_serving", who,
            "It may be starting.  If it goes on, the proxy's log says why.",
            "is a master that does not serve: it is %s", s->state);
    }

    if (s->lost > 0) {
        um_ctl_find(out, UM_CTL_NOTE, "writes_lost", who, NULL,
            "when it became master it did without %" PRIu64 " bytes that the "
            "old master had and nobody could fetch",
            s->lost);
    }
}

/* ---- What it says itself ------------------------------------------------ */

static void
look_epoch(const um_ctl_facts_t *f, const um_ctl_proxy_t *p,
    const um_ctl_health_t *h, const char *who, um_ctl_findings_t *out)
{
    uint64_t due = um_ctl_epoch_due(f, p);

    if (is_behind(f, p, h)) {
        um_ctl_find(out, UM_CTL_WARNING, "epoch_behind", who,
            "Does a coordinator run, and can it reach the proxy?",
            "knows epoch %" PRIu64 ", not %" PRIu64 " as it should", h->epoch,
            due);
    } else if (h->epoch > f->store.epoch) {
        um_ctl_find(out, UM_CTL_ERROR, "epoch_ahead", who,
            "The broker has lost its last changes.  Look at what it knows "
            "(\"undermoonctl cluster list\", \"proxy list\"), then "
            "\"undermoonctl epoch recover\": until then this proxy listens to "
            "nobody.",
            "knows epoch %" PRIu64 ", the broker only %" PRIu64, h->epoch,
            f->store.epoch);
    } else if (h->epoch > due) {
        um_ctl_find(out, UM_CTL_WARNING, "epoch_beyond", who,
            "\"undermoonctl epoch recover\" helps if it goes on.",
            "knows epoch %" PRIu64 ", above its cluster's %" PRIu64, h->epoch,
            due);
    } else if (h->detailed && p->cluster != NULL
               && strcmp(h->cluster, p->cluster) != 0)
    {
        um_ctl_find(out, UM_CTL_WARNING, "wrong_cluster", who,
            "Is it told by another coordinator, of another broker?",
            "believes that its cluster is \"%s\", not \"%s\"", h->cluster,
            p->cluster);
    }
}

static void
look_proxy(const um_ctl_facts_t *f, size_t i, um_ctl_findings_t *out)
{
    const um_ctl_proxy_t *p = &f->store.proxy[i];
    const um_ctl_probe_t *probe = &f->probe[i];
    const char *who = um_ctl_printf(out->pool, "proxy %s", p->address);

    look_state(p, who, out);
    if (p->failed) {
        return; /* nobody tells it anything */
    }

    if (probe->why != NULL) {
        um_ctl_find(out, p->cluster != NULL ? UM_CTL_ERROR : UM_CTL_WARNING,
            "proxy_unreachable", who,
            "Does it run, and may this host talk to it?", "does not answer: %s",
            probe->why);
        return;
    }

    look_epoch(f, p, &probe->health, who, out);
    if (probe->has_skew && llabs(probe->skew) > UM_CTL_SKEW_MAX) {
        um_ctl_find(out, UM_CTL_WARNING, "clock_differs", who,
            "Have the clocks of all hosts set by NTP.",
            "its clock and the one here differ by %lld s",
            (long long) llabs(probe->skew));
    }
    for (size_t k = 0; k < probe->health.seats; k++) {
        look_seat(&probe->health.seat[k], p, out);
    }
}

void
um_ctl_diagnose_proxies(const um_ctl_facts_t *f, um_ctl_findings_t *out)
{
    size_t silent = 0;

    for (size_t i = 0; i < f->store.proxies; i++) {
        look_proxy(f, i, out);
        silent += f->probe[i].why == NULL && !f->probe[i].health.detailed;
    }

    if (silent > 0) {
        um_ctl_find(out, UM_CTL_NOTE, "health_not_told", "proxies", NULL,
            "%zu do not know UMCTL HEALTH: how their nodes are was not found "
            "out",
            silent);
    }
}
