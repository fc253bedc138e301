/* What the doctor makes of facts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "ctl/um_ctl_diagnosis.h"
#include "um_check.h"
#include "um_ctl_sample.h"

#include <stdio.h>
#include <string.h>

static um_pool_t *pool;
static um_ctl_facts_t f;
static um_ctl_findings_t found;

static um_ctl_view_t *
the_view(void)
{
    return &f.cluster[0].view;
}

/* What a healthy proxy would say. */
static void
be_well(um_ctl_probe_t *probe, const um_ctl_proxy_t *p)
{
    um_ctl_health_t *h = &probe->health;

    probe->address = p->address;
    *h = (um_ctl_health_t){
        .epoch = um_ctl_epoch_due(&f, p),
        .detailed = true,
        .cluster = p->cluster != NULL ? p->cluster : "",
        .fault = "none",
        .in_sync = true,
        .seat = um_ctl_array(pool, 2, sizeof(*h->seat)),
        .seats = 2,
    };
    h->seat[0] =
        (um_ctl_seat_t){ p->node[0], "master", "serving", "none", false, 0, 0 };
    h->seat[1] =
        (um_ctl_seat_t){ p->node[1], "replica", "in_sync", "none", true, 0, 0 };
}

static void
before(void)
{
    um_ctl_mem_hooks();
    pool = um_ctl_pool();
    found = (um_ctl_findings_t){ .pool = pool };
    f = (um_ctl_facts_t){ .brokers = 1, .clusters = 1, .hosts_known = true };
    f.broker[0] = (um_ctl_broker_fact_t){
        .address = "b:1",
        .has_epoch = true,
        .epoch = 9,
        .health = UM_CTL_HEALTH_WELL,
        .storage = "file",
    };
    ck_assert_ptr_null(um_ctl_store_parse(
        &f.store, um_ctl_json_parse(pool, um_str_of(dump)), pool));
    f.cluster = um_ctl_array(pool, 1, sizeof(*f.cluster));
    ck_assert_ptr_null(um_ctl_view_parse(
        the_view(), um_ctl_json_parse(pool, um_str_of(view)), pool));
    f.cluster[0].info = (um_ctl_info_t){ .nodes = 8, .with_slots = 8 };
    f.probe = um_ctl_array(pool, f.store.proxies, sizeof(*f.probe));
    for (size_t i = 0; i < f.store.proxies; i++) {
        be_well(&f.probe[i], &f.store.proxy[i]);
    }
}

static void
after(void)
{
    um_pool_free(pool);
}

/* "level code subject; ..." of all that is found. */
static const char *
diagnosis(void)
{
    static const char levels[] = { 'n', 'w', 'e' };
    um_sbuf_t out = { 0 };
    const char *text;

    found.n = 0;
    um_ctl_diagnose(&f, &found);
    for (size_t i = 0; i < found.n; i++) {
        const um_ctl_finding_t *one = &found.finding[i];

        um_sbuf_addf(&out, "%s%c %s %s", i > 0 ? "; " : "", levels[one->level],
            one->code, one->subject);
        ck_assert_str_ne(one->text, "");
    }
    text = um_ctl_printf(pool, "%s", um_ctl_cstr(&out));
    um_sbuf_deinit(&out);
    return text;
}

START_TEST(what_is_well_is_well)
{
    um_sbuf_t out = { 0 };
    cJSON *doc;
    char *json;

    ck_assert_str_eq(diagnosis(), "");
    ck_assert_int_eq(um_ctl_findings_status(&found), 0);
    ck_assert(!um_ctl_is_settling(&f));
    um_ctl_findings_put(&found, false, &out);
    ck_assert_str_eq(um_ctl_cstr(&out), "all is well\n");
    doc = um_ctl_findings_json(&found, &f);
    json = cJSON_PrintUnformatted(doc);
    ck_assert_str_eq(json, "{\"status\":\"well\",\"findings\":[],\"brokers\":1,"
                           "\"clusters\":1,\"proxies\":5}");
    cJSON_free(json);
    cJSON_Delete(doc);
    um_sbuf_deinit(&out);
}
END_TEST

/* ---- One thing is wrong ------------------------------------------------- */

static um_ctl_broker_fact_t *
broker(void)
{
    return &f.broker[0];
}

