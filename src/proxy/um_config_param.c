/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_config_param.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

enum {
    PARAM_TEXT,    /* always `text`                            */
    PARAM_U32,     /* of the configuration, as it is           */
    PARAM_U64,     /* the same                                 */
    PARAM_SECONDS, /* u64 of milliseconds, shown in seconds    */
    PARAM_BOOL,    /* bool, in the reference's words           */
    PARAM_ADDR,    /* um_addr_t, all of it                     */
    PARAM_HOST,    /* um_addr_t, without the port              */
    PARAM_PORT,    /* um_addr_t, the port alone                */
    PARAM_LISTEN,  /* hosts of all listeners                   */
    PARAM_WORKERS, /* processes                                */
    PARAM_CLUSTER, /* "yes", unless we look like one Redis     */
    PARAM_OUTPUT,  /* client-output-buffer-limit               */
    PARAM_NODES,   /* cluster_nodes_version                    */
    PARAM_LIVE,    /* on the noticeboard                       */
};

#define CONF(n, k, field)                                                      \
    {                                                                          \
        .name = (n), .kind = (k), .offset = offsetof(um_proxy_conf_t, field)   \
    }

static const um_config_param_t params[] = {
    /* Of the reference, and the directives that came since. */
    { .name = "address", .kind = PARAM_LISTEN, .text = "port" },
    CONF("announce_address", PARAM_ADDR, announce),
    CONF("announce_host", PARAM_HOST, announce),
    { .name = "thread_number", .kind = PARAM_WORKERS },
    { .name = "worker_processes", .kind = PARAM_WORKERS },
    CONF("backend_conn_num", PARAM_U32, backend_conn_num),
    CONF("backend_timeout", PARAM_U64, backend_timeout),
    CONF("session_timeout", PARAM_U64, session_timeout),
    CONF("active_redirection", PARAM_BOOL, active_redirection),
    CONF("max_redirections", PARAM_U32, max_redirections),
    CONF("default_redirection_address", PARAM_ADDR, default_redirection),
    { .name = "cluster_nodes_version", .kind = PARAM_NODES },
    CONF("control_timeout", PARAM_U64, control_timeout),
    CONF("node_timeout", PARAM_U64, node_timeout),
    CONF("lease", PARAM_U64, lease),
    CONF("max_clients", PARAM_U32, max_clients),
    CONF("client_output_limit", PARAM_U64, client_output_limit),
    CONF("buffer_memory", PARAM_U64, buffer_memory),
    CONF("big_request", PARAM_U64, big_request),
    CONF("max_request", PARAM_U64, max_request),
    CONF("max_bulk", PARAM_U64, max_bulk),
    CONF("max_args", PARAM_U32, max_args),
    CONF("max_pipeline", PARAM_U32, max_pipeline),
    CONF("private_connections", PARAM_U32, private_connections),
    { .name = "slowlog_len", .kind = PARAM_LIVE, .live = UM_LIVE_SLOWLOG_LEN },
    { .name = "slowlog_log_slower_than",
        .kind = PARAM_LIVE,
        .live = UM_LIVE_SLOWER_THAN },
    { .name = "slowlog_sample_rate",
        .kind = PARAM_LIVE,
        .live = UM_LIVE_SAMPLE_RATE },

    /* Redis' own. */
    { .name = "slowlog-log-slower-than",
        .kind = PARAM_LIVE,
        .live = UM_LIVE_SLOWER_THAN },
    { .name = "slowlog-max-len",
        .kind = PARAM_LIVE,
        .live = UM_LIVE_SLOWLOG_LEN },
    CONF("port", PARAM_PORT, announce),
    { .name = "bind", .kind = PARAM_LISTEN },
    CONF("timeout", PARAM_SECONDS, session_timeout),
    CONF("maxclients", PARAM_U32, max_clients),
    CONF("proto-max-bulk-len", PARAM_U64, max_bulk),
    CONF("client-query-buffer-limit", PARAM_U64, max_request),
    { .name = "client-output-buffer-limit", .kind = PARAM_OUTPUT },
    { .name = "cluster-enabled", .kind = PARAM_CLUSTER },
    { .name = "cluster-require-full-coverage",
        .kind = PARAM_TEXT,
        .text = "no" },
    { .name = "databases", .kind = PARAM_TEXT, .text = "1" },
    { .name = "save", .kind = PARAM_TEXT, .text = "" },
    { .name = "appendonly", .kind = PARAM_TEXT, .text = "no" },
    { .name = "maxmemory", .kind = PARAM_TEXT, .text = "0" },
    { .name = "maxmemory-policy", .kind = PARAM_TEXT, .text = "noeviction" },
    { .name = "notify-keyspace-events", .kind = PARAM_TEXT, .text = "" },
};

/* What a live number may be; -1 turns the slow log off, as in Redis. */
static const int64_t live_min[] = {
    [UM_LIVE_SLOWER_THAN] = -1,
    [UM_LIVE_SAMPLE_RATE] = 0,
    [UM_LIVE_SLOWLOG_LEN] = 0,
};

size_t
um_config_param_count(void)
{
    return um_countof(params);
}

const um_config_param_t *
um_config_param_at(size_t i)
{
    return &params[i];
}

