/*
 * Out of descriptors, accept() would fail for ever while the client waits in
 * the kernel's queue.  So one descriptor is kept in reserve: given up, it lets
 * us take the client, tell it why, and close.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_log.h"
#include "proxy/um_client.h"

#define ACCEPTS_PER_TURN 64

typedef struct {
    um_listen_t *all;
    um_io_t io;
    bool control;
} socket_t;

struct um_listen_s {
    um_worker_t *w;
    int reserve;      /* -1: in use, or not to be had */
    uint64_t told_ns; /* when we last logged that descriptors are short */
    uint32_t refused; /* since then */
    uint32_t count;
    socket_t socket[];
};

static void
reserve_open(um_listen_t *l)
{
    if (l->reserve == -1) {
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

/* accept() found no descriptor: take one client with the reserve, to tell it.
 */
static void
listen_refuse(um_listen_t *l, int listener)
{
    static const char text[] = "-ERR out of file descriptors\r\n";
    uint64_t now = um_worker_now(l->w);
    int fd;

    l->refused++;
    if (now - l->told_ns > 1000000000ull) {
        um_log_error(EMFILE, "clients refused: %u", l->refused);
        l->told_ns = now;
        l->refused = 0;
    }
    um_stat_add(l->w->row, UM_STAT_CLIENTS_REFUSED, 1);

    if (l->reserve == -1) {
        return;
    }

    (void) close(l->reserve);
    l->reserve = -1;
    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd != -1) {
        if (write(fd, text, sizeof(text) - 1) < 0) {
            um_log_debug(errno, "client: refused, and could not be told");
        }
        (void) close(fd);
    }
    reserve_open(l);
}

static void
listen_on_readable(void *data)
{
    socket_t *s = data;

    for (int i = 0; i < ACCEPTS_PER_TURN && s->io.reading; i++) {
        struct sockaddr_storage ss;
        socklen_t len = sizeof(ss);
        int fd;

        memset(&ss, 0, sizeof(ss.ss_family));
        fd = accept4(s->io.fd, (struct sockaddr *) &ss, &len,
            SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1) {
            (void) um_client_start(s->all->w, fd, s->control,
                (struct sockaddr *) &ss, um_min(len, sizeof(ss)));
            continue;
        }

        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM
            || errno == ENOBUFS) {
            listen_refuse(s->all, s->io.fd);
            reserve_open(s->all);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            um_log_error(errno, "accept failed");
        }

        if (errno == EAGAIN) {
            return;
        }
    }
}

um_listen_t *
um_listen_new(um_worker_t *w)
{
    const um_heritage_t *h = w->heritage;
    um_listen_t *l = calloc(1, sizeof(*l) + h->listen_count * sizeof(socket_t));

    if (l == NULL) {
        um_log_error(0, "listen: out of memory");
        return NULL;
    }

    l->w = w;
    l->reserve = -1;
    reserve_open(l);

    for (uint32_t i = 0; i < h->listen_count; i++) {
        socket_t *s = &l->socket[i];

        s->all = l;
        s->control = h->listen[i].control;
        if (um_io_open(
                &s->io, w->loop, h->listen[i].fd, listen_on_readable, NULL, s)
                != UM_OK
            || um_io_want_read(&s->io, true) != UM_OK)
        {
            um_log_error(
                0, "listen %s: cannot be watched", h->listen[i].addr->text);
            um_io_close(&s->io);
            um_listen_free(l);
            return NULL;
        }
        l->count++;
    }

    return l;
}

void
um_listen_stop(um_listen_t *l)
{
    /* The master holds what is still configured.  Of the rest we may be the
     * last holder: kept open, it would take in connections for nobody. */
    for (uint32_t i = 0; i < l->count; i++) {
        um_io_close(&l->socket[i].io);
    }
}

void
um_listen_free(um_listen_t *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        um_io_close(&l->socket[i].io);
    }
    if (l->reserve != -1) {
        (void) close(l->reserve);
    }
    free(l);
}
