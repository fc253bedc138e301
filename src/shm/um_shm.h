/*
 * um_shm.h -- the one shared memory segment and its zones.
 *
 * Made by the master before the first fork, inherited by every process, of
 * fixed size until the master ends.  Backed by a memfd, so nothing stays
 * behind in any file system whatever dies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SHM_H
#define UM_SHM_H

#include "shm/um_settings.h"
#include "shm/um_topo_sh.h"
#include "shm/um_workers.h"

typedef struct {
    int fd; /* memfd, close-on-exec */
    size_t size;
    void *base;
    um_topo_sh_t *topo;
    um_workers_sh_t *workers;
    um_settings_sh_t *settings;
} um_shm_t;

/* Map and initialise all zones.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_shm_create(um_shm_t *shm, uint32_t worker_rows);

void um_shm_destroy(um_shm_t *shm);

#endif /* UM_SHM_H */
