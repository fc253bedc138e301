/*
 * lin_run.h -- what lin_run.c and lin_run_many.c execute commands with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_RUN_H
#define LIN_RUN_H

#include "lin_priv.h"

#define arg(w, i) ((w)->op->argv[i])

/* --- lin_vals.c: replies, and what keys have ------------------------------ */

void lin_say(lin_work_t *w, lin_str_t s);
void lin_say_ok(lin_work_t *w);
void lin_say_nil(lin_work_t *w);
void lin_say_number(lin_work_t *w, int64_t n);
void lin_say_bulk(lin_work_t *w, lin_str_t s);
void lin_say_string(lin_work_t *w, const lin_val_t *v);
void lin_say_all(lin_work_t *w, const lin_val_t *v);
lin_val_t *lin_val(lin_work_t *w, unsigned i);
lin_str_t lin_make(lin_work_t *w, lin_str_t a, lin_str_t b);
lin_str_t lin_make_number(lin_work_t *w, int64_t n);
bool lin_is_number(lin_str_t s, int64_t *n);
void lin_drop(lin_val_t *v);
void lin_set_string(lin_val_t *v, lin_str_t s);
void lin_become(lin_val_t *v, lin_type_t type);
void lin_put_at(lin_work_t *w, lin_val_t *v, uint32_t at, uint32_t n);
void lin_take_at(lin_val_t *v, uint32_t at, uint32_t n);
void lin_expire(lin_work_t *w, lin_val_t *v, lin_str_t ms);
void lin_copy_val(lin_val_t *to, const lin_val_t *from);

/* --- lin_run_many.c: lists, hashes and sets ------------------------------- */

void lin_run_rpush(lin_work_t *w);
void lin_run_lpush(lin_work_t *w);
void lin_run_lpop(lin_work_t *w);
void lin_run_rpop(lin_work_t *w);
void lin_run_blpop(lin_work_t *w);
void lin_run_llen(lin_work_t *w);
void lin_run_all(lin_work_t *w);
void lin_run_rpoplpush(lin_work_t *w);
void lin_run_lmove(lin_work_t *w);
void lin_run_hset(lin_work_t *w);
void lin_run_hget(lin_work_t *w);
void lin_run_hdel(lin_work_t *w);
void lin_run_hincrby(lin_work_t *w);
void lin_run_sadd(lin_work_t *w);
void lin_run_srem(lin_work_t *w);
void lin_run_sismember(lin_work_t *w);
void lin_run_smove(lin_work_t *w);
void lin_run_sinterstore(lin_work_t *w);

#endif /* LIN_RUN_H */
