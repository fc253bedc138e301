/*
 * What waits for proxies.
 *
 *   auto       nodes were added, and the slots are spread when all proxies of
 *              the cluster know of them: they are asked every second
 *   recovery   the highest epoch that any proxy knows
 *   repair     chunks that wait for a spare: reports expire, so somebody may
 *              be one without any request
 *   start      tasks that a higher migration_limit allows, once at the start
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "broker.h"
#include "core/um_log.h"
#include "core/um_str.h"

#define SCALE_TICK_MS 1000

/* To be reached, and to answer, each. */
#define SCALE_ASK_MS 1000

/* Proxies named in the reason why a scaling was given up. */
#define SCALE_NAMED 3

/* A cluster whose proxies are asked. */
typedef struct {
    char name[STORE_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t since;
} scale_group_t;

typedef struct ask_s {
    broker_t *b;
    ask_list_t proxies;
    scale_group_t *group; /* for scalings */
    size_t groups;
    um_http_req_t *req; /* for recovery; NULL: who asked is gone */
} ask_t;

static void
ask_free(void *data)
{
    ask_t *a = data;

    ask_deinit(&a->proxies);
    free(a->group);
    free(a);
}

static ask_t *
ask_new(broker_t *b)
{
    ask_t *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        um_log_error(ENOMEM, "proxies to be asked");
        return NULL;
    }

    a->b = b;
    a->proxies.timeout = SCALE_ASK_MS;
    return a;
}

static void
ask_work(void *data)
{
    ask_t *a = data;

    ask_run(&a->proxies);
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
scale_missing(const ask_t *a, size_t group, um_sbuf_t *text)
{
    size_t missing = 0;

    for (size_t i = 0; i < a->proxies.count; i++) {
        const ask_one_t *p = &a->proxies.list[i];

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
scale_judge(broker_t *b, const ask_t *a, size_t group)
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
scale_on_answers(void *data)
{
    ask_t *a = data;
    broker_t *b = a->b;

    b->asking = NULL;
    for (size_t i = 0; i < a->groups; i++) {
        scale_judge(b, a, i);
    }
    ask_free(a);
}

/* UM_DECLINED: there is no such intent. */
static um_rc_t
scale_add_group(ask_t *a)
{
    const store_t *s = a->b->store;
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
        if (ask_add(&a->proxies, address, a->groups) != UM_OK) {
            return UM_ERR;
        }
    }

    a->groups++;
    return UM_OK;
}

static void
scale_ask(broker_t *b)
{
    ask_t *a = ask_new(b);
    um_rc_t rc = UM_OK;

    while (a != NULL && rc == UM_OK) {
        rc = scale_add_group(a);
    }

    if (a == NULL || rc == UM_ERR
        || um_jobs_add(b->asks, ask_work, scale_on_answers, a) != UM_OK)
    {
        um_log_error(0, "scaling: the proxies cannot be asked");
        if (a != NULL) {
            ask_free(a);
        }
        return;
    }

    b->asking = a;
}

static void
scale_on_tick(void *data)
{
    broker_t *b = data;
    store_counts_t n;

    um_timer_start(b->tick, SCALE_TICK_MS);
    store_count(b->store, &n);

    if (n.scaling > 0 && b->asking == NULL) {
        scale_ask(b);
    }

    if (n.waiting > 0 && n.free > 0 && changes_are_idle(b)) {
        scale_change_plain(b, apply_repair);
    }
}

/* ---- Recovery of epochs ------------------------------------------------- */

static store_rc_t
apply_recover(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    store_rc_t rc = store_recover_epoch(s, c->number);

    if (rc == STORE_OK) {
        um_sbuf_addz(&c->out, c->text);
    }

    return rc;
}

/* {"failed_addresses":[..]} */
static char *
recover_text(const ask_t *a)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "failed_addresses");
    char *text = NULL;
    bool whole = list != NULL;

    for (size_t i = 0; whole && i < a->proxies.count; i++) {
        const ask_one_t *p = &a->proxies.list[i];
        cJSON *name = NULL;

        if (!p->answered) {
            name = cJSON_CreateString(p->address);
            whole = name != NULL && cJSON_AddItemToArray(list, name);
        }
    }

    if (whole) {
        text = cJSON_PrintUnformatted(json);
    }
    cJSON_Delete(json);
    return text;
}

static void
recover_on_answers(void *data)
{
    ask_t *a = data;
    broker_t *b = a->b;
    um_http_req_t *r = a->req;
    change_t *c = NULL;
    uint64_t seen = 0;

    for (size_t i = 0; i < a->proxies.count; i++) {
        if (a->proxies.list[i].answered) {
            seen = um_max(seen, a->proxies.list[i].epoch);
        }
    }

    if (r != NULL) {
        um_http_on_cancel(r, NULL, NULL);
        c = change_new(r, apply_recover);
    }
    if (c != NULL) {
        c->text = recover_text(a);
        c->number = seen;
    }

    if (c != NULL && c->text != NULL) {
        change_add(b, c);
    } else if (r != NULL) {
        if (c != NULL) {
            change_free(c);
        }
        api_answer(b, r, STORE_NO_MEMORY, NULL, NULL);
    }
    ask_free(a);
}

static void
recover_on_cancel(um_http_req_t *r UM_UNUSED, void *data)
{
    ask_t *a = data;

    a->req = NULL;
}

/* All that are registered.  False: out of memory. */
static bool
recover_add_all(ask_t *a)
{
    um_sbuf_t text = { 0 };
    const cJSON *address;
    cJSON *json;
    bool whole;

    store_view_addresses(a->b->store, 0, STORE_ALL, &text);
    json = text.failed ? NULL : cJSON_ParseWithLength(text.data, text.len);
    whole = json != NULL;
    cJSON_ArrayForEach(
        address, cJSON_GetObjectItemCaseSensitive(json, "addresses"))
    {
        whole = whole
                && ask_add(&a->proxies, um_str_of(address->valuestring), 0)
                       == UM_OK;
    }

    cJSON_Delete(json);
    um_sbuf_deinit(&text);
    return whole;
}

void
scale_recover(broker_t *b, um_http_req_t *r)
{
    ask_t *a = ask_new(b);

    if (a == NULL || !recover_add_all(a)
        || um_jobs_add(b->asks, ask_work, recover_on_answers, a) != UM_OK)
    {
        if (a != NULL) {
            ask_free(a);
        }
        api_answer(b, r, STORE_NO_MEMORY, NULL, NULL);
        return;
    }

    a->req = r;
    um_http_on_cancel(r, recover_on_cancel, a);
}

/* ---- Begin and end ------------------------------------------------------ */

um_rc_t
scale_init(broker_t *b)
{
    b->asks = um_jobs_new(b->loop, 4);
    b->tick = um_timer_new(b->loop, scale_on_tick, b);
    if (b->asks == NULL || b->tick == NULL) {
        um_log_error(ENOMEM, "broker");
        return UM_ERR;
    }

    scale_change_plain(b, apply_start);
    um_timer_start(b->tick, SCALE_TICK_MS);
    return UM_OK;
}

/* Whoever asked for a recovery is answered by the end of the server. */
static void
scale_drop(void *data)
{
    ask_t *a = data;

    if (a->req != NULL) {
        um_http_on_cancel(a->req, NULL, NULL);
    }
    ask_free(a);
}

void
scale_deinit(broker_t *b)
{
    if (b->asking != NULL) {
        b->asking->proxies.leave = true;
    }

    if (b->asks != NULL) {
        um_jobs_free(b->asks, scale_drop);
    }
    um_timer_free(b->tick);
}
