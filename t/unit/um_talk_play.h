/*
 * um_talk_play.h -- what the tests of conversations play with: a server on a
 * thread that has one scene, and our side of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TALK_PLAY_H
#define UM_TALK_PLAY_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
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
    bool ours;
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
    answer[answers].ours = a->ours;
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

#endif /* UM_TALK_PLAY_H */
