/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_workers.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

/* The longest id that um_stat_tbl.h may have, with its NUL. */
#define STAT_NAME_SIZE 40

#define UM_STAT(id, unit, doc, ...)                                            \
    _Static_assert(sizeof(#id) <= STAT_NAME_SIZE, "name too long: " #id);
#define UM_GAUGE UM_STAT
#include "shm/um_stat_tbl.h"

/* Metric and labels may be left out. */
#define STAT_TWO(zero, metric, labels, ...) metric, labels
#define STAT_INFO(id, unit, doc, ...)                                          \
    { #id, unit, doc, STAT_TWO(0, ##__VA_ARGS__, NULL, NULL, NULL) },

#define UM_STAT STAT_INFO
static um_stat_info_t stat_infos[] = {
#include "shm/um_stat_tbl.h"
};

#define UM_GAUGE STAT_INFO
static um_stat_info_t gauge_infos[] = {
#include "shm/um_stat_tbl.h"
};

#define UM_FAMILY(metric, help) { metric, help },
static const char *const stat_families[][2] = {
#include "shm/um_stat_tbl.h"
};

static char stat_names[UM_STAT_MAX][STAT_NAME_SIZE];
static char stat_metrics[UM_STAT_MAX][STAT_NAME_SIZE + sizeof("_total")];
static char gauge_names[UM_GAUGE_MAX][STAT_NAME_SIZE];
static pthread_once_t stat_once = PTHREAD_ONCE_INIT;

/* The preprocessor knows the names in upper case only. */
static void
stat_name(um_stat_info_t *info, char out[STAT_NAME_SIZE])
{
    const char *id = info->name;

    for (size_t k = 0; id[k] != '\0'; k++) {
        out[k] = um_char_lower(id[k]);
    }

    info->name = out;
}

static void
stat_name_all(void)
{
    for (int i = 0; i < UM_STAT_MAX; i++) {
        um_stat_info_t *info = &stat_infos[i];

        stat_name(info, stat_names[i]);
        if (info->metric == NULL) {
            snprintf(stat_metrics[i], sizeof(stat_metrics[i]), "%.*s_total",
                STAT_NAME_SIZE - 1, info->name);
            info->metric = stat_metrics[i];
        }
    }

    for (int i = 0; i < UM_GAUGE_MAX; i++) {
        um_stat_info_t *info = &gauge_infos[i];

        stat_name(info, gauge_names[i]);
        if (info->metric == NULL) {
            info->metric = info->name;
        }
    }
}

const um_stat_info_t *
um_stat_info(um_stat_t id)
{
    (void) pthread_once(&stat_once, stat_name_all);
    return &stat_infos[id];
}

const um_stat_info_t *
um_gauge_info(um_gauge_t id)
{
    (void) pthread_once(&stat_once, stat_name_all);
    return &gauge_infos[id];
}

const char *
um_stat_family(const char *metric)
{
    for (size_t i = 0; i < um_countof(stat_families); i++) {
        if (strcmp(stat_families[i][0], metric) == 0) {
            return stat_families[i][1];
        }
    }

    return NULL;
}

size_t
um_workers_size(uint32_t rows)
{
    return sizeof(um_workers_sh_t) + rows * sizeof(um_row_sh_t);
}

void
um_workers_init(um_workers_sh_t *sh, uint32_t rows)
{
    memset(sh, 0, sizeof(*sh));
    for (uint32_t i = 0; i < rows; i++) {
        /* Of conn[] nothing is read before it is written: its pages are not
         * touched until they are needed. */
        memset(&sh->row[i], 0, offsetof(um_row_sh_t, conn));
    }
    sh->layout = UM_WORKERS_LAYOUT;
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

    for (uint32_t i = 0; i < atomic_load(&row->conns); i++) {
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

uint64_t
um_workers_now(const um_workers_sh_t *sh, um_gauge_t id)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sh->rows; i++) {
        uint32_t state =
            atomic_load_explicit(&sh->row[i].state, memory_order_relaxed);

        if (state == UM_ROW_RUNNING || state == UM_ROW_DRAINING) {
            sum += atomic_load_explicit(
                &sh->row[i].gauge[id], memory_order_relaxed);
        }
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
