/*
 * lin_front.c -- Lowe's just-in-time linearization, breadth first.
 *
 * Time goes forward over invocations and returns.  Between two of them there
 * is a front: all pairs of (which of the operations under way have taken
 * effect, state) that are possible.  At the return of X each of them goes on
 * by any operations under way, the last of which is X; whoever cannot is out,
 * and when nobody is left the history is not linearizable, and X tells where.
 *
 * Three things keep it small, and lose nothing:
 *
 *   (1) Of two with the same state, the one in which fewer of those without an
 *       end have taken effect can do all that the other can.
 *   (2) Of two equal operations without an end, the one that was invoked
 *       earlier goes first.
 *   (3) A reply that only looked (lin_looks) is taken as soon as it is right.
 *       Not where keys expire: there a look may decide that one is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_priv.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 64 /* operations under way at one time */
#define NONE   UINT32_MAX

/* What is possible: `done` is a mask of places. */
typedef struct {
    uint64_t done;
    uint64_t hash;
    size_t state; /* offset */
    uint32_t len;
    uint32_t next;
    bool out; /* another can do all it can */
} pos_t;

typedef struct {
    pos_t *pos;
    uint32_t n, cap;
    uint32_t *bucket, buckets;
    char *data;
    size_t used, room;
} set_t;

typedef struct {
    const lin_hist_t *h;
    lin_work_t *w;
    size_t limit;
    const lin_op_t *at[PLACES];
    uint64_t taken;       /* places in use */
    uint64_t ends;        /* of these, of operations that have an end */
    uint8_t twin[PLACES]; /* an equal one before it, or its own place */
    set_t now, more, then;
    char state[LIN_STATE_MAX];
    char looked[LIN_STATE_MAX];
} front_t;

#define bit(i) (UINT64_C(1) << (i))

/* --- sets of what is possible --------------------------------------------- */

static void
set_clear(set_t *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        s->bucket[s->pos[i].hash & (s->buckets - 1)] = NONE;
    }
    s->n = 0;
    s->used = 0;
}

static void
set_grow(set_t *s)
{
    s->cap = s->cap == 0 ? 64 : s->cap * 2;
    s->pos = lin_alloc(s->pos, s->cap * sizeof(*s->pos));
    s->buckets = s->cap * 2;
    s->bucket = lin_alloc(s->bucket, s->buckets * sizeof(*s->bucket));
    memset(s->bucket, 0xff, s->buckets * sizeof(*s->bucket));
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t *b = &s->bucket[s->pos[i].hash & (s->buckets - 1)];

        s->pos[i].next = *b;
        *b = i;
    }
}

static void
set_free(set_t *s)
{
    free(s->pos);
    free(s->bucket);
    free(s->data);
}

static lin_state_t
set_state(const set_t *s, const pos_t *p)
{
    return (lin_state_t){ s->data + p->state, p->len };
}

/* Rule (1).  `state` may not point into the set. */
static void
set_add(set_t *s, uint64_t done, uint64_t ends, const lin_state_t *state)
{
    uint64_t hash = lin_hash(state->data, state->len, done & ends);
    uint32_t *b;

    if (s->n == s->cap) {
        set_grow(s);
    }

    b = &s->bucket[hash & (s->buckets - 1)];
    for (uint32_t i = *b; i != NONE; i = s->pos[i].next) {
        pos_t *p = &s->pos[i];

        if (p->hash != hash || p->out || ((p->done ^ done) & ends) != 0
            || p->len != state->len
            || memcmp(s->data + p->state, state->data, p->len) != 0)
        {
            continue;
        }
        if ((p->done & ~done) == 0) {
            return;
        }
        p->out = (done & ~p->done) == 0;
    }

    if (s->used + state->len > s->room) {
        s->room = (s->used + state->len) * 2;
        s->data = lin_alloc(s->data, s->room);
    }
    memcpy(s->data + s->used, state->data, state->len);
    s->pos[s->n] = (pos_t){ done, hash, s->used, state->len, *b, false };
    s->used += state->len;
    *b = s->n++;
}

/* --- operations under way ------------------------------------------------- */

static bool
same_words(const lin_op_t *a, const lin_op_t *b)
{
    if (a->cmd != b->cmd || a->argc != b->argc
        || (a->cmd->flags & LIN_TIMED) != 0) {
        return false;
    }
    for (unsigned i = 1; i < a->argc; i++) {
        if (!lin_str_eq(a->argv[i], b->argv[i])) {
            return false;
        }
    }
    return true;
}

