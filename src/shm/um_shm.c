/*
 * um_shm.c -- see um_shm.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "shm/um_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/um_log.h"

/* Zones start on pages, so that no two share one. */
#define SHM_ALIGN ((size_t) 4096)

static size_t
shm_room(size_t size)
{
    return (size + SHM_ALIGN - 1) / SHM_ALIGN * SHM_ALIGN;
}

static um_rc_t
shm_map(um_shm_t *shm)
{
    shm->fd = memfd_create("undermoon", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (shm->fd == -1) {
        um_log_error(errno, "shared memory: memfd_create failed");
        return UM_ERR;
    }

    if (ftruncate(shm->fd, (off_t) shm->size) == -1) {
        um_log_error(errno, "shared memory: %zu bytes refused", shm->size);
        return UM_ERR;
    }

    /* Nobody, us included, can cut it short under the readers' feet. */
    if (fcntl(shm->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == -1) {
        um_log_error(errno, "shared memory: sealing failed");
        return UM_ERR;
    }

    shm->base =
        mmap(NULL, shm->size, PROT_READ | PROT_WRITE, MAP_SHARED, shm->fd, 0);
    if (shm->base == MAP_FAILED) {
        um_log_error(errno, "shared memory: mmap of %zu failed", shm->size);
        shm->base = NULL;
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_shm_create(um_shm_t *shm, uint32_t worker_rows)
{
    size_t topo = shm_room(sizeof(um_topo_sh_t));
    size_t workers = shm_room(um_workers_size(worker_rows));
    size_t settings = shm_room(sizeof(um_settings_sh_t));
    char *at;

    memset(shm, 0, sizeof(*shm));
    shm->size = topo + workers + settings;

    if (shm_map(shm) != UM_OK) {
        goto fail;
    }

    at = shm->base;
    shm->topo = (void *) at;
    shm->workers = (void *) (at + topo);
    shm->settings = (void *) (at + topo + workers);

    if (um_topo_sh_init(shm->topo) != UM_OK) {
        goto fail;
    }

    um_workers_init(shm->workers, worker_rows);
    um_settings_init(shm->settings);
    return UM_OK;

fail:
    um_shm_destroy(shm);
    return UM_ERR;
}

void
um_shm_destroy(um_shm_t *shm)
{
    if (shm->base != NULL) {
        munmap(shm->base, shm->size);
    }

    if (shm->fd > 0) {
        close(shm->fd);
    }

    memset(shm, 0, sizeof(*shm));
    shm->fd = -1;
}
