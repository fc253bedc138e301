/*
 * Conversations with servers that are well, slow, rude or not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "core/um_clock.h"
#include "core/um_str.h"
#include "redis/um_reply.h"
#include "redis/um_talk.h"
#include "um_check.h"

/* ---- A server that plays one scene -------------------------------------- */

typedef struct {
    int fd; /* listening */
    uint16_t port;
    void (*play)(int listener);
    pthread_t thread;
} stage_t;

static stage_t stage;

static void *
stage_main(void *data)
{
    stage_t *s = data;

    s->play(s->fd);
    return NULL;
}

static void
stage_open(void (*play)(int listener))
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(sa);

    stage.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ne(stage.fd, -1);
    ck_assert_int_eq(bind(stage.fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
    ck_assert_int_eq(listen(stage.fd, 8), 0);
    getsockname(stage.fd, (struct sockaddr *) &sa, &len);
    stage.port = ntohs(sa.sin_port);
    stage.play = play;
    if (play != NULL) {
        pthread_create(&stage.thread, NULL, stage_main, &stage);
    }
}

static void
stage_close(void)
{
    if (stage.play != NULL) {
        pthread_join(stage.thread, NULL);
    }
    close(stage.fd);
}

static int
enter(int listener)
{
    int fd = accept(listener, NULL, NULL);

    ck_assert_int_ne(fd, -1);
    return fd;
}

/* Read until `text` has come. */
static void
hear(int fd, const char *text)
{
    char got[4096];
    size_t len = 0;

    while (len == 0 || memmem(got, len, text, strlen(text)) == NULL) {
        ssize_t n = recv(fd, got + len, sizeof(got) - len, 0);

        ck_assert_msg(n > 0, "never heard %s", text);
        len += (size_t) n;
    }
}

static void
say(int fd, const char *text)
{
    ck_assert_int_eq(
        send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t) strlen(text));
}

/* Wait for the other side to hang up. */
static void
hear_the_end(int fd)
{
    char byte[512];

    while (recv(fd, byte, sizeof(byte), 0) > 0) {
    }
    close(fd);
}

/* ---- Our side ----------------------------------------------------------- */

#define ANSWERS 64

static um_loop_t *loop;
static um_jobs_t *jobs;
static um_talk_t *talk;
static uint32_t answers;
static uint32_t ends;
static struct {
    um_talk_end_t end;
    char text[256];
    bool refused;
} answer[ANSWERS];

static void
on_answer(void *data, const um_talk_answer_t *a)
{
    um_str_t text =
        a->reply != NULL ? um_reply_text(a->reply) : um_str_of(a->why);

    (void) data;
    ck_assert_uint_lt(answers, ANSWERS);
    answer[answers].end = a->end;
    answer[answers].refused = a->refused;
    snprintf(answer[answers].text, sizeof(answer[answers].text), "%.*s",
        (int) um_min(text.len, 255u), text.data);
    answers++;
}

static void
on_end(void *data)
{
    (void) data;
    ends++;
}

static um_talk_conf_t conf;

static void
begin_at(const char *host, uint16_t port)
{
    char text[64];
    um_addr_t addr;

    snprintf(text, sizeof(text), "%s:%u", host, port);
    ck_assert_ptr_null(um_addr_parse(&addr, um_str_of(text)));
    loop = um_loop_new();
    jobs = um_jobs_new(loop, 1);
    conf.names = jobs;
    conf.connect_timeout =
        conf.connect_timeout == 0 ? 5000 : conf.connect_timeout;
    conf.reply_max = conf.reply_max == 0 ? 1 << 20 : conf.reply_max;
    conf.commands_max = conf.commands_max == 0 ? 16 : conf.commands_max;
    talk = um_talk_new(loop, &addr, &conf);
    ck_assert_ptr_nonnull(talk);
    um_talk_on_end(talk, on_end, NULL);
    answers = ends = 0;
}

static void
drop(void *data)
{
    (void) data;
}

static void
end(void)
{
    um_talk_free(talk);
    um_jobs_free(jobs, drop);
    um_loop_free(loop);
    conf = (um_talk_conf_t){ 0 };
}

static void
begin(void (*play)(int listener))
{
    stage_open(play);
    begin_at("127.0.0.1", stage.port);
}

