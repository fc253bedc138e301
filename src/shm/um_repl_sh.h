/*
 * um_repl_sh.h -- replication on the noticeboard: what SETREPL wants, and what
 * the mover has found and done about it.
 *
 *   wanted   whoever executes UMCTL SETREPL, one at a time, under `writer`;
 *            read by the mover and by every worker
 *   found    the mover alone; read by workers, and by who shows it
 *   vouched  whoever executes UMCTL BEAT; grows only.  um_lease.h
 *
 * Invariants, of both
 *   (1) half[gen & 1] is complete and is not written while `gen` stays.
 *   (2) `gen` only grows, by one per publication.
 *   (3) A writer killed at any instruction leaves (1) and (2) true.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REPL_SH_H
#define UM_REPL_SH_H

#include <pthread.h>
#include <stdatomic.h>

#include "meta/um_repl.h"

#define UM_REPL_SH_LAYOUT 3

#define UM_REPL_RUN_ID 40 /* characters; not NUL-terminated */

/* How far a node is on its way to what is wanted of it. */
typedef enum {
    UM_REPL_NEW = 0, /* nothing is known yet                            */
    UM_REPL_DOWN,    /* nobody listens there: its Redis is dead         */
    UM_REPL_SILENT,  /* it does not answer                              */
    UM_REPL_LOADING, /* it reads its data                               */
    UM_REPL_DOUBTED, /* master wanted: a replica has what this one lost */
    UM_REPL_FENCING, /* master wanted: the old one is told to stop      */
    UM_REPL_FENCED,  /* master wanted: another took over; closed        */
    UM_REPL_SERVING, /* is a master, and may serve                      */
    UM_REPL_WAITING, /* replica wanted: its master is no master yet     */
    UM_REPL_SYNCING, /* is a replica, not in sync yet                   */
    UM_REPL_IN_SYNC, /* is a replica, and follows                       */
} um_repl_state_t;

const char *um_repl_state_name(um_repl_state_t s);

/*
 * Of one node.  Times in us are um_clock_wall_us(), 0: never.
 *
 * `served_id` and `served` are also the mover's memory: a Redis with another
 * run id has begun anew, perhaps without its data; one that has served under
 * these very wishes and is a replica now was taken over from.
 */
typedef struct {
    char node[UM_ADDR_TEXT_MAX + 1];
    char cluster[UM_REPL_CLUSTER + 1];
    char run_id[UM_REPL_RUN_ID];    /* of its Redis; zeros: not known   */
    char served_id[UM_REPL_RUN_ID]; /* of the one that served last      */
    uint32_t role;                  /* what is wanted, um_repl_role_t   */
    uint32_t state;                 /* um_repl_state_t                  */
    uint32_t link_up;               /* replica: is its link up?         */
    uint32_t replicas;              /* master: how many follow          */
    uint32_t served;                /* master: under these wishes       */
    uint32_t confirmed;             /* master: served_id may be sent to */
    uint64_t looked_ns; /* um_clock_boot_ns() before the latest answer */
    uint64_t offset;    /* in the stream of replication            */
    uint64_t lag;       /* replica: bytes behind its master        */
    uint64_t since_us;  /* in this state                           */
    uint64_t heard_us;  /* its latest answer                       */
    uint64_t lost;      /* bytes that its latest promotion did without */
    uint64_t promoted_us;
    char why[128]; /* NUL-terminated; "": all is well */
} um_repl_found_t;

typedef struct {
    uint64_t of_gen; /* of `wanted`, that all of it is about */
    uint32_t count;
    uint32_t pad;
    um_repl_found_t node[UM_REPL_NODES];
} um_repl_board_t;

/* What the movers have done since the start; the mover alone counts. */
typedef struct {
    _Atomic uint64_t promotions;
    _Atomic uint64_t fences;        /* old masters told to stop         */
    _Atomic uint64_t fences_failed; /* that did not answer, or refused  */
    _Atomic uint64_t demotions;     /* old masters told to follow       */
    _Atomic uint64_t bytes_lost;    /* sum of um_repl_found_t.lost      */
    _Atomic uint64_t doubts;        /* nodes that had lost their data   */
    _Atomic uint64_t leases_ended;  /* times that it ran out            */
} um_repl_counts_t;

typedef struct {
    uint32_t layout;
    uint32_t size;
    pthread_mutex_t writer;
    _Atomic uint64_t awake_ns; /* um_clock_boot_ns(), often, by the mover */
    _Atomic uint64_t gen;      /* of `wanted`; 0: nothing was ever wanted */
    _Atomic uint64_t epoch;    /* of the published half */

    /* When the published half was, or later; um_clock_boot_ns().  Written
     * before `gen`: who sees the one sees the other. */
    _Atomic uint64_t wished_ns;
    _Atomic uint64_t vouched_ns; /* um_lease.h; 0: never */
    um_repl_t wanted[2];
    _Atomic uint64_t found_gen;
    um_repl_board_t found[2];
    um_repl_counts_t counts;
} um_repl_sh_t;

/* Prepare fresh shared memory.  Master only, before the first fork. */
UM_MUSTCHECK um_rc_t um_repl_sh_init(um_repl_sh_t *sh);

/* As um_topo_publish(): UM_OK, UM_DECLINED (an old epoch), UM_AGAIN, UM_ERR. */
UM_MUSTCHECK um_rc_t um_repl_publish(
    um_repl_sh_t *sh, const um_repl_t *next, bool force);

/* Bring private copies, taken at `*gen`, up to date.  UM_DECLINED: nothing
 * newer.  UM_AGAIN: overtaken, try next turn; `mine` is garbage until then. */
UM_MUSTCHECK um_rc_t um_repl_refresh(
    const um_repl_sh_t *sh, um_repl_t *mine, uint64_t *gen);
UM_MUSTCHECK um_rc_t um_repl_refresh_found(
    const um_repl_sh_t *sh, um_repl_board_t *mine, uint64_t *gen);

/* The mover: show `board` to all. */
void um_repl_show(um_repl_sh_t *sh, const um_repl_board_t *board);

#endif /* UM_REPL_SH_H */
