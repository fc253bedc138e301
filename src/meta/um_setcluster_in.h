/*
 * um_setcluster_in.h -- what the two forms of SETCLUSTER share, and SETREPL
 * with them; for um_setcluster*.c and um_repl.c only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SETCLUSTER_IN_H
#define UM_SETCLUSTER_IN_H

#include "meta/um_topo_build.h"

#define UM_SETCLUSTER_BAD_ARGS "Failed to parse args: InvalidArgs"

/* The words not yet read; those that are not UTF-8 do not count. */
typedef struct {
    const um_str_t *next;
    const um_str_t *end;
} um_words_t;

/* The next word, still to be taken; NULL: there is none. */
const um_str_t *um_words_peek(um_words_t *w);

/* Take it; false, and an empty word, when there is none. */
bool um_words_take(um_words_t *w, um_str_t *word);

/* Take one that is a number: one '+' may lead, as the reference reads it. */
bool um_words_take_number(um_words_t *w, uint64_t *n);

/* "FORCE,COMPRESS" in any case; others mean nothing. */
void um_setcluster_flags(um_str_t flags, bool *force, bool *compress);

/* Our nodes live on our host: what names another one is not for us. */
bool um_setcluster_is_mine(um_str_t addr, um_str_t announce_host);

/* 0..31 characters of [A-Za-z0-9@_-]. */
bool um_setcluster_is_name(um_str_t name);

/* The same, and take it; false: `t` is unchanged. */
bool um_setcluster_name(um_topo_t *t, um_str_t name);

/* "disabled", "set_get_only", "allow_all" in any case. */
bool um_setcluster_strategy(um_topo_t *t, um_str_t word);

/*
 * Numbers of the config are kept below 2^32, so that a time in any unit fits
 * 64 bits in nanoseconds; a SCAN count is kept in 1 .. 65536.
 */
void um_setcluster_bound_config(um_topo_t *t);

/*
 * What follows the flags, as words, into `b`; config and cluster name into
 * `t`.  Does not finish `b`.  NULL, or what is wrong, static.
 */
const char *um_setcluster_words(
    um_words_t *w, um_topo_build_t *b, um_topo_t *t, bool *config_ignored);

/*
 * The JSON document `text` into `b`; config and cluster name into `t`.  Does
 * not finish `b`.  NULL, or what is wrong, static.
 */
const char *um_setcluster_json(um_str_t text, um_topo_build_t *b, um_topo_t *t);

#endif /* UM_SETCLUSTER_IN_H */
