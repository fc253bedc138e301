/* SPDX-License-Identifier: Apache-2.0 */

#include "status_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"

#define load(p) atomic_load_explicit((p), memory_order_relaxed)

/*
 * Each of these adds something to `to`, which may be NULL because there was no
 * memory for it.  Whether all went well is asked once, at the end.
 */
static bool json_failed;

static cJSON *
checked(cJSON *item)
{
    json_failed |= item == NULL;
    return item;
}

static cJSON *
add_object(cJSON *to, const char *name)
{
    return checked(cJSON_AddObjectToObject(to, name));
}

static cJSON *
add_array(cJSON *to, const char *name)
{
    return checked(cJSON_AddArrayToObject(to, name));
}

static void
add_number(cJSON *to, const char *name, double value)
{
    (void) checked(cJSON_AddNumberToObject(to, name, value));
}

static void
add_u64(cJSON *to, const char *name, uint64_t value)
{
    add_number(to, name, (double) value);
}

static void
add_bool(cJSON *to, const char *name, bool value)
{
    (void) checked(cJSON_AddBoolToObject(to, name, value));
}

static void
add_text(cJSON *to, const char *name, const char *value)
{
    (void) checked(cJSON_AddStringToObject(to, name, value));
}

static void
add_str(cJSON *to, const char *name, um_str_t value)
{
    um_sbuf_t text = { 0 };

    um_sbuf_add_str(&text, value);
    add_text(to, name, um_sbuf_cstr(&text));
    json_failed |= text.failed;
    um_sbuf_deinit(&text);
}

/* A new item at the end of an array; taken. */
static cJSON *
add_item(cJSON *to, cJSON *item)
{
    if (checked(item) != NULL && !cJSON_AddItemToArray(to, item)) {
        json_failed = true;
        cJSON_Delete(item);
        return NULL;
    }

    return item;
}

static void
add_texts(cJSON *to, const char *name, const char *const *texts)
{
    cJSON *list = add_array(to, name);

    for (; *texts != NULL; texts++) {
        (void) add_item(list, cJSON_CreateString(*texts));
    }
}

/* The text of `root`, which is taken. */
static void
json_print(cJSON *root, um_sbuf_t *out)
{
    char *text = json_failed ? NULL : cJSON_PrintUnformatted(root);

    if (text == NULL) {
        out->failed = true;
    } else {
        um_sbuf_addz(out, text);
        um_sbuf_addz(out, "\n");
        cJSON_free(text);
    }

    cJSON_Delete(root);
}

static cJSON *
json_begin(void)
{
    json_failed = false;
    return checked(cJSON_CreateObject());
}

/* ---- /status ------------------------------------------------------------ */

static void
add_about(cJSON *root, const status_view_t *v)
{
    const um_settings_sh_t *set = v->shm.settings;
    uint64_t start = load(&set->start_wall_us);
    status_verdict_t verdict;
    cJSON *o;

    add_text(root, "version", v->version);
    add_text(root, "compiler", __VERSION__);
    add_number(root, "pid", v->master);
    add_texts(root, "roles", v->roles);
    add_number(root, "time", (double) v->wall_us / 1e6);
    add_number(root, "started", (double) start / 1e6);
    add_number(root, "uptime_seconds",
        v->wall_us > start ? (double) (v->wall_us - start) / 1e6 : 0);

    status_judge(v, &verdict);
    add_bool(root, "healthy", verdict.unhealthy[0] == NULL);
    add_bool(root, "ready", verdict.unready[0] == NULL);
    add_texts(root, "reasons", verdict.unready);

    o = add_object(root, "reloads");
    add_u64(o, "count", load(&set->reloads));
    add_u64(o, "errors", load(&set->reload_errors));
    add_number(o, "last", (double) load(&set->last_reload_wall_us) / 1e6);
}

static void
add_cost(cJSON *o, const status_view_t *v, int pid)
{
    um_proc_cost_t cost = { 0 };

    v->cost(&cost, pid);
    add_number(o, "cpu_user_seconds", (double) cost.user_us / 1e6);
    add_number(o, "cpu_system_seconds", (double) cost.sys_us / 1e6);
    add_u64(o, "resident_bytes", cost.resident);
}

static void
add_worker(cJSON *list, const status_view_t *v, const status_row_t *row)
{
    cJSON *o = add_item(list, cJSON_CreateObject());

    add_u64(o, "row", row->number);
    add_text(o, "state", status_row_state(row->state));
    add_u64(o, "starts", row->incarnation);
    add_bool(o, "up", row->turns);

    if (!row->alive) {
        return;
    }

    add_number(o, "pid", row->pid);
    add_number(o, "uptime_seconds",
        v->now_ns > row->started_ns
            ? (double) (v->now_ns - row->started_ns) / 1e9
            : 0);
    add_u64(o, "clients", row->clients);
    add_u64(o, "blocked", row->blocked);
    add_u64(o, "buffer_bytes", row->memory);
    add_number(o, "turn_age_seconds", (double) row->turn_age_ns / 1e9);
    add_number(o, "turn_max_seconds", (double) row->turn_max_ns / 1e9);
    add_u64(o, "topology_generation", row->gen_seen);
    add_cost(o, v, row->pid);

    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        add_u64(
            o, um_gauge_info((um_gauge_t) id)->name, row->numbers->gauge[id]);
    }
}

