/*
 * SETCLUSTER, from its words to the last worker that routes by it.
 *
 *   QUEUED   -> DECODING  [set_decode]        it is the first in the queue
 *   DECODING -> DECODED   [set_on_decoded]    or refused
 *   DECODED  -> WAITING   [set_publish]       now, or when the lock is free
 *   WAITING  -> (gone)    [set_wait]          everybody has it
 *   any but DECODING -> (gone), TRY_AGAIN     control_timeout has passed
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_umctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_list.h"
#include "core/um_log.h"
#include "meta/um_setcluster.h"
#include "proxy/um_bus.h"
#include "proxy/um_client.h"

/* SETCLUSTERs of one worker: so many, and so many bytes of words. */
#define SETS_MAX       64
#define SETS_BYTES_MAX (128u << 20)

/* How often to look whether the others have it, ms. */
#define SET_POLL 1

/* A client that does not take its +OK holds up a shutdown so long. */
#define LEAVE_MAX_NS 1000000000ull

typedef enum {
    SET_QUEUED,
    SET_DECODING,
    SET_DECODED,
    SET_WAITING,
} set_state_t;

typedef struct set_s set_t;

struct set_s {
    um_list_t link;
    um_umctl_t *u;
    um_req_t *r; /* held */
    set_state_t state;
    uint64_t deadline_ns;
    uint64_t gen; /* WAITING: what everybody has to see */
    bool is_old;  /* WAITING: it was published before */

    /* Of the helper thread while DECODING. */
    um_setcluster_t out;
    um_topo_t *topo;
    um_str_t host;
    uint32_t argc;
    size_t bytes;
    um_str_t *argv; /* and behind it the words' bytes */
};

struct um_umctl_s {
    um_worker_t *w;
    um_timer_t *poll;
    um_list_t queue;
    uint32_t count;
    size_t bytes;

    um_timer_t *leave;
    uint64_t leaver; /* the client that gets +OK first */
    uint64_t leave_by_ns;
};

static void umctl_go_on(um_umctl_t *u);

static set_t *
umctl_first(um_umctl_t *u)
{
    return um_list_entry(u->queue.next, set_t, link);
}

static void
set_free(set_t *s)
{
    free(s->topo);
    free(s->argv);
    free(s);
}

/* Answer the first, `sign` is '+' or '-', and forget it. */
static void
set_answer(um_umctl_t *u, char sign, const char *text)
{
    set_t *s = umctl_first(u);
    um_sbuf_t *o;

    um_list_del(&s->link);
    u->count--;
    u->bytes -= s->bytes;

    o = um_req_begin(s->r);
    um_sbuf_addf(o, "%c%s\r\n", sign, text);
    um_req_end(s->r);
    set_free(s);
}

static void
set_refuse(um_umctl_t *u, const char *error)
{
    set_answer(u, '-', error);
}

static void
set_work(void *data)
{
    set_t *s = data;

    /* The result is s->out.error. */
    if (um_setcluster_decode(s->argv, s->argc, s->host, s->topo, &s->out)
        == UM_OK) {
        um_assert(um_topo_check(s->topo));
    }
}

static void
set_on_decoded(void *data)
{
    set_t *s = data;

    s->state = SET_DECODED;
    free(s->argv);
    s->argv = NULL;
    umctl_go_on(s->u);
}

/* False: answered already. */
static bool
set_decode(um_umctl_t *u, set_t *s)
{
    um_worker_t *w = u->w;
    const um_addr_t *announce = &w->conf->announce;

    s->host = (um_str_t){ announce->text, announce->host_len };
    if (um_jobs_add(w->jobs, set_work, set_on_decoded, s) != UM_OK) {
        set_refuse(u, "TRY_AGAIN");
        return false;
    }

    s->state = SET_DECODING;
    return true;
}

/* False: another writer is at it, look again. */
static bool
set_publish(um_umctl_t *u, set_t *s)
{
    um_topo_sh_t *sh = u->w->shm->topo;
    const um_topo_t *t = s->topo;

    if (s->out.error != NULL) {
        set_refuse(u, s->out.error);
        return true;
    }

    switch (um_topo_publish(sh, t, s->out.force, &s->gen)) {
    case UM_OK:
        um_log_notice(0,
            "metadata: epoch %lu of cluster '%s' published: %u nodes, %u peers",
            (unsigned long) t->epoch, t->cluster, t->local_count,
            t->addr_count - t->local_count);
        break;

    case UM_DECLINED:
        s->is_old = true;
        break;

    case UM_AGAIN:
        return false;

    default:
        set_refuse(u, "TRY_AGAIN");
        return true;
    }

    s->state = SET_WAITING;
    um_bus_wake_all(u->w->bus);
    return true;
}

/* False: somebody does not have it yet, look again. */
static bool
set_wait(um_umctl_t *u, set_t *s)
{
    if (!um_workers_saw(u->w->shm->workers, s->gen)) {
        return false;
    }

    if (s->is_old) {
        set_refuse(u, "OLD_EPOCH");
    } else if (s->out.config_ignored) {
        set_answer(u, '+', "WARNING: ignored invalid config");
    } else {
        set_answer(u, '+', "OK");
    }

    return true;
}

