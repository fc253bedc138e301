/* The HTTP client's connections, its time, its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_clock.h"
#include "um_httpc_play.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Connections -------------------------------------------------------- */

START_TEST(a_connection_is_used_again)
{
    static got_t g;

    for (int i = 0; i < STEPS; i++) {
        manners[0].step[i] = (step_t){ OK_HELLO, THEN_NEXT };
    }
    for (int i = 0; i < STEPS - 1; i++) {
        (void) ask(&get, &g);
        await(&g);
        ck_assert_uint_eq(g.status, 200);
    }
    ck_assert_uint_eq(um_httpc_load(client).opened, 1);
    ck_assert_uint_eq(um_httpc_load(client).idle, 1);
}
END_TEST

/* It has closed, and the client may know that before it asks. */
START_TEST(a_closed_connection_is_noticed_before_it_is_used)
{
    static got_t g;
    um_httpc_ask_t put = get;

    put.method = UM_HTTP_PUT;
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_CLOSE };
    for (int i = 0; i < 5; i++) {
        (void) ask(&put, &g);
        await(&g);
        ck_assert_msg(g.status == 200, "%s", g.why);
        pthread_join(talker[i], NULL); /* closed; nobody told the loop */
        talker[i] = pthread_self();
    }
    ck_assert_int_eq(asked, 5);
    talkers = 0;
}
END_TEST

