/*
 * SETREPL's words, and what is told of replication.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "meta/um_repl.h"
#include "proxy/um_gate.h"
#include "proxy/um_repl_text.h"
#include "um_check.h"

#define OUR       "127.0.0.1:7001"
#define OUR2      "127.0.0.1:7002"
#define WORDS_MAX 4096

static um_repl_t *repl;
static um_str_t words[WORDS_MAX];

static void
setup(void)
{
    repl = malloc(sizeof(*repl));
    ck_assert_ptr_nonnull(repl);
}

static void
teardown(void)
{
    free(repl);
}

/* Cut `line` at blanks; '' is an empty word. */
static uint32_t
cut(const char *line)
{
    uint32_t n = 0;

    while (*line != '\0') {
        size_t len = strcspn(line, " ");

        words[n++] = len == 2 && memcmp(line, "''", 2) == 0
                         ? um_lit("")
                         : (um_str_t){ line, len };
        line += len;
        line += strspn(line, " ");
    }

    return n;
}

static bool force;

static const char *
decode(const char *line)
{
    return um_repl_decode(words, cut(line), um_lit("127.0.0.1"), repl, &force);
}

/* ---- Words -------------------------------------------------------------- */

static const struct {
    const char *line;
    const char *error; /* NULL: it is taken */
    const char *why;
} lines[] = {
    { "", "Invalid arguments", "nothing" },
    { "x NOFLAG", "Invalid arguments", "no number" },
    { "-1 NOFLAG", "Invalid arguments", "negative" },
    { "18446744073709551616 NOFLAG", "Invalid arguments", "too large" },
    { "18446744073709551615 NOFLAG", NULL, "the largest" },
    { "+7 NOFLAG", NULL, "as the reference reads numbers" },
    { "1", "Invalid arguments", "no flags" },
    { "1 NOFLAG", NULL, "no node" },
    { "0 whatever", NULL, "the epoch is the publisher's matter" },
    { "1 NOFLAG master mydb", "Invalid arguments", "cut" },
    { "1 NOFLAG master mydb " OUR, "Invalid arguments", "cut" },
    { "1 NOFLAG boss mydb " OUR " 0", "Invalid arguments", "no role" },
    { "1 NOFLAG Master mydb " OUR " 0", NULL, "roles in any case" },
    { "1 NOFLAG REPLICA mydb " OUR " 0", NULL, "replicas too" },
    { "1 NOFLAG master my/db " OUR " 0", "Invalid arguments", "no name" },
    { "1 NOFLAG master a23456789012345678901234567890b " OUR " 0", NULL,
        "31 characters" },
    { "1 NOFLAG master a234567890123456789012345678901b " OUR " 0",
        "Invalid arguments", "32 characters" },
    { "1 NOFLAG master '' " OUR " 0", NULL, "a free node" },
    { "1 NOFLAG master mydb " OUR " x", "Invalid arguments", "no count" },
    { "1 NOFLAG master mydb " OUR " 1", "Invalid arguments", "no peer" },
    { "1 NOFLAG master mydb " OUR " 1 10.0.0.1:1", "Invalid arguments",
        "half a peer" },
    { "1 NOFLAG master mydb " OUR " 1 10.0.0.1:1 10.0.0.1:2", NULL, "a peer" },
    { "1 NOFLAG master mydb " OUR " 4 a:1 b:1 a:2 b:2 a:3 b:3 a:4 b:4", NULL,
        "four" },
    { "1 NOFLAG master mydb " OUR " 5 a:1 b:1 a:2 b:2 a:3 b:3 a:4 b:4 a:5 b:5",
        "Invalid arguments: too many peers of a node", "five" },
    { "1 NOFLAG master mydb " OUR " 18446744073709551615",
        "Invalid arguments: too many peers of a node", "and more" },
    { "1 NOFLAG master mydb 10.0.0.1:1 0", "ERR_NOT_MY_META", "elsewhere" },
    { "1 NOFLAG replica mydb nohost 0", "ERR_NOT_MY_META", "no port" },
    { "1 NOFLAG master mydb unix:/a/b 0", NULL, "a socket is here" },
    { "1 NOFLAG master mydb '' 0", "ERR_NOT_MY_META", "no address" },
    { "1 NOFLAG master mydb " OUR " 0 replica mydb " OUR " 0",
        "Invalid arguments: a node has two roles", "twice" },
    { "1 NOFLAG master mydb " OUR " 0 replica mydb " OUR2 " 0", NULL, "two" },
    { "1 NOFLAG master mydb " OUR " 0 x", "Invalid arguments", "and a word" },
    { "9 COMPRESS zzz", "Invalid arguments", "COMPRESS has no effect" },
    { "9 COMPRESS", NULL, "none at all" },
};

