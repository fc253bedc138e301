/*
 * um_cycle.c -- see um_cycle.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "master/um_cycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"

/* At start one that was killed before us may still be about to end. */
#define CYCLE_PATIENCE_NS UINT64_C(2000000000)

/* Whom the children become. */
static um_rc_t
cycle_user(um_cycle_t *cy)
{
    const um_main_conf_t *m = cy->main;
    const char *wrong;

    if (m->user == NULL) {
        return UM_OK;
    }

    if (geteuid() != 0) {
        um_log_notice(
            0, "user %s is ignored: only root can change it", m->user);
        return UM_OK;
    }

    wrong = um_user_lookup(&cy->user, m->user, m->group);
    if (wrong != NULL) {
        um_log_error(0, "user %s %s", m->user, wrong);
        return UM_ERR;
    }

    return UM_OK;
}

um_cycle_t *
um_cycle_load(const um_conf_options_t *o, const um_worker_def_t *def)
{
    char err[UM_CONF_ERR_MAX];
    um_cycle_t *cy = calloc(1, sizeof(*cy));

    if (cy == NULL) {
        um_log_error(ENOMEM, "configuration");
        return NULL;
    }

    cy->number = 1;
    cy->def = def;
    cy->conf = um_conf_load(o, err);
    if (cy->conf == NULL) {
        um_log_error(0, "%s", err);
        goto fail;
    }

    if (!um_conf_has_role(cy->conf)) {
        um_log_error(0, "no role configured");
        goto fail;
    }

    cy->main = um_conf_block(cy->conf, "main");
    cy->redis = um_conf_block(cy->conf, "redis");
    cy->proxy = um_conf_block(cy->conf, def->block);
    cy->workers = cy->proxy == NULL ? 0 : cy->main->worker_processes;

    if (cycle_user(cy) != UM_OK) {
        goto fail;
    }

    return cy;

fail:
    um_cycle_free(cy);
    return NULL;
}

static const um_listener_t *
cycle_listener(const um_cycle_t *cy, const um_listener_t *l)
{
    uint32_t i;

    for (i = 0; cy != NULL && i < cy->listener_count; i++) {
        if (um_listener_is_same(&cy->listener[i], l)) {
            return &cy->listener[i];
        }
    }

    return NULL;
}

/* One more socket, or several of one address: for the workers, or for a
 * module, `owner`. */
static um_rc_t
cycle_listen_to(um_cycle_t *cy, const um_cycle_t *old, const um_addr_t *addr,
    bool control, const um_module_t *owner)
{
    um_listener_t *l = &cy->listener[cy->listener_count];

    if (um_listener_resolve(l, addr, control) != UM_OK) {
        return UM_ERR;
    }

    if (cycle_listener(cy, l) != NULL) {
        um_log_error(0, "listen %s: twice the same address", addr->text);
        return UM_ERR;
    }

    l->owner = owner;
    l->patient_ns = cy->patient_ns;
    cy->listener_count++;
    return um_listener_open(l, cycle_listener(old, l),
        owner == NULL ? cy->workers : 1, um_conf_pool(cy->conf));
}

/* The i-th address that `module`, NULL: the proxy, listens on. */
static const um_addr_t *
cycle_address(
    const um_cycle_t *cy, const um_module_t *module, uint32_t i, bool *control)
{
    const void *block;

    *control = false;
    if (module == NULL) {
        return cy->proxy == NULL ? NULL
                                 : cy->def->listen(cy->proxy, i, control);
    }

    block = um_conf_block(cy->conf, module->name);
    return block == NULL || module->listen == NULL ? NULL
                                                   : module->listen(block, i);
}