static um_ctl_proxy_t *
proxy(size_t i)
{
    return &f.store.proxy[i - 1];
}

static um_ctl_health_t *
health(size_t i)
{
    return &f.probe[i - 1].health;
}

static const char *only_host[] = { "h1" };

static void
wrong_refused(void)
{
    broker()->why = "connect failed";
    f.unknown = "/metadata: connect failed";
}

static void
wrong_nonsense(void)
{
    f.unknown = "it has no clusters";
}

static void
wrong_storage(void)
{
    broker()->health = UM_CTL_HEALTH_ILL;
    broker()->save_failures = 3;
}

static void
wrong_saves(void)
{
    broker()->save_failures = 3;
}

static void
wrong_memory(void)
{
    broker()->storage = "memory";
}

static void
wrong_clock(void)
{
    broker()->has_skew = true;
    broker()->skew = -11;
    f.probe[0].has_skew = true;
    f.probe[0].skew = 3600;
    f.probe[1].has_skew = true;
    f.probe[1].skew = UM_CTL_SKEW_MAX;
}

static void
wrong_second_broker(void)
{
    f.broker[1] = f.broker[0];
    f.broker[1].address = "b:2";
    f.broker[1].epoch = 8;
    f.brokers = 2;
}

static void
wrong_coordinator(void)
{
    f.coordinator = "co:1";
    f.coordinator_why = "connect failed";
}

static void
well_coordinator(void)
{
    f.coordinator = "co:1";
}

static void
wrong_slots(void)
{
    the_view()->node[0].slots.range[0].to = 4000;
    the_view()->node[4].slots.range[0].from = 8191;
}

static void
wrong_scaling(void)
{
    f.cluster[0].info.scaling_error = "p9:1 does not answer";
}

static void
wrong_free(void)
{
    f.cluster[0].info.with_slots = 4;
}

static void
well_growing(void)
{
    f.cluster[0].info.with_slots = 4;
    f.cluster[0].info.migrating = true;
}

static void
wrong_balance(void)
{
    the_view()->node[0].master = false;
    the_view()->node[3].master = true;
    the_view()->node[3].slots = the_view()->node[0].slots;
    the_view()->node[0].slots.n = 0;
}

/* Out of balance because it has to be. */
static void
wrong_waiting(void)
{
    wrong_balance();
    proxy(1)->failed = true;
    f.probe[0].why = "connect failed";
}

static void
wrong_one_host(void)
{
    f.store.chunk[1].host[1] = "h3";
}

static void
wrong_no_spares(void)
{
    proxy(5)->failed = true;
}

static void
wrong_host(void)
{
    f.host = only_host;
    f.hosts = 1;
}

static void
wrong_hosts_unknown(void)
{
    f.hosts_known = false;
}

static void
wrong_dead(void)
{
    proxy(2)->dead = true;
    proxy(2)->reports = 2;
}

static void
wrong_suspected(void)
{
    proxy(2)->reports = 2;
}

static void
wrong_unreachable(void)
{
    f.probe[2].why = "timed out";
    f.probe[4].why = "timed out";
}

static void
wrong_behind(void)
{
    health(3)->epoch = 6;
    health(5)->epoch = 8;
    health(5)->cluster = "mydb"; /* it is spare now */
}

static void
wrong_never_told(void)
{
    health(5)->epoch = 0;
}

/* A spare that was told before others' epochs rose. */
static void
right_earlier(void)
{
    health(5)->epoch = 1;
}

static void
wrong_ahead(void)
{
    health(3)->epoch = 10;
}

static void
wrong_beyond(void)
{
    health(3)->epoch = 8;
}

static void
wrong_cluster(void)
{
    health(3)->cluster = "other";
}

static void
wrong_fault(void)
{
    health(1)->seat[0].fault = "down";
    health(1)->seat[0].state = "down";
}

static void
wrong_master(void)
{
    health(1)->seat[0].state = "fencing";
}

static void
wrong_replica(void)
{
    health(1)->seat[1].state = "syncing";
    health(2)->seat[1].lag = UM_CTL_LAG_MAX + 1;
    health(3)->seat[1].lag = UM_CTL_LAG_MAX;
}

static void
wrong_spare(void)
{
    health(5)->seat[0].state = "down";
    health(5)->seat[1].state = "new";
}

