/* Workers that ask each other, and the row each has on the noticeboard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_bus.h"
#include "proxy/um_node.h"
#include "um_check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 3, ROWS = 5, BIG = 1 << 20 };

static um_shm_t shm;
static um_heritage_t heritage[WORKERS];
static um_worker_t *worker[WORKERS];
static int inbox[ROWS][2]; /* [0] its worker reads, [1] all write */
static int outbox[ROWS];
static um_timer_t *ticker[WORKERS]; /* no turn waits for long */

/* How each worker answers. */
static enum { AT_ONCE, LATER, NEVER } manner[WORKERS];
static um_bus_answer_t *owed[WORKERS];
static size_t answer_len = 1;

/* What the asker has been told. */
static um_sbuf_t told;
static int done_count;

static uint32_t
index_of(const um_worker_t *w)
{
    return w->heritage->row;
}

/* "0", "1" or "2", as often as wanted. */
static void
say(um_worker_t *w, um_bus_answer_t *a)
{
    char *to = um_sbuf_room(um_bus_answer_text(a), answer_len);

    ck_assert_ptr_nonnull(to);
    memset(to, '0' + (int) index_of(w), answer_len);
    um_bus_answer_text(a)->len += answer_len;
    um_bus_answer_end(w->bus, a);
}

static void
on_question(um_worker_t *w, um_str_t question, um_bus_answer_t *a)
{
    ck_assert(um_str_eq(question, um_lit("who?")));
    ck_assert_ptr_null(owed[index_of(w)]);
    if (manner[index_of(w)] == AT_ONCE) {
        say(w, a);
    } else {
        owed[index_of(w)] = a;
    }
}

static void
on_done(void *data, um_str_t answers)
{
    ck_assert_ptr_eq(data, &told);
    um_sbuf_add_str(&told, answers);
    done_count++;
}

static void
on_tick(void *data)
{
    um_timer_start(*(um_timer_t **) data, 1);
}

static void
worker_setup(uint32_t i)
{
    um_worker_t *w = calloc(1, sizeof(*w));

    ck_assert_ptr_nonnull(w);
    heritage[i] = (um_heritage_t){
        .shm = &shm, .row = i, .bus_in = inbox[i][0], .bus_out = outbox
    };
    w->heritage = &heritage[i];
    w->shm = &shm;
    w->row = &shm.workers->row[i];
    w->loop = um_loop_new();
    w->bus = um_bus_new(w);
    ck_assert(w->loop != NULL && w->bus != NULL);
    um_bus_serve(w->bus, UM_BUS_CLIENT_LIST, on_question);
    atomic_store(&w->row->state, UM_ROW_RUNNING);
    ticker[i] = um_timer_new(w->loop, on_tick, &ticker[i]);
    um_timer_start(ticker[i], 1);
    worker[i] = w;
    manner[i] = AT_ONCE;
    owed[i] = NULL;
}

static void
setup(void)
{
    ck_assert_int_eq(um_shm_create(&shm, ROWS, 16), UM_OK);
    for (int i = 0; i < ROWS; i++) {
        ck_assert_int_eq(
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, inbox[i]),
            0);
        outbox[i] = inbox[i][1];
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_setup(i);
    }
    told = (um_sbuf_t){ 0 };
    done_count = 0;
    answer_len = 1;
}

static void
teardown(void)
{
    for (int i = 0; i < WORKERS; i++) {
        if (worker[i]->bus != NULL) {
            um_bus_free(worker[i]->bus);
        }
        um_timer_free(ticker[i]);
        um_loop_free(worker[i]->loop);
        free(worker[i]);
    }
    for (int i = 0; i < ROWS; i++) {
        (void) close(inbox[i][1]);
        if (i >= WORKERS) {
            (void) close(inbox[i][0]);
        }
    }
    um_shm_destroy(&shm);
    um_sbuf_deinit(&told);
}

