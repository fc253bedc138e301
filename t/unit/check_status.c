/*
 * check_status.c -- the status module: a noticeboard in, a text out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "../../modules/status/status_json.h"
#include "../../modules/status/status_prom.h"
#include "../../modules/status/status_prom_out.h"
#include "um_check.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define SEC UINT64_C(1000000000)

static um_shm_t shm;
static status_view_t view;
static um_sbuf_t out;

/* What the kernel would say of these processes. */
static void
cost_of(um_proc_cost_t *sum, int pid)
{
    sum->user_us += (uint64_t) pid * 1000;
    sum->sys_us += 500000;
    sum->resident += 4096;
}

/* A worker in row `i`, whose latest turn was `age` ago. */
static void
worker(uint32_t i, um_row_state_t state, uint64_t age)
{
    um_row_sh_t *row = &shm.workers->row[i];

    atomic_store(&row->incarnation, 1);
    atomic_store(&row->state, state);
    atomic_store(&row->pid, 100 + (int) i);
    atomic_store(&row->turn_ns, view.now_ns - age);
    atomic_store(&row->clients, 10 + i);
    um_stat_add(row, UM_STAT_COMMANDS, 1000 * (i + 1));
    um_stat_add(row, UM_STAT_COMMANDS_TIMEOUT, i);
    um_gauge_set(row, UM_GAUGE_CONNS_PEER, 5);
}

static void
setup(void)
{
    static const char *const roles[] = { "proxy", "status", NULL };
    static um_topo_t topo;

    ck_assert_int_eq(um_shm_create(&shm, 6, 16), UM_OK);
    um_topo_clear(&topo);
    view = (status_view_t){
        .topo = &topo,
        .version = "1.2\"\\3\n",
        .roles = roles,
        .proxy = true,
        .per_worker = true,
        .turn_limit_ns = 3 * SEC,
        .master = 99,
        .now_ns = 1000 * SEC,
        .wall_us = 2000000000,
        .cost = cost_of,
    };
    ck_assert_ptr_null(um_shm_view(&view.shm, shm.base, shm.size));
    ck_assert_int_eq(status_view_init(&view), UM_OK);

    atomic_store(&shm.settings->start_wall_us, 1500000000);
    atomic_store(&shm.settings->master_ns, view.now_ns - SEC / 2);
    atomic_store(&shm.settings->workers, 2);
}

static void
teardown(void)
{
    um_sbuf_deinit(&out);
    status_view_deinit(&view);
    um_shm_destroy(&shm);
}

static const char *
metrics(bool open)
{
    um_sbuf_clear(&out);
    status_view_copy(&view);
    status_prom(&view, open, &out);
    ck_assert(!out.failed);
    return um_sbuf_cstr(&out);
}

/* Is `line` one of the lines of the text? */
static bool
says(const char *text, const char *line)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    return strstr(text, whole) != NULL;
}

#define ck_says(text, line) ck_assert_msg(says(text, line), "%s", text)

START_TEST(sums_count_the_dead_and_gauges_do_not)
{
    const char *text;

    worker(0, UM_ROW_RUNNING, 0);
    worker(1, UM_ROW_DEAD, 0);
    worker(2, UM_ROW_DRAINING, 0);
    worker(3, UM_ROW_FREE, 0);
    text = metrics(false);

    ck_says(text, "# TYPE undermoon_commands_total counter");
    ck_says(text, "undermoon_commands_total 10000");
    ck_says(text, "undermoon_worker_commands_total{worker=\"1\"} 2000");
    ck_says(text, "undermoon_worker_commands_total{worker=\"3\"} 4000");
    ck_assert_ptr_null(strstr(text, "worker=\"4\""));
    ck_says(text, "undermoon_command_errors_total{kind=\"timeout\"} 6");
    ck_says(text,
        "undermoon_worker_command_errors_total{worker=\"3\",kind=\"timeout\"} "
        "3");
    ck_says(text, "undermoon_backend_connections{kind=\"peer\"} 10");
    ck_says(text, "undermoon_clients 22");
    ck_says(text, "undermoon_worker_up{worker=\"1\"} 0");
    ck_says(text, "undermoon_worker_up{worker=\"2\"} 1");
    ck_says(text, "undermoon_workers{state=\"dead\"} 1");
    ck_assert_ptr_null(strstr(text, "undermoon_worker_clients{worker=\"1\"}"));
}
END_TEST

