/*
 * um_ctl_doctor.c -- doctor: collect the facts, tell what follows from them.
 *
 * Nothing ends it early: that something cannot be found out is a finding, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "ctl/um_ctl_doctor_moves.h"
#include "redis/um_reply.h"

/* Proxies are told of changes each second. */
#define DOCTOR_LOOKS 4
#define DOCTOR_PAUSE 1000 /* ms */

/* A broker of the reference takes very long for many. */
#define DOCTOR_CHECK_MAX     100
#define DOCTOR_CHECK_TIMEOUT 30000 /* ms */

static void
get_at(um_ctl_t *c, uint32_t broker, const char *path, bool root,
    um_ctl_said_t *said)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_GET,
        .path = path,
        .root = root,
    };

    um_ctl_ask_at(c, broker, &ask, c->pool, said);
}

/* ---- Brokers ------------------------------------------------------------ */

static void
look_status(um_ctl_broker_fact_t *b, const um_ctl_said_t *said)
{
    if (said->status != 200) {
        return;
    }

    b->storage = um_ctl_json_text(said->json, "storage");
    if (!um_ctl_json_u64(said->json, "save_failures", &b->save_failures)) {
        b->save_failures = 0;
    }
}

static void
look_broker(um_ctl_t *c, uint32_t i, um_ctl_broker_fact_t *b)
{
    um_ctl_said_t said;

    b->address = c->broker[i].addr.text;
    get_at(c, i, "/epoch", false, &said);
    if (said.status != 200 || !cJSON_IsNumber(said.json)) {
        b->why = said.status == 0 ? said.why
                                  : "its answer makes no sense: is it a "
                                    "broker?";
        return;
    }

    b->has_epoch = true;
    b->epoch = (uint64_t) um_max(said.json->valuedouble, 0.0);
    b->has_skew = said.has_skew;
    b->skew = said.skew;

    get_at(c, i, "/healthz", true, &said);
    b->health = said.status == 200   ? UM_CTL_HEALTH_WELL
                : said.status == 503 ? UM_CTL_HEALTH_ILL
                                     : UM_CTL_HEALTH_UNTOLD;
    get_at(c, i, "/status", true, &said);
    look_status(b, &said);
}

static void
look_brokers(um_ctl_t *c, um_ctl_facts_t *f)
{
    f->brokers = c->brokers;
    for (uint32_t i = 0; i < c->brokers; i++) {
        look_broker(c, i, &f->broker[i]);
    }
    while (c->at + 1 < c->brokers && f->broker[c->at].why != NULL) {
        c->at++;
    }
}

/* ---- What it knows ------------------------------------------------------ */

/* NULL, or why there is no such JSON. */
static const char *
get_json(um_ctl_t *c, const char *path, const cJSON **json)
{
    um_ctl_said_t said;

    get_at(c, c->at, path, false, &said);
    if (said.status == 200 && said.json != NULL) {
        *json = said.json;
        return NULL;
    }
    return um_ctl_printf(c->pool, "%s: %s", path,
        said.status == 0 ? said.why : "its answer makes no sense");
}

static const char *
look_cluster(um_ctl_t *c, const char *name, um_ctl_cluster_fact_t *cl)
{
    const char *escaped = um_ctl_escape(c->pool, name);
    const cJSON *json;
    const char *why = get_json(
        c, um_ctl_printf(c->pool, "/clusters/meta/%s", escaped), &json);

    if (why == NULL) {
        why = um_ctl_view_parse(&cl->view,
            cJSON_GetObjectItemCaseSensitive(json, "cluster"), c->pool);
    }
    if (why == NULL) {
        why = get_json(
            c, um_ctl_printf(c->pool, "/clusters/info/%s", escaped), &json);
    }
    if (why == NULL && !um_ctl_info_parse(&cl->info, json)) {
        why = "a cluster has no numbers of nodes";
    }
    return why;
}

static const char *
look_store(um_ctl_t *c, um_ctl_facts_t *f)
{
    const cJSON *json;
    const char *why = get_json(c, "/metadata", &json);

    if (why == NULL) {
        why = um_ctl_store_parse(&f->store, json, c->pool);
    }
    if (why == NULL) {
        why = get_json(c, "/failures", &json);
    }
    if (why != NULL) {
        return why;
    }

    um_ctl_store_dead(&f->store, json);
    f->clusters = 0;
    f->cluster = um_ctl_array(c->pool, f->store.clusters, sizeof(*f->cluster));
    while (why == NULL && f->clusters < f->store.clusters) {
        why = look_cluster(
            c, f->store.cluster[f->clusters], &f->cluster[f->clusters]);
        f->clusters++;
    }
    return why;
}

