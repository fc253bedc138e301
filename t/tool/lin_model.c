/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t lin_margin = 100 * INT64_C(1000000);

/* Of each key, before its elements; no padding. */
typedef struct {
    int64_t lo, hi;
    uint32_t type, n;
} head_t;

static char nothing[LIN_KEYS * sizeof(head_t)];
const lin_state_t lin_nothing = { nothing, sizeof(nothing) };

lin_work_t *
lin_work_new(void)
{
    return lin_alloc(NULL, sizeof(lin_work_t));
}

void
lin_work_free(lin_work_t *w)
{
    free(w);
}

/* The head of a key, and where its elements begin. */
static const char *
state_head(const char *at, head_t *head)
{
    memcpy(head, at, sizeof(*head));
    return at + sizeof(*head);
}

static const char *
state_element(const char *at, lin_str_t *el)
{
    memcpy(&el->len, at, sizeof(el->len));
    el->data = at + sizeof(el->len);
    return el->data + el->len;
}

/* Is the time of `op` for sure before, for sure after, or neither? */
static bool
may_be_gone(const head_t *h, const lin_op_t *op)
{
    return h->type != LIN_NONE && h->hi != 0 && op->ret >= h->lo;
}

static bool
must_be_gone(const head_t *h, const lin_op_t *op)
{
    return may_be_gone(h, op) && op->inv > h->hi;
}

uint8_t
lin_doubts(const lin_state_t *s, const lin_op_t *op)
{
    const char *at = s->data;
    uint8_t mask = 0;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        lin_str_t el;
        head_t h;

        at = state_head(at, &h);
        if ((op->keys >> k & 1) && may_be_gone(&h, op) && !must_be_gone(&h, op))
        {
            mask |= (uint8_t) (1u << k);
        }
        for (uint32_t i = 0; i < h.n; i++) {
            at = state_element(at, &el);
        }
    }
    return mask;
}

static void
unpack(lin_work_t *w, const lin_state_t *s, uint8_t gone)
{
    const char *at = s->data;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        lin_val_t *v = &w->val[k];
        head_t h;

        at = state_head(at, &h);
        v->type = (lin_type_t) h.type;
        v->n = h.n;
        v->lo = h.lo;
        v->hi = h.hi;
        for (uint32_t i = 0; i < h.n; i++) {
            at = state_element(at, &v->el[i]);
        }
        if ((w->op->keys >> k & 1)
            && ((gone >> k & 1) || must_be_gone(&h, w->op))) {
            v->type = LIN_NONE;
        }
    }
}

/* A key without elements is none, and has no expiry. */
bool
lin_pack(const lin_work_t *w, lin_state_t *out)
{
    char *at = out->data, *end = out->data + LIN_STATE_MAX;

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        const lin_val_t *v = &w->val[k];
        head_t h = { 0 };

        if (v->type != LIN_NONE && v->n > 0) {
            h = (head_t){ v->lo, v->hi, v->type, v->n };
        }
        if ((size_t) (end - at) < sizeof(h)) {
            return false;
        }
        memcpy(at, &h, sizeof(h));
        at += sizeof(h);
        for (uint32_t i = 0; i < h.n; i++) {
            if ((size_t) (end - at) < sizeof(v->el[i].len) + v->el[i].len) {
                return false;
            }
            memcpy(at, &v->el[i].len, sizeof(v->el[i].len));
            at += sizeof(v->el[i].len);
            memcpy(at, v->el[i].data, v->el[i].len);
            at += v->el[i].len;
        }
    }
    out->len = (uint32_t) (at - out->data);
    return true;
}

static bool
types_fit(const lin_work_t *w)
{
    if (w->op->cmd->flags & LIN_ANY_TYPE) {
        return true;
    }
    for (unsigned k = 0; k < LIN_KEYS; k++) {
        if ((w->op->keys >> k & 1) && w->val[k].type != LIN_NONE
            && w->val[k].type != w->op->cmd->type)
        {
            return false;
        }
    }
    return true;
}

