/*
 * order.c -- many pipelining clients, every reply checked against a model.
 *
 * Each client has keys of its own, so what a command must answer is known
 * (model.h).  A command that was answered with an error and executed later,
 * behind a read of its key, is found by the next read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model.h"

enum {
    MANY = 6, /* keys of a multi-key command, at most */
};

enum { SET, GET, INCR, MSET, MGET, DEL, KINDS };

typedef struct {
    uint8_t kind, keys;
    uint8_t key[MANY];
    value_t to[MANY]; /* what SET and MSET write */
} op_t;

typedef struct {
    char *data;
    size_t len, cap;
} buf_t;

typedef struct {
    int fd;
    model_t model;
    op_t *op;
    int ops, answered; /* of this pipeline */
    int pipelines;     /* finished */
    buf_t out, in;
    size_t sent, taken;
    bool writing, last_read;
} client_t;

static int clients = 20, pipelines = 10, depth = 500, big = 4000;
static unsigned long errors, done, cut, finished;
static bool errors_allowed;

static char *
buf_room(buf_t *b, size_t n)
{
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        b->data = realloc(b->data, b->cap);
        if (b->data == NULL) {
            die("out of memory");
        }
    }

    return b->data + b->len;
}

static void
buf_add(buf_t *b, const char *data, size_t n)
{
    memcpy(buf_room(b, n), data, n);
    b->len += n;
}

static void
buf_word(buf_t *b, const char *data, size_t n)
{
    char head[32];

    buf_add(b, head, (size_t) snprintf(head, sizeof(head), "$%zu\r\n", n));
    buf_add(b, data, n);
    buf_add(b, "\r\n", 2);
}

static void
value_put(client_t *c, int key, const value_t *v)
{
    char text[64], num[32];
    size_t n = value_head(&c->model, key, v, text);

    buf_add(&c->out, num,
        (size_t) snprintf(num, sizeof(num), "$%zu\r\n", n + v->len));
    buf_add(&c->out, text, n);
    buf_add(&c->out, value_fill(v), v->len);
    buf_add(&c->out, "\r\n", 2);
}

/* ---- replies ---------------------------------------------------------- */

typedef struct {
    char type;
    long n;           /* number, length or count; -1: nil */
    const char *text; /* of a line or a bulk */
} reply_t;

static long
line_number(const char *s)
{
    bool negative = *s == '-';
    long n = 0;

    for (s += negative; *s >= '0' && *s <= '9'; s++) {
        n = n * 10 + (*s - '0');
    }

    return negative ? -n : n;
}

/* One value, arrays only their head.  Bytes used, 0: incomplete. */
static size_t
reply_next(const char *s, size_t len, reply_t *r)
{
    const char *end = memchr(s, '\n', len);

    if (end == NULL) {
        return 0;
    }

    r->type = s[0];
    r->text = s + 1;
    r->n = line_number(s + 1);
    end++;

    switch (r->type) {
    case '+':
    case '-':
        r->n = end - 2 - r->text;
        return (size_t) (end - s);
    case '$':
        if (r->n < 0) {
            return (size_t) (end - s);
        }
        r->text = end;
        if ((size_t) (end - s) + (size_t) r->n + 2 > len) {
            return 0;
        }
        if (memcmp(end + r->n, "\r\n", 2) != 0) {
            die("a bulk without an end");
        }
        return (size_t) (end - s) + (size_t) r->n + 2;
    case ':':
    case '*':
        return (size_t) (end - s);
    default:
        die("not RESP: %.20s", s);
    }
}

static void
op_failed(client_t *c, const op_t *op, const reply_t *r)
{
    errors++;
    if (!errors_allowed) {
        die("client %d: error without a cause: %.*s", c->model.id, (int) r->n,
            r->text);
    }
    if (strncmp(r->text, "ERR_BACKEND_", 12) != 0
        && strncmp(r->text, "LOADING ", 8) != 0)
    {
        die("client %d: not a backend's error: %.*s", c->model.id, (int) r->n,
            r->text);
    }

    for (int i = 0; i < op->keys; i++) {
        if (op->kind == INCR) {
            slot_incr(&c->model, op->key[i], true, 0);
        } else if (op->kind == SET || op->kind == MSET) {
            slot_may_be(&c->model, op->key[i], op->to[i]);
        } else if (op->kind == DEL) {
            slot_may_be(&c->model, op->key[i], (value_t){ 0 });
        }
    }
}

/* The next reply is `r`, for `op`; MGET's members follow at s.  Bytes of
 * these, -1: incomplete. */