/* It reads the second request and closes. */
START_TEST(a_request_lost_on_a_used_connection_is_not_sent_again)
{
    static got_t g;
    um_httpc_ask_t put = get;

    manner_count = 2;
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    manners[0].step[1] = (step_t){ NULL, THEN_CLOSE };
    manners[1].step[0] = (step_t){ OK_HELLO, THEN_NEXT };

    put.method = UM_HTTP_PUT;
    (void) ask(&put, &g);
    await(&g);
    (void) ask(&put, &g);
    await(&g);
    ck_assert_uint_eq(g.status, 0);
    ck_assert_str_eq(g.why, "connection lost before the answer");
    ck_assert(g.unsure);
    ck_assert_int_eq(asked, 2);

    (void) ask(&put, &g);
    await(&g);
    ck_assert_uint_eq(g.status, 200);
    ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(unless_it_may_be)
{
    static got_t g;
    um_httpc_ask_t again = get;

    manner_count = 3;
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    manners[0].step[1] = (step_t){ _i == 0 ? NULL : "H", THEN_CLOSE };
    manners[1].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    manners[1].step[1] = (step_t){ NULL, THEN_CLOSE };
    manners[2].step[0] = (step_t){ NULL, THEN_CLOSE };

    again.again = true;
    (void) ask(&again, &g);
    await(&g);
    (void) ask(&again, &g);
    await(&g);
    if (_i > 0) { /* a byte of the answer has come */
        ck_assert_uint_eq(g.status, 0);
        ck_assert_int_eq(asked, 2);
        return;
    }

    ck_assert_uint_eq(g.status, 200);
    ck_assert_int_eq(asked, 3);

    /* Once, and not when a new one fails. */
    (void) ask(&again, &g);
    await(&g);
    ck_assert_uint_eq(g.status, 0);
    ck_assert(g.unsure);
    ck_assert_int_eq(asked, 5);
}
END_TEST

/* What it says too much must not be the next answer. */
START_TEST(what_comes_behind_an_answer_is_no_answer)
{
    static got_t g;

    manner_count = 2;
    manners[0].step[0] = (step_t){
        OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
        THEN_MUTE,
    };
    manners[1].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    (void) ask(&get, &g);
    await(&g);
    ck_assert_str_eq(g.body, "hello");
    (void) ask(&get, &g);
    await(&g);
    ck_assert_str_eq(g.body, "hello");
    ck_assert_uint_eq(um_httpc_load(client).opened, 2);
}
END_TEST

START_TEST(an_idle_connection_is_closed_in_time)
{
    um_httpc_limits_t hasty = usual;
    static got_t g;

    um_httpc_free(client);
    hasty.idle_timeout = 20;
    client_new("127.0.0.1", &hasty);
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    (void) ask(&get, &g);
    await(&g);
    ck_assert_uint_eq(um_httpc_load(client).connections, 1);
    while (um_httpc_load(client).connections > 0) {
        turn();
    }
}
END_TEST

#define MANY 90

START_TEST(many_requests_share_few_connections_in_order)
{
    static got_t g[MANY];
    const char *why;

    manner_count = 1;
    for (int i = 0; i < STEPS; i++) {
        manners[0].step[i] = (step_t){ OK_HELLO, THEN_NEXT };
    }
    manners[0].step[STEPS - 1].say = LAST_HELLO;
    for (int i = 0; i < MANY; i++) {
        (void) ask(&get, &g[i]);
        ck_assert_uint_le(um_httpc_load(client).connections, 2);
    }
    for (int i = 0; i < MANY; i++) {
        await(&g[i]);
        ck_assert_msg(g[i].status == 200, "%d: %s", i, g[i].why);
    }
    ck_assert_int_eq(asked, MANY);
    ck_assert_uint_le(um_httpc_load(client).opened, MANY / STEPS + 2);

    /* And too many are refused. */
    for (int i = 0; i < 102; i++) {
        (void) ask(&get, &g[i % MANY]);
    }
    ck_assert_ptr_null(um_httpc_ask(client, &get, on_answer, g, &why));
    ck_assert_str_eq(why, "too many requests wait");
}
END_TEST

/* ---- Time --------------------------------------------------------------- */

static const step_t slow[] = {
    { NULL, THEN_MUTE },
    { HEAD "Content-Length: 9999\r\n\r\n", THEN_DRIP },
    { "HTTP/1.1 200 ", THEN_DRIP },
    { HEAD LONG "hell", THEN_MUTE },
    { HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n", THEN_MUTE },
};

START_TEST(a_slow_server_ends_in_time)
{
    static got_t g;
    um_httpc_ask_t hasty = get;
    uint64_t began = um_clock_ns();

    manners[0].step[0] = slow[_i];
    hasty.timeout = 200;
    (void) ask(&hasty, &g);
    await(&g);
    ck_assert_str_eq(g.why, "timed out");
    ck_assert(g.unsure);
    ck_assert_uint_ge(um_clock_ns() - began, 190 * NS_PER_MS);
    ck_assert_uint_lt(um_clock_ns() - began, PATIENCE / 2 * NS_PER_MS);
    ck_assert_uint_eq(um_httpc_load(client).connections, 0);
}
END_TEST

START_TEST(who_waits_for_a_connection_ends_in_time_too)
{
    static got_t g[3];
    um_httpc_ask_t hasty = get;

    manners[0].step[0] = (step_t){ NULL, THEN_MUTE };
    (void) ask(&get, &g[0]);
    (void) ask(&get, &g[1]);
    hasty.timeout = 50;
    (void) ask(&hasty, &g[2]);
    while (g[2].times == 0) {
        turn();
    }
    ck_assert_str_eq(g[2].why, "timed out");
    ck_assert(!g[2].unsure);
    ck_assert_int_eq(g[0].times + g[1].times, 0);
}
END_TEST

/* A queue that is full: the kernel does not answer who wants to come in. */
START_TEST(a_black_hole_ends_in_time)
{
    static got_t g;
    um_httpc_ask_t hasty = get;
    int hole = listen_on(0), fill[8];

    for (int i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void) connect(fill[i], (struct sockaddr *) &where, sizeof(where));
    }
    um_httpc_free(client);
    client_new("127.0.0.1", &usual);
    hasty.timeout = 100;
    (void) ask(&hasty, &g);
    await(&g);
    ck_assert_str_eq(g.why, "timed out");
    ck_assert(!g.unsure);

    for (int i = 0; i < 8; i++) {
        (void) close(fill[i]);
    }
    (void) close(hole);
}
END_TEST

/* ---- Names -------------------------------------------------------------- */

START_TEST(nobody_listens)
{
    static got_t g;
    int fd = listen_on(1);

    (void) close(fd);
    um_httpc_free(client);
    client_new(_i == 0 ? "127.0.0.1" : "localhost", &usual);
    for (int i = 0; i < 2; i++) {
        (void) ask(&get, &g);
        await(&g);
        ck_assert_str_eq(g.why, "connect failed: Connection refused");
        ck_assert(!g.unsure);
    }
}
END_TEST

/* localhost is ::1 first in many places, and nobody listens there. */
START_TEST(all_addresses_of_a_name_are_tried)
{
    static got_t g;

    for (int i = 0; i < 3; i++) {
        manners[0].step[i] = (step_t){ LAST_HELLO, THEN_CLOSE };
    }
    um_httpc_free(client);
    client_new("localhost", &usual);
    for (int i = 0; i < 3; i++) {
        (void) ask(&get, &g);
        await(&g);
        ck_assert_msg(g.status == 200, "%s", g.why);
    }
    ck_assert_ptr_nonnull(said("Host: localhost:"));
}
END_TEST

START_TEST(a_name_that_nobody_knows)
{
    static got_t g;

    um_httpc_free(client);
    client_new("nobody.knows.this.invalid", &usual);
    (void) ask(&get, &g);
    await(&g);
    ck_assert_uint_eq(g.status, 0);
    ck_assert_ptr_eq(strstr(g.why, "name cannot be resolved: "), g.why);
    ck_assert(!g.unsure);
}
END_TEST

START_TEST(the_sixth_version_too)
{
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6,
        .sin6_addr = IN6ADDR_LOOPBACK_INIT,
        .sin6_port = where.sin_port,
    };
    static got_t g;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *) &in6, sizeof(in6)) != 0) {
        (void) close(fd); /* a machine without it */
        return;
    }

    ck_assert_int_eq(listen(fd, 8), 0);
    serve_by(serve_manners, fd);
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    um_httpc_free(client);
    client_new("[::1]", &usual);
    (void) ask(&get, &g);
    await(&g);
    ck_assert_msg(g.status == 200, "%s", g.why);
    ck_assert_ptr_nonnull(said("Host: [::1]:"));
}
END_TEST