static um_rc_t
ask(uint32_t who)
{
    return um_bus_ask(
        worker[who]->bus, UM_BUS_CLIENT_LIST, um_lit("who?"), on_done, &told);
}

/* A turn of everyone. */
static void
turn(void)
{
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(um_loop_turn(worker[i]->loop), UM_OK);
        um_bus_tick(worker[i]->bus);
    }
}

static size_t
count_of(char c)
{
    size_t n = 0;

    for (size_t i = 0; i < told.len; i++) {
        n += told.data[i] == c;
    }

    return n;
}

START_TEST(all_others_answer)
{
    ck_assert_int_eq(ask(1), UM_OK);
    ck_assert_int_eq(done_count, 0); /* never at once */
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(told.len, 2);
    ck_assert_uint_eq(count_of('0'), 1);
    ck_assert_uint_eq(count_of('2'), 1);
}
END_TEST

START_TEST(who_is_alone_is_answered_too)
{
    atomic_store(&shm.workers->row[1].state, UM_ROW_DEAD);
    atomic_store(&shm.workers->row[2].state, UM_ROW_STARTING);
    ck_assert_int_eq(ask(0), UM_OK);
    ck_assert_int_eq(done_count, 0);
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(told.len, 0);
}
END_TEST

START_TEST(long_answers_come_whole)
{
    answer_len = BIG + 7; /* more than an inbox takes at once */
    ck_assert_int_eq(ask(0), UM_OK);
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(count_of('1'), answer_len);
    ck_assert_uint_eq(count_of('2'), answer_len);
    ck_assert_uint_eq(told.len, 2 * answer_len);
}
END_TEST

START_TEST(an_answer_may_end_in_a_later_turn)
{
    manner[2] = LATER;
    ck_assert_int_eq(ask(0), UM_OK);
    while (owed[2] == NULL) {
        turn();
    }
    for (int i = 0; i < 5; i++) {
        turn();
        ck_assert_int_eq(done_count, 0);
    }
    say(worker[2], owed[2]);
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(told.len, 2);
}
END_TEST

START_TEST(who_does_not_answer_in_time_is_left_out)
{
    manner[2] = NEVER;
    ck_assert_int_eq(ask(0), UM_OK);
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(told.len, 1);
    ck_assert_uint_eq(count_of('1'), 1);

    /* Too late is nobody's any more. */
    say(worker[2], owed[2]);
    for (int i = 0; i < 5; i++) {
        turn();
    }
    ck_assert_int_eq(done_count, 1);
}
END_TEST

START_TEST(questions_are_bounded)
{
    static char large[60001];
    int asked = 0;

    ck_assert_int_eq(um_bus_ask(worker[0]->bus, UM_BUS_CLIENT_LIST,
                         (um_str_t){ large, sizeof(large) }, on_done, &told),
        UM_ERR);
    while (ask(0) == UM_OK) {
        ck_assert_int_lt(++asked, 1000);
    }
    ck_assert_int_eq(asked, 64);
    while (done_count < asked) {
        turn();
    }
    ck_assert_int_eq(ask(0), UM_OK);
}
END_TEST

START_TEST(who_leaves_ends_its_questions)
{
    manner[1] = NEVER;
    ck_assert_int_eq(ask(0), UM_OK);
    while (owed[1] == NULL) {
        turn();
    }
    um_bus_free(worker[0]->bus);
    worker[0]->bus = NULL;
    ck_assert_int_eq(done_count, 1);
}
END_TEST

/* kind, what, from, pad, ask: as um_bus.c has them. */
static const struct {
    uint32_t word[6];
    size_t len;
    const char *why;
} strange[] = {
    { { 0 }, 3, "too short" },
    { { 1, 77, 1 }, 24, "asked for what nobody serves" },
    { { 1, 2, 1 }, 24, "asked for what is not served here" },
    { { 1, 1, 999 }, 24, "asked by nobody" },
    { { 3, 0, 1, 0, 999 }, 24, "an answer to nothing" },
    { { 3, 0, 999, 0, 0 }, 24, "an answer of nobody" },
    { { 9, 9, 9, 9, 9 }, 24, "no kind of message" },
};

