/* SPDX-License-Identifier: Apache-2.0 */

#include "um_httpc_play.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- The server --------------------------------------------------------- */

manner_t manners[4];
int manner_count;
struct sockaddr_in where;
pthread_t talker[64];
_Atomic int talkers;
_Atomic int asked;
char last[200000];

static int listener;
static pthread_t server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct {
    int fd;
    const manner_t *manner;
} talk_t;

bool
hear(int fd)
{
    static _Thread_local char text[sizeof(last)];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        char *end, *length;

        if (n <= 0) {
            return false;
        }

        len += (size_t) n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end != NULL
            && (length == NULL || length > end
                || len >= (size_t) (end + 4 - text)
                              + strtoul(length + 16, NULL, 10)))
        {
            break;
        }
    }

    pthread_mutex_lock(&lock);
    memcpy(last, text, len + 1);
    pthread_mutex_unlock(&lock);
    asked++;
    return true;
}

static void
until_closed(int fd, then_t then)
{
    static const char flood[65536] = { [0 ... 65535] = 'x' };
    char byte;

    if (then == THEN_FLOOD) {
        while (send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0) {
        }
        return;
    }

    if (then == THEN_DRIP) {
        struct timeval tv = { .tv_usec = 10000 };

        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    }
    while (recv(fd, &byte, 1, 0) != 0) {
        if (then == THEN_DRIP && send(fd, "x", 1, MSG_NOSIGNAL) != 1) {
            return;
        }
    }
}

static void *
talk(void *data)
{
    talk_t *t = data;

    for (int i = 0; i < STEPS; i++) {
        const step_t *s = &t->manner->step[i];

        if (!hear(t->fd)) {
            break;
        }
        if (s->say != NULL) {
            (void) send(t->fd, s->say, strlen(s->say), MSG_NOSIGNAL);
        }
        if (s->then == THEN_CLOSE) {
            break;
        }
        if (s->then != THEN_NEXT) {
            until_closed(t->fd, s->then);
            break;
        }
    }

    (void) close(t->fd);
    free(t);
    return NULL;
}

void *
serve_manners(void *data)
{
    for (int i = 0;; i++) {
        int fd = accept(*(int *) data, NULL, NULL);
        talk_t *t;

        if (fd == -1) {
            return NULL;
        }

        t = malloc(sizeof(*t));
        t->fd = fd;
        t->manner = &manners[um_min(i, manner_count - 1)];
        pthread_create(&talker[talkers++], NULL, talk, t);
    }
}

int
listen_on(int backlog)
{
    socklen_t len = sizeof(where);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    where = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &where, sizeof(where)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &where, &len), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static void
serve_end(void)
{
    (void) shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    (void) close(listener);
}

void
serve_by(void *(*serve)(void *), int fd)
{
    serve_end();
    listener = fd;
    pthread_create(&server, NULL, serve, &listener);
}

/* ---- The client -----------------------------------------------------------
 */

um_loop_t *loop;
um_httpc_t *client;
static um_jobs_t *jobs;

const um_httpc_limits_t usual = {
    .connections = 2,
    .queue = 100,
    .idle_timeout = PATIENCE,
    .header_max = 8192,
    .body_max = 100000,
};

void
client_new(const char *host, const um_httpc_limits_t *limits)
{
    char text[64];
    um_addr_t a;

    snprintf(text, sizeof(text), "%s:%u", host, ntohs(where.sin_port));
    ck_assert_ptr_null(um_addr_parse(&a, um_str_of(text)));
    client = um_httpc_new(loop, jobs, &a, limits);
    ck_assert_ptr_nonnull(client);
}

void
play_setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    manner_count = 1;
    memset(manners, 0, sizeof(manners));
    asked = talkers = 0;
    loop = um_loop_new();
    jobs = um_jobs_new(loop, 1);
    listener = listen_on(64);
    client_new("127.0.0.1", &usual);
    pthread_create(&server, NULL, serve_manners, &listener);
}

void
play_teardown(void)
{
    if (client != NULL) {
        um_httpc_free(client);
    }
    serve_end();
    for (int i = 0; i < talkers; i++) {
        pthread_join(talker[i], NULL);
    }
    um_jobs_free(jobs, um_resolve_drop);
    um_loop_free(loop);
}

void
turn(void)
{
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
}

void
on_answer(const um_httpc_answer_t *a, void *data)
{
    got_t *g = data;
    const char *field = um_httpc_header(a, "x-field");

    g->times++;
    g->status = a->status;
    g->unsure = a->unsure;
    snprintf(g->why, sizeof(g->why), "%s", a->why);
    snprintf(g->field, sizeof(g->field), "%s", field != NULL ? field : "-");
    ck_assert_uint_lt(a->body.len, sizeof(g->body));
    if (a->body.len > 0) {
        memcpy(g->body, a->body.data, a->body.len);
    }
    g->body[a->body.len] = '\0';
    g->len = a->body.len;
}

const um_httpc_ask_t get = {
    .method = UM_HTTP_GET,
    .target = "/a?b=c",
    .timeout = PATIENCE,
};

um_httpc_call_t *
ask(const um_httpc_ask_t *what, got_t *g)
{
    const char *why;
    um_httpc_call_t *call;

    memset(g, 0, sizeof(*g));
    call = um_httpc_ask(client, what, on_answer, g, &why);
    ck_assert_msg(call != NULL, "%s", why);
    ck_assert_int_eq(g->times, 0);
    return call;
}

void
await(got_t *g)
{
    while (g->times == 0) {
        turn();
    }
    ck_assert_int_eq(g->times, 1);
}
