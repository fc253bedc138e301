/*
 * check_store_plan.c -- slots on the move: planned, shown, committed, taken
 * back; scaling in steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"
#include "um_store_script.h"

#include <stdio.h>
#include <string.h>

static const um_story_t stories[] = {
    {
        .why = "an expand takes from the tails, a shrink from the heads",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "create c 4", "OK" },
            { "expand c", "SLOTS_ALREADY_EVEN" },
            { "expand x", "CLUSTER_NOT_FOUND" },
            { "?epochs", "7 c=7" },
            { "add c 8", "OK" },
            { "expand c", "OK" },
            { "?epochs", "9 c=9" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @9; 0.0>1.1 2731-5460 @9; "
                "0.1>1.1 16383-16383 @9; 0.1>2.0 13653-16382 @9; "
                "0.1>2.1 10923-13652 @9" },
            { "expand c", "MIGRATION_RUNNING" },
            { "shrink c 4", "MIGRATION_RUNNING" },
            { "auto c 4", "MIGRATION_RUNNING" },
            { "add c 4", "MIGRATION_RUNNING" },
            { "total c 16", "MIGRATION_RUNNING" },
            { "total c 8", "NODE_NUM_ALREADY_ENOUGH" },
            { "free c", "MIGRATION_RUNNING" },
            { "config c compression_strategy disabled", "MIGRATION_RUNNING" },
            { "balance c", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":12,"
                "\"node_number_with_slots\":4,\"is_migrating\":true}" },
            { "commit-all c", "OK" },
            { "?epochs", "15 c=15" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-2730 8192-10922; "
                "h1.1+h2.1 Normal 5461-8191 2731-5460,16383-16383; "
                "h1.2+h2.2 Normal 13653-16382 10923-13652" },
            { "shrink c 0", "INVALID_NODE_NUMBER" },
            { "shrink c 6", "INVALID_NODE_NUMBER" },
            { "shrink c 12", "INVALID_NODE_NUMBER" },
            { "shrink c 8", "OK" },
            { "?tasks c",
                "2.0>0.0 13653-15017 @16; 2.0>0.1 15018-16382 @16; "
                "2.1>1.0 10923-12287 @16; 2.1>1.1 12288-13652 @16" },
            { "commit-all c", "OK" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-2730,13653-15017 8192-10922,15018-16382; "
                "h1.1+h2.1 Normal 5461-8191,10923-12287 "
                "2731-5460,12288-13652,16383-16383; "
                "h1.2+h2.2 Normal none none" },
            { "free c", "OK" },
            { "gone h1.2:1", "OK" },
        },
    },
    {
        .why = "a limit shows a few tasks, one of each source part",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "limit 1", "OK" },
            { "expand c", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":12,"
                "\"node_number_with_slots\":4,\"is_migrating\":true}" },
            { "?proxy h2.2:1",
                "{\"proxy\":{\"cluster_name\":\"c\",\"address\":\"h2.2:1\","
                "\"epoch\":9,\"nodes\":[{\"address\":\"h2.2:2\","
                "\"proxy_address\":\"h2.2:1\",\"slots\":[],\"repl\":{"
                "\"role\":\"master\",\"peers\":[{\"node_address\":\"h1.2:3\","
                "\"proxy_address\":\"h1.2:1\"}]}},{\"address\":\"h2.2:3\","
                "\"proxy_address\":\"h2.2:1\",\"slots\":[],\"repl\":{"
                "\"role\":\"replica\",\"peers\":[{\"node_address\":\"h1.2:2\","
                "\"proxy_address\":\"h1.2:1\"}]}}],\"peers\":["
                "{\"proxy_address\":\"h1.0:1\",\"slots\":["
                "{\"range_list\":[[0,5460]],\"tag\":\"None\"},"
                "{\"range_list\":[[5461,8191]],\"tag\":{\"Migrating\":{"
                "\"epoch\":9,\"src_proxy_address\":\"h1.0:1\","
                "\"src_node_address\":\"h1.0:2\","
                "\"dst_proxy_address\":\"h1.1:1\","
                "\"dst_node_address\":\"h1.1:2\"}}}]},"
                "{\"proxy_address\":\"h2.0:1\",\"slots\":["
                "{\"range_list\":[[8192,16383]],\"tag\":\"None\"}]},"
                "{\"proxy_address\":\"h1.1:1\",\"slots\":["
                "{\"range_list\":[[5461,8191]],\"tag\":{\"Importing\":{"
                "\"epoch\":9,\"src_proxy_address\":\"h1.0:1\","
                "\"src_node_address\":\"h1.0:2\","
                "\"dst_proxy_address\":\"h1.1:1\","
                "\"dst_node_address\":\"h1.1:2\"}}}]},"
                "{\"proxy_address\":\"h2.1:1\",\"slots\":[]},"
                "{\"proxy_address\":\"h1.2:1\",\"slots\":[]}],"
                "\"cluster_config\":{\"compression_strategy\":\"disabled\","
                "\"migration_config\":{\"max_migration_time\":10800,"
                "\"max_blocking_time\":10000,\"scan_interval\":500,"
                "\"scan_count\":16}}}}" },
            { "commit c 4", "OK" },
            { "commit c 0", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":12,"
                "\"node_number_with_slots\":8,\"is_migrating\":true}" },
        },
    },
    {
        .why = "what has started stays in sight, whatever the limit is",
        .line = {
            { "hosts h1:4 h2:4", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "limit 2", "OK" },
            { "expand c", "OK" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @11; 0.0>1.1 2731-5460 @11; "
                "0.1>1.1 16383-16383 @11; 0.1>2.0 13653-16382 @11; "
                "0.1>2.1 10923-13652 @11" },
            { "?started c", "0 2" },
            { "limit 1", "OK" },
            { "start", "OK" },
            { "?started c", "0 2" },
            { "restart", "OK" },
            { "?started c", "0 2" },
            { "failover h1.0:1", "OK h1.3:1" },
            { "?started c", "0 2" },
            { "commit c 0", "OK" },
            { "?started c", "1" },
            { "commit c 0", "OK" },
            { "?started c", "0" },
            { "balance c", "OK" },
            { "?started c", "0" },
            { "restart", "OK" },
            { "commit c 0", "OK" },
            { "?started c", "0" },
            { "?tasks c",
                "0.1>2.0 13653-16382 @11; 0.1>2.1 10923-13652 @11" },
        },
    },
    {
        .why = "a higher limit starts what it allows, with an epoch",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "create d 4", "NO_AVAILABLE_RESOURCE" },
            { "limit 1", "OK" },
            { "expand c", "OK" },
            { "?started c", "0" },
            { "?epochs", "9 c=9" },
            { "start", "OK" },
            { "?epochs", "9 c=9" },
            { "limit 9", "OK" },
            { "restart", "OK" },
            { "?started c", "0" },
            { "?epochs", "9 c=9" },
            { "start", "OK" },
            { "?started c", "0 2" },
            { "?epochs", "10 c=10" },
            { "start", "OK" },
            { "?epochs", "10 c=10" },
            { "commit c 1", "OK" },
            { "?started c", "0 1" },
            { "limit 0", "OK" },
            { "start", "OK" },
            { "?started c", "0 1 2 3" },
            { "?epochs", "12 c=12" },
            { "limit 1", "OK" },
            { "commit c 3", "OK" },
            { "?started c", "0 1 2" },
        },
    },
    {
        .why = "scaling starts as many as an expand or a shrink",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "limit 1", "OK" },
            { "create c 4", "OK" },
            { "auto c 12", "OK" },
            { "ready c 8", "OK" },
            { "?started c", "0" },
            { "commit-all c", "OK" },
            { "auto c 4", "OK" },
            { "?started c", "0" },
            { "commit-all c", "OK" },
            { "free c", "OK" },
            { "add c 8", "OK" },
            { "limit 3", "OK" },
            { "expand c", "OK" },
            { "?started c", "0 2" },
            { "commit-all c", "OK" },
            { "shrink c 4", "OK" },
            { "?tasks c",
                "1.0>0.0 5461-8191 @29; 1.1>0.0 2731-5460 @29; "
                "1.1>0.1 16383-16383 @29; 2.0>0.1 13653-16382 @29; "
                "2.1>0.1 10923-13652 @29" },
            { "?started c", "0 1 3" },
        },
    },
    {
        .why = "a commit names its task exactly",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "create c 4", "OK" },
            { "commit c 0", "MIGRATION_TASK_NOT_FOUND" },
            { "commit x 0", "CLUSTER_NOT_FOUND" },
            { "commit b.d 0", "INVALID_CLUSTER_NAME" },
            { "add c 4", "OK" },
            { "expand c", "OK" },
            { "commit c 7", "MIGRATION_TASK_NOT_FOUND" },
            { "undone c 0 src", "MIGRATION_TASK_NOT_FOUND" },
            { "commit c 1", "OK" },
            { "?tasks c", "0.0>1.0 4096-8191 @7" },
            { "remove c", "OK" },
        },
    },
    {
        .why = "a cancelled plan goes back when both sides say so",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "create c 4", "OK" },
            { "cancel c", "MIGRATION_TASK_NOT_FOUND" },
            { "cancel x", "CLUSTER_NOT_FOUND" },
            { "add c 4", "OK" },
            { "expand c", "OK" },
            { "announce h1.0:1 1", "OK" },
            { "announce h1.1:1 1", "OK" },
            { "announce h2.0:1 1", "OK" },
            { "announce nobody:1 1", "PROXY_NOT_FOUND" },
            { "?epochs", "7 c=7" },
            { "cancel c", "CANCEL_NOT_SUPPORTED" },
            { "?tasks c", "0.0>1.0 4096-8191 @7; 0.1>1.1 12288-16383 @7" },
            { "announce h2.1:1 1", "OK" },
            { "cancel c", "OK" },
            { "?epochs", "8 c=8" },
            { "cancel c", "OK" },
            { "?epochs", "8 c=8" },
            { "?tasks c",
                "0.0>1.0 4096-8191 @7 cancelling; "
                "0.1>1.1 12288-16383 @7 cancelling" },
            { "expand c", "MIGRATION_RUNNING" },
            { "undone c 0 src", "OK" },
            { "undone c 0 src", "OK" },
            { "?tasks c",
                "0.0>1.0 4096-8191 @7 cancelling src; "
                "0.1>1.1 12288-16383 @7 cancelling" },
            { "?cancelling",
                "{\"tasks\":[{\"cluster_name\":\"c\","
                "\"source_undone\":true,\"destination_undone\":false,"
                "\"slot_range\":{\"range_list\":[[4096,8191]],\"tag\":{"
                "\"Migrating\":{\"epoch\":7,\"src_proxy_address\":\"h1.0:1\","
                "\"src_node_address\":\"h1.0:2\","
                "\"dst_proxy_address\":\"h1.1:1\","
                "\"dst_node_address\":\"h1.1:2\"}}}},"
                "{\"cluster_name\":\"c\",\"source_undone\":false,"
                "\"destination_undone\":false,\"slot_range\":{"
                "\"range_list\":[[12288,16383]],\"tag\":{\"Migrating\":{"
                "\"epoch\":7,\"src_proxy_address\":\"h2.0:1\","
                "\"src_node_address\":\"h2.0:2\","
                "\"dst_proxy_address\":\"h2.1:1\","
                "\"dst_node_address\":\"h2.1:2\"}}}}]}" },
            { "undone c 0 dst", "OK" },
            { "undone c 0 dst", "OK" },
            { "?epochs", "9 c=9" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":8,"
                "\"node_number_with_slots\":4,\"is_migrating\":true,"
                "\"cancelling\":1}" },
            { "undone c 0 src", "OK" },
            { "?tasks c", "none" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-8191 8192-16383; "
                "h1.1+h2.1 Normal none none" },
            { "expand c", "OK" },
        },
    },
    {
        .why = "what is done is done, though it was to be taken back",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "announce-all", "OK" },
            { "create c 4", "OK" },
            { "add c 4", "OK" },
            { "expand c", "OK" },
            { "cancel c", "OK" },
            { "commit c 0", "OK" },
            { "?tasks c", "0.1>1.1 12288-16383 @7 cancelling" },
            /* The source was started again, and has begun anew. */
            { "undone c 0 src", "OK" },
            { "commit c 0", "OK" },
            { "undone c 0 dst", "MIGRATION_TASK_NOT_FOUND" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-4095 8192-12287; "
                "h1.1+h2.1 Normal 4096-8191 12288-16383" },
        },
    },
    {
        .why = "what the destination has thrown away cannot be done",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "announce-all", "OK" },
            { "create c 4", "OK" },
            { "add c 4", "OK" },
            { "expand c", "OK" },
            { "cancel c", "OK" },
            { "undone c 0 dst", "OK" },
            { "commit c 0", "MIGRATION_TASK_NOT_FOUND" },
            { "undone c 0 src", "OK" },
            { "?tasks c", "0.1>1.1 12288-16383 @7 cancelling" },
        },
    },
    {
        .why = "while something is taken back nothing begins",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "announce-all", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "limit 2", "OK" },
            { "expand c", "OK" },
            { "cancel c", "OK" },
            { "limit 0", "OK" },
            { "start", "OK" },
            { "?started c", "0 1" },
            { "undone c 0 src", "OK" },
            { "undone c 0 dst", "OK" },
            { "expand c", "MIGRATION_RUNNING" },
            { "add c 4", "MIGRATION_RUNNING" },
            { "auto c 4", "MIGRATION_RUNNING" },
            { "undone c 0 src", "OK" },
            { "undone c 0 dst", "OK" },
            { "?tasks c", "none" },
        },
    },
    {
        .why = "what is not shown goes back at once; what is done, stays",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "announce-all", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "limit 1", "OK" },
            { "expand c", "OK" },
            { "commit c 0", "OK" },
            { "cancel c", "OK" },
            { "?tasks c", "0.0>1.1 2731-5460 @9 cancelling" },
            { "commit c 0", "OK" },
            { "?tasks c", "none" },
            { "?chunks c",
                "h1.0+h2.0 Normal 0-2730 8192-16383; "
                "h1.1+h2.1 Normal 5461-8191 2731-5460; "
                "h1.2+h2.2 Normal none none" },
            { "free c", "OK" },
            { "expand c", "OK" },
            { "?tasks c",
                "0.1>0.0 15019-16383 @14; 0.1>1.0 13654-15018 @14; "
                "0.1>1.1 12288-13653 @14" },
        },
    },
    {
        .why = "a half that is lost while it goes back is asked again",
        .line = {
            { "hosts h1:2 h2:2 h3:2", "OK" },
            { "announce-all", "OK" },
            { "create c 4", "OK" },
            { "add c 4", "OK" },
            { "expand c", "OK" },
            { "cancel c", "OK" },
            { "undone c 0 src", "OK" },
            { "?tasks c",
                "0.0>1.0 4096-8191 @9 cancelling src; "
                "0.1>1.1 12288-16383 @9 cancelling" },
            { "failover h1.0:1", "OK h3.1:1" },
            { "?tasks c",
                "0.0>1.0 4096-8191 @11 cancelling; "
                "0.1>1.1 12288-16383 @9 cancelling" },
        },
    },
    {
        .why = "scaling up in two steps, down in one",
        .line = {
            { "hosts h1:3 h2:3", "OK" },
            { "create c 4", "OK" },
            { "auto x 8", "CLUSTER_NOT_FOUND" },
            { "auto c 0", "INVALID_NODE_NUMBER" },
            { "auto c 6", "INVALID_NODE_NUMBER" },
            { "add c 4", "OK" },
            { "?epochs", "8 c=8" },
            { "auto c 20", "NO_AVAILABLE_RESOURCE" },
            { "?epochs", "8 c=8" },
            { "auto c 4", "OK" },
            { "?epochs", "9 c=9" },
            { "auto c 4", "OK" },
            { "?epochs", "9 c=9" },
            { "auto c 8", "OK" },
            { "?epochs", "10 c=10" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":8,"
                "\"node_number_with_slots\":4,\"is_migrating\":true,"
                "\"scaling\":8}" },
            { "auto c 8", "MIGRATION_RUNNING" },
            { "expand c", "MIGRATION_RUNNING" },
            { "free c", "MIGRATION_RUNNING" },
            { "config c migration_scan_count 3", "MIGRATION_RUNNING" },
            { "ready c 9", "RETRY" },
            { "ready c 10", "OK" },
            { "ready c 10", "MIGRATION_TASK_NOT_FOUND" },
            { "?tasks c", "0.0>1.0 4096-8191 @11; 0.1>1.1 12288-16383 @11" },
            { "commit-all c", "OK" },
            { "auto c 4", "OK" },
            { "?tasks c", "1.0>0.0 4096-8191 @14; 1.1>0.1 12288-16383 @14" },
        },
    },
    {
        .why = "scaling that cannot be shows why, until it is tried again",
        .line = {
            { "hosts h1:2 h2:2", "OK" },
            { "create c 4", "OK" },
            { "abandon c late", "MIGRATION_TASK_NOT_FOUND" },
            { "auto c 8", "OK" },
            { "abandon c h1.1:1-is-not-there", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":8,"
                "\"node_number_with_slots\":4,\"is_migrating\":false,"
                "\"scaling_error\":\"h1.1:1-is-not-there\"}" },
            { "auto c 8", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":8,"
                "\"node_number_with_slots\":4,\"is_migrating\":true,"
                "\"scaling\":8}" },
            { "cancel c", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":8,"
                "\"node_number_with_slots\":4,\"is_migrating\":false}" },
            { "auto c 4", "OK" },
            { "?info c",
                "{\"name\":\"c\",\"node_number\":4,"
                "\"node_number_with_slots\":4,\"is_migrating\":false}" },
        },
    },
};

