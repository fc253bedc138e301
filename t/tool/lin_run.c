/*
 * lin_run.c -- what each command does, and what it answers, to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define arg(w, i) ((w)->op->argv[i])

/* --- replies -------------------------------------------------------------- */

static void
say(lin_work_t *w, lin_str_t s)
{
    if (s.len > sizeof(w->reply) - w->reply_len) {
        w->over = true;
        return;
    }
    memcpy(w->reply + w->reply_len, s.data, s.len);
    w->reply_len += s.len;
}

static void
say_ok(lin_work_t *w)
{
    say(w, lin_lit("+OK"));
}

static void
say_nil(lin_work_t *w)
{
    say(w, lin_lit("_"));
}

static void
say_number(lin_work_t *w, int64_t n)
{
    char text[32];

    snprintf(text, sizeof(text), ":%" PRId64, n);
    say(w, (lin_str_t){ text, (uint32_t) strlen(text) });
}

static void
say_bulk(lin_work_t *w, lin_str_t s)
{
    say(w, lin_lit("$"));
    say(w, s);
}

/* The value of a string, or nil. */
static void
say_string(lin_work_t *w, const lin_val_t *v)
{
    if (v->type == LIN_STRING) {
        say_bulk(w, v->el[0]);
    } else {
        say_nil(w);
    }
}

static void
say_all(lin_work_t *w, const lin_val_t *v)
{
    say(w, lin_lit("["));
    for (uint32_t i = 0; v->type != LIN_NONE && i < v->n; i++) {
        if (i > 0) {
            say(w, lin_lit(","));
        }
        say_bulk(w, v->el[i]);
    }
    say(w, lin_lit("]"));
}

/* --- values --------------------------------------------------------------- */

static lin_val_t *
val(lin_work_t *w, unsigned i)
{
    return &w->val[lin_key_index(arg(w, i))];
}

/* Bytes that live as long as this command. */
static lin_str_t
make(lin_work_t *w, lin_str_t a, lin_str_t b)
{
    char *at = w->made + w->made_len;

    if (a.len + b.len > sizeof(w->made) - w->made_len) {
        w->over = true;
        return a;
    }
    memcpy(at, a.data, a.len);
    memcpy(at + a.len, b.data, b.len);
    w->made_len += a.len + b.len;
    return (lin_str_t){ at, a.len + b.len };
}

static lin_str_t
make_number(lin_work_t *w, int64_t n)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, n);
    return make(w, (lin_str_t){ text, (uint32_t) strlen(text) }, lin_lit(""));
}

/* As Redis reads a number. */
static bool
is_number(lin_str_t s, int64_t *n)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    uint32_t i = negative;

    *n = 0;
    if (s.len - i == 0 || s.len - i > 17) {
        return false;
    }
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        *n = *n * 10 + (s.data[i] - '0');
    }
    *n = negative ? -*n : *n;
    return true;
}

static void
drop(lin_val_t *v)
{
    v->type = LIN_NONE;
    v->n = 0;
    v->lo = v->hi = 0;
}

static void
set_string(lin_val_t *v, lin_str_t s)
{
    drop(v);
    v->type = LIN_STRING;
    v->n = 1;
    v->el[0] = s;
}

/* It comes into being with its first element. */
static void
become(lin_val_t *v, lin_type_t type)
{
    if (v->type == LIN_NONE) {
        drop(v);
        v->type = type;
    }
}

static void
put_at(lin_work_t *w, lin_val_t *v, uint32_t at, uint32_t n)
{
    if (v->n + n > LIN_ELEMENTS) {
        w->over = true;
        v->n = at = 0;
    }
    memmove(v->el + at + n, v->el + at, (v->n - at) * sizeof(v->el[0]));
    v->n += n;
}

static void
take_at(lin_val_t *v, uint32_t at, uint32_t n)
{
    memmove(v->el + at, v->el + at + n, (v->n - at - n) * sizeof(v->el[0]));
    v->n -= n;
    if (v->n == 0) {
        drop(v);
    }
}

static void
expire(lin_work_t *w, lin_val_t *v, lin_str_t ms)
{
    int64_t n;

    (void) is_number(ms, &n);
    n *= 1000000;
    v->lo = w->op->inv + n - lin_margin;
    v->lo = v->lo < 1 ? 1 : v->lo;
    v->hi = w->op->ret == LIN_NEVER ? LIN_NEVER : w->op->ret + n + lin_margin;
}

