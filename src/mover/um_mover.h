/*
 * um_mover.h -- the process that makes our nodes what SETREPL wants: masters
 * that may serve, and replicas that follow.
 *
 * One per proxy.  It reads the wishes from the noticeboard and shows there
 * what it has found; workers let a master's slots be served only when it says
 * so.  A mover that is killed is started again and goes on from what the
 * noticeboard has.
 *
 *   um_mover.c      the process, and what it shows
 *   um_seat.c       one of our nodes
 *   um_seat_rule.c  what is to be done about it: pure
 *   um_seat_step.c  and doing it
 *   um_other.c      a Redis that is not ours, looked at
 *   um_attach.c     how one Redis comes to follow another
 *   um_elder.c      an old master: told to stop, then to follow
 *   um_look.c       what INFO says: pure
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MOVER_H
#define UM_MOVER_H

#include "core/um_addr.h"
#include "shm/um_shm.h"

/* What it needs of the configuration; all of it is lent for its life. */
typedef struct {
    const char *user;      /* toward Redis; NULL: none */
    const char *password;  /* NULL: none               */
    uint64_t node_timeout; /* ms: silent for as long, a Redis counts as hung */
    uint64_t lease;        /* ms: um_lease.h; 0: none */
} um_mover_conf_t;

/* What crosses the fork from the master to it. */
typedef struct {
    um_shm_t *shm;
    int master_fd;      /* as in um_heritage_t: EOF ends it */
    int wake_fd;        /* eventfd: somebody has published wishes */
    const int *bus_out; /* the workers' inboxes, one per row */
    um_mover_conf_t conf;
} um_mover_heritage_t;

/*
 * main() of the process; its exit code.  SIGTERM and SIGQUIT end it at once:
 * nothing it does is lost by that, for the next one looks at what is.  SIGUSR1
 * reopens the log.
 */
int um_mover_run(const um_mover_heritage_t *h);

#endif /* UM_MOVER_H */