static void
add_workers(cJSON *root, const status_view_t *v)
{
    cJSON *list = add_array(root, "workers");
    status_row_t row;

    for (uint32_t i = 0; i < v->shm.workers->rows; i++) {
        if (status_row(v, i, &row) == UM_OK) {
            add_worker(list, v, &row);
        }
    }
}

/* Sums of all workers. */
static void
add_numbers(cJSON *root, const status_view_t *v)
{
    const um_workers_sh_t *ws = v->shm.workers;
    status_sum_t sum;
    cJSON *o;

    status_sum(v, &sum);
    add_u64(root, "workers_configured", load(&v->shm.settings->workers));
    add_u64(root, "worker_deaths", load(&ws->deaths));
    add_u64(root, "clients", sum.clients);
    add_u64(root, "blocked", sum.blocked);
    add_u64(root, "buffer_bytes", sum.memory);
    add_number(root, "turn_max_seconds", (double) sum.turn_max_ns / 1e9);

    o = add_object(root, "gauges");
    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        add_u64(
            o, um_gauge_info((um_gauge_t) id)->name, status_sums(v)->gauge[id]);
    }

    o = add_object(root, "counters");
    for (int id = 0; id < UM_STAT_MAX; id++) {
        add_u64(
            o, um_stat_info((um_stat_t) id)->name, status_sums(v)->counter[id]);
    }
}

static void
add_topology(cJSON *root, const status_view_t *v)
{
    static uint32_t count[UM_TOPO_ADDRS];
    const um_topo_t *t = v->topo;
    cJSON *o = add_object(root, "topology");
    cJSON *local, *peers;
    status_slots_t slots;

    status_slots(t, &slots);
    status_slots_by_addr(t, count);

    add_text(o, "cluster", t->cluster);
    add_u64(o, "epoch", t->epoch);
    add_u64(o, "generation", v->gen);
    add_u64(o, "slots_assigned", slots.assigned);
    add_u64(o, "slots_local", slots.local);
    add_u64(o, "migrations", t->migr_count);

    local = add_array(o, "nodes");
    peers = add_array(o, "peers");
    for (uint32_t i = 0; i < t->addr_count; i++) {
        cJSON *one =
            add_item(i < t->local_count ? local : peers, cJSON_CreateObject());

        add_str(one, "address", um_topo_str(t, t->addr[i].name));
        add_u64(one, "slots", count[i]);
    }
}

static void
add_commands(cJSON *root, const um_times_sh_t *t)
{
    um_times_error_t error[UM_TIMES_ERRORS + 1];
    uint32_t errors =
        um_times_errors(t, UM_TIMES_EVER, error, um_countof(error));
    cJSON *o = add_object(root, "commands");

    for (uint32_t i = 0; i < t->commands; i++) {
        um_times_call_t call = um_times_call(t, i, UM_TIMES_EVER);

        if (call.calls > 0 || call.rejected > 0) {
            cJSON *one = add_object(o, t->command[i]);

            add_u64(one, "calls", call.calls);
            add_number(one, "seconds", (double) call.usec / 1e6);
            add_u64(one, "failed", call.failed);
            add_u64(one, "rejected", call.rejected);
        }
    }

    o = add_object(root, "errors");
    for (uint32_t i = 0; i < errors; i++) {
        add_u64(o, error[i].name, error[i].count);
    }
}

/* How fast nodes and peers answer. */
static void
add_latencies(cJSON *root, const um_times_sh_t *t)
{
    uint32_t max = UM_TIMES_NODES + 1;
    um_times_node_t *node = calloc(max, sizeof(*node));
    uint32_t count = node == NULL ? 0 : um_times_nodes(t, node, max);
    cJSON *o = add_object(root, "latency");

    json_failed |= node == NULL;
    for (uint32_t i = 0; i < count; i++) {
        const um_hist_t *h = &node[i].hist;
        cJSON *one = add_object(o, node[i].name);

        add_u64(one, "count", h->count);
        add_number(one, "mean_seconds",
            h->count > 0 ? (double) node[i].usec / 1e6 / (double) h->count : 0);
        add_number(one, "p50_seconds", um_hist_percentile(h, 0.5) / 1e6);
        add_number(one, "p99_seconds", um_hist_percentile(h, 0.99) / 1e6);
        add_number(one, "p999_seconds", um_hist_percentile(h, 0.999) / 1e6);
    }

    free(node);
}

void
status_json(const status_view_t *v, um_sbuf_t *out)
{
    cJSON *root = json_begin();

    add_about(root, v);
    add_numbers(root, v);
    add_workers(root, v);
    add_topology(root, v);
    add_latencies(root, v->shm.times);
    add_commands(root, v->shm.times);
    json_print(root, out);
}

void
status_json_verdict(const char *const *reasons, um_sbuf_t *out)
{
    cJSON *root = json_begin();

    add_text(root, "status", *reasons == NULL ? "ok" : "unavailable");
    if (*reasons != NULL) {
        add_texts(root, "reasons", reasons);
    }
    json_print(root, out);
}