static void
copy_val(lin_val_t *to, const lin_val_t *from)
{
    to->type = from->type;
    to->n = from->n;
    to->lo = from->lo;
    to->hi = from->hi;
    memcpy(to->el, from->el, from->n * sizeof(from->el[0]));
}

/* --- strings -------------------------------------------------------------- */

static void
run_get(lin_work_t *w)
{
    say_string(w, val(w, 1));
}

static void
run_set(lin_work_t *w)
{
    set_string(val(w, 1), arg(w, 2));
    say_ok(w);
}

static void
run_set_nx(lin_work_t *w)
{
    if (val(w, 1)->type != LIN_NONE) {
        say_nil(w);
    } else {
        run_set(w);
    }
}

static void
run_set_px(lin_work_t *w)
{
    run_set(w);
    expire(w, val(w, 1), arg(w, 4));
}

static void
run_getset(lin_work_t *w)
{
    say_string(w, val(w, 1));
    set_string(val(w, 1), arg(w, 2));
}

static void
run_getdel(lin_work_t *w)
{
    say_string(w, val(w, 1));
    drop(val(w, 1));
}

/* Our script: SET key new if its value is old. */
static void
run_cas(lin_work_t *w)
{
    lin_val_t *v = val(w, 1);
    bool is = v->type == LIN_STRING && lin_str_eq(v->el[0], arg(w, 2));

    if (is) {
        set_string(v, arg(w, 3));
    }
    say_number(w, is);
}

/* Our script: two strings, or none, change places. */
static void
run_swap(lin_work_t *w)
{
    lin_val_t *a = val(w, 1), *b = val(w, 2);
    bool has_a = a->type != LIN_NONE, has_b = b->type != LIN_NONE;
    lin_str_t was_a = a->el[0], was_b = b->el[0];

    say(w, lin_lit("["));
    say_string(w, a);
    say(w, lin_lit(","));
    say_string(w, b);
    say(w, lin_lit("]"));
    drop(a);
    drop(b);
    if (has_b) {
        set_string(a, was_b);
    }
    if (has_a) {
        set_string(b, was_a);
    }
}

static void
run_append(lin_work_t *w)
{
    lin_val_t *v = val(w, 1);

    if (v->type == LIN_NONE) {
        set_string(v, arg(w, 2));
    } else {
        v->el[0] = make(w, v->el[0], arg(w, 2));
    }
    say_number(w, v->el[0].len);
}

static void
run_strlen(lin_work_t *w)
{
    const lin_val_t *v = val(w, 1);

    say_number(w, v->type == LIN_NONE ? 0 : v->el[0].len);
}

static void
add(lin_work_t *w, int64_t by)
{
    lin_val_t *v = val(w, 1);
    int64_t n = 0;

    if (v->type == LIN_STRING && !is_number(v->el[0], &n)) {
        say(w, lin_lit("-ERR~value~is~not~an~integer~or~out~of~range"));
        return;
    }
    if (v->type == LIN_NONE) {
        set_string(v, make_number(w, by));
    } else {
        v->el[0] = make_number(w, n + by);
    }
    say_number(w, n + by);
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

    (void) is_number(arg(w, 2), &by);
    add(w, by);
}

static void
run_mset(lin_work_t *w)
{
    for (unsigned i = 1; i + 1 < w->op->argc; i += 2) {
        set_string(val(w, i), arg(w, i + 1));
    }
    say_ok(w);
}

static void
run_mget(lin_work_t *w)
{
    for (unsigned i = 1; i < w->op->argc; i++) {
        say(w, i == 1 ? lin_lit("[") : lin_lit(","));
        say_string(w, val(w, i));
    }
    say(w, lin_lit("]"));
}

/* --- keys ----------------------------------------------------------------- */

static void
run_del(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 1; i < w->op->argc; i++) {
        n += val(w, i)->type != LIN_NONE;
        drop(val(w, i));
    }
    say_number(w, n);
}

static void
run_exists(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 1; i < w->op->argc; i++) {
        n += val(w, i)->type != LIN_NONE;
    }
    say_number(w, n);
}

static void
run_rename(lin_work_t *w)
{
    lin_val_t *from = val(w, 1);

    if (from->type == LIN_NONE) {
        say(w, lin_lit("-ERR~no~such~key"));
        return;
    }
    copy_val(val(w, 2), from);
    drop(from);
    say_ok(w);
}

