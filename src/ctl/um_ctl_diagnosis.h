/*
 * um_ctl_diagnosis.h -- from facts to findings: what is wrong, and what to do.
 *
 * Pure: whoever collects the facts is um_ctl_doctor.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_DIAGNOSIS_H
#define UM_CTL_DIAGNOSIS_H

#include "ctl/um_ctl_moves.h"

/* Clocks may differ by so many seconds. */
#define UM_CTL_SKEW_MAX 10

/* A replica may be so many bytes behind its master. */
#define UM_CTL_LAG_MAX (UINT64_C(16) * 1024 * 1024)

typedef enum {
    UM_CTL_HEALTH_UNTOLD = 0, /* a broker of the reference tells nothing */
    UM_CTL_HEALTH_WELL,
    UM_CTL_HEALTH_ILL,
} um_ctl_broker_health_t;

typedef struct {
    const char *address;
    const char *why; /* NULL: it has answered */
    bool has_epoch;
    uint64_t epoch;
    um_ctl_broker_health_t health;
    const char *storage; /* "file", "memory"; NULL: not told */
    uint64_t save_failures;
    bool has_skew;
    int64_t skew;
} um_ctl_broker_fact_t;

typedef struct {
    um_ctl_view_t view;
    um_ctl_info_t info;
} um_ctl_cluster_fact_t;

/* A task of a migration that did not get on while it was looked at. */
typedef struct {
    const char *cluster;
    um_ctl_move_t move;
} um_ctl_still_t;

typedef struct {
    um_ctl_broker_fact_t broker[UM_CTL_BROKERS];
    size_t brokers;

    /* What the first broker that answers says; NULL: all of it is known. */
    const char *unknown;
    um_ctl_store_t store;
    um_ctl_cluster_fact_t *cluster; /* as in store.cluster */
    size_t clusters;
    um_ctl_probe_t *probe; /* as in store.proxy */

    bool hosts_known;
    const char **host; /* that could not be lost */
    size_t hosts;

    um_ctl_still_t *still;
    size_t stills;
    uint64_t stall; /* ms for which they were looked at */

    const char *coordinator; /* NULL: nobody wants to know */
    const char *coordinator_why;
} um_ctl_facts_t;

typedef enum {
    UM_CTL_NOTE,
    UM_CTL_WARNING,
    UM_CTL_ERROR,
} um_ctl_level_t;

typedef struct {
    um_ctl_level_t level;
    const char *code;    /* short and stable, for programs */
    const char *subject; /* "proxy 10.0.0.1:5299" */
    const char *text;
    const char *advice; /* NULL: none */
} um_ctl_finding_t;

typedef struct {
    um_pool_t *pool;
    um_ctl_finding_t *finding;
    size_t n;
    size_t room;
} um_ctl_findings_t;

void um_ctl_diagnose(const um_ctl_facts_t *f, um_ctl_findings_t *out);

/* A proxy does not know the newest metadata yet: it may in a moment. */
bool um_ctl_is_settling(const um_ctl_facts_t *f);

/* The exit status: 0 well, 1 warnings, 2 errors. */
int um_ctl_findings_status(const um_ctl_findings_t *all);

void um_ctl_findings_put(
    const um_ctl_findings_t *all, bool colour, um_sbuf_t *out);
cJSON *um_ctl_findings_json(
    const um_ctl_findings_t *all, const um_ctl_facts_t *f);

/* For um_ctl_diagnosis*.c: a new one, whose texts are in the pool. */
void um_ctl_find(um_ctl_findings_t *all, um_ctl_level_t level, const char *code,
    const char *subject, const char *advice, const char *fmt, ...)
    UM_PRINTF(6, 7);

/* The epoch that a proxy should know; a spare may know an earlier one. */
uint64_t um_ctl_epoch_due(const um_ctl_facts_t *f, const um_ctl_proxy_t *p);

/* The parts of um_ctl_diagnose() that look at proxies and their nodes, and at
 * slots that are on the move. */
void um_ctl_diagnose_proxies(const um_ctl_facts_t *f, um_ctl_findings_t *out);
void um_ctl_diagnose_moves(const um_ctl_facts_t *f, um_ctl_findings_t *out);

#endif /* UM_CTL_DIAGNOSIS_H */
