/*
 * um_hand.h -- one worker's place in the crew: its process, its row on the
 * noticeboard, and how far it is on its way in or out.
 *
 *   NONE     -> WAITING    [um_crew_hire]
 *   WAITING  -> STARTING   [hand_start]      when it is due
 *   STARTING -> RUNNING    [um_hand_tick]    when its row says so
 *   RUNNING  -> RETIRING   [um_hand_dismiss] a new cycle has taken over
 *   any      -> QUITTING   [um_hand_dismiss] or RETIRING for too long
 *   any      -> STOPPING   [um_hand_dismiss] or QUITTING for too long
 *   any      -> KILLED     [um_hand_tick]    hung, or STOPPING for too long
 *   died     -> WAITING    [hand_on_ended]   unless it was to leave: NONE
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HAND_H
#define UM_HAND_H

#include "master/um_cycle.h"
#include "master/um_stuck.h"
#include "os/um_proc.h"

/* From one gentle word to the next, and to the last one. */
#define UM_HAND_GRACE_MS UINT64_C(5000)

typedef enum {
    UM_HAND_NONE = 0,
    UM_HAND_WAITING,
    UM_HAND_STARTING,
    UM_HAND_RUNNING,
    UM_HAND_RETIRING, /* accepts nobody, serves those it has    */
    UM_HAND_QUITTING, /* sends clients away at the first chance */
    UM_HAND_STOPPING, /* leaves at once                         */
    UM_HAND_KILLED,
} um_hand_stage_t;

/* What all hands share; see um_crew.h. */
typedef struct {
    const um_shm_t *shm;
    const um_cycle_t *cycle; /* the current one            */
    const int *bus_in;       /* one inbox per row          */
    const int *bus_out;
    int mover_fd;      /* eventfd: wakes the mover */
    uint64_t awake_ns; /* we have not overslept since */
    uint32_t failed;   /* how many died before they were ready */
    int private_fd;    /* what no worker may hold; -1: nothing */
} um_hand_common_t;

typedef struct {
    um_proc_t proc;
    um_hand_common_t *common;
    um_hand_stage_t stage;
    uint32_t index;       /* of the cycle's workers          */
    uint32_t row;         /* while there is a process        */
    uint64_t cycle;       /* number of the one it belongs to */
    uint64_t deadline_ns; /* of this stage; 0: none          */
    bool deaf;            /* closed its end of the channel   */
    bool hung;            /* has been killed for it          */
    um_stuck_t stuck;
} um_hand_t;

static inline bool
um_hand_is_leaving(const um_hand_t *h)
{
    return h->stage >= UM_HAND_RETIRING;
}

/* A place for worker `index` of the current cycle, to be started next tick. */
void um_hand_init(um_hand_t *h, um_hand_common_t *common, uint32_t index);

/*
 * Move on to `stage`, RETIRING to STOPPING, if it is not that far yet, and
 * wait there for `patience_ms` before the next; 0: for ever.
 */
void um_hand_dismiss(um_hand_t *h, um_hand_stage_t stage, uint64_t patience_ms);

/* Do what is due.  When (um_clock_ns()) something will be; 0: nothing. */
uint64_t um_hand_tick(um_hand_t *h, uint64_t now);

#endif /* UM_HAND_H */
