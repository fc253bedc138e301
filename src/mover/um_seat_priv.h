/*
 * um_seat_priv.h -- what um_seat.c (life, wishes, looks) and um_seat_step.c
 * (what is done about it) share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SEAT_PRIV_H
#define UM_SEAT_PRIV_H

#include "mover/um_mover_priv.h"

/* From one look at another node to the next. */
#define SEAT_OTHER_WORK_MS 100
#define SEAT_OTHER_REST_MS 1000
#define SEAT_NUDGE_MS      50

struct um_seat_s {
    um_mover_t *m;
    um_repl_node_t wanted;
    um_addr_t addr;
    um_talk_t *self;
    um_seat_facts_t f;
    um_other_t peer[UM_REPL_PEERS]; /* master wanted */
    um_other_facts_t peer_facts[UM_REPL_PEERS];
    um_other_t master;   /* replica wanted */
    um_elder_t *old;     /* master wanted, and it follows this one */
    uint64_t old_ns;     /* since then */
    um_attach_t *attach; /* replica wanted: it is being told to follow */

    um_repl_state_t state;
    const char *why;
    uint64_t since_us;
    uint64_t heard_us;
    uint64_t heard_ns;
    uint64_t looked_ns;  /* boot time before the latest answer      */
    uint64_t looking_ns; /* boot time of the look under way         */
    uint64_t asked_ns;   /* of the latest look                      */
    uint64_t acted_ns;   /* when our latest command was answered    */
    uint64_t judged_ns;  /* in this doubt since, for doubt_is_over  */
    uint64_t attached_ns;
    uint64_t caught_ns; /* catching up: progress since */
    uint64_t fenced_ns; /* catching up: since          */
    uint64_t caught_up; /* offset then                 */
    uint64_t lost;
    uint64_t promoted_us;
    uint64_t moved_ns;  /* its offset has moved, as a replica  */
    uint64_t linked_ns; /* its link to the right master is up since, ... */
    uint64_t linked_at; /* ... and its offset was as much then; 0: down  */
    uint64_t freed_ns;  /* it was told to let writers go; 0    */
    bool released;      /* and has done so, as a replica */
    uint64_t wished_ns; /* these wishes came                   */
    uint64_t began_at;  /* its offset then, as a master, if ... */
    bool began_known;   /* ... that is known                    */
    bool remembered;    /* the wishes are older than this mover */
    bool followed[UM_REPL_PEERS]; /* this peer has, since then  */
    bool asking;                  /* a look is under way     */
    bool acting;                  /* a command is under way  */
    bool renewed;                 /* newer wishes, and not seen since */
    bool refused;                 /* INFO is, and that is told */
    bool confirmed;               /* f.run_id may be sent to */
};

/* Bring `f` up to date. */
void um_seat_know(um_seat_t *s);

/* Judge it, and do what is to be done. */
void um_seat_go_on(um_seat_t *s);

/* The same as a callback of those that are asked. */
void um_seat_on_news(void *data);

/* It is a replica, and may still be stopped as the master that it was. */
void um_seat_set_free(um_seat_t *s);

/* It is a master now: the one of before is to follow it. */
void um_seat_took_over(um_seat_t *s);

/* The old master of before is none of ours any more. */
void um_seat_drop_old(um_seat_t *s);

/* Milliseconds since a um_mover_now(). */
uint64_t um_seat_age(const um_seat_t *s, uint64_t since_ns);

#endif /* UM_SEAT_PRIV_H */
