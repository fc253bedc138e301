/*
 * http_load.c -- a closed loop of GET requests over connections that stay.
 *
 *   http_load [options] HOST:PORT < PATHS
 *
 *     -c N            connections (50)
 *     -n N            requests of the load (100000); 0: none
 *     -H 'Name: v'    one more field of every request
 *     -e              ask with the ETag: every answer has to be 304
 *     -1              a new connection for each request
 *     -p PID          of the server, for the CPU time of its threads
 *     -o FILE         all bodies, each behind a line "PATH LENGTH"
 *
 * Each of the PATHS is asked once before the load.  In the load each has to be
 * answered as it was then, byte for byte; a wrong answer ends it.  Prints, in
 * microseconds, and bytes of an answer with its head:
 *
 *   rps=.. p50=.. p99=.. cpu=.. bytes=..
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "http_load.h"

#include <errno.h>
#include <glob.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/um_addr.h"
#include "core/um_clock.h"
#include "core/um_str.h"

#define EVENTS    64
#define READ_ROOM 65536u

typedef struct {
    int fd;
    size_t asked; /* index of it */
    uint64_t since;
    um_sbuf_t in;
    size_t head; /* bytes; 0: not there as a whole */
    size_t body;
    int status;
} conn_t;

static const char *server_pid;
static const char *bodies_file;
static um_sbuf_t fields;
static bool by_tag, each_new;
static size_t conns_wanted = 50, load_size = 100000;

static um_addr_t server;
static conn_t *conns;
static int epfd;

/* One pass: of learning, or of the load. */
static bool learning;
static size_t pass_size, sent, done;
static uint32_t *took; /* ns of each request */
static uint64_t bytes;

static void *
room(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL) {
        fail("out of memory");
    }

    return p;
}

/* ---- One request -------------------------------------------------------- */

static void
conn_open(conn_t *c)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
    struct linger none = { .l_onoff = 1 }; /* or all ports would be waiting */
    int one = 1;

    c->fd = socket(server.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd == -1
        || connect(c->fd, (const struct sockaddr *) &server.sa, server.sa_len)
               == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1
        || setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == -1
        || epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
    {
        fail("%s: %s", server.text, strerror(errno));
    }
}

static void
conn_ask(conn_t *c)
{
    ask_t *a;

    if (sent == pass_size) {
        return;
    }

    c->asked = sent++ % asks_count;
    a = &asks[c->asked];
    um_sbuf_clear(&c->in);
    c->head = 0;
    c->since = um_clock_ns();
    if (each_new) {
        (void) close(c->fd);
        conn_open(c);
    }

    /* An empty connection takes it whole. */
    if (send(c->fd, a->request.data, a->request.len, MSG_NOSIGNAL)
        != (ssize_t) a->request.len)
    {
        fail("send: %s", strerror(errno));
    }
}

/* The head has come, or part of it. */
static void
conn_head(conn_t *c)
{
    const char *end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
    um_str_t head, length;
    uint64_t n = 0;

    if (end == NULL) {
        return;
    }

    c->head = (size_t) (end - c->in.data) + 4;
    head = (um_str_t){ c->in.data, c->head - 4 };
    if (head.len < 12 || memcmp(head.data, "HTTP/1.1 ", 9) != 0) {
        fail("%.*s: no HTTP", um_str_fmt(head));
    }

    c->status = atoi(head.data + 9);
    length = head_field(head, um_lit("Content-Length"));
    if (c->status != 304 && um_str_to_u64(length, &n) != UM_OK) {
        fail("%.*s: no length", um_str_fmt(head));
    }
    c->body = n;

    if (learning && by_tag) {
        um_sbuf_add_str(&asks[c->asked].tag, head_field(head, um_lit("ETag")));
    }
}

static void
conn_answered(conn_t *c)
{
    ask_t *a = &asks[c->asked];
    int want = by_tag && !learning ? 304 : 200;
    const char *body = c->in.data + c->head;

    if (c->status != want || c->in.len != c->head + c->body) {
        fail("%s: %d instead of %d, %zu bytes", um_sbuf_cstr(&a->path),
            c->status, want, c->in.len);
    }

    if (learning) {
        um_sbuf_add(&a->body, body, c->body);
    } else if (want == 200
               && (c->body != a->body.len
                   || memcmp(body, a->body.data, c->body) != 0))
    {
        fail("%s: is answered otherwise than at first", um_sbuf_cstr(&a->path));
    }

    took[done++] = (uint32_t) um_min(um_clock_ns() - c->since, UINT32_MAX);
    bytes += c->in.len;
    conn_ask(c);
}

