/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_log.h"
#include "http/um_httpd_priv.h"

#define NS_PER_MS UINT64_C(1000000)

/* How often to look who is late. */
#define CONN_SWEEP_MS 100

/* How often to look whether there is memory to give back. */
#define CONN_TRIM_MS UINT64_C(1000)

/* That accept() fails is said this often. */
#define CONN_COMPLAIN_MS UINT64_C(10000)

/* Accepted at once, before others have their turn. */
#define CONN_ACCEPT_MAX 32

/* When the server quits, so long may anything take that is under way: whoever
 * comes after us waits for that. */
#define CONN_QUIT_MS UINT64_C(1000)

/* One that has said nothing for so long makes room for others. */
#define CONN_MUTE_MS UINT64_C(1000)

/* ---- Time --------------------------------------------------------------- */

/* `c` has changed: it goes to the end of the queue, and has this long. */
void
http_conn_enter(http_conn_t *c, http_stage_t stage)
{
    um_httpd_t *h = c->h;
    uint64_t ms =
        stage == HTTP_IDLE ? h->limits.idle_timeout : h->limits.request_timeout;

    if (h->quitting) {
        ms = um_min(ms, CONN_QUIT_MS);
    }

    c->stage = stage;
    c->looked = c->ended = false;
    c->due_ns =
        stage == HTTP_WORKING ? 0 : um_loop_now(h->loop) + ms * NS_PER_MS;
    um_list_del(&c->link);
    um_list_add_tail(&h->conns, &c->link);

    if (stage == HTTP_IDLE && h->quitting) {
        http_conn_close(c);
    } else if (stage == HTTP_IDLE && h->paused) {
        http_pause(h, false); /* it can make room for who waits */
    }
}

/* The daemon sees the end of the stream, and closes.  It is the only way to
 * have it close what it does not want to. */
void
http_conn_close(http_conn_t *c)
{
    (void) shutdown(c->fd, SHUT_RDWR);
    c->due_ns = 0;
}

static void
conn_free(http_conn_t *c)
{
    um_httpd_t *h = c->h;

    um_list_del(&c->link);
    h->count--;
    if (c->req != NULL) {
        http_req_free(c->req);
    }
    free(c);

    if (h->paused && !h->quitting && !h->freeing) {
        http_pause(h, false);
    }
}

/* Has it said something that nobody has read yet? */
static bool
conn_speaks(const http_conn_t *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Can `c` be done without?  It is idle, or has never said a word. */
static bool
conn_is_useless(const http_conn_t *c, uint64_t now)
{
    uint64_t timeout = c->h->limits.request_timeout * NS_PER_MS;
    bool mute = now + timeout > c->due_ns + CONN_MUTE_MS * NS_PER_MS;

    return (c->stage == HTTP_IDLE || (c->stage == HTTP_FRESH && mute))
           && !conn_speaks(c);
}

/* The one that has been so for longest goes; they stand in that order. */
static void
conns_evict(um_httpd_t *h)
{
    uint64_t now = um_loop_now(h->loop);

    um_list_each(l, &h->conns)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->due_ns != 0 && conn_is_useless(c, now)) {
            http_conn_close(c);
            return;
        }
    }
}

/* No room: others wait at the door until somebody has gone. */
static void
conns_make_room(um_httpd_t *h)
{
    conns_evict(h);
    http_pause(h, true);
    um_timer_start(h->sweep, CONN_SWEEP_MS);
}

/*
 * The end of a client's stream that comes along with other bytes is not seen by
 * the daemon, for no event tells of it: it would wait for the rest of a request
 * that cannot come, or for the next one.  What it has read already it looks at
 * within the turn, so what is so twice stays so.
 */
static bool
conn_has_ended(http_conn_t *c)
{
    char byte;

    if (c->stage == HTTP_WORKING || c->stage == HTTP_WRITING
        || (c->stage == HTTP_IDLE && c->looked))
    {
        return false;
    }

    c->looked = true;
    if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
        c->ended = false;
        return false;
    }

    c->looked = c->ended;
    c->ended = true;
    return c->looked;
}

