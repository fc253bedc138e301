/*
 * stub_proxies.c -- many proxies that only keep epochs, in one process, for
 * the benchmark of the coordinator.
 *
 *     stub_proxies COUNT PORT SLOW HOLES
 *
 * They listen on 127.1.0.0:PORT, 127.1.0.1:PORT, ...  Every SLOW-th takes a
 * second for each answer, every HOLES-th never answers; 0 for none.  Commands
 * on standard input, each answered by a line:
 *
 *     at EPOCH   how many that answer have this epoch, of how many
 *     bytes      received from the coordinator, and sent to it
 *
 * It ends with its standard input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOW_NS  UINT64_C(1000000000)
#define EVENTS   256
#define READ_MAX 65536

typedef struct {
    int fd;
    uint64_t epoch;
    uint64_t repl_epoch;
    bool slow;
    bool hole;
} stub_t;

/* A connection: a command is scanned word by word, and only the first five
 * are kept. */
typedef struct {
    int fd;
    stub_t *stub;
    char *in;
    size_t len, room;
    size_t at;     /* of `in`: behind the last whole word */
    uint32_t left; /* words of this command still to come */
    uint32_t words;
    uint64_t number[2]; /* the third and the fourth word */
    char what;          /* the second one's first letter, and its third */
    char what3;
    bool ping;
} conn_t;

/* What is said later. */
typedef struct late_s {
    struct late_s *next;
    uint64_t due_ns;
    int fd;
    size_t len;
    char text[64];
} late_t;

static stub_t *stubs;
static int count;
static int poller;
static uint64_t received, sent;
static late_t *first, **last = &first;

static uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

static void
die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void
watch(int fd, void *data)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = data };

    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev) == -1) {
        die("epoll_ctl");
    }
}

/* ---- Answers ------------------------------------------------------------ */

static void
say(int fd, const char *text, size_t len)
{
    if (send(fd, text, len, MSG_NOSIGNAL) == (ssize_t) len) {
        sent += len;
    }
}

static void
answer(conn_t *c, const char *text)
{
    late_t *l;

    if (c->stub->hole) {
        return;
    }
    if (!c->stub->slow) {
        say(c->fd, text, strlen(text));
        return;
    }

    l = calloc(1, sizeof(*l));
    if (l == NULL) {
        die("late");
    }
    l->due_ns = now_ns() + SLOW_NS;
    l->fd = dup(c->fd);
    l->len = strlen(text);
    memcpy(l->text, text, l->len);
    *last = l;
    last = &l->next;
}

static int
say_late(void)
{
    while (first != NULL) {
        late_t *l = first;
        uint64_t now = now_ns();

        if (l->due_ns > now) {
            return (int) ((l->due_ns - now) / 1000000) + 1;
        }

        say(l->fd, l->text, l->len);
        close(l->fd);
        first = l->next;
        if (first == NULL) {
            last = &first;
        }
        free(l);
    }

    return 1000;
}

static const char *
take(uint64_t *have, uint64_t epoch)
{
    if (epoch <= *have) {
        return "-OLD_EPOCH\r\n";
    }

    *have = epoch;
    return "+OK\r\n";
}

static void
execute(conn_t *c)
{
    stub_t *s = c->stub;
    char text[64];

    if (c->ping) {
        answer(c, "+PONG\r\n");
    } else if (c->what == 'B') {
        snprintf(text, sizeof(text), "+%" PRIu64 " %" PRIu64 " none 1 0\r\n",
            s->epoch, s->repl_epoch);
        answer(c, text);
    } else if (c->what == 'S') {
        bool repl = c->words > 1 && c->what3 == 'R';

        answer(c, take(repl ? &s->repl_epoch : &s->epoch,
                      repl ? c->number[0] : c->number[1]));
    } else if (c->what == 'G') {
        snprintf(text, sizeof(text), ":%" PRIu64 "\r\n", s->epoch);
        answer(c, text);
    } else if (c->what == 'H') {
        answer(c, "$0\r\n\r\n");
    } else {
        answer(c, "*0\r\n");
    }
}

/* ---- Commands ----------------------------------------------------------- */

static void
word(conn_t *c, const char *w, size_t len)
{
    switch (c->words++) {
    case 0:
        c->ping = len == 4 && (w[0] == 'P' || w[0] == 'p');
        break;

    case 1:
        c->what = len > 0 ? w[0] : ' ';
        c->what3 = len > 3 ? w[3] : ' ';
        break;

    case 2:
    case 3:
        c->number[c->words - 3] = strtoull(w, NULL, 10);
        break;

    default:
        break;
    }
}

/* "*12\r\n" or "$12\r\n" at `at`: its number, and `*next` behind it; -1: it is
 * not whole. */
