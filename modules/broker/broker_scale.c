/*
 * What waits for proxies.
 *
 *   auto       nodes were added, and the slots are spread when all proxies of
 *              the cluster know of them: they are asked every second
 *   repair     chunks that wait for a spare: reports expire, so somebody may
 *              be one without any request
 *   start      tasks that a higher migration_limit allows, once at the start
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "core/um_log.h"
#include "core/um_str.h"

#define SCALE_TICK_MS 1000

/* Proxies named in the reason why a scaling was given up. */
#define SCALE_NAMED 3

/* A cluster whose proxies are asked. */
typedef struct {
    char name[STORE_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t since;
} scale_group_t;

typedef struct {
    round_t round;
    scale_group_t *group;
    size_t groups;
} scale_ask_t;

static void
scale_on_free(round_t *r)
{
    scale_ask_t *a = (scale_ask_t *) r;

    free(a->group);
    free(a);
}

/* ---- A change that nobody asked for ------------------------------------- */

static store_rc_t
apply_repair(broker_t *b, store_t *s, change_t *c UM_UNUSED)
{
    return store_repair(s, broker_env(b), NULL);
}

static store_rc_t
apply_start(broker_t *b, store_t *s, change_t *c UM_UNUSED)
{
    return store_start(s, broker_env(b));
}

static store_rc_t
apply_ready(broker_t *b, store_t *s, change_t *c)
{
    return store_scaling_ready(s, broker_env(b), c->name, c->number);
}

static store_rc_t
apply_abandon(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    um_log_warn(0, "cluster %.*s: scaling is given up: %s", um_str_fmt(c->name),
        c->text);
    return store_scaling_abandon(s, c->name, um_str_of(c->text));
}

/* `text` is taken. */
static void
scale_change(
    broker_t *b, change_apply_pt apply, const scale_group_t *g, um_sbuf_t *text)
{
    change_t *c = change_new(NULL, apply);

    um_sbuf_add(text, "", 1);
    if (c == NULL || text->failed) {
        um_sbuf_deinit(text);
        if (c != NULL) {
            change_free(c);
        }
        return;
    }

    /* The group goes before the change is applied. */
    c->text = text->data;
    c->name = (um_str_t){ c->owned_name, strlen(g->name) };
    memcpy(c->owned_name, g->name, sizeof(c->owned_name));
    c->number = g->epoch;
    change_add(b, c);
}

/* `apply` needs nothing else. */
static void
scale_change_plain(broker_t *b, change_apply_pt apply)
{
    change_t *c = change_new(NULL, apply);

    if (c != NULL) {
        change_add(b, c);
    }
}

/* ---- Scaling ------------------------------------------------------------ */

/* Who of a group is not there yet, in words; none: `text` stays empty. */
static void
scale_missing(const scale_ask_t *a, size_t group, um_sbuf_t *text)
{
    size_t missing = 0;

    for (size_t i = 0; i < a->round.proxies.count; i++) {
        const ask_one_t *p = &a->round.proxies.list[i];

        if (p->group != group
            || (p->answered && p->epoch >= a->group[group].epoch)) {
            continue;
        }

        missing++;
        if (missing <= SCALE_NAMED) {
            um_sbuf_addf(text, "%s%s ", missing > 1 ? ", " : "", p->address);
            if (p->answered) {
                um_sbuf_addf(text, "is at epoch %" PRIu64, p->epoch);
            } else {
                um_sbuf_addz(text, "does not answer");
            }
        }
    }

    if (missing > SCALE_NAMED) {
        um_sbuf_addf(text, ", and %zu more", missing - SCALE_NAMED);
    }
}

static void
scale_judge(broker_t *b, const scale_ask_t *a, size_t group)
{
    const scale_group_t *g = &a->group[group];
    um_sbuf_t text = { 0 };

    scale_missing(a, group, &text);
    if (text.len == 0 && !text.failed) {
        scale_change(b, apply_ready, g, &text);
    } else if (broker_env(b)->now >= g->since + b->conf->scaling_timeout / 1000)
    {
        scale_change(b, apply_abandon, g, &text);
    } else {
        um_sbuf_deinit(&text);
    }
}

static void
scale_on_answers(round_t *r)
{
    scale_ask_t *a = (scale_ask_t *) r;
    broker_t *b = r->b;

    b->scale_asking = false;
    for (size_t i = 0; i < r->proxies.count; i++) {
        epoch_told(b, &r->proxies.list[i]);
    }
    for (size_t i = 0; i < a->groups; i++) {
        scale_judge(b, a, i);
    }
}

/* UM_DECLINED: there is no such intent. */
static um_rc_t
scale_add_group(scale_ask_t *a)
{
    const store_t *s = a->round.b->store;
    store_scaling_t in;
    scale_group_t *g;
    um_str_t address;

    if (store_scaling(s, a->groups, &in) != UM_OK) {
        return UM_DECLINED;
    }

    g = realloc(a->group, (a->groups + 1) * sizeof(*g));
    if (g == NULL) {
        um_log_error(ENOMEM, "scaling");
        return UM_ERR;
    }

    a->group = g;
    g = &a->group[a->groups];
    *g = (scale_group_t){ .epoch = in.epoch, .since = in.since };
    memcpy(g->name, in.name.data, um_min(in.name.len, sizeof(g->name) - 1));
    for (size_t i = 0; store_cluster_proxy(s, in.name, i, &address) == UM_OK;
         i++) {
        if (ask_add(&a->round.proxies, address, a->groups) != UM_OK) {
            return UM_ERR;
        }
    }

    a->groups++;
    return UM_OK;
}

static void
scale_ask(broker_t *b)
{
    scale_ask_t *a = calloc(1, sizeof(*a));
    um_rc_t rc = UM_OK;

    if (a == NULL) {
        um_log_error(ENOMEM, "scaling");
        return;
    }

    round_init(&a->round, b, scale_on_answers, scale_on_free);
    while (rc == UM_OK) {
        rc = scale_add_group(a);
    }

    if (rc == UM_ERR || round_start(&a->round) != UM_OK) {
        round_free(&a->round);
        return;
    }

    b->scale_asking = true;
}

static void
scale_on_tick(void *data)
{
    broker_t *b = data;
    store_counts_t n;

    um_timer_start(b->tick, SCALE_TICK_MS);
    store_count(b->store, &n);

    epoch_on_tick(b);
    if (b->replica) {
        return; /* whose master does it */
    }

    if (n.scaling > 0 && !b->scale_asking) {
        scale_ask(b);
    }

    if (n.waiting > 0 && n.free > 0 && changes_are_idle(b)) {
        scale_change_plain(b, apply_repair);
    }
}

/* ---- Begin and end ------------------------------------------------------ */

um_rc_t
scale_init(broker_t *b)
{
    b->tick = um_timer_new(b->loop, scale_on_tick, b);
    if (b->tick == NULL) {
        um_log_error(ENOMEM, "broker");
        return UM_ERR;
    }

    scale_change_plain(b, apply_start);
    um_timer_start(b->tick, SCALE_TICK_MS);
    return UM_OK;
}

void
scale_deinit(broker_t *b)
{
    um_timer_free(b->tick);
}
