/*
 * um_host_api.c -- see um_host_api.h, and conf/um_module.h for the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_host_api.h"

#include <errno.h>
#include <sys/mman.h>

#include "core/um_log.h"

static void *
api_conf_block(const um_cycle_t *cy, const char *name)
{
    return um_conf_block(cy->conf, name);
}

static const um_addr_t *
api_proxy_address(const um_cycle_t *cy)
{
    bool control;

    return cy->proxy == NULL ? NULL : cy->def->listen(cy->proxy, 0, &control);
}

/* A mapping of its own, so that a guest's bug cannot write into ours. */
static const void *
api_noticeboard(const um_cycle_t *cy, size_t *size)
{
    static void *map;

    if (cy->shm == NULL) {
        return NULL;
    }

    if (map == NULL) {
        map = mmap(NULL, cy->shm->size, PROT_READ, MAP_SHARED, cy->shm->fd, 0);
        if (map == MAP_FAILED) {
            um_log_error(errno, "shared memory: mmap for a module failed");
            map = NULL;
            return NULL;
        }
    }

    *size = cy->shm->size;
    return map;
}

static um_host_api_t api = {
    .abi = UM_MODULE_ABI,
    .size = sizeof(um_host_api_t),
    .version = PACKAGE_VERSION,
    .log_level = &um_log_level,
    .log_write = um_log_write,
    .conf_block = api_conf_block,
    .proxy_address = api_proxy_address,
    .noticeboard = api_noticeboard,
    .log_reopen = um_log_reopen,
};

void
um_host_api_init(const um_modules_def_t *def)
{
    api.worker_event_base = def->worker_event_base;
    api.worker_id = def->worker_id;
}

const um_host_api_t *
um_host_api(void)
{
    return &api;
}
