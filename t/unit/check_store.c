/*
 * check_store.c -- the broker's store: proxies, epochs, who makes a chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store.h"
#include "um_check.h"
#include "um_store_script.h"

#include <string.h>

static const struct {
    store_rc_t rc;
    const char *name;
    int status;
} results[] = {
    { STORE_OK, "OK", 200 },
    { STORE_IN_USE, "IN_USE", 409 },
    { STORE_CLUSTER_NOT_FOUND, "CLUSTER_NOT_FOUND", 404 },
    { STORE_INVALID_CONFIG, "INVALID_CONFIG", 400 },
    { STORE_CANCEL_NOT_SUPPORTED, "CANCEL_NOT_SUPPORTED", 409 },
    { STORE_NO_MEMORY, "NO_MEMORY", 500 },
};

START_TEST(results_have_the_names_and_statuses_of_the_api)
{
    ck_assert_str_eq(store_rc_name(results[_i].rc), results[_i].name);
    ck_assert_int_eq(store_rc_status(results[_i].rc), results[_i].status);
}
END_TEST

static const um_story_t stories[] = {
    {
        .why = "proxies come and go, each an epoch",
        .line = {
            { "?epochs", "0" },
            { "proxy a:1", "OK" },
            { "?epochs", "1" },
            { "proxy a:1", "ALREADY_EXISTED" },
            { "?epochs", "1" },
            { "proxy a", "INVALID_PROXY_ADDRESS" },
            { "proxy a:1:2", "INVALID_PROXY_ADDRESS" },
            { "proxy :1", "INVALID_PROXY_ADDRESS" },
            { "proxy \"a:1", "INVALID_PROXY_ADDRESS" },
            { "proxy b:1 rack1", "OK" },
            { "gone c:1", "PROXY_NOT_FOUND" },
            { "?addresses 0 100", "{\"addresses\":[\"a:1\",\"b:1\"]}" },
            { "?addresses 1 100", "{\"addresses\":[\"b:1\"]}" },
            { "?addresses 0 1", "{\"addresses\":[\"a:1\"]}" },
            { "?addresses 9 1", "{\"addresses\":[]}" },
            { "?epochs", "2" },
            { "gone a:1", "OK" },
            { "?epochs", "3" },
            { "proxy c:1", "OK" },
            { "?addresses 0 9", "{\"addresses\":[\"b:1\",\"c:1\"]}" },
            { "?dump",
                "{\"version\":\"mem-broker-0.2\",\"global_epoch\":4,"
                "\"clusters\":{},\"all_proxies\":{"
                "\"b:1\":{\"proxy_address\":\"b:1\",\"node_addresses\":"
                "[\"b:2\",\"b:3\"],\"host\":\"rack1\",\"index\":0,"
                "\"cluster\":null},"
                "\"c:1\":{\"proxy_address\":\"c:1\",\"node_addresses\":"
                "[\"c:2\",\"c:3\"],\"host\":\"c\",\"index\":0,"
                "\"cluster\":null}},"
                "\"failed_proxies\":[],\"failures\":{},"
                "\"enable_ordered_proxy\":false}" },
        },
    },
    {
        .why = "a spare is shown without slots under the global epoch",
        .line = {
            { "proxy a:1", "OK" },
            { "?proxy b:1", "{\"proxy\":null}" },
            { "?proxy a:1",
                "{\"proxy\":{\"cluster_name\":null,\"address\":\"a:1\","
                "\"epoch\":1,\"nodes\":["
                "{\"address\":\"a:2\",\"proxy_address\":\"a:1\",\"slots\":[],"
                "\"repl\":{\"role\":\"master\",\"peers\":[]}},"
                "{\"address\":\"a:3\",\"proxy_address\":\"a:1\",\"slots\":[],"
                "\"repl\":{\"role\":\"master\",\"peers\":[]}}],"
                "\"peers\":[],\"cluster_config\":null}}" },
        },
    },
    {
        .why = "epochs only grow",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "create c 4", "OK" },
            { "?epochs", "5 c=5" },
            { "set-epoch 5", "EPOCH_SMALLER_THAN_CURRENT" },
            { "set-epoch 4503599627370497", "EPOCH_TOO_LARGE" },
            { "set-epoch 9007199254740992", "EPOCH_TOO_LARGE" },
            { "set-epoch 100", "OK" },
            { "?epochs", "100 c=100" },
            { "recover 3", "OK" },
            { "?epochs", "101 c=101" },
            { "recover 200", "OK" },
            { "?epochs", "202 c=202" },
            { "recover 4503599627370495", "EPOCH_TOO_LARGE" },
            { "recover 9007199254740991", "EPOCH_TOO_LARGE" },
            { "set-epoch 4503599627370496", "OK" },
            { "remove c", "OK" },
            { "restart", "OK" },
            { "?epochs", "4503599627370497" },
        },
    },
    {
        .why = "a proxy that is ahead of what it is told is caught up with",
        .line = {
            { "hosts h1:2 h2:2 h3:1", "OK" },
            { "create c 4", "OK" },
            { "create d 4", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "?epochs", "7 c=6 d=7" },
            { "seen h1.0:1 6", "OK" },
            { "?epochs", "7 c=6 d=7" },
            { "seen h2.0:1 7", "OK" },
            { "?epochs", "8 c=8 d=7" },
            { "seen h2.1:1 8", "OK" },
            { "?epochs", "8 c=8 d=7" },
            { "seen h2.1:1 9", "OK" },
            { "?epochs", "11 c=11 d=11" },
            { "seen h1.0:1 20", "OK" },
            { "?epochs", "22 c=22 d=22" },
            { "seen h1.0:1 20", "OK" },
            { "?epochs", "22 c=22 d=22" },
            { "seen nobody:1 30", "PROXY_NOT_FOUND" },
            { "seen h1.0:1 4503599627370495", "EPOCH_TOO_LARGE" },
            { "seen h1.0:1 18446744073709551615", "EPOCH_TOO_LARGE" },
            { "seen h1.0:1 4503599627370494", "OK" },
            { "?epochs",
                "4503599627370496 c=4503599627370496 d=4503599627370496" },
        },
    },
    {
        .why = "names and numbers of a cluster, in the order of the API",
        .line = {
            { "create c 4", "NO_AVAILABLE_RESOURCE" },
            { "hosts h1:2 h2:2", "OK" },
            { "create my.cluster 6", "INVALID_CLUSTER_NAME" },
            { "create aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 4",
                "INVALID_CLUSTER_NAME" },
            { "create aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 6",
                "INVALID_NODE_NUMBER" },
            { "create c 0", "INVALID_NODE_NUMBER" },
            { "create c 12", "NO_AVAILABLE_RESOURCE" },
            { "?epochs", "4" },
            { "create c 4", "OK" },
            { "create c 4", "ALREADY_EXISTED" },
            { "create c@B_-9 4", "OK" },
            { "?names 0 9", "{\"names\":[\"c\",\"c@B_-9\"]}" },
            { "gone h1.0:1", "IN_USE" },
            { "remove c", "OK" },
            { "remove c", "CLUSTER_NOT_FOUND" },
            { "remove b.d", "INVALID_CLUSTER_NAME" },
            { "gone h1.0:1", "OK" },
            { "?epochs", "8 c@B_-9=6" },
        },
    },
    {
        .why = "a chunk is of two hosts; the slots are even",
        .line = {
            { "hosts h1:3 h2:2 h3:1", "OK" },
            { "create c 12", "OK" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-2730 2731-5461; "
                "h1.1+h3.0 Normal 5462-8192 8193-10923; "
                "h1.2+h2.1 Normal 10924-13653 13654-16383" },
        },
    },
    {
        .why = "one large host waits for partners",
        .line = {
            { "hosts h1:5 h2:1 h3:1", "OK" },
            { "create c 12", "NO_AVAILABLE_RESOURCE" },
            { "create c 8", "OK" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-4095 4096-8191; "
                "h1.1+h3.0 Normal 8192-12287 12288-16383" },
            { "add c 4", "NO_AVAILABLE_RESOURCE" },
            { "hosts h4:1", "OK" },
            { "add c 4", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":12,"
                "\"node_number_with_slots\":8,\"is_migrating\":false}" },
        },
    },
    {
        .why = "a host shares chunks with many others, over all clusters",
        .line = {
            { "hosts h1:4 h2:4 h3:4", "OK" },
            { "create a 8", "OK" },
            { "?chunks a",
                "h1.0+h2.0 Normal 0-4095 4096-8191; "
                "h3.0+h1.1 Normal 8192-12287 12288-16383" },
            { "create b 8", "OK" },
            { "?chunks b",
                "h2.1+h3.1 Normal 0-4095 4096-8191; "
                "h1.2+h2.2 Normal 8192-12287 12288-16383" },
            { "remove a", "OK" },
            { "create a 4", "OK" },
            { "?chunks a", "h1.0+h3.0 Normal 0-8191 8192-16383" },
        },
    },
    {
        .why = "reported proxies are no spares, for as long as that counts",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "report h1.0:1 r1", "OK" },
            { "create c 4", "NO_AVAILABLE_RESOURCE" },
            { "at 1059", "OK" },
            { "create c 4", "NO_AVAILABLE_RESOURCE" },
            { "at 1060", "OK" },
            { "create c 4", "OK" },
        },
    },
    {
        .why = "chunks are added, found to be too many, and given back",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "create c 4", "OK" },
            { "free c", "FREE_NODE_NOT_FOUND" },
            { "add c 0", "INVALID_NODE_NUMBER" },
            { "add c 6", "INVALID_NODE_NUMBER" },
            { "add c 100", "NO_AVAILABLE_RESOURCE" },
            { "add x 4", "CLUSTER_NOT_FOUND" },
            { "add x.y 4", "INVALID_CLUSTER_NAME" },
            { "total c 4", "NODE_NUM_ALREADY_ENOUGH" },
            { "total c 6", "INVALID_NODE_NUMBER" },
            { "total c 8", "OK" },
            { "add c 4", "OK" },
            { "?epochs", "9 c=9" },
            { "shrink c 4", "FREE_NODE_FOUND" },
            { "free c", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "gone h1.2:1", "OK" },
        },
    },
    {
        .why = "in an ordered store the index decides",
        .ordered = true,
        .line = {
            { "proxy p9:1", "MISSING_SERVER_PROXY_INDEX" },
            { "proxy p9:1 h 0", "OK" },
            { "proxy p8:1 h 1", "OK" },
            { "proxy p7:1 h 3", "OK" },
            { "proxy p6:1 h 2", "OK" },
            { "proxy p5:1 h 5", "OK" },
            { "create c 12", "NO_AVAILABLE_RESOURCE" },
            { "create c 4", "OK" },
            { "create d 4", "ONE_CLUSTER_ALREADY_EXISTED" },
            { "?chunks c", "p9+p8 Normal 0-8191 8192-16383" },
            { "add c 4", "OK" },
            { "?chunks c",
                "p9+p8 Normal 0-8191 8192-16383; p6+p7 Normal none none" },
            { "proxy p4:1 h 6", "OK" },
            { "add c 4", "PROXY_RESOURCE_OUT_OF_ORDER" },
            { "remove c", "OK" },
            { "gone p9:1", "OK" },
            { "create c 4", "PROXY_RESOURCE_OUT_OF_ORDER" },
        },
    },
    {
        .why = "a configuration changes whole, or not, or only in words",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "create c 4", "OK" },
            { "config x a b", "CLUSTER_NOT_FOUND" },
            { "config c compression_strategy bad",
                "INVALID_CONFIG compression_strategy=bad INVALID_VALUE" },
            { "config c nofield 1",
                "INVALID_CONFIG nofield=1 FIELD_NOT_FOUND" },
            { "config c migration_scan_count 0",
                "INVALID_CONFIG migration_scan_count=0 INVALID_VALUE" },
            { "config c migration_scan_interval 7 migration_nofield 0",
                "INVALID_CONFIG migration_nofield=0 FIELD_NOT_FOUND" },
            { "config c migration_max_blocking_time 9007199254740992",
                "INVALID_CONFIG migration_max_blocking_time=9007199254740992 "
                "INVALID_VALUE" },
            { "config c", "OK" },
            { "config c Compression_Strategy DISABLED", "OK" },
            { "config c migration_scan_interval 500", "OK" },
            { "?epochs", "3 c=3" },
            { "config c compression_strategy allow_all MIGRATION_scan_count 32 "
              "migration_max_migration_time 100 migration_scan_interval 0",
                "OK" },
            { "?epochs", "4 c=4" },
        },
    },
};

START_TEST(the_store_does_what_the_story_says)
{
    um_story_play(&stories[_i]);
}
END_TEST

/* Everything a copy shares is counted: the one does not feel the other. */
START_TEST(a_copy_is_independent)
{
    store_env_t env = um_story_env();
    store_t *s = store_new(false);
    store_t *copy;
    um_sbuf_t before = { 0 };
    um_sbuf_t after = { 0 };

    um_story_host(s, "h1", 4);
    um_story_host(s, "h2", 4);
    ck_assert_int_eq(store_create(s, &env, um_lit("c"), 8), STORE_OK);
    ck_assert_int_eq(store_report(s, &env, um_lit("x:1"), um_lit("r")), 0);
    store_dump(s, &before);

    copy = store_copy(s);
    ck_assert_int_eq(store_shrink(copy, &env, um_lit("c"), 4), STORE_OK);
    ck_assert_int_eq(store_set_epoch(copy, 500), STORE_OK);
    um_story_host(copy, "h3", 3);
    env.now += 100;
    store_purge(copy, &env);
    ck_assert_int_eq(store_remove(copy, um_lit("c")), STORE_OK);
    ck_assert_int_eq(store_remove_proxy(copy, um_lit("h1.0:1")), STORE_OK);
    ck_assert_ptr_null(store_audit(copy));
    store_free(copy);

    ck_assert_ptr_null(store_audit(s));
    store_dump(s, &after);
    ck_assert_str_eq(um_sbuf_cstr(&before), um_sbuf_cstr(&after));
    um_sbuf_deinit(&before);
    um_sbuf_deinit(&after);
    store_free(s);
}
END_TEST

