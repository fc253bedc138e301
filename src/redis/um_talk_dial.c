/*
 * um_talk_dial.c -- from an address to a socket that connects.
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
#include <unistd.h>

#include "net/um_resolve.h"
#include "redis/um_talk_priv.h"

/* A look-up under way.  Belongs to its job, also when nobody wants it now. */
struct talk_names_s {
    um_talk_t *t; /* NULL: not wanted any more */
    char host[254];
    char port[8];
    uint32_t attempt;
    int err; /* of getaddrinfo() */
    um_resolved_t found;
};

static void
dial_socket(um_talk_t *t, const struct sockaddr *sa, socklen_t len)
{
    int fd =
        socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd == -1) {
        um_talk_soon(t, errno, "no socket to be had");
        return;
    }

    if (sa->sa_family != AF_UNIX) {
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }

    if (connect(fd, sa, len) == -1 && errno != EINPROGRESS) {
        int err = errno;

        (void) close(fd);
        um_talk_soon(t, err, "connect failed");
        return;
    }

    um_talk_dialled(t, fd);
}

static void
names_work(void *data)
{
    struct talk_names_s *n = data;

    n->err = um_resolve_nth(n->host, n->port, n->attempt, &n->found);
}

static void
names_done(void *data)
{
    struct talk_names_s *n = data;
    um_talk_t *t = n->t;

    if (t != NULL) {
        t->names = NULL;
        if (n->err == EAI_AGAIN || n->err == EAI_MEMORY || n->err == EAI_SYSTEM)
        {
            um_talk_fail_here(t, gai_strerror(n->err));
        } else if (n->err != 0) {
            um_talk_fail(t, 0, gai_strerror(n->err));
        } else {
            dial_socket(t, (struct sockaddr *) &n->found.sa, n->found.len);
        }
    }

    free(n);
}

void
um_talk_dial_cancel(um_talk_t *t)
{
    if (t->names != NULL) {
        t->names->t = NULL;
        t->names = NULL;
    }
}

static void
dial_names(um_talk_t *t)
{
    struct talk_names_s *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        um_talk_soon(t, ENOMEM, "name cannot be resolved");
        return;
    }

    n->t = t;
    n->attempt = t->attempt++;
    memcpy(n->host, t->addr.host, sizeof(n->host));
    (void) snprintf(n->port, sizeof(n->port), "%u", t->addr.port);

    t->names = n;
    t->state = TALK_RESOLVING;
    if (um_jobs_add(t->conf.names, names_work, names_done, n) != UM_OK) {
        t->names = NULL;
        free(n);
        um_talk_soon(t, ENOBUFS, "too many names to resolve");
    }
}

void
um_talk_dial(um_talk_t *t)
{
    const um_addr_t *a = &t->addr;

    if (a->kind == UM_ADDR_NAME) {
        dial_names(t);
        return;
    }

    dial_socket(t, (const struct sockaddr *) &a->sa, a->sa_len);
}
