/*
 * um_topo_build.h -- put a topology together, piece by piece.
 *
 * Addresses may come back: their entries are gathered.  Local nodes come
 * first, then um_topo_build_peers(), then the peers; that call again forgets
 * the peers so far.  Time grows with what is added, never with its square.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TOPO_BUILD_H
#define UM_TOPO_BUILD_H

#include "meta/um_topo.h"

/* The longest address: a name of 253 characters and a port, or a path. */
#define UM_TOPO_ADDR_MAX 263

typedef struct um_topo_build_s um_topo_build_t;

/* Build into `t` (lent until the free).  NULL: out of memory. */
um_topo_build_t *um_topo_build_new(um_topo_t *t);
void um_topo_build_free(um_topo_build_t *b); /* NULL is fine */

/*
 * All below: UM_OK, or UM_DECLINED and um_topo_build_error() says what is
 * wrong (a name with blanks or control characters, too much of something);
 * then there is nothing left to do but to free.
 */
UM_MUSTCHECK um_rc_t um_topo_build_addr(um_topo_build_t *b, um_str_t name);

/* Begin an entry of the latest address, add its ranges in any order, swapped
 * and overlapping as they may be, then end it: it is sorted and merged. */
UM_MUSTCHECK um_rc_t um_topo_build_entry(um_topo_build_t *b);
UM_MUSTCHECK um_rc_t um_topo_build_range(
    um_topo_build_t *b, uint64_t start, uint64_t end);
void um_topo_build_entry_end(um_topo_build_t *b);

/* Tag the latest entry. */
typedef struct {
    uint64_t epoch;
    um_str_t src_proxy, src_node, dst_proxy, dst_node;
} um_migr_words_t;

UM_MUSTCHECK um_rc_t um_topo_build_tag(
    um_topo_build_t *b, uint32_t tag, const um_migr_words_t *words);

void um_topo_build_peers(um_topo_build_t *b);

/* All is said: order the entries, find the owners. */
void um_topo_build_finish(um_topo_build_t *b);

/* Static text; NULL while nothing is wrong. */
const char *um_topo_build_error(const um_topo_build_t *b);

#endif /* UM_TOPO_BUILD_H */
