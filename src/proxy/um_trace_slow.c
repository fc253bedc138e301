/*
 * um_trace_slow.c -- the slow log: whose words are kept, and what is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_client_text.h"
#include "proxy/um_trace.h"
#include "proxy/um_trace_priv.h"

/* Commands whose words are kept, at most; more have but their name. */
#define KEPT_MAX  1024
#define KEPT_HASH 256

/* What is known of a command before it is known to be slow, or before it may
 * be told. */
typedef struct trace_kept_s trace_kept_t;

struct trace_kept_s {
    trace_kept_t *next;
    const um_req_t *r;
    bool is_slow;     /* it was: told when its answer has had its turn */
    uint32_t done_us; /* when it was answered */
    um_slow_t slow;
};

struct um_trace_s {
    um_worker_t *w;
    trace_kept_t *kept[KEPT_HASH];
    um_slab_t slab;
    uint32_t left;    /* slow ones that may still be told in this turn */
    uint64_t skipped; /* slow ones since one was told: sampling        */

    /* What a handler that is running is to answer; NULL: it has. */
    um_req_t *here;
    const um_str_t *argv;
    uint32_t argc;

    um_slow_t slow; /* the one being made */
};

um_trace_t *
um_trace_new(um_worker_t *w)
{
    um_trace_t *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        um_log_error(0, "slow log: out of memory");
        return NULL;
    }

    t->w = w;
    um_slab_init(&t->slab, sizeof(trace_kept_t), 16);
    w->times = um_times_row(w->shm->times, w->heritage->row);
    um_times_row_begin(w->times);
    return t;
}

void
um_trace_free(um_trace_t *t)
{
    if (t != NULL) {
        um_slab_deinit(&t->slab);
        free(t);
    }
}

void
um_trace_slow_turn(um_trace_t *t)
{
    t->left = t->w->shm->slow->places;
}

/* ---- what is kept ------------------------------------------------------ */

static trace_kept_t **
kept_place(um_trace_t *t, const um_req_t *r)
{
    trace_kept_t **p = &t->kept[(uintptr_t) r / sizeof(*r) % KEPT_HASH];

    while (*p != NULL && (*p)->r != r) {
        p = &(*p)->next;
    }

    return p;
}

/* Of `r`, made when there is none; NULL: too many. */
static trace_kept_t *
kept_get(um_trace_t *t, um_req_t *r)
{
    trace_kept_t **p = kept_place(t, r);
    trace_kept_t *k = *p;

    if (k != NULL) {
        return k;
    }

    k = t->slab.in_use < KEPT_MAX ? um_slab_get(&t->slab) : NULL;
    if (k == NULL) {
        return NULL;
    }

    memset(k, 0, offsetof(trace_kept_t, slow) + offsetof(um_slow_t, text));
    k->r = r;
    *p = k;
    r->hooks |= UM_HOOK_TRACED;
    return k;
}

static void
kept_drop(um_trace_t *t, um_req_t *r)
{
    trace_kept_t **p = kept_place(t, r);
    trace_kept_t *k = *p;

    r->hooks &= (uint8_t) ~UM_HOOK_TRACED;
    if (k != NULL) {
        *p = k->next;
        um_slab_put(&t->slab, k);
    }
}

static void
slow_set_client(um_slow_t *slow, const um_client_t *c)
{
    size_t n;

    if (c == NULL || slow->addr[0] != '\0') {
        return;
    }

    slow->client = c->st.id;
    um_client_addr(c, slow->addr);
    if (c->st.name != NULL) {
        n = um_min(strlen(c->st.name), sizeof(slow->name) - 1);
        memcpy(slow->name, c->st.name, n);
        slow->name[n] = '\0';
    }
}

void
um_trace_keep(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    trace_kept_t *k;

    if (!um_trace_is_on(r->w) || r->kind != UM_REQ_CLIENT) {
        return;
    }

    k = kept_get(r->w->trace, r);
    if (k != NULL) {
        um_trace_words(&k->slow, r->cmd, argv, argc);
    }
}

void
um_trace_here(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_trace_t *t = r->w->trace;

    r->hooks |= UM_HOOK_LOOK;
    r->start_us = um_trace_us(um_clock_ns());
    t->here = r;
    t->argv = argv;
    t->argc = argc;
}

void
um_trace_left(um_worker_t *w)
{
    um_trace_t *t = w->trace;

    if (t->here != NULL) {
        um_trace_keep(t->here, t->argv, t->argc);
        t->here = NULL;
    }
}

static void
trace_not_here(um_trace_t *t, const um_req_t *r)
{
    if (t->here == r) {
        t->here = NULL;
    }
}

/* ---- words ------------------------------------------------------------- */

/* Of bytes that wait for a connection. */
static um_rc_t
words_of_body(um_slow_t *slow, const um_req_t *r)
{
    um_sent_at_t at = { .chunk = r->body.head };

    at.off = at.chunk == NULL ? 0 : at.chunk->off;
    return um_trace_read_words(slow, r->cmd, &at);
}

