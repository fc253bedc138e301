/* SPDX-License-Identifier: Apache-2.0 */

#include "um_http_check.h"

START_TEST(a_request_gets_its_answer_and_the_next_too)
{
    int fd = dial();

    asks(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200",
        "\r\n\r\nhello you\n");
    ck_assert_ptr_nonnull(strstr(heard, "X-Name: value\r\n"));
    asks(fd, "GET /hello?who=me&x HTTP/1.1\r\n" HOST "\r\n", "200",
        "hello me\n");
    ck_assert_uint_eq(um_httpd_connections(httpd), 1);
    close(fd);
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
    int fd = dial();

    say(fd, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n");
    (void) hear(fd, true);
    ck_assert_ptr_nonnull(strstr(heard, "200 OK"));
    ck_assert_ptr_nonnull(strcasestr(heard, "content-length: 10"));
    ck_assert_ptr_null(strstr(heard, "hello"));
    close(fd);
}
END_TEST

static const struct {
    const char *request;
    const char *status;
    const char *part;
} requests[] = {
    { "GET / HTTP/1.1\r\n" HOST "\r\n", "404", "" },
    { "GET /hello/ HTTP/1.1\r\n" HOST "\r\n", "404", "" },
    { "GET /h%65llo HTTP/1.1\r\n" HOST "\r\n", "200", "hello" },
    { "GET http://x/hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello" },
    { "GET /hello%00 HTTP/1.1\r\n" HOST "\r\n", "400", "" },
    { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "400", "" },
    { "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "405",
        "Allow: GET, HEAD\r\n" },
    { "BREW /hello HTTP/1.1\r\n" HOST "\r\n", "405", "" },
    { "GET /echo/a HTTP/1.1\r\n" HOST "\r\n", "405",
        "Allow: POST, PUT, DELETE\r\n" },
    { "GET /hello HTTP/1.1\r\nHost x\r\n\r\n", "400", "" },
    { "POST /echo/a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "201",
        "a:2:3:abc" },
    { "PUT /echo/%2F HTTP/1.1\r\n" HOST
      "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        "201", "/:4:3:abc" },
    { "DELETE /echo/b HTTP/1.1\r\n" HOST "\r\n", "201", "b:16:0:" },
    { "DELETE /echo/b HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "413",
        "" },
    { "POST /echo/a HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n", "413",
        "" },
    { "POST /echo/a HTTP/1.1\r\n" HOST
      "Content-Length: 99999999999999999999999\r\n\r\n",
        "413", "" },
    { "GET /failed HTTP/1.1\r\n" HOST "\r\n", "500", "" },
};

START_TEST(every_request_gets_the_status_it_deserves)
{
    int fd = dial();

    asks(fd, requests[_i].request, "", requests[_i].part);
    ck_assert_msg(strncmp(heard + 9, requests[_i].status, 3) == 0, "%s%s",
        requests[_i].request, heard);
    close(fd);
}
END_TEST

START_TEST(a_body_in_chunks_is_bounded_too)
{
    static char chunk[10020];
    int fd = dial();

    say(fd,
        "POST /echo/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    snprintf(chunk, sizeof(chunk), "2710\r\n%010000d\r\n", 7);
    for (int i = 0; i < 11; i++) {
        say(fd, chunk);
    }
    asks(fd, "0\r\n\r\n", "413", "too large");

    /* And whoever goes on and on is closed. */
    say(fd,
        "POST /echo/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 400; i++) {
        say(fd, chunk);
    }
    ck_assert_uint_eq(hear(fd, false), 0);
    close(fd);
}
END_TEST

START_TEST(a_head_is_bounded)
{
    static char field[20000];
    int fd = dial();

    say(fd, "GET /hello HTTP/1.1\r\n" HOST);
    snprintf(field, sizeof(field), "X-Long: %019900d\r\n\r\n", 7);
    say(fd, field);
    (void) hear(fd, false);
    ck_assert_msg(strncmp(heard, "HTTP/1.1 431", 12) == 0, "%s", heard);
    close(fd);
}
END_TEST

START_TEST(a_request_may_be_kept_and_answered_later)
{
    int fd = dial();
    uint64_t began;

    say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    while (kept_count == 0) {
        turn();
    }

    began = um_clock_ns();
    um_http_text(kept[0], 200, "at last");
    (void) hear(fd, false);
    ck_assert_ptr_nonnull(strstr(heard, "at last\n"));
    ck_assert_uint_lt(um_clock_ns() - began, 50000000u);
    ck_assert_int_eq(cancelled, 0);

    asks(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    close(fd);
}
END_TEST

START_TEST(a_client_that_leaves_does_no_harm_to_a_kept_request)
{
    int fd = dial();

    say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    while (kept_count == 0) {
        turn();
    }
    close(fd);
    turn();
    um_http_text(kept[0], 200, "too late");

    while (um_httpd_connections(httpd) > 0) {
        turn();
    }
}
END_TEST

START_TEST(the_end_cancels_what_is_kept)
{
    int fd[3];

    for (int i = 0; i < 3; i++) {
        fd[i] = dial();
        say(fd[i], "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    }
    while (kept_count < 3) {
        turn();
    }

    um_httpd_free(httpd);
    httpd = NULL;
    ck_assert_int_eq(cancelled, 3);
    for (int i = 0; i < 3; i++) {
        close(fd[i]);
    }
}
END_TEST

static bool has_quit; /* of this process: Check forks for each test */

static void
on_quit(void *data)
{
    (void) data;
    has_quit = true;
}

START_TEST(quitting_answers_what_was_asked_and_closes_what_is_idle)
{
    int idle = dial(), asked = dial();

    asks(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    say(asked, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    while (kept_count == 0) {
        turn();
    }

    um_httpd_quit(httpd, on_quit, NULL);
    ck_assert_uint_eq(hear(idle, false), 0);
    ck_assert(!has_quit);

    um_http_text(kept[0], 200, "the last");
    (void) hear(asked, false);
    ck_assert_ptr_nonnull(strstr(heard, "the last\n"));
    ck_assert_ptr_nonnull(strstr(heard, "Connection: close\r\n"));
    while (!has_quit) {
        turn();
    }
    close(idle);
    close(asked);
}
END_TEST

START_TEST(quitting_does_not_wait_for_slow_ones)
{
    int mute = dial(), half = dial(), deaf = dial();
    uint64_t began = um_clock_ns();

    say(half, "GET /hello HTTP/1.1\r\nHo");
    say(deaf, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    while (um_httpd_connections(httpd) < 3) {
        turn();
    }

    um_httpd_quit(httpd, on_quit, NULL);
    while (!has_quit) {
        turn();
    }
    ck_assert_uint_lt(um_clock_ns() - began, 4000000000u);
    close(mute);
    close(half);
    close(deaf);
}
END_TEST

START_TEST(quitting_alone_is_soon_done)
{
    um_httpd_quit(httpd, on_quit, NULL);
    while (!has_quit) {
        turn();
    }
}
END_TEST

/* ---- Pages -------------------------------------------------------------- */

static void
page_make(size_t len)
{
    um_sbuf_t body = { 0 };
    char *room = um_sbuf_room(&body, len);

    ck_assert_ptr_nonnull(room);
    memset(room, 'p', len);
    body.len = len;
    page = um_http_page_new(200, "text/plain", &body);
    ck_assert_ptr_nonnull(page);
    ck_assert_ptr_null(body.data);
    ck_assert_uint_eq(um_http_page_body(page).len, len);
    ck_assert_int_eq(um_http_page_set(page, "X-Name", "value"), UM_OK);
}

START_TEST(a_page_is_given_again_and_again)
{
    int fd[2] = { dial(), dial() };

    page_make(5);
    for (int i = 0; i < 6; i++) {
        asks(fd[i % 2], "GET /page HTTP/1.1\r\n" HOST "\r\n", "200",
            "\r\n\r\nppppp");
        ck_assert_ptr_nonnull(strstr(heard, "X-Name: value\r\n"));
        ck_assert_ptr_nonnull(strstr(heard, "Content-Type: text/plain\r\n"));
    }
    say(fd[0], "HEAD /page HTTP/1.1\r\n" HOST "\r\n");
    (void) hear(fd[0], true);
    ck_assert_ptr_nonnull(strcasestr(heard, "content-length: 5"));
    ck_assert_ptr_null(strstr(heard, "ppppp"));

    um_http_page_free(page);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(a_page_that_is_gone_is_given_to_its_end)
{
    size_t len = 8u << 20, got = 0;
    int fd = dial();

    page_make(len);
    say(fd, "GET /page HTTP/1.1\r\n" HOST "\r\n");
    while (recv(fd, heard, 1, MSG_PEEK) != 1) {
        turn();
    }
    um_http_page_free(page);

    while (got < len) {
        ssize_t n = recv(fd, heard, sizeof(heard), 0);

        if (n > 0) {
            got += (size_t) n;
            ck_assert_int_eq(heard[n - 1], 'p');
        } else {
            ck_assert(n == -1 && errno == EAGAIN);
            turn();
        }
    }
    close(fd);
}
END_TEST

START_TEST(a_kept_request_may_outlive_its_page)
{
    int fd = dial();

    page_make(5);
    say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    while (kept_count == 0) {
        turn();
    }
    um_http_reply_page(kept[0], page);
    um_http_page_free(page);
    (void) hear(fd, false);
    ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\nppppp"));
    close(fd);
}
END_TEST

START_TEST(who_quits_says_so_on_a_page_too)
{
    int fd[2] = { dial(), dial() };

    page_make(5);
    asks(fd[0], "GET /page HTTP/1.1\r\n" HOST "\r\n", "200", "ppppp");
    ck_assert_ptr_null(strstr(heard, "Connection: close\r\n"));

    for (int i = 0; i < 2; i++) {
        say(fd[i], "GET /keep HTTP/1.1\r\n" HOST "\r\n");
        while (kept_count <= i) {
            turn();
        }
    }
    um_httpd_quit(httpd, on_quit, NULL);
    for (int i = 0; i < 2; i++) {
        um_http_reply_page(kept[i], page);
        (void) hear(fd[i], false);
        ck_assert_ptr_nonnull(strstr(heard, "ppppp"));
        ck_assert_ptr_nonnull(strstr(heard, "Connection: close\r\n"));
        close(fd[i]);
    }
    um_http_page_free(page);
}
END_TEST

START_TEST(a_body_that_failed_makes_no_page)
{
    um_sbuf_t body = { .failed = true };

    ck_assert_ptr_null(um_http_page_new(200, NULL, &body));
    um_http_page_free(NULL);
}
END_TEST

/* ---- Limits ------------------------------------------------------------- */

START_TEST(slow_clients_are_closed)
{
    um_httpd_limits_t hasty = usual;
    int silent, line, head, body, idle, deaf;

    teardown();
    hasty.request_timeout = hasty.idle_timeout = 300;
    serve(&hasty);

    silent = dial();
    line = dial();
    head = dial();
    body = dial();
    idle = dial();
    deaf = dial();
    asks(idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    say(line, "GET /he");
    say(head, "GET /hello HTTP/1.1\r\nHost");
    say(body, "POST /echo/a HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\na");
    say(deaf, "GET /big HTTP/1.1\r\n" HOST "\r\n");

    while (um_httpd_connections(httpd) > 0) {
        turn();
    }

    ck_assert_uint_eq(hear(silent, false), 0);
    ck_assert_uint_eq(hear(line, false), 0);
    ck_assert_uint_eq(hear(head, false), 0);
    ck_assert_uint_eq(hear(body, false), 0);
    ck_assert_uint_eq(hear(idle, false), 0);
    close(silent);
    close(line);
    close(head);
    close(body);
    close(idle);
    close(deaf);
}
END_TEST

START_TEST(an_idle_connection_makes_room_and_a_busy_one_does_not)
{
    int fd[12];

    for (int i = 0; i < 10; i++) {
        fd[i] = dial();
        asks(fd[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    }
    ck_assert_uint_eq(um_httpd_connections(httpd), 10);

    fd[10] = dial();
    asks(fd[10], "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    ck_assert_uint_eq(um_httpd_connections(httpd), 10);
    ck_assert_uint_eq(hear(fd[0], false), 0);

    for (int i = 1; i < 11; i++) {
        say(fd[i], "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    }
    while (kept_count < 10) {
        turn();
    }

    fd[11] = dial();
    say(fd[11], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 5; i++) {
        turn();
        ck_assert_uint_eq(um_httpd_connections(httpd), 10);
    }

    um_http_text(kept[5], 200, "done");
    (void) hear(fd[11], false);
    ck_assert_ptr_nonnull(strstr(heard, "hello"));

    for (int i = 0; i < 10; i++) {
        if (i != 5) {
            um_http_text(kept[i], 200, "done");
        }
    }
    for (int i = 0; i < 12; i++) {
        close(fd[i]);
    }
}
END_TEST

START_TEST(strangers_are_told_so)
{
    um_httpd_limits_t strict = usual;
    um_cidr_t net;
    int fd;

    ck_assert_ptr_null(um_cidr_parse(&net, um_lit("10.0.0.0/8")));
    strict.allow = &net;
    strict.allow_count = 1;
    teardown();
    serve(&strict);

    fd = dial();
    asks(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "403", "address");
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("http");
    TCase *tc = tcase_create("server");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_request_gets_its_answer_and_the_next_too);
    tcase_add_test(tc, head_is_get_without_the_body);
    tcase_add_loop_test(tc, every_request_gets_the_status_it_deserves, 0,
        (int) um_countof(requests));
    tcase_add_test(tc, a_body_in_chunks_is_bounded_too);
    tcase_add_test(tc, a_head_is_bounded);
    tcase_add_test(tc, a_request_may_be_kept_and_answered_later);
    tcase_add_test(tc, a_client_that_leaves_does_no_harm_to_a_kept_request);
    tcase_add_test(tc, the_end_cancels_what_is_kept);
    tcase_add_test(tc, quitting_answers_what_was_asked_and_closes_what_is_idle);
    tcase_add_test(tc, quitting_does_not_wait_for_slow_ones);
    tcase_add_test(tc, quitting_alone_is_soon_done);
    tcase_add_test(tc, a_page_is_given_again_and_again);
    tcase_add_test(tc, a_page_that_is_gone_is_given_to_its_end);
    tcase_add_test(tc, a_kept_request_may_outlive_its_page);
    tcase_add_test(tc, who_quits_says_so_on_a_page_too);
    tcase_add_test(tc, a_body_that_failed_makes_no_page);
    tcase_add_test(tc, slow_clients_are_closed);
    tcase_add_test(tc, an_idle_connection_makes_room_and_a_busy_one_does_not);
    tcase_add_test(tc, strangers_are_told_so);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
