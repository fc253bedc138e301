/*
 * um_modules.h -- guests: found, opened, held to the ABI, called.
 *
 * A module once opened stays for the life of the process, whatever later
 * configurations say: its tables are in use, and a changed file counts after
 * a restart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MODULES_H
#define UM_MODULES_H

#include "master/um_cycle.h"

typedef struct um_modules_s um_modules_t;

/* What only main() knows. */
typedef struct {
    const char *dir;                   /* where NAME.so is looked for */
    const um_module_t *const *builtin; /* NULL ends */
    void *(*worker_event_base)(um_worker_t *w);
    uint32_t (*worker_id)(const um_worker_t *w);
} um_modules_def_t;

/* `def` is lent.  NULL: out of memory; logged. */
UM_MUSTCHECK um_modules_t *um_modules_new(const um_modules_def_t *def);

/* No configuration with its modules is left. */
void um_modules_free(um_modules_t *ms);

/* For um_conf_options_t; `data` is the um_modules_t. */
const char *um_modules_open(
    void *data, const char *name, const um_module_t **module);

/* For um_heritage_t. */
um_rc_t um_modules_init_worker(const um_heritage_t *h, um_worker_t *w);
void um_modules_exit_worker(const um_heritage_t *h, um_worker_t *w);

#endif /* UM_MODULES_H */
