/* SPDX-License-Identifier: Apache-2.0 */

#include "status_prom.h"

#include <stdio.h>
#include <string.h>

#include "status_prom_out.h"
#include "status_prom_repl.h"
#include "status_prom_times.h"

#define load(p) atomic_load_explicit((p), memory_order_relaxed)

/* All rows that ever had a worker; `row` is one of them. */
#define each_row(v, row)                                                       \
    for (uint32_t row##_i = 0; row##_i < (v)->shm.workers->rows; row##_i++)    \
        if (status_row((v), row##_i, &(row)) == UM_OK)

/* ---- One value ---------------------------------------------------------- */

static void
put_gauge(prom_t *p, const char *name, uint64_t value, const char *help)
{
    prom_family(p, name, PROM_GAUGE, help);
    prom_value(p, value);
}

static void
put_counter(prom_t *p, const char *name, uint64_t value, const char *help)
{
    prom_family(p, name, PROM_COUNTER, help);
    prom_value(p, value);
}

static void
put_about(prom_t *p, const status_view_t *v)
{
    const um_settings_sh_t *set = v->shm.settings;
    status_verdict_t verdict;

    prom_family(p, "build_info", PROM_GAUGE,
        "Always 1; the labels tell what is running.");
    prom_label(p, "version", v->version);
    prom_label(p, "compiler", __VERSION__);
    prom_value(p, 1);

    prom_family(p, "start_time_seconds", PROM_GAUGE,
        "When the master started, since 1970.");
    prom_seconds_us(p, load(&set->start_wall_us));

    put_counter(p, "reloads_total", load(&set->reloads),
        "Configurations that were taken after the first.");
    put_counter(p, "reload_errors_total", load(&set->reload_errors),
        "Configurations that were refused; the one before stayed.");
    prom_family(p, "last_reload_timestamp_seconds", PROM_GAUGE,
        "When a configuration was last taken, since 1970; 0: never.");
    prom_seconds_us(p, load(&set->last_reload_wall_us));

    status_judge(v, &verdict);
    put_gauge(p, "healthy", verdict.unhealthy[0] == NULL,
        "What /healthz says: 1 or 0.");
    put_gauge(
        p, "ready", verdict.unready[0] == NULL, "What /readyz says: 1 or 0.");
}

/* ---- The topology ------------------------------------------------------- */

static void
put_topology(prom_t *p, const status_view_t *v)
{
    const um_topo_t *t = v->topo;
    status_slots_t slots;

    status_slots(t, &slots);

    prom_family(
        p, "cluster_info", PROM_GAUGE, "Always 1; the label is the name.");
    if (um_topo_has_cluster(t)) {
        prom_label(p, "cluster", t->cluster);
        prom_value(p, 1);
    }

    put_gauge(p, "topology_epoch", t->epoch,
        "Epoch of the metadata; 0: there is none.");
    put_gauge(p, "topology_generation", v->gen,
        "How often metadata was published since the start.");
    put_gauge(p, "slots_assigned", slots.assigned,
        "Slots that some node serves, of 16384.");
    put_gauge(
        p, "slots_local", slots.local, "Slots that nodes of this proxy serve.");
    put_gauge(p, "local_nodes", t->local_count, "Redis nodes of this proxy.");
    put_gauge(p, "peers", t->addr_count - t->local_count,
        "Other proxies of the cluster.");
    put_gauge(p, "slot_range_migrations", t->migr_count,
        "Slot ranges on their way, as the metadata has them.");
}

/* ---- What the table has ------------------------------------------------- */

/* Where the values of a row of the table come from. */
typedef struct {
    const um_stat_info_t *(*info)(int id);
    uint64_t (*sum)(const status_view_t *v, int id);
    uint64_t (*one)(const status_row_t *row, int id);
    int count;
    prom_type_t type;
    bool alive_only;
} table_t;

static const um_stat_info_t *
counter_info(int id)
{
    return um_stat_info((um_stat_t) id);
}

static uint64_t
counter_sum(const status_view_t *v, int id)
{
    return status_sums(v)->counter[id];
}

static uint64_t
counter_one(const status_row_t *row, int id)
{
    return row->numbers->counter[id];
}

static const um_stat_info_t *
gauge_info(int id)
{
    return um_gauge_info((um_gauge_t) id);
}

static uint64_t
gauge_sum(const status_view_t *v, int id)
{
    return status_sums(v)->gauge[id];
}

static uint64_t
gauge_one(const status_row_t *row, int id)
{
    return row->numbers->gauge[id];
}

static const table_t tables[] = {
    { counter_info, counter_sum, counter_one, UM_STAT_MAX, PROM_COUNTER,
        false },
    { gauge_info, gauge_sum, gauge_one, UM_GAUGE_MAX, PROM_GAUGE, true },
};

static const char *
family_help(const um_stat_info_t *info)
{
    const char *help = um_stat_family(info->metric);

    return help != NULL ? help : info->doc;
}

/* Is row `id` the first of its metric? */
static bool
family_begins(const table_t *t, int id)
{
    for (int i = 0; i < id; i++) {
        if (strcmp(t->info(i)->metric, t->info(id)->metric) == 0) {
            return false;
        }
    }

    return true;
}

/* The sums, of all rows of the table that have this metric. */
static void
put_family(prom_t *p, const status_view_t *v, const table_t *t, int id)
{
    const char *metric = t->info(id)->metric;

    prom_family(p, metric, t->type, family_help(t->info(id)));

    for (int i = id; i < t->count; i++) {
        if (strcmp(t->info(i)->metric, metric) == 0) {
            prom_labels_raw(p, t->info(i)->labels);
            prom_value(p, t->sum(v, i));
        }
    }
}

/* The same by workers, under a name of its own. */
static void
put_family_rows(prom_t *p, const status_view_t *v, const table_t *t, int id)
{
    const char *metric = t->info(id)->metric;
    char name[80];
    status_row_t row;

    snprintf(name, sizeof(name), "worker_%s", metric);
    prom_family(p, name, t->type, family_help(t->info(id)));

    each_row(v, row)
    {
        for (int i = id; i < t->count; i++) {
            if (strcmp(t->info(i)->metric, metric) == 0
                && (row.alive || !t->alive_only)) {
                prom_label_u64(p, "worker", row.number);
                prom_labels_raw(p, t->info(i)->labels);
                prom_value(p, t->one(&row, i));
            }
        }
    }
}

static void
put_table(prom_t *p, const status_view_t *v, const table_t *t, bool rows)
{
    for (int id = 0; id < t->count; id++) {
        if (!family_begins(t, id)) {
            continue;
        }
        if (rows) {
            put_family_rows(p, v, t, id);
        } else {
            put_family(p, v, t, id);
        }
    }
}

/* ---- Workers ------------------------------------------------------------ */

static void
put_workers(prom_t *p, const status_view_t *v)
{
    status_sum_t sum;

    status_sum(v, &sum);

    prom_family(p, "workers", PROM_GAUGE, "Worker processes by state.");
    for (int s = UM_ROW_STARTING; s <= UM_ROW_DEAD; s++) {
        prom_label(p, "state", status_row_state((um_row_state_t) s));
        prom_value(p, sum.count[s]);
    }

    put_gauge(p, "workers_configured", load(&v->shm.settings->workers),
        "Worker processes that there should be.");
    put_counter(p, "worker_deaths_total", load(&v->shm.workers->deaths),
        "Workers that ended without having been told to.");
    put_gauge(p, "clients", sum.clients, "Connections of clients.");
    put_gauge(p, "clients_blocked", sum.blocked,
        "Clients that wait in a blocking command.");
    put_gauge(p, "buffer_memory_bytes", sum.memory,
        "Memory of requests and replies under way.");
    prom_family(p, "loop_turn_max_seconds", PROM_GAUGE,
        "The longest turn of an event loop of a living worker.");
    prom_seconds_ns(p, sum.turn_max_ns);
}

static void
put_workers_rows(prom_t *p, const status_view_t *v)
{
    static const struct {
        const char *name;
        const char *help;
    } fields[] = {
        { "worker_up", "Whether the worker in this row lives and its loop "
                       "turns: 1 or 0." },
        { "worker_clients", "Connections of clients." },
        { "worker_clients_blocked",
            "Clients that wait in a blocking command." },
        { "worker_buffer_memory_bytes",
            "Memory of requests and replies under way." },
        { "worker_topology_generation", "The metadata the worker routes by." },
    };
    status_row_t row;

    for (size_t f = 0; f < um_countof(fields); f++) {
        prom_family(p, fields[f].name, PROM_GAUGE, fields[f].help);
        each_row(v, row)
        {
            const uint64_t value[] = { row.turns, row.clients, row.blocked,
                row.memory, row.gen_seen };

            if (row.alive || f == 0) {
                prom_label_u64(p, "worker", row.number);
                prom_value(p, value[f]);
            }
        }
    }

    prom_family(p, "worker_loop_turn_max_seconds", PROM_GAUGE,
        "The longest turn of the event loop.");
    each_row(v, row)
    {
        if (row.alive) {
            prom_label_u64(p, "worker", row.number);
            prom_seconds_ns(p, row.turn_max_ns);
        }
    }

    prom_family(p, "worker_starts_total", PROM_COUNTER,
        "Processes that have had this row.");
    each_row(v, row)
    {
        prom_label_u64(p, "worker", row.number);
        prom_value(p, row.incarnation);
    }
}

/* ---- What the kernel says ----------------------------------------------- */

typedef struct {
    um_proc_cost_t cost;
    int32_t worker; /* row, or -1: the master */
} process_t;

static void
put_process(prom_t *p, const process_t *pr, int field)
{
    const uint64_t us[] = { pr->cost.user_us, pr->cost.sys_us };
    static const char *const mode[] = { "user", "system" };

    for (size_t i = 0; i < (field == 0 ? um_countof(us) : 1); i++) {
        prom_label(p, "process", pr->worker < 0 ? "master" : "worker");
        if (pr->worker >= 0) {
            prom_label_u64(p, "worker", (uint64_t) pr->worker);
        }
        if (field == 0) {
            prom_label(p, "mode", mode[i]);
            prom_seconds_us(p, us[i]);
        } else {
            prom_value(p, pr->cost.resident);
        }
    }
}

/* Each process once: the kernel's numbers end with their process. */
static void
put_processes(prom_t *p, const status_view_t *v)
{
    static const struct {
        const char *name;
        prom_type_t type;
        const char *help;
    } families[] = {
        { "process_cpu_seconds_total", PROM_COUNTER,
            "Processor time of a living process." },
        { "process_resident_memory_bytes", PROM_GAUGE,
            "Memory of a living process, with what it shares." },
    };
    process_t pr;
    status_row_t row;

    for (int f = 0; f < (int) um_countof(families); f++) {
        prom_family(p, families[f].name, families[f].type, families[f].help);

        pr = (process_t){ .worker = -1 };
        v->cost(&pr.cost, v->master);
        put_process(p, &pr, f);

        each_row(v, row)
        {
            if (row.pid != 0 && (row.alive || row.state == UM_ROW_STARTING)) {
                pr = (process_t){ .worker = (int32_t) row.number };
                v->cost(&pr.cost, row.pid);
                put_process(p, &pr, f);
            }
        }
    }
}

void
status_prom(const status_view_t *v, bool open, um_sbuf_t *out)
{
    prom_t p = { .out = out, .open = open };

    put_about(&p, v);
    put_topology(&p, v);
    status_prom_repl(&p, v);
    put_workers(&p, v);
    put_processes(&p, v);

    for (size_t i = 0; i < um_countof(tables); i++) {
        put_table(&p, v, &tables[i], false);
    }

    status_prom_times(&p, v);

    if (v->per_worker) {
        put_workers_rows(&p, v);
        for (size_t i = 0; i < um_countof(tables); i++) {
            put_table(&p, v, &tables[i], true);
        }
    }

    prom_end(&p);
}

bool
status_prom_is_open(const char *accept)
{
    return accept != NULL
           && strcasestr(accept, "application/openmetrics-text") != NULL;
}
