/*
 * lin_client.c -- a cluster client that never has two operations under way.
 *
 *   IDLE     -> CONNECTS  [load_begin, client_try]
 *   CONNECTS -> ASKED     [client_send]       from here on it may be executed
 *   CONNECTS -> LATER     [client_again]      nothing has been sent
 *   ASKED    -> LATER     [client_again]      an error: surely not executed
 *   ASKED    -> IDLE      [client_answered, client_unknown]
 *   LATER    -> CONNECTS  [load_due]
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MSEC INT64_C(1000000)

/* After an error nobody is asked again at once. */
#define PAUSE (10 * MSEC)

/* What the scout does then. */
#define SCOUT_PAUSE (200 * MSEC)

int64_t
load_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

unsigned
load_node(load_t *l, const char *addr)
{
    const char *colon = strrchr(addr, ':');
    load_node_t *n;
    char host[64];

    for (unsigned i = 0; i < l->nodes; i++) {
        if (strcmp(l->node[i].addr, addr) == 0) {
            return i;
        }
    }
    if (l->nodes == LOAD_NODES || colon == NULL
        || (size_t) (colon - addr) >= sizeof(host)
        || strlen(addr) >= sizeof(n->addr))
    {
        return LOAD_NODES;
    }

    n = &l->node[l->nodes];
    memcpy(host, addr, (size_t) (colon - addr));
    host[colon - addr] = '\0';
    n->to.sin_family = AF_INET;
    n->to.sin_port = htons((uint16_t) strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &n->to.sin_addr) != 1) {
        return LOAD_NODES;
    }
    memcpy(n->addr, addr, strlen(addr) + 1);
    return l->nodes++;
}

/* --- connections ---------------------------------------------------------- */

static void
conn_close(load_client_t *c, unsigned node)
{
    if (c->conn[node].fd >= 0) {
        close(c->conn[node].fd);
    }
    c->conn[node] = (load_conn_t){ .fd = -1 };
}

static bool
conn_open(load_t *l, load_client_t *c, unsigned node)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
        .data.u64 = (uint64_t) (c - l->client) << 8 | node };
    load_conn_t *k = &c->conn[node];
    int on = 1;

    k->ready = false;
    k->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (k->fd < 0) {
        return false;
    }
    setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(k->fd, (struct sockaddr *) &l->node[node].to,
            sizeof(l->node[node].to))
            != 0
        && errno != EINPROGRESS)
    {
        conn_close(c, node);
        return false;
    }
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, k->fd, &e) == 0;
}

/* --- the end of an operation ---------------------------------------------- */

static void
client_idle(load_client_t *c)
{
    c->state = LOAD_IDLE;
    c->in.len = 0;
}

static void
client_over(load_t *l, load_client_t *c, bool unknown)
{
    client_idle(c);
    if (load_is_scout(l, c)) {
        c->state = LOAD_LATER;
        c->until = l->now + SCOUT_PAUSE;
        return;
    }
    if (c->group != NULL) {
        load_groups_done(&l->groups, c->group, c->name, unknown, &c->op);
    }
}

static void
client_log(load_t *l, load_client_t *c, int64_t ret)
{
    fprintf(l->log, "%u %" PRId64 " ", c->id, c->op.inv);
    if (ret == LIN_NEVER) {
        fprintf(l->log, "- ? %s\n", c->line);
        return;
    }
    fprintf(l->log, "%" PRId64 " %.*s %s\n", ret, (int) c->op.reply.len,
        c->op.reply.data, c->line);
}

/* It may be executed yet. */
static void
client_unknown(load_t *l, load_client_t *c)
{
    conn_close(c, c->node);
    l->owner[c->slot] = LOAD_NODES;
    if (!load_is_scout(l, c)) {
        l->unknown++;
        client_log(l, c, LIN_NEVER);
    }
    client_over(l, c, true);
}

/* It was surely not executed. */
static void
client_again(load_t *l, load_client_t *c, int64_t pause)
{
    l->retried++;
    c->in.len = 0;
    if (!load_is_scout(l, c) && l->now - c->first > l->patience) {
        l->given_up++;
        client_over(l, c, false);
        return;
    }
    c->state = LOAD_LATER;
    c->until = l->now + pause;
}

static bool
begins(lin_str_t s, const char *word)
{
    return s.len >= strlen(word) && memcmp(s.data, word, strlen(word)) == 0;
}

static bool
has(lin_str_t s, const char *word)
{
    return memmem(s.data, s.len, word, strlen(word)) != NULL;
}

