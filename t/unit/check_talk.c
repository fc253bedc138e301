/*
 * Conversations with servers that are well, slow, rude or not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_talk_play.h"

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

START_TEST(a_request_may_come_in_pieces)
{
    const um_str_t piece[] = {
        um_lit("*1\r\n$4\r\nPI"),
        { NULL, 0 },
        um_lit("NG\r\n"),
    };

    begin(play_two_answers);
    ck_assert_int_eq(
        um_talk_say_pieces(talk, 5000, on_answer, NULL, piece, 3), UM_OK);
    ask(5000, "GET a");
    wait_for(2, 0);
    ck_assert_str_eq(answer[0].text, "PONG");
    ck_assert_str_eq(answer[1].text, "bar");
    end();
    stage_close();
}
END_TEST

START_TEST(what_we_lack_ourselves_is_told_apart)
{
    struct rlimit limit, none;

    begin_at("127.0.0.1", 1);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ 3, limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask(5000, "PING");
    wait_for(1, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(answer[0].end, UM_TALK_UNSENT);
    ck_assert(answer[0].ours && !answer[0].refused);
    end();
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
    ck_assert(answer[0].refused && !answer[0].ours);
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
    ("-ERR AUTH <password> called without any password configured for the "
     "default user. Are you sure your configuration is correct?\r\n"),
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

int
main(void)
{
    TCase *t = tcase_create("talk");
    Suite *s = suite_create("redis");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, answers_come_in_order);
    tcase_add_test(t, a_request_may_come_in_pieces);
    tcase_add_test(t, what_we_lack_ourselves_is_told_apart);
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
    suite_add_tcase(s, t);
    return um_check_main(s);
}
