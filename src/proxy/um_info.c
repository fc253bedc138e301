/*
 * um_info.c -- INFO: the sections and names of Redis where they mean something
 * here, and our own counters.  Numbers are those of all workers together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "proxy/um_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_crc64.h"
#include "core/um_procs.h"
#include "core/um_str.h"
#include "proxy/um_cmd_stats.h"
#include "proxy/um_gate.h"
#include "proxy/um_repl_text.h"
#include "proxy/um_self.h"
#include "proxy/um_trace.h"
#include "resp/um_put.h"

/* What our command table is made from. */
#define INFO_REDIS_VERSION 0x070000

typedef struct {
    uint64_t workers;
    uint64_t clients;
    uint64_t blocked;
    uint64_t buffers;
    uint64_t turn_max_ns;
    um_proc_cost_t cost;
} info_rows_t;

void
um_info_redis_version(const um_worker_t *w, char out[UM_VERSION_TEXT_MAX])
{
    uint32_t v = atomic_load_explicit(
        &w->shm->settings->redis_version, memory_order_relaxed);

    if (v == 0) {
        v = INFO_REDIS_VERSION;
    }

    snprintf(out, UM_VERSION_TEXT_MAX, "%u.%u.%u", v >> 16 & 0xff,
        v >> 8 & 0xff, v & 0xff);
}

const char *
um_info_mode(const um_worker_t *w)
{
    return w->conf->active_redirection ? "standalone" : "cluster";
}

static uint64_t
info_load(const _Atomic uint64_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

/* All living workers; their cost only where it is asked for, it is dear. */
static void
info_rows(const um_worker_t *w, bool cost, info_rows_t *sum)
{
    const um_workers_sh_t *sh = w->shm->workers;

    memset(sum, 0, sizeof(*sum));

    for (uint32_t i = 0; i < sh->rows; i++) {
        const um_row_sh_t *row = &sh->row[i];
        uint32_t state =
            atomic_load_explicit(&row->state, memory_order_relaxed);

        if (state != UM_ROW_RUNNING && state != UM_ROW_DRAINING) {
            continue;
        }

        sum->workers++;
        sum->clients +=
            atomic_load_explicit(&row->clients, memory_order_relaxed);
        sum->blocked +=
            atomic_load_explicit(&row->blocked, memory_order_relaxed);
        sum->buffers += info_load(&row->memory);
        sum->turn_max_ns =
            um_max(sum->turn_max_ns, info_load(&row->turn_max_ns));

        if (cost) {
            um_proc_cost_add(&sum->cost,
                atomic_load_explicit(&row->pid, memory_order_relaxed));
        }
    }
}

static uint64_t
info_uptime_us(const um_worker_t *w)
{
    uint64_t now = um_clock_wall_us();
    uint64_t start = info_load(&w->shm->settings->start_wall_us);

    return start != 0 && now > start ? now - start : 0;
}

/* 40 hex digits that are the same in all workers and new after a restart. */
static void
info_run_id(const um_worker_t *w, char out[41])
{
    char seed[UM_ADDR_TEXT_MAX + 64];

    for (int i = 0; i < 5; i++) {
        int n = snprintf(seed, sizeof(seed), "%d %llu %s", i,
            (unsigned long long) info_load(&w->shm->settings->start_wall_us),
            w->conf->announce.text);
        uint64_t crc = um_crc64((um_str_t){ seed, (size_t) n });

        snprintf(out + 8 * i, 9, "%08x", (unsigned) (crc ^ crc >> 32));
    }
}

/* As Redis' bytesToHuman(). */
static void
info_human(um_sbuf_t *o, const char *key, uint64_t bytes)
{
    static const char units[] = "KMGTP";
    double n = (double) bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        um_sbuf_addf(o, "%s:%lluB\r\n", key, (unsigned long long) bytes);
        return;
    }

    for (n /= 1024; n >= 1024 && unit + 1 < sizeof(units) - 1; n /= 1024) {
        unit++;
    }

    um_sbuf_addf(o, "%s:%.2f%c\r\n", key, n, units[unit]);
}

static void
info_number(um_sbuf_t *o, const char *key, uint64_t value)
{
    um_sbuf_addz(o, key);
    um_sbuf_addz(o, ":");
    um_sbuf_add_u64(o, value);
    um_sbuf_addz(o, "\r\n");
}

static void
info_seconds(um_sbuf_t *o, const char *key, uint64_t us)
{
    um_sbuf_addf(o, "%s:%llu.%06llu\r\n", key,
        (unsigned long long) (us / 1000000),
        (unsigned long long) (us % 1000000));
}

/* ---- sections ----------------------------------------------------------- */

