/* SPDX-License-Identifier: Apache-2.0 */

#include "http/um_httpd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/um_log.h"
#include "http/um_httpd_priv.h"

/* Turns of the daemon in which everybody who was suspended is awake again. */
#define HTTPD_LAST_TURNS 3

/* Beyond a request's head: what the daemon needs to make an answer. */
#define HTTPD_ANSWER_ROOM 2048

/* With fewer connections nobody is served. */
#define HTTPD_LEAST 4

/* Its complaints are about clients, so they are for who looks closely. */
static void
httpd_on_log(void *data, const char *fmt, va_list ap)
{
    char text[256];

    (void) data;
    if (um_log_level < UM_LOG_DEBUG) {
        return;
    }

    vsnprintf(text, sizeof(text), fmt, ap);
    um_log_debug(0, "http: %s", text);
}

/* Let the daemon work, and ask when it wants to do so again. */
static void
httpd_run(um_httpd_t *h)
{
    MHD_UNSIGNED_LONG_LONG ms;

    if (MHD_run(h->mhd) != MHD_YES) {
        um_log_error(0, "http: the server does not run");
    }

    if (MHD_get_timeout(h->mhd, &ms) == MHD_YES) {
        um_timer_start(h->run, ms);
    } else {
        um_timer_stop(h->run);
    }
}

static void
httpd_on_event(void *data)
{
    httpd_run(data);
    http_check_done(data);
}

void
http_wake(um_httpd_t *h)
{
    if (!h->freeing) {
        um_io_wake(&h->io);
    }
}

void
http_pause(um_httpd_t *h, bool on)
{
    h->paused = on;

    for (uint32_t i = 0; i < h->listeners; i++) {
        if (um_io_want_read(&h->listener[i].io, !on) != UM_OK) {
            um_log_error(
                0, "listen %s: cannot be watched", h->listener[i].name);
        }
    }
}

void
http_check_done(um_httpd_t *h)
{
    um_io_pt on_done = h->on_done;

    if (h->count == 0 && h->quitting && !h->freeing && on_done != NULL) {
        h->on_done = NULL;
        on_done(h->on_done_data); /* `h` may be gone */
    }
}

/* All our connections come by MHD_add_connection(), and time is ours. */
static struct MHD_Daemon *
httpd_start(um_httpd_t *h)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET
                                | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
        0, NULL, NULL, http_on_access, h, MHD_OPTION_EXTERNAL_LOGGER,
        httpd_on_log, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned) h->limits.connections + 1, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        h->limits.header_max + HTTPD_ANSWER_ROOM, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_URI_LOG_CALLBACK, http_on_line, h,
        MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, h, MHD_OPTION_END);
}

/* As many as are wanted, or as there are descriptors for. */
static uint32_t
httpd_connections(const um_httpd_limits_t *limits)
{
    struct rlimit fds;
    rlim_t wanted = (rlim_t) limits->connections + limits->own_fds;
    rlim_t most;

    if (getrlimit(RLIMIT_NOFILE, &fds) == -1) {
        um_log_warn(errno, "getrlimit of descriptors failed");
        return limits->connections;
    }

    if (fds.rlim_cur == RLIM_INFINITY || fds.rlim_cur >= wanted) {
        return limits->connections;
    }

    most = um_max(fds.rlim_cur, (rlim_t) limits->own_fds) - limits->own_fds;
    most = um_max(most, (rlim_t) HTTPD_LEAST);
    um_log_warn(0,
        "descriptors: this process may have %" PRIu64 " and could need %" PRIu64
        ": it serves %" PRIu64 " connections at most",
        (uint64_t) fds.rlim_cur, (uint64_t) wanted, (uint64_t) most);
    return (uint32_t) um_min(most, (rlim_t) limits->connections);
}

um_httpd_t *
um_httpd_new(um_loop_t *loop, const um_http_route_t *routes,
    const um_httpd_limits_t *limits, void *data)
{
    um_httpd_t *h = calloc(1, sizeof(*h));
    const union MHD_DaemonInfo *info;
    int fd;

    if (h == NULL) {
        um_log_error(ENOMEM, "http");
        return NULL;
    }

    h->loop = loop;
    h->limits = *limits;
    h->limits.connections = httpd_connections(limits);
    h->data = data;
    h->io.fd = -1;
    um_list_init(&h->coming);
    um_list_init(&h->conns);
    h->run = um_timer_new(loop, httpd_on_event, h);
    h->sweep = um_timer_new(loop, http_on_sweep, h);
    if (h->run != NULL && h->sweep != NULL
        && http_routes_init(h, routes) == UM_OK) {
        h->mhd = httpd_start(h);
    }
    if (h->mhd == NULL) {
        um_log_error(errno, "http: the server cannot be made");
        goto fail;
    }

    info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    fd = info == NULL ? -1 : info->epoll_fd;
    if (fd == -1
        || um_io_open(&h->io, loop, fd, httpd_on_event, NULL, h) != UM_OK
        || um_io_want_read(&h->io, true) != UM_OK)
    {
        um_log_error(0, "http: the server cannot be watched");
        goto fail;
    }

    return h;

fail:
    um_httpd_free(h);
    return NULL;
}

um_rc_t
um_httpd_listen(um_httpd_t *h, int fd, const char *name)
{
    httpd_listener_t *l = &h->listener[h->listeners];

    if (h->listeners == HTTPD_LISTENERS) {
        um_log_error(0, "listen %s: too many addresses", name);
        close(fd);
        return UM_ERR;
    }

    l->h = h;
    l->name = name;
    if (um_io_open(&l->io, h->loop, fd, http_on_acceptable, NULL, l) != UM_OK) {
        um_log_error(ENOMEM, "listen %s", name);
        close(fd);
        return UM_ERR;
    }

    h->listeners++;
    return um_io_want_read(&l->io, !h->paused);
}

static void
httpd_close_listeners(um_httpd_t *h)
{
    while (h->listeners > 0) {
        um_io_close(&h->listener[--h->listeners].io);
    }
}

void
um_httpd_quit(um_httpd_t *h, um_io_pt on_done, void *data)
{
    h->quitting = true;
    h->on_done = on_done;
    h->on_done_data = data;
    httpd_close_listeners(h);
    http_conns_quit(h);
    um_timer_start(h->run, 0); /* which looks whether anybody is left */
}

/* Nobody may be suspended when the daemon is stopped: it aborts then. */
static void
httpd_stop(um_httpd_t *h)
{
    um_list_each_safe(l, &h->conns)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->req != NULL && c->req->state == REQ_KEPT) {
            http_req_cancel(c->req);
        }
    }

    for (int i = 0; i < HTTPD_LAST_TURNS; i++) {
        (void) MHD_run(h->mhd);
    }

    MHD_stop_daemon(h->mhd);
}

void
um_httpd_free(um_httpd_t *h)
{
    h->freeing = true;
    httpd_close_listeners(h);
    um_io_abandon(&h->io); /* the daemon closes it */

    if (h->mhd != NULL) {
        httpd_stop(h);
    }

    um_list_each_safe(l, &h->coming)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        um_list_del(l);
        free(c);
    }

    um_timer_free(h->run);
    um_timer_free(h->sweep);
    http_routes_deinit(h);
    free(h);
}

void
um_httpd_on_refuse(um_httpd_t *h, um_http_refuse_pt on_refuse)
{
    h->on_refuse = on_refuse;
}

void
um_httpd_on_head(um_httpd_t *h, um_http_pt on_head)
{
    h->on_head = on_head;
}

uint32_t
um_httpd_connections(const um_httpd_t *h)
{
    return h->count;
}
