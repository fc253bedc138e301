/*
 * um_topo_sh.h -- the topology on the noticeboard.
 *
 *   writers   whoever executes UMCTL SETCLUSTER, one at a time, under `writer`
 *   readers   every worker, without a lock, once per loop turn
 *
 * Invariants
 *   (1) half[gen & 1] is complete and is not written while `gen` stays.
 *   (2) `gen` only grows, by one per publication.
 *   (3) `epoch` of the published half never goes down unless forced.
 *   (4) A writer killed at any instruction leaves (1)-(3) true; the next
 *       writer starts from the published half and overwrites the spare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TOPO_SH_H
#define UM_TOPO_SH_H

#include <pthread.h>
#include <stdatomic.h>

#include "meta/um_topo.h"

typedef struct {
    uint32_t layout;
    uint32_t size;
    _Atomic uint64_t gen;   /* published generation; 0: nothing yet */
    _Atomic uint64_t epoch; /* of the published half, for UMCTL GETEPOCH */
    pthread_mutex_t writer;
    um_topo_t half[2];
} um_topo_sh_t;

/* Prepare fresh shared memory.  Master only, before the first fork. */
UM_MUSTCHECK um_rc_t um_topo_sh_init(um_topo_sh_t *sh);

/*
 * Make `next` what everyone sees.  `next` is borrowed.
 *   UM_OK        published; `*gen` is its generation.
 *   UM_DECLINED  its epoch is not above the published one, and no `force`;
 *                `*gen` is the published generation.
 *   UM_AGAIN     another writer is at it (trylock): try next turn.
 *   UM_ERR       the lock is broken; logged.
 */
UM_MUSTCHECK um_rc_t um_topo_publish(
    um_topo_sh_t *sh, const um_topo_t *next, bool force, uint64_t *gen);

/*
 * Bring the private copy `mine`, taken at generation `*gen`, up to date.
 * UM_DECLINED: nothing newer.  UM_AGAIN: a writer overtook us, try next turn;
 * `mine` must not be read until a later call returns UM_OK.
 */
UM_MUSTCHECK um_rc_t um_topo_refresh(
    const um_topo_sh_t *sh, um_topo_t *mine, uint64_t *gen);

#endif /* UM_TOPO_SH_H */
