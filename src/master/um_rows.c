/*
 * um_rows.c -- see um_rows.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "master/um_rows.h"

#include "core/um_clock.h"
#include "core/um_log.h"

static um_row_state_t
row_state(const um_row_sh_t *row)
{
    return (um_row_state_t) atomic_load(&row->state);
}

static bool
row_has_connections(const um_row_sh_t *row)
{
    uint32_t i;

    for (i = 0; i < atomic_load(&row->conns); i++) {
        if (atomic_load_explicit(&row->conn[i].id, memory_order_relaxed) != 0) {
            return true;
        }
    }

    return false;
}

static void
row_clear(um_row_sh_t *row)
{
    uint32_t i;

    for (i = 0; i < atomic_load(&row->conns); i++) {
        atomic_store(&row->conn[i].id, 0);
    }

    /* The counters stay: sums over all rows must never go down. */
    atomic_store(&row->pid, 0);
    atomic_store(&row->gen_seen, 0);
    atomic_store(&row->gen_done, 0);
    atomic_store(&row->turn_max_ns, 0);
    atomic_store(&row->state, UM_ROW_FREE);
}

/* Better a few old bytes at a Redis than no worker. */
static um_row_sh_t *
rows_give_up(um_workers_sh_t *sh)
{
    um_row_sh_t *oldest = NULL;
    uint32_t i;

    for (i = 0; i < sh->rows; i++) {
        um_row_sh_t *row = &sh->row[i];

        if (row_state(row) == UM_ROW_DEAD
            && (oldest == NULL
                || atomic_load(&row->started_ns)
                       < atomic_load(&oldest->started_ns)))
        {
            oldest = row;
        }
    }

    if (oldest != NULL) {
        um_log_warn(0,
            "worker rows: none is free, one is given up whose connections to "
            "Redis were not all killed");
        row_clear(oldest);
    }

    return oldest;
}

um_rc_t
um_rows_take(um_workers_sh_t *sh, uint32_t *number)
{
    um_row_sh_t *row = NULL;
    uint64_t now = um_clock_ns();
    uint32_t i;

    for (i = 0; i < sh->rows && row == NULL; i++) {
        if (row_state(&sh->row[i]) == UM_ROW_FREE) {
            row = &sh->row[i];
        }
    }

    if (row == NULL) {
        row = rows_give_up(sh);
    }

    if (row == NULL) {
        return UM_AGAIN;
    }

    atomic_fetch_add(&row->incarnation, 1);
    atomic_store(&row->started_ns, now);
    atomic_store(&row->turn_ns, now);
    atomic_store(&row->state, UM_ROW_STARTING);
    *number = (uint32_t) (row - sh->row);
    return UM_OK;
}

void
um_rows_ended(um_workers_sh_t *sh, uint32_t number, bool clean)
{
    um_row_sh_t *row = &sh->row[number];

    atomic_store(&row->clients, 0);
    atomic_store(&row->blocked, 0);
    atomic_store(&row->memory, 0);
    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        atomic_store(&row->gauge[id], 0);
    }

    if (clean) {
        row_clear(row);
    } else {
        atomic_store(&row->state, UM_ROW_DEAD);
        atomic_fetch_add(&sh->deaths, 1);
    }
}

void
um_rows_sweep(um_workers_sh_t *sh)
{
    uint32_t i;

    for (i = 0; i < sh->rows; i++) {
        um_row_sh_t *row = &sh->row[i];

        if (row_state(row) == UM_ROW_DEAD && !row_has_connections(row)) {
            row_clear(row);
        }
    }
}

uint32_t
um_rows_free(const um_workers_sh_t *sh)
{
    uint32_t n = 0;
    uint32_t i;

    for (i = 0; i < sh->rows; i++) {
        n += row_state(&sh->row[i]) == UM_ROW_FREE;
    }

    return n;
}