/* Errors of the proxy, and of Redis, that say that nothing was executed. */
static bool
says_not_executed(lin_str_t s)
{
    static const char *const words[] = { "-CLUSTERDOWN", "-TRYAGAIN",
        "-READONLY", "-LOADING", "-MASTERDOWN", "-UNBLOCKED", "-NOREPLICAS",
        "-OOM", "-MISCONF", "-BUSY", "-ERR_TOO_MANY_REDIRECTIONS",
        "-ERR~max~number~of~clients", "-ERR~out~of~file~descriptors", NULL };

    for (const char *const *w = words; *w != NULL; w++) {
        if (begins(s, *w)) {
            return true;
        }
    }
    return has(s, "was~not~sent");
}

/* These it may also say of what it has sent. */
static bool
says_unknown(lin_str_t s)
{
    return has(s, "may~have~been~executed") || begins(s, "-ERR_BACKEND_")
           || begins(s, "-ERR~out~of~memory")
           || begins(s, "-ERR~a~backend~answered");
}

static void
client_moved(load_t *l, load_client_t *c, lin_str_t s)
{
    char addr[64];
    unsigned slot, node;

    if (s.len >= 100 || sscanf(s.data, "-MOVED~%u~%63[0-9.:]", &slot, addr) != 2
        || (node = load_node(l, addr)) == LOAD_NODES)
    {
        client_again(l, c, PAUSE);
        return;
    }
    /* Two that send one to one another have not agreed yet. */
    l->owner[slot % LOAD_SLOTS] = (uint8_t) node;
    client_again(l, c, l->now - c->first < PAUSE ? 0 : PAUSE / 2);
}

/* What CLUSTER SLOTS says. */
static void
scout_learn(load_t *l, const char *text)
{
    unsigned from, to, port, node;
    char host[48], addr[64];

    for (const char *s = text; (s = strstr(s, "[:")) != NULL; s++) {
        if (sscanf(s, "[:%u,:%u,[$%47[^,],:%u", &from, &to, host, &port) != 4) {
            continue;
        }
        snprintf(addr, sizeof(addr), "%s:%u", host, port);
        node = load_node(l, addr);
        for (; from <= to && to < LOAD_SLOTS; from++) {
            l->owner[from] = (uint8_t) node;
        }
    }
}

static void
client_answered(load_t *l, load_client_t *c)
{
    lin_str_t s;

    *load_buf_room(&l->text, 1) = '\0';
    s = (lin_str_t){ l->text.data, (uint32_t) l->text.len };
    if (load_is_scout(l, c)) {
        scout_learn(l, s.data);
        client_over(l, c, false);
        return;
    }
    if (begins(s, "-MOVED~")) {
        client_moved(l, c, s);
        return;
    }
    if (begins(s, "-") && says_not_executed(s)) {
        l->owner[c->slot] = LOAD_NODES;
        client_again(l, c, PAUSE);
        return;
    }
    if (begins(s, "-") && says_unknown(s)) {
        l->unknown++;
        client_log(l, c, LIN_NEVER);
        client_over(l, c, true);
        return;
    }

    c->op.reply = s;
    l->ops++;
    l->half[c->slot >> 13]++;
    client_log(l, c, l->now);
    client_over(l, c, false);
}

/* --- asking --------------------------------------------------------------- */

/* Everything is written at once, into an empty socket; or it is as if all of
 * it had been. */
