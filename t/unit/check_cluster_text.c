/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_cluster_text.h"
#include "proxy/um_umctl_text.h"
#include "um_meta_check.h"

#include <stdio.h>
#include <time.h>

#include "core/um_clock.h"

#define US       "127.0.0.1:21601"
#define MY_ID    "mydb____________________1812b21e59f37605"
#define PEER_ID  "mydb____________________977a234609aded8e"
#define PEER3_ID "mydb____________________eda2538e399864f7"
#define NONE     "________________________"

static um_sbuf_t text;
static um_cluster_face_t face;

static void
start(void)
{
    setup();
    um_sbuf_clear(&text);
    um_topo_clear(topo);
    face = (um_cluster_face_t){ topo, um_lit(US), false };
}

static void
load(const char *line)
{
    ck_assert_msg(
        line == NULL || decode(line) == UM_OK, "%s: %s", line, out.error);
    um_sbuf_clear(&text);
}

/* The replies of transcript section B, and what they leave open. */
static const struct {
    const char *line; /* NULL: no metadata yet */
    const char *nodes;
    const char *slots;
} faces[] = {
    { NULL,
        NONE "1812b21e59f37605 " US "@5299 myself,master - 0 0 0 connected\n",
        "*0\r\n" },
    { "v2 3 NOFLAG mydb " LOCAL " 3 300-200 0-100 101-150 " LOCAL
      " 1 5000-5000 PEER 127.0.0.1:21603 1 151-199",
        MY_ID " " US "@5299 myself,master - 0 0 3 connected 0-150 200-300"
              " 5000\n" PEER3_ID " 127.0.0.1:21603@5299 master - 0 0 3"
              " connected 151-199\n",
        "*4\r\n*3\r\n:0\r\n:150\r\n*4\r\n$9\r\n127.0.0.1\r\n:21601\r\n"
        "$40\r\n" MY_ID "\r\n*0\r\n*3\r\n:200\r\n:300\r\n*4\r\n$9\r\n"
        "127.0.0.1\r\n:21601\r\n$40\r\n" MY_ID "\r\n*0\r\n*3\r\n:5000\r\n"
        ":5000\r\n*4\r\n$9\r\n127.0.0.1\r\n:21601\r\n$40\r\n" MY_ID
        "\r\n*0\r\n*3\r\n:151\r\n:199\r\n*4\r\n$9\r\n127.0.0.1\r\n:21603\r\n"
        "$40\r\n" PEER3_ID "\r\n*0\r\n" },
    { "v2 2 FORCE mydb " LOCAL " 0 PEER " PEER " 1 0-16383",
        MY_ID " " US "@5299 myself,master - 0 0 2 connected\n" PEER_ID " " PEER
              "@5299 master - 0 0 2 connected 0-16383\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:21602\r\n"
        "$40\r\n" PEER_ID "\r\n*0\r\n" },
    { "v2 5 NOFLAG '' " LOCAL " 1 0-16383",
        NONE "1812b21e59f37605 " US
             "@5299 myself,master - 0 0 5 connected 0-16383\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:21601\r\n"
        "$40\r\n" NONE "1812b21e59f37605\r\n*0\r\n" },
    /* Real clients do not expect slots twice, or above 16383. */
    { "v2 6 NOFLAG mydb " LOCAL " 1 0-8000 127.0.0.1:7 1 5-9 PEER " PEER
      " 1 7000-20000",
        MY_ID " " US "@5299 myself,master - 0 0 6 connected 0-8000\n" PEER_ID
              " " PEER "@5299 master - 0 0 6 connected 8001-16383\n",
        NULL },
    /* The source of a migration has the slots until it hands them over. */
    { "v2 7 NOFLAG mydb " LOCAL " 1 0-9 " LOCAL
      " migrating 1 10-19 1 a:1 b:1 c:1 d:1 PEER " PEER
      " importing 1 10-19 1 a:1 b:1 c:1 d:1",
        MY_ID " " US "@5299 myself,master - 0 0 7 connected 0-19\n" PEER_ID
              " " PEER "@5299 master - 0 0 7 connected\n",
        NULL },
    { "v2 8 NOFLAG mydb PEER [::1]:7000 1 0-0",
        MY_ID " " US "@5299 myself,master - 0 0 8 connected\n"
              "mydb____________________33c0026c4576b790 ::1:7000@5299 master"
              " - 0 0 8 connected 0\n",
        "*1\r\n*3\r\n:0\r\n:0\r\n*4\r\n$3\r\n::1\r\n:7000\r\n$40\r\n"
        "mydb____________________33c0026c4576b790\r\n*0\r\n" },
};

