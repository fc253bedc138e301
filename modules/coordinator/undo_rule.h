/*
 * undo_rule.h -- a task that is taken back: whose turn it is, what an answer to
 * UMCTL UNDO means, and when to ask again.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UNDO_RULE_H
#define UNDO_RULE_H

#include "core/um_base.h"

typedef enum {
    UNDO_SAYS_NOTHING,  /* it has not been asked, or did not answer         */
    UNDO_SAYS_DONE,     /* +UNDONE                                          */
    UNDO_SAYS_GOES_ON,  /* +UNDOING                                         */
    UNDO_SAYS_TOO_LATE, /* +COMMITTED: INFOMGR will name it                 */
    UNDO_SAYS_UNKNOWN,  /* -TASK_NOT_FOUND: not told yet, or not any more   */
    UNDO_SAYS_NO        /* any other answer                                 */
} undo_says_t;

/* What a status or, with `error`, an error says. */
undo_says_t undo_read(bool error, um_str_t text);

/*
 * Whose turn is it?  0: the source's, which alone knows whether the range has
 * changed hands; 1: the destination's, which throws away what was staged; 2:
 * nobody's, both have undone it.
 */
unsigned undo_turn(const bool undone[2]);

/* Milliseconds before it is asked again that has said so `times` in a row. */
uint64_t undo_pause(undo_says_t says, uint32_t times);

#endif /* UNDO_RULE_H */
