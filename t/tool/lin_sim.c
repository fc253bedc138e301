/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_sim.h"

#include "lin_gen.h"
#include "lin_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSEC    INT64_C(1000000)
#define CLIENTS 16
#define EVENTS  256
#define PAST    32 /* states that are remembered */
#define LINE    256

const char *const lin_defects[SIM_DEFECTS] = { "sound", "lost", "double",
    "again", "late", "resurrect", "stale", "element", "torn", "rollback",
    "early", "immortal" };

/* What happens at a time: an operation, or keys become what they are in a
 * state. */
typedef struct {
    int64_t at;
    uint32_t op;
    bool silent; /* its answer is nobody's */
    uint8_t keys;
    lin_state_t state; /* taken */
} event_t;

typedef struct {
    lin_state_t state; /* taken */
    int64_t until;
} past_t;

typedef struct {
    const lin_sim_conf_t *conf;
    lin_sim_t *sim;
    lin_gen_t gen;
    lin_work_t *w;
    int64_t now, last;     /* return */
    int64_t think;         /* between two operations, on average */
    int64_t next[CLIENTS]; /* invocation */
    event_t event[EVENTS];
    unsigned events;
    past_t past[PAST];
    unsigned changes;
    uint32_t defect_at; /* from this operation on */
    lin_str_t hint;
    lin_state_t state;
    char out[LIN_STATE_MAX], spare[LIN_STATE_MAX];
} run_t;

typedef struct piece_s piece_t;
struct piece_s {
    piece_t *next;
    lin_str_t argv[LIN_ARGS];
    char text[];
};

/* Memory that lives as long as the history. */
static piece_t *
keep(run_t *r, const char *text, size_t len)
{
    piece_t *p = lin_alloc(NULL, sizeof(*p) + len + 1);

    memcpy(p->text, text, len);
    p->text[len] = '\0';
    p->next = r->sim->memory;
    r->sim->memory = p;
    return p;
}

static lin_state_t
keep_state(run_t *r, const lin_state_t *s)
{
    return (lin_state_t){ keep(r, s->data, s->len)->text, s->len };
}

static unsigned
below(run_t *r, unsigned n)
{
    return (unsigned) (lin_random(&r->gen) % n);
}

/* About as long, most often shorter, sometimes much longer. */
static int64_t
while_of(run_t *r, int64_t mean)
{
    int64_t n = 1 + (int64_t) (lin_random(&r->gen) % (uint64_t) mean);

    while (below(r, 3) == 0) {
        n *= 2;
    }
    return n;
}

static bool
same(const lin_state_t *a, const lin_state_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void
become(run_t *r, const lin_state_t *s)
{
    past_t *p = &r->past[r->changes % PAST];

    if (same(&r->state, s)) {
        return;
    }
    p->state = r->state;
    p->until = r->now;
    r->changes++;
    r->state = keep_state(r, s);
}

static void
plan(run_t *r, int64_t at, uint32_t op, bool silent)
{
    if (r->events < EVENTS) {
        r->event[r->events++] =
            (event_t){ .at = at, .op = op, .silent = silent };
    }
}

static void
plan_keys(run_t *r, int64_t at, uint8_t keys, const lin_state_t *s)
{
    if (r->events < EVENTS) {
        r->event[r->events++] =
            (event_t){ .at = at, .keys = keys, .state = keep_state(r, s) };
    }
}

/* --- defects -------------------------------------------------------------- */

/* Keys of `op` that are there in `a`, and not in `b`. */
static uint8_t
vanished(run_t *r, const lin_state_t *a, const lin_state_t *b)
{
    uint8_t keys = 0;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        lin_state_t none =
            lin_splice(a, &lin_nothing, (uint8_t) (1u << k), r->spare);
        bool was = !same(&none, a);

        none = lin_splice(b, &lin_nothing, (uint8_t) (1u << k), r->spare);
        keys |= was && same(&none, b) ? (uint8_t) (1u << k) : 0;
    }
    return keys;
}