bool
lin_apply(lin_work_t *w, const lin_state_t *s, const lin_op_t *op, uint8_t gone,
    lin_state_t *out, lin_str_t *reply)
{
    static const char wrong[] =
        "-WRONGTYPE~Operation~against~a~key~holding~the~wrong~kind~of~value";

    w->op = op;
    w->over = false;
    w->made_len = w->reply_len = 0;
    unpack(w, s, gone);
    if (types_fit(w)) {
        op->cmd->run(w);
    } else {
        memcpy(w->reply, wrong, sizeof(wrong) - 1);
        w->reply_len = sizeof(wrong) - 1;
    }

    *reply = (lin_str_t){ w->reply, w->reply_len };
    return !w->over && lin_pack(w, out);
}

lin_state_t
lin_splice(const lin_state_t *a, const lin_state_t *b, uint8_t keys, char *to)
{
    const char *at[2] = { a->data, b->data };
    lin_state_t out = { to, 0 };

    for (unsigned k = 0; k < LIN_KEYS; k++) {
        const char *from[2] = { at[0], at[1] };
        unsigned which = keys >> k & 1;

        for (unsigned i = 0; i < 2; i++) {
            lin_str_t el;
            head_t h;

            at[i] = state_head(at[i], &h);
            while (h.n-- > 0) {
                at[i] = state_element(at[i], &el);
            }
        }
        memcpy(to + out.len, from[which], (size_t) (at[which] - from[which]));
        out.len += (uint32_t) (at[which] - from[which]);
    }
    return out;
}

/* A time to live, ms, of a key that expires between lo and hi. */
static bool
pttl_fits(const lin_work_t *w, const lin_op_t *op)
{
    const lin_val_t *v = &w->val[lin_key_index(op->argv[1])];
    int64_t ns;

    if (v->type == LIN_NONE || v->hi == 0 || op->reply.len < 2
        || op->reply.len > 15 || op->reply.data[0] != ':'
        || op->reply.data[1] == '-')
    {
        return false;
    }

    ns = 0;
    for (uint32_t i = 1; i < op->reply.len; i++) {
        ns = ns * 10 + (op->reply.data[i] - '0');
    }
    ns *= 1000000;
    return ns + op->ret >= v->lo && ns <= v->hi - op->inv;
}

bool
lin_fits(lin_work_t *w, const lin_op_t *op, lin_str_t reply)
{
    if (lin_op_is_open(op)) {
        return true;
    }
    if (reply.len > 0 && reply.data[0] == '?') {
        return pttl_fits(w, op);
    }
    return lin_str_eq(op->reply, reply);
}

void
lin_state_text(const lin_state_t *s, char *text, size_t size)
{
    static const char *const open[] = { "", "\"", "[", "{", "(" };
    const char *at = s->data;
    size_t n = 0;

    text[0] = '\0';
    for (unsigned k = 0; k < LIN_KEYS; k++) {
        head_t h;

        at = state_head(at, &h);
        if (h.type != LIN_NONE && n < size) {
            n += (size_t) snprintf(
                text + n, size - n, " %c=%s", 'a' + (int) k, open[h.type]);
        }
        for (uint32_t i = 0; i < h.n; i++) {
            lin_str_t el;

            at = state_element(at, &el);
            if (n < size) {
                n += (size_t) snprintf(text + n, size - n, "%s%.*s",
                    i == 0 || h.type == LIN_STRING ? "" : " ", (int) el.len,
                    el.data);
            }
        }
        if (h.type != LIN_NONE && n < size) {
            n += (size_t) snprintf(text + n, size - n, "%s%s",
                &"\0\0\"\0]\0}\0)"[2 * h.type], h.hi != 0 ? " (expires)" : "");
        }
    }
    if (n == 0) {
        snprintf(text, size, " nothing");
    }
}