/* Rule (2): the newest of the earlier ones that are equal. */
static uint8_t
find_twin(const front_t *f, unsigned place)
{
    unsigned best = place;

    for (unsigned i = 0; i < PLACES; i++) {
        if (i != place && (f->taken & ~f->ends & bit(i))
            && same_words(f->at[i], f->at[place])
            && (best == place || f->at[i] > f->at[best]))
        {
            best = i;
        }
    }
    return (uint8_t) best;
}

/* Its place, or PLACES: there is none. */
static unsigned
take_place(front_t *f, const lin_op_t *op)
{
    unsigned i =
        f->taken == UINT64_MAX ? PLACES : (unsigned) __builtin_ctzll(~f->taken);

    if (i == PLACES) {
        return i;
    }
    f->at[i] = op;
    f->taken |= bit(i);
    if (lin_op_is_open(op)) {
        f->ends &= ~bit(i);
        f->twin[i] = find_twin(f, i);
    } else {
        f->ends |= bit(i);
        f->twin[i] = (uint8_t) i;
    }
    return i;
}

/* Can this answer of the command only mean that it changed nothing? */
static bool
lin_looks(const lin_op_t *op)
{
    static const char *const names[] = { "SET NX", "CAS", "GETDEL", "DEL",
        "UNLINK", "RENAME", "COPY", "LPOP", "RPOP", "BLPOP", "RPOPLPUSH",
        "LMOVE", "HDEL", "SADD", "SREM", "SMOVE", NULL };

    if (lin_op_is_open(op)) {
        return false;
    }
    if (op->cmd->flags & LIN_READ) {
        return true;
    }
    if (op->reply.data[0] == '-') {
        return true;
    }
    if (!lin_str_eq(op->reply, lin_lit("_"))
        && !lin_str_eq(op->reply, lin_lit(":0")))
    {
        return false;
    }
    for (const char *const *n = names; *n != NULL; n++) {
        if (strcmp(*n, op->cmd->name) == 0) {
            return true;
        }
    }
    return false;
}

/* --- steps ---------------------------------------------------------------- */

/* All looks that are right now. */
static uint64_t
look(front_t *f, const lin_state_t *s, uint64_t done)
{
    uint64_t rest = f->h->timed ? 0 : f->ends & ~done;

    for (; rest != 0; rest &= rest - 1) {
        unsigned i = (unsigned) __builtin_ctzll(rest);
        lin_state_t out = { f->looked, 0 };
        lin_str_t reply;

        if (lin_looks(f->at[i]) && lin_apply(f->w, s, f->at[i], 0, &out, &reply)
            && lin_fits(f->w, f->at[i], reply))
        {
            done |= bit(i);
        }
    }
    return done;
}

/* By one operation; to `then` when it is the one that returns.  False: the
 * model is too small. */
static bool
step(front_t *f, uint32_t pos, unsigned i, unsigned returns)
{
    lin_op_t op = *f->at[i];
    uint64_t done = f->more.pos[pos].done;
    lin_state_t s = set_state(&f->more, &f->more.pos[pos]);
    uint8_t doubts, gone;

    /* Before the one that returns now. */
    op.ret = f->at[returns]->ret;
    doubts = gone = f->h->timed ? lin_doubts(&s, &op) : 0;

    for (;;) {
        lin_state_t out = { f->state, 0 };
        lin_str_t reply;

        s = set_state(&f->more, &f->more.pos[pos]);
        if (!lin_apply(f->w, &s, &op, gone, &out, &reply)) {
            return false;
        }
        if (lin_fits(f->w, &op, reply)) {
            set_add(i == returns ? &f->then : &f->more,
                look(f, &out, done | bit(i)), f->ends, &out);
        }
        if (gone == 0) {
            return true;
        }
        gone = (uint8_t) ((gone - 1) & doubts);
    }
}

/* False: too much is possible. */
static bool
on_return(front_t *f, unsigned returns)
{
    set_clear(&f->more);
    set_clear(&f->then);
    for (uint32_t i = 0; i < f->now.n; i++) {
        lin_state_t s = set_state(&f->now, &f->now.pos[i]);

        if (!f->now.pos[i].out) {
            set_add(&f->more, look(f, &s, f->now.pos[i].done), f->ends, &s);
        }
    }

    for (uint32_t i = 0; i < f->more.n; i++) {
        uint64_t rest;
        lin_state_t s;
        uint64_t done;

        if (f->more.pos[i].out) {
            continue;
        }
        s = set_state(&f->more, &f->more.pos[i]);
        done = f->more.pos[i].done;
        if (done & bit(returns)) {
            set_add(&f->then, done, f->ends, &s);
            continue;
        }
        if (f->more.n + f->then.n > f->limit) {
            return false;
        }
        for (rest = f->taken & ~done; rest != 0; rest &= rest - 1) {
            unsigned k = (unsigned) __builtin_ctzll(rest);

            if ((f->twin[k] == k || (done & bit(f->twin[k])))
                && !step(f, i, k, returns)) {
                return false;
            }
        }
    }
    return true;
}

