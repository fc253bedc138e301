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

#include "shm/um_repl_sh.h"
#include "shm/um_settings.h"
#include "shm/um_slow_ring.h"
#include "shm/um_times.h"
#include "shm/um_topo_sh.h"
#include "shm/um_workers.h"

/* Zones of the segment, in the order in which they lie. */
typedef enum {
    UM_SHM_TOPO,
    UM_SHM_WORKERS,
    UM_SHM_SETTINGS,
    UM_SHM_TIMES,
    UM_SHM_SLOW,
    UM_SHM_REPL,
    UM_SHM_ZONES
} um_shm_zone_t;

/* At the beginning of the segment: where what is.  Written once. */
typedef struct {
    uint64_t magic;
    uint32_t layout;
    uint32_t zones; /* UM_SHM_ZONES of who made it */
    struct {
        uint64_t offset;
        uint64_t size;
    } zone[UM_SHM_ZONES];
} um_shm_head_sh_t;

typedef struct {
    int fd; /* memfd, close-on-exec */
    size_t size;
    void *base;
    um_topo_sh_t *topo;
    um_workers_sh_t *workers;
    um_settings_sh_t *settings;
    um_times_sh_t *times;
    um_slow_ring_sh_t *slow;
    um_repl_sh_t *repl;
} um_shm_t;

/* Map and initialise all zones.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_shm_create(
    um_shm_t *shm, uint32_t worker_rows, uint32_t slow_places);

void um_shm_destroy(um_shm_t *shm);

/* The segment as somebody sees it who only reads: the status module. */
typedef struct {
    const um_topo_sh_t *topo;
    const um_workers_sh_t *workers;
    const um_settings_sh_t *settings;
    const um_times_sh_t *times;
    const um_slow_ring_sh_t *slow;
    const um_repl_sh_t *repl;
} um_shm_view_t;

/*
 * Find the zones in the `size` bytes at `base`, and look whether they are
 * what this program was compiled for.  NULL, or what is wrong.
 */
UM_MUSTCHECK const char *um_shm_view(
    um_shm_view_t *v, const void *base, size_t size);

#endif /* UM_SHM_H */
