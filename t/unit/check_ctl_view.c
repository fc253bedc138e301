/* What undermoonctl reads from a broker's views, and what follows from them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "ctl/um_ctl_takers.h"
#include "um_check.h"
#include "um_ctl_sample.h"

static um_pool_t *pool;
static um_ctl_store_t store;
static um_ctl_view_t cluster;

static void
before(void)
{
    um_ctl_mem_hooks();
    pool = um_ctl_pool();
    ck_assert_ptr_null(um_ctl_store_parse(
        &store, um_ctl_json_parse(pool, um_str_of(dump)), pool));
    ck_assert_ptr_null(um_ctl_view_parse(
        &cluster, um_ctl_json_parse(pool, um_str_of(view)), pool));
}

static void
after(void)
{
    um_pool_free(pool);
}

START_TEST(a_store_is_read_in_order)
{
    ck_assert_uint_eq(store.epoch, 9);
    ck_assert_uint_eq(store.proxies, 5);
    for (size_t i = 1; i <= 5; i++) {
        ck_assert_str_eq(
            store.proxy[i - 1].address, um_ctl_printf(pool, "p%zu:1", i));
    }
    ck_assert_uint_eq(store.chunks, 2);
    ck_assert_str_eq(store.chunk[1].host[1], "h4");
    ck_assert_uint_eq(store.tasks[0], 1);
    ck_assert_str_eq(um_ctl_proxy_state(&store.proxy[0]), "used");
    ck_assert_str_eq(um_ctl_proxy_state(&store.proxy[4]), "spare");
    ck_assert_ptr_null(um_ctl_store_proxy(&store, "gone:1"));
}
END_TEST

static const char *const no_views[] = {
    "{}",
    "[]",
    "null",
    "{\"name\":\"c\",\"epoch\":7}",
    "{\"name\":\"c\",\"epoch\":-7,\"nodes\":[]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[{}]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[7]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[" NODE("n", "p", "king", "") "]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[" NODE(
        "n", "p", "master", "{}") "]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[" NODE(
        "n", "p", "master", "{\"range_list\":[[0,1]],\"tag\":\"Some\"}") "]}",
    "{\"name\":\"c\",\"epoch\":7,\"nodes\":[" NODE("n", "p", "master",
        "{\"range_list\":[[0,1]],\"tag\":{\"Migrating\":{}}}") "]}",
};

START_TEST(what_is_no_cluster_is_refused)
{
    um_ctl_view_t v;

    ck_assert_ptr_nonnull(um_ctl_view_parse(
        &v, um_ctl_json_parse(pool, um_str_of(no_views[_i])), pool));
}
END_TEST

static const char *const no_stores[] = {
    "{}",
    "7",
    "{\"global_epoch\":1}",
    "{\"global_epoch\":1,\"all_proxies\":{}}",
    "{\"global_epoch\":1,\"all_proxies\":{\"a\":{}},\"clusters\":{}}",
    "{\"global_epoch\":1,\"all_proxies\":{},\"clusters\":{\"c\":{\"chunks\":"
    "[{}]}}}",
};

START_TEST(what_is_no_store_is_refused)
{
    um_ctl_store_t s;

    ck_assert_ptr_nonnull(um_ctl_store_parse(
        &s, um_ctl_json_parse(pool, um_str_of(no_stores[_i])), pool));
}
END_TEST

START_TEST(slots_that_are_to_move_are_counted)
{
    const um_ctl_view_t *v = &cluster;
    um_ctl_view_t w;
    static const char moving[] = "{\"name\":\"c\",\"epoch\":7,\"nodes\":[" NODE(
        "n1", "p1:1", "master",
        STAY("0", "8191") "," MOVE("Importing", "8192", "8291")) "," NODE("n2",
        "p1:1", "replica",
        "") "," NODE("n3", "p2:1", "master", "") "," NODE("n4", "p2:1",
        "replica", "") "," NODE("n5", "p3:1", "master",
        STAY("8292", "16383") "," MOVE("Migrating", "8192",
            "8291")) "," NODE("n6", "p3:1", "replica", "") "," NODE("n7",
        "p4:1", "master", "") "," NODE("n8", "p4:1", "replica", "") "]}";

    ck_assert_uint_eq(um_ctl_view_left(v, 8), 0);
    ck_assert_uint_eq(um_ctl_view_left(v, 4), 8192);
    ck_assert_uint_eq(um_ctl_view_left(v, 12), 2 * (8192 - 5462));

    ck_assert_ptr_null(um_ctl_view_parse(
        &w, um_ctl_json_parse(pool, um_str_of(moving)), pool));
    ck_assert_uint_eq(w.tasks, 1);
    ck_assert_str_eq(w.task[0].dst_node, "n1");
    ck_assert_uint_eq(um_ctl_slots_count(&w.node[0].coming), 100);
    ck_assert_uint_eq(um_ctl_view_owned(&w, 0), 8192);
    ck_assert_uint_eq(um_ctl_view_owned(&w, 1), 8192);
    ck_assert_uint_eq(um_ctl_view_left(&w, 4), 8192);
}
END_TEST

/* ---- Who may become master ---------------------------------------------- */