/* What a cache may rest on moves with what is shown, and with nothing else. */
START_TEST(a_key_is_as_long_as_the_view)
{
    store_env_t env = um_story_env();
    store_t *s = store_new(false);
    store_key_t member;
    store_key_t spare;
    store_key_t now;

    um_story_host(s, "h1", 2);
    um_story_host(s, "h2", 2);
    ck_assert_int_eq(store_create(s, &env, um_lit("c"), 4), STORE_OK);
    member = store_proxy_key(s, um_lit("h1.0:1"));
    spare = store_proxy_key(s, um_lit("h1.1:1"));

    um_story_host(s, "h3", 1);
    now = store_proxy_key(s, um_lit("h1.0:1"));
    ck_assert(now.epoch == member.epoch && now.stamp == member.stamp);
    now = store_cluster_key(s, um_lit("c"));
    ck_assert(now.epoch == member.epoch && now.stamp == member.stamp);
    now = store_proxy_key(s, um_lit("h1.1:1"));
    ck_assert_uint_ne(now.epoch, spare.epoch);

    ck_assert_int_eq(store_balance(s, &env, um_lit("c")), STORE_OK);
    now = store_proxy_key(s, um_lit("h1.0:1"));
    ck_assert_uint_ne(now.epoch, member.epoch);
    now = store_proxy_key(s, um_lit("nobody:1"));
    ck_assert(now.epoch == 0 && now.stamp == 0);
    now = store_cluster_key(s, um_lit("none"));
    ck_assert(now.epoch == 0 && now.stamp == 0);
    store_free(s);
}
END_TEST

static Suite *
store_suite(void)
{
    Suite *s = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_loop_test(tc, results_have_the_names_and_statuses_of_the_api, 0,
        um_countof(results));
    tcase_add_loop_test(
        tc, the_store_does_what_the_story_says, 0, um_countof(stories));
    tcase_add_test(tc, a_copy_is_independent);
    tcase_add_test(tc, a_key_is_as_long_as_the_view);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(store_suite());
}