/* ---- Ends --------------------------------------------------------------- */

START_TEST(a_cancelled_call_is_not_answered)
{
    static got_t g[4];
    um_httpc_call_t *call[4];
    static char big[150000];
    um_httpc_ask_t put = get;

    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    memset(big, 'x', sizeof(big));
    put.method = UM_HTTP_PUT;
    put.body = (um_str_t){ big, sizeof(big) };
    for (int i = 0; i < 4; i++) {
        call[i] = ask(&put, &g[i]);
    }
    um_httpc_cancel(call[2]); /* waits */
    um_httpc_cancel(call[0]); /* connects, or sends */
    await(&g[3]);
    await(&g[1]);
    ck_assert_int_eq(g[0].times + g[2].times, 0);
    ck_assert_uint_eq(g[1].status, 200);
    ck_assert_uint_eq(g[3].status, 200);

    /* One that is done, but not yet told. */
    memset(manners, 0, sizeof(manners));
    call[0] = ask(&get, &g[0]);
    call[1] = ask(&get, &g[1]);
    um_httpc_cancel(call[0]);
    um_httpc_cancel(call[1]);
    turn();
    ck_assert_int_eq(g[0].times + g[1].times, 0);
}
END_TEST

static got_t others[4];
static um_httpc_call_t *other[4];

static void
on_first(const um_httpc_answer_t *a, void *data)
{
    um_httpc_ask_t hasty = get;
    int *what = data;

    hasty.timeout = 500; /* the used connection is mute now */
    ck_assert_uint_eq(a->status, 200);
    if (*what == 0) {
        um_httpc_free(client);
        client = NULL;
    } else {
        for (int i = 0; i < 4; i++) {
            um_httpc_cancel(other[i]);
        }
        other[0] = ask(&hasty, &others[0]);
    }
    *what = -1;
}

/* While another is under way and three wait. */
START_TEST(all_may_end_in_a_callback)
{
    int what = _i;
    const char *why;

    manner_count = 3;
    manners[0].step[0] = (step_t){ OK_HELLO, THEN_MUTE };
    manners[1].step[0] = (step_t){ NULL, THEN_MUTE };
    manners[2].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    ck_assert_ptr_nonnull(um_httpc_ask(client, &get, on_first, &what, &why));
    for (int i = 0; i < 4; i++) {
        other[i] = ask(&get, &others[i]);
    }
    while (what != -1) {
        turn();
    }

    if (_i == 0) {
        ck_assert_ptr_null(client);
        return;
    }

    await(&others[0]);
    for (int i = 1; i < 4; i++) {
        ck_assert_int_eq(others[i].times, 0);
    }
}
END_TEST

START_TEST(it_may_end_at_any_time)
{
    static got_t g[6];

    for (int i = 0; i < STEPS; i++) {
        manners[0].step[i] = (step_t){ OK_HELLO, THEN_NEXT };
    }
    if (_i == 3) {
        um_httpc_free(client);
        client_new("localhost", &usual);
    }
    for (int i = 0; i < 6; i++) {
        (void) ask(&get, &g[i]);
    }
    for (int i = 0; i < _i && g[5].times == 0; i++) {
        turn();
    }
    um_httpc_free(client);
    client = NULL;
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("httpc");
    TCase *tc = tcase_create("connections");

    tcase_add_checked_fixture(tc, play_setup, play_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_connection_is_used_again);
    tcase_add_test(tc, a_closed_connection_is_noticed_before_it_is_used);
    tcase_add_test(tc, a_request_lost_on_a_used_connection_is_not_sent_again);
    tcase_add_loop_test(tc, unless_it_may_be, 0, 2);
    tcase_add_test(tc, what_comes_behind_an_answer_is_no_answer);
    tcase_add_test(tc, an_idle_connection_is_closed_in_time);
    tcase_add_test(tc, many_requests_share_few_connections_in_order);
    tcase_add_loop_test(
        tc, a_slow_server_ends_in_time, 0, (int) um_countof(slow));
    tcase_add_test(tc, who_waits_for_a_connection_ends_in_time_too);
    tcase_add_test(tc, a_black_hole_ends_in_time);
    tcase_add_loop_test(tc, nobody_listens, 0, 2);
    tcase_add_test(tc, all_addresses_of_a_name_are_tried);
    tcase_add_test(tc, a_name_that_nobody_knows);
    tcase_add_test(tc, the_sixth_version_too);
    tcase_add_test(tc, a_cancelled_call_is_not_answered);
    tcase_add_loop_test(tc, all_may_end_in_a_callback, 0, 2);
    tcase_add_loop_test(tc, it_may_end_at_any_time, 0, 8);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
