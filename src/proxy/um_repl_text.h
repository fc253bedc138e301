/*
 * um_repl_text.h -- replication in words: UMCTL INFOREPL and INFO as the
 * reference has them, UMCTL HEALTH and a section of INFO of our own.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REPL_TEXT_H
#define UM_REPL_TEXT_H

#include "core/um_sbuf.h"
#include "meta/um_topo.h"
#include "shm/um_lease.h"
#include "shm/um_repl_sh.h"

/* UMCTL INFOREPL: masters first (dataplane.md 8.4). */
void um_repl_text_wanted(const um_repl_t *r, um_sbuf_t *out);

/* The same for UMCTL INFO, each with what was found: state, link, offset, and
 * what is left of the lease.  `b` NULL, here and below: the mover has not told
 * yet. */
void um_repl_text_both(const um_repl_t *r, const um_repl_board_t *b,
    const um_lease_told_t *lease, um_sbuf_t *out);

/* What is so wrong with a node that its slots should be served elsewhere:
 * "down", "hung", "lost", "fenced", "unsynced"; NULL: nothing.  `timeout_ms` is
 * node_timeout, `now_us` the wall clock. */
const char *um_repl_fault(
    const um_repl_found_t *f, uint64_t timeout_ms, uint64_t now_us);

/*
 * UMCTL HEALTH: lines as of INFO, what a coordinator asks for each second.
 *
 *     epoch:7              of SETCLUSTER
 *     repl_epoch:7         of SETREPL
 *     cluster:mydb
 *     fault:none           the first of its masters' faults
 *     in_sync:1            every node is what it should be
 *     lease_left_ms:1500   only where there is a lease
 *     nodes:2
 *     node0:addr=127.0.0.1:7001,role=master,state=serving,fault=none,
 *           confirmed=1,link=0,offset=77,lag=0   (one line)
 */
void um_repl_text_health(const um_topo_t *t, const um_repl_t *r,
    const um_repl_board_t *b, const um_lease_told_t *lease, uint64_t timeout_ms,
    uint64_t now_us, um_sbuf_t *out);

/*
 * UMCTL BEAT, the same in a line, for who asks many proxies all the time:
 *
 *     7 7 none 1 0
 *
 * epoch, repl_epoch, fault, in_sync, and how many migrations are finished and
 * wait to be committed (UMCTL INFOMGR tells which).
 */
void um_repl_text_beat(const um_topo_t *t, const um_repl_t *r,
    const um_repl_board_t *b, uint64_t timeout_ms, uint64_t now_us,
    um_sbuf_t *out);

/* INFO's section Replication, behind what a master of Redis says. */
void um_repl_text_info(const um_repl_board_t *b, const um_repl_counts_t *counts,
    const um_lease_told_t *lease, um_sbuf_t *out);

/* UMCTL READY by replication alone: only replicas, and at least one. */
bool um_repl_is_all_replicas(const um_repl_t *r);

#endif /* UM_REPL_TEXT_H */
