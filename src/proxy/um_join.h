/*
 * um_join.h -- replies of the parts of a split command, made into one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_JOIN_H
#define UM_JOIN_H

#include "proxy/um_fanout.h"

#define UM_JOIN_WORDS 8   /* of the whole command, for the slow log ... */
#define UM_JOIN_SAID  256 /* ... as far as they fit here               */

struct um_join_s {
    um_req_t *parent; /* who is answered; it owns the join and the parts */
    um_join_how_t how;
    uint32_t left; /* parts not yet answered */
    uint32_t parts;
    uint32_t keys;
    uint32_t *key_part; /* which part each key travels in */
    um_req_t **part;    /* at most `keys`; each part's r->data is how many
                           keys it has */

    /* The beginning of what the client said: the first words one behind the
     * other.  They are looked at only if it took long. */
    uint32_t argc;
    uint16_t words;
    uint16_t word_end[UM_JOIN_WORDS];
    char said[UM_JOIN_SAID];
};

/* One piece of memory, to be given to free().  NULL: out of memory. */
um_join_t *um_join_new(um_req_t *parent, um_join_how_t how, uint32_t keys);

/* Keep the beginning of the command's words. */
void um_join_say(um_join_t *j, const um_str_t *argv, uint32_t argc);

/* One part less to wait for; after the last the parent is answered and `j` is
 * gone. */
void um_join_left(um_join_t *j);

#endif /* UM_JOIN_H */
