/*
 * um_listener.h -- the listening sockets, owned by the master.
 *
 * A TCP address has one SO_REUSEPORT socket per worker, a unix: one a single
 * shared socket.  A socket is never closed while its address is configured,
 * for with it go the connections that wait in its queue: a reload inherits
 * them, and those too many for the workers are shared out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LISTENER_H
#define UM_LISTENER_H

#include <sys/stat.h>

#include "core/um_addr.h"
#include "core/um_base.h"
#include "core/um_pool.h"

#define UM_LISTENER_BACKLOG 4096

typedef struct {
    const um_addr_t *addr; /* as configured; of the cycle's memory */
    bool control;
    const void *owner; /* the module it is for; NULL: the workers */

    struct sockaddr_storage sa; /* where it is bound: names resolved */
    socklen_t sa_len;
    /* Of the socket's file, when it has one; inodes alone are used again. */
    dev_t dev;
    ino_t ino;
    struct timespec made;

    uint64_t patient_ns; /* wait until then for who has the address; 0: not */
    bool told;           /* that we wait */

    int *fd;
    uint32_t fd_count;
    uint32_t inherited; /* fd[0..inherited) come from the cycle before */
} um_listener_t;

/* Where does `addr` lead?  Fills all of `l` but the sockets; patient_ns is 0.
 * UM_ERR: a name that cannot be resolved, or no port; logged. */
UM_MUSTCHECK um_rc_t um_listener_resolve(
    um_listener_t *l, const um_addr_t *addr, bool control);

/* Are both bound, or to be bound, to the same address? */
bool um_listener_is_same(const um_listener_t *a, const um_listener_t *b);

/*
 * Inherit the sockets of `old` (the same address in the cycle before; NULL:
 * it is new) and open those that are missing for `workers` workers.  New ones
 * are bound and do not listen yet, so giving up loses nobody's connection.
 * While somebody else has the address it blocks until `patient_ns`.
 * Memory comes from `pool`.  UM_ERR: logged; um_listener_abandon() it.
 */
UM_MUSTCHECK um_rc_t um_listener_open(um_listener_t *l,
    const um_listener_t *old, uint32_t workers, um_pool_t *pool);

/* Let the new sockets listen. */
void um_listener_commit(um_listener_t *l);

/* Close what was not inherited: the cycle is given up. */
void um_listener_abandon(um_listener_t *l);

/* Close all; the address is not ours any more. */
void um_listener_close(um_listener_t *l);

/*
 * Does worker `index` of `workers` serve the socket with this number?  Every
 * socket of a TCP address has exactly one worker: its own or, when there are
 * more sockets than workers, the one whose share of the surplus it is.  A
 * `shared` one (unix:) has them all.
 */
static inline bool
um_listener_is_served(
    uint32_t socket, bool shared, uint32_t workers, uint32_t index)
{
    return shared || socket % workers == index;
}

static inline bool
um_listener_is_shared(const um_listener_t *l)
{
    return l->sa.ss_family == AF_UNIX;
}

#endif /* UM_LISTENER_H */