static void
run_copy(lin_work_t *w)
{
    const lin_val_t *from = val(w, 1);
    bool may = from->type != LIN_NONE
               && (w->op->argc == 4 || val(w, 2)->type == LIN_NONE);

    if (may) {
        copy_val(val(w, 2), from);
    }
    say_number(w, may);
}

static void
run_pexpire(lin_work_t *w)
{
    lin_val_t *v = val(w, 1);

    say_number(w, v->type != LIN_NONE);
    if (v->type != LIN_NONE) {
        expire(w, v, arg(w, 2));
    }
}

static void
run_persist(lin_work_t *w)
{
    lin_val_t *v = val(w, 1);
    bool may = v->type != LIN_NONE && v->hi != 0;

    if (may) {
        v->lo = v->hi = 0;
    }
    say_number(w, may);
}

static void
run_pttl(lin_work_t *w)
{
    const lin_val_t *v = val(w, 1);

    if (v->type == LIN_NONE) {
        say_number(w, -2);
    } else if (v->hi == 0) {
        say_number(w, -1);
    } else {
        say(w, lin_lit("?")); /* lin_fits() knows */
    }
}

/* --- lists ---------------------------------------------------------------- */

static void
push(lin_work_t *w, lin_val_t *v, bool left, lin_str_t s)
{
    uint32_t at = left ? 0 : v->n;

    put_at(w, v, at, 1);
    v->el[w->over ? 0 : at] = s;
}

static void
push_all(lin_work_t *w, bool left)
{
    lin_val_t *v = val(w, 1);

    become(v, LIN_LIST);
    for (unsigned i = 2; i < w->op->argc; i++) {
        push(w, v, left, arg(w, i));
    }
    say_number(w, v->n);
}

static void
run_rpush(lin_work_t *w)
{
    push_all(w, false);
}

static void
run_lpush(lin_work_t *w)
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
    take_at(v, left ? 0 : v->n - 1, 1);
    return true;
}

static void
pop_one(lin_work_t *w, bool left)
{
    lin_str_t s;

    if (pop(val(w, 1), left, &s)) {
        say_bulk(w, s);
    } else {
        say_nil(w);
    }
}

static void
run_lpop(lin_work_t *w)
{
    pop_one(w, true);
}

static void
run_rpop(lin_work_t *w)
{
    pop_one(w, false);
}

/* One that waited in vain has seen an empty list at some time at least. */
static void
run_blpop(lin_work_t *w)
{
    lin_str_t s;

    if (!pop(val(w, 1), true, &s)) {
        say_nil(w);
        return;
    }
    say(w, lin_lit("["));
    say_bulk(w, arg(w, 1));
    say(w, lin_lit(","));
    say_bulk(w, s);
    say(w, lin_lit("]"));
}

static void
run_llen(lin_work_t *w)
{
    const lin_val_t *v = val(w, 1);

    say_number(w, v->type == LIN_NONE ? 0 : v->n);
}

static void
run_all(lin_work_t *w)
{
    say_all(w, val(w, 1));
}

static void
move(lin_work_t *w, bool from_left, bool to_left)
{
    lin_str_t s;

    if (!pop(val(w, 1), from_left, &s)) {
        say_nil(w);
        return;
    }
    become(val(w, 2), LIN_LIST);
    push(w, val(w, 2), to_left, s);
    say_bulk(w, s);
}

static void
run_rpoplpush(lin_work_t *w)
{
    move(w, false, true);
}

static void
run_lmove(lin_work_t *w)
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
        become(v, LIN_HASH);
        put_at(w, v, at, 2);
        at = w->over ? 0 : at;
        v->el[at] = field;
    }
    v->el[at + 1] = s;
    return !is;
}

static void
run_hset(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 2; i + 1 < w->op->argc; i += 2) {
        n += put_field(w, val(w, 1), arg(w, i), arg(w, i + 1));
    }
    say_number(w, n);
}

static void
run_hget(lin_work_t *w)
{
    uint32_t at;

    if (find(val(w, 1), 2, arg(w, 2), &at)) {
        say_bulk(w, val(w, 1)->el[at + 1]);
    } else {
        say_nil(w);
    }
}

static void
run_hdel(lin_work_t *w)
{
    uint32_t at;
    bool is = find(val(w, 1), 2, arg(w, 2), &at);

    if (is) {
        take_at(val(w, 1), at, 2);
    }
    say_number(w, is);
}

