/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_run.h"

#include <string.h>

/* --- lists ---------------------------------------------------------------- */

static void
push(lin_work_t *w, lin_val_t *v, bool left, lin_str_t s)
{
    uint32_t at = left ? 0 : v->n;

    lin_put_at(w, v, at, 1);
    v->el[w->over ? 0 : at] = s;
}

static void
push_all(lin_work_t *w, bool left)
{
    lin_val_t *v = lin_val(w, 1);

    lin_become(v, LIN_LIST);
    for (unsigned i = 2; i < w->op->argc; i++) {
        push(w, v, left, arg(w, i));
    }
    lin_say_number(w, v->n);
}

void
lin_run_rpush(lin_work_t *w)
{
    push_all(w, false);
}

void
lin_run_lpush(lin_work_t *w)
{
    push_all(w, true);
}

/* False: there is nothing. */
static bool
pop(lin_val_t *v, bool left, lin_str_t *s)
{
    if (v->type == LIN_NONE) {
        return false;
    }
    *s = v->el[left ? 0 : v->n - 1];
    lin_take_at(v, left ? 0 : v->n - 1, 1);
    return true;
}

static void
pop_one(lin_work_t *w, bool left)
{
    lin_str_t s;

    if (pop(lin_val(w, 1), left, &s)) {
        lin_say_bulk(w, s);
    } else {
        lin_say_nil(w);
    }
}

void
lin_run_lpop(lin_work_t *w)
{
    pop_one(w, true);
}

void
lin_run_rpop(lin_work_t *w)
{
    pop_one(w, false);
}

/* One that waited in vain has seen an empty list at some time at least. */
void
lin_run_blpop(lin_work_t *w)
{
    lin_str_t s;

    if (!pop(lin_val(w, 1), true, &s)) {
        lin_say_nil(w);
        return;
    }
    lin_say(w, lin_lit("["));
    lin_say_bulk(w, arg(w, 1));
    lin_say(w, lin_lit(","));
    lin_say_bulk(w, s);
    lin_say(w, lin_lit("]"));
}

void
lin_run_llen(lin_work_t *w)
{
    const lin_val_t *v = lin_val(w, 1);

    lin_say_number(w, v->type == LIN_NONE ? 0 : v->n);
}

void
lin_run_all(lin_work_t *w)
{
    lin_say_all(w, lin_val(w, 1));
}

static void
move(lin_work_t *w, bool from_left, bool to_left)
{
    lin_str_t s;

    if (!pop(lin_val(w, 1), from_left, &s)) {
        lin_say_nil(w);
        return;
    }
    lin_become(lin_val(w, 2), LIN_LIST);
    push(w, lin_val(w, 2), to_left, s);
    lin_say_bulk(w, s);
}

void
lin_run_rpoplpush(lin_work_t *w)
{
    move(w, false, true);
}

void
lin_run_lmove(lin_work_t *w)
{
    move(w, arg(w, 3).data[0] == 'L', arg(w, 4).data[0] == 'L');
}

/* --- hashes and sets ------------------------------------------------------ */

/* Elements are sorted, of a hash by pairs: where `s` is, or is to be. */
static bool
find(const lin_val_t *v, unsigned step, lin_str_t s, uint32_t *at)
{
    for (*at = 0; v->type != LIN_NONE && *at < v->n; *at += step) {
        int rc = lin_str_cmp(v->el[*at], s);

        if (rc >= 0) {
            return rc == 0;
        }
    }
    return false;
}

/* Was there none? */
static bool
put_field(lin_work_t *w, lin_val_t *v, lin_str_t field, lin_str_t s)
{
    uint32_t at;
    bool is = find(v, 2, field, &at);

    if (!is) {
        lin_become(v, LIN_HASH);
        lin_put_at(w, v, at, 2);
        at = w->over ? 0 : at;
        v->el[at] = field;
    }
    v->el[at + 1] = s;
    return !is;
}

void
lin_run_hset(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 2; i + 1 < w->op->argc; i += 2) {
        n += put_field(w, lin_val(w, 1), arg(w, i), arg(w, i + 1));
    }
    lin_say_number(w, n);
}

void
lin_run_hget(lin_work_t *w)
{
    uint32_t at;

    if (find(lin_val(w, 1), 2, arg(w, 2), &at)) {
        lin_say_bulk(w, lin_val(w, 1)->el[at + 1]);
    } else {
        lin_say_nil(w);
    }
}

void
lin_run_hdel(lin_work_t *w)
{
    uint32_t at;
    bool is = find(lin_val(w, 1), 2, arg(w, 2), &at);

    if (is) {
        lin_take_at(lin_val(w, 1), at, 2);
    }
    lin_say_number(w, is);
}

void
lin_run_hincrby(lin_work_t *w)
{
    lin_val_t *v = lin_val(w, 1);
    int64_t n = 0, by;
    uint32_t at;

    (void) lin_is_number(arg(w, 3), &by);
    if (find(v, 2, arg(w, 2), &at) && !lin_is_number(v->el[at + 1], &n)) {
        lin_say(w, lin_lit("-ERR~hash~value~is~not~an~integer"));
        return;
    }
    put_field(w, v, arg(w, 2), lin_make_number(w, n + by));
    lin_say_number(w, n + by);
}

static bool
put_member(lin_work_t *w, lin_val_t *v, lin_str_t s)
{
    uint32_t at;

    if (find(v, 1, s, &at)) {
        return false;
    }
    lin_become(v, LIN_SET);
    lin_put_at(w, v, at, 1);
    v->el[w->over ? 0 : at] = s;
    return true;
}

static bool
take_member(lin_val_t *v, lin_str_t s)
{
    uint32_t at;
    bool is = find(v, 1, s, &at);

    if (is) {
        lin_take_at(v, at, 1);
    }
    return is;
}

void
lin_run_sadd(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 2; i < w->op->argc; i++) {
        n += put_member(w, lin_val(w, 1), arg(w, i));
    }
    lin_say_number(w, n);
}

void
lin_run_srem(lin_work_t *w)
{
    lin_say_number(w, take_member(lin_val(w, 1), arg(w, 2)));
}

void
lin_run_sismember(lin_work_t *w)
{
    uint32_t at;

    lin_say_number(w, find(lin_val(w, 1), 1, arg(w, 2), &at));
}

void
lin_run_smove(lin_work_t *w)
{
    bool is = take_member(lin_val(w, 1), arg(w, 3));

    if (is) {
        put_member(w, lin_val(w, 2), arg(w, 3));
    }
    lin_say_number(w, is);
}

void
lin_run_sinterstore(lin_work_t *w)
{
    lin_val_t *to = lin_val(w, 1), *a = lin_val(w, 2), *b = lin_val(w, 3);
    uint32_t n = 0, at;

    lin_drop(to);
    for (uint32_t i = 0; a->type != LIN_NONE && i < a->n; i++) {
        if (find(b, 1, a->el[i], &at)) {
            to->el[n++] = a->el[i];
        }
    }
    if (n > 0) {
        to->type = LIN_SET;
        to->n = n;
    }
    lin_say_number(w, n);
}