static uint8_t
changed(run_t *r, const lin_state_t *a, const lin_state_t *b)
{
    uint8_t keys = 0;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        lin_state_t s = lin_splice(a, b, (uint8_t) (1u << k), r->spare);

        keys |= same(&s, a) ? 0 : (uint8_t) (1u << k);
    }
    return keys;
}

/* Executes `op` as the store does it, at its time. */
static bool
execute(run_t *r, const lin_state_t *s, const lin_op_t *of, lin_state_t *out,
    lin_str_t *reply)
{
    static char pttl[32];
    int64_t margin = lin_margin;
    lin_op_t op = *of;
    const lin_val_t *v;
    bool fine;

    op.inv = op.ret = r->now;
    lin_margin = 0;
    fine = lin_apply(r->w, s, &op, lin_doubts(s, &op), out, reply);
    lin_margin = margin;
    if (fine && reply->data[0] == '?') {
        v = &r->w->val[lin_key_index(op.argv[1])];
        snprintf(pttl, sizeof(pttl), ":%" PRId64, (v->lo - r->now) / MSEC);
        *reply = (lin_str_t){ pttl, (uint32_t) strlen(pttl) };
    }
    return fine;
}

/* A read is answered from a state that was over before it began. */
static bool
stale(run_t *r, const lin_op_t *op, lin_str_t *reply)
{
    lin_state_t out = { r->spare, 0 };
    char right[LINE];
    lin_str_t now = *reply;

    if (now.len >= sizeof(right)) {
        return false;
    }
    memcpy(right, now.data, now.len);
    now.data = right;
    for (unsigned i = 1; i <= PAST && i <= r->changes; i++) {
        const past_t *p = &r->past[(r->changes - i) % PAST];

        if (p->until < op->inv && execute(r, &p->state, op, &out, reply)
            && !lin_str_eq(*reply, now))
        {
            return true;
        }
    }
    (void) execute(r, &r->state, op, &out, reply);
    return false;
}

/* The first key of several elements loses one. */
static bool
lose_element(run_t *r, lin_state_t *out)
{
    for (unsigned k = 0; k < LIN_KEYS; k++) {
        lin_val_t *v = &r->w->val[k];
        uint32_t step = v->type == LIN_HASH ? 2 : 1, at;

        if (v->type <= LIN_STRING || v->n < 2 * step) {
            continue;
        }
        at = below(r, v->n / step) * step;
        memmove(v->el + at, v->el + at + step,
            (v->n - at - step) * sizeof(v->el[0]));
        v->n -= step;
        return lin_pack(r->w, out);
    }
    return false;
}

/* One key whose time has not come by far is gone before the operation. */
static bool
expire_early(run_t *r, const lin_op_t *op, lin_state_t *out, lin_str_t *reply)
{
    lin_state_t none;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        const lin_val_t *v = &r->w->val[k];

        if ((op->keys >> k & 1) && v->type != LIN_NONE && v->hi != 0
            && v->lo - r->now > 250 * MSEC && (op->cmd->flags & LIN_READ))
        {
            none = lin_splice(
                &r->state, &lin_nothing, (uint8_t) (1u << k), r->spare);
            become(r, &none);
            return execute(r, &r->state, op, out, reply);
        }
    }
    return false;
}

static bool
immortal(run_t *r, const lin_op_t *op, lin_state_t *out)
{
    if (!(op->cmd->flags & LIN_TIMED)) {
        return false;
    }
    for (unsigned k = 0; k < LIN_KEYS; k++) {
        if ((op->keys >> k & 1) && r->w->val[k].type != LIN_NONE) {
            r->w->val[k].lo = r->w->val[k].hi = 0;
            return lin_pack(r->w, out);
        }
    }
    return false;
}

