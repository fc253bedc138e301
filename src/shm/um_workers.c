/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_workers.h"

#include <pthread.h>
#include <string.h>

#include "core/um_str.h"

#define WORKERS_LAYOUT 1

#define UM_STAT(id, unit, doc) { #id, unit, doc },
static um_stat_info_t stat_infos[UM_STAT_MAX] = {
#include "shm/um_stat_tbl.h"
};
#undef UM_STAT

/* The longest name that um_stat_tbl.h may have, with its NUL. */
#define STAT_NAME_SIZE 40

#define UM_STAT(id, unit, doc)                                                 \
    _Static_assert(sizeof(#id) <= STAT_NAME_SIZE, "name too long: " #id);
#include "shm/um_stat_tbl.h"
#undef UM_STAT

static char stat_names[UM_STAT_MAX][STAT_NAME_SIZE];
static pthread_once_t stat_once = PTHREAD_ONCE_INIT;

/* The preprocessor knows the names in upper case only. */
static void
stat_name_all(void)
{
    for (int i = 0; i < UM_STAT_MAX; i++) {
        const char *id = stat_infos[i].name;

        for (size_t k = 0; id[k] != '\0'; k++) {
            stat_names[i][k] = um_char_lower(id[k]);
        }

        stat_infos[i].name = stat_names[i];
    }
}

const um_stat_info_t *
um_stat_info(um_stat_t id)
{
    (void) pthread_once(&stat_once, stat_name_all);
    return &stat_infos[id];
}

size_t
um_workers_size(uint32_t rows)
{
    return sizeof(um_workers_sh_t) + rows * sizeof(um_row_sh_t);
}

void
um_workers_init(um_workers_sh_t *sh, uint32_t rows)
{
    memset(sh, 0, um_workers_size(rows));
    sh->layout = WORKERS_LAYOUT;
    sh->size = (uint32_t) um_workers_size(rows);
    sh->rows = rows;
    atomic_init(&sh->next_client_id, 1);
}

/* Does the worker of this row route, or may it begin to at any moment? */
static bool
row_routes(const um_row_sh_t *row)
{
    switch (atomic_load_explicit(&row->state, memory_order_acquire)) {
    case UM_ROW_RUNNING:
    case UM_ROW_DRAINING:
        return true;

    case UM_ROW_STARTING:
        return atomic_load_explicit(&row->pid, memory_order_relaxed) != 0;

    default:
        return false;
    }
}

bool
um_workers_saw(const um_workers_sh_t *sh, uint64_t gen)
{
    for (uint32_t i = 0; i < sh->rows; i++) {
        const um_row_sh_t *row = &sh->row[i];

        if (row_routes(row)
            && atomic_load_explicit(&row->gen_seen, memory_order_acquire) < gen)
        {
            return false;
        }
    }

    return true;
}

/* Is any of its connections still to be killed?  What it had sent may run. */
static bool
row_haunts(const um_row_sh_t *row)
{
    if (atomic_load_explicit(&row->state, memory_order_acquire) != UM_ROW_DEAD)
    {
        return false;
    }

    for (uint32_t i = 0; i < UM_ROW_CONNS; i++) {
        if (atomic_load_explicit(&row->conn[i].id, memory_order_acquire) != 0) {
            return true;
        }
    }

    return false;
}

bool
um_workers_done(const um_workers_sh_t *sh, uint64_t gen)
{
    for (uint32_t i = 0; i < sh->rows; i++) {
        const um_row_sh_t *row = &sh->row[i];

        if (row_routes(row)
            && atomic_load_explicit(&row->gen_done, memory_order_acquire) < gen)
        {
            return false;
        }
        if (row_haunts(row)) {
            return false;
        }
    }

    return true;
}

/* A row's counters go on growing when a new process gets the row. */
uint64_t
um_workers_sum(const um_workers_sh_t *sh, um_stat_t id)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sh->rows; i++) {
        sum +=
            atomic_load_explicit(&sh->row[i].counter[id], memory_order_relaxed);
    }

    return sum;
}

void
um_workers_forget(um_workers_sh_t *sh)
{
    for (int id = 0; id < UM_STAT_MAX; id++) {
        atomic_store_explicit(&sh->forgotten[id],
            um_workers_sum(sh, (um_stat_t) id), memory_order_relaxed);
    }
}

uint64_t
um_workers_recent(const um_workers_sh_t *sh, um_stat_t id)
{
    uint64_t forgotten =
        atomic_load_explicit(&sh->forgotten[id], memory_order_relaxed);
    uint64_t sum = um_workers_sum(sh, id);

    return sum > forgotten ? sum - forgotten : 0;
}