/* ---- Proxies, hosts, coordinator ---------------------------------------- */

/* False: interrupted. */
static bool
look_proxies(um_ctl_t *c, um_ctl_facts_t *f)
{
    f->probe = um_ctl_array(c->pool, f->store.proxies, sizeof(*f->probe));
    for (size_t i = 0; i < f->store.proxies; i++) {
        f->probe[i].address = f->store.proxy[i].address;
        f->probe[i].with_time = true;
    }
    return um_ctl_probe(c, c->pool, f->probe, f->store.proxies);
}

static void
look_hosts(um_ctl_t *c, um_ctl_facts_t *f)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_POST,
        .path = "/resources/failures/check",
        .timeout = um_max(c->opts.timeout, (uint64_t) DOCTOR_CHECK_TIMEOUT),
    };
    const cJSON *list;
    const cJSON *item;
    um_ctl_said_t said;

    if (f->broker[c->at].storage == NULL && f->store.proxies > DOCTOR_CHECK_MAX)
    {
        return;
    }

    um_ctl_ask_at(c, c->at, &ask, c->pool, &said);
    list = said.status == 200 ? um_ctl_json_list(said.json, "hosts_cannot_fail")
                              : NULL;
    if (list == NULL) {
        return;
    }

    f->hosts_known = true;
    f->host = um_ctl_array(
        c->pool, (size_t) cJSON_GetArraySize(list), sizeof(*f->host));
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item)) {
            f->host[f->hosts++] = item->valuestring;
        }
    }
}

typedef struct {
    um_ctl_t *c;
    const char *why;
} coordinator_t;

/* Any answer will do: the reference's has no INFO. */
static const char *
on_coordinator(void *data, size_t i UM_UNUSED, const um_talk_answer_t *a)
{
    coordinator_t *at = data;

    if (a->end != UM_TALK_ANSWERED || um_reply_is_error_of(a->reply, "NOAUTH"))
    {
        at->why = um_ctl_poll_why(at->c->pool, a);
    }
    return NULL;
}

static bool
look_coordinator(um_ctl_t *c, um_ctl_facts_t *f)
{
    coordinator_t at = { .c = c };
    bool went_on;

    f->coordinator = c->opts.coordinator;
    if (f->coordinator == NULL) {
        return true;
    }

    went_on = um_ctl_poll(c, &f->coordinator, 1, "INFO", on_coordinator, &at);
    f->coordinator_why = at.why;
    return went_on;
}

/* ---- All of it ---------------------------------------------------------- */

/* False: interrupted. */
static bool
look_all(um_ctl_t *c, um_ctl_facts_t *f)
{
    look_brokers(c, f);
    if (!look_coordinator(c, f)) {
        return false;
    }

    /* Who does not know a change that has just been made has time to. */
    for (int i = 0; i < DOCTOR_LOOKS; i++) {
        f->unknown = look_store(c, f);
        if (f->unknown != NULL) {
            break;
        }
        if (!look_proxies(c, f)) {
            return false;
        }
        if (!um_ctl_is_settling(f)) {
            break;
        }
        if (i + 1 < DOCTOR_LOOKS && !um_ctl_pause(c, DOCTOR_PAUSE)) {
            return false;
        }
    }

    if (f->unknown == NULL) {
        look_hosts(c, f);
        if (!um_ctl_doctor_moves(c, f)) {
            return false;
        }
    }
    return !c->interrupted;
}

int
um_ctl_doctor(um_ctl_t *c)
{
    um_ctl_facts_t *f = um_ctl_array(c->pool, 1, sizeof(*f));
    um_ctl_findings_t all = { .pool = c->pool };

    if (!look_all(c, f)) {
        return um_ctl_interrupted(c);
    }

    um_ctl_diagnose(f, &all);
    if (c->opts.json) {
        (void) um_ctl_json(c, um_ctl_findings_json(&all, f));
    } else {
        um_ctl_findings_put(&all, c->colour, &c->out);
    }
    return um_ctl_findings_status(&all);
}