static void
section_server(const um_worker_t *w, um_sbuf_t *o)
{
    uint64_t up = info_uptime_us(w) / 1000000;
    char version[UM_VERSION_TEXT_MAX], run_id[41];
    info_rows_t rows;
    struct utsname os;

    um_info_redis_version(w, version);
    info_run_id(w, run_id);
    info_rows(w, false, &rows);

    um_sbuf_addf(o, "redis_version:%s\r\n", version);
    um_sbuf_addf(o, "undermoon_version:%s\r\n", PACKAGE_VERSION);
    um_sbuf_addf(o, "redis_mode:%s\r\n", um_info_mode(w));
    if (uname(&os) == 0) {
        um_sbuf_addf(o, "os:%s %s %s\r\n", os.sysname, os.release, os.machine);
    }
    info_number(o, "arch_bits", sizeof(void *) * 8);
    info_number(o, "process_id", (uint64_t) getppid()); /* the master */
    um_sbuf_addf(o, "run_id:%s\r\n", run_id);
    info_number(o, "tcp_port", w->conf->announce.port);
    info_number(o, "server_time_usec", um_clock_wall_us());
    info_number(o, "uptime_in_seconds", up);
    info_number(o, "uptime_in_days", up / 86400);
    info_number(o, "worker_processes", rows.workers);
    info_number(o, "reloads", info_load(&w->shm->settings->reloads));
    info_number(
        o, "reload_errors", info_load(&w->shm->settings->reload_errors));
}

/* What Redis calls so is what there are descriptors for. */
static uint64_t
max_clients(const um_worker_t *w)
{
    return um_min((uint64_t) w->conf->max_clients,
        (uint64_t) w->heritage->workers * w->fds.clients);
}

static void
section_clients(const um_worker_t *w, um_sbuf_t *o)
{
    info_rows_t rows;

    info_rows(w, false, &rows);
    info_number(o, "connected_clients", rows.clients);
    info_number(o, "cluster_connections", 0);
    info_number(o, "maxclients", max_clients(w));
    info_number(o, "blocked_clients", rows.blocked);
    info_number(o, "max_clients_per_worker", w->fds.clients);
    info_number(
        o, "private_connections_per_worker", w->fds.private_connections);
    info_number(o, "tracking_clients", 0);
}

/* What the proxy itself needs; the data's memory is the nodes' affair. */
static void
section_memory(const um_worker_t *w, um_sbuf_t *o)
{
    uint64_t total =
        (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE);
    info_rows_t rows;

    info_rows(w, true, &rows);
    info_number(o, "used_memory", rows.buffers);
    info_human(o, "used_memory_human", rows.buffers);
    info_number(o, "used_memory_rss", rows.cost.memory);
    info_human(o, "used_memory_rss_human", rows.cost.memory);
    info_number(o, "total_system_memory", total);
    info_human(o, "total_system_memory_human", total);
    um_sbuf_addz(o, "maxmemory:0\r\nmaxmemory_human:0B\r\n");
    um_sbuf_addz(o, "maxmemory_policy:noeviction\r\n");
    info_number(o, "buffer_memory", w->conf->buffer_memory);
}

/* There is nothing here to load; clients look at this one before they start. */
static void
section_persistence(UM_UNUSED const um_worker_t *w, um_sbuf_t *o)
{
    um_sbuf_addz(o, "loading:0\r\n");
}

static void
section_stats(const um_worker_t *w, um_sbuf_t *o)
{
    static const struct {
        const char *name;
        um_stat_t id;
    } redis[] = {
        { "total_connections_received", UM_STAT_CLIENTS_ACCEPTED },
        { "total_commands_processed", UM_STAT_COMMANDS },
        { "total_net_input_bytes", UM_STAT_BYTES_IN },
        { "total_net_output_bytes", UM_STAT_BYTES_OUT },
        { "rejected_connections", UM_STAT_CLIENTS_REFUSED },
    };
    const um_workers_sh_t *sh = w->shm->workers;
    info_rows_t rows;

    for (size_t i = 0; i < um_countof(redis); i++) {
        info_number(o, redis[i].name, um_workers_recent(sh, redis[i].id));
    }

    for (int id = 0; id < UM_STAT_MAX; id++) {
        info_number(o, um_stat_info((um_stat_t) id)->name,
            um_workers_recent(sh, (um_stat_t) id));
    }

    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        info_number(o, um_gauge_info((um_gauge_t) id)->name,
            um_workers_now(sh, (um_gauge_t) id));
    }

    info_rows(w, false, &rows);
    info_number(o, "turn_max_usec", rows.turn_max_ns / 1000);
}