START_TEST(units_are_seconds_and_quotes_are_escaped)
{
    const char *text;

    worker(0, UM_ROW_RUNNING, 0);
    atomic_store(&shm.workers->row[0].turn_max_ns, 1234567);
    text = metrics(false);

    ck_says(text, "undermoon_start_time_seconds 1500.000000");
    ck_says(text, "undermoon_loop_turn_max_seconds 0.001234567");
    ck_assert_ptr_nonnull(strstr(text, "version=\"1.2\\\"\\\\3\\n\""));
    ck_says(text,
        "undermoon_process_cpu_seconds_total{process=\"worker\",worker=\"0\","
        "mode=\"user\"} 0.100000");
    ck_says(text,
        "undermoon_process_resident_memory_bytes{process=\"master\"} 4096");
}
END_TEST

START_TEST(openmetrics_ends_and_names_its_counters_without_total)
{
    const char *text = metrics(true);

    ck_says(text, "# TYPE undermoon_commands counter");
    ck_says(text, "undermoon_commands_total 0");
    ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
    ck_assert_ptr_null(strstr(metrics(false), "# EOF"));

    ck_assert(!status_prom_is_open(NULL));
    ck_assert(!status_prom_is_open("text/plain;version=0.0.4"));
    ck_assert(status_prom_is_open(
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"));
}
END_TEST

START_TEST(workers_can_be_left_out)
{
    worker(0, UM_ROW_RUNNING, 0);
    view.per_worker = false;
    ck_assert_ptr_null(strstr(metrics(false), "undermoon_worker_commands"));
    ck_says(metrics(false), "undermoon_commands_total 1000");
}
END_TEST

START_TEST(a_histogram_grows_to_its_count)
{
    um_times_row_sh_t *row = um_times_row(shm.times, 1);
    const char *text;

    um_times_name(shm.times, 0, "get", UM_TIMES_READ);
    um_times_name(shm.times, 1, "set", UM_TIMES_WRITE);
    um_times_add_calls(row, 0, 10, 1);
    um_times_add_calls(row, 0, 100, 1);
    um_times_add_calls(row, 0, 100000, 1);
    um_times_add_calls(um_times_row(shm.times, 0), 0, 100, 1);
    um_times_row_begin(row);
    um_times_add_replies(um_times_node_enter(row, "h:1"), 40, 1);
    um_times_add_error(row, (um_str_t){ "WRONGTYPE", 9 });
    text = metrics(false);

    ck_says(text, "undermoon_commands_by_kind_total{kind=\"read\"} 4");
    ck_says(text, "undermoon_command_calls_total{command=\"get\"} 4");
    ck_assert_ptr_null(strstr(text, "command=\"set\""));

#define GET "undermoon_command_duration_seconds"
    ck_says(text, GET "_bucket{command=\"get\",le=\"0.000016\"} 1");
    ck_says(text, GET "_bucket{command=\"get\",le=\"0.000064\"} 1");
    ck_says(text, GET "_bucket{command=\"get\",le=\"0.000256\"} 3");
    ck_says(text, GET "_bucket{command=\"get\",le=\"0.065536\"} 3");
    ck_says(text, GET "_bucket{command=\"get\",le=\"0.262144\"} 4");
    ck_says(text, GET "_bucket{command=\"get\",le=\"+Inf\"} 4");
    ck_says(text, GET "_sum{command=\"get\"} 0.100210");
    ck_says(text, GET "_count{command=\"get\"} 4");

    ck_says(text, "undermoon_node_latency_seconds_bucket{node=\"h:1\",le=\"0."
                  "000032\"} 0");
    ck_says(text, "undermoon_node_latency_seconds_bucket{node=\"h:1\",le=\"0."
                  "000064\"} 1");
    ck_says(text, "undermoon_error_replies_total{error=\"WRONGTYPE\"} 1");
}
END_TEST

/* ---- Verdicts ----------------------------------------------------------- */

static const struct {
    const char *why;
    uint64_t master_age;
    uint64_t age[3]; /* of RUNNING workers; 0: none */
    bool draining;   /* the first one is */
    uint64_t epoch;
    bool proxy;
    const char *unhealthy;
    const char *unready;
} verdicts[] = {
    { "all is well", SEC, { 1, 1, 0 }, false, 1, true, "", "" },
    { "no metadata", SEC, { 1, 1, 0 }, false, 0, true, "", "no metadata" },
    { "one hangs", SEC, { 1, 4 * SEC, 0 }, false, 1, true, "", "not all" },
    { "all hang", SEC, { 4 * SEC, 4 * SEC, 0 }, false, 1, true, "no worker",
        "no worker" },
    { "one is missing", SEC, { 1, 0, 0 }, false, 1, true, "", "not all" },
    { "one too many", SEC, { 1, 1, 1 }, false, 1, true, "", "" },
    { "old workers do not count", SEC, { 1, 1, 0 }, true, 1, true, "",
        "not all" },
    { "the master hangs", 4 * SEC, { 1, 1, 0 }, false, 1, true, "the master",
        "the master" },
    { "without a proxy", SEC, { 0, 0, 0 }, false, 0, false, "", "" },
    { "nobody at all", 4 * SEC, { 0, 0, 0 }, false, 0, true, "the master",
        "the master" },
};

static bool
begins(const char *text, const char *with)
{
    return text == NULL ? *with == '\0'
                        : *with != '\0' && strstr(text, with) == text;
}

START_TEST(the_verdict_knows_who_serves)
{
    status_verdict_t verdict;

    atomic_store(
        &shm.settings->master_ns, view.now_ns - verdicts[_i].master_age);
    for (uint32_t i = 0; i < 3; i++) {
        if (verdicts[_i].age[i] > 0) {
            worker(i, UM_ROW_RUNNING, verdicts[_i].age[i]);
        }
    }
    if (verdicts[_i].draining) {
        atomic_store(&shm.workers->row[0].state, UM_ROW_DRAINING);
    }
    view.topo->epoch = verdicts[_i].epoch;
    memcpy(view.topo->cluster, "c", 2);
    view.proxy = verdicts[_i].proxy;

    status_judge(&view, &verdict);
    ck_assert_msg(begins(verdict.unhealthy[0], verdicts[_i].unhealthy),
        "%s: %s", verdicts[_i].why, verdict.unhealthy[0]);
    ck_assert_msg(begins(verdict.unready[0], verdicts[_i].unready), "%s: %s",
        verdicts[_i].why, verdict.unready[0]);
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

START_TEST(json_is_json_and_says_the_same)
{
    cJSON *root, *workers;

    worker(0, UM_ROW_RUNNING, 0);
    worker(2, UM_ROW_DEAD, 0);
    status_view_copy(&view);
    status_json(&view, &out);
    root = cJSON_Parse(um_sbuf_cstr(&out));
    ck_assert_ptr_nonnull(root);

    ck_assert_str_eq(
        cJSON_GetObjectItem(root, "version")->valuestring, view.version);
    ck_assert_int_eq(
        cJSON_GetObjectItem(root, "uptime_seconds")->valueint, 500);
    ck_assert_int_eq(cJSON_GetObjectItem(root, "clients")->valueint, 10);
    ck_assert_int_eq(
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "counters"), "commands")
            ->valueint,
        4000);
    workers = cJSON_GetObjectItem(root, "workers");
    ck_assert_int_eq(cJSON_GetArraySize(workers), 2);
    ck_assert_str_eq(
        cJSON_GetObjectItem(cJSON_GetArrayItem(workers, 1), "state")
            ->valuestring,
        "dead");
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(root, "ready")));
    ck_assert_int_eq(
        cJSON_GetArraySize(cJSON_GetObjectItem(root, "reasons")), 2);
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_verdict_is_short)
{
    static const char *const none[] = { NULL };
    static const char *const two[] = { "a", "b \"c\"", NULL };

    status_json_verdict(none, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), "{\"status\":\"ok\"}\n");
    um_sbuf_clear(&out);
    status_json_verdict(two, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out),
        "{\"status\":\"unavailable\",\"reasons\":[\"a\",\"b \\\"c\\\"\"]}\n");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("status");
    TCase *tc = tcase_create("texts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sums_count_the_dead_and_gauges_do_not);
    tcase_add_test(tc, units_are_seconds_and_quotes_are_escaped);
    tcase_add_test(tc, openmetrics_ends_and_names_its_counters_without_total);
    tcase_add_test(tc, workers_can_be_left_out);
    tcase_add_test(tc, a_histogram_grows_to_its_count);
    tcase_add_loop_test(
        tc, the_verdict_knows_who_serves, 0, (int) um_countof(verdicts));
    tcase_add_test(tc, json_is_json_and_says_the_same);
    tcase_add_test(tc, a_verdict_is_short);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