/* The one that returned is no more; what is left is the front. */
static void
forget(front_t *f, unsigned place)
{
    uint64_t all = UINT64_MAX;

    f->taken &= ~bit(place);
    f->ends &= ~bit(place);
    set_clear(&f->now);
    for (uint32_t i = 0; i < f->then.n; i++) {
        all &= f->then.pos[i].out ? UINT64_MAX : f->then.pos[i].done;
    }

    /* Nor is one without an end that has taken effect wherever one looks. */
    all &= f->taken & ~f->ends;
    for (uint32_t i = 0; i < f->then.n; i++) {
        lin_state_t s = set_state(&f->then, &f->then.pos[i]);

        if (!f->then.pos[i].out) {
            set_add(
                &f->now, f->then.pos[i].done & ~all & ~bit(place), f->ends, &s);
        }
    }
    for (unsigned i = 0; i < PLACES; i++) {
        if (all & bit(i)) {
            f->taken &= ~bit(i);
        }
    }
    for (unsigned i = 0; all != 0 && i < PLACES; i++) {
        if ((f->taken & ~f->ends) & bit(i)) {
            f->twin[i] = (all & bit(f->twin[i])) ? (uint8_t) i : f->twin[i];
        }
    }
}

static void
explain(const front_t *f, const lin_op_t *op, lin_why_t *why)
{
    why->op = op;
    why->states = 0;
    for (uint32_t i = 0; i < f->now.n; i++) {
        lin_state_t s = set_state(&f->now, &f->now.pos[i]);

        if (f->now.pos[i].out) {
            continue;
        }
        if (why->states < 8) {
            lin_state_text(
                &s, why->before[why->states], sizeof(why->before[0]));
        }
        why->states++;
    }
}

/* --- over the time -------------------------------------------------------- */

static int
by_return(const void *pa, const void *pb)
{
    const lin_op_t *a = *(const lin_op_t *const *) pa;
    const lin_op_t *b = *(const lin_op_t *const *) pb;

    return (a->ret > b->ret) - (a->ret < b->ret);
}

static lin_verdict_t
go(front_t *f, const lin_op_t **ends, uint32_t n, lin_why_t *why)
{
    const lin_hist_t *h = f->h;
    uint32_t begun = 0;

    for (uint32_t e = 0; e < n; e++) {
        unsigned place;

        /* What begins when it ends may have been before it. */
        for (; begun < h->n && h->op[begun].inv <= ends[e]->ret; begun++) {
            const lin_op_t *op = &h->op[begun];

            if (lin_op_is_open(op) && (op->cmd->flags & LIN_READ)) {
                continue; /* nobody will ever know */
            }
            if (take_place(f, op) == PLACES) {
                return LIN_UNDECIDED;
            }
        }

        for (place = 0; f->at[place] != ends[e] || !(f->taken & bit(place));
             place++) {
        }
        if (!on_return(f, place)) {
            return LIN_UNDECIDED;
        }
        if (f->then.n == 0) {
            if (why != NULL) {
                explain(f, ends[e], why);
            }
            return LIN_NO;
        }
        forget(f, place);
    }
    return LIN_YES;
}

lin_verdict_t
lin_front(const lin_hist_t *h, size_t limit, lin_why_t *why)
{
    front_t *f = lin_alloc(NULL, sizeof(*f));
    const lin_op_t **ends = lin_alloc(NULL, (h->n + 1) * sizeof(*ends));
    lin_verdict_t v;
    uint32_t n = 0;

    memset(f, 0, sizeof(*f));
    f->h = h;
    f->limit = limit;
    f->w = lin_work_new();
    set_add(&f->now, 0, 0, &lin_nothing);
    for (uint32_t i = 0; i < h->n; i++) {
        if (!lin_op_is_open(&h->op[i])) {
            ends[n++] = &h->op[i];
        }
    }
    qsort(ends, n, sizeof(*ends), by_return);
    v = go(f, ends, n, why);

    set_free(&f->now);
    set_free(&f->more);
    set_free(&f->then);
    lin_work_free(f->w);
    free(ends);
    free(f);
    return v;
}
