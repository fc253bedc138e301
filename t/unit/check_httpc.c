/* What the HTTP client asks, and what it makes of answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "meta/um_gzip.h"
#include "um_httpc_play.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(a_request_is_what_was_asked_and_the_answer_what_was_said)
{
    static const um_httpc_field_t fields[] = {
        { "Authorization", "Bearer x y" },
        { "X-Empty", "" },
        { NULL, NULL },
    };
    um_httpc_ask_t put = get;
    static got_t g;
    char host[64];

    manners[0].step[0] = (step_t){
        "HTTP/1.1 201 Made\r\nX-Field: a  b \r\ncontent-length: 5\r\n\r\nhello",
        THEN_NEXT,
    };
    put.method = UM_HTTP_PUT;
    put.fields = fields;
    put.body = um_lit("{\"a\":1}");
    (void) ask(&put, &g);
    await(&g);

    ck_assert_uint_eq(g.status, 201);
    ck_assert_str_eq(g.why, "");
    ck_assert_str_eq(g.body, "hello");
    ck_assert_str_eq(g.field, "a  b");
    ck_assert(!g.unsure);
    snprintf(
        host, sizeof(host), "Host: 127.0.0.1:%u\r\n", ntohs(where.sin_port));
    ck_assert_ptr_eq(said("PUT /a?b=c HTTP/1.1\r\n"), last);
    ck_assert_ptr_nonnull(said(host));
    ck_assert_ptr_nonnull(said("Authorization: Bearer x y\r\n"));
    ck_assert_ptr_nonnull(said("X-Empty: \r\n"));
    ck_assert_ptr_nonnull(said("Content-Length: 7\r\n"));
    ck_assert_ptr_nonnull(said("\r\n\r\n{\"a\":1}"));
}
END_TEST

static const struct {
    unsigned method;
    const char *line;
} methods[] = {
    { UM_HTTP_GET, "GET /a?b=c HTTP/1.1\r\n" },
    { UM_HTTP_POST, "POST /a?b=c HTTP/1.1\r\n" },
    { UM_HTTP_PUT, "PUT /a?b=c HTTP/1.1\r\n" },
    { UM_HTTP_PATCH, "PATCH /a?b=c HTTP/1.1\r\n" },
    { UM_HTTP_DELETE, "DELETE /a?b=c HTTP/1.1\r\n" },
};

START_TEST(every_method_is_said_and_a_length_where_one_belongs)
{
    static got_t g;
    um_httpc_ask_t what = get;

    manners[0].step[0] = (step_t){ OK_HELLO, THEN_NEXT };
    what.method = methods[_i].method;
    (void) ask(&what, &g);
    await(&g);
    ck_assert_uint_eq(g.status, 200);
    ck_assert_ptr_eq(said(methods[_i].line), last);
    ck_assert((said("Content-Length: 0\r\n") != NULL) == (_i >= 1 && _i <= 3));
}
END_TEST

/* ---- What servers say --------------------------------------------------- */

