/*
 * sim_ops.h -- one operation of the simulation, between the files that do it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef SIM_OPS_H
#define SIM_OPS_H

#include "sim.h"

typedef struct {
    sim_t *m;
    const uint64_t *r; /* four random numbers */
    unsigned k;        /* a proxy    */
    unsigned c;        /* a cluster, */
    bool had;          /* which was there */
    bool busy;         /* with tasks or a scaling intent */

    store_t *next;
    store_rc_t rc;
    bool may_change; /* though it failed */
    bool quiet;      /* the new state counts, whatever its serial */
    unsigned goal;   /* parts that shall have all slots */
    sim_task_t task; /* the one that was committed */
    um_str_t heir;   /* lent by `next` */
} sim_op_t;

typedef bool (*sim_do_t)(sim_op_t *op);

/* What a step would rather have to do with; now and then it gets any. */
typedef enum {
    SIM_ANY,
    SIM_CLUSTER, /* one that is there */
    SIM_NO_CLUSTER,
    SIM_BUSY, /* one with tasks or an intent */
    SIM_PROXY,
    SIM_NO_PROXY,
} sim_rather_t;

/* `run` with the state before in m->now; `after`, unless NULL, with the state
 * before in m->was and the new one in m->now, also when it is the same. */
typedef struct {
    unsigned weight;
    sim_rather_t rather;
    sim_do_t run;
    sim_do_t after;
} sim_kind_t;

/* Ends with weight 0. */
extern const sim_kind_t sim_kinds[];

/* sim_slots.c */

/* Chunks without slots. */
unsigned sim_unused(const sim_cluster_t *c);

/* They may have gone: what is planned follows those that stay. */
bool sim_remap(sim_op_t *op);

bool sim_expand(sim_op_t *op);
bool sim_shrink(sim_op_t *op);
bool sim_auto(sim_op_t *op);
bool sim_ready(sim_op_t *op);
bool sim_abandon(sim_op_t *op);
bool sim_commit(sim_op_t *op);
bool sim_limit(sim_op_t *op);
bool sim_start(sim_op_t *op);
bool sim_cancel(sim_op_t *op);
bool sim_undone(sim_op_t *op);
bool sim_planned(sim_op_t *op);
bool sim_committed(sim_op_t *op);
bool sim_started(sim_op_t *op);
bool sim_cancelled(sim_op_t *op);

#define SIM_SLOT_KINDS                                                         \
    { 6, SIM_CLUSTER, sim_expand, sim_planned },                               \
        { 3, SIM_CLUSTER, sim_shrink, sim_planned },                           \
        { 4, SIM_CLUSTER, sim_auto, sim_planned },                             \
        { 6, SIM_BUSY, sim_ready, sim_planned },                               \
        { 1, SIM_BUSY, sim_abandon, NULL },                                    \
        { 14, SIM_BUSY, sim_commit, sim_committed },                           \
        { 3, SIM_ANY, sim_limit, NULL },                                       \
        { 3, SIM_ANY, sim_start, sim_started },                                \
        { 2, SIM_BUSY, sim_cancel, sim_cancelled },                            \
    {                                                                          \
        9, SIM_BUSY, sim_undone, NULL                                          \
    }

/* sim_failures.c */
bool sim_report(sim_op_t *op);
bool sim_unreport(sim_op_t *op);
bool sim_failover(sim_op_t *op);
bool sim_repair(sim_op_t *op);
bool sim_check(sim_op_t *op);
bool sim_unreport_after(sim_op_t *op);
bool sim_failover_after(sim_op_t *op);
bool sim_repair_after(sim_op_t *op);

#define SIM_FAILURE_KINDS                                                      \
    { 3, SIM_PROXY, sim_report, NULL },                                        \
        { 3, SIM_PROXY, sim_unreport, sim_unreport_after },                    \
        { 5, SIM_PROXY, sim_failover, sim_failover_after },                    \
        { 4, SIM_ANY, sim_repair, sim_repair_after },                          \
    {                                                                          \
        1, SIM_ANY, sim_check, NULL                                            \
    }

#endif /* SIM_OPS_H */
