/* SPDX-License-Identifier: Apache-2.0 */

#include "um_http_check.h"

#include <sys/resource.h>

/* ---- Where a body ends -------------------------------------------------- */

#define ECHO      "POST /echo/a HTTP/1.1\r\n" HOST
#define SMUGGLED  "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED   "Transfer-Encoding: chunked\r\n"
#define NO_CHUNKS "0\r\n\r\n"

static const struct {
    const char *request;
    const char *status;
} unclear[] = {
    { ECHO "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400" },
    { ECHO "Content-Length: 0\r\nContent-Length: 9\r\n\r\n" SMUGGLED, "400" },
    { ECHO "Content-Length: 3\r\n" CHUNKED "\r\n" NO_CHUNKS SMUGGLED, "400" },
    { ECHO CHUNKED "Content-Length: 3\r\n\r\n" NO_CHUNKS SMUGGLED, "400" },
    { ECHO "Content-Length : 3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content Length: 3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content-Length: 3, 3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content-Length: -3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content-Length: +3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content-Length: 0x3\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO "Content-Length:\r\n\r\nabc" SMUGGLED, "400" },
    { ECHO CHUNKED CHUNKED "\r\n" NO_CHUNKS SMUGGLED, "501" },
    { ECHO "Transfer-Encoding: gzip, chunked\r\n\r\n" NO_CHUNKS SMUGGLED,
        "501" },
    { ECHO "Transfer-Encoding: identity\r\n\r\nabc" SMUGGLED, "501" },
    { ECHO CHUNKED "Transfer-Encoding: identity\r\n\r\n" NO_CHUNKS SMUGGLED,
        "501" },
    { ECHO CHUNKED "\r\n3\r\nabcd\r\n" NO_CHUNKS SMUGGLED, "400" },
    { ECHO CHUNKED "\r\n-3\r\nabc\r\n" NO_CHUNKS SMUGGLED, "400" },
    { ECHO CHUNKED "\r\n0x3\r\nabc\r\n" NO_CHUNKS SMUGGLED, "400" },
    { ECHO CHUNKED "\r\n3\r\nabc" NO_CHUNKS SMUGGLED, "400" },
    { ECHO CHUNKED "\r\nfffffffffffffffff\r\nabc", "413" },
};

/* All until it closes, which it must. */
static size_t
hear_all(int fd)
{
    size_t len = 0;
    ssize_t n;

    for (;;) {
        n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);
        if (n > 0) {
            len += (size_t) n;
        } else if (n < 0 && errno == EAGAIN) {
            turn();
        } else {
            heard[len] = '\0';
            return len;
        }
    }
}

START_TEST(where_a_body_ends_is_said_once_and_plainly)
{
    int fd = dial();

    say(fd, unclear[_i].request);
    (void) hear_all(fd);
    ck_assert_msg(strncmp(heard, "HTTP/1.1 ", 9) == 0
                      && strncmp(heard + 9, unclear[_i].status, 3) == 0,
        "%s\n%s", unclear[_i].request, heard);
    ck_assert_msg(
        strstr(heard, "hello") == NULL, "%s\n%s", unclear[_i].request, heard);
    close(fd);
}
END_TEST

/* Whatever the size of a head, there is an answer. */
START_TEST(a_head_that_is_hardly_too_long_is_told_so)
{
    static char field[20000];
    size_t refused = 0;

    for (int n = 16384 - 200; n < 16384 + 200; n += 7) {
        int fd = dial();

        snprintf(field, sizeof(field),
            "GET /hello HTTP/1.1\r\n" HOST "X: %0*d\r\n\r\n", n, 7);
        say(fd, field);
        (void) hear(fd, false);
        ck_assert_msg(strncmp(heard, "HTTP/1.1 200", 12) == 0
                          || strncmp(heard, "HTTP/1.1 431", 12) == 0,
            "%d: %s", n, heard);
        refused += heard[9] == '4';
        ck_assert_msg(refused == 0 || heard[9] == '4', "%d", n);
        close(fd);

        fd = dial();
        snprintf(field, sizeof(field),
            "GET /hello?%0*d HTTP/1.1\r\n" HOST "\r\n", n, 7);
        asks(fd, field, "", "HTTP/1.1");
        ck_assert_msg(strncmp(heard + 9, "200", 3) == 0
                          || strncmp(heard + 9, "414", 3) == 0,
            "%d: %s", n, heard);
        close(fd);
    }

    ck_assert_uint_gt(refused, 10);
}
END_TEST

/* ---- Half of a connection ----------------------------------------------- */