START_TEST(words_are_taken_as_by_the_reference)
{
    const char *error = decode(lines[_i].line);

    if (lines[_i].error == NULL) {
        ck_assert_msg(error == NULL, "%s: %s", lines[_i].why, error);
    } else {
        ck_assert_msg(error != NULL, "%s", lines[_i].why);
        ck_assert_str_eq(error, lines[_i].error);
    }
}
END_TEST

START_TEST(what_was_said_is_there)
{
    const um_repl_node_t *n;

    ck_assert_ptr_null(
        decode("7 FORCE,x master mydb " OUR
               " 1 10.0.0.2:7 10.0.0.2:5 replica '' " OUR2 " 0"));
    ck_assert(force);
    ck_assert_uint_eq(repl->epoch, 7);
    ck_assert_uint_eq(repl->count, 2);

    n = um_repl_find(repl, um_lit(OUR));
    ck_assert_ptr_nonnull(n);
    ck_assert_uint_eq(n->role, UM_REPL_MASTER);
    ck_assert_str_eq(n->cluster, "mydb");
    ck_assert_uint_eq(n->peer_count, 1);
    ck_assert_str_eq(n->peer[0].node, "10.0.0.2:7");
    ck_assert_str_eq(n->peer[0].proxy, "10.0.0.2:5");

    n = um_repl_find(repl, um_lit(OUR2));
    ck_assert_ptr_nonnull(n);
    ck_assert_uint_eq(n->role, UM_REPL_REPLICA);
    ck_assert_str_eq(n->cluster, "");
    ck_assert_ptr_null(um_repl_find(repl, um_lit("127.0.0.1:700")));

    ck_assert_ptr_null(decode("8 noforce"));
    ck_assert(!force);
    ck_assert_uint_eq(repl->count, 0);
}
END_TEST

START_TEST(words_that_are_no_text_do_not_count)
{
    const um_str_t argv[] = { um_lit("\xff"), um_lit("3"), um_lit("NOFLAG"),
        um_lit("\xc3\x28"), um_lit("master"), um_lit("mydb"), um_lit(OUR),
        um_lit("0") };

    ck_assert_ptr_null(um_repl_decode(
        argv, um_countof(argv), um_lit("127.0.0.1"), repl, &force));
    ck_assert_uint_eq(repl->epoch, 3);
    ck_assert_uint_eq(repl->count, 1);
}
END_TEST

START_TEST(a_nul_is_no_part_of_an_address)
{
    const um_str_t argv[] = { um_lit("3"), um_lit("NOFLAG"), um_lit("master"),
        um_lit("mydb"), { "127.0.0.1:7\0001", 13 }, um_lit("0") };

    ck_assert_str_eq(um_repl_decode(argv, um_countof(argv), um_lit("127.0.0.1"),
                         repl, &force),
        "Invalid arguments");
}
END_TEST

