/*
 * um_look.h -- what a Redis says of itself, as far as replication cares.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LOOK_H
#define UM_LOOK_H

#include "core/um_base.h"

#define UM_LOOK_ID 40 /* characters of run ids and replication ids */

typedef struct {
    char run_id[UM_LOOK_ID + 1];
    uint32_t version; /* 0x00MMmmpp; 0: not known */
    bool master;
    bool loading; /* reads its data: answers nothing else */

    /* A replica's: whom it follows, and how far. */
    char master_host[254];
    uint16_t master_port; /* 0: nobody */
    bool link_up;
    bool never_linked; /* not yet with this master */

    uint64_t offset; /* in the stream of replication */
    char replid[UM_LOOK_ID + 1];
    char replid2[UM_LOOK_ID + 1]; /* of the history before its promotion, */
    uint64_t second_offset;       /* which had not reached this; 0: none  */
    uint32_t replicas;            /* connected ones */
    uint64_t keys;
} um_look_t;

/* From the text of INFO.  UM_DECLINED: it is none. */
UM_MUSTCHECK um_rc_t um_look_parse(um_str_t info, um_look_t *l);

/* Has one of them the other's history, so far as it goes? */
bool um_look_is_kin(const um_look_t *a, const um_look_t *b);

/* Was `a` promoted out of the history that `b` still writes? */
bool um_look_is_heir(const um_look_t *a, const um_look_t *b);

/* And has it been written to since? */
bool um_look_took_over(const um_look_t *a, const um_look_t *b);

/* Has `a` data, or knows of their end, that `b` has not? */
bool um_look_is_ahead(const um_look_t *a, const um_look_t *b);

/* Has `a` all that `b` has?  Said only of one history, or where it forked. */
bool um_look_has_all(const um_look_t *a, const um_look_t *b);

/* A replica that follows nobody: `replicaof 127.0.0.1 0`. */
bool um_look_is_orphan(const um_look_t *l);

/* Nothing has ever been written to it, so far as it remembers. */
bool um_look_is_blank(const um_look_t *l);

#endif /* UM_LOOK_H */