/* Its defect, if this is the time for it.  `out` and `reply` are right. */
static bool
spoil(run_t *r, uint32_t i, lin_state_t *out, lin_str_t *reply)
{
    const lin_op_t *op = &r->sim->hist.op[i];
    bool writes = !same(out, &r->state);
    int64_t later =
        (op->ret == LIN_NEVER ? r->now : op->ret) + while_of(r, 3 * r->think);
    uint8_t keys = writes ? changed(r, &r->state, out) : 0;
    lin_str_t second;

    switch (r->conf->defect) {
    case SIM_LOST:
        memcpy(out->data, r->state.data, r->state.len);
        out->len = r->state.len;
        return writes;
    case SIM_DOUBLE: {
        lin_state_t twice = { r->spare, 0 }, once = keep_state(r, out);
        lin_str_t first = { keep(r, reply->data, reply->len)->text,
            reply->len };
        bool fine = execute(r, &once, op, &twice, &second);

        *reply = first;
        if (!fine || !writes || same(&once, &twice)) {
            return false;
        }
        memcpy(out->data, twice.data, twice.len);
        out->len = twice.len;
        return true;
    }
    case SIM_AGAIN:
        if (writes) {
            plan(r, later, i, true);
        }
        return writes;
    case SIM_LATE:
        if (writes) {
            plan(r, later, i, true);
            memcpy(out->data, r->state.data, r->state.len);
            out->len = r->state.len;
        }
        return writes;
    case SIM_RESURRECT:
        keys = vanished(r, &r->state, out);
        if (keys != 0) {
            plan_keys(r, later, keys, &r->state);
        }
        return keys != 0;
    case SIM_STALE:
        return (op->cmd->flags & LIN_READ) && op->keys != 0
               && op->ret != LIN_NEVER && stale(r, op, reply);
    case SIM_ELEMENT:
        return writes && lose_element(r, out);
    case SIM_TORN:
        if ((keys & (keys - 1)) == 0) {
            return false;
        }
        keys &= (uint8_t) (keys - 1);
        plan_keys(r, later, keys, out);
        *out = lin_splice(out, &r->state, keys, r->spare);
        return true;
    case SIM_ROLLBACK:
        if (r->changes < 4 || op->ret == LIN_NEVER) {
            return false;
        }
        *out = r->past[(r->changes - 3) % PAST].state;
        return true;
    case SIM_EARLY:
        return expire_early(r, op, out, reply);
    case SIM_IMMORTAL:
        return immortal(r, op, out);
    default:
        return false;
    }
}

/* --- a life --------------------------------------------------------------- */

static void
happen(run_t *r, const event_t *e)
{
    lin_hist_t *h = &r->sim->hist;
    lin_state_t out = { r->out, 0 };
    lin_str_t reply;
    piece_t *p;

    if (e->keys != 0) {
        out = lin_splice(&r->state, &e->state, e->keys, r->out);
        become(r, &out);
        return;
    }
    if (!execute(r, &r->state, &h->op[e->op], &out, &reply)) {
        return;
    }
    if (!e->silent && !r->sim->defect && e->op >= r->defect_at) {
        r->sim->defect = spoil(r, e->op, &out, &reply);
    }
    if (!e->silent && h->op[e->op].ret != LIN_NEVER) {
        p = keep(r, reply.data, reply.len);
        h->op[e->op].reply = (lin_str_t){ p->text, reply.len };
        if (reply.data[0] == '$') {
            r->hint = (lin_str_t){ p->text + 1, reply.len - 1 };
        }
    }
    become(r, &out);
}

static void
invoke(run_t *r, unsigned client, const char *line, size_t len, bool sure)
{
    piece_t *p = keep(r, line, len);
    lin_op_t op = { .client = client, .inv = r->now };
    uint32_t i = r->sim->hist.n;
    int64_t at = r->now + while_of(r, MSEC);
    const char *wrong =
        lin_op_parse(&op, p->argv, (lin_str_t){ p->text, (uint32_t) len });

    if (wrong != NULL) {
        fprintf(stderr, "lin: %s: %s\n", p->text, wrong);
        abort();
    }
    op.ret = at + while_of(r, MSEC);
    if (!sure && below(r, 100) < r->conf->unknown) {
        op.ret = LIN_NEVER;
        at += below(r, 2) ? 0 : while_of(r, 30 * r->think);
        if (below(r, 3) > 0) {
            plan(r, at, i, false);
        }
        r->next[client] = r->now + while_of(r, 5 * r->think);
    } else {
        plan(r, at, i, false);
        r->next[client] = op.ret + while_of(r, r->think);
        r->last = op.ret > r->last ? op.ret : r->last;
    }
    lin_hist_add(&r->sim->hist, &op);
}