static void
wait_for(uint32_t count, uint32_t ended)
{
    uint64_t until = um_clock_ns() + 20000000000ull;
    um_timer_t *guard = um_timer_new(loop, drop, NULL);

    while (answers < count || ends < ended) {
        ck_assert_msg(
            um_clock_ns() < until, "%u answers of %u", answers, count);
        um_timer_start(guard, 100);
        ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    }
    um_timer_free(guard);
}

static void
ask(uint64_t timeout, const char *words)
{
    ck_assert_int_eq(
        um_talk_sayz(talk, timeout, on_answer, NULL, words), UM_OK);
}

/* ---- Scenes ------------------------------------------------------------- */

static void
play_two_answers(int listener)
{
    int fd = enter(listener);

    hear(fd, "$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    say(fd, "+PONG\r\n$3\r\nb");
    say(fd, "ar\r\n");
    hear_the_end(fd);
}

START_TEST(answers_come_in_order)
{
    begin(play_two_answers);
    ask(5000, "PING");
    ask(5000, "GET a");
    ck_assert_uint_eq(um_talk_pending(talk), 2);
    wait_for(2, 0);
    ck_assert_str_eq(answer[0].text, "PONG");
    ck_assert_str_eq(answer[1].text, "bar");
    ck_assert_uint_eq(um_talk_pending(talk), 0);
    ck_assert(um_talk_is_up(talk));
    ck_assert_uint_eq(um_talk_bytes(talk).received, 7 + 9);
    end();
    stage_close();
}
END_TEST

START_TEST(nobody_there)
{
    stage_open(NULL);
    close(stage.fd);
    begin_at("127.0.0.1", stage.port);
    ask(5000, "SET a b");
    wait_for(1, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_UNSENT);
    ck_assert(answer[0].refused);
    ck_assert_str_eq(answer[0].text, "connect failed: Connection refused");
    ck_assert_uint_eq(ends, 0);
    end();
}
END_TEST

START_TEST(a_name_that_is_none)
{
    begin_at("no-such-host.invalid", 1);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_UNSENT);
    ck_assert(!answer[0].refused);
    end();
}
END_TEST

START_TEST(a_name)
{
    stage_open(play_two_answers);
    begin_at("localhost", stage.port);
    ask(5000, "PING");
    ask(5000, "GET a");
    wait_for(2, 0);
    ck_assert_str_eq(answer[1].text, "bar");
    end();
    stage_close();
}
END_TEST

static void
play_silence(int listener)
{
    hear_the_end(enter(listener));
}

START_TEST(silence_is_late_and_nothing_else)
{
    begin(play_silence);
    ask(50, "PING");
    ask(60, "SET a b");
    wait_for(2, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_LATE);
    ck_assert_int_eq(answer[1].end, UM_TALK_LATE);
    ck_assert(um_talk_is_up(talk));
    ck_assert_uint_eq(um_talk_pending(talk), 2); /* their answers may come */
    um_talk_hang_up(talk, "enough");
    ck_assert_uint_eq(answers, 2);
    ck_assert_uint_eq(um_talk_pending(talk), 0);
    end();
    stage_close();
}
END_TEST

static void
play_late(int listener)
{
    int fd = enter(listener);

    hear(fd, "SECOND\r\n");
    say(fd, "+first\r\n+second\r\n");
    hear_the_end(fd);
}

START_TEST(a_late_answer_is_nobody_elses)
{
    begin(play_late);
    ask(20, "FIRST");
    wait_for(1, 0);
    ask(5000, "SECOND");
    wait_for(2, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_LATE);
    ck_assert_str_eq(answer[1].text, "second");
    end();
    stage_close();
}
END_TEST

static void
play_one_and_away(int listener)
{
    int fd = enter(listener);

    hear(fd, "B\r\n");
    say(fd, "+a\r\n");
    close(fd);
    fd = enter(listener);
    hear(fd, "C\r\n");
    say(fd, "+c\r\n");
    hear_the_end(fd);
}

START_TEST(what_was_sent_is_lost_with_the_connection)
{
    begin(play_one_and_away);
    ask(5000, "A");
    ask(5000, "B");
    wait_for(2, 1);
    ck_assert_int_eq(answer[0].end, UM_TALK_ANSWERED);
    ck_assert_int_eq(answer[1].end, UM_TALK_LOST);
    ck_assert(!um_talk_is_up(talk));
    ask(5000, "C");
    wait_for(3, 1);
    ck_assert_str_eq(answer[2].text, "c");
    end();
    stage_close();
}
END_TEST

