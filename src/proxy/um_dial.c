/*
 * From an address to a connected socket.  Names are looked up anew for every
 * attempt, on a helper thread, and their addresses tried in turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_log.h"
#include "net/um_resolve.h"
#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"

#define MSEC 1000000ull

/* A lookup under way.  Belongs to its job, also when nobody wants it now. */
struct um_lookup_s {
    um_backend_t *b; /* NULL: not wanted any more */
    char host[254];
    char port[8];
    uint32_t attempt;
    int err; /* of getaddrinfo() */
    um_resolved_t found;
};

/* Fail at the next tick: whoever asked us to open is not yet ready to hear
 * of it. */
static void
dial_failed(um_backend_t *b, int err, const char *why)
{
    b->state = UM_BACKEND_CONNECTING;
    b->step_ns = 0;
    b->dial_err = err;
    b->dial_why = why;
}

static void
dial_socket(um_backend_t *b, const struct sockaddr *sa, socklen_t len)
{
    int fd =
        socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd == -1) {
        dial_failed(b, errno, "no socket to be had");
        return;
    }

    if (sa->sa_family != AF_UNIX) {
        unsigned dead_ms =
            (unsigned) um_min(b->w->conf->backend_timeout * 4, 600000u);
        int idle_s = (int) um_max(dead_ms / 2000, 1u);

        /* A peer that vanished without a word is noticed by the kernel. */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        (void) setsockopt(
            fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
        (void) setsockopt(
            fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof(on));
    }

    if (connect(fd, sa, len) == -1 && errno != EINPROGRESS) {
        int err = errno;

        (void) close(fd);
        dial_failed(b, err, "connect failed");
        return;
    }

    if (um_backend_io_open(b, fd) != UM_OK) {
        dial_failed(b, ENOMEM, "cannot be watched");
        return;
    }

    b->dial_why = NULL;
    b->state = UM_BACKEND_CONNECTING;
}

static void
lookup_work(void *data)
{
    struct um_lookup_s *l = data;

    l->err = um_resolve_nth(l->host, l->port, l->attempt, &l->found);
}

static void
lookup_done(void *data)
{
    struct um_lookup_s *l = data;
    um_backend_t *b = l->b;

    if (b != NULL) {
        b->lookup = NULL;
        if (l->err != 0) {
            um_log_warn(
                0, "backend %s: %s", b->node->addr.text, gai_strerror(l->err));
            um_backend_fail(b, 0, "name cannot be resolved");
        } else {
            dial_socket(b, (struct sockaddr *) &l->found.sa, l->found.len);
        }
    }

    free(l);
}

void
um_backend_lookup_cancel(um_backend_t *b)
{
    b->lookup->b = NULL;
    b->lookup = NULL;
}

static void
dial_lookup(um_backend_t *b)
{
    struct um_lookup_s *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        dial_failed(b, ENOMEM, "name cannot be resolved");
        return;
    }

    l->b = b;
    l->attempt = b->attempt++;
    memcpy(l->host, b->node->addr.host, sizeof(l->host));
    (void) snprintf(l->port, sizeof(l->port), "%u", b->node->addr.port);

    b->lookup = l;
    b->state = UM_BACKEND_RESOLVING;
    if (um_jobs_add(b->w->lookups, lookup_work, lookup_done, l) != UM_OK) {
        b->lookup = NULL;
        free(l);
        dial_failed(b, 0, "too many names to resolve");
    }
}

void
um_backend_open(um_backend_t *b)
{
    const um_addr_t *a = &b->node->addr;

    if (b->state != UM_BACKEND_IDLE) {
        return;
    }

    b->opened++;
    b->step_ns = um_worker_now(b->w) + b->w->conf->backend_timeout * MSEC;
    um_backend_mark_busy(b);

    if (a->kind == UM_ADDR_NAME) {
        dial_lookup(b);
        return;
    }

    dial_socket(b, (const struct sockaddr *) &a->sa, a->sa_len);
}

um_rc_t
um_backend_io_connected(um_backend_t *b)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    int err = 0;
    socklen_t err_len = sizeof(err);

    if (getsockopt(b->io.fd, SOL_SOCKET, SO_ERROR, &err, &err_len) == -1) {
        err = errno;
    }
    if (err != 0) {
        um_backend_fail(b, err, "connect failed");
        return UM_DONE;
    }

    if (getsockname(b->io.fd, (struct sockaddr *) &ss, &len) == 0) {
        um_addr_format(
            (struct sockaddr *) &ss, len, b->laddr, sizeof(b->laddr));
    }

    um_stat_add(b->w->row, UM_STAT_BACKEND_CONNECTS, 1);
    return UM_OK;
}