static void
conn_on_readable(conn_t *c)
{
    for (;;) {
        char *to = um_sbuf_room(&c->in, READ_ROOM);
        ssize_t n;

        if (to == NULL) {
            fail("out of memory");
        }

        n = recv(c->fd, to, READ_ROOM, MSG_DONTWAIT);
        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            fail("recv: %s", n == 0 ? "closed" : strerror(errno));
        }

        c->in.len += (size_t) n;
        if (c->head == 0) {
            conn_head(c);
        }
        if (c->head != 0 && c->in.len >= c->head + c->body) {
            conn_answered(c);
            return; /* what was asked now is a matter of the next event */
        }
        if ((size_t) n < READ_ROOM) {
            return;
        }
    }
}

/* ---- All of them -------------------------------------------------------- */

/* Ask `n` times, one path after the other; how many seconds it took. */
static double
pass(size_t n)
{
    uint64_t began = um_clock_ns();

    pass_size = n;
    sent = done = 0;
    bytes = 0;
    for (size_t i = 0; i < conns_wanted; i++) {
        conn_ask(&conns[i]);
    }

    while (done < n) {
        struct epoll_event ev[EVENTS];
        int k = epoll_wait(epfd, ev, EVENTS, 10000);

        if (k == 0) {
            fail("no answer in 10 s");
        }
        for (int i = 0; i < k; i++) {
            conn_on_readable(ev[i].data.ptr);
        }
    }

    return (double) (um_clock_ns() - began) / 1e9;
}

/* us of all threads of the server. */
static double
server_cpu(void)
{
    char pattern[64];
    glob_t found;
    double ns = 0;

    snprintf(pattern, sizeof(pattern), "/proc/%s/task/*/schedstat", server_pid);
    if (glob(pattern, 0, NULL, &found) != 0) {
        fail("%s: nothing to be read", pattern);
    }

    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *f = fopen(found.gl_pathv[i], "r");
        double one = 0;

        if (f == NULL || fscanf(f, "%lf", &one) != 1) {
            fail("%s: cannot be read", found.gl_pathv[i]);
        }
        fclose(f);
        ns += one;
    }

    globfree(&found);
    return ns / 1000;
}

static int
took_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}

static void
load(void)
{
    double cpu = server_pid != NULL ? server_cpu() : 0;
    double seconds = pass(load_size);
    double n = (double) load_size;

    cpu = server_pid != NULL ? server_cpu() - cpu : 0;
    qsort(took, load_size, sizeof(took[0]), took_compare);
    printf("rps=%.0f p50=%.1f p99=%.1f cpu=%.2f bytes=%.0f\n", n / seconds,
        took[load_size / 2] / 1e3, took[load_size * 99 / 100] / 1e3, cpu / n,
        (double) bytes / n);
}

static const char *
arguments(int argc, char **argv)
{
    int o;

    while ((o = getopt(argc, argv, "c:n:H:e1p:o:")) != -1) {
        switch (o) {
        case 'c':
            conns_wanted = strtoul(optarg, NULL, 10);
            break;

        case 'n':
            load_size = strtoul(optarg, NULL, 10);
            break;

        case 'H':
            um_sbuf_addf(&fields, "%s\r\n", optarg);
            break;

        case 'e':
            by_tag = true;
            break;

        case '1':
            each_new = true;
            break;

        case 'p':
            server_pid = optarg;
            break;

        case 'o':
            bodies_file = optarg;
            break;

        default:
            fail("see the head of http_load.c");
        }
    }

    if (optind + 1 != argc || conns_wanted == 0) {
        fail("HOST:PORT is needed, and a connection");
    }

    return argv[optind];
}

int
main(int argc, char **argv)
{
    const char *where = arguments(argc, argv);
    const char *wrong = um_addr_parse(&server, um_str_of(where));

    if (wrong != NULL || server.kind != UM_ADDR_IP) {
        fail("%s: %s", where, wrong != NULL ? wrong : "is no number");
    }

    asks_read();
    took = room(um_max(load_size, asks_count), sizeof(*took));
    conns = room(conns_wanted, sizeof(*conns));
    epfd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < conns_wanted; i++) {
        conn_open(&conns[i]);
    }

    asks_make(where, &fields);
    learning = true;
    (void) pass(asks_count);
    learning = false;
    asks_make(where, &fields);

    if (load_size > 0) {
        load();
    }
    if (bodies_file != NULL) {
        asks_write_bodies(bodies_file);
    }

    return EXIT_SUCCESS;
}