START_TEST(as_many_nodes_as_there_are_places)
{
    um_sbuf_t line = { 0 };

    for (uint32_t n = UM_REPL_NODES; n <= UM_REPL_NODES + 1; n++) {
        const char *error;

        um_sbuf_clear(&line);
        um_sbuf_addz(&line, "1 NOFLAG");
        for (uint32_t i = 0; i < n; i++) {
            um_sbuf_addf(&line, " master mydb 127.0.0.1:%u 0", 1000 + i);
        }
        error = decode(um_sbuf_cstr(&line));
        if (n == UM_REPL_NODES) {
            ck_assert_ptr_null(error);
            ck_assert_uint_eq(repl->count, UM_REPL_NODES);
        } else {
            ck_assert_str_eq(error, "Invalid arguments: too many nodes");
        }
    }

    um_sbuf_deinit(&line);
}
END_TEST

START_TEST(wishes_are_the_same_or_not)
{
    static const char *const others[] = {
        "1 x replica mydb " OUR " 1 10.0.0.2:7 10.0.0.2:5",
        "1 x master other " OUR " 1 10.0.0.2:7 10.0.0.2:5",
        "1 x master mydb " OUR2 " 1 10.0.0.2:7 10.0.0.2:5",
        "1 x master mydb " OUR " 0",
        "1 x master mydb " OUR " 1 10.0.0.2:8 10.0.0.2:5",
        "1 x master mydb " OUR " 1 10.0.0.2:7 10.0.0.2:6",
    };
    um_repl_node_t first;

    ck_assert_ptr_null(
        decode("1 x master mydb " OUR " 1 10.0.0.2:7 10.0.0.2:5"));
    first = repl->node[0];
    ck_assert_ptr_null(
        decode("2 y MASTER mydb " OUR " 1 10.0.0.2:7 10.0.0.2:5"));
    ck_assert(um_repl_is_same(&first, &repl->node[0]));

    for (size_t i = 0; i < um_countof(others); i++) {
        ck_assert_ptr_null(decode(others[i]));
        ck_assert_msg(
            !um_repl_is_same(&first, &repl->node[0]), "%s", others[i]);
    }
}
END_TEST

/* ---- The gate ----------------------------------------------------------- */

#define RUN  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RUN2 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const um_repl_node_t a_master = { .role = UM_REPL_MASTER,
    .cluster = "mydb" };
static const um_repl_node_t a_replica = { .role = UM_REPL_REPLICA,
    .cluster = "mydb" };
static const um_repl_node_t a_spare = { .role = UM_REPL_MASTER };

static const struct {
    const um_repl_node_t *wanted;
    um_repl_found_t found; /* role 0: nothing is known */
    const char *run_id;
    uint64_t blind_ns;
    const char *closed; /* NULL: open */
    bool for_good;
    const char *why;
} gates[] = {
    { NULL, { .role = 0 }, "", 0, NULL, false,
        "nobody has said anything of it" },
    { NULL, { .role = 0 }, RUN, 5, NULL, false, "whatever else there is" },
    { &a_replica, { .role = 1, .confirmed = 1 }, "", 0, "is a replica", true,
        "a replica is not sent to" },
    { &a_spare, { .role = 1, .confirmed = 1 }, "", 0, "is in no cluster", true,
        "nor is a spare one" },
    { &a_master, { .role = 0 }, "", 0, "not confirmed", false,
        "not looked at yet" },
    { &a_master, { .role = 1 }, RUN, 0, "not confirmed", false, "or doubted" },
    { &a_master, { .role = 1, .state = UM_REPL_FENCED }, RUN, 0,
        "not confirmed", true, "another took over" },
    { &a_master,
        { .role = 1, .confirmed = 1, .served_id = RUN, .looked_ns = 5 }, RUN, 0,
        NULL, false, "confirmed" },
    { &a_master,
        { .role = 1, .confirmed = 1, .served_id = RUN, .looked_ns = 5 }, "", 0,
        NULL, false, "by one that has not met it yet" },
    { &a_master,
        { .role = 1, .confirmed = 1, .served_id = RUN, .looked_ns = 5 }, RUN2,
        0, "restarted", false, "it is another one" },
    { &a_master,
        { .role = 1, .confirmed = 1, .served_id = RUN, .looked_ns = 5 }, RUN, 6,
        "stood still", false, "looked at before the gap" },
    { &a_master,
        { .role = 1, .confirmed = 1, .served_id = RUN, .looked_ns = 6 }, RUN, 6,
        NULL, false, "and after it" },
};

