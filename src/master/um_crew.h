/*
 * um_crew.h -- the workers: started, watched, replaced, sent home.
 *
 * There are as many hands as rows on the noticeboard: the workers of the
 * current cycle, and those of earlier ones until they have served their
 * clients.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CREW_H
#define UM_CREW_H

#include <poll.h>

#include "master/um_hand.h"

typedef struct {
    um_hand_common_t common;
    um_hand_t *hand;
    uint32_t rows; /* of hands, inboxes and the noticeboard */
    int *bus_in;
    int *bus_out;
    struct pollfd *poll;
    uint64_t last_ns; /* of the latest tick */
} um_crew_t;

/* Nobody yet.  `shm` and its rows are lent.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_crew_init(um_crew_t *crew, const um_shm_t *shm);

/* Nobody lives any more. */
void um_crew_deinit(um_crew_t *crew);

/* In a child that is no worker: let go of the workers' inboxes. */
void um_crew_close_bus(const um_crew_t *crew);

/* The same for one that writes to them. */
void um_crew_close_inboxes(const um_crew_t *crew);

/* `cy`, lent, is the current cycle from now on.  Its workers start with the
 * next tick; those of the cycle before go on until um_crew_retire(). */
void um_crew_hire(um_crew_t *crew, const um_cycle_t *cy);

/* How many more workers there is room for. */
uint32_t um_crew_room(const um_crew_t *crew);

/* Do all workers of the current cycle serve? */
bool um_crew_is_ready(const um_crew_t *crew);

/* Is there any process?  One of an earlier cycle that is not leaving yet? */
bool um_crew_is_alive(const um_crew_t *crew);
bool um_crew_has_old(const um_crew_t *crew);

/* Send home those of earlier cycles; everybody, gently; everybody, now. */
void um_crew_retire(um_crew_t *crew);
void um_crew_quit(um_crew_t *crew);
void um_crew_stop(um_crew_t *crew);

void um_crew_reopen_logs(um_crew_t *crew);

/* Do what is due.  When (um_clock_ns()) to come again at the latest. */
uint64_t um_crew_tick(um_crew_t *crew, uint64_t now);

/* What to poll for the workers' words; as many as crew->rows. */
struct pollfd *um_crew_poll(um_crew_t *crew);

/* After a poll: did a worker ask to stop us all? */
bool um_crew_asks_stop(um_crew_t *crew);

#endif /* UM_CREW_H */