START_TEST(who_has_said_all_still_gets_the_answer)
{
    int fd = dial();

    say(fd, "GET /keep HTTP/1.1\r\n" HOST "\r\n");
    while (kept_count == 0) {
        turn();
    }
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    turn();
    um_http_text(kept[0], 200, "at last");
    (void) hear_all(fd);
    ck_assert_ptr_nonnull(strstr(heard, "at last\n"));
    close(fd);

    fd = dial();
    say(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    (void) hear_all(fd);
    ck_assert_ptr_nonnull(strstr(heard, "hello"));
    close(fd);
}
END_TEST

/* ---- By the head alone -------------------------------------------------- */

static void
on_head(um_http_req_t *r, void *data)
{
    ck_assert_ptr_eq(data, &where);
    ck_assert_uint_eq(um_http_body(r).len, 0);
    if (um_http_header(r, "X-Secret") == NULL
        && um_http_method(r) != UM_HTTP_GET) {
        um_http_text(r, 401, "who are you?");
    }
}

START_TEST(who_may_not_is_told_so_before_the_body)
{
    int fd = dial();

    um_httpd_on_head(httpd, on_head);
    asks(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
    asks(fd,
        ECHO "X-Secret: 1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
             "\r\nabc",
        "100", "");
    if (strstr(heard, "HTTP/1.1 201") == NULL) {
        (void) hear(fd, false);
    }
    ck_assert_ptr_nonnull(strstr(heard, "a:2:3:abc"));
    asks(fd, "DELETE /echo/a HTTP/1.1\r\n" HOST "\r\n", "401", "who");

    say(fd, ECHO "Expect: 100-continue\r\nContent-Length: 90000\r\n\r\n");
    (void) hear_all(fd);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 401"));
    ck_assert_ptr_null(strstr(heard, "HTTP/1.1 100"));
    close(fd);
}
END_TEST

/* ---- Large bodies ------------------------------------------------------- */

static void
say_body(int fd, size_t len)
{
    static char text[4001];

    memset(text, 'x', sizeof(text) - 1);
    for (; len >= sizeof(text) - 1; len -= sizeof(text) - 1) {
        say(fd, text);
    }
}

START_TEST(large_bodies_share_what_there_is)
{
    um_httpd_limits_t narrow = usual;
    int first, second, small;

    teardown();
    narrow.bodies_max = 150000;
    serve(&narrow);

    first = dial();
    say(first, ECHO "Content-Length: 100000\r\n\r\n");
    say_body(first, 80000);
    for (int i = 0; i < 20; i++) {
        say(first, "");
        turn();
    }

    second = dial();
    asks(second, ECHO "Content-Length: 90000\r\n\r\n", "503", "Retry-After: 1");
    close(second);

    second = dial();
    say(second, ECHO CHUNKED "\r\n15f90\r\n");
    say_body(second, 88000);
    say_body(second, 4000 - 2000);
    for (int i = 0; i < 2000 / 10; i++) {
        say(second, "xxxxxxxxxx");
    }
    asks(second, "\r\n" NO_CHUNKS, "503", "large bodies");

    small = dial();
    asks(small, ECHO "Content-Length: 3\r\n\r\nabc", "201", "a:2:3:abc");

    say_body(first, 20000);
    (void) hear(first, false);
    ck_assert_ptr_nonnull(strstr(heard, "a:2:100000:"));

    say(second, ECHO CHUNKED "\r\n15f90\r\n");
    say_body(second, 88000);
    for (int i = 0; i < 2000 / 10; i++) {
        say(second, "xxxxxxxxxx");
    }
    asks(second, "\r\n" NO_CHUNKS, "201", "a:2:90000:");
    close(first);
    close(second);
    close(small);
}
END_TEST

/* ---- Descriptors -------------------------------------------------------- */

START_TEST(fewer_descriptors_mean_fewer_connections)
{
    struct rlimit fds = { .rlim_cur = 32, .rlim_max = 32 };
    um_httpd_limits_t wide = usual;
    int fd[9];

    teardown();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &fds), 0);
    wide.connections = 1000;
    wide.own_fds = 24;
    serve(&wide);

    for (int i = 0; i < 9; i++) {
        fd[i] = dial();
        asks(fd[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n", "200", "hello");
        ck_assert_uint_le(um_httpd_connections(httpd), 8);
    }
    ck_assert_uint_eq(hear(fd[0], false), 0); /* made room */

    for (int i = 0; i < 9; i++) {
        close(fd[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("http_rude");
    TCase *tc = tcase_create("server");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, where_a_body_ends_is_said_once_and_plainly, 0,
        (int) um_countof(unclear));
    tcase_add_test(tc, a_head_that_is_hardly_too_long_is_told_so);
    tcase_add_test(tc, who_has_said_all_still_gets_the_answer);
    tcase_add_test(tc, who_may_not_is_told_so_before_the_body);
    tcase_add_test(tc, large_bodies_share_what_there_is);
    tcase_add_test(tc, fewer_descriptors_mean_fewer_connections);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