static const struct {
    const char *say;
    then_t then;
    unsigned status;
    const char *body; /* or why */
} answers[] = {
    { OK_HELLO, THEN_NEXT, 200, "hello" },
    { HEAD "Content-Length: 0\r\n\r\n", THEN_NEXT, 200, "" },
    { HEAD "Content-Length: 0\r\nConnection: close\r\n\r\n", THEN_NEXT, 200,
        "" },
    { "HTTP/1.1 204 No Content\r\n\r\n", THEN_NEXT, 204, "" },
    { "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", THEN_NEXT, 304, "" },
    { "HTTP/1.1 409 \r\n" LONG "hello", THEN_NEXT, 409, "hello" },
    { "HTTP/1.1 599\r\n" LONG "hello", THEN_NEXT, 599, "hello" },
    { "HTTP/1.0 200 OK\r\n" LONG "hello", THEN_CLOSE, 200, "hello" },
    { "HTTP/1.0 200 OK\r\n\r\nhello", THEN_CLOSE, 200, "hello" },
    { HEAD "\r\nhello", THEN_CLOSE, 200, "hello" },
    { HEAD "Connection: keep-alive\r\n\r\nhello", THEN_CLOSE, 200, "hello" },
    { HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n"
           "0\r\nTrailer: t\r\n\r\n",
        THEN_NEXT, 0, "broken" }, /* extensions evhttp does not know */
    { HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n"
           "0\r\nTrailer: t\r\n\r\n",
        THEN_NEXT, 200, "hello" },
    { "HTTP/1.1 100 Continue\r\n\r\n" OK_HELLO, THEN_NEXT, 200, "hello" },
    { "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" OK_HELLO, THEN_NEXT,
        200, "hello" },

    /* Nothing that could be believed: */
    { "", THEN_CLOSE, 0, "connection lost before the answer" },
    { HEAD, THEN_CLOSE, 0, "connection lost within the answer" },
    { HEAD LONG "hell", THEN_CLOSE, 0, "connection lost within the answer" },
    { HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nhell", THEN_CLOSE, 0,
        "connection lost within the answer" },
    { HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", THEN_CLOSE, 0,
        "connection lost within the answer" },
    { HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", THEN_MUTE, 0,
        "chunks are broken" },
    { HEAD "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", THEN_MUTE, 0,
        "too large" },
    { HEAD "Transfer-Encoding: x\r\n\r\n", THEN_MUTE, 0, "unknown coding" },
    { HEAD "Content-Encoding: br\r\n" LONG "hello", THEN_NEXT, 0,
        "unknown coding" },
    { HEAD "Content-Encoding: gzip\r\n" LONG "hello", THEN_NEXT, 0,
        "packed wrongly" },
    { HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", THEN_NEXT,
        200, "" },
    { HEAD "Content-Length: 100001\r\n\r\n", THEN_MUTE, 0, "too large" },
    { HEAD "Content-Length: 99999999999999999999999\r\n\r\n", THEN_MUTE, 0,
        "too large" },
    { HEAD "Content-Length: -1\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { HEAD "Content-Length: x\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { HEAD "\r\n", THEN_FLOOD, 0, "too large" },
    { HEAD "X-Field: ", THEN_FLOOD, 0, "too large" },
    { "HTTP/1.1 200 ", THEN_FLOOD, 0, "too large" },
    { "", THEN_FLOOD, 0, "too large" },
    { "+OK\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "-ERR unknown command\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/2.0 200 OK\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/1.1 OK\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/1.1 99 Low\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/1.1 -200 Less\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/1.1 600 High\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { "HTTP/1.1 101 Switching\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { HEAD "no colon\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
    { HEAD " first line is a continuation\r\n\r\n", THEN_MUTE, 0, "no HTTP" },
};

START_TEST(every_answer_is_taken_for_what_it_is)
{
    static got_t g;

    manners[0].step[0] = (step_t){ answers[_i].say, answers[_i].then };
    (void) ask(&get, &g);
    await(&g);
    ck_assert_msg(g.status == answers[_i].status, "%s: %u %s", answers[_i].say,
        g.status, g.why);
    ck_assert(g.unsure == (g.status == 0));
    if (g.status != 0) {
        ck_assert_str_eq(g.body, answers[_i].body);
    } else {
        ck_assert_msg(strstr(g.why, answers[_i].body) != NULL, "%s: %s",
            answers[_i].say, g.why);
    }
}
END_TEST

START_TEST(a_hundred_times_continue_is_no_answer)
{
    static got_t g;
    static char many[4000];

    for (int i = 0; i < 100; i++) {
        strcat(many, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    manners[0].step[0] = (step_t){ many, THEN_MUTE };
    (void) ask(&get, &g);
    await(&g);
    ck_assert_str_eq(g.why, "answer is no HTTP");
}
END_TEST

/* gzip of `len` times 'z', behind a head; it has NULs, so it is sent by an
 * answer without a length that says where it ends. */
static char packed[4096];
static size_t packed_len;

static void *
serve_packed(void *data)
{
    int fd = accept(*(int *) data, NULL, NULL);

    if (fd != -1) {
        (void) hear(fd);
        (void) send(fd, packed, packed_len, MSG_NOSIGNAL);
        (void) close(fd);
    }
    return NULL;
}

START_TEST(a_packed_answer_is_unpacked_within_bounds)
{
    static char plain[100001];
    size_t len = _i == 0 ? 100000 : 100001;
    um_sbuf_t gz = { 0 };
    static got_t g;

    memset(plain, 'z', len);
    ck_assert_int_eq(um_gzip((um_str_t){ plain, len }, &gz), UM_OK);
    packed_len = (size_t) snprintf(packed, sizeof(packed),
        HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", gz.len);
    ck_assert_uint_lt(packed_len + gz.len, sizeof(packed));
    memcpy(packed + packed_len, gz.data, gz.len);
    packed_len += gz.len;
    um_sbuf_deinit(&gz);
    serve_by(serve_packed, listen_on(8));
    um_httpc_free(client);
    client_new("127.0.0.1", &usual);

    (void) ask(&get, &g);
    await(&g);
    if (_i == 0) {
        ck_assert_uint_eq(g.status, 200);
        ck_assert_uint_eq(g.len, len);
        ck_assert_int_eq(memcmp(g.body, plain, len), 0);
    } else {
        ck_assert_uint_eq(g.status, 0);
        ck_assert_str_eq(g.why, "answer too large");
    }
}
END_TEST

static const struct {
    const char *target;
    const char *name;
    const char *value;
} dirty[] = {
    { "", "A", "b" },
    { "a", "A", "b" },
    { "/a b", "A", "b" },
    { "/a\r\nX: y", "A", "b" },
    { "/", "A\r\n", "b" },
    { "/", "A:", "b" },
    { "/", "", "b" },
    { "/", "A", "b\r\nX: y" },
    { "/", "A", "\x7f" },
};

START_TEST(what_would_forge_a_request_is_refused)
{
    const um_httpc_field_t fields[] = {
        { dirty[_i].name, dirty[_i].value },
        { NULL, NULL },
    };
    um_httpc_ask_t bad = get;
    const char *why;

    bad.target = dirty[_i].target;
    bad.fields = fields;
    ck_assert_ptr_null(um_httpc_ask(client, &bad, on_answer, NULL, &why));
    ck_assert_ptr_nonnull(why);
    ck_assert_uint_eq(um_httpc_load(client).waiting, 0);
}
END_TEST

static const struct {
    const char *name;
    const char *password;
    const char *value;
} basics[] = {
    { "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
    { "a", "b", "Basic YTpi" },
    { "", "", "Basic Og==" },
    { "a@b", "\xff", "Basic YUBiOv8=" },
};

START_TEST(basic_authorization)
{
    um_sbuf_t out = { 0 };

    um_httpc_basic(
        &out, um_str_of(basics[_i].name), um_str_of(basics[_i].password));
    ck_assert_str_eq(um_sbuf_cstr(&out), basics[_i].value);
    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("httpc");
    TCase *tc = tcase_create("answers");

    tcase_add_checked_fixture(tc, play_setup, play_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(
        tc, a_request_is_what_was_asked_and_the_answer_what_was_said);
    tcase_add_loop_test(tc, every_method_is_said_and_a_length_where_one_belongs,
        0, (int) um_countof(methods));
    tcase_add_loop_test(
        tc, every_answer_is_taken_for_what_it_is, 0, (int) um_countof(answers));
    tcase_add_test(tc, a_hundred_times_continue_is_no_answer);
    tcase_add_loop_test(tc, a_packed_answer_is_unpacked_within_bounds, 0, 2);
    tcase_add_loop_test(
        tc, what_would_forge_a_request_is_refused, 0, (int) um_countof(dirty));
    tcase_add_loop_test(tc, basic_authorization, 0, (int) um_countof(basics));
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
