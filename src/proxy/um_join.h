/*
 * um_join.h -- replies of the parts of a split command, made into one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_JOIN_H
#define UM_JOIN_H

#include "proxy/um_fanout.h"

struct um_join_s {
    um_req_t *parent; /* who is answered; it owns the join and the parts */
    um_join_how_t how;
    uint32_t left; /* parts not yet answered */
    uint32_t parts;
    uint32_t keys;
    uint32_t *key_part; /* which part each key travels in */
    um_req_t **part;    /* at most `keys`; each part's r->data is how many
                           keys it has */
};

/* One piece of memory, to be given to free().  NULL: out of memory. */
um_join_t *um_join_new(um_req_t *parent, um_join_how_t how, uint32_t keys);

/* One part less to wait for; after the last the parent is answered and `j` is
 * gone. */
void um_join_left(um_join_t *j);

#endif /* UM_JOIN_H */