static void
section_replication(const um_worker_t *w, um_sbuf_t *o)
{
    const um_lease_told_t lease = um_gate_lease(w);
    char run_id[41];

    info_run_id(w, run_id);
    um_sbuf_addz(o, "role:master\r\nconnected_slaves:0\r\n");
    um_sbuf_addz(o, "master_failover_state:no-failover\r\n");
    um_sbuf_addf(o, "master_replid:%s\r\n", run_id);
    um_sbuf_addf(o, "master_replid2:%040d\r\n", 0);
    um_sbuf_addz(o, "master_repl_offset:0\r\nsecond_repl_offset:-1\r\n");
    um_sbuf_addz(o, "repl_backlog_active:0\r\n");
    um_repl_text_info(um_gate_found(w->gate), &w->shm->repl->counts, &lease, o);
}

static void
section_cpu(const um_worker_t *w, um_sbuf_t *o)
{
    info_rows_t rows;

    info_rows(w, true, &rows);
    um_proc_cost_add(&rows.cost, getppid());
    info_seconds(o, "used_cpu_sys", rows.cost.sys_us);
    info_seconds(o, "used_cpu_user", rows.cost.user_us);
}

static void
section_cluster(const um_worker_t *w, um_sbuf_t *o)
{
    const um_topo_t *t = w->topo;
    uint64_t served = 0;

    for (size_t i = 0; i < UM_SLOTS; i++) {
        served += t->owner[i] != UM_TOPO_NO_OWNER;
    }

    info_number(o, "cluster_enabled", !w->conf->active_redirection);
    um_sbuf_addf(o, "cluster_name:%s\r\n", t->cluster);
    info_number(o, "cluster_epoch", t->epoch);
    info_number(o, "cluster_slots_assigned", served);
    /* Nothing that was routed by older metadata is unanswered, anywhere. */
    info_number(o, "cluster_settled",
        um_workers_done(w->shm->workers,
            atomic_load_explicit(&w->shm->topo->gen, memory_order_acquire)));
    info_number(o, "local_nodes", t->local_count);
    info_number(o, "peers", t->addr_count - t->local_count);
}

static void
section_commandstats(const um_worker_t *w, um_sbuf_t *o)
{
    um_cmd_stats_calls(w->shm->times, o);
}

static void
section_errorstats(const um_worker_t *w, um_sbuf_t *o)
{
    um_cmd_stats_errors(w->shm->times, o);
}

static void
section_latencystats(const um_worker_t *w, um_sbuf_t *o)
{
    um_cmd_stats_latency(w->shm->times, o);
}

/* How many keys there are, only the nodes know. */
static void
section_keyspace(UM_UNUSED const um_worker_t *w, UM_UNUSED um_sbuf_t *o)
{
}

static const struct {
    const char *name;
    const char *title;
    void (*put)(const um_worker_t *w, um_sbuf_t *o);
    bool extra; /* only where all are asked for, or this one */
} sections[] = {
    { "server", "Server", section_server, false },
    { "clients", "Clients", section_clients, false },
    { "memory", "Memory", section_memory, false },
    { "persistence", "Persistence", section_persistence, false },
    { "stats", "Stats", section_stats, false },
    { "replication", "Replication", section_replication, false },
    { "cpu", "CPU", section_cpu, false },
    { "commandstats", "Commandstats", section_commandstats, true },
    { "errorstats", "Errorstats", section_errorstats, false },
    { "latencystats", "Latencystats", section_latencystats, true },
    { "cluster", "Cluster", section_cluster, false },
    { "keyspace", "Keyspace", section_keyspace, false },
};

static bool
section_wanted(
    const char *name, bool extra, const um_str_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (um_str_ieq(words[i], um_str_of(name))
            || (!extra && um_str_ieq(words[i], um_lit("default")))
            || um_str_ieq(words[i], um_lit("all"))
            || um_str_ieq(words[i], um_lit("everything")))
        {
            return true;
        }
    }

    return count == 0 && !extra;
}

void
um_info_text(
    const um_worker_t *w, const um_str_t *words, uint32_t count, um_sbuf_t *o)
{
    size_t before = o->len;

    for (size_t i = 0; i < um_countof(sections); i++) {
        if (!section_wanted(sections[i].name, sections[i].extra, words, count))
        {
            continue;
        }

        if (o->len > before) {
            um_sbuf_addz(o, "\r\n");
        }
        um_sbuf_addf(o, "# %s\r\n", sections[i].title);
        sections[i].put(w, o);
    }
}

void
um_self_info(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t text = { 0 };
    um_sbuf_t *o;

    um_trace_flush(r->w);
    um_info_text(r->w, argv + 1, argc - 1, &text);

    o = um_req_begin(r);
    o->failed |= text.failed;
    um_put_text(o, (um_str_t){ text.data, text.len }, r->client->st.proto);
    um_req_end(r);
    um_sbuf_deinit(&text);
}