static void
client_send(load_t *l, load_client_t *c)
{
    load_conn_t *k = &c->conn[c->node];
    ssize_t n;

    c->op.inv = load_clock();
    c->state = LOAD_ASKED;
    c->until = l->now + l->timeout;
    n = send(k->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
    if (n != (ssize_t) c->out.len) {
        client_unknown(l, c);
    }
}

static void
client_refused(load_t *l, load_client_t *c)
{
    conn_close(c, c->node);
    l->owner[c->slot] = LOAD_NODES;
    client_again(l, c, PAUSE);
}

static void
client_try(load_t *l, load_client_t *c)
{
    unsigned node = load_is_scout(l, c) ? LOAD_NODES : l->owner[c->slot];

    if (node >= l->nodes) {
        node = (unsigned) (lin_random(&c->gen) % l->nodes);
    }
    c->node = (uint8_t) node;
    c->in.len = 0;
    c->state = LOAD_CONNECTS;
    c->until = l->now + l->timeout;
    if (c->conn[node].fd < 0 && !conn_open(l, c, node)) {
        client_refused(l, c);
        return;
    }
    if (c->conn[node].ready) {
        client_send(l, c);
    }
}

/* The words of the next operation; 0: there is none. */
static size_t
client_choose(load_t *l, load_client_t *c)
{
    lin_str_t group;

    if (!l->ending) {
        c->group = load_groups_pick(&l->groups, &c->gen, &c->old);
        if (c->group == NULL) {
            return 0;
        }
        group = (lin_str_t){ c->group->name, c->group->len };
        c->slot = c->group->slot;
        memcpy(c->name, c->group->name, sizeof(c->name));
        if (c->old) {
            c->group = NULL;
            return lin_gen_read((lin_str_t){ c->name, group.len },
                (unsigned) (lin_random(&c->gen) % 2), c->line, sizeof(c->line));
        }
        return lin_gen(&c->gen, group,
            (lin_str_t){ c->group->hint, (uint32_t) strlen(c->group->hint) },
            c->line, sizeof(c->line));
    }

    /* At the end all keys are read. */
    for (; l->last_read < l->groups.lives + l->groups.olds; l->last_read++) {
        const load_group_t *g =
            l->last_read < l->groups.lives
                ? &l->groups.live[l->last_read]
                : &l->groups.old[l->last_read - l->groups.lives];
        size_t n = lin_gen_read((lin_str_t){ g->name, g->len },
            l->last_read_k++, c->line, sizeof(c->line));

        if (n > 0) {
            c->group = NULL;
            c->slot = g->slot;
            return n;
        }
        l->last_read_k = 0;
    }
    l->read_all = true;
    return 0;
}

void
load_begin(load_t *l, load_client_t *c)
{
    static const char slots[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
    size_t n;

    c->out.len = 0;
    if (load_is_scout(l, c)) {
        memcpy(load_buf_room(&c->out, sizeof(slots)), slots, sizeof(slots));
        c->out.len = sizeof(slots) - 1;
    } else {
        n = client_choose(l, c);
        if (n == 0) {
            return;
        }
        (void) lin_op_parse(
            &c->op, c->argv, (lin_str_t){ c->line, (uint32_t) n });
        c->line[n] = '\0';
        load_put_command(&c->out, &c->op);
    }
    c->first = l->now;
    client_try(l, c);
}

/* --- what happens --------------------------------------------------------- */

static void
client_lost(load_t *l, load_client_t *c, unsigned node)
{
    if (node != c->node || c->state == LOAD_IDLE || c->state == LOAD_LATER) {
        conn_close(c, node);
    } else if (c->state == LOAD_CONNECTS) {
        client_refused(l, c);
    } else {
        client_unknown(l, c);
    }
}

static void
client_readable(load_t *l, load_client_t *c, unsigned node)
{
    long used;
    ssize_t n;

    for (;;) {
        n = recv(c->conn[node].fd, load_buf_room(&c->in, 16384), 16384, 0);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0 || node != c->node || c->state != LOAD_ASKED) {
            client_lost(l, c, node);
            return;
        }

        c->in.len += (size_t) n;
        l->text.len = 0;
        used = load_get_reply(c->in.data, c->in.len, &l->text);
        if (used < 0 || (used > 0 && (size_t) used != c->in.len)) {
            fprintf(stderr, "um_lin_load: %s answers what is none: %.*s\n",
                l->node[node].addr, (int) c->in.len, c->in.data);
            exit(3);
        }
        if (used > 0) {
            l->now = load_clock();
            client_answered(l, c);
            return;
        }
    }
}

void
load_event(load_t *l, load_client_t *c, unsigned node, uint32_t events)
{
    load_conn_t *k = &c->conn[node];
    socklen_t size = sizeof(int);
    int error = 0;

    if (k->fd < 0) {
        return; /* closed in this turn */
    }
    if (!k->ready && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            client_lost(l, c, node);
            return;
        }
        k->ready = true;
        if (node == c->node && c->state == LOAD_CONNECTS) {
            client_send(l, c);
        }
    }
    if (k->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP))) {
        client_readable(l, c, node);
    }
}

void
load_due(load_t *l, load_client_t *c)
{
    switch (c->state) {
    case LOAD_LATER:
        client_try(l, c);
        return;
    case LOAD_CONNECTS:
        client_refused(l, c);
        return;
    case LOAD_ASKED:
        client_unknown(l, c);
        return;
    case LOAD_IDLE:
        return;
    }
}
