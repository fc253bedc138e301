/*
 * um_workers.h -- one row per worker process on the noticeboard.
 *
 *   `pid`, `incarnation`, `state` FREE/STARTING   the master
 *   everything else                               the worker of that row
 *   readers                                       anyone, at any time
 *
 * Crash rule: a killed worker leaves its row as it was.  The master sets
 * state DEAD when it has reaped it; the row is not used again until every
 * connection it lists has been killed at its Redis (design.md 2.8), which
 * living workers do as soon as they see `deaths` grow; whose kill is answered
 * first sets that connection's id to 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_WORKERS_H
#define UM_WORKERS_H

#include <stdatomic.h>

#include "core/um_base.h"

#define UM_STAT(id, unit, doc, ...) UM_STAT_##id,
typedef enum {
#include "shm/um_stat_tbl.h"
    UM_STAT_MAX
} um_stat_t;

#define UM_GAUGE(id, unit, doc, ...) UM_GAUGE_##id,
typedef enum {
#include "shm/um_stat_tbl.h"
    UM_GAUGE_MAX
} um_gauge_t;

typedef struct {
    const char *name; /* lower case: "clients_accepted" */
    const char *unit;
    const char *doc;
    const char *metric; /* without "undermoon_": "commands_total" */
    const char *labels; /* "way=\"node\""; NULL: none             */
} um_stat_info_t;

const um_stat_info_t *um_stat_info(um_stat_t id);
const um_stat_info_t *um_gauge_info(um_gauge_t id);

/* What the rows of this metric mean together; NULL: it has one row only. */
const char *um_stat_family(const char *metric);

typedef enum {
    UM_ROW_FREE = 0,
    UM_ROW_STARTING, /* forked, not yet serving          */
    UM_ROW_RUNNING,  /* accepts clients                  */
    UM_ROW_DRAINING, /* serves those it has              */
    UM_ROW_DEAD,     /* gone; its connections to be killed */
} um_row_state_t;

#define UM_WORKERS_LAYOUT 2

#define UM_ROW_CONNS 16384 /* backend connections a row can list */

/* A connection to a Redis.  Written by its worker: `id` last, 0 first. */
typedef struct {
    _Atomic uint64_t id; /* CLIENT ID there; 0: free */
    uint64_t addr_hash;  /* um_crc64 of the node's address text */
    char run_id[40];     /* of that Redis, not NUL-terminated */
    uint64_t pad;
} um_row_conn_t;

typedef struct {
    _Atomic int32_t pid;
    _Atomic uint32_t state;       /* um_row_state_t */
    _Atomic uint64_t incarnation; /* grows with every process in this row */
    _Atomic uint64_t started_ns;  /* of the process, um_clock_ns()        */
    _Atomic uint64_t turn_ns;     /* start of its latest turn (watchdog)  */
    _Atomic uint64_t turn_max_ns; /* longest turn so far                  */
    _Atomic uint64_t gen_seen;    /* newest topology it routes by         */
    _Atomic uint64_t gen_done;    /* nothing unanswered routed before it  */
    _Atomic uint32_t clients;     /* connections of clients now           */
    _Atomic uint32_t blocked;     /* clients that wait in a blocking call */
    _Atomic uint64_t memory;      /* bytes of buffers now                 */
    _Atomic uint64_t counter[UM_STAT_MAX];
    _Atomic uint64_t gauge[UM_GAUGE_MAX];
    _Atomic uint32_t conns; /* places of conn[] that were ever used */
    um_row_conn_t conn[UM_ROW_CONNS];
} um_row_sh_t;

typedef struct {
    uint32_t layout;
    uint32_t size;
    uint32_t rows;           /* 4 x workers + 8, fixed at start */
    _Atomic uint32_t deaths; /* rows that ever became DEAD; the master */
    _Atomic uint64_t next_client_id;
    _Atomic uint64_t forgotten[UM_STAT_MAX]; /* sums at CONFIG RESETSTAT */
    um_row_sh_t row[];
} um_workers_sh_t;

size_t um_workers_size(uint32_t rows);
void um_workers_init(um_workers_sh_t *sh, uint32_t rows);

/* Has every worker that may still route (STARTING with a pid, RUNNING,
 * DRAINING) seen generation `gen`?  And: has it nothing older unanswered, nor
 * a dead one bytes that its Redis may still execute? */
bool um_workers_saw(const um_workers_sh_t *sh, uint64_t gen);
bool um_workers_done(const um_workers_sh_t *sh, uint64_t gen);

/* Sum of a counter over all rows, dead ones and the retired included. */
uint64_t um_workers_sum(const um_workers_sh_t *sh, um_stat_t id);

/* Sum of a gauge over the rows whose worker lives. */
uint64_t um_workers_now(const um_workers_sh_t *sh, um_gauge_t id);

/*
 * CONFIG RESETSTAT: INFO counts from now on.  The rows go on as they are, for
 * each has one writer and others read them.  Any worker may call it.
 */
void um_workers_forget(um_workers_sh_t *sh);

/* um_workers_sum() since the latest um_workers_forget(). */
uint64_t um_workers_recent(const um_workers_sh_t *sh, um_stat_t id);

/* The owner of a row counts without a locked instruction: it is alone. */
static inline void
um_stat_add(um_row_sh_t *row, um_stat_t id, uint64_t n)
{
    atomic_store_explicit(&row->counter[id],
        atomic_load_explicit(&row->counter[id], memory_order_relaxed) + n,
        memory_order_relaxed);
}

static inline void
um_gauge_set(um_row_sh_t *row, um_gauge_t id, uint64_t value)
{
    atomic_store_explicit(&row->gauge[id], value, memory_order_relaxed);
}

#endif /* UM_WORKERS_H */
