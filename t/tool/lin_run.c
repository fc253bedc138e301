/*
 * lin_run.c -- what each command does, and what it answers, to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_run.h"

/* --- strings -------------------------------------------------------------- */

static void
run_get(lin_work_t *w)
{
    lin_say_string(w, lin_val(w, 1));
}

static void
run_set(lin_work_t *w)
{
    lin_set_string(lin_val(w, 1), arg(w, 2));
    lin_say_ok(w);
}

static void
run_set_nx(lin_work_t *w)
{
    if (lin_val(w, 1)->type != LIN_NONE) {
        lin_say_nil(w);
    } else {
        run_set(w);
    }
}

static void
run_set_px(lin_work_t *w)
{
    run_set(w);
    lin_expire(w, lin_val(w, 1), arg(w, 4));
}

static void
run_getset(lin_work_t *w)
{
    lin_say_string(w, lin_val(w, 1));
    lin_set_string(lin_val(w, 1), arg(w, 2));
}

static void
run_getdel(lin_work_t *w)
{
    lin_say_string(w, lin_val(w, 1));
    lin_drop(lin_val(w, 1));
}

/* Our script: SET key new if its value is old. */
static void
run_cas(lin_work_t *w)
{
    lin_val_t *v = lin_val(w, 1);
    bool is = v->type == LIN_STRING && lin_str_eq(v->el[0], arg(w, 2));

    if (is) {
        lin_set_string(v, arg(w, 3));
    }
    lin_say_number(w, is);
}

/* Our script: two strings, or none, change places. */
static void
run_swap(lin_work_t *w)
{
    lin_val_t *a = lin_val(w, 1), *b = lin_val(w, 2);
    bool has_a = a->type != LIN_NONE, has_b = b->type != LIN_NONE;
    lin_str_t was_a = a->el[0], was_b = b->el[0];

    lin_say(w, lin_lit("["));
    lin_say_string(w, a);
    lin_say(w, lin_lit(","));
    lin_say_string(w, b);
    lin_say(w, lin_lit("]"));
    lin_drop(a);
    lin_drop(b);
    if (has_b) {
        lin_set_string(a, was_b);
    }
    if (has_a) {
        lin_set_string(b, was_a);
    }
}

static void
run_append(lin_work_t *w)
{
    lin_val_t *v = lin_val(w, 1);

    if (v->type == LIN_NONE) {
        lin_set_string(v, arg(w, 2));
    } else {
        v->el[0] = lin_make(w, v->el[0], arg(w, 2));
    }
    lin_say_number(w, v->el[0].len);
}

static void
run_strlen(lin_work_t *w)
{
    const lin_val_t *v = lin_val(w, 1);

    lin_say_number(w, v->type == LIN_NONE ? 0 : v->el[0].len);
}

static void
add(lin_work_t *w, int64_t by)
{
    lin_val_t *v = lin_val(w, 1);
    int64_t n = 0;

    if (v->type == LIN_STRING && !lin_is_number(v->el[0], &n)) {
        lin_say(w, lin_lit("-ERR~value~is~not~an~integer~or~out~of~range"));
        return;
    }
    if (v->type == LIN_NONE) {
        lin_set_string(v, lin_make_number(w, by));
    } else {
        v->el[0] = lin_make_number(w, n + by);
    }
    lin_say_number(w, n + by);
}

static void
run_incr(lin_work_t *w)
{
    add(w, 1);
}

static void
run_decr(lin_work_t *w)
{
    add(w, -1);
}

static void
run_incrby(lin_work_t *w)
{
    int64_t by;

    (void) lin_is_number(arg(w, 2), &by);
    add(w, by);
}

static void
run_mset(lin_work_t *w)
{
    for (unsigned i = 1; i + 1 < w->op->argc; i += 2) {
        lin_set_string(lin_val(w, i), arg(w, i + 1));
    }
    lin_say_ok(w);
}

static void
run_mget(lin_work_t *w)
{
    for (unsigned i = 1; i < w->op->argc; i++) {
        lin_say(w, i == 1 ? lin_lit("[") : lin_lit(","));
        lin_say_string(w, lin_val(w, i));
    }
    lin_say(w, lin_lit("]"));
}

/* --- keys ----------------------------------------------------------------- */

static void
run_del(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 1; i < w->op->argc; i++) {
        n += lin_val(w, i)->type != LIN_NONE;
        lin_drop(lin_val(w, i));
    }
    lin_say_number(w, n);
}

static void
run_exists(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 1; i < w->op->argc; i++) {
        n += lin_val(w, i)->type != LIN_NONE;
    }
    lin_say_number(w, n);
}

static void
run_rename(lin_work_t *w)
{
    lin_val_t *from = lin_val(w, 1);

    if (from->type == LIN_NONE) {
        lin_say(w, lin_lit("-ERR~no~such~key"));
        return;
    }
    lin_copy_val(lin_val(w, 2), from);
    lin_drop(from);
    lin_say_ok(w);
}

static void
run_copy(lin_work_t *w)
{
    const lin_val_t *from = lin_val(w, 1);
    bool may = from->type != LIN_NONE
               && (w->op->argc == 4 || lin_val(w, 2)->type == LIN_NONE);

    if (may) {
        lin_copy_val(lin_val(w, 2), from);
    }
    lin_say_number(w, may);
}

static void
run_pexpire(lin_work_t *w)
{
    lin_val_t *v = lin_val(w, 1);

    lin_say_number(w, v->type != LIN_NONE);
    if (v->type != LIN_NONE) {
        lin_expire(w, v, arg(w, 2));
    }
}

