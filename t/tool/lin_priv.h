/*
 * lin_priv.h -- what the model has at hand while it executes a command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_PRIV_H
#define LIN_PRIV_H

#include "lin.h"

#define LIN_ELEMENTS 1024
#define LIN_TEXT     8192

typedef struct {
    lin_type_t type;
    uint32_t n;
    int64_t lo, hi; /* when it expires */
    lin_str_t el[LIN_ELEMENTS];
} lin_val_t;

struct lin_work_s {
    const lin_op_t *op;
    bool over; /* something has no room */
    uint32_t made_len, reply_len;
    lin_val_t val[LIN_KEYS];
    char made[LIN_TEXT]; /* strings that commands made */
    char reply[LIN_STATE_MAX];
};

/* The commands; lin_run.c has what they do. */
extern const lin_cmd_t lin_cmds[];

/* The key whose name is this word of the command. */
unsigned lin_key_index(lin_str_t name);

/* Its values, after a command, as a state; false: they have no room. */
bool lin_pack(const lin_work_t *w, lin_state_t *out);

/* `a` with these keys as they are in `b`, at `to` of LIN_STATE_MAX bytes. */
lin_state_t lin_splice(
    const lin_state_t *a, const lin_state_t *b, uint8_t keys, char *to);

/* Sort the elements of a reply `[..]` that is in no order, in place. */
void lin_reply_sort(char *data, uint32_t len, bool pairs);

#endif /* LIN_PRIV_H */
