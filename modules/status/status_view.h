/*
 * status_view.h -- what the answers are made from: the noticeboard, and what
 * the kernel says of our processes.
 *
 * Everything behind it is pure: a view in, a text out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_VIEW_H
#define STATUS_VIEW_H

#include "core/um_procs.h"
#include "shm/um_shm.h"

/* The table's numbers of one row, copied. */
typedef struct {
    uint64_t counter[UM_STAT_MAX];
    uint64_t gauge[UM_GAUGE_MAX]; /* 0 when nobody lives in the row */
} status_numbers_t;

typedef struct {
    um_shm_view_t shm;
    um_topo_t *topo; /* our own copy; no cluster before there is one */
    uint64_t gen;    /* of it */

    /* Of each row, and behind them their sums: workers go on while we write,
     * and an answer should agree with itself. */
    status_numbers_t *numbers;

    const char *version;
    const char *const *roles; /* NULL ends */
    bool proxy;               /* is it one of them?            */
    bool per_worker;          /* tell each worker's numbers    */
    uint64_t turn_limit_ns;   /* whose turn is older is no use */

    int master; /* pid */
    uint64_t now_ns;
    uint64_t wall_us;

    /* um_proc_cost_add(), or a test's. */
    void (*cost)(um_proc_cost_t *sum, int pid);
} status_view_t;

/* Room for the numbers.  UM_ERR: out of memory, logged. */
UM_MUSTCHECK um_rc_t status_view_init(status_view_t *v);
void status_view_deinit(status_view_t *v);

/* Copy them, before each answer. */
void status_view_copy(status_view_t *v);

static inline const status_numbers_t *
status_sums(const status_view_t *v)
{
    return &v->numbers[v->shm.workers->rows];
}

/* A row in which there has ever been a worker. */
typedef struct {
    uint32_t number;
    um_row_state_t state;
    int pid; /* 0: nobody now */
    uint64_t incarnation;
    uint64_t started_ns;
    uint64_t turn_age_ns;
    uint64_t turn_max_ns;
    uint64_t gen_seen;
    uint32_t clients;
    uint32_t blocked;
    uint64_t memory;
    bool alive; /* running or draining                */
    bool turns; /* and its turn is younger than limit */
    const status_numbers_t *numbers;
} status_row_t;

/* UM_DECLINED: nobody has ever been in row `i`. */
UM_MUSTCHECK um_rc_t status_row(
    const status_view_t *v, uint32_t i, status_row_t *row);

const char *status_row_state(um_row_state_t state);

/* Of all living workers together. */
typedef struct {
    uint32_t count[UM_ROW_DEAD + 1]; /* rows by state */
    uint32_t turning;                /* RUNNING, and its turn is young */
    uint64_t clients;
    uint64_t blocked;
    uint64_t memory;
    uint64_t turn_max_ns;
} status_sum_t;

void status_sum(const status_view_t *v, status_sum_t *sum);

typedef struct {
    uint32_t assigned; /* slots that somebody serves */
    uint32_t local;    /* of these, by our own nodes */
} status_slots_t;

void status_slots(const um_topo_t *t, status_slots_t *slots);

/* How many slots addr[i] of the topology serves. */
void status_slots_by_addr(const um_topo_t *t, uint32_t count[UM_TOPO_ADDRS]);

#define STATUS_REASONS 4

/* Why it is not healthy, or not ready; NULL ends. */
typedef struct {
    const char *unhealthy[STATUS_REASONS + 1];
    const char *unready[STATUS_REASONS + 1];
} status_verdict_t;

/*
 *   healthy  the master is awake and, where there is a proxy, a worker is
 *   ready    besides: all workers that should serve do, and there is a cluster
 */
void status_judge(const status_view_t *v, status_verdict_t *out);

#endif /* STATUS_VIEW_H */