static void
play_idle_end(int listener)
{
    int fd = enter(listener);

    hear(fd, "PING\r\n");
    say(fd, "+PONG\r\n");
    close(fd);
}

START_TEST(an_idle_connection_tells_its_end)
{
    begin(play_idle_end);
    ask(5000, "PING");
    wait_for(1, 1);
    end();
    stage_close();
}
END_TEST

static const char *rude;

static void
play_rude(int listener)
{
    int fd = enter(listener);

    hear(fd, "PING\r\n");
    say(fd, rude);
    hear_the_end(fd);
}

static const struct {
    const char *bytes;
    const char *why;
} rudeness[] = {
    { "HTTP/1.1 400\r\n", "answer is no RESP" },
    { "+PONG\r\n+PONG\r\n", "an answer that nobody asked for" },
    { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
      "*1\r\n*1\r\n*1\r\n",
        "answer is no RESP" },
};

START_TEST(rude_answers_end_it)
{
    rude = rudeness[_i].bytes;
    begin(play_rude);
    ask(5000, "PING");
    wait_for(1, 1);
    ck_assert_str_eq(answer[0].text, _i == 1 ? "PONG" : rudeness[_i].why);
    end();
    stage_close();
}
END_TEST

static void
play_endless(int listener)
{
    int fd = enter(listener);
    char kb[1024];

    memset(kb, 'x', sizeof(kb));
    hear(fd, "PING\r\n");
    say(fd, "$1000000000\r\n");
    while (send(fd, kb, sizeof(kb), MSG_NOSIGNAL) > 0) {
    }
    close(fd);
}

START_TEST(an_endless_answer_is_cut)
{
    conf.reply_max = 100000;
    begin(play_endless);
    ask(5000, "PING");
    wait_for(1, 1);
    ck_assert_int_eq(answer[0].end, UM_TALK_LOST);
    ck_assert_str_eq(answer[0].text, "answer is too large");
    end();
    stage_close();
}
END_TEST

static void
play_auth(int listener)
{
    int fd = enter(listener);

    hear(fd, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n");
    say(fd, rude);
    hear_the_end(fd);
}

static void
play_auth_and_ping(int listener)
{
    int fd = enter(listener);

    hear(fd, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n");
    say(fd, rude);
    hear(fd, "PING\r\n");
    say(fd, "+PONG\r\n");
    hear_the_end(fd);
}

static const char *welcomes[] = { "+OK\r\n",
    "-ERR AUTH <password> called without any password configured for the "
    "default user. Are you sure your configuration is correct?\r\n",
    "-no password configured\r\n" };

START_TEST(a_password_comes_first)
{
    conf.user = "me";
    conf.password = "secret";
    rude = welcomes[_i];
    begin(play_auth_and_ping);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_str_eq(answer[0].text, "PONG");
    end();
    stage_close();
}
END_TEST

START_TEST(a_wrong_password)
{
    conf.user = "me";
    conf.password = "secret";
    conf.commands_max = 1;
    rude = "-WRONGPASS invalid\r\n";
    begin(play_auth);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_UNSENT);
    ck_assert_str_eq(answer[0].text, "refused our password");
    ck_assert_uint_eq(ends, 0);
    end();
    stage_close();
}
END_TEST

START_TEST(no_more_than_allowed)
{
    conf.commands_max = 2;
    begin(play_silence);
    ask(5000, "A");
    ask(5000, "B");
    ck_assert_int_eq(um_talk_sayz(talk, 1, on_answer, NULL, "C"), UM_ERR);
    ck_assert_uint_eq(answers, 0);
    end(); /* freed: no callback */
    ck_assert_uint_eq(answers, 0);
    stage_close();
}
END_TEST

static void
free_it(void *data, const um_talk_answer_t *a)
{
    on_answer(data, a);
    um_talk_free(talk);
    talk = NULL;
}

static void
hang_up_and_ask(void *data, const um_talk_answer_t *a)
{
    on_answer(data, a);
    um_talk_hang_up(talk, "bored");
    ask(5000, "C");
}

START_TEST(a_callback_may_free_it)
{
    rude = "+PONG\r\n+more\r\n";
    begin(_i == 0 ? play_rude : NULL);
    if (_i == 1) {
        close(stage.fd);
    }
    ck_assert_int_eq(um_talk_sayz(talk, 5000, free_it, NULL, "PING"), UM_OK);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_uint_eq(answers, 1);
    end();
    if (_i == 0) {
        stage_close();
    }
}
END_TEST

START_TEST(a_callback_may_hang_up_and_begin_again)
{
    begin(play_one_and_away);
    ck_assert_int_eq(
        um_talk_sayz(talk, 5000, hang_up_and_ask, NULL, "A"), UM_OK);
    ask(5000, "B");
    wait_for(3, 0);
    ck_assert_str_eq(answer[0].text, "a");
    ck_assert_int_eq(answer[1].end, UM_TALK_LOST);
    ck_assert_str_eq(answer[1].text, "bored");
    ck_assert_str_eq(answer[2].text, "c");
    end();
    stage_close();
}
END_TEST

START_TEST(a_door_that_does_not_open)
{
    int fd[3];

    /* A listener whose queue is full answers no SYN. */
    stage_open(NULL);
    ck_assert_int_eq(listen(stage.fd, 0), 0);
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in sa = { .sin_family = AF_INET,
            .sin_port = htons(stage.port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void) connect(fd[i], (struct sockaddr *) &sa, sizeof(sa));
    }

    conf.connect_timeout = 100;
    begin_at("127.0.0.1", stage.port);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_UNSENT);
    ck_assert_str_eq(answer[0].text, "not connected in time");

    ask(30, "PING");
    wait_for(2, 0);
    ck_assert_int_eq(answer[1].end, UM_TALK_UNSENT);
    ck_assert_str_eq(answer[1].text, "timed out");
    end();
    for (int i = 0; i < 3; i++) {
        close(fd[i]);
    }
    close(stage.fd);
}
END_TEST