START_TEST(the_gate_opens_for_confirmed_masters)
{
    const um_repl_found_t *found =
        gates[_i].found.role != 0 ? &gates[_i].found : NULL;
    um_gate_verdict_t v = um_gate_rule(
        gates[_i].wanted, found, gates[_i].run_id, gates[_i].blind_ns, false);

    if (gates[_i].closed == NULL) {
        ck_assert_msg(v.why == NULL, "%s: %s", gates[_i].why, v.why);
    } else {
        ck_assert_msg(v.why != NULL, "%s", gates[_i].why);
        ck_assert_msg(strstr(v.why, gates[_i].closed) != NULL, "%s: %s",
            gates[_i].why, v.why);
    }
    ck_assert_msg(v.for_good == gates[_i].for_good, "%s", gates[_i].why);
    ck_assert_msg(!v.at_once, "%s", gates[_i].why);
}
END_TEST

/* When the lease has run out nothing that SETREPL is about is open, and what
 * it answers then is not told, whatever else there is against it. */
START_TEST(the_gate_closes_with_the_lease)
{
    const um_repl_found_t *found =
        gates[_i].found.role != 0 ? &gates[_i].found : NULL;
    um_gate_verdict_t v = um_gate_rule(
        gates[_i].wanted, found, gates[_i].run_id, gates[_i].blind_ns, true);

    if (gates[_i].wanted == NULL) {
        ck_assert_msg(v.why == NULL && !v.at_once, "%s", gates[_i].why);
        return;
    }

    ck_assert_msg(
        v.why != NULL && v.for_good && v.at_once, "%s", gates[_i].why);
    ck_assert_msg(strstr(v.why, gates[_i].for_good ? gates[_i].closed
                                                   : "no coordinator vouches")
                      != NULL,
        "%s: %s", gates[_i].why, v.why);
}
END_TEST

#define SEC UINT64_C(1000000000)

START_TEST(after_a_gap_it_is_blind)
{
    ck_assert_uint_eq(um_gate_blind(0, 10 * SEC, 10 * SEC, 10 * SEC), 0);
    ck_assert_uint_eq(um_gate_blind(3, 10 * SEC, 9 * SEC, 9 * SEC), 3);
    ck_assert_uint_eq(um_gate_blind(0, 10 * SEC, 0, 10 * SEC), 0);
    ck_assert_uint_eq(
        um_gate_blind(0, 10 * SEC, 9 * SEC - 1, 10 * SEC), 10 * SEC);
    ck_assert_uint_eq(
        um_gate_blind(3, 10 * SEC, 10 * SEC, 9 * SEC - 1), 10 * SEC);
    /* Clocks of two processes: the other's word may be newer than our now. */
    ck_assert_uint_eq(um_gate_blind(0, 10 * SEC, 10 * SEC, 11 * SEC), 0);
}
END_TEST

/* ---- Told --------------------------------------------------------------- */

static const struct {
    um_repl_found_t found;
    const char *fault;
    const char *why;
} faults[] = {
    { { .role = 1, .cluster = "c", .state = UM_REPL_SERVING }, NULL, "well" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_NEW }, NULL, "not known" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_LOADING }, NULL,
        "it will be well" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_FENCING }, NULL,
        "it is being promoted" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_DOWN }, "down", "dead" },
    { { .role = 2, .cluster = "c", .state = UM_REPL_DOWN }, NULL,
        "a replica: nobody needs to take over from it" },
    { { .role = 1, .cluster = "", .state = UM_REPL_DOWN }, NULL, "a spare" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_DOUBTED }, "lost",
        "its replica has more" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_FENCED }, "fenced",
        "another took over" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_SYNCING }, NULL,
        "under way" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_SYNCING, .why = "x" },
        "unsynced", "there is nobody to sync with" },
    { { .role = 1,
          .cluster = "c",
          .state = UM_REPL_SILENT,
          .heard_us = 1000000 },
        NULL, "silent for a while" },
    { { .role = 1, .cluster = "c", .state = UM_REPL_SILENT, .heard_us = 999 },
        "hung", "silent for node_timeout" },
    { { .role = 1,
          .cluster = "c",
          .state = UM_REPL_SILENT,
          .heard_us = 99000000 },
        NULL, "the wall clock was set back" },
};