START_TEST(nodes_and_slots_are_what_clients_parse)
{
    load(faces[_i].line);
    um_cluster_nodes(&face, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text), faces[_i].nodes);

    if (faces[_i].slots != NULL) {
        um_sbuf_clear(&text);
        um_cluster_slots(&face, 2, &text);
        ck_assert_str_eq(um_sbuf_cstr(&text), faces[_i].slots);
    }
}
END_TEST

START_TEST(an_old_form_of_nodes_has_no_bus_port)
{
    face.nodes_v1 = true;
    um_cluster_nodes(&face, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text),
        NONE "1812b21e59f37605 " US " myself,master - 0 0 0 connected\n");
}
END_TEST

START_TEST(shards_name_every_proxy_once)
{
    load("v2 2 NOFLAG mydb PEER redis.example:7 2 0-1 5-16383");
    um_cluster_shards(&face, 2, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text),
        "*2\r\n*4\r\n$5\r\nslots\r\n*0\r\n$5\r\nnodes\r\n*1\r\n*14\r\n"
        "$2\r\nid\r\n$40\r\n" MY_ID "\r\n$4\r\nport\r\n:21601\r\n$2\r\nip\r\n"
        "$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n"
        "$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n"
        "$6\r\nonline\r\n"
        "*4\r\n$5\r\nslots\r\n*4\r\n:0\r\n:1\r\n:5\r\n:16383\r\n$5\r\nnodes\r\n"
        "*1\r\n*16\r\n$2\r\nid\r\n$40\r\n"
        "mydb____________________df76332826dd6c70\r\n$4\r\nport\r\n:7\r\n"
        "$2\r\nip\r\n$13\r\nredis.example\r\n$8\r\nendpoint\r\n$13\r\n"
        "redis.example\r\n$8\r\nhostname\r\n$13\r\nredis.example\r\n$4\r\n"
        "role\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\n"
        "health\r\n$6\r\nonline\r\n");
}
END_TEST

START_TEST(info_counts_slots_and_proxies)
{
    load(
        "v2 9 NOFLAG mydb " LOCAL " 1 0-8000 PEER " PEER " 1 8001-16383 a:1 0");
    um_cluster_info(&face, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text),
        "cluster_state:ok\r\ncluster_slots_assigned:16384\r\n"
        "cluster_slots_ok:16384\r\ncluster_slots_pfail:0\r\n"
        "cluster_slots_fail:0\r\ncluster_known_nodes:3\r\ncluster_size:2\r\n"
        "cluster_current_epoch:9\r\ncluster_my_epoch:9\r\n"
        "cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
        "total_cluster_links_buffer_limit_exceeded:0\r\n");

    load("v2 9 NOFLAG mydb " LOCAL " 1 0-8000");
    um_cluster_info(&face, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text),
        "cluster_state:fail\r\ncluster_slots_assigned:"
        "8001\r\n"));
}
END_TEST

START_TEST(ids_are_known_again)
{
    load("v2 9 NOFLAG mydb PEER " PEER " 1 8001-16383");
    ck_assert(um_cluster_knows(&face, um_lit(MY_ID)));
    ck_assert(um_cluster_knows(&face, um_lit(PEER_ID)));
    ck_assert(!um_cluster_knows(&face, um_lit(PEER3_ID)));
    ck_assert(!um_cluster_knows(&face, um_lit("x")));
}
END_TEST