static um_rc_t
cycle_listen(um_cycle_t *cy, const um_cycle_t *old)
{
    const um_module_t *const *module;
    uint32_t modules = um_conf_modules(cy->conf, &module);
    const um_addr_t *addr;
    uint32_t count = 0;
    bool control;

    /* Whose turn it is: the proxy's first, then the modules'. */
    for (uint32_t m = 0; m <= modules; m++) {
        const um_module_t *owner = m == 0 ? NULL : module[m - 1];

        for (uint32_t i = 0; cycle_address(cy, owner, i, &control) != NULL; i++)
        {
            count++;
        }
    }

    cy->listener =
        um_pool_array(um_conf_pool(cy->conf), count, sizeof(*cy->listener));
    if (cy->listener == NULL) {
        um_log_error(ENOMEM, "listening sockets");
        return UM_ERR;
    }

    for (uint32_t m = 0; m <= modules; m++) {
        const um_module_t *owner = m == 0 ? NULL : module[m - 1];

        for (uint32_t i = 0;
             (addr = cycle_address(cy, owner, i, &control)) != NULL; i++)
        {
            if (cycle_listen_to(cy, old, addr, control, owner) != UM_OK) {
                return UM_ERR;
            }
        }
    }

    return UM_OK;
}

/* Let the guests prepare; the first that cannot stops it. */
static um_rc_t
cycle_init_modules(um_cycle_t *cy)
{
    const um_module_t *const *module;
    uint32_t count = um_conf_modules(cy->conf, &module);
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (module[i]->init_cycle == NULL) {
            continue;
        }

        if (module[i]->init_cycle(cy, um_conf_block(cy->conf, module[i]->name))
            != UM_OK)
        {
            um_log_error(
                0, "module %s refused the configuration", module[i]->name);
            return UM_ERR;
        }
    }

    return UM_OK;
}

static void
cycle_abandon(um_cycle_t *cy)
{
    uint32_t i;

    for (i = 0; i < cy->listener_count; i++) {
        um_listener_abandon(&cy->listener[i]);
    }

    um_cycle_free(cy);
}

um_rc_t
um_cycle_open(um_cycle_t *cy, const um_cycle_t *old, uint32_t room)
{
    if (old != NULL) {
        cy->number = old->number + 1;
        cy->shm = old->shm;
        cy->user = old->user; /* a change counts after a restart */
    } else {
        cy->patient_ns = um_clock_ns() + CYCLE_PATIENCE_NS;
    }

    if (old != NULL && cy->workers > room) {
        um_log_error(0,
            "no room for %u more workers beside those that still serve "
            "clients of earlier configurations",
            cy->workers);
        goto fail;
    }

    /* The log comes last: on any error before, the old one tells of it. */
    if (cycle_listen(cy, old) != UM_OK || cycle_init_modules(cy) != UM_OK
        || um_log_open(cy->main->error_log, cy->main->error_level) != UM_OK)
    {
        goto fail;
    }

    return UM_OK;

fail:
    cycle_abandon(cy);
    return UM_ERR;
}

void
um_cycle_commit(um_cycle_t *cy, um_cycle_t *old)
{
    uint32_t i;

    for (i = 0; i < cy->listener_count; i++) {
        um_listener_commit(&cy->listener[i]);
    }

    for (i = 0; old != NULL && i < old->listener_count; i++) {
        if (cycle_listener(cy, &old->listener[i]) == NULL) {
            um_listener_close(&old->listener[i]);
        }
    }

    if (old == NULL) {
        cy->first = cy->conf;
        return;
    }

    if (old->conf == old->first) {
        old->conf = NULL;
    }

    cy->first = old->first;
    old->first = NULL;
    um_cycle_free(old);
}

void
um_cycle_stop_listening(um_cycle_t *cy)
{
    uint32_t i;

    for (i = 0; i < cy->listener_count; i++) {
        um_listener_close(&cy->listener[i]);
    }
}

void
um_cycle_close_sockets(const um_cycle_t *cy)
{
    uint32_t i;
    uint32_t k;

    for (i = 0; i < cy->listener_count; i++) {
        for (k = 0; k < cy->listener[i].fd_count; k++) {
            close(cy->listener[i].fd[k]);
        }
    }
}

void
um_cycle_free(um_cycle_t *cy)
{
    if (cy->first != NULL && cy->first != cy->conf) {
        um_conf_free(cy->first);
    }

    if (cy->conf != NULL) {
        um_conf_free(cy->conf);
    }

    free(cy);
}
