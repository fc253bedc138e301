/*
 * coord_facts.h -- the numbers of the coordinator, once for INFO, JSON and
 * Prometheus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef COORD_FACTS_H
#define COORD_FACTS_H

#include "coord.h"

typedef struct {
    const char *name; /* a counter's ends with _total in Prometheus */
    const char *help;
    bool counter;
    uint64_t value;
} coord_fact_t;

#define COORD_FACTS 29

void coord_facts(coord_t *co, coord_fact_t f[COORD_FACTS]);

#endif /* COORD_FACTS_H */