/* As far as it goes now, the first first. */
static void
umctl_go_on(um_umctl_t *u)
{
    set_t *s;

    while (!um_list_is_empty(&u->queue)) {
        bool moved = false;

        s = umctl_first(u);

        switch (s->state) {
        case SET_QUEUED:
            moved = !set_decode(u, s);
            break;

        case SET_DECODING:
            return;

        case SET_DECODED:
            moved = set_publish(u, s);
            break;

        case SET_WAITING:
            moved = set_wait(u, s);
            break;
        }

        if (moved) {
            continue;
        }

        if (s->state == SET_DECODING) {
            return;
        }

        if (um_worker_now(u->w) > s->deadline_ns) {
            set_refuse(u, "TRY_AGAIN");
            continue;
        }

        um_timer_start(u->poll, SET_POLL);
        return;
    }
}

static void
umctl_on_poll(void *data)
{
    umctl_go_on(data);
}

/* A copy of the request's words, for they go with this turn.  NULL: no
 * memory. */
static set_t *
set_new(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    set_t *s = calloc(1, sizeof(*s));
    size_t bytes = argc * sizeof(*argv);
    char *p;

    if (s == NULL) {
        return NULL;
    }

    for (uint32_t i = 0; i < argc; i++) {
        bytes += argv[i].len;
    }

    s->r = r;
    s->argc = argc;
    s->bytes = bytes;
    s->argv = malloc(bytes + 1);
    s->topo = malloc(sizeof(*s->topo)); /* nothing yet but addresses */
    if (s->argv == NULL || s->topo == NULL) {
        set_free(s);
        return NULL;
    }

    p = (char *) (s->argv + argc);
    for (uint32_t i = 0; i < argc; i++) {
        memcpy(p, argv[i].data, argv[i].len);
        s->argv[i] = (um_str_t){ p, argv[i].len };
        p += argv[i].len;
    }

    return s;
}

void
um_umctl_setcluster(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_worker_t *w = r->w;
    um_umctl_t *u = w->umctl;
    set_t *s = u->count < SETS_MAX && u->bytes < SETS_BYTES_MAX
                   ? set_new(r, argv + 2, argc - 2)
                   : NULL;

    if (s == NULL) {
        um_req_error(r, "TRY_AGAIN");
        return;
    }

    um_req_hold(r);
    s->u = u;
    s->deadline_ns = um_worker_now(w) + w->conf->control_timeout * 1000000ull;

    um_list_add_tail(&u->queue, &s->link);
    u->count++;
    u->bytes += s->bytes;

    if (u->count == 1) {
        umctl_go_on(u);
    }
}

/* Has the client that wants us to stop got its answer? */
static bool
leaver_is_served(um_umctl_t *u)
{
    um_list_each_safe(l, &u->w->clients)
    {
        um_client_t *c = um_list_entry(l, um_client_t, link);

        if (c->st.id == u->leaver) {
            return c->dead || (c->head == NULL && c->out.len == 0);
        }
    }

    return true;
}

static void
umctl_on_leave(void *data)
{
    um_umctl_t *u = data;
    static const char byte = UM_MASTER_STOP;

    if (!leaver_is_served(u) && um_worker_now(u->w) < u->leave_by_ns) {
        um_timer_start(u->leave, SET_POLL);
        return;
    }

    if (write(u->w->master.fd, &byte, 1) != 1) {
        um_log_error(errno, "the master cannot be asked to stop");
    }
}

void
um_umctl_shutdown(um_req_t *r)
{
    um_umctl_t *u = r->w->umctl;

    um_log_notice(0, "UMCTL SHUTDOWN");
    u->leaver = r->client->st.id;
    u->leave_by_ns = um_worker_now(r->w) + LEAVE_MAX_NS;
    um_timer_start(u->leave, 0);
    um_req_ok(r);
}

um_umctl_t *
um_umctl_new(um_worker_t *w)
{
    um_umctl_t *u = calloc(1, sizeof(*u));

    if (u == NULL) {
        um_log_error(errno, "UMCTL: out of memory");
        return NULL;
    }

    u->w = w;
    um_list_init(&u->queue);
    u->poll = um_timer_new(w->loop, umctl_on_poll, u);
    u->leave = um_timer_new(w->loop, umctl_on_leave, u);
    if (u->poll == NULL || u->leave == NULL) {
        um_log_error(ENOMEM, "UMCTL: no timers");
        um_umctl_free(u);
        return NULL;
    }

    return u;
}

void
um_umctl_free(um_umctl_t *u)
{
    if (u == NULL) {
        return;
    }

    while (!um_list_is_empty(&u->queue)) {
        set_refuse(u, "TRY_AGAIN");
    }

    um_timer_free(u->poll);
    um_timer_free(u->leave);
    free(u);
}