static void
wrong_lost(void)
{
    health(1)->seat[0].lost = 77;
}

static void
wrong_untold(void)
{
    for (size_t i = 1; i <= 5; i++) {
        *health(i) = (um_ctl_health_t){ .epoch = health(i)->epoch };
    }
    broker()->storage = NULL;
    broker()->health = UM_CTL_HEALTH_UNTOLD;
}

/* Slots of p3 on their way to p1. */
static um_ctl_task_t *
the_task(void)
{
    um_ctl_task_t *t = um_ctl_array(pool, 1, sizeof(*t));

    *t = (um_ctl_task_t){
        .epoch = 7,
        .src_proxy = "p3:1",
        .src_node = "n5",
        .dst_proxy = "p1:1",
        .dst_node = "n1",
    };
    t->slots.range = um_ctl_array(pool, 1, sizeof(*t->slots.range));
    t->slots.range[0] = (um_ctl_range_t){ 8192, 9000 };
    t->slots.n = 1;
    return t;
}

static um_ctl_move_t *
still(const char *step)
{
    f.still = um_ctl_array(pool, 1, sizeof(*f.still));
    f.stills = 1;
    f.stall = 30000;
    f.still[0].cluster = "c";
    f.still[0].move.task = *the_task();
    f.still[0].move.step = step;
    return &f.still[0].move;
}

static void
wrong_still(void)
{
    still("COPY");
}

static void
wrong_held(void)
{
    still("FLIP")->why = "the destination does not answer";
}

static void
wrong_deaf(void)
{
    still(NULL)->deaf = "connect failed: Connection refused";
}

static void
wrong_undo(void)
{
    still("COPY")->undoing = true;
}

/* It need not be looked at for long. */
static void
wrong_protocols(void)
{
    still("CHECK");
    the_view()->task = the_task();
    the_view()->tasks = 1;
    for (size_t i = 0; i < f.store.proxies; i++) {
        f.probe[i].health.protocol =
            strcmp(f.probe[i].address, "p3:1") == 0 ? 1 : 0;
    }
}

static const struct {
    void (*make)(void);
    const char *found;
    int status;
} wrongs[] = {
    { wrong_refused, "e broker_unreachable broker b:1", 2 },
    { wrong_nonsense, "e broker_nonsense broker", 2 },
    { wrong_storage, "e storage_fails broker b:1", 2 },
    { wrong_saves, "w saves_failed broker b:1", 1 },
    { wrong_memory, "w storage_memory broker b:1", 1 },
    { wrong_clock, "w clock_differs broker b:1; w clock_differs proxy p1:1",
        1 },
    { wrong_second_broker, "w broker_behind broker b:2", 1 },
    { wrong_coordinator, "e coordinator_unreachable coordinator co:1", 2 },
    { well_coordinator, "", 0 },
    { wrong_slots, "e slots_uncovered cluster c; e slots_twice cluster c", 2 },
    { wrong_scaling, "w scaling_failed cluster c", 1 },
    { wrong_free, "n free_nodes cluster c", 0 },
    { well_growing, "", 0 },
    { wrong_balance, "w out_of_balance cluster c", 1 },
    { wrong_waiting, "e chunk_waits proxy p1:1", 2 },
    { wrong_one_host, "w chunk_on_one_host cluster c", 1 },
    { wrong_no_spares, "w proxy_failed proxy p5:1; w no_spares proxies", 1 },
    { wrong_host, "w host_cannot_fail host h1", 1 },
    { wrong_hosts_unknown, "n hosts_not_checked hosts", 0 },
    { wrong_dead, "e proxy_dead proxy p2:1", 2 },
    { wrong_suspected, "w proxy_suspected proxy p2:1", 1 },
    { wrong_unreachable,
        "e proxy_unreachable proxy p3:1; w proxy_unreachable proxy p5:1", 2 },
    { wrong_behind, "w epoch_behind proxy p3:1; w epoch_behind proxy p5:1", 1 },
    { wrong_never_told, "w epoch_behind proxy p5:1", 1 },
    { right_earlier, "", 0 },
    { wrong_ahead, "e epoch_ahead proxy p3:1", 2 },
    { wrong_beyond, "w epoch_beyond proxy p3:1", 1 },
    { wrong_cluster, "w wrong_cluster proxy p3:1", 1 },
    { wrong_fault, "e node_fault node n1 of proxy p1:1", 2 },
    { wrong_master, "w master_not_serving node n1 of proxy p1:1", 1 },
    { wrong_replica,
        "w replica_not_in_sync node n2 of proxy p1:1; "
        "w replica_lags node n4 of proxy p2:1",
        1 },
    { wrong_spare, "w spare_without_redis node n9 of proxy p5:1", 1 },
    { wrong_lost, "n writes_lost node n1 of proxy p1:1", 0 },
    { wrong_untold, "n health_not_told proxies", 0 },
    { wrong_still, "w migration_stands_still cluster c", 1 },
    { wrong_held, "e migration_stands_still cluster c", 2 },
    { wrong_deaf, "w migration_stands_still cluster c", 1 },
    { wrong_undo, "w migration_not_undone cluster c", 1 },
    { wrong_protocols, "w migration_protocols_differ cluster c", 1 },
};

