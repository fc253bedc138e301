/*
 * lin_sim.h -- histories of a store that is linearizable, or is not.
 *
 * Clients of one group, a store that executes each command at one time between
 * its invocation and its return, answers that get lost, commands that nobody
 * knows of and that are executed late or never.  On request one defect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_SIM_H
#define LIN_SIM_H

#include "lin.h"

typedef enum {
    SIM_SOUND,
    SIM_LOST,      /* a write is acknowledged and forgotten */
    SIM_DOUBLE,    /* a write is executed twice */
    SIM_AGAIN,     /* the same, the second time after its return */
    SIM_LATE,      /* a write is acknowledged, and executed later */
    SIM_RESURRECT, /* a key that was deleted comes back */
    SIM_STALE,     /* a read sees what was before a write that had returned */
    SIM_ELEMENT,   /* one element is lost */
    SIM_TORN,      /* of several keys some are written later */
    SIM_ROLLBACK,  /* all is as it was some writes ago */
    SIM_EARLY,     /* a key expires too early */
    SIM_IMMORTAL,  /* or never */
    SIM_DEFECTS
} lin_defect_t;

extern const char *const lin_defects[SIM_DEFECTS];

typedef struct {
    uint64_t seed;
    char class;
    unsigned clients;
    unsigned ops;
    unsigned unknown; /* of 100 */
    lin_defect_t defect;
} lin_sim_conf_t;

typedef struct {
    lin_hist_t hist;
    bool defect; /* it has happened */
    void *memory;
} lin_sim_t;

void lin_sim(lin_sim_t *sim, const lin_sim_conf_t *conf);
void lin_sim_free(lin_sim_t *sim);

/* As lines of a log; the group is called CLASSnumber.0. */
void lin_sim_print(const lin_sim_t *sim, unsigned number);

#endif /* LIN_SIM_H */
