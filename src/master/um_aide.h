/*
 * um_aide.h -- the mover's place: one process beside the workers, where there
 * is a proxy, for as long as they live.
 *
 * With a reload the one of the old configuration leaves and that of the new
 * one follows; what they have found lies on the noticeboard.  One that does not
 * turn for worker_watchdog is killed as a worker is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_AIDE_H
#define UM_AIDE_H

#include "master/um_cycle.h"
#include "master/um_stuck.h"
#include "os/um_proc.h"

typedef struct {
    um_proc_t proc;
    const um_cycle_t *cycle; /* the current one; NULL: none is wanted */
    um_shm_t *shm;
    const int *bus_out;
    const uint64_t *awake_ns; /* the master has not overslept since    */
    int wake_fd;              /* eventfd; -1: not made                 */
    uint64_t deadline_ns;     /* to have left; 0: it need not          */
    bool hung;                /* was killed for it                     */
    uint64_t since_ns;        /* um_clock_boot_ns(): it was started    */
    um_stuck_t stuck;         /* by um_clock_boot_ns(), too            */
    void (*on_fork)(void *data);
    void *data;
} um_aide_t;

/* `shm`, `bus_out` and `awake_ns` are lent; `on_fork` is called in the child,
 * to close what is not for it.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_aide_init(um_aide_t *a, um_shm_t *shm,
    const int *bus_out, const uint64_t *awake_ns, void (*on_fork)(void *data),
    void *data);
void um_aide_deinit(um_aide_t *a);

/* It serves `cy`, lent, from now on. */
void um_aide_hire(um_aide_t *a, const um_cycle_t *cy);

/* Let it leave; nobody follows. */
void um_aide_stop(um_aide_t *a);

/* Do what is due.  When (um_clock_ns()) there will be more; 0: nothing. */
uint64_t um_aide_tick(um_aide_t *a, uint64_t now);

static inline bool
um_aide_is_alive(const um_aide_t *a)
{
    return a->proc.pid != 0;
}

#endif /* UM_AIDE_H */
