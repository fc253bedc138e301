/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- replies -------------------------------------------------------------- */

void
lin_say(lin_work_t *w, lin_str_t s)
{
    if (s.len > sizeof(w->reply) - w->reply_len) {
        w->over = true;
        return;
    }
    memcpy(w->reply + w->reply_len, s.data, s.len);
    w->reply_len += s.len;
}

void
lin_say_ok(lin_work_t *w)
{
    lin_say(w, lin_lit("+OK"));
}

void
lin_say_nil(lin_work_t *w)
{
    lin_say(w, lin_lit("_"));
}

void
lin_say_number(lin_work_t *w, int64_t n)
{
    char text[32];

    snprintf(text, sizeof(text), ":%" PRId64, n);
    lin_say(w, (lin_str_t){ text, (uint32_t) strlen(text) });
}

void
lin_say_bulk(lin_work_t *w, lin_str_t s)
{
    lin_say(w, lin_lit("$"));
    lin_say(w, s);
}

/* The value of a string, or nil. */
void
lin_say_string(lin_work_t *w, const lin_val_t *v)
{
    if (v->type == LIN_STRING) {
        lin_say_bulk(w, v->el[0]);
    } else {
        lin_say_nil(w);
    }
}

void
lin_say_all(lin_work_t *w, const lin_val_t *v)
{
    lin_say(w, lin_lit("["));
    for (uint32_t i = 0; v->type != LIN_NONE && i < v->n; i++) {
        if (i > 0) {
            lin_say(w, lin_lit(","));
        }
        lin_say_bulk(w, v->el[i]);
    }
    lin_say(w, lin_lit("]"));
}

/* --- values --------------------------------------------------------------- */

lin_val_t *
lin_val(lin_work_t *w, unsigned i)
{
    return &w->val[lin_key_index(arg(w, i))];
}

/* Bytes that live as long as this command. */
lin_str_t
lin_make(lin_work_t *w, lin_str_t a, lin_str_t b)
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

lin_str_t
lin_make_number(lin_work_t *w, int64_t n)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, n);
    return lin_make(
        w, (lin_str_t){ text, (uint32_t) strlen(text) }, lin_lit(""));
}

/* As Redis reads a number. */
bool
lin_is_number(lin_str_t s, int64_t *n)
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

void
lin_drop(lin_val_t *v)
{
    v->type = LIN_NONE;
    v->n = 0;
    v->lo = v->hi = 0;
}

void
lin_set_string(lin_val_t *v, lin_str_t s)
{
    lin_drop(v);
    v->type = LIN_STRING;
    v->n = 1;
    v->el[0] = s;
}

/* It comes into being with its first element. */
void
lin_become(lin_val_t *v, lin_type_t type)
{
    if (v->type == LIN_NONE) {
        lin_drop(v);
        v->type = type;
    }
}

void
lin_put_at(lin_work_t *w, lin_val_t *v, uint32_t at, uint32_t n)
{
    if (v->n + n > LIN_ELEMENTS) {
        w->over = true;
        v->n = at = 0;
    }
    memmove(v->el + at + n, v->el + at, (v->n - at) * sizeof(v->el[0]));
    v->n += n;
}

void
lin_take_at(lin_val_t *v, uint32_t at, uint32_t n)
{
    memmove(v->el + at, v->el + at + n, (v->n - at - n) * sizeof(v->el[0]));
    v->n -= n;
    if (v->n == 0) {
        lin_drop(v);
    }
}

void
lin_expire(lin_work_t *w, lin_val_t *v, lin_str_t ms)
{
    int64_t n;

    (void) lin_is_number(ms, &n);
    n *= 1000000;
    v->lo = w->op->inv + n - lin_margin;
    v->lo = v->lo < 1 ? 1 : v->lo;
    v->hi = w->op->ret == LIN_NEVER ? LIN_NEVER : w->op->ret + n + lin_margin;
}

void
lin_copy_val(lin_val_t *to, const lin_val_t *from)
{
    to->type = from->type;
    to->n = from->n;
    to->lo = from->lo;
    to->hi = from->hi;
    memcpy(to->el, from->el, from->n * sizeof(from->el[0]));
}
