/*
 * http_status.c -- /status, /metrics, /healthz and /readyz.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>

#include "coord_facts.h"
#include "http/um_httpd.h"

#define PROM_TYPE "text/plain; version=0.0.4; charset=utf-8"

#define STATUS_HEADER_MAX 16384
#define STATUS_TIMEOUT    10000
#define STATUS_IDLE       75000

/* No broker has answered for so long: there is nobody to coordinate for. */
#define READY_MS 10000

static void
add_text(um_sbuf_t *out, const char *text)
{
    um_sbuf_addz(out, "\"");
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char) *p;

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            um_sbuf_addf(out, "\\u%04x", c);
        } else {
            um_sbuf_add(out, p, 1);
        }
    }
    um_sbuf_addz(out, "\"");
}

static uint64_t
age_ms(coord_t *co, uint64_t ns)
{
    return (um_loop_now(co->loop) - ns) / NS_PER_MS;
}

/* ---- /status ------------------------------------------------------------ */

static void
status_brokers(coord_t *co, um_sbuf_t *out)
{
    broker_state_t b;

    um_sbuf_addz(out, ",\"brokers\":[");
    for (uint32_t i = 0; brokers_state(co->brokers, i, &b); i++) {
        um_sbuf_addz(out, i > 0 ? ",{\"address\":" : "{\"address\":");
        add_text(out, b.address);
        um_sbuf_addf(out,
            ",\"current\":%s,\"resting\":%s,\"asked\":%" PRIu64
            ",\"failed\":%" PRIu64,
            b.current ? "true" : "false", b.resting ? "true" : "false", b.asked,
            b.failed);
        if (b.answered_ns != 0) {
            um_sbuf_addf(out, ",\"answered_ms_ago\":%" PRIu64,
                age_ms(co, b.answered_ns));
        }
        um_sbuf_addz(out, "}");
    }
    um_sbuf_addz(out, "]");
}

static void
status_proxy(coord_t *co, coord_proxy_t *p, um_sbuf_t *out)
{
    static const char *const kinds[] = {
        [KIND_UNKNOWN] = "unknown",
        [KIND_OURS] = "undermoond",
        [KIND_THEIRS] = "reference",
    };

    um_sbuf_addz(out, "{\"address\":");
    add_text(out, p->address);
    um_sbuf_addf(out, ",\"state\":\"%s\",\"kind\":\"%s\",\"cluster\":",
        p->heard_ns == 0 && p->watch.state == WATCH_ALIVE
            ? "new"
            : watch_state_name(p->watch.state),
        kinds[p->kind]);
    if (p->view != NULL) {
        add_text(out, p->view->name);
    } else {
        um_sbuf_addz(out, "null");
    }
    um_sbuf_addf(out,
        ",\"failed\":%s,\"synced\":%s,\"epoch\":%" PRIu64
        ",\"repl_epoch\":%" PRIu64 ",\"in_sync\":%s,\"fault\":",
        p->failed ? "true" : "false", push_is_done(p) ? "true" : "false",
        p->beat.epoch, p->beat.repl_epoch, p->beat.in_sync ? "true" : "false");
    add_text(out, p->beat.fault[0] != '\0' ? p->beat.fault : "none");
    if (p->heard_ns != 0) {
        um_sbuf_addf(
            out, ",\"heard_ms_ago\":%" PRIu64, age_ms(co, p->heard_ns));
    }
    if (p->watch.state != WATCH_ALIVE) {
        um_sbuf_addz(out, ",\"why\":");
        add_text(out, p->why);
    }
    if (p->complaint[0] != '\0') {
        um_sbuf_addz(out, ",\"refuses\":");
        add_text(out, p->complaint);
    }
    um_sbuf_addz(out, "}");
}

