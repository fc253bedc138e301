/*
 * um_slow_ring.h -- the slow log: the latest slow commands of all workers.
 *
 *   writers   every worker, rarely.  Each takes a number of its own from
 *             `next`, and with it a place; the place's lock (robust, tried
 *             only) keeps off who has gone once around the ring meanwhile.
 *   readers   anyone, without a lock
 *
 * Invariants
 *   (1) An entry is whole when `seq` is even and the same before and after it
 *       was copied.
 *   (2) Numbers only grow; a greater one is a command that ended later.
 *   (3) A writer killed at any instruction leaves one entry that readers skip,
 *       until the ring comes around and the place is written anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SLOW_RING_H
#define UM_SLOW_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/um_base.h"

#define UM_SLOW_LAYOUT 1

/* As much of a command as Redis' own slow log shows. */
#define UM_SLOW_WORDS 32
#define UM_SLOW_WORD  128

#define UM_SLOW_ADDR 128
#define UM_SLOW_NAME 256

typedef struct {
    uint64_t id;
    uint64_t wall_us; /* when it came, since 1970 */
    uint64_t client;  /* its id */

    /* Steps of its life, us, one after the other. */
    uint32_t queue_us;   /* until its bytes went to a connection        */
    uint32_t backend_us; /* until the first bytes of the reply; without
                            what a blocking command was blocked         */
    uint32_t reply_us;   /* until the last                              */
    uint32_t order_us;   /* until earlier commands were answered; not
                            part of how slow it was                     */
    uint32_t blocked_us;
    uint8_t forwarded; /* it went to a Redis or a peer at all */

    uint8_t kept;  /* words of it below, at most UM_SLOW_WORDS */
    uint16_t used; /* bytes of them */
    uint32_t argc; /* how many it had */
    char addr[UM_SLOW_ADDR];
    char name[UM_SLOW_NAME];
    uint32_t word_len[UM_SLOW_WORDS]; /* as it was; at most UM_SLOW_WORD of
                                         it are in `text`, behind each other */
    char text[UM_SLOW_WORDS * UM_SLOW_WORD];
} um_slow_t;

typedef struct {
    pthread_mutex_t writer;
    _Atomic uint64_t seq; /* odd: being written; 0: never */
    um_slow_t slow;
} um_slow_place_sh_t;

typedef struct {
    uint32_t layout;
    uint32_t size;            /* of a place */
    uint32_t places;          /* slowlog_len may be less */
    _Atomic uint64_t next;    /* number of the next entry */
    _Atomic uint64_t begin;   /* those before it were reset */
    _Atomic uint64_t dropped; /* the place was being written */
    um_slow_place_sh_t place[];
} um_slow_ring_sh_t;

size_t um_slow_ring_size(uint32_t places);
UM_MUSTCHECK um_rc_t um_slow_ring_init(um_slow_ring_sh_t *sh, uint32_t places);

/* Write `slow` (borrowed) but for its id, which it gets.  UM_DECLINED: others
 * were faster by a whole ring; counted. */
um_rc_t um_slow_ring_add(um_slow_ring_sh_t *sh, um_slow_t *slow);

/*
 * Walk through the newest `len` from the newest on: set `*at` to UINT64_MAX,
 * then call until UM_DECLINED.  UM_OK: `*out` is the next entry.
 */
UM_MUSTCHECK um_rc_t um_slow_ring_next(
    const um_slow_ring_sh_t *sh, uint32_t len, uint64_t *at, um_slow_t *out);

/* How many of the newest `len` there are. */
uint32_t um_slow_ring_count(const um_slow_ring_sh_t *sh, uint32_t len);

/* Forget all there are. */
void um_slow_ring_reset(um_slow_ring_sh_t *sh);

#endif /* UM_SLOW_RING_H */
