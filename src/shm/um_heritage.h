/*
 * um_heritage.h -- all that crosses the fork from the master to a worker.
 *
 * Filled by the master just before the fork; everything in it belongs to the
 * cycle that started the worker and stays valid for the worker's life.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HERITAGE_H
#define UM_HERITAGE_H

#include "core/um_addr.h"
#include "shm/um_shm.h"

#define UM_MASTER_STOP 's' /* UMCTL SHUTDOWN */

typedef struct {
    int fd; /* listening, non-blocking */
    bool control;
    const um_addr_t *addr;
} um_heritage_listen_t;

typedef struct um_heritage_s um_heritage_t;
struct um_worker_s;

struct um_heritage_s {
    um_shm_t *shm;
    uint32_t row;     /* our row in shm->workers            */
    uint32_t index;   /* which worker of the cycle: 0 ..    */
    uint32_t workers; /* how many the cycle has             */
    uint64_t cycle;   /* 1 at start, +1 with every reload   */

    /*
     * EOF on it: the master is gone, stop serving as after SIGQUIT.  A byte
     * UM_MASTER_STOP written to it asks the master to stop us all, for a
     * worker that has dropped root's rights cannot send it a signal.
     */
    int master_fd;

    /* This worker's own listening sockets, and shares of surplus ones. */
    const um_heritage_listen_t *listen;
    uint32_t listen_count;

    /*
     * The worker bus.  Each row has an inbox, a SOCK_SEQPACKET pair that the
     * master made: bus_in is our receiving end, bus_out[row] sends to a row.
     * All are non-blocking; a full inbox answers EAGAIN.
     */
    int bus_in;
    const int *bus_out; /* one per row of shm->workers */

    /* eventfd of the mover: written to when there is a new SETREPL. */
    int mover_fd;

    const void *proxy_conf; /* um_proxy_conf_t of the cycle */

    /*
     * The modules' part of a worker; it calls both.  init_worker() once its
     * loop stands and before it serves; UM_ERR: logged, it must leave with
     * failure.  exit_worker() before the loop goes.  Neither is NULL.
     */
    um_rc_t (*init_worker)(const um_heritage_t *h, struct um_worker_s *w);
    void (*exit_worker)(const um_heritage_t *h, struct um_worker_s *w);
    const struct um_cycle_s *cycle_conf; /* for these two only */
};

#endif /* UM_HERITAGE_H */