static void
on_status(um_http_req_t *r, void *data)
{
    coord_t *co = data;
    coord_fact_t f[COORD_FACTS];
    um_sbuf_t body = { 0 };

    coord_facts(co, f);
    um_sbuf_addf(
        &body, "{\"version\":\"%s\",\"reporter_id\":", co->env->api->version);
    add_text(&body, co->reporter);
    for (size_t i = 0; i < COORD_FACTS; i++) {
        um_sbuf_addf(&body, ",\"%s\":%" PRIu64, f[i].name, f[i].value);
    }
    status_brokers(co, &body);
    um_sbuf_addz(&body, ",\"members\":[");
    for (uint32_t i = 0; i < co->proxies; i++) {
        um_sbuf_addz(&body, i > 0 ? "," : "");
        status_proxy(co, co->proxy[i], &body);
    }
    um_sbuf_addz(&body, "]}\n");
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, "application/json", &body);
}

/* ---- /metrics ----------------------------------------------------------- */

static void
on_metrics(um_http_req_t *r, void *data)
{
    coord_fact_t f[COORD_FACTS];
    um_sbuf_t body = { 0 };

    coord_facts(data, f);
    for (size_t i = 0; i < COORD_FACTS; i++) {
        const char *name = f[i].name;
        const char *end = f[i].counter ? "_total" : "";

        um_sbuf_addf(&body,
            "# HELP undermoon_coordinator_%s%s %s\n"
            "# TYPE undermoon_coordinator_%s%s %s\n"
            "undermoon_coordinator_%s%s %" PRIu64 "\n",
            name, end, f[i].help, name, end, f[i].counter ? "counter" : "gauge",
            name, end, f[i].value);
    }
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, PROM_TYPE, &body);
}

/* ---- /healthz, /readyz -------------------------------------------------- */

/* It answers, so its loop turns: a restart would help nobody. */
static void
on_healthz(um_http_req_t *r, void *data UM_UNUSED)
{
    um_sbuf_t body = { 0 };

    um_sbuf_addz(&body, "{\"status\":\"ok\"}\n");
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, "application/json", &body);
}

static void
on_readyz(um_http_req_t *r, void *data)
{
    coord_t *co = data;
    um_sbuf_t body = { 0 };
    bool ready = false;
    broker_state_t b;

    for (uint32_t i = 0; brokers_state(co->brokers, i, &b); i++) {
        ready = ready
                || (b.answered_ns != 0 && age_ms(co, b.answered_ns) < READY_MS);
    }

    um_sbuf_addz(
        &body, ready ? "{\"status\":\"ok\"}\n"
                     : "{\"status\":\"unavailable\",\"reasons\":[\"no broker "
                       "answers\"]}\n");
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, ready ? 200 : 503, "application/json", &body);
}

static const um_http_route_t status_routes[] = {
    { "/status", UM_HTTP_GET, 0, on_status },
    { "/metrics", UM_HTTP_GET, 0, on_metrics },
    { "/healthz", UM_HTTP_GET, 0, on_healthz },
    { "/readyz", UM_HTTP_GET, 0, on_readyz },
    { NULL, 0, 0, NULL },
};

um_rc_t
status_start(coord_t *co)
{
    const coord_conf_t *conf = co->conf;
    const um_proc_env_t *env = co->env;
    const um_httpd_limits_t limits = {
        .connections = um_max(conf->max_clients, 4),
        .request_timeout = STATUS_TIMEOUT,
        .idle_timeout = STATUS_IDLE,
        .header_max = STATUS_HEADER_MAX,
        .allow = conf->allow,
        .allow_count = conf->allow_count,
    };

    if (conf->http_listen_count == 0) {
        return UM_OK;
    }

    co->httpd = um_httpd_new(co->loop, status_routes, &limits, co);
    if (co->httpd == NULL) {
        return UM_ERR;
    }

    for (uint32_t i = conf->listen_count; i < env->listen_count; i++) {
        if (um_httpd_listen(
                co->httpd, env->listen[i].fd, env->listen[i].addr->text)
            != UM_OK)
        {
            return UM_ERR;
        }
    }

    return UM_OK;
}

void
status_stop(coord_t *co)
{
    if (co->httpd != NULL) {
        um_httpd_free(co->httpd);
        co->httpd = NULL;
    }
}
