/*
 * um_seat_rule.h -- what is to be done next about one of our nodes, so that
 * it becomes what SETREPL wants, and no acknowledged write is lost by it.
 *
 * A pure function: no I/O, no clock, no globals.  docs/failover.md tells the
 * rules as a story.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SEAT_RULE_H
#define UM_SEAT_RULE_H

#include "meta/um_repl.h"
#include "mover/um_look.h"
#include "shm/um_repl_sh.h"

/* What is known of another Redis: a peer of ours, or an old master. */
typedef enum {
    UM_OTHER_UNASKED,
    UM_OTHER_ASKED,   /* an answer may come      */
    UM_OTHER_SILENT,  /* none in time            */
    UM_OTHER_REFUSED, /* nobody listens there    */
    UM_OTHER_SEEN,    /* `look` says how it is   */
} um_other_state_t;

typedef struct {
    um_other_state_t state;
    um_look_t look;
    bool follows_us; /* a replica, whose master's address is ours */
    bool turning;    /* it is being told to follow already        */
    bool of_before;  /* a peer: if it left our history, then before our wishes
                        came: to be free, not to take over        */
} um_other_facts_t;

/* How far the old master has been told to stop. */
typedef enum {
    UM_FENCE_NONE,
    UM_FENCE_ASKED,
    UM_FENCE_HOLDS,  /* it takes no writes, and has told its offset */
    UM_FENCE_FAILED, /* it did not answer, or refused               */
} um_fence_state_t;

typedef struct {
    um_repl_role_t wanted;
    bool spare; /* in no cluster: nobody is sent to it */

    /* Our node. */
    bool down;   /* nobody listens */
    bool silent; /* has not answered for a second */
    bool seen;   /* `look` is from after whatever we did last */
    um_look_t look;

    /* What we remember of it. */
    bool served; /* we have let it serve under these very wishes   */
    bool fenced; /* and another took over then                     */
    char run_id[UM_LOOK_ID + 1];   /* the one that served last; "": none did */
    char promoted[UM_LOOK_ID + 1]; /* the one that we made a master; ""    */
    bool doubt_is_over; /* for node_timeout all has been as it is now      */
    bool expendable;    /* it was in no cluster: what it has is worthless  */
    bool was_replica;   /* it was to be one, and has not served since      */
    bool holds;         /* a replica that may hold writes yet, from when it was
                           fenced as a master                               */
    bool calm;          /* nothing that was sent to it before these wishes came
                           is under way any more                            */
    bool stray;         /* it follows a master of the cluster it was in     */

    /* Master wanted: those who are to follow it. */
    const um_other_facts_t *peer;
    uint32_t peers;

    /* Master wanted, and it is a replica: whom it has followed. */
    um_other_facts_t old;
    bool old_had_time; /* to answer, though it was slow                    */
    um_fence_state_t fence;
    uint64_t old_offset; /* HOLDS: all it has acknowledged is before that  */
    bool no_progress;    /* catching up has stood still too long           */
    bool lease_runs;     /* its proxy may serve yet, if nobody stops it    */

    bool attached; /* it was told to follow its master, not long ago       */

    /* Replica wanted. */
    um_other_facts_t master;
    bool master_is_right; /* our node follows the one that it should       */
    bool flows;           /* what was written since its link came up comes */
    bool stalled;         /* its link is up, and it does not read on       */
    bool out_of_reach;    /* the master has a UNIX socket and no port         */
} um_seat_facts_t;

typedef enum {
    UM_SEAT_WAIT,       /* nothing; look again                         */
    UM_SEAT_SERVE,      /* it is a master: let it serve                */
    UM_SEAT_ASK_PEERS,  /* how are they?                               */
    UM_SEAT_ASK_OLD,    /* how is the old master?                      */
    UM_SEAT_FENCE,      /* tell it to take no more writes              */
    UM_SEAT_REJOIN,     /* attach it to its old master once more       */
    UM_SEAT_FREE_OLD,   /* have the old one follow nobody              */
    UM_SEAT_PROMOTE,    /* REPLICAOF NO ONE                            */
    UM_SEAT_TURN,       /* tell `peer`, an old master, to follow       */
    UM_SEAT_ASK_MASTER, /* replica: how is the one it should follow?   */
    UM_SEAT_FOLLOW,     /* attach it to its master                     */
    UM_SEAT_NUDGE,      /* have its master send something              */
} um_seat_do_t;

typedef struct {
    um_seat_do_t what;
    um_repl_state_t state;
    const char *why; /* static; "": all is well                 */
    uint32_t peer;   /* TURN: which                             */
    bool doubt;      /* it is waited for what may never happen: */
} um_seat_next_t;    /* doubt_is_over counts from here          */

um_seat_next_t um_seat_next(const um_seat_facts_t *f);

#endif /* UM_SEAT_RULE_H */
