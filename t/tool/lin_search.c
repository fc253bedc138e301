/*
 * lin_search.c -- Wing and Gong's search with Lowe's memory.
 *
 * Depth first: take any operation that began before all others ended, execute
 * it, go on; go back where a reply is wrong.  A pair of (operations taken,
 * state) that was seen leads nowhere.  Of it 128 bits are kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t a, b;
} mark_t;

/* One step: before it, what is to be tried next, and what was taken. */
typedef struct {
    size_t state; /* offset, before it */
    uint32_t len;
    uint32_t next;  /* place of the next to try */
    uint32_t taken; /* operation */
    int64_t end;    /* it was no later */
    uint8_t gone;   /* of it, doubtful keys to try next */
    bool again;     /* the same operation with these */
} frame_t;

typedef struct {
    const lin_hist_t *h;
    lin_work_t *w;
    bool *done;
    uint32_t first; /* all before it are done, or open */
    int64_t end;    /* first return of those that are not done */
    uint32_t left;  /* with an end, to do */
    uint32_t *open, opens;
    frame_t *frame;
    size_t depth;
    char *data;
    size_t room;
    mark_t *seen, sum; /* of what is done */
    size_t places, used, limit;
    char out[LIN_STATE_MAX];
} search_t;

static mark_t
mark_of(uint64_t x)
{
    return (mark_t){ lin_mix(x * 2 + 1), lin_mix(~x) };
}

static void
seen_put(search_t *s, mark_t m)
{
    size_t i = m.a & (s->places - 1);

    while (s->seen[i].a != 0 || s->seen[i].b != 0) {
        i = (i + 1) & (s->places - 1);
    }
    s->seen[i] = m;
}

static void
seen_grow(search_t *s)
{
    mark_t *was = s->seen;
    size_t n = s->places;

    s->places = n == 0 ? 1024 : n * 2;
    s->seen = lin_alloc(NULL, s->places * sizeof(*s->seen));
    memset(s->seen, 0, s->places * sizeof(*s->seen));
    for (size_t i = 0; i < n; i++) {
        if (was[i].a != 0 || was[i].b != 0) {
            seen_put(s, was[i]);
        }
    }
    free(was);
}

/* Was it there?  It is now. */
static bool
seen(search_t *s, mark_t m)
{
    if (s->used * 2 >= s->places) {
        seen_grow(s);
    }
    for (size_t i = m.a & (s->places - 1);; i = (i + 1) & (s->places - 1)) {
        if (s->seen[i].a == m.a && s->seen[i].b == m.b) {
            return true;
        }
        if (s->seen[i].a == 0 && s->seen[i].b == 0) {
            s->seen[i] = m;
            s->used++;
            return false;
        }
    }
}

static void
flip(search_t *s, uint32_t op)
{
    mark_t m = mark_of(op);

    s->done[op] = !s->done[op];
    s->sum.a ^= m.a;
    s->sum.b ^= m.b;
    if (!lin_op_is_open(&s->h->op[op])) {
        s->left += s->done[op] ? UINT32_MAX : 1;
        if (op < s->first) {
            s->first = op;
        }
    }
}

/* The k-th of those that may be next, and when it was at the latest: first
 * those with an end. */
static uint32_t
candidate(search_t *s, uint32_t k)
{
    const lin_op_t *op = s->h->op;
    int64_t end = LIN_NEVER;
    uint32_t n = s->h->n;

    while (s->first < n && (s->done[s->first] || lin_op_is_open(&op[s->first])))
    {
        s->first++;
    }
    for (uint32_t i = s->first; i < n && op[i].inv <= end; i++) {
        if (!s->done[i] && op[i].ret < end) {
            end = op[i].ret;
        }
    }
    s->end = end;
    for (uint32_t i = s->first; i < n && op[i].inv <= end; i++) {
        if (!s->done[i] && !lin_op_is_open(&op[i]) && k-- == 0) {
            return i;
        }
    }
    for (uint32_t i = 0; i < s->opens && op[s->open[i]].inv <= end; i++) {
        if (!s->done[s->open[i]] && k-- == 0) {
            return s->open[i];
        }
    }
    return UINT32_MAX;
}

/* Room behind the state of the frame at the top, for that of the next. */
static void
frame_push(search_t *s, const lin_state_t *state)
{
    frame_t *f = &s->frame[s->depth], *g = f + 1;
    size_t at = f->state + f->len;

    if (at + state->len > s->room) {
        s->room = (at + state->len) * 2;
        s->data = lin_alloc(s->data, s->room);
    }
    memcpy(s->data + at, state->data, state->len);
    *g = (frame_t){ .state = at, .len = state->len };
    s->depth++;
}

/* Take the next step from the top.  False: there is none. */
static bool
forward(search_t *s)
{
    frame_t *f = &s->frame[s->depth];
    lin_state_t now = { s->data + f->state, f->len };

    for (;;) {
        lin_state_t out = { s->out, 0 };
        lin_str_t reply;
        lin_op_t op;
        uint8_t gone;
        mark_t m;

        if (!f->again) {
            f->taken = candidate(s, f->next++);
            if (f->taken == UINT32_MAX) {
                return false;
            }
            f->end = s->end;
        }
        op = s->h->op[f->taken];
        op.ret = f->end;
        f->gone = f->again ? f->gone : lin_doubts(&now, &op);
        gone = f->gone;
        f->again = gone != 0;
        f->gone =
            (uint8_t) ((gone - 1) & (gone == 0 ? 0 : lin_doubts(&now, &op)));

        if (!lin_apply(s->w, &now, &op, gone, &out, &reply)
            || !lin_fits(s->w, &op, reply))
        {
            continue;
        }
        flip(s, f->taken);
        m.a = s->sum.a ^ lin_hash(out.data, out.len, 1);
        m.b = s->sum.b ^ lin_hash(out.data, out.len, 2);
        if (!seen(s, m)) {
            frame_push(s, &out);
            return true;
        }
        flip(s, f->taken);
    }
}

static lin_verdict_t
go(search_t *s)
{
    while (s->left > 0) {
        if (s->used > s->limit) {
            return LIN_UNDECIDED;
        }
        if (!forward(s)) {
            if (s->depth == 0) {
                return LIN_NO;
            }
            s->depth--;
            flip(s, s->frame[s->depth].taken);
        }
    }
    return LIN_YES;
}

lin_verdict_t
lin_search(const lin_hist_t *h, size_t limit)
{
    search_t *s = lin_alloc(NULL, sizeof(*s));
    lin_verdict_t v;

    memset(s, 0, sizeof(*s));
    s->h = h;
    s->w = lin_work_new();
    s->limit = limit;
    s->done = lin_alloc(NULL, h->n + 1);
    memset(s->done, 0, h->n + 1);
    s->open = lin_alloc(NULL, (h->n + 1) * sizeof(*s->open));
    s->frame = lin_alloc(NULL, (h->n + 2) * sizeof(*s->frame));
    for (uint32_t i = 0; i < h->n; i++) {
        if (!lin_op_is_open(&h->op[i])) {
            s->left++;
        } else if (!(h->op[i].cmd->flags & LIN_READ)) {
            s->open[s->opens++] = i;
        }
    }
    s->room = lin_nothing.len;
    s->data = lin_alloc(NULL, s->room);
    memcpy(s->data, lin_nothing.data, lin_nothing.len);
    s->frame[0] = (frame_t){ .len = lin_nothing.len };
    v = go(s);

    lin_work_free(s->w);
    free(s->done);
    free(s->open);
    free(s->frame);
    free(s->data);
    free(s->seen);
    free(s);
    return v;
}