static long
head(const conn_t *c, size_t at, size_t *next)
{
    const char *end =
        at < c->len ? memchr(c->in + at, '\n', c->len - at) : NULL;

    if (end == NULL) {
        return -1;
    }

    *next = (size_t) (end - c->in) + 1;
    return strtol(c->in + at + 1, NULL, 10);
}

static void
scan(conn_t *c)
{
    size_t next;
    long n;

    for (;;) {
        if (c->left == 0) {
            n = head(c, c->at, &next);
            if (n < 0) {
                break;
            }
            c->left = (uint32_t) n;
            c->words = 0;
            c->at = next;
            continue;
        }

        n = head(c, c->at, &next);
        if (n < 0 || c->len < next + (size_t) n + 2) {
            break;
        }
        word(c, c->in + next, (size_t) n);
        c->at = next + (size_t) n + 2;
        if (--c->left == 0) {
            execute(c);
        }
    }

    memmove(c->in, c->in + c->at, c->len - c->at);
    c->len -= c->at;
    c->at = 0;
}

static void
conn_read(conn_t *c)
{
    ssize_t n;

    if (c->room - c->len < READ_MAX) {
        c->room = c->len + 2 * READ_MAX;
        c->in = realloc(c->in, c->room);
        if (c->in == NULL) {
            die("read");
        }
    }

    n = read(c->fd, c->in + c->len, c->room - c->len - 1);
    if (n <= 0) {
        /* Answers to come have a copy of it, so closing is not enough. */
        (void) epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
        close(c->fd);
        free(c->in);
        free(c);
        return;
    }

    received += (uint64_t) n;
    c->len += (size_t) n;
    c->in[c->len] = '\0';
    scan(c);
}

static void
stub_accept(stub_t *s)
{
    conn_t *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        die("accept");
    }
    c->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd == -1) {
        free(c);
        return;
    }
    c->stub = s;
    watch(c->fd, (void *) ((uintptr_t) c | 1));
}

/* ---- The whole ---------------------------------------------------------- */

static void
stub_open(stub_t *s, int i, int port)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    int on = 1;

    in.sin_port = htons((uint16_t) port);
    in.sin_addr.s_addr = htonl(0x7f010000u + (uint32_t) i);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(s->fd, (struct sockaddr *) &in, sizeof(in)) == -1
        || listen(s->fd, 16) == -1)
    {
        die("listen");
    }
    watch(s->fd, s);
}

static bool
command(void)
{
    char line[64];
    uint64_t epoch;
    int have = 0, all = 0;

    if (fgets(line, sizeof(line), stdin) == NULL) {
        return false;
    }

    if (sscanf(line, "at %" SCNu64, &epoch) == 1) {
        for (int i = 0; i < count; i++) {
            all += !stubs[i].hole;
            have += !stubs[i].hole && stubs[i].epoch == epoch
                    && stubs[i].repl_epoch == epoch;
        }
        printf("%d %d\n", have, all);
    } else {
        printf("%" PRIu64 " %" PRIu64 "\n", received, sent);
    }
    fflush(stdout);
    return true;
}

static void
raise_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &r);
    }
}

int
main(int argc, char **argv)
{
    int slow, holes, port;
    bool open = true;

    if (argc != 5) {
        fprintf(stderr, "usage: stub_proxies COUNT PORT SLOW HOLES\n");
        return EXIT_FAILURE;
    }

    raise_descriptors();
    count = atoi(argv[1]);
    port = atoi(argv[2]);
    slow = atoi(argv[3]);
    holes = atoi(argv[4]);
    stubs = calloc((size_t) count, sizeof(*stubs));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (stubs == NULL || poller == -1) {
        die("stub_proxies");
    }

    setvbuf(stdin, NULL, _IONBF, 0);
    watch(STDIN_FILENO, NULL);
    for (int i = 0; i < count; i++) {
        stubs[i].slow = slow > 0 && i % slow == slow - 1;
        stubs[i].hole = holes > 0 && i % holes == holes / 2;
        stub_open(&stubs[i], i, port);
    }
    printf("ready\n");
    fflush(stdout);

    while (open) {
        struct epoll_event ev[EVENTS];
        int n = epoll_wait(poller, ev, EVENTS, say_late());

        for (int i = 0; i < n; i++) {
            uintptr_t p = (uintptr_t) ev[i].data.ptr;

            if (p == 0) {
                open = command();
            } else if ((p & 1) != 0) {
                conn_read((conn_t *) (p & ~(uintptr_t) 1));
            } else {
                stub_accept((stub_t *) p);
            }
        }
    }

    return EXIT_SUCCESS;
}
