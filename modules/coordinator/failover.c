/*
 * failover.c -- reports of failures, and what follows from them.
 *
 * A proxy found dead is reported at once and then every second, until it is
 * marked as failed; found well again, the report is taken back.  Whom enough
 * coordinators have reported is the broker's to say: for each of them a
 * failover is asked for, by whoever sees it first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord.h"
#include "core/um_log.h"

/* Failovers that are asked for at once; the others have their turn later. */
#define FAILOVERS_OPEN 10

typedef struct failover_s {
    coord_t *co;
    um_timer_t *timer;
    bool asking; /* GET failures is under way   */
    bool again;  /* and again, when it has been answered */
    uint32_t open;
} failover_t;

static void failover_ask(failover_t *f);

/* One request about a proxy.  UM_ERR: there will be no answer. */
static um_rc_t
failover_say(coord_proxy_t *p, broker_ask_t *ask, const char *prefix,
    const char *end, broker_pt on_answer)
{
    um_sbuf_t target = { 0 };
    um_rc_t rc = UM_ERR;

    coord_target(&target, prefix, p->address, end);
    ask->about = p->address;
    ask->target = um_sbuf_cstr(&target);
    if (!target.failed) {
        rc = brokers_ask(p->co->brokers, ask, on_answer, p->co);
    }
    um_sbuf_deinit(&target);
    return rc;
}

static um_rc_t
failover_say_report(coord_proxy_t *p, unsigned method, broker_pt on_answer)
{
    broker_ask_t ask = { .method = method };
    char end[320];

    snprintf(end, sizeof(end), "/%s", p->co->reporter);
    return failover_say(p, &ask, "/failures/", end, on_answer);
}

/* ---- It has failed ------------------------------------------------------ */

static void
report_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);

    if (p != NULL) {
        p->reporting = false;
        p->withdraw = true;
    }

    if (a->status == 200) {
        co->stats.reports++;
        failover_ask(co->failover);
    } else if (a->status != 0) {
        um_log_error(
            0, "proxy %s: report refused: status %u", a->about, a->status);
    }

    /* It has come back meanwhile. */
    if (p != NULL && !p->watch.reported) {
        failover_withdraw(p);
    }
}

void
failover_report(coord_proxy_t *p)
{
    if (p->reporting || p->failed) {
        return;
    }

    p->reporting =
        failover_say_report(p, UM_HTTP_POST, report_on_answer) == UM_OK;
}

/* ---- It is well again --------------------------------------------------- */

static void
withdraw_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);

    if ((a->status == 404 || a->status == 405)
        && brokers_lack(co->brokers, a, LACKS_UNREPORT))
    {
        um_log_info(0, "the broker takes no report back: it will expire");
    }
    if (p == NULL) {
        return;
    }

    p->reporting = false;
    p->withdraw = a->status == 0;
    if (p->watch.reported) {
        failover_report(p);
    }
}

void
failover_withdraw(coord_proxy_t *p)
{
    if (p->reporting || !p->withdraw) {
        return;
    }

    if (brokers_lacks(p->co->brokers, LACKS_UNREPORT)) {
        p->withdraw = false;
        return;
    }

    p->reporting =
        failover_say_report(p, UM_HTTP_DELETE, withdraw_on_answer) == UM_OK;
}

/* ---- Somebody has to take its place ------------------------------------- */

/* Nobody can, or not now; that is told once for each reason. */
static void
failover_refused(coord_t *co, const char *address, const broker_answer_t *a)
{
    coord_proxy_t *p = proxies_find(co, address);
    char code[sizeof(p->refusal)];

    co->stats.failovers_refused++;
    if (a->status == 0) {
        snprintf(code, sizeof(code), "%s", a->why);
    } else {
        broker_error(a, code, sizeof(code));
    }

    if (p == NULL || strcmp(p->refusal, code) != 0) {
        um_log_warn(0, "proxy %s: is not replaced yet: %s (status %u)", address,
            code, a->status);
    }
    if (p != NULL) {
        memcpy(p->refusal, code, sizeof(code));
    }
}

