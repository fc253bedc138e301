/*
 * push_rule.h -- does a proxy need its metadata, what did it say to them, and
 * whose turn is it.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef PUSH_RULE_H
#define PUSH_RULE_H

#include "core/um_base.h"

typedef struct {
    bool ours;           /* it says both epochs, and says the truth        */
    uint64_t epoch;      /* that it said last                              */
    uint64_t repl_epoch; /* `ours` only                                    */
    uint64_t target;     /* that it should have                            */
    uint64_t taken;      /* it took a push of this epoch as a whole; 0     */
    bool spare;          /* it is in no cluster: what it is to have does not
                            change with the epoch                          */
    bool same;           /* and is what it took then                       */
    bool unsure;         /* how the last push of `target` ended            */
} push_facts_t;

typedef enum {
    PUSH_HAS_IT,
    PUSH_NEEDS_IT,
    PUSH_AHEAD, /* it knows of a later epoch than the broker does */
} push_need_t;

push_need_t push_need(const push_facts_t *f);

typedef enum {
    PUSH_TAKEN,
    PUSH_SOON,   /* it is at it: the same again, soon */
    PUSH_REFUSED /* later, and somebody should know   */
} push_verdict_t;

/* `error`: the text of an error; data NULL: it was none. */
push_verdict_t push_verdict(um_str_t error);

/*
 * While slots move a destination has to know before its source, or clients are
 * sent to somebody who does not know of them.  The parts of a cluster go in
 * waves: 0 has a master that imports, 1 one without slots, 2 the rest.  After
 * a commit the destination is first and the source next.
 */
#define PUSH_WAVES   3
#define PUSH_WAVE_MS 1000 /* a wave waits no longer for the one before it */

typedef enum { PUSH_HINT_NONE, PUSH_HINT_FIRST, PUSH_HINT_NEXT } push_hint_t;

uint32_t push_wave(bool imports, bool has_empty_master, push_hint_t hint);

/* Milliseconds before a push is tried again after so many in vain. */
uint64_t push_pause(push_verdict_t v, uint32_t in_vain);

#endif /* PUSH_RULE_H */