/* Everything up to this time. */
static void
pass(run_t *r, int64_t until)
{
    for (;;) {
        unsigned first = r->events;
        event_t e;

        for (unsigned i = 0; i < r->events; i++) {
            if (r->event[i].at <= until
                && (first == r->events || r->event[i].at < r->event[first].at))
            {
                first = i;
            }
        }
        if (first == r->events) {
            break;
        }
        e = r->event[first];
        r->event[first] = r->event[--r->events];
        r->now = e.at;
        happen(r, &e);
    }
    r->now = until;
}

void
lin_sim(lin_sim_t *sim, const lin_sim_conf_t *conf)
{
    run_t *r = lin_alloc(NULL, sizeof(*r));
    char name[] = { conf->class, '0', '.', '0' };
    lin_str_t group = { name, sizeof(name) };
    char line[LINE];
    size_t n;

    memset(sim, 0, sizeof(*sim));
    memset(r, 0, sizeof(*r));
    r->conf = conf;
    r->sim = sim;
    r->gen.seed = lin_mix(conf->seed);
    r->w = lin_work_new();
    r->think = (conf->class == 'x' ? 40 : 1) * MSEC;
    r->state = keep_state(r, &lin_nothing);
    r->defect_at =
        conf->defect == SIM_SOUND ? UINT32_MAX : below(r, conf->ops / 2 + 1);
    for (unsigned c = 0; c < conf->clients; c++) {
        r->next[c] = 1000 * MSEC + while_of(r, r->think);
    }

    while (sim->hist.n < conf->ops) {
        unsigned c = 0;

        for (unsigned i = 1; i < conf->clients; i++) {
            c = r->next[i] < r->next[c] ? i : c;
        }
        pass(r, r->next[c]);
        r->gen.client = c;
        n = lin_gen(&r->gen, group, r->hint, line, sizeof(line));
        invoke(r, c, line, n, false);
    }

    /* Twice a look at all, since some may be executed late. */
    for (unsigned k = 0; k < 2; k++) {
        pass(r, r->last + (conf->class == 'x' ? 1800 : 20) * MSEC);
        for (unsigned i = 0; (n = lin_gen_read(group, i, line, LINE)) > 0; i++)
        {
            invoke(r, 0, line, n, true);
        }
        pass(r, r->last);
    }
    lin_hist_sort(&sim->hist);
    lin_work_free(r->w);
    free(r);
}

void
lin_sim_free(lin_sim_t *sim)
{
    for (piece_t *p = sim->memory, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    free(sim->hist.op);
}

/* The group is of another name in print. */
static void
print_word(lin_str_t word, unsigned number)
{
    if (word.len == 7 && word.data[0] == '{') {
        printf(" {%c%u.0}%c", word.data[1], number, word.data[6]);
    } else {
        printf(" %.*s", (int) word.len, word.data);
    }
}

void
lin_sim_print(const lin_sim_t *sim, unsigned number)
{
    for (uint32_t i = 0; i < sim->hist.n; i++) {
        const lin_op_t *op = &sim->hist.op[i];
        const char *key = "{l0.0}";

        printf("%u %" PRId64 " ", op->client, op->inv);
        if (lin_op_is_open(op)) {
            printf("- ?");
        } else if (op->reply.len > 8 && op->reply.data[0] == '['
                   && memcmp(op->reply.data + 2, key, 6) == 0)
        {
            printf("%" PRId64 " [${l%u.0}%.*s", op->ret, number,
                (int) op->reply.len - 8, op->reply.data + 8);
        } else {
            printf("%" PRId64 " %.*s", op->ret, (int) op->reply.len,
                op->reply.data);
        }
        for (unsigned k = 0; k < op->argc; k++) {
            print_word(op->argv[k], number);
        }
        printf("\n");
    }
}
