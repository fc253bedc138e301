/*
 * um_repl.h -- what UMCTL SETREPL says: which of our nodes are masters, which
 * are replicas, and of whom (dataplane.md 3.7).
 *
 * Plain bytes without pointers, so the same type lies in shared memory and in
 * private copies.  Only the first `count` nodes mean anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REPL_H
#define UM_REPL_H

#include "core/um_addr.h"
#include "core/um_base.h"

#define UM_REPL_LAYOUT  1 /* raise when the bytes below change meaning */
#define UM_REPL_NODES   128
#define UM_REPL_PEERS   4
#define UM_REPL_CLUSTER 31

typedef enum { UM_REPL_MASTER = 1, UM_REPL_REPLICA = 2 } um_repl_role_t;

/* All texts are NUL-terminated. */
typedef struct {
    char node[UM_ADDR_TEXT_MAX + 1];
    char proxy[UM_ADDR_TEXT_MAX + 1];
} um_repl_peer_t;

typedef struct {
    uint32_t role; /* um_repl_role_t */
    uint32_t peer_count;
    char cluster[UM_REPL_CLUSTER + 1]; /* "": in none, it is a spare */
    char node[UM_ADDR_TEXT_MAX + 1];
    um_repl_peer_t peer[UM_REPL_PEERS]; /* a master's replicas, or its master */
} um_repl_node_t;

typedef struct {
    uint64_t epoch;
    uint32_t count;
    uint32_t pad;
    um_repl_node_t node[UM_REPL_NODES]; /* in the order of the message */
} um_repl_t;

_Static_assert(sizeof(um_repl_t) % 8 == 0, "halves stay aligned");

/* Nothing is replicated: epoch 0. */
void um_repl_clear(um_repl_t *r);

/* Copy what means something.  `from` may be changing under us (shared memory):
 * its count is clamped; whether the copy is whole is for the caller to know. */
void um_repl_copy(um_repl_t *to, const um_repl_t *from);

/*
 * Decode the words after "SETREPL" (from the epoch on); one that is not UTF-8
 * is skipped.  `announce_host` as for SETCLUSTER.  NULL, or the text behind
 * '-', static; `r` is then garbage.  The epoch rule is the publisher's matter.
 */
UM_MUSTCHECK const char *um_repl_decode(const um_str_t *argv, uint32_t argc,
    um_str_t announce_host, um_repl_t *r, bool *force);

/* The node with this address; NULL: none. */
const um_repl_node_t *um_repl_find(const um_repl_t *r, um_str_t node);

/* Does it want the same of the same node? */
bool um_repl_is_same(const um_repl_node_t *a, const um_repl_node_t *b);

#endif /* UM_REPL_H */