START_TEST(the_id_of_the_specification)
{
    char id[UM_CLUSTER_ID_LEN + 1] = "";

    memcpy(topo->cluster, "testcluster", 12);
    um_cluster_id(topo, um_lit("127.0.0.1:5299"), id);
    ck_assert_str_eq(id, "testcluster_____________9f8fca2805923328");

    memcpy(topo->cluster, "a-name-of-thirty-one-characters", 32);
    um_cluster_id(topo, um_lit("127.0.0.1:5299"), id);
    ck_assert_str_eq(id, "a-name-of-thirty-one-cha9f8fca2805923328");
}
END_TEST

static const struct {
    const char *line;
    bool ready;
    const char *info;
} controls[] = {
    { NULL, false,
        "*6\r\n$7\r\nCluster\r\n*5\r\n$0\r\n\r\n$5\r\nlocal\r\n*3\r\n$6\r\n"
        "name: \r\n$8\r\nepoch: 0\r\n$6\r\nnodes:\r\n$4\r\npeer\r\n*1\r\n$6\r\n"
        "peers:\r\n$11\r\nReplication\r\n*0\r\n$9\r\nMigration\r\n*1\r\n$6\r\n"
        "name: \r\n" },
    { "v2 3 NOFLAG mydb " LOCAL " 3 300-200 0-100 101-150 " LOCAL
      " 1 5000-5000 PEER 127.0.0.1:21603 1 151-199",
        true,
        "*6\r\n$7\r\nCluster\r\n*5\r\n$4\r\nmydb\r\n$5\r\nlocal\r\n*4\r\n"
        "$10\r\nname: mydb\r\n$8\r\nepoch: 3\r\n$6\r\nnodes:\r\n*2\r\n$15\r\n"
        "127.0.0.1:21701\r\n*2\r\n*1\r\n$15\r\n2 0-150 200-300\r\n*1\r\n$11\r\n"
        "1 5000-5000\r\n$4\r\npeer\r\n*2\r\n$6\r\npeers:\r\n*2\r\n$15\r\n"
        "127.0.0.1:21603\r\n*1\r\n*1\r\n$9\r\n1 151-199\r\n$11\r\n"
        "Replication\r\n*0\r\n$9\r\nMigration\r\n*1\r\n$10\r\nname: mydb\r\n" },
    { "v2 8 NOFLAG mydb " LOCAL " 1 0-8000 " LOCAL " migrating 1 8001-8001 8 "
      "127.0.0.1:21601 127.0.0.1:21701 127.0.0.1:21602 127.0.0.1:21702 "
      "PEER " PEER " 1 8002-16383",
        true,
        "*6\r\n$7\r\nCluster\r\n*5\r\n$4\r\nmydb\r\n$5\r\nlocal\r\n*4\r\n$"
        "10\r\n"
        "name: mydb\r\n$8\r\nepoch: 8\r\n$6\r\nnodes:\r\n*2\r\n$15\r\n"
        "127.0.0.1:21701\r\n*2\r\n*1\r\n$8\r\n1 0-8000\r\n*6\r\n$1\r\n8\r\n"
        "$26\r\nsrc_proxy: 127.0.0.1:21601\r\n$25\r\n"
        "src_node: 127.0.0.1:21701\r\n$26\r\ndst_proxy: 127.0.0.1:21602\r\n"
        "$25\r\ndst_node: 127.0.0.1:21702\r\n$11\r\n1 "
        "8001-8001\r\n$4\r\npeer\r\n"
        "*2\r\n$6\r\npeers:\r\n*2\r\n$15\r\n127.0.0.1:21602\r\n*1\r\n*1\r\n"
        "$12\r\n1 8002-16383\r\n$11\r\nReplication\r\n*0\r\n$9\r\nMigration\r\n"
        "*2\r\n$10\r\nname: mydb\r\n$56\r\n1 8001-8001 127.0.0.1:21701 -> "
        "127.0.0.1:21702 PRE_CHECK\r\n" },
    { "v2 1 NOFLAG mydb " LOCAL " migrating 1 0-1 8 a:1 b:1 c:1 d:1", false,
        NULL },
    { "v2 1 NOFLAG mydb " LOCAL " importing 1 0-1 8 a:1 b:1 c:1 d:1", true,
        NULL },
    { "v2 1 NOFLAG mydb " LOCAL " 0", true, NULL },
    { "v2 1 NOFLAG mydb PEER " PEER " 1 0-16383", false, NULL },
};

