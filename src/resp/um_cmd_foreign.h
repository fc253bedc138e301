/*
 * um_cmd_foreign.h -- commands the table does not know: of newer Redis, of
 * modules, of the configuration.
 *
 * A set belongs to one worker.  What it hands out stays valid as long as the
 * set, also when the command is not served any more; so requests may keep it.
 * A set never has more than UM_CMD_FOREIGN_MAX commands in its life.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_FOREIGN_H
#define UM_CMD_FOREIGN_H

#include "resp/um_cmd.h"

#define UM_CMD_FOREIGN_MAX  512
#define UM_CMD_FOREIGN_NAME 64 /* longest name */

typedef struct um_cmd_foreign_s um_cmd_foreign_t;

/* NULL: out of memory. */
UM_MUSTCHECK um_cmd_foreign_t *um_cmd_foreign_new(void);
void um_cmd_foreign_free(um_cmd_foreign_t *f); /* NULL is fine */

/*
 * `command NAME ...;`: keys at first, first + step .. last, as COMMAND tells
 * it (a negative `last` counts from the end, -1 is the last word).  Known at
 * once and for ever, and preferred to what nodes say.  UM_DECLINED: `*why` is
 * half a sentence behind the name: "is known already".
 */
UM_MUSTCHECK um_rc_t um_cmd_foreign_add(um_cmd_foreign_t *f, um_str_t name,
    int64_t first, int64_t last, int64_t step, bool write, const char **why);

/*
 * Learn what all local nodes have in common: begin a round, give it the whole
 * reply to COMMAND (RESP2 or RESP3) of each node, and end it with how many
 * nodes there are.  Commands that all of them described with the same keys are
 * served from then on, others no longer.  Those without keys, with keys that
 * nobody can find, or that block, publish, subscribe or administrate, are left
 * out, silently: there are many.
 *
 * um_cmd_foreign_learn() gives UM_DECLINED for what is no reply to COMMAND; the
 * node has then said nothing.  UM_ERR: out of memory.
 */
void um_cmd_foreign_begin(um_cmd_foreign_t *f);
UM_MUSTCHECK um_rc_t um_cmd_foreign_learn(um_cmd_foreign_t *f, um_str_t reply);
void um_cmd_foreign_end(um_cmd_foreign_t *f, uint32_t nodes);

/* The command of that name, any case, or NULL.  `f` may be NULL. */
const um_cmd_t *um_cmd_foreign_find(const um_cmd_foreign_t *f, um_str_t name);

/* Those served now, for COMMAND: i from 0 until NULL comes. */
const um_cmd_t *um_cmd_foreign_at(const um_cmd_foreign_t *f, size_t i);

/* Commands that were left out because the set was full, since its start. */
uint64_t um_cmd_foreign_dropped(const um_cmd_foreign_t *f);

#endif /* UM_CMD_FOREIGN_H */
