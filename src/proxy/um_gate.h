/*
 * um_gate.h -- may a local node be sent to?  Where SETREPL has said what it
 * is to be, only when the mover has confirmed it as a master.
 *
 * Who was stopped for a second, or sleeps on a machine that does, may be the
 * last to hear that another proxy has taken over.  So after a gap, of this
 * worker or of the mover, what was confirmed counts only when the mover has
 * looked at it again since.
 *
 * Where there is a lease (um_lease.h), a node is closed as well when it has run
 * out.  Then somebody who does not wait for us may be its master already, so
 * nothing that its Redis says from then on is told: the clock is looked at when
 * a turn begins, before anything is sent in it, and again behind each read of
 * what a Redis has answered.  For a turn may be long, when we are stopped in
 * it; and whatever was in our hands in time had been executed in time.
 *
 * Behind a closed gate clients wait for a while (`backend_timeout`) where they
 * stand, so that a promotion costs them time and no error, and are routed anew
 * when it opens or the topology changes; then they are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_GATE_H
#define UM_GATE_H

#include "proxy/um_node.h"
#include "proxy/um_worker.h"
#include "shm/um_lease.h"

/* Why it is closed. */
typedef struct {
    const char *why; /* static; NULL: it is open                            */
    bool for_good;   /* it is no master of ours any more: what it has yet to
                        answer is not to be told as done                    */
    bool at_once;    /* nor has it a moment's grace for that: the lease     */
} um_gate_verdict_t;

/*
 * `wanted` and `found` are what SETREPL and the mover say of the node, NULL
 * when they say nothing; `run_id` is of the Redis that answers there, "" when
 * not known; after `blind_ns` (um_clock_boot_ns()) the mover must have looked
 * at it; `lease_out`: our lease has run out.  Pure.
 */
um_gate_verdict_t um_gate_rule(const um_repl_node_t *wanted,
    const um_repl_found_t *found, const char *run_id, uint64_t blind_ns,
    bool lease_out);

/*
 * Since when what was found does not count: `blind_ns`, or `now_ns` when more
 * than a second has passed since `turn_ns`, our turn before, or since
 * `awake_ns`, the latest word of the mover.  Pure.
 */
uint64_t um_gate_blind(
    uint64_t blind_ns, uint64_t now_ns, uint64_t turn_ns, uint64_t awake_ns);

/* NULL: out of memory, logged. */
um_gate_t *um_gate_new(um_worker_t *w);
void um_gate_free(um_gate_t *g); /* NULL is fine */

/* Look whether the noticeboard has news; at the begin of each turn. */
void um_gate_check(um_worker_t *w);

/* The topology has changed: its nodes, one by one. */
void um_gate_apply(um_worker_t *w);

/* What a handshake has told about a node may close it. */
void um_gate_node(um_node_t *n);

/* Those who have waited long enough go on, and what a node has not answered
 * that is no master of ours any more is given up. */
void um_gate_tick(um_worker_t *w);

/*
 * `b` has just been read from.  True: the lease has run out meanwhile, so what
 * came is not to be told; whom it was for has been answered ("may have been
 * executed") and the connection is gone.
 */
bool um_gate_is_late(um_backend_t *b);

/* What is told of our lease. */
um_lease_told_t um_gate_lease(const um_worker_t *w);

/* Is any local node's closed?  Cheap. */
bool um_gate_any_closed(const um_worker_t *w);

/* The index of a local node whose gate is open; 0 where all are closed. */
uint32_t um_gate_any_open(const um_worker_t *w);

/*
 * A node that was closed meanwhile has answered `r` with `reply`.  True: it is
 * READONLY, the write was not executed, and the client has been told where to
 * ask again: the new owner, or here, where it waits for one.
 */
bool um_gate_answer(um_req_t *r, const um_node_t *n, um_str_t reply);

/* Is it worth to wait for it to open? */
bool um_gate_may_wait(const um_node_t *n);

/* The latest word about replication, private copies; never NULL. */
const um_repl_t *um_gate_wanted(const um_gate_t *g);
const um_repl_board_t *um_gate_found(const um_gate_t *g);

/* The same; NULL while the mover has not told of what is wanted now, or does
 * not tell anything. */
const um_repl_board_t *um_gate_current(const um_worker_t *w);

#endif /* UM_GATE_H */
