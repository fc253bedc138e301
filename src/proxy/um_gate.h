/*
 * um_gate.h -- may a local node be sent to?  Where SETREPL has said what it
 * is to be, only when the mover has confirmed it as a master.
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

/*
 * NULL: open; or why not, static.  `wanted` and `found` are what SETREPL and
 * the mover say of the node, NULL when they say nothing; `run_id` is of the
 * Redis that answers there, "" when not known.  Pure.
 */
const char *um_gate_rule(const um_repl_node_t *wanted,
    const um_repl_found_t *found, const char *run_id);

/* NULL: out of memory, logged. */
um_gate_t *um_gate_new(um_worker_t *w);
void um_gate_free(um_gate_t *g); /* NULL is fine */

/* Look whether the noticeboard has news; at the begin of each turn. */
void um_gate_check(um_worker_t *w);

/* The topology has changed: its nodes, one by one. */
void um_gate_apply(um_worker_t *w);

/* What a handshake has told about a node may close it. */
void um_gate_node(um_node_t *n);

/* Those who have waited long enough go on. */
void um_gate_tick(um_worker_t *w);

/* Any local node whose gate is closed; NULL: none. */
um_node_t *um_gate_closed_node(um_worker_t *w);

/* Is it worth to wait for it to open? */
bool um_gate_may_wait(const um_node_t *n);

/* The latest word about replication, private copies; never NULL. */
const um_repl_t *um_gate_wanted(const um_gate_t *g);
const um_repl_board_t *um_gate_found(const um_gate_t *g);

#endif /* UM_GATE_H */
