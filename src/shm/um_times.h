/*
 * um_times.h -- what commands cost and how fast nodes answer, one row per
 * worker, numbered as in um_workers.h.
 *
 *   `command`          who makes the segment, once
 *   a row              its worker, alone; it goes on where the one before it
 *                      in that row has stopped, so nothing here ever falls
 *   the row behind all what the sums were at CONFIG RESETSTAT, for INFO and
 *                      LATENCY; Prometheus does not look at it
 *   readers            anyone, at any time, through um_times_*() below
 *
 * Crash rule: none is needed; a worker killed half-way leaves a call without
 * its time.  A node's place that is being renamed is skipped by readers.
 *
 * A command's time is from its words to the end of its reply, without the
 * wait for earlier ones of its client and without time it was blocked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TIMES_H
#define UM_TIMES_H

#include "core/um_str.h"
#include "shm/um_hist.h"

#define UM_TIMES_COMMANDS 512 /* subcommands too */
#define UM_TIMES_NODES    64  /* and one behind them for all others */
#define UM_TIMES_ERRORS   64  /* the same */

#define UM_TIMES_COMMAND_NAME 40
#define UM_TIMES_NODE_NAME    272
#define UM_TIMES_ERROR_NAME   32

#define UM_TIMES_LAYOUT 2

typedef struct {
    _Atomic uint64_t calls;
    _Atomic uint64_t usec;
    _Atomic uint64_t failed;   /* of the calls: answered with an error */
    _Atomic uint64_t rejected; /* beside the calls: refused unseen     */
} um_times_call_sh_t;

/* Latency of a local Redis or a peer, by address: from the bytes put on a
 * shared connection to the end of the reply. */
typedef struct {
    _Atomic uint32_t seq;  /* odd: the name is being changed */
    _Atomic uint32_t used; /* 0: free */
    char name[UM_TIMES_NODE_NAME];
    _Atomic uint64_t usec;
    um_hist_sh_t hist;
} um_times_node_sh_t;

typedef struct {
    _Atomic uint64_t count; /* 0: free; the name is there before the count */
    char name[UM_TIMES_ERROR_NAME];
} um_times_error_sh_t;

typedef struct {
    um_times_call_sh_t call[UM_TIMES_COMMANDS];
    um_hist_sh_t hist[UM_TIMES_COMMANDS];
    um_times_error_sh_t error[UM_TIMES_ERRORS + 1];
    um_times_node_sh_t node[UM_TIMES_NODES + 1];
} um_times_row_sh_t;

/* What commands do to data, for who knows no command table. */
typedef enum { UM_TIMES_OTHER, UM_TIMES_READ, UM_TIMES_WRITE } um_times_kind_t;

typedef struct {
    uint32_t layout;
    uint32_t size;
    uint32_t rows;     /* as many as workers have, without the one behind all */
    uint32_t commands; /* that have a name */
    char command[UM_TIMES_COMMANDS][UM_TIMES_COMMAND_NAME]; /* "config|get" */
    uint8_t kind[UM_TIMES_COMMANDS]; /* um_times_kind_t */
    um_times_row_sh_t row[];
} um_times_sh_t;

size_t um_times_size(uint32_t rows);
void um_times_init(um_times_sh_t *sh, uint32_t rows);

/* Name command `i`.  Before the first fork. */
void um_times_name(
    um_times_sh_t *sh, uint32_t i, const char *name, um_times_kind_t kind);

/* ---- readers ---------------------------------------------------------- */

/* All rows, or, with UM_TIMES_RECENT, what came since CONFIG RESETSTAT. */
typedef enum { UM_TIMES_EVER, UM_TIMES_RECENT } um_times_since_t;

typedef struct {
    uint64_t calls, usec, failed, rejected;
} um_times_call_t;

/* Of command `i`.  All zero: it has never come. */
um_times_call_t um_times_call(
    const um_times_sh_t *sh, uint32_t i, um_times_since_t since);

/* Likewise.  Pages are touched only for commands that have been called: ask
 * um_times_call() first. */
void um_times_hist(const um_times_sh_t *sh, uint32_t i, um_times_since_t since,
    um_hist_t *out);

/*
 * Nodes and errors of all rows together.  Each different name once; the last
 * is "other" where places did not suffice.  How many of them there are, at
 * most `max`.
 */
typedef struct {
    char name[UM_TIMES_NODE_NAME];
    uint64_t usec;
    um_hist_t hist;
} um_times_node_t;

typedef struct {
    char name[UM_TIMES_ERROR_NAME]; /* "WRONGTYPE" */
    uint64_t count;
} um_times_error_t;

uint32_t um_times_nodes(
    const um_times_sh_t *sh, um_times_node_t *out, uint32_t max);
uint32_t um_times_errors(const um_times_sh_t *sh, um_times_since_t since,
    um_times_error_t *out, uint32_t max);

/* CONFIG RESETSTAT: UM_TIMES_RECENT counts from now.  Any worker may. */
void um_times_forget(um_times_sh_t *sh);

/* ---- the worker of a row ---------------------------------------------- */

static inline um_times_row_sh_t *
um_times_row(um_times_sh_t *sh, uint32_t row)
{
    return &sh->row[row];
}

/* `n` calls of command `i` have been answered after `us` each. */
static inline void
um_times_add_calls(um_times_row_sh_t *row, uint32_t i, uint32_t us, uint64_t n)
{
    um_times_call_sh_t *call = &row->call[i];

    um_hist_count(&call->calls, n);
    um_hist_count(&call->usec, us * n);
    um_hist_add(&row->hist[i], us, n);
}

static inline void
um_times_add_replies(um_times_node_sh_t *node, uint32_t us, uint64_t n)
{
    um_hist_count(&node->usec, us * n);
    um_hist_add(&node->hist, us, n);
}

/* An error reply that begins with `word`. */
void um_times_add_error(um_times_row_sh_t *row, um_str_t word);

/*
 * The place of a node; the one of all others when none is free.  It stays the
 * caller's until um_times_node_leave(): afterwards, when places are short, it
 * may be given another name and what it counted goes to the others'.
 */
um_times_node_sh_t *um_times_node_enter(
    um_times_row_sh_t *row, const char *name);
void um_times_node_leave(um_times_row_sh_t *row, um_times_node_sh_t *node);

/* The worker begins: nobody holds any place yet. */
void um_times_row_begin(um_times_row_sh_t *row);

#endif /* UM_TIMES_H */