START_TEST(faults_are_those_of_masters)
{
    const char *fault = um_repl_fault(&faults[_i].found, 10000, 10001000);

    if (faults[_i].fault == NULL) {
        ck_assert_msg(fault == NULL, "%s: %s", faults[_i].why, fault);
    } else {
        ck_assert_msg(fault != NULL && strcmp(fault, faults[_i].fault) == 0,
            "%s: %s", faults[_i].why, fault);
    }
}
END_TEST

static um_topo_t topo;
static um_repl_board_t board;
static um_sbuf_t text;
static const um_lease_told_t no_lease;

static const char *
beat(const um_repl_board_t *b)
{
    um_sbuf_clear(&text);
    um_repl_text_beat(&topo, repl, b, 10000, 1, &text);
    return um_sbuf_cstr(&text);
}

START_TEST(a_beat_says_all_in_a_line)
{
    um_topo_clear(&topo);
    topo.epoch = 6;
    ck_assert_ptr_null(decode("7 x master c " OUR " 0 replica c " OUR2 " 0"));
    board.count = 2;
    board.node[0] = (um_repl_found_t){ .node = OUR,
        .cluster = "c",
        .role = UM_REPL_MASTER,
        .state = UM_REPL_SERVING };
    board.node[1] = (um_repl_found_t){ .node = OUR2,
        .cluster = "c",
        .role = UM_REPL_REPLICA,
        .state = UM_REPL_IN_SYNC };
    ck_assert_str_eq(beat(&board), "6 7 none 1 0");

    board.node[1].state = UM_REPL_SYNCING;
    ck_assert_str_eq(beat(&board), "6 7 none 0 0");
    board.node[0].state = UM_REPL_DOUBTED;
    ck_assert_str_eq(beat(&board), "6 7 lost 0 0");

    /* Of what the mover has not told yet nothing is well, or wrong. */
    ck_assert_str_eq(beat(NULL), "6 7 none 0 0");
}
END_TEST

START_TEST(health_and_inforepl_name_the_nodes)
{
    um_topo_clear(&topo);
    ck_assert_ptr_null(
        decode("7 x replica c " OUR2 " 1 a:1 b:1 master c " OUR " 1 a:2 b:2"));
    board.count = 1;
    board.node[0] = (um_repl_found_t){ .node = OUR,
        .cluster = "c",
        .role = UM_REPL_MASTER,
        .state = UM_REPL_SERVING,
        .confirmed = 1,
        .offset = 70,
        .lost = 3 };

    um_sbuf_clear(&text);
    um_repl_text_health(&topo, repl, &board, &no_lease, 10000, 1, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text),
        "epoch:0\r\nrepl_epoch:7\r\ncluster:\r\nfault:none\r\nin_sync:0\r\n"
        "nodes:1\r\nnode0:addr=" OUR ",role=master,state=serving,fault=none,"
        "confirmed=1,link=0,offset=70,lag=0,lost=3\r\n");
    um_sbuf_clear(&text);
    um_repl_text_health(&topo, repl, NULL, &no_lease, 10000, 1, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text), "nodes:0\r\n"));

    um_sbuf_clear(&text);
    um_repl_text_wanted(repl, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text),
        "*2\r\n*4\r\n$10\r\ncluster:c\n\r\n$12\r\nrole:master\n\r\n"
        "$28\r\nnode_address:" OUR "\n\r\n$16\r\nreplica:a:2@b:2\n\r\n"
        "*4\r\n$10\r\ncluster:c\n\r\n$13\r\nrole:replica\n\r\n"
        "$28\r\nnode_address:" OUR2 "\n\r\n$15\r\nmaster:a:1@b:1\n\r\n");

    um_sbuf_clear(&text);
    um_repl_text_both(repl, &board, &no_lease, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text),
        "*10\r\n$10\r\ncluster:c\n\r\n$12\r\nrole:master\n"));
    ck_assert_ptr_nonnull(
        strstr(text.data, "$14\r\nstate:serving\n\r\n$5\r\nwhy:\n\r\n"));
}
END_TEST

