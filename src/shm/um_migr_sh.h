/*
 * um_migr_sh.h -- migrations on the noticeboard: whose the moving ranges are,
 * how far each is, and the questions of other proxies.
 *
 *   board    the mover alone writes; read by workers, and by who shows it
 *   ask[]    a mailbox: a worker puts in what another proxy asks (PRECHECK,
 *            PRESWITCH ...), the mover answers
 *
 * Invariants of the board
 *   (1) half[gen & 1] is complete and is not written while `gen` stays.
 *   (2) `gen` only grows, by one per publication.  `turn` grows when an owner
 *       has changed, or a task has come or gone; half[].turn says of which one
 *       it is.
 *   (3) A mover killed at any instruction leaves (1) and (2) true.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MIGR_SH_H
#define UM_MIGR_SH_H

#include <stdatomic.h>

#include "meta/um_migr.h"

#define UM_MIGR_SH_LAYOUT 1

#define UM_MIGR_TASKS 128 /* of one proxy at once, both sides */
#define UM_MIGR_ASKS  64
#define UM_MIGR_WHY   128

/* Whose commands are executed (docs/migration.md). */
typedef enum {
    UM_MIGR_SRC = 0,
    UM_MIGR_HELD,
    UM_MIGR_DST,
} um_migr_owner_t;

/* How far it is; as docs/migration.md. */
typedef enum {
    UM_MIGR_NEW = 0,
    UM_MIGR_CHECK,
    UM_MIGR_ATTACH,
    UM_MIGR_COPY,
    UM_MIGR_CATCHUP,
    UM_MIGR_FREEZE,
    UM_MIGR_FLIP,
    UM_MIGR_SWEEP,
    UM_MIGR_OVER,
    UM_MIGR_UNDO,
    UM_MIGR_UNDONE,
    UM_MIGR_STAGING, /* destination: from PRECHECK to PRESWITCH */
} um_migr_step_t;

const char *um_migr_step_name(um_migr_step_t s);

/* Times are um_clock_wall_us(), 0: never. */
typedef struct {
    uint64_t key;    /* um_migr_key() of its entry          */
    uint64_t epoch;  /* of the migration                    */
    uint32_t tag;    /* UM_TAG_MIGRATING: we are the source */
    uint32_t owner;  /* um_migr_owner_t                     */
    uint32_t step;   /* um_migr_step_t                      */
    uint32_t legacy; /* by the reference's protocol         */
    uint64_t began_us;
    uint64_t since_us; /* in this step */
    uint64_t attempts; /* to flip */
    uint64_t keys;     /* copied, again ones included */
    uint64_t bytes;
    uint64_t dirty;        /* to be copied again              */
    uint64_t per_mille;    /* of the scan                     */
    uint64_t keys_second;  /* rate of late                    */
    uint64_t held_us;      /* how long clients waited at the flip, all in all */
    uint64_t big;          /* keys that are moved by elements */
    char why[UM_MIGR_WHY]; /* what it waits for, or went wrong; "": nothing */
} um_migr_task_sh_t;

typedef struct {
    uint64_t turn;
    uint64_t topo_gen; /* of the topology whose tasks these are */
    uint32_t count;
    uint32_t pad;
    um_migr_task_sh_t task[UM_MIGR_TASKS];
} um_migr_board_t;

typedef enum {
    UM_MIGR_PRECHECK = 1,
    UM_MIGR_PRESWITCH,
    UM_MIGR_FINALSWITCH, /* of the reference only */
    UM_MIGR_CANCEL,
    UM_MIGR_UNDO_IT, /* UMCTL UNDO: of the coordinator */
} um_migr_verb_t;

/*
 * One question.  `state` says whose it is to write:
 *   FREE -> FILLING (by compare-and-swap) -> ASKED   the worker of `row`
 *   ASKED -> ANSWERED                                the mover
 *   ANSWERED -> FREE                                 the worker of `row`
 * The mover frees those of workers that have died (another incarnation).
 */
typedef enum {
    UM_MIGR_ASK_FREE = 0,
    UM_MIGR_ASK_FILLING,
    UM_MIGR_ASK_ASKED,
    UM_MIGR_ASK_ANSWERED,
} um_migr_ask_state_t;

typedef struct {
    _Atomic uint32_t state;
    uint32_t row;
    uint64_t incarnation;
    uint64_t ticket; /* the worker's own number for it */
    uint32_t verb;   /* um_migr_verb_t */
    uint32_t tag;    /* as it was said: MIGRATING or IMPORTING */
    uint32_t legacy; /* mgr-0.2 */
    uint32_t pad;
    uint64_t key;
    uint64_t epoch;
    uint64_t nonce;
    char answer[160]; /* with its sign, without CRLF: "+OK" */
} um_migr_ask_sh_t;

typedef struct {
    uint32_t layout;
    uint32_t size;
    _Atomic uint64_t gen;
    _Atomic uint64_t turn; /* of the published half */
    um_migr_board_t half[2];
    um_migr_ask_sh_t ask[UM_MIGR_ASKS];
} um_migr_sh_t;

/* Prepare fresh shared memory.  Master only, before the first fork. */
void um_migr_sh_init(um_migr_sh_t *sh);

/* The mover: show `board` to all, `board->turn` included. */
void um_migr_show(um_migr_sh_t *sh, const um_migr_board_t *board);

/* Bring a private copy, taken at `*gen`, up to date.  UM_DECLINED: nothing
 * newer.  UM_AGAIN: overtaken, try next turn; `mine` is garbage until then. */
UM_MUSTCHECK um_rc_t um_migr_refresh(
    const um_migr_sh_t *sh, um_migr_board_t *mine, uint64_t *gen);

/* Whose is the range of `key`, which is tagged `tag`? */
um_migr_owner_t um_migr_owner(
    const um_migr_board_t *b, uint64_t key, uint32_t tag);

/* A worker: put in a question; its state is FILLING and it is ours until
 * um_migr_asked().  NULL: the box is full. */
um_migr_ask_sh_t *um_migr_ask_new(um_migr_sh_t *sh);
void um_migr_asked(um_migr_ask_sh_t *a);

#endif /* UM_MIGR_SH_H */
