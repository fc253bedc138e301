/*
 * um_block_priv.h -- between um_block.c and um_block_off.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BLOCK_PRIV_H
#define UM_BLOCK_PRIV_H

#include "proxy/um_block.h"
#include "resp/um_cmd_block.h"

typedef enum {
    UM_BLOCK_HELD, /* must not be sent yet: of w->blocks_held */
    UM_BLOCK_QUEUED,
    UM_BLOCK_PRELUDE,
    UM_BLOCK_BLOCKED,
    UM_BLOCK_OVER,
} um_block_state_t;

typedef enum {
    UM_BLOCK_NOT_OFF,
    UM_BLOCK_OFF_SLOT,  /* its slot has left: to be issued again */
    UM_BLOCK_OFF_LEFT,  /* its client has left                   */
    UM_BLOCK_OFF_ASKED, /* CLIENT UNBLOCK: the answer is for the client */
} um_block_off_t;

struct um_blocking_s {
    um_list_t link;       /* of w->blocks, or called off: w->blocks_off */
    um_list_t queue_link; /* QUEUED: of node->queue */
    um_worker_t *w;
    um_req_t *r; /* NULL: gone, and only an answer of CLIENT UNBLOCK or a
                    prelude still names this */
    um_node_t *node;
    um_backend_t *b; /* PRELUDE, BLOCKED */
    um_verdict_t verdict;
    uint32_t refs;  /* callbacks on their way, and `r` */
    uint32_t asked; /* CLIENT UNBLOCKs on their way    */
    uint8_t state;  /* um_block_state_t */
    uint8_t off;    /* um_block_off_t   */
    uint8_t proto;
    bool is_wait;   /* WAIT, WAITAOF */
    bool has_time;  /* `time` says something */
    bool off_error; /* OFF_ASKED: by an error */

    um_block_time_t time;
    uint64_t until_ns; /* UINT64_MAX: for ever */
    uint64_t held_ns;  /* HELD: since; 0: never was */
    uint64_t gen;      /* of the topology `verdict` is by */
    uint64_t off_ns;   /* called off since */
    uint64_t again_ns; /* to be called off once more at; 0: no */

    um_sbuf_t words; /* as bulks, without the array's header */
    uint32_t argc;
    size_t time_off; /* where in them the timeout's bulk is */
    size_t time_len;
};

/* Drop one reference. */
void um_block_unref(um_blocking_t *k);

/* Route it anew, after its slot has left. */
void um_block_again(um_blocking_t *k);

/* The shared connection that other commands of its client take, and over
 * which it may be called off; NULL: out of memory. */
um_backend_t *um_block_shared(const um_blocking_t *k);

/* Take it out of its node's queue. */
void um_block_dequeue(um_blocking_t *k);

/* It was held: can it be sent now? */
void um_block_retry(um_blocking_t *k);

/* Have Redis answer what waits there. */
void um_block_call_off(um_blocking_t *k, um_block_off_t why);

#endif /* UM_BLOCK_PRIV_H */
