/*
 * um_trace.c -- what commands cost, for the statistics; see um_trace.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_trace.h"

#include "core/um_clock.h"
#include "proxy/um_trace_priv.h"

void
um_trace_turn(um_worker_t *w)
{
    const um_settings_sh_t *set = w->shm->settings;
    int64_t slower = atomic_load_explicit(
        &set->slowlog_log_slower_than, memory_order_relaxed);

    um_trace_flush(w);
    w->now_us = um_trace_us(um_worker_now(w));
    w->slow_us =
        slower < 0 || slower >= UINT32_MAX ? UINT32_MAX : (uint32_t) slower;
    um_trace_slow_turn(w->trace);
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
                       ? um_trace_us(um_clock_ns())
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

    um_trace_close(r,
        us >= w->slow_us && um_trace_is_on(w)
            && (here || r->sent_us != 0 || us > 0)
            && (cmd == NULL || (cmd->flags & UM_CMD_SKIP_SLOWLOG) == 0),
        now, here);
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
