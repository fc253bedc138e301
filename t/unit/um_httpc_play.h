/*
 * um_httpc_play.h -- the HTTP client, and a server that does as it is told,
 * for the client's tests.
 *
 * The server has a thread for each connection; all else belongs to the test's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTPC_PLAY_H
#define UM_HTTPC_PLAY_H

#include "core/um_str.h"
#include "http/um_httpc.h"
#include "net/um_resolve.h"
#include "um_check.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#define NS_PER_MS UINT64_C(1000000)
#define PATIENCE  20000 /* ms; only what hangs takes as long */

/* ---- The server --------------------------------------------------------- */

typedef enum {
    THEN_NEXT,  /* reads the next request                       */
    THEN_CLOSE, /* closes                                       */
    THEN_MUTE,  /* says nothing more, until the client closes   */
    THEN_DRIP,  /* a byte every 10 ms, until the client closes  */
    THEN_FLOOD, /* as much as the client takes, until it closes */
} then_t;

/* What it says to a request; NULL: nothing. */
typedef struct {
    const char *say;
    then_t then;
} step_t;

#define STEPS 8

/* What it does on its i-th connection; the last is for those behind, too. */
typedef struct {
    step_t step[STEPS];
} manner_t;

extern manner_t manners[4];
extern int manner_count;

extern struct sockaddr_in where; /* it, or what listen_on() opened last */
extern pthread_t talker[64];     /* threads of connections              */
extern _Atomic int talkers;
extern _Atomic int asked; /* requests it has read  */
extern char last[200000]; /* the last of them      */

/* Did that say so? */
#define said(text) strstr(last, text)

/* Instead of the usual server: `serve` accepts from its argument, an int *. */
void serve_by(void *(*serve)(void *), int fd);
void *serve_manners(void *listener);

/* A listening socket of 127.0.0.1. */
int listen_on(int backlog);

/* Read one request, head and body.  False: the client has closed. */
bool hear(int fd);

/* ---- The client --------------------------------------------------------- */

extern um_loop_t *loop;
extern um_httpc_t *client; /* NULL: freed by the test */
extern const um_httpc_limits_t usual;
extern const um_httpc_ask_t get; /* GET /a?b=c */

void play_setup(void);
void play_teardown(void);

/* Another client, of the server's port. */
void client_new(const char *host, const um_httpc_limits_t *limits);

/* What came of a call. */
typedef struct {
    int times;
    unsigned status;
    bool unsure;
    char why[200];
    char body[200000];
    size_t len;
    char field[100]; /* X-Field */
} got_t;

um_httpc_call_t *ask(const um_httpc_ask_t *what, got_t *g);
void on_answer(const um_httpc_answer_t *a, void *data);
void turn(void);
void await(got_t *g);

#define HEAD     "HTTP/1.1 200 OK\r\n"
#define LONG     "Content-Length: 5\r\n\r\n"
#define OK_HELLO HEAD LONG "hello"

/* Behind the last answer: the server closes when it wants to. */
#define LAST_HELLO HEAD "Connection: close\r\n" LONG "hello"

#endif /* UM_HTTPC_PLAY_H */