START_TEST(only_who_has_all_data_may_take_over)
{
    const um_ctl_node_t *n = &cluster.node[1];
    um_ctl_seat_t seats[2] = {
        { .node = "n1", .role = "master", .state = "serving" },
        { .node = "n2", .role = "replica", .state = "in_sync" },
    };
    um_ctl_probe_t probe = {
        .health = { .detailed = true, .seat = seats, .seats = 2 },
    };

    ck_assert_ptr_null(um_ctl_taker_why(pool, n, &probe));
    probe.health.seat[1].state = "syncing";
    probe.health.seat[1].lag = 12288;
    ck_assert_str_eq(um_ctl_taker_why(pool, n, &probe),
        "node n2 of proxy p1:1 has not all data: it is syncing, 12288 bytes "
        "behind");
    probe.health.seat[1].role = "master"; /* it is one already */
    ck_assert_ptr_null(um_ctl_taker_why(pool, n, &probe));
    probe.health.seats = 1;
    ck_assert_str_eq(
        um_ctl_taker_why(pool, n, &probe), "proxy p1:1 does not know node n2");
    probe.health.detailed = false; /* one of the reference: nobody can tell */
    ck_assert_ptr_null(um_ctl_taker_why(pool, n, &probe));
    probe.why = "timed out";
    ck_assert_str_eq(um_ctl_taker_why(pool, n, &probe),
        "proxy p1:1 does not say how node n2 is: timed out");
    ck_assert_ptr_nonnull(um_ctl_taker_why(pool, n, NULL));
}
END_TEST

START_TEST(balancing_makes_masters_of_the_first_and_third)
{
    const um_ctl_view_t *v = &cluster;

    for (size_t i = 0; i < v->nodes; i++) {
        ck_assert(!um_ctl_taker_at_balance(v, i));
    }
    cluster.node[0].master = false; /* after a failover */
    cluster.node[3].master = true;
    for (size_t i = 0; i < v->nodes; i++) {
        ck_assert(um_ctl_taker_at_balance(v, i) == (i == 0));
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("view");
    TCase *tc = tcase_create("view");

    tcase_add_checked_fixture(tc, before, after);
    tcase_add_test(tc, a_store_is_read_in_order);
    tcase_add_loop_test(
        tc, what_is_no_cluster_is_refused, 0, (int) um_countof(no_views));
    tcase_add_loop_test(
        tc, what_is_no_store_is_refused, 0, (int) um_countof(no_stores));
    tcase_add_test(tc, slots_that_are_to_move_are_counted);
    tcase_add_test(tc, only_who_has_all_data_may_take_over);
    tcase_add_test(tc, balancing_makes_masters_of_the_first_and_third);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