static ssize_t
op_answered(
    client_t *c, const op_t *op, const reply_t *r, const char *s, size_t len)
{
    static const char type[KINDS] = "+$:+*:";
    reply_t member[MANY];
    size_t used = 0;
    int least, most;

    if (r->type == '*') {
        for (int i = 0; i < r->n && i < MANY; i++) {
            size_t n = reply_next(s + used, len - used, &member[i]);

            if (n == 0) {
                return -1;
            }
            used += n;
        }
    }
    if (r->type == '-') {
        op_failed(c, op, r);
        return 0;
    }
    if (r->type != type[op->kind] || (r->type == '*' && r->n != op->keys)) {
        die("client %d: a reply of another command: %c%ld for kind %d",
            c->model.id, r->type, r->n, op->kind);
    }

    switch (op->kind) {
    case GET:
        slot_read(&c->model, op->key[0], r->text, r->n);
        break;
    case MGET:
        for (int i = 0; i < op->keys; i++) {
            slot_read(&c->model, op->key[i], member[i].text, member[i].n);
        }
        break;
    case INCR:
        slot_incr(&c->model, op->key[0], false, (uint64_t) r->n);
        break;
    case DEL:
        slots_present(&c->model, op->key, op->keys, &least, &most);
        if (r->n < least || r->n > most) {
            die("client %d: DEL removed %ld of %d to %d", c->model.id, r->n,
                least, most);
        }
        /* fall through */
    default:
        for (int i = 0; i < op->keys; i++) {
            slot_is(&c->model, op->key[i], op->to[i]);
        }
    }

    return (ssize_t) used;
}

/* ---- requests --------------------------------------------------------- */

static void
op_put(client_t *c, const op_t *op)
{
    static const char *const name[KINDS] = { "SET", "GET", "INCR", "MSET",
        "MGET", "DEL" };
    bool writes = op->kind == SET || op->kind == MSET;
    char text[64];

    buf_add(&c->out, text,
        (size_t) sprintf(text, "*%d\r\n", 1 + op->keys * (1 + writes)));
    buf_word(&c->out, name[op->kind], strlen(name[op->kind]));

    for (int i = 0; i < op->keys; i++) {
        int n = sprintf(text, "order:%d:%d", c->model.id, op->key[i]);

        buf_word(&c->out, text, (size_t) n);
        if (writes) {
            value_put(c, op->key[i], &op->to[i]);
        }
    }
}

static void
op_draw(client_t *c, op_t *op)
{
    memset(op, 0, sizeof(*op));
    op->kind = (uint8_t) draw(KINDS);
    op->keys = 1;
    op->key[0] = (uint8_t) draw(KEYS);

    if (op->kind == INCR) {
        op->key[0] %= COUNTERS;
    } else if (op->kind >= MSET) {
        op->keys = (uint8_t) (1 + draw(MANY));
        for (int i = 1; i < op->keys; i++) { /* neighbours, none twice */
            op->key[i] = (uint8_t) ((op->key[0] + i) % KEYS);
        }
    }

    if (op->kind != SET && op->kind != MSET) {
        return;
    }
    for (int i = 0; i < op->keys; i++) {
        if (op->key[i] < COUNTERS) { /* strings only; the set shrinks */
            op->key[i] = (uint8_t) (COUNTERS + op->key[i]);
        }
        op->to[i] = (value_t){ .present = true,
            .n = ++c->model.serial,
            .len = draw((uint32_t) big) == 0 ? (uint32_t) BIG + draw(9)
                                             : draw(100) };
    }
}

/* MSET k old k new is lawful, but not what this model knows. */
static bool
op_twice(const op_t *op)
{
    for (int i = 0; i < op->keys; i++) {
        for (int j = 0; j < i; j++) {
            if (op->key[i] == op->key[j]) {
                return true;
            }
        }
    }

    return false;
}

static void
pipeline_start(client_t *c)
{
    c->out.len = c->sent = 0;
    c->answered = 0;
    c->ops = c->last_read ? KEYS : depth;

    for (int i = 0; i < c->ops; i++) {
        op_t *op = &c->op[i];

        if (c->last_read) {
            *op = (op_t){ .kind = GET, .keys = 1, .key = { (uint8_t) i } };
        } else {
            do {
                op_draw(c, op);
            } while (op_twice(op));
        }
        op_put(c, op);
    }
}

/* ---- sockets ---------------------------------------------------------- */

static void
client_watch(int ep, client_t *c, bool write)
{
    struct epoll_event ev = { .events = EPOLLIN | (write ? EPOLLOUT : 0),
        .data.ptr = c };

    if (epoll_ctl(
            ep, c->writing == write ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &ev)
        == -1)
    {
        die("epoll: %s", strerror(errno));
    }
    c->writing = write;
}

static void
client_connect(int ep, client_t *c, const struct sockaddr_in *to)
{
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (const struct sockaddr *) to, sizeof(*to)) == -1) {
        die("connect: %s", strerror(errno));
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->op = calloc((size_t) (depth > KEYS ? depth : KEYS), sizeof(op_t));
    pipeline_start(c);
    c->writing = true;
    client_watch(ep, c, true);
}

