/*
 * um_cmd_block.h -- how long a call that blocks may wait, and what Redis
 * answers when that time is over.
 *
 * For calls of which um_cmd_blocks() is true, and WAIT; with the right number
 * of words (um_cmd_arity_ok).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_BLOCK_H
#define UM_CMD_BLOCK_H

#include "core/um_sbuf.h"
#include "resp/um_cmd.h"

typedef struct {
    uint32_t pos; /* the word of argv that says it                          */
    bool seconds; /* it may have a fraction; else whole milliseconds        */
    bool forever; /* it says 0                                              */
    uint64_t ns;  /* how long, rounded up to milliseconds as Redis does it;
                     UINT64_MAX: longer than that                           */
} um_block_time_t;

/*
 * The timeout of the call, read by the rules of Redis 7.  UM_DECLINED: there
 * is none that Redis would take, so it refuses the call itself, or it is a
 * command of which we do not know where the timeout is: send it as it is.
 */
UM_MUSTCHECK um_rc_t um_cmd_block_timeout(const um_cmd_t *cmd,
    const um_str_t *argv, uint32_t argc, um_block_time_t *t);

/*
 * The word to put at t->pos when the call is issued again with `left_ns` of
 * its time left: never less than that, and never "0" unless t->forever.
 * Seconds have a fraction, so Redis must be of version 6 or later for them.
 */
void um_cmd_block_format(
    const um_block_time_t *t, uint64_t left_ns, um_sbuf_t *out);

/*
 * What Redis answers when the time is over, or to CLIENT UNBLOCK TIMEOUT.  For
 * WAIT and WAITAOF it is the lowest answer there can be: nobody has it.
 */
void um_cmd_block_expired(const um_cmd_t *cmd, int proto, um_sbuf_t *out);

#endif /* UM_CMD_BLOCK_H */