static void
run_persist(lin_work_t *w)
{
    lin_val_t *v = lin_val(w, 1);
    bool may = v->type != LIN_NONE && v->hi != 0;

    if (may) {
        v->lo = v->hi = 0;
    }
    lin_say_number(w, may);
}

static void
run_pttl(lin_work_t *w)
{
    const lin_val_t *v = lin_val(w, 1);

    if (v->type == LIN_NONE) {
        lin_say_number(w, -2);
    } else if (v->hi == 0) {
        lin_say_number(w, -1);
    } else {
        lin_say(w, lin_lit("?")); /* lin_fits() knows */
    }
}

/* --- all of them ---------------------------------------------------------- */

#define S LIN_STRING
#define L LIN_LIST
#define H LIN_HASH
#define M LIN_SET

const lin_cmd_t lin_cmds[] = {
    { "GET", 2, 2, 1, 0, 1, LIN_READ, S, run_get },
    { "SET", 3, 3, 1, 0, 1, LIN_ANY_TYPE, S, run_set },
    { "SET NX", 4, 4, 1, 0, 1, LIN_ANY_TYPE, S, run_set_nx },
    { "SET PX", 5, 5, 1, 0, 1, LIN_ANY_TYPE | LIN_TIMED, S, run_set_px },
    { "GETSET", 3, 3, 1, 0, 1, 0, S, run_getset },
    { "GETDEL", 2, 2, 1, 0, 1, 0, S, run_getdel },
    { "APPEND", 3, 3, 1, 0, 1, 0, S, run_append },
    { "STRLEN", 2, 2, 1, 0, 1, LIN_READ, S, run_strlen },
    { "INCR", 2, 2, 1, 0, 1, 0, S, run_incr },
    { "DECR", 2, 2, 1, 0, 1, 0, S, run_decr },
    { "INCRBY", 3, 3, 1, 0, 1, 0, S, run_incrby },
    { "MSET", 3, 7, 1, 255, 2, LIN_ANY_TYPE, S, run_mset },
    { "MGET", 2, 4, 1, 255, 1, LIN_READ, S, run_mget },
    { "CAS", 4, 4, 1, 0, 1, LIN_SCRIPT, S, run_cas },
    { "SWAP", 3, 3, 1, 2, 1, LIN_SCRIPT, S, run_swap },
    { "DEL", 2, 4, 1, 255, 1, LIN_ANY_TYPE, S, run_del },
    { "UNLINK", 2, 4, 1, 255, 1, LIN_ANY_TYPE, S, run_del },
    { "EXISTS", 2, 4, 1, 255, 1, LIN_ANY_TYPE | LIN_READ, S, run_exists },
    { "RENAME", 3, 3, 1, 2, 1, LIN_ANY_TYPE, S, run_rename },
    { "COPY", 3, 4, 1, 2, 1, LIN_ANY_TYPE, S, run_copy },
    { "PEXPIRE", 3, 3, 1, 0, 1, LIN_ANY_TYPE | LIN_TIMED, S, run_pexpire },
    { "PERSIST", 2, 2, 1, 0, 1, LIN_ANY_TYPE, S, run_persist },
    { "PTTL", 2, 2, 1, 0, 1, LIN_ANY_TYPE | LIN_READ, S, run_pttl },
    { "RPUSH", 3, 6, 1, 0, 1, 0, L, lin_run_rpush },
    { "LPUSH", 3, 6, 1, 0, 1, 0, L, lin_run_lpush },
    { "LPOP", 2, 2, 1, 0, 1, 0, L, lin_run_lpop },
    { "RPOP", 2, 2, 1, 0, 1, 0, L, lin_run_rpop },
    { "BLPOP", 3, 3, 1, 0, 1, 0, L, lin_run_blpop },
    { "LLEN", 2, 2, 1, 0, 1, LIN_READ, L, lin_run_llen },
    { "LRANGE", 4, 4, 1, 0, 1, LIN_READ, L, lin_run_all },
    { "RPOPLPUSH", 3, 3, 1, 2, 1, 0, L, lin_run_rpoplpush },
    { "LMOVE", 5, 5, 1, 2, 1, 0, L, lin_run_lmove },
    { "HSET", 4, 6, 1, 0, 1, 0, H, lin_run_hset },
    { "HGET", 3, 3, 1, 0, 1, LIN_READ, H, lin_run_hget },
    { "HDEL", 3, 3, 1, 0, 1, 0, H, lin_run_hdel },
    { "HINCRBY", 4, 4, 1, 0, 1, 0, H, lin_run_hincrby },
    { "HGETALL", 2, 2, 1, 0, 1, LIN_READ | LIN_PAIRS, H, lin_run_all },
    { "SADD", 3, 6, 1, 0, 1, 0, M, lin_run_sadd },
    { "SREM", 3, 3, 1, 0, 1, 0, M, lin_run_srem },
    { "SISMEMBER", 3, 3, 1, 0, 1, LIN_READ, M, lin_run_sismember },
    { "SMEMBERS", 2, 2, 1, 0, 1, LIN_READ | LIN_BAG, M, lin_run_all },
    { "SMOVE", 4, 4, 1, 2, 1, 0, M, lin_run_smove },
    { "SINTERSTORE", 4, 4, 1, 3, 1, 0, M, lin_run_sinterstore },
    { NULL, 0, 0, 0, 0, 0, 0, S, NULL },
};
