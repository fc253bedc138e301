/*
 * um_rows.h -- the master's side of the worker rows on the noticeboard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ROWS_H
#define UM_ROWS_H

#include "shm/um_workers.h"

/* Rows for so many workers: theirs, as many three times over that still serve
 * clients of earlier cycles, and some whose dead connections linger. */
static inline uint32_t
um_rows_for(uint32_t workers)
{
    return 4 * workers + 8;
}

/*
 * A row for a new process: state STARTING, no pid yet.  When none is free the
 * one that has been dead for longest is given up.  UM_AGAIN: all are in use.
 */
UM_MUSTCHECK um_rc_t um_rows_take(um_workers_sh_t *sh, uint32_t *row);

/* Its process ended.  `clean`: it left nothing behind at any Redis. */
void um_rows_ended(um_workers_sh_t *sh, uint32_t row, bool clean);

/* Free the dead ones whose connections have all been killed. */
void um_rows_sweep(um_workers_sh_t *sh);

/* How many are free. */
uint32_t um_rows_free(const um_workers_sh_t *sh);

#endif /* UM_ROWS_H */