const um_config_param_t *
um_config_param_find(um_str_t name)
{
    for (size_t i = 0; i < um_countof(params); i++) {
        if (um_str_ieq(name, um_str_of(params[i].name))) {
            return &params[i];
        }
    }

    return NULL;
}

/* The host as it was written, with its brackets. */
static void
value_host(um_sbuf_t *o, const um_addr_t *a)
{
    um_sbuf_add(
        o, a->text, a->kind == UM_ADDR_UNIX ? strlen(a->text) : a->host_len);
}

/* All listeners, with their ports or without. */
static void
value_listen(um_sbuf_t *o, const um_proxy_conf_t *conf, bool port)
{
    for (uint32_t i = 0; i < conf->listen_count; i++) {
        const um_addr_t *a = &conf->listen[i].addr;

        if (i > 0) {
            um_sbuf_addz(o, " ");
        }
        if (port) {
            um_sbuf_addz(o, a->text);
        } else {
            value_host(o, a);
        }
    }
}

static void
value_live(um_sbuf_t *o, um_settings_sh_t *sh, um_live_t live)
{
    switch (live) {
    case UM_LIVE_SLOWER_THAN:
        um_sbuf_add_i64(o, atomic_load_explicit(&sh->slowlog_log_slower_than,
                               memory_order_relaxed));
        break;

    case UM_LIVE_SAMPLE_RATE:
        um_sbuf_add_u64(o, atomic_load_explicit(
                               &sh->slowlog_sample_rate, memory_order_relaxed));
        break;

    case UM_LIVE_SLOWLOG_LEN:
        um_sbuf_add_u64(
            o, atomic_load_explicit(&sh->slowlog_len, memory_order_relaxed));
        break;

    case UM_LIVE_NONE:
    case UM_LIVE_COUNT:
        break;
    }
}

static void
value_output(um_sbuf_t *o, const um_proxy_conf_t *conf)
{
    unsigned long long n = conf->client_output_limit;

    um_sbuf_addf(o, "normal %llu 0 0 slave 0 0 0 pubsub %llu 0 0", n, n);
}

void
um_config_param_value(
    const um_config_param_t *p, const um_worker_t *w, um_sbuf_t *o)
{
    const um_proxy_conf_t *conf = w->conf;
    const void *at = (const char *) conf + p->offset;

    switch (p->kind) {
    case PARAM_TEXT:
        um_sbuf_addz(o, p->text);
        break;

    case PARAM_U32:
        um_sbuf_add_u64(o, *(const uint32_t *) at);
        break;

    case PARAM_U64:
        um_sbuf_add_u64(o, *(const uint64_t *) at);
        break;

    case PARAM_SECONDS:
        um_sbuf_add_u64(o, (*(const uint64_t *) at + 999) / 1000);
        break;

    case PARAM_BOOL:
        um_sbuf_addz(o, *(const bool *) at ? "true" : "false");
        break;

    case PARAM_ADDR:
        um_sbuf_addz(o, ((const um_addr_t *) at)->text);
        break;

    case PARAM_HOST:
        value_host(o, at);
        break;

    case PARAM_PORT:
        um_sbuf_add_u64(o, ((const um_addr_t *) at)->port);
        break;

    case PARAM_LISTEN:
        value_listen(o, conf, p->text != NULL);
        break;

    case PARAM_WORKERS:
        um_sbuf_add_u64(o, w->heritage->workers);
        break;

    case PARAM_CLUSTER:
        um_sbuf_addz(o, conf->active_redirection ? "no" : "yes");
        break;

    case PARAM_OUTPUT:
        value_output(o, conf);
        break;

    case PARAM_NODES:
        um_sbuf_addz(o, conf->nodes_v1 ? "v1" : "v2");
        break;

    case PARAM_LIVE:
        value_live(o, w->shm->settings, (um_live_t) p->live);
        break;
    }
}

const char *
um_config_param_parse(const um_config_param_t *p, const um_settings_sh_t *sh,
    um_str_t value, int64_t *number, char *err, size_t size)
{
    int64_t min = live_min[p->live];
    int64_t max =
        p->live == UM_LIVE_SLOWLOG_LEN ? sh->slowlog_places : INT64_MAX;

    if (um_str_to_arg(value, number) != UM_OK) {
        return "argument couldn't be parsed into an integer";
    }

    if (*number < min || *number > max) {
        snprintf(err, size, "argument must be between %lld and %lld inclusive",
            (long long) min, (long long) max);
        return err;
    }

    return NULL;
}

void
um_config_param_store(
    const um_config_param_t *p, um_settings_sh_t *sh, int64_t number)
{
    switch ((um_live_t) p->live) {
    case UM_LIVE_SLOWER_THAN:
        atomic_store_explicit(
            &sh->slowlog_log_slower_than, number, memory_order_relaxed);
        break;

    case UM_LIVE_SAMPLE_RATE:
        atomic_store_explicit(
            &sh->slowlog_sample_rate, (uint64_t) number, memory_order_relaxed);
        break;

    case UM_LIVE_SLOWLOG_LEN:
        atomic_store_explicit(
            &sh->slowlog_len, (uint64_t) number, memory_order_relaxed);
        break;

    case UM_LIVE_NONE:
    case UM_LIVE_COUNT:
        break;
    }
}