static void
failover_made(const broker_answer_t *a)
{
    cJSON *json = cJSON_ParseWithLength(a->body.data, a->body.len);
    const cJSON *proxy = cJSON_GetObjectItemCaseSensitive(json, "proxy");
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(proxy, "address");

    if (cJSON_IsString(by)) {
        um_log_notice(0, "proxy %s: replaced by %s", a->about, by->valuestring);
    } else {
        um_log_notice(0, "proxy %s: is marked as failed", a->about);
    }
    cJSON_Delete(json);
}

static void
failover_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);

    co->failover->open--;
    if (p != NULL) {
        p->failing_over = false;
    }

    if (a->status == 200) {
        co->stats.failovers++;
        failover_made(a);
        if (p != NULL) {
            p->refusal[0] = '\0';
        }
    } else {
        failover_refused(co, a->about, a);
    }

    /* Roles may have changed, also when nobody took its place. */
    sync_now(co);
}

static void
failover_start_one(failover_t *f, const char *address)
{
    /* What may have been done is not asked for twice: the broker's list says
     * what is left to do. */
    broker_ask_t ask = { .method = UM_HTTP_POST, .only_once = true };
    coord_proxy_t *p = proxies_find(f->co, address);

    if (p == NULL) {
        sync_now(f->co); /* it has its turn when we know it */
        return;
    }

    if (p->failing_over || f->open >= FAILOVERS_OPEN) {
        return;
    }

    if (failover_say(p, &ask, "/proxies/failover/", "", failover_on_answer)
        == UM_OK)
    {
        p->failing_over = true;
        f->open++;
    }
}

static void
failures_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    failover_t *f = co->failover;
    cJSON *json = NULL;
    const cJSON *addr;

    f->asking = false;
    if (a->status == 200) {
        json = cJSON_ParseWithLength(a->body.data, a->body.len);
    }
    cJSON_ArrayForEach(
        addr, cJSON_GetObjectItemCaseSensitive(json, "addresses"))
    {
        if (cJSON_IsString(addr)) {
            failover_start_one(f, addr->valuestring);
        }
    }
    cJSON_Delete(json);

    if (f->again) {
        f->again = false;
        failover_ask(f);
    }
}

static void
failover_ask(failover_t *f)
{
    const broker_ask_t ask = { .method = UM_HTTP_GET, .target = "/failures" };

    if (f->co->conf->disable_failover) {
        return;
    }

    if (f->asking) {
        f->again = true;
        return;
    }

    f->asking =
        brokers_ask(f->co->brokers, &ask, failures_on_answer, f->co) == UM_OK;
}

/* ---- Every second ------------------------------------------------------- */

static void
failover_on_time(void *data)
{
    failover_t *f = data;
    coord_t *co = f->co;

    for (uint32_t i = 0; i < co->proxies; i++) {
        coord_proxy_t *p = co->proxy[i];

        if (p->watch.reported) {
            failover_report(p);
        } else if (p->watch.state == WATCH_ALIVE) {
            failover_withdraw(p);
        }
    }

    if (!f->asking) {
        failover_ask(f);
    }
    um_timer_start(f->timer, co->conf->sync_interval);
}

um_rc_t
failover_start(coord_t *co)
{
    failover_t *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->timer = um_timer_new(co->loop, failover_on_time, f);
    }
    if (f == NULL || f->timer == NULL) {
        um_log_error(ENOMEM, "coordinator");
        free(f);
        return UM_ERR;
    }

    f->co = co;
    co->failover = f;
    um_timer_start(f->timer, 0);
    return UM_OK;
}

void
failover_stop(coord_t *co)
{
    if (co->failover != NULL) {
        um_timer_free(co->failover->timer);
        free(co->failover);
        co->failover = NULL;
    }
}
