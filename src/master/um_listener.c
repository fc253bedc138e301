/*
 * um_listener.c -- see um_listener.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"

/* From one attempt to have an address to the next. */
#define LISTENER_AGAIN_MS 20

static um_rc_t
listener_lookup(um_listener_t *l)
{
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_ADDRCONFIG,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found;
    char port[8];
    int err;

    snprintf(port, sizeof(port), "%u", l->addr->port);

    err = getaddrinfo(l->addr->host, port, &hints, &found);
    if (err != 0) {
        um_log_error(err == EAI_SYSTEM ? errno : 0, "listen %s: %s",
            l->addr->text, gai_strerror(err));
        return UM_ERR;
    }

    memcpy(&l->sa, found->ai_addr, found->ai_addrlen);
    l->sa_len = found->ai_addrlen;
    freeaddrinfo(found);
    return UM_OK;
}

um_rc_t
um_listener_resolve(um_listener_t *l, const um_addr_t *addr, bool control)
{
    memset(l, 0, sizeof(*l));
    l->addr = addr;
    l->control = control;

    /* Each of several sockets would get a port of its own. */
    if (addr->kind != UM_ADDR_UNIX && addr->port == 0) {
        um_log_error(0, "listen %s: port 0 is no port", addr->text);
        return UM_ERR;
    }

    if (addr->kind == UM_ADDR_NAME) {
        return listener_lookup(l);
    }

    l->sa = addr->sa;
    l->sa_len = addr->sa_len;
    return UM_OK;
}

bool
um_listener_is_same(const um_listener_t *a, const um_listener_t *b)
{
    return a->sa_len == b->sa_len && memcmp(&a->sa, &b->sa, a->sa_len) == 0;
}

static um_rc_t
listener_option(const um_listener_t *l, int fd, int level, int option)
{
    int on = 1;

    if (setsockopt(fd, level, option, &on, sizeof(on)) == -1) {
        um_log_error(errno, "listen %s: socket option %d refused",
            l->addr->text, option);
        return UM_ERR;
    }

    return UM_OK;
}

/*
 * Somebody has the address: shall it be tried again?  A predecessor that was
 * killed keeps it for a moment although it is not to be seen any more, namely
 * while a thread of it waits for a disk (a broker's fsync), or until a child
 * of it has heard.
 */
static bool
listener_waits(um_listener_t *l)
{
    if (um_clock_ns() >= l->patient_ns) {
        return false;
    }

    if (!l->told) {
        um_log_notice(0, "listen %s: is in use, waits for it", l->addr->text);
        l->told = true;
    }

    (void) poll(NULL, 0, LISTENER_AGAIN_MS);
    return true;
}

/* A socket bound to the address of `l`, not listening; -1: logged. */
static int
listener_socket(um_listener_t *l, bool reuseport)
{
    int family = l->sa.ss_family;
    int fd;

    fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        um_log_error(errno, "listen %s: socket failed", l->addr->text);
        return -1;
    }

    if (family != AF_UNIX
        && listener_option(l, fd, SOL_SOCKET, SO_REUSEADDR) != UM_OK)
    {
        goto fail;
    }

    if (reuseport && listener_option(l, fd, SOL_SOCKET, SO_REUSEPORT) != UM_OK)
    {
        goto fail;
    }

    if (family == AF_INET6
        && listener_option(l, fd, IPPROTO_IPV6, IPV6_V6ONLY) != UM_OK)
    {
        goto fail;
    }

    while (bind(fd, (const struct sockaddr *) &l->sa, l->sa_len) == -1) {
        int err = errno;

        if (err != EADDRINUSE || !listener_waits(l)) {
            um_log_error(err, "listen %s: bind failed", l->addr->text);
            goto fail;
        }
    }

    return fd;

fail:
    close(fd);
    return -1;
}

/*
 * SO_REUSEPORT would let us share the address with a stranger of the same
 * user, another undermoond above all, and lose connections to each other.
 */
static um_rc_t
listener_probe(um_listener_t *l)
{
    int fd = listener_socket(l, false);

    if (fd == -1) {
        return UM_ERR;
    }

    close(fd);
    return UM_OK;
}

/* Does somebody listen there?  ECONNREFUSED: nobody does. */
static int
listener_ask(const um_listener_t *l)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err = 0;

    if (fd == -1) {
        return errno;
    }

    if (connect(fd, (const struct sockaddr *) &l->sa, l->sa_len) == -1) {
        err = errno;
    }

    close(fd);
    return err;
}

/* Make room for the socket's file: a server that was killed leaves its own
 * behind, one that lives answers. */