/* A piece of the pipeline, cut anywhere. */
static void
client_write(int ep, client_t *c)
{
    size_t left = c->out.len - c->sent;
    size_t n = 1 + draw(draw(8) == 0 ? 5 : 40000);
    ssize_t rc;

    if (left > 200000) {
        n *= 16; /* big values would take for ever */
    }

    rc = send(c->fd, c->out.data + c->sent, n < left ? n : left,
        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (rc == -1 && errno != EAGAIN) {
        die("client %d: write: %s", c->model.id, strerror(errno));
    }
    c->sent += rc > 0 ? (size_t) rc : 0;
    if (c->sent == c->out.len) {
        client_watch(ep, c, false);
    }
}

static void
client_end(client_t *c)
{
    close(c->fd);
    free(c->op);
    free(c->in.data);
    free(c->out.data);
    finished++;
}

static void
client_parse(client_t *c)
{
    while (c->answered < c->ops) {
        const char *s = c->in.data + c->taken;
        size_t len = c->in.len - c->taken, used;
        ssize_t more;
        reply_t r;

        used = len == 0 ? 0 : reply_next(s, len, &r);
        if (used == 0) {
            break;
        }
        more = op_answered(c, &c->op[c->answered], &r, s + used, len - used);
        if (more < 0) {
            break;
        }
        c->taken += used + (size_t) more;
        c->answered++;
        done++;
    }

    memmove(c->in.data, c->in.data + c->taken, c->in.len - c->taken);
    c->in.len -= c->taken;
    c->taken = 0;
}

static void
client_read(int ep, client_t *c)
{
    size_t room = 1 + draw(draw(4) == 0 ? 100 : 1 << 20);
    ssize_t n = recv(c->fd, buf_room(&c->in, room + 1), room, MSG_DONTWAIT);

    if (n == 0 && errors_allowed && c->in.len > 0) {
        cut++; /* in the middle of a reply, which its node did not finish */
        client_end(c);
        return;
    }
    if (n == 0 || (n == -1 && errno != EAGAIN)) {
        die("client %d: closed: %s", c->model.id,
            n == 0 ? "" : strerror(errno));
    }
    c->in.len += n > 0 ? (size_t) n : 0;
    c->in.data[c->in.len] = '\0'; /* for strtol() on what is cut short */
    client_parse(c);
    if (c->answered < c->ops) {
        return;
    }

    if (c->in.len != 0) {
        die("client %d: more replies than commands", c->model.id);
    }
    if (c->sent != c->out.len) {
        die("client %d: replies before their commands", c->model.id);
    }
    if (c->last_read) {
        client_end(c);
        return;
    }
    c->last_read = ++c->pipelines == pipelines;
    pipeline_start(c);
    client_watch(ep, c, true);
}

int
main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct epoll_event ev[64];
    unsigned long half;
    static client_t *all; /* reachable to the end, so no leak */
    int ep, opt;

    while ((opt = getopt(argc, argv, "p:c:n:d:b:s:e")) != -1) {
        switch (opt) {
        case 'p':
            to.sin_port = htons((uint16_t) atol(optarg));
            break;
        case 'c':
            clients = (int) atol(optarg);
            break;
        case 'n':
            pipelines = (int) atol(optarg);
            break;
        case 'd':
            depth = (int) atol(optarg);
            break;
        case 'b':
            big = (int) atol(optarg);
            break;
        case 's':
            draw_seed((uint64_t) atol(optarg));
            break;
        case 'e':
            errors_allowed = true;
            break;
        default:
            fprintf(stderr,
                "order -p port [-c clients] [-n pipelines] "
                "[-d depth] [-b one in so many values is big] [-s seed] "
                "[-e errors may come]\n");
            return 2;
        }
    }

    setvbuf(stdout, NULL, _IOLBF, 0);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);

    ep = epoll_create1(0);
    all = calloc((size_t) clients, sizeof(*all));
    for (int i = 0; i < clients; i++) {
        model_init(&all[i].model, i);
        client_connect(ep, &all[i], &to);
    }

    half = (unsigned long) clients * (unsigned long) pipelines
           * (unsigned long) depth / 2;
    while (finished < (unsigned long) clients) {
        unsigned long before = done;
        int n = epoll_wait(ep, ev, 64, 30000);

        if (n == 0) {
            die("nothing comes for 30 s; %lu replies so far", done);
        }
        for (int i = 0; i < n; i++) {
            client_t *c = ev[i].data.ptr;

            if (ev[i].events & EPOLLOUT) {
                client_write(ep, c);
            }
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                client_read(ep, c);
            }
        }
        if (before < half && done >= half) {
            printf("half\n");
        }
    }

    printf("right: %lu replies, %lu errors, %lu cut\n", done, errors, cut);
    free(all);
    return 0;
}