START_TEST(each_wrong_is_found_and_nothing_else)
{
    wrongs[_i].make();
    ck_assert_str_eq(diagnosis(), wrongs[_i].found);
    ck_assert_int_eq(um_ctl_findings_status(&found), wrongs[_i].status);
}
END_TEST

static const char *
advice_on(const char *code)
{
    for (size_t i = 0; i < found.n; i++) {
        if (strcmp(found.finding[i].code, code) == 0) {
            return found.finding[i].advice;
        }
    }

    ck_abort_msg("nothing is found that is called %s", code);
    return NULL;
}

START_TEST(nobody_is_asked_to_register_what_comes_back_by_itself)
{
    wrong_waiting();
    (void) diagnosis();
    ck_assert_ptr_nonnull(strstr(advice_on("chunk_waits"), "takes it back"));
    wrong_no_spares();
    (void) diagnosis();
    ck_assert_ptr_nonnull(strstr(advice_on("proxy_failed"), "takes it back"));
    ck_assert_ptr_null(strstr(advice_on("proxy_failed"), "proxy add"));
}
END_TEST

START_TEST(who_is_behind_may_be_told_in_a_moment)
{
    wrong_behind();
    ck_assert(um_ctl_is_settling(&f));
    after();
    before();
    wrong_unreachable();
    ck_assert(!um_ctl_is_settling(&f));
    after();
    before();
    right_earlier();
    ck_assert(!um_ctl_is_settling(&f));
}
END_TEST

START_TEST(errors_come_first_and_many_alike_are_counted)
{
    um_sbuf_t out = { 0 };

    for (int i = 0; i < 7; i++) {
        um_ctl_find(&found, UM_CTL_WARNING, "w", "thing", "do it", "is %d", i);
    }
    um_ctl_find(&found, UM_CTL_ERROR, "w", "thing", "do it now", "is worse");
    um_ctl_find(&found, UM_CTL_NOTE, "n", "none", NULL, "x");
    um_ctl_find(&found, UM_CTL_ERROR, "e", "\033worst", "run", "y");
    um_ctl_findings_put(&found, false, &out);
    ck_assert_str_eq(um_ctl_cstr(&out), "error: thing: is worse\n"
                                        "    do it now\n"
                                        "error: ?worst: y\n"
                                        "    run\n"
                                        "warning: thing: is 0\n"
                                        "    do it\n"
                                        "warning: thing: is 1\n"
                                        "warning: thing: is 2\n"
                                        "warning: thing: is 3\n"
                                        "warning: thing: is 4\n"
                                        "    and 2 more like that\n"
                                        "note: none: x\n"
                                        "2 errors, 7 warnings\n");
    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("doctor");
    TCase *tc = tcase_create("doctor");

    tcase_add_checked_fixture(tc, before, after);
    tcase_add_test(tc, what_is_well_is_well);
    tcase_add_loop_test(
        tc, each_wrong_is_found_and_nothing_else, 0, (int) um_countof(wrongs));
    tcase_add_test(tc, nobody_is_asked_to_register_what_comes_back_by_itself);
    tcase_add_test(tc, who_is_behind_may_be_told_in_a_moment);
    tcase_add_test(tc, errors_come_first_and_many_alike_are_counted);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