static um_rc_t
listener_unlink_stale(um_listener_t *l)
{
    const struct sockaddr_un *sun = (const void *) &l->sa;
    struct stat st;
    int err;

    do {
        if (sun->sun_path[0] == '\0' || lstat(sun->sun_path, &st) == -1) {
            return UM_OK; /* abstract, or nothing there: bind will tell */
        }

        if (!S_ISSOCK(st.st_mode)) {
            um_log_error(0, "listen %s: there is a file that is no socket",
                l->addr->text);
            return UM_ERR;
        }

        err = listener_ask(l);
    } while (err != ECONNREFUSED && listener_waits(l));

    if (err != ECONNREFUSED) {
        um_log_error(EADDRINUSE, "listen %s", l->addr->text);
        return UM_ERR;
    }

    if (unlink(sun->sun_path) == -1) {
        um_log_error(
            errno, "listen %s: unlink of a stale one failed", l->addr->text);
        return UM_ERR;
    }

    return UM_OK;
}

static um_rc_t
listener_open_unix(um_listener_t *l)
{
    const struct sockaddr_un *sun = (const void *) &l->sa;
    struct stat st;

    if (listener_unlink_stale(l) != UM_OK) {
        return UM_ERR;
    }

    l->fd[0] = listener_socket(l, false);
    if (l->fd[0] == -1) {
        return UM_ERR;
    }

    l->fd_count = 1;

    if (sun->sun_path[0] == '\0') {
        return UM_OK;
    }

    /* Like a port: who may come near is said by the folder's rights. */
    if (chmod(sun->sun_path, 0666) == -1 || lstat(sun->sun_path, &st) == -1) {
        um_log_error(errno, "listen %s: chmod failed", l->addr->text);
        return UM_ERR;
    }

    l->dev = st.st_dev;
    l->ino = st.st_ino;
    l->made = st.st_mtim;
    return UM_OK;
}

um_rc_t
um_listener_open(um_listener_t *l, const um_listener_t *old, uint32_t workers,
    um_pool_t *pool)
{
    uint32_t before = old == NULL ? 0 : old->fd_count;

    l->fd = um_pool_array(pool, um_max(before, workers), sizeof(*l->fd));
    if (l->fd == NULL) {
        um_log_error(ENOMEM, "listen %s", l->addr->text);
        return UM_ERR;
    }

    if (old != NULL) {
        memcpy(l->fd, old->fd, before * sizeof(*l->fd));
        l->fd_count = l->inherited = before;
        l->dev = old->dev;
        l->ino = old->ino;
        l->made = old->made;
    }

    if (l->sa.ss_family == AF_UNIX) {
        return before == 0 ? listener_open_unix(l) : UM_OK;
    }

    if (before == 0 && listener_probe(l) != UM_OK) {
        return UM_ERR;
    }

    while (l->fd_count < workers) {
        int fd = listener_socket(l, true);

        if (fd == -1) {
            return UM_ERR;
        }

        l->fd[l->fd_count++] = fd;
    }

    return UM_OK;
}

void
um_listener_commit(um_listener_t *l)
{
    uint32_t i;

    for (i = l->inherited; i < l->fd_count; i++) {
        if (listen(l->fd[i], UM_LISTENER_BACKLOG) == -1) {
            /* Somebody took the port since we bound; the workers that have
             * one of the sockets that do listen go on. */
            um_log_error(errno, "listen %s: listen failed", l->addr->text);
        }
    }
}

/* Is the socket's file still the one we made? */
static bool
listener_has_file(const um_listener_t *l)
{
    const struct sockaddr_un *sun = (const void *) &l->sa;
    struct stat st;

    return l->sa.ss_family == AF_UNIX && l->ino != 0
           && lstat(sun->sun_path, &st) == 0 && st.st_dev == l->dev
           && st.st_ino == l->ino && st.st_mtim.tv_sec == l->made.tv_sec
           && st.st_mtim.tv_nsec == l->made.tv_nsec;
}

static void
listener_unlink(const um_listener_t *l)
{
    const struct sockaddr_un *sun = (const void *) &l->sa;

    if (listener_has_file(l) && unlink(sun->sun_path) == -1) {
        um_log_warn(errno, "listen %s: unlink failed", l->addr->text);
    }
}

void
um_listener_abandon(um_listener_t *l)
{
    if (l->inherited == 0) {
        um_listener_close(l);
        return;
    }

    while (l->fd_count > l->inherited) {
        close(l->fd[--l->fd_count]);
    }
}

void
um_listener_close(um_listener_t *l)
{
    if (l->fd_count > 0) {
        listener_unlink(l);
    }

    while (l->fd_count > 0) {
        close(l->fd[--l->fd_count]);
    }

    l->inherited = 0;
}
