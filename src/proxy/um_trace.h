/*
 * um_trace.h -- what a command costs, and the slow log.
 *
 * Three times are taken of each command, none by a clock of its own: when it
 * came, when it was sent, when it was answered, all from the loop's turns.
 * Those answered here have no turn to themselves: they are timed by the clock.
 *
 * A slow command's words are looked for only when it is known to be slow:
 * among what its connection has sent (um_sent.h).  Those which cannot be found
 * there are kept from the beginning: of a split command, of one that we answer
 * later, of one whose values are packed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TRACE_H
#define UM_TRACE_H

#include "proxy/um_backend.h"
#include "shm/um_slow_ring.h"

/* A client that leaves takes its address along; a command older than this, in
 * us, may be on its way to be slow. */
#define UM_TRACE_WARM 10000u

/* NULL: out of memory.  Fills w->times, too. */
um_trace_t *um_trace_new(um_worker_t *w);
void um_trace_free(um_trace_t *t);

/* A turn begins: what time it is, and from when on a command is slow. */
void um_trace_turn(um_worker_t *w);

/* Is there a slow log at all? */
static inline bool
um_trace_is_on(const um_worker_t *w)
{
    return w->slow_us != UINT32_MAX;
}

/* Would it be slow, were it answered now? */
static inline bool
um_trace_takes_long(const um_req_t *r)
{
    return r->w->now_us - r->start_us >= r->w->slow_us;
}

/* `r` is about to be answered by a handler of ours that gets these words ... */
void um_trace_here(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* ... which has returned; if it answers later the words are kept. */
void um_trace_left(um_worker_t *w);

/* Keep the words of `r` for the case that it will be slow. */
void um_trace_keep(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* Likewise, from where its bytes are now: they will not be there when it is
 * answered.  Only if it has taken `warm_us` so far, or is slow already. */
void um_trace_hold(um_req_t *r, uint32_t warm_us);

/* The last bytes of the answer to `r` are out of the ordinary. */
void um_trace_look(um_req_t *r, const char *data, size_t len);

/* `r`, which has one of our hooks, is about to be freed. */
void um_trace_end(um_req_t *r);

/* What was answered in this turn is on the noticeboard. */
void um_trace_flush(um_worker_t *w);

/* The first of a run: commands answered together are as a rule all alike. */
void um_trace_run(um_req_t *r, const char *data, size_t len);
void um_trace_run_node(um_backend_t *b, uint32_t sent_us);

/* `r` has got its whole answer, of which these bytes are the last. */
static inline void
um_trace_answered(um_req_t *r, const char *data, size_t len)
{
    um_worker_t *w = r->w;

    if (um_unlikely(r->hooks != 0 || data[0] == '-')) {
        um_trace_look(r, data, len);
    } else if (um_likely(
                   r->cmd == w->run.cmd && r->start_us == w->run.start_us)) {
        w->run.calls++;
    } else {
        um_trace_run(r, data, len);
    }
}

/* Its whole reply has come from `b`. */
static inline void
um_trace_replied(um_backend_t *b, const um_req_t *r)
{
    um_worker_t *w = b->w;

    if (um_likely(r->sent_us == w->run.sent_us)) {
        w->run.replies++;
    } else {
        um_trace_run_node(b, r->sent_us);
    }
}

/* Replies of `b` have been read, and dealt out. */
void um_trace_reading(um_backend_t *b);
void um_trace_read(um_backend_t *b);

/* A part of the reply to `r` has come, there is more to follow. */
void um_trace_begun(um_req_t *r, const char *data);

/* ---- words, um_trace_words.c ------------------------------------------- */

/* As many as the slow log shows, without what must stay secret. */
void um_trace_words(
    um_slow_t *out, const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc);

/* The same from the bytes of a command in RESP.  UM_DECLINED: what is there is
 * not one. */
UM_MUSTCHECK um_rc_t um_trace_read_words(
    um_slow_t *out, const um_cmd_t *cmd, um_sent_at_t *at);

/* As much of word `i` as the slow log keeps; its length as it was. */
um_str_t um_trace_word(const um_slow_t *slow, uint32_t i, uint32_t *len);

/* SLOWLOG GET shows it so: Redis' cuts. */
void um_trace_put_words(um_sbuf_t *o, const um_slow_t *slow);

/* And UMCTL SLOWLOG GET so: the first five, each at most 100 bytes, never half
 * a character. */
void um_trace_put_line(um_sbuf_t *o, const um_slow_t *slow);

#endif /* UM_TRACE_H */
