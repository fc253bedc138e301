/*
 * um_procs.h -- what the kernel says the processes of this proxy cost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PROCS_H
#define UM_PROCS_H

#include "core/um_base.h"

typedef struct {
    uint64_t user_us; /* processor time */
    uint64_t sys_us;
    uint64_t memory;   /* bytes in memory that it shares with nobody */
    uint64_t resident; /* and with those it shares                 */
} um_proc_cost_t;

/*
 * Add the cost of process `pid` to `sum`.  Reads two short files of /proc; a
 * process that has ended meanwhile costs nothing.
 */
void um_proc_cost_add(um_proc_cost_t *sum, int pid);

#endif /* UM_PROCS_H */
