/*
 * sim.h -- a random life of the broker's store, and what must hold in it.
 *
 * sim_look.c reads a dump and judges it by itself, sim_views.c judges what
 * proxies are told, sim_ops.c, sim_slots.c and sim_failures.c do things and
 * know what must come of them, sim_step.c what must come of all.  sim_store.c
 * runs seeds and makes failing ones short.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef SIM_H
#define SIM_H

#include <cjson/cJSON.h>

#include "core/um_slot.h"
#include "store.h"

#define SIM_PROXIES  36
#define SIM_CLUSTERS 4
#define SIM_CHUNKS   (SIM_PROXIES / 2)
#define SIM_TASKS    96
#define SIM_RANGES   256
#define SIM_NOBODY   UINT16_MAX

typedef struct {
    store_range_t range[SIM_RANGES];
    size_t ranges;
    uint64_t epoch;
    uint16_t from; /* chunk * 2 + part */
    uint16_t to;
    bool paired; /* both ends say the same */
    bool shown;  /* by the cluster's view  */
} sim_task_t;

typedef struct {
    uint16_t proxy[2];
    uint16_t role; /* 0 normal, 1 first, 2 second */
} sim_chunk_t;

typedef struct {
    bool there;
    uint64_t epoch;
    uint64_t hash; /* of all but the epoch */
    unsigned chunks;
    unsigned tasks;
    sim_chunk_t chunk[SIM_CHUNKS];
    sim_task_t task[SIM_TASKS];
    uint16_t owner[UM_SLOTS]; /* part: its own, or still its own */
} sim_cluster_t;

typedef struct {
    bool there;
    bool failed;
    unsigned reports; /* that are not expired */
    uint16_t cluster; /* SIM_NOBODY */
    uint16_t chunk;
    uint16_t side;
} sim_proxy_t;

/* What a dump says. */
typedef struct {
    uint64_t epoch;
    sim_proxy_t proxy[SIM_PROXIES];
    sim_cluster_t cluster[SIM_CLUSTERS];
} sim_look_t;

/* What the store must come to, kept beside it. */
typedef struct {
    uint16_t owner[UM_SLOTS];
    unsigned goal; /* parts that share all slots when all tasks are done */
    bool cancelling;
    bool filled;           /* the step has started all the limit allows */
    bool shown[SIM_TASKS]; /* tasks of the state before, by its view    */
} sim_plan_t;

typedef struct {
    uint64_t seed;
    size_t step;
    store_t *s;
    store_env_t e;
    unsigned hosts;
    unsigned proxies;
    bool announce; /* proxies speak our migration protocol */
    uint64_t protocol[SIM_PROXIES];

    um_sbuf_t text; /* the dump of s */
    sim_look_t *now;
    sim_look_t *was;
    sim_plan_t plan[SIM_CLUSTERS];

    store_key_t key[SIM_PROXIES]; /* of the view last seen, */
    uint64_t view[SIM_PROXIES];   /* and its hash           */

    bool trace;
    char did[160];
    char why[400];
} sim_t;

/* --- names ---------------------------------------------------------------- */

/* Of the k-th proxy: lent until the next 8 calls. */
um_str_t sim_address(const sim_t *m, unsigned k);
um_str_t sim_node(const sim_t *m, unsigned k, unsigned i);
um_str_t sim_host(const sim_t *m, unsigned k);
um_str_t sim_name(unsigned c);

/* Which one is this?  SIM_NOBODY: none of ours. */
uint16_t sim_proxy_of(const sim_t *m, const char *address);
uint16_t sim_cluster_of(const char *name);

/* What is wrong, for the one who reads it; always false. */
bool sim_fail(sim_t *m, const char *fmt, ...) UM_PRINTF(2, 3);

uint64_t sim_hash(const char *data, size_t len);

/* --- judging -------------------------------------------------------------- */

/* Read m->text into m->now, which is thereby sound in itself. */
bool sim_look(sim_t *m);

/* A spare for sure; perhaps one (a report nobody must believe). */
bool sim_spare(const sim_look_t *l, unsigned k);
bool sim_maybe_spare(const sim_look_t *l, unsigned k);

/* Is the master of a part on that side?  Which node of the chunk is it? */
unsigned sim_master(unsigned role, unsigned part);
bool sim_has_master(const sim_chunk_t *ch, unsigned side);

/* A scaling intent and what it waits for; that, or tasks. */
bool sim_scaling(const sim_t *m, unsigned c, uint64_t *epoch);
bool sim_busy(const sim_t *m, unsigned c);

/* Everything that is shown to proxies. */
bool sim_views(sim_t *m);

/* Ranges of a JSON list of pairs; false: that is none. */
bool sim_ranges(const cJSON *list, store_range_t *r, size_t *n);

/* --- doing ---------------------------------------------------------------- */

/* One thing, of four random numbers; false: something is wrong. */
bool sim_act(sim_t *m, const uint64_t r[4]);

#endif /* SIM_H */