START_TEST(what_is_left_of_a_lease_is_told)
{
    static const um_lease_told_t lease = { .lease_ms = 2000, .left_ms = 1500 };
    static um_repl_counts_t counts;

    um_topo_clear(&topo);
    ck_assert_ptr_null(decode("7 x master c " OUR " 1 a:2 b:2"));
    board.count = 1;
    board.node[0] = (um_repl_found_t){ .node = OUR };
    counts.leases_ended = 3;

    um_sbuf_clear(&text);
    um_repl_text_health(&topo, repl, &board, &lease, 10000, 1, &text);
    ck_assert_ptr_nonnull(strstr(
        um_sbuf_cstr(&text), "in_sync:0\r\nlease_left_ms:1500\r\nnodes:1\r\n"));

    um_sbuf_clear(&text);
    um_repl_text_both(repl, &board, &lease, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text), "*11\r\n$10\r\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "lease_left_ms:1500\n\r\n"));

    um_sbuf_clear(&text);
    um_repl_text_info(&board, &counts, &lease, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text),
        "repl_lease_ms:2000\r\nrepl_lease_left_ms:1500\r\n"
        "repl_leases_ended:3\r\n"));
    um_sbuf_clear(&text);
    um_repl_text_info(&board, &counts, &no_lease, &text);
    ck_assert_ptr_null(strstr(um_sbuf_cstr(&text), "lease"));
}
END_TEST

START_TEST(only_replicas_are_ready)
{
    ck_assert_ptr_null(decode("1 x"));
    ck_assert(!um_repl_is_all_replicas(repl));
    ck_assert_ptr_null(decode("1 x replica c " OUR " 0 replica c " OUR2 " 0"));
    ck_assert(um_repl_is_all_replicas(repl));
    ck_assert_ptr_null(decode("1 x replica c " OUR " 0 master c " OUR2 " 0"));
    ck_assert(!um_repl_is_all_replicas(repl));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("words");
    TCase *g = tcase_create("gate");
    TCase *x = tcase_create("text");
    Suite *s = suite_create("replication");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(
        t, words_are_taken_as_by_the_reference, 0, um_countof(lines));
    tcase_add_test(t, what_was_said_is_there);
    tcase_add_test(t, words_that_are_no_text_do_not_count);
    tcase_add_test(t, a_nul_is_no_part_of_an_address);
    tcase_add_test(t, as_many_nodes_as_there_are_places);
    tcase_add_test(t, wishes_are_the_same_or_not);
    suite_add_tcase(s, t);

    tcase_add_loop_test(
        g, the_gate_opens_for_confirmed_masters, 0, um_countof(gates));
    tcase_add_loop_test(
        g, the_gate_closes_with_the_lease, 0, um_countof(gates));
    tcase_add_test(g, after_a_gap_it_is_blind);
    suite_add_tcase(s, g);

    tcase_add_checked_fixture(x, setup, teardown);
    tcase_add_loop_test(x, faults_are_those_of_masters, 0, um_countof(faults));
    tcase_add_test(x, a_beat_says_all_in_a_line);
    tcase_add_test(x, health_and_inforepl_name_the_nodes);
    tcase_add_test(x, what_is_left_of_a_lease_is_told);
    tcase_add_test(x, only_replicas_are_ready);
    suite_add_tcase(s, x);
    return um_check_main(s);
}