static void
run_hincrby(lin_work_t *w)
{
    lin_val_t *v = val(w, 1);
    int64_t n = 0, by;
    uint32_t at;

    (void) is_number(arg(w, 3), &by);
    if (find(v, 2, arg(w, 2), &at) && !is_number(v->el[at + 1], &n)) {
        say(w, lin_lit("-ERR~hash~value~is~not~an~integer"));
        return;
    }
    put_field(w, v, arg(w, 2), make_number(w, n + by));
    say_number(w, n + by);
}

static bool
put_member(lin_work_t *w, lin_val_t *v, lin_str_t s)
{
    uint32_t at;

    if (find(v, 1, s, &at)) {
        return false;
    }
    become(v, LIN_SET);
    put_at(w, v, at, 1);
    v->el[w->over ? 0 : at] = s;
    return true;
}

static bool
take_member(lin_val_t *v, lin_str_t s)
{
    uint32_t at;
    bool is = find(v, 1, s, &at);

    if (is) {
        take_at(v, at, 1);
    }
    return is;
}

static void
run_sadd(lin_work_t *w)
{
    int n = 0;

    for (unsigned i = 2; i < w->op->argc; i++) {
        n += put_member(w, val(w, 1), arg(w, i));
    }
    say_number(w, n);
}

static void
run_srem(lin_work_t *w)
{
    say_number(w, take_member(val(w, 1), arg(w, 2)));
}

static void
run_sismember(lin_work_t *w)
{
    uint32_t at;

    say_number(w, find(val(w, 1), 1, arg(w, 2), &at));
}

static void
run_smove(lin_work_t *w)
{
    bool is = take_member(val(w, 1), arg(w, 3));

    if (is) {
        put_member(w, val(w, 2), arg(w, 3));
    }
    say_number(w, is);
}

static void
run_sinterstore(lin_work_t *w)
{
    lin_val_t *to = val(w, 1), *a = val(w, 2), *b = val(w, 3);
    uint32_t n = 0, at;

    drop(to);
    for (uint32_t i = 0; a->type != LIN_NONE && i < a->n; i++) {
        if (find(b, 1, a->el[i], &at)) {
            to->el[n++] = a->el[i];
        }
    }
    if (n > 0) {
        to->type = LIN_SET;
        to->n = n;
    }
    say_number(w, n);
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
    { "RPUSH", 3, 6, 1, 0, 1, 0, L, run_rpush },
    { "LPUSH", 3, 6, 1, 0, 1, 0, L, run_lpush },
    { "LPOP", 2, 2, 1, 0, 1, 0, L, run_lpop },
    { "RPOP", 2, 2, 1, 0, 1, 0, L, run_rpop },
    { "BLPOP", 3, 3, 1, 0, 1, 0, L, run_blpop },
    { "LLEN", 2, 2, 1, 0, 1, LIN_READ, L, run_llen },
    { "LRANGE", 4, 4, 1, 0, 1, LIN_READ, L, run_all },
    { "RPOPLPUSH", 3, 3, 1, 2, 1, 0, L, run_rpoplpush },
    { "LMOVE", 5, 5, 1, 2, 1, 0, L, run_lmove },
    { "HSET", 4, 6, 1, 0, 1, 0, H, run_hset },
    { "HGET", 3, 3, 1, 0, 1, LIN_READ, H, run_hget },
    { "HDEL", 3, 3, 1, 0, 1, 0, H, run_hdel },
    { "HINCRBY", 4, 4, 1, 0, 1, 0, H, run_hincrby },
    { "HGETALL", 2, 2, 1, 0, 1, LIN_READ | LIN_PAIRS, H, run_all },
    { "SADD", 3, 6, 1, 0, 1, 0, M, run_sadd },
    { "SREM", 3, 3, 1, 0, 1, 0, M, run_srem },
    { "SISMEMBER", 3, 3, 1, 0, 1, LIN_READ, M, run_sismember },
    { "SMEMBERS", 2, 2, 1, 0, 1, LIN_READ | LIN_BAG, M, run_all },
    { "SMOVE", 4, 4, 1, 2, 1, 0, M, run_smove },
    { "SINTERSTORE", 4, 4, 1, 3, 1, 0, M, run_sinterstore },
    { NULL, 0, 0, 0, 0, 0, 0, S, NULL },
};