void
http_on_sweep(void *httpd)
{
    um_httpd_t *h = httpd;
    uint64_t now = um_loop_now(h->loop);

    um_list_each(l, &h->conns)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->due_ns != 0 && (c->due_ns <= now || conn_has_ended(c))) {
            http_conn_close(c);
        }
    }

    /* Never taken up: the daemon has closed it without a word. */
    um_list_each_safe(l, &h->coming)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->due_ns <= now) {
            conn_free(c);
        }
    }

    if (h->paused && !h->quitting) {
        if (h->count >= h->limits.connections) {
            conns_evict(h);
        } else {
            http_pause(h, false); /* descriptors may be free again */
        }
    }

    if (now >= h->trim_ns) {
        um_trim(&h->trim);
        h->trim_ns = now + CONN_TRIM_MS * NS_PER_MS;
        h->trimmed = h->count == 0;
    }

    if (h->count > 0 || h->paused || !h->trimmed) {
        um_timer_start(h->sweep, CONN_SWEEP_MS);
    }
    http_check_done(h); /* `h` may be gone */
}

void
http_conns_quit(um_httpd_t *h)
{
    uint64_t soon = um_loop_now(h->loop) + CONN_QUIT_MS * NS_PER_MS;

    um_list_each(l, &h->conns)
    {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->stage == HTTP_IDLE) {
            http_conn_close(c);
        } else if (c->due_ns != 0) {
            c->due_ns = um_min(c->due_ns, soon);
        }
    }
}

/* ---- Coming and going --------------------------------------------------- */

bool
http_conn_is_from(const http_conn_t *c, const um_cidr_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (um_cidr_match(&list[i], (const struct sockaddr *) &c->from)) {
            return true;
        }
    }

    return false;
}

/* The daemon closes `fd` when it does not want it. */
static void
conn_add(um_httpd_t *h, int fd, const struct sockaddr *sa, socklen_t len)
{
    http_conn_t *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        um_log_error(ENOMEM, "http: connection refused");
        close(fd);
        return;
    }

    c->h = h;
    c->fd = fd;
    c->stage = HTTP_FRESH;
    c->due_ns = um_loop_now(h->loop) + h->limits.request_timeout * NS_PER_MS;
    memcpy(&c->from, sa, um_min((size_t) len, sizeof(c->from)));
    c->allowed =
        h->limits.allow_count == 0
        || http_conn_is_from(c, h->limits.allow, h->limits.allow_count);
    um_list_add_tail(&h->coming, &c->link);
    h->count++;
    h->trimmed = false;
    if (h->count == 1) {
        um_timer_start(h->sweep, CONN_SWEEP_MS);
    }

    if (MHD_add_connection(h->mhd, fd, sa, len) != MHD_YES) {
        um_log_error(errno, "http: connection refused");
        conn_free(c);
    }
}

/* In bad times it fails again and again, with some success in between. */
static void
conns_complain(um_httpd_t *h, const httpd_listener_t *l)
{
    uint64_t now = um_loop_now(h->loop);

    if (now >= h->complain_ns) {
        um_log_error(errno, "listen %s: accept failed", l->name);
        h->complain_ns = now + CONN_COMPLAIN_MS * NS_PER_MS;
    }
}

void
http_on_acceptable(void *listener)
{
    httpd_listener_t *l = listener;
    um_httpd_t *h = l->h;

    /* Somebody is there; whether there are more is not known. */
    if (h->count >= h->limits.connections) {
        conns_make_room(h);
        return;
    }

    for (int i = 0; i < CONN_ACCEPT_MAX && h->count < h->limits.connections;
         i++) {
        struct sockaddr_storage sa = { 0 };
        socklen_t len = sizeof(sa);
        int fd;

        fd = accept4(l->io.fd, (struct sockaddr *) &sa, &len,
            SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM
                || errno == ENOBUFS) {
                conns_complain(h, l);
                conns_make_room(h);
            }
            break;
        }

        conn_add(h, fd, (struct sockaddr *) &sa, len);
    }

    http_wake(h);
}

/* The latest first: an earlier one with this number was never taken up. */
static http_conn_t *
conn_coming(um_httpd_t *h, int fd)
{
    for (um_list_t *l = h->coming.prev; l != &h->coming; l = l->prev) {
        http_conn_t *c = um_list_entry(l, http_conn_t, link);

        if (c->fd == fd) {
            return c;
        }
    }

    return NULL;
}

void
http_on_connection(void *httpd, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
    um_httpd_t *h = httpd;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        http_conn_t *c = info == NULL ? NULL : conn_coming(h, info->connect_fd);

        *context = c;
        if (c != NULL) {
            uint64_t due = c->due_ns;

            http_conn_enter(c, HTTP_FRESH);
            c->due_ns = due;
        }
    } else if (*context != NULL) {
        conn_free(*context);
        *context = NULL;
    }
}

http_conn_t *
http_conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}
