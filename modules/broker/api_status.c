/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>

#include "api.h"
#include "api_status.h"
#include "core/um_str.h"

#define NS_PER_S UINT64_C(1000000000)

#define PROM_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Everything there is to tell, once for JSON and once for Prometheus. */
typedef struct {
    const char *name; /* a counter's ends with _total in Prometheus */
    const char *help;
    bool counter;
    uint64_t value;
} fact_t;

#define FACTS 28

/* 0 without one. */
static uint64_t
facts_age(const broker_t *b)
{
    return b->read_ns == 0 ? 0 : (um_loop_now(b->loop) - b->read_ns) / NS_PER_S;
}

static void
facts_fill(broker_t *b, fact_t f[FACTS])
{
    const broker_stats_t *st = &b->stats;
    store_counts_t n;
    size_t i = 0;

    store_count(b->store, &n);
    f[i++] =
        (fact_t){ "epoch", "The global epoch.", false, store_epoch(b->store) };
    f[i++] = (fact_t){ "proxies", "Registered proxies.", false, n.proxies };
    f[i++] = (fact_t){ "proxies_free", "Proxies a cluster could have.", false,
        n.free };
    f[i++] = (fact_t){ "proxies_failed", "Proxies marked as failed.", false,
        n.failed };
    f[i++] = (fact_t){ "proxies_to_replace",
        "Failed proxies that wait for a spare.", false, n.waiting };
    f[i++] = (fact_t){ "hosts", "Hosts of the proxies.", false, n.hosts };
    f[i++] = (fact_t){ "clusters", "Clusters.", false, n.clusters };
    f[i++] = (fact_t){ "migration_tasks", "Tasks of running migrations.", false,
        n.migrations };
    f[i++] = (fact_t){ "clusters_scaling",
        "Clusters whose new nodes wait to be known.", false, n.scaling };
    f[i++] = (fact_t){ "failure_reports", "Reports of failed proxies.", false,
        n.reports };
    f[i++] = (fact_t){ "is_replica", "Whether another broker leads.", false,
        b->replica };
    f[i++] = (fact_t){ "epochs_unknown",
        "Proxies whose epoch is asked since the file was damaged.", false,
        b->epoch_wait.pending ? b->epoch_wait.left.count : 0 };
    f[i++] = (fact_t){ "storage_trouble", "Whether changes cannot be saved.",
        false, b->trouble != TROUBLE_NONE || !b->ready };
    f[i++] = (fact_t){ "external_age_seconds",
        "Since the external store was last read or written.", false,
        facts_age(b) };
    f[i++] = (fact_t){ "connections", "Open connections.", false,
        um_httpd_connections(b->httpd) };
    f[i++] = (fact_t){ "view_bytes", "Bytes of answers that are kept.", false,
        b->views.bytes };
    f[i++] = (fact_t){ "requests", "Requests.", true, st->requests };
    f[i++] = (fact_t){ "requests_refused", "Requests answered with an error.",
        true, st->refused };
    f[i++] = (fact_t){ "changes", "Requests that changed something.", true,
        st->changes };
    f[i++] =
        (fact_t){ "saves", "Times the metadata was saved.", true, st->saves };
    f[i++] = (fact_t){ "save_failures", "Times that failed.", true,
        st->save_failures };
    f[i++] = (fact_t){ "external_reads", "Times the external store was read.",
        true, st->reads };
    f[i++] = (fact_t){ "external_read_failures", "Times that failed.", true,
        st->read_failures };
    f[i++] = (fact_t){ "external_conflicts",
        "Saves that somebody else was faster with.", true, st->conflicts };
    f[i++] = (fact_t){ "external_unsure",
        "Saves whose answer was lost, or an error.", true, st->unsure };
    f[i++] = (fact_t){ "replica_pushes", "Times replicas were given all.", true,
        b->replicas.pushes };
    f[i++] = (fact_t){ "replica_failures",
        "Times they did not answer, or refused.", true, b->replicas.failures };
    f[i++] = (fact_t){ "view_hits", "Answers that were kept from before.", true,
        b->views.hits };
    um_assert(i == FACTS);
}

static void
on_metrics(um_http_req_t *r, void *data)
{
    fact_t facts[FACTS];
    um_sbuf_t body = { 0 };

    facts_fill(data, facts);
    for (size_t i = 0; i < FACTS; i++) {
        const char *name = facts[i].name;
        const char *end = facts[i].counter ? "_total" : "";

        um_sbuf_addf(&body,
            "# HELP undermoon_broker_%s%s %s\n"
            "# TYPE undermoon_broker_%s%s %s\n"
            "undermoon_broker_%s%s %" PRIu64 "\n",
            name, end, facts[i].help, name, end,
            facts[i].counter ? "counter" : "gauge", name, end, facts[i].value);
    }
    replicas_metrics(data, &body);
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, PROM_TYPE, &body);
}

static void
on_status(um_http_req_t *r, void *data)
{
    broker_t *b = data;
    fact_t facts[FACTS];
    um_sbuf_t body = { 0 };

    facts_fill(b, facts);
    um_sbuf_addf(&body, "{\"version\":\"%s\",\"storage\":\"%s\"",
        b->env->api->version, b->storage->name);
    if (b->trouble != TROUBLE_NONE) {
        api_json_member(
            &body, "storage_trouble_text", um_str_of(b->trouble_text));
    }
    for (size_t i = 0; i < FACTS; i++) {
        um_sbuf_addf(&body, ",\"%s\":%" PRIu64, facts[i].name, facts[i].value);
    }
    um_sbuf_addz(&body, ",\"replicas\":");
    replicas_status(b, &body);
    um_sbuf_addz(&body, "}\n");
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, "application/json", &body);
}

static void
on_healthz(um_http_req_t *r, void *data)
{
    const broker_t *b = data;
    um_sbuf_t body = { 0 };

    const char *wrong = !b->ready ? "the metadata has not been read yet"
                        : b->trouble != TROUBLE_NONE ? "changes cannot be saved"
                                                     : NULL;

    if (wrong != NULL) {
        um_sbuf_addf(&body,
            "{\"status\":\"unavailable\",\"reasons\":[\"%s\"]}\n", wrong);
    } else {
        um_sbuf_addz(&body, "{\"status\":\"ok\"}\n");
    }
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, wrong != NULL ? 503 : 200, "application/json", &body);
}

const um_http_route_t api_status_routes[API_STATUS_ROUTES] = {
    { "/metrics", UM_HTTP_GET, 0, on_metrics },
    { "/status", UM_HTTP_GET, 0, on_status },
    { "/healthz", UM_HTTP_GET, 0, on_healthz },
};