START_TEST(strange_messages_are_ignored)
{
    manner[1] = LATER;
    ck_assert_int_eq(ask(0), UM_OK);
    ck_assert_int_eq(send(inbox[0][1], strange[_i].word, strange[_i].len, 0),
        strange[_i].len);
    while (owed[1] == NULL) {
        turn();
    }
    turn();
    ck_assert_int_eq(done_count, 0);
    say(worker[1], owed[1]);
    while (done_count == 0) {
        turn();
    }
    ck_assert_uint_eq(told.len, 2);
}
END_TEST

START_TEST(all_can_be_woken)
{
    char byte;

    um_bus_wake_all(worker[0]->bus);
    ck_assert_int_gt(recv(inbox[1][0], &byte, 1, MSG_PEEK), 0);
    ck_assert_int_gt(recv(inbox[2][0], &byte, 1, MSG_PEEK), 0);
    ck_assert_int_eq(recv(inbox[3][0], &byte, 1, MSG_PEEK), -1);
    ck_assert_int_eq(recv(inbox[0][0], &byte, 1, MSG_PEEK), -1);
    turn();
    ck_assert_int_eq(recv(inbox[1][0], &byte, 1, MSG_PEEK), -1);
}
END_TEST

/* ---- the row ------------------------------------------------------------ */

START_TEST(a_row_lists_connections_as_long_as_there_is_room)
{
    char run_id[UM_RUN_ID + 1] = "0123456789012345678901234567890123456789";
    um_node_t n = { .addr_hash = 77 };
    um_nodes_t *nodes = um_nodes_new(worker[0]);
    um_row_conn_t *conn = worker[0]->row->conn;
    int32_t slot[UM_ROW_CONNS];

    ck_assert_int_eq(um_nodes_row_add(nodes, &n, 0, run_id), -1);
    for (uint32_t i = 0; i < UM_ROW_CONNS; i++) {
        slot[i] = um_nodes_row_add(nodes, &n, i + 1, run_id);
        ck_assert_int_ge(slot[i], 0);
        ck_assert_uint_eq(atomic_load(&conn[slot[i]].id), i + 1);
        ck_assert_uint_eq(conn[slot[i]].addr_hash, 77);
        ck_assert_mem_eq(conn[slot[i]].run_id, run_id, UM_RUN_ID);
    }
    ck_assert_int_eq(um_nodes_row_add(nodes, &n, 9999, run_id), -1);

    um_nodes_row_del(nodes, -1); /* harmless */
    um_nodes_row_del(nodes, slot[5]);
    ck_assert_uint_eq(atomic_load(&conn[slot[5]].id), 0);
    ck_assert_int_eq(um_nodes_row_add(nodes, &n, 9999, run_id), slot[5]);

    /* Who leaves with commands unanswered leaves its list to others. */
    worker[0]->row_frozen = true;
    um_nodes_row_del(nodes, slot[5]);
    ck_assert_uint_eq(atomic_load(&conn[slot[5]].id), 9999);
    um_nodes_free(nodes);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("bus");
    TCase *tc = tcase_create("bus");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, all_others_answer);
    tcase_add_test(tc, who_is_alone_is_answered_too);
    tcase_add_test(tc, long_answers_come_whole);
    tcase_add_test(tc, an_answer_may_end_in_a_later_turn);
    tcase_add_test(tc, who_does_not_answer_in_time_is_left_out);
    tcase_add_test(tc, questions_are_bounded);
    tcase_add_test(tc, who_leaves_ends_its_questions);
    tcase_add_loop_test(
        tc, strange_messages_are_ignored, 0, um_countof(strange));
    tcase_add_test(tc, all_can_be_woken);
    tcase_add_test(tc, a_row_lists_connections_as_long_as_there_is_room);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