START_TEST(slots_move_as_the_story_says)
{
    um_story_play(&stories[_i]);
}
END_TEST

/* From and to numbers of nodes; the reference loses slots from 368 on. */
static const struct {
    unsigned from;
    unsigned to;
} sizes[] = {
    { 4, 8 },
    { 4, 400 },
    { 8, 4 },
    { 12, 8 },
    { 364, 368 },
    { 368, 364 },
    { 372, 368 },
    { 400, 4 },
    { 400, 396 },
    { 396, 800 },
    { 1000, 996 },
    { 1000, 500 },
    { 2000, 1996 },
};

static void
all_commit(store_t *s, const store_env_t *env)
{
    const store_cluster_t *c = s->cluster[0];

    while (c->tasks > 0) {
        store_ranges_t *r = store_ranges_get(c->task[0].ranges);
        store_task_args_t a = {
            .cluster = um_lit("c"),
            .tag = STORE_TAG_IMPORTING,
            .epoch = c->task[0].epoch,
            .ranges = r->r,
            .n = r->n,
        };

        ck_assert_int_eq(store_commit(s, env, &a), STORE_OK);
        store_ranges_put(r);
    }
}

START_TEST(slots_are_even_at_every_size)
{
    store_env_t env = um_story_env();
    store_t *s = store_new(false);
    unsigned from = sizes[_i].from;
    unsigned to = sizes[_i].to;
    unsigned masters = to / 2;

    for (unsigned i = 0; i < um_max(from, to) / 2; i++) {
        char host[32];

        snprintf(host, sizeof(host), "h%u", i);
        um_story_host(s, host, 1);
    }
    ck_assert_int_eq(store_create(s, &env, um_lit("c"), from), STORE_OK);
    ck_assert_ptr_null(store_audit(s));
    if (to > from) {
        ck_assert_int_eq(
            store_add_nodes(s, &env, um_lit("c"), to - from, NULL), STORE_OK);
        ck_assert_int_eq(store_expand(s, &env, um_lit("c")), STORE_OK);
    } else {
        ck_assert_int_eq(store_shrink(s, &env, um_lit("c"), to), STORE_OK);
    }
    ck_assert_msg(store_audit(s) == NULL, "%s", store_audit(s));

    all_commit(s, &env);
    ck_assert_msg(store_audit(s) == NULL, "%s", store_audit(s));
    for (unsigned i = 0; i < masters; i++) {
        unsigned has =
            store_ranges_count(s->cluster[0]->chunk[i / 2].stable[i % 2]);

        ck_assert_uint_eq(has, UM_SLOTS / masters + (i < UM_SLOTS % masters));
    }
    store_free(s);
}
END_TEST

static Suite *
plan_suite(void)
{
    Suite *s = suite_create("store_plan");
    TCase *tc = tcase_create("plan");

    tcase_add_loop_test(
        tc, slots_move_as_the_story_says, 0, um_countof(stories));
    tcase_add_loop_test(tc, slots_are_even_at_every_size, 0, um_countof(sizes));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(plan_suite());
}
