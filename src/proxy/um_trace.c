/*
 * um_trace.c -- see um_trace.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_client_text.h"

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

/* 0 means "never" where a time is kept. */
static uint32_t
trace_us(uint64_t ns)
{
    uint32_t us = (uint32_t) (ns / 1000);

    return us == 0 ? 1 : us;
}

void
um_trace_turn(um_worker_t *w)
{
    const um_settings_sh_t *set = w->shm->settings;
    int64_t slower = atomic_load_explicit(
        &set->slowlog_log_slower_than, memory_order_relaxed);

    um_trace_flush(w);
    w->now_us = trace_us(um_worker_now(w));
    w->slow_us =
        slower < 0 || slower >= UINT32_MAX ? UINT32_MAX : (uint32_t) slower;
    w->trace->left = w->shm->slow->places;
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
    r->start_us = trace_us(um_clock_ns());
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

void
um_trace_split(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    r->hooks |= UM_HOOK_LOOK;
    um_trace_keep(r, argv, argc);
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

/* The first byte of the whole answer. */
static char
answer_first(const um_req_t *r, const char *data, size_t len)
{
    char c = '\0';

    if (r->streaming) {
        return '\0'; /* too long for an error */
    }
    if (r->reply.len > 0) {
        um_chain_peek(&r->reply, &c, 1);
        return c;
    }

    return len > 0 ? data[0] : '\0';
}

/* Count the error by its first word. */
static void
answer_error(um_req_t *r, const char *data, size_t len)
{
    char text[UM_TIMES_ERROR_NAME + 1];
    size_t n = 0;

    if (r->reply.len > 0) {
        n = um_min(r->reply.len, sizeof(text));
        um_chain_peek(&r->reply, text, n);
        data = text;
        len = n;
    }

    for (n = 1; n < len && data[n] != ' ' && data[n] != '\r'; n++) {
    }
    um_times_add_error(r->w->times, (um_str_t){ data + 1, n - 1 });
}

/* Time that a command was blocked is nobody's fault. */
static uint32_t
answer_cost(const um_req_t *r, uint32_t now)
{
    uint32_t us = now - r->start_us;

    if (r->hooks & UM_HOOK_BLOCKED && r->sent_us != 0) {
        return us - ((r->got_us != 0 ? r->got_us : now) - r->sent_us);
    }
    if (r->cmd != NULL && r->cmd->self == UM_SELF_WAIT) {
        return 0;
    }

    return us;
}

void
um_trace_look(um_req_t *r, const char *data, size_t len)
{
    um_worker_t *w = r->w;
    const um_cmd_t *cmd = r->cmd;
    bool is_error = answer_first(r, data, len) == '-';
    bool here = r->hooks & UM_HOOK_LOOK && r->sent_us == 0;
    uint32_t now = here && cmd != NULL && cmd->how == UM_HOW_SELF
                       ? trace_us(um_clock_ns())
                       : w->now_us;
    uint32_t us = answer_cost(r, now);

    if (is_error) {
        answer_error(r, data, len);
    }

    if (!here && r->sent_us == 0 && is_error) {
        if (cmd != NULL) {
            um_hist_count(&w->times->call[cmd->index].rejected, 1);
        }
    } else if (cmd != NULL) {
        um_times_add_calls(w->times, cmd->index, us, 1);
        if (is_error) {
            um_hist_count(&w->times->call[cmd->index].failed, 1);
        }
    }

    if (us >= w->slow_us && um_trace_is_on(w)
        && (here || r->sent_us != 0 || us > 0)
        && (cmd == NULL || (cmd->flags & UM_CMD_SKIP_SLOWLOG) == 0)
        && slow_is_told(w->trace))
    {
        slow_tell(r, now, here);
    } else if (r->hooks & UM_HOOK_TRACED) {
        kept_drop(w->trace, r);
    }
    trace_not_here(w->trace, r);
}

void
um_trace_begun(um_req_t *r, const char *data)
{
    if (r->got_us != 0) {
        return;
    }

    r->got_us = r->w->now_us;
    if (data[0] == '-') {
        r->hooks |= UM_HOOK_LOOK;
    }
}

/* ---- runs -------------------------------------------------------------- */

void
um_trace_flush(um_worker_t *w)
{
    if (w->run.calls > 0) {
        um_times_add_calls(w->times, w->run.cmd->index,
            w->now_us - w->run.start_us, w->run.calls);
    }

    w->run.cmd = NULL;
    w->run.calls = 0;
}

void
um_trace_run(um_req_t *r, const char *data, size_t len)
{
    um_worker_t *w = r->w;

    if (w->now_us - r->start_us >= w->slow_us) {
        um_trace_look(r, data, len);
        return;
    }

    um_trace_flush(w);
    w->run.cmd = r->cmd;
    w->run.start_us = r->start_us;
    w->run.calls = 1;
}

/* Private connections are for what may be blocked, or is very long. */
static void
run_flush_node(um_backend_t *b)
{
    um_worker_t *w = b->w;

    if (w->run.replies > 0 && b->kind == UM_BACKEND_SHARED) {
        um_times_add_replies(
            b->node->times, w->now_us - w->run.sent_us, w->run.replies);
    }
    w->run.replies = 0;
}

void
um_trace_run_node(um_backend_t *b, uint32_t sent_us)
{
    run_flush_node(b);
    b->w->run.sent_us = sent_us;
    b->w->run.replies = 1;
}

void
um_trace_reading(um_backend_t *b)
{
    b->w->answering = b;
}

void
um_trace_read(um_backend_t *b)
{
    um_worker_t *w = b->w;

    run_flush_node(b);
    w->answering = NULL;
    if (um_sent_is_due(&b->sent, b->answered)) {
        um_sent_release(&b->sent, &w->chunks, b->answered);
    }
}