/* Where its bytes went.  NULL: not known any more. */
static um_backend_t *
words_backend(const um_req_t *r)
{
    um_backend_t *b = r->w->answering;

    if (r->in_backend) {
        return r->backend;
    }

    return b != NULL && b->answered == r->sent_end ? b : NULL;
}

static um_rc_t
words_of_sent(um_slow_t *slow, const um_req_t *r)
{
    um_backend_t *b = words_backend(r);
    um_sent_at_t at;

    if (b == NULL || r->kind != UM_REQ_CLIENT || r->sent_us == 0
        || um_sent_find(
               &b->sent, &b->out, b->written, r->sent_end - r->sent_len, &at)
               != UM_OK)
    {
        return UM_DECLINED;
    }

    return um_trace_read_words(slow, r->cmd, &at);
}

/* All there is to be had, at least the command's name. */
static void
slow_set_words(um_slow_t *slow, const um_req_t *r)
{
    const um_trace_t *t = r->w->trace;
    um_str_t name = um_str_of(r->cmd == NULL ? "" : r->cmd->name);

    if (slow->kept > 0) {
        return;
    }

    if (t->here == r) {
        um_trace_words(slow, r->cmd, t->argv, t->argc);
    } else if ((r->waiting ? words_of_body(slow, r) : words_of_sent(slow, r))
               != UM_OK)
    {
        um_trace_words(slow, NULL, &name, 1);
    }
}

void
um_trace_hold(um_req_t *r, uint32_t warm_us)
{
    um_worker_t *w = r->w;
    trace_kept_t *k;

    if (!um_trace_is_on(w) || r->kind != UM_REQ_CLIENT || r->ready
        || w->now_us - r->start_us < um_min(warm_us, w->slow_us))
    {
        return;
    }

    k = kept_get(w->trace, r);
    if (k != NULL) {
        slow_set_words(&k->slow, r);
        slow_set_client(&k->slow, r->client);
    }
}

/* ---- the end ----------------------------------------------------------- */

/* One of so many slow ones is told, and in a turn no more than there is room
 * for: commands that a lost Redis leaves behind are all alike. */
static bool
slow_is_told(um_trace_t *t)
{
    uint64_t rate = atomic_load_explicit(
        &t->w->shm->settings->slowlog_sample_rate, memory_order_relaxed);

    if (t->left == 0 || ++t->skipped < rate) {
        return false;
    }

    t->left--;
    t->skipped = 0;
    return true;
}

static void
slow_set_times(um_slow_t *slow, const um_req_t *r, uint32_t now, bool here)
{
    uint32_t got = r->got_us != 0 ? r->got_us : now;

    slow->wall_us = um_clock_wall_us() - (now - r->start_us);
    slow->forwarded = r->sent_us != 0;

    if (r->sent_us != 0) {
        slow->queue_us = r->sent_us - r->start_us;
        slow->backend_us = got - r->sent_us;
        slow->reply_us = now - got;
    } else if (here) {
        slow->reply_us = now - r->start_us;
    } else {
        slow->queue_us = now - r->start_us;
    }

    if (r->hooks & UM_HOOK_BLOCKED) {
        slow->blocked_us = slow->backend_us;
        slow->backend_us = 0;
    }
}

/* Its answer may have to wait for its turn: then it is told afterwards. */
static void
slow_tell(um_req_t *r, uint32_t now, bool here)
{
    um_trace_t *t = r->w->trace;
    trace_kept_t *k = r->hooks & UM_HOOK_TRACED ? *kept_place(t, r) : NULL;
    bool waits = r->client != NULL && r->client->head != r;
    um_slow_t *slow = &t->slow;

    if (k == NULL && waits) {
        k = kept_get(t, r);
    }
    if (k != NULL) {
        slow = &k->slow;
    } else {
        memset(slow, 0, offsetof(um_slow_t, text));
    }

    slow_set_words(slow, r);
    slow_set_client(slow, r->client);
    slow_set_times(slow, r, now, here);

    if (waits && k != NULL) {
        k->is_slow = true;
        k->done_us = r->w->now_us;
        return;
    }

    (void) um_slow_ring_add(r->w->shm->slow, slow);
    if (k != NULL) {
        kept_drop(t, r);
    }
}

void
um_trace_end(um_req_t *r)
{
    um_worker_t *w = r->w;
    trace_kept_t *k;

    trace_not_here(w->trace, r);
    if ((r->hooks & UM_HOOK_TRACED) == 0) {
        return;
    }

    k = *kept_place(w->trace, r);
    if (k != NULL && k->is_slow) {
        k->slow.order_us = w->now_us - k->done_us;
        (void) um_slow_ring_add(w->shm->slow, &k->slow);
    }

    kept_drop(w->trace, r);
}

void
um_trace_close(um_req_t *r, bool is_slow, uint32_t now, bool here)
{
    um_trace_t *t = r->w->trace;

    if (is_slow && slow_is_told(t)) {
        slow_tell(r, now, here);
    } else if (r->hooks & UM_HOOK_TRACED) {
        kept_drop(t, r);
    }
    trace_not_here(t, r);
}
