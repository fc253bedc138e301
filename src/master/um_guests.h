/*
 * um_guests.h -- processes of modules, kept alive by the master.
 *
 * With a reload those of the old configuration are asked to leave, and those
 * of the new one start when their predecessors have gone, for both may want
 * the same port or file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_GUESTS_H
#define UM_GUESTS_H

#include "core/um_list.h"
#include "master/um_cycle.h"
#include "os/um_proc.h"

typedef struct {
    um_list_t all;     /* of um_guest_t */
    bool leaving;      /* nobody is started any more */
    uint64_t grace_ms; /* from one word to the next, and to the last */
    /* Called in the child, to close what is not for it. */
    void (*on_fork)(void *data);
    void *data;
} um_guests_t;

void um_guests_init(um_guests_t *gs, void (*on_fork)(void *data), void *data);

/* Nobody lives any more. */
void um_guests_deinit(um_guests_t *gs);

/* Replace all by those of `cy`, lent until the next call.  UM_ERR: out of
 * memory, logged; some may be missing. */
UM_MUSTCHECK um_rc_t um_guests_invite(um_guests_t *gs, const um_cycle_t *cy);

/* Ask all to finish, or to leave now. */
void um_guests_quit(um_guests_t *gs);
void um_guests_stop(um_guests_t *gs);

void um_guests_reopen_logs(um_guests_t *gs);

/* Do what is due.  When (um_clock_ns()) there will be more; 0: nothing. */
uint64_t um_guests_tick(um_guests_t *gs, uint64_t now);

bool um_guests_are_alive(const um_guests_t *gs);

#endif /* UM_GUESTS_H */