/* ---- Reading INFO ------------------------------------------------------- */

START_TEST(fields_of_info)
{
    um_str_t info = um_lit("# Replication\r\nrole:slave\r\n"
                           "master_host:10.0.0.1\r\nmaster_repl_offset:77\r\n"
                           "empty:\r\nlast:1");
    um_str_t v;
    uint64_t n;

    ck_assert_int_eq(um_reply_info(info, "role", &v), UM_OK);
    ck_assert(um_str_eq(v, um_lit("slave")));
    ck_assert_int_eq(um_reply_info(info, "empty", &v), UM_OK);
    ck_assert_uint_eq(v.len, 0);
    ck_assert_int_eq(um_reply_info_u64(info, "master_repl_offset", &n), UM_OK);
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(um_reply_info_u64(info, "last", &n), UM_OK);
    ck_assert_int_eq(um_reply_info(info, "offset", &v), UM_DECLINED);
    ck_assert_int_eq(um_reply_info(info, "rol", &v), UM_DECLINED);
    ck_assert_int_eq(um_reply_info_u64(info, "role", &n), UM_DECLINED);
    ck_assert_int_eq(
        um_reply_info((um_str_t){ "", 0 }, "role", &v), UM_DECLINED);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("talk");
    Suite *s = suite_create("redis");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, answers_come_in_order);
    tcase_add_test(t, nobody_there);
    tcase_add_test(t, a_name_that_is_none);
    tcase_add_test(t, a_name);
    tcase_add_test(t, silence_is_late_and_nothing_else);
    tcase_add_test(t, a_late_answer_is_nobody_elses);
    tcase_add_test(t, what_was_sent_is_lost_with_the_connection);
    tcase_add_test(t, an_idle_connection_tells_its_end);
    tcase_add_loop_test(t, rude_answers_end_it, 0, um_countof(rudeness));
    tcase_add_test(t, an_endless_answer_is_cut);
    tcase_add_loop_test(t, a_password_comes_first, 0, um_countof(welcomes));
    tcase_add_test(t, a_wrong_password);
    tcase_add_test(t, no_more_than_allowed);
    tcase_add_loop_test(t, a_callback_may_free_it, 0, 2);
    tcase_add_test(t, a_callback_may_hang_up_and_begin_again);
    tcase_add_test(t, a_door_that_does_not_open);
    tcase_add_test(t, fields_of_info);
    suite_add_tcase(s, t);
    return um_check_main(s);
}