START_TEST(umctl_speaks_as_the_reference)
{
    static const um_repl_t nothing;
    static const um_repl_board_t nobody;
    static const um_lease_told_t no_lease;

    load(controls[_i].line);
    ck_assert_int_eq(um_umctl_ready(topo), controls[_i].ready);

    if (controls[_i].info != NULL) {
        um_umctl_info(topo, &nothing, &nobody, &no_lease, &text);
        ck_assert_str_eq(um_sbuf_cstr(&text), controls[_i].info);
    }
}
END_TEST

START_TEST(stats_begin_with_the_lines_of_the_reference)
{
    um_workers_sh_t *rows = calloc(1, um_workers_size(2));
    char want[64];

    um_workers_init(rows, 2);
    um_stat_add(&rows->row[0], UM_STAT_COMMANDS, 40);
    um_stat_add(&rows->row[1], UM_STAT_COMMANDS, 2);
    um_umctl_stats(rows, &text);

    snprintf(want, sizeof(want), "*%d\r\n$11\r\n# Migration\r\n$27\r\n",
        24 + UM_STAT_MAX);
    ck_assert_int_eq(strncmp(um_sbuf_cstr(&text), want, strlen(want)), 0);
    ck_assert_ptr_nonnull(
        strstr(text.data, "\r\nimporting_src_failed: 0\r\n$7\r\n# Proxy\r\n"
                          "$19\r\nclients_accepted: 0\r\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\r\ncommands: 42\r\n"));
    free(rows);
}
END_TEST

/* 2,000 peers, each with many runs: a text has to be there at once. */
START_TEST(texts_of_a_large_cluster_are_made_quickly)
{
    um_sbuf_t line = { 0 };
    uint64_t began, took, best = UINT64_MAX;

    um_sbuf_addz(&line, "v2 1 NOFLAG mydb " LOCAL " 1 0-383 PEER");
    for (int i = 0; i < 16000; i++) {
        um_sbuf_addf(&line, " proxy-%d.domain.example:5299 1 %d-%d", i % 2000,
            384 + i, 384 + i);
    }

    load(um_sbuf_cstr(&line));
    for (int i = 0; i < 5; i++) {
        began = um_clock_ns();
        um_sbuf_clear(&text);
        um_cluster_nodes(&face, &text);
        um_sbuf_clear(&text);
        um_cluster_slots(&face, 2, &text);
        um_sbuf_clear(&text);
        um_cluster_shards(&face, 2, &text);
        took = um_clock_ns() - began;
        best = um_min(best, took);
    }

    ck_assert(!text.failed);
    /* 5 ms each is the aim; here with room for sanitizers and neighbours. */
    ck_assert_uint_lt(best, 150000000u);
    um_sbuf_deinit(&line);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cluster_text");
    TCase *tc = tcase_create("texts");

    tcase_add_checked_fixture(tc, start, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(
        tc, nodes_and_slots_are_what_clients_parse, 0, um_countof(faces));
    tcase_add_test(tc, an_old_form_of_nodes_has_no_bus_port);
    tcase_add_test(tc, shards_name_every_proxy_once);
    tcase_add_test(tc, info_counts_slots_and_proxies);
    tcase_add_test(tc, ids_are_known_again);
    tcase_add_test(tc, the_id_of_the_specification);
    tcase_add_loop_test(
        tc, umctl_speaks_as_the_reference, 0, um_countof(controls));
    tcase_add_test(tc, stats_begin_with_the_lines_of_the_reference);
    tcase_add_test(tc, texts_of_a_large_cluster_are_made_quickly);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
