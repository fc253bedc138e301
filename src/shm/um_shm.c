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

#define SHM_MAGIC  UINT64_C(0x6e6f6d7265646e75) /* "undermon" */
#define SHM_LAYOUT 3

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

/* Where each zone lies; how long all of them are. */
static size_t
shm_plan(um_shm_head_sh_t *head, uint32_t worker_rows, uint32_t slow_places)
{
    const size_t size[UM_SHM_ZONES] = {
        [UM_SHM_TOPO] = sizeof(um_topo_sh_t),
        [UM_SHM_WORKERS] = um_workers_size(worker_rows),
        [UM_SHM_SETTINGS] = sizeof(um_settings_sh_t),
        [UM_SHM_TIMES] = um_times_size(worker_rows),
        [UM_SHM_SLOW] = um_slow_ring_size(slow_places),
        [UM_SHM_REPL] = sizeof(um_repl_sh_t),
    };
    size_t at = shm_room(sizeof(*head));

    memset(head, 0, sizeof(*head));
    head->magic = SHM_MAGIC;
    head->layout = SHM_LAYOUT;
    head->zones = UM_SHM_ZONES;

    for (int z = 0; z < UM_SHM_ZONES; z++) {
        head->zone[z].offset = at;
        head->zone[z].size = size[z];
        at += shm_room(size[z]);
    }

    return at;
}

static void *
shm_zone(const um_shm_t *shm, um_shm_zone_t z)
{
    const um_shm_head_sh_t *head = shm->base;

    return (char *) shm->base + head->zone[z].offset;
}

um_rc_t
um_shm_create(um_shm_t *shm, uint32_t worker_rows, uint32_t slow_places)
{
    um_shm_head_sh_t head;

    memset(shm, 0, sizeof(*shm));
    shm->size = shm_plan(&head, worker_rows, slow_places);

    if (shm_map(shm) != UM_OK) {
        goto fail;
    }

    memcpy(shm->base, &head, sizeof(head));
    shm->topo = shm_zone(shm, UM_SHM_TOPO);
    shm->workers = shm_zone(shm, UM_SHM_WORKERS);
    shm->settings = shm_zone(shm, UM_SHM_SETTINGS);
    shm->times = shm_zone(shm, UM_SHM_TIMES);
    shm->slow = shm_zone(shm, UM_SHM_SLOW);
    shm->repl = shm_zone(shm, UM_SHM_REPL);

    if (um_topo_sh_init(shm->topo) != UM_OK
        || um_slow_ring_init(shm->slow, slow_places) != UM_OK
        || um_repl_sh_init(shm->repl) != UM_OK)
    {
        goto fail;
    }

    um_workers_init(shm->workers, worker_rows);
    um_settings_init(shm->settings);
    shm->settings->slowlog_places = slow_places;
    um_times_init(shm->times, worker_rows);
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

/* The bytes of zone `z`; NULL: it is not in the segment, or shorter. */
static const void *
view_zone(
    const um_shm_head_sh_t *head, size_t size, um_shm_zone_t z, size_t least)
{
    uint64_t at = head->zone[z].offset;
    uint64_t len = head->zone[z].size;

    return at % SHM_ALIGN == 0 && at <= size && len <= size - at && len >= least
               ? (const char *) head + at
               : NULL;
}

const char *
um_shm_view(um_shm_view_t *v, const void *base, size_t size)
{
    const um_shm_head_sh_t *head = base;

    if (size < sizeof(*head) || head->magic != SHM_MAGIC
        || head->layout != SHM_LAYOUT || head->zones != UM_SHM_ZONES)
    {
        return "is of another version";
    }

    v->topo = view_zone(head, size, UM_SHM_TOPO, sizeof(*v->topo));
    v->workers = view_zone(head, size, UM_SHM_WORKERS, sizeof(*v->workers));
    v->settings = view_zone(head, size, UM_SHM_SETTINGS, sizeof(*v->settings));
    v->times = view_zone(head, size, UM_SHM_TIMES, sizeof(*v->times));
    v->slow = view_zone(head, size, UM_SHM_SLOW, sizeof(*v->slow));
    v->repl = view_zone(head, size, UM_SHM_REPL, sizeof(*v->repl));

    if (v->topo == NULL || v->workers == NULL || v->settings == NULL
        || v->times == NULL || v->slow == NULL || v->repl == NULL)
    {
        return "is cut short";
    }

    if (v->topo->layout != UM_TOPO_LAYOUT
        || v->topo->size != sizeof(um_topo_sh_t)
        || v->workers->layout != UM_WORKERS_LAYOUT
        || v->workers->size != head->zone[UM_SHM_WORKERS].size
        || v->workers->size != um_workers_size(v->workers->rows)
        || v->settings->layout != UM_SETTINGS_LAYOUT
        || v->settings->size != sizeof(um_settings_sh_t)
        || v->times->layout != UM_TIMES_LAYOUT
        || v->times->size != sizeof(um_times_row_sh_t)
        || head->zone[UM_SHM_TIMES].size != um_times_size(v->times->rows)
        || v->times->commands > UM_TIMES_COMMANDS
        || v->slow->layout != UM_SLOW_LAYOUT
        || v->slow->size != sizeof(um_slow_place_sh_t)
        || head->zone[UM_SHM_SLOW].size != um_slow_ring_size(v->slow->places)
        || v->repl->layout != UM_REPL_SH_LAYOUT
        || v->repl->size != sizeof(um_repl_sh_t))
    {
        return "has zones of another version";
    }

    return NULL;
}
