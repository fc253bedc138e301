/*
 * http_load.c -- a closed loop of GET requests over connections that stay.
 *
 *   http_load [options] HOST:PORT < PATHS
 *
 *     -c N            connections (50)
 *     -n N            requests of the load (100000)
 *     -H 'Name: v'    one more field of every request
 *     -e              ask with the ETag: every answer has to be 304
 *     -p PID          of the server, for the CPU time of its threads
 *     -o FILE         all bodies, each behind a line "PATH LENGTH"
 *
 * Each line of PATHS is asked once before the load.  In the load each has to
 * be answered as it was then, byte for byte; a wrong answer ends it.  Prints
 *
 *   rps=.. p50=.. p99=.. cpu=.. bytes=..     us; bytes of an answer, all of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <glob.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/um_addr.h"
#include "core/um_clock.h"
#include "core/um_sbuf.h"
#include "core/um_str.h"

#define EVENTS    64
#define READ_ROOM 65536u

/* What is asked for, and what it was answered with at first. */
typedef struct {
    um_sbuf_t path;
    um_sbuf_t request;
    um_sbuf_t body;
    um_sbuf_t tag;
} ask_t;

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
static bool by_tag;
static size_t conns_wanted = 50, load_size = 100000;

static ask_t *asks;
static size_t asks_count;
static conn_t *conns;
static int epfd;

/* One pass: of learning, or of the load. */
static bool learning;
static size_t pass_size, sent, done;
static uint32_t *took; /* ns of each request */
static uint64_t bytes;

UM_NORETURN static void
fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("http_load: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\n", stderr);
    va_end(ap);
    exit(EXIT_FAILURE);
}

static void *
room(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);

    if (p == NULL) {
        fail("out of memory");
    }

    return p;
}

/* ---- The list ----------------------------------------------------------- */

static void
ask_make(ask_t *a, const char *host)
{
    um_sbuf_clear(&a->request);
    um_sbuf_addf(&a->request, "GET %s HTTP/1.1\r\nHost: %s\r\n",
        um_sbuf_cstr(&a->path), host);
    if (by_tag && a->tag.len > 0) {
        um_sbuf_addf(
            &a->request, "If-None-Match: %s\r\n", um_sbuf_cstr(&a->tag));
    }
    um_sbuf_add(&a->request, fields.data, fields.len);
    um_sbuf_addz(&a->request, "\r\n");
    if (a->request.failed) {
        fail("out of memory");
    }
}

static void
asks_read(void)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        size_t len = strcspn(line, "\n");

        if (len == 0) {
            continue;
        }

        asks = realloc(asks, (asks_count + 1) * sizeof(*asks));
        if (asks == NULL) {
            fail("out of memory");
        }
        memset(&asks[asks_count], 0, sizeof(*asks));
        um_sbuf_add(&asks[asks_count].path, line, len);
        asks_count++;
    }

    if (asks_count == 0) {
        fail("no path is given");
    }
}

/* ---- One request -------------------------------------------------------- */

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

    /* An empty connection takes it whole. */
    if (write(c->fd, a->request.data, a->request.len)
        != (ssize_t) a->request.len) {
        fail("write: %s", strerror(errno));
    }
}

/* The value of a field of the head; empty: it has none. */
static um_str_t
head_field(um_str_t head, um_str_t name)
{
    const char *at = head.data, *end = head.data + head.len;

    while (at < end) {
        const char *stop = memchr(at, '\r', (size_t) (end - at));
        size_t len = (size_t) ((stop != NULL ? stop : end) - at);

        if (len > name.len && at[name.len] == ':'
            && strncasecmp(at, name.data, name.len) == 0)
        {
            at += name.len + 1;
            len -= name.len + 1;
            while (len > 0 && *at == ' ') {
                at++;
                len--;
            }
            return (um_str_t){ at, len };
        }
        at += len + 2;
    }

    return (um_str_t){ "", 0 };
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
        size_t most = c->in.cap - c->in.len;
        ssize_t n;

        if (to == NULL) {
            fail("out of memory");
        }

        n = recv(c->fd, to, most, MSG_DONTWAIT);
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
        if ((size_t) n < most) {
            return;
        }
    }
}

/* ---- All of them -------------------------------------------------------- */

static void
conns_open(const um_addr_t *addr)
{
    int one = 1;

    epfd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < conns_wanted; i++) {
        conn_t *c = &conns[i];
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

        c->fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd == -1
            || connect(c->fd, (const struct sockaddr *) &addr->sa, addr->sa_len)
                   == -1
            || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
                   == -1
            || epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
        {
            fail("%s: %s", addr->text, strerror(errno));
        }
    }
}

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
    printf("rps=%.0f p50=%.0f p99=%.0f cpu=%.2f bytes=%.0f\n", n / seconds,
        took[load_size / 2] / 1e3, took[load_size * 99 / 100] / 1e3, cpu / n,
        (double) bytes / n);
}

static void
bodies_write(void)
{
    FILE *f = fopen(bodies_file, "w");
    bool ok = f != NULL;

    for (size_t i = 0; ok && i < asks_count; i++) {
        ask_t *a = &asks[i];

        ok = fprintf(f, "%s %zu\n", um_sbuf_cstr(&a->path), a->body.len) > 0
             && fwrite(a->body.data, 1, a->body.len, f) == a->body.len;
    }

    if (!ok || fclose(f) != 0) {
        fail("%s: %s", bodies_file, strerror(errno));
    }
}

static const char *
arguments(int argc, char **argv)
{
    int o;

    while ((o = getopt(argc, argv, "c:n:H:ep:o:")) != -1) {
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
    um_addr_t addr;
    const char *wrong = um_addr_parse(&addr, um_str_of(where));

    if (wrong != NULL || addr.kind != UM_ADDR_IP) {
        fail("%s: %s", where, wrong != NULL ? wrong : "is no number");
    }

    asks_read();
    conns = room(conns_wanted, sizeof(*conns));
    took = room(um_max(load_size, asks_count), sizeof(*took));
    conns_open(&addr);

    for (size_t i = 0; i < asks_count; i++) {
        ask_make(&asks[i], where);
    }
    learning = true;
    (void) pass(asks_count);
    learning = false;

    for (size_t i = 0; by_tag && i < asks_count; i++) {
        ask_make(&asks[i], where);
    }
    if (load_size > 0) {
        load();
    }
    if (bodies_file != NULL) {
        bodies_write();
    }

    return EXIT_SUCCESS;
}
