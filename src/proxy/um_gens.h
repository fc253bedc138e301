/*
 * um_gens.h -- which topology generations still have unanswered requests.
 *
 * Counts requests by the generation they were routed by, in a small ring, so
 * that a worker can say "nothing routed before generation g is unanswered"
 * (gen_done on the noticeboard).  Costs one addition per request.
 *
 * When the ring is full, a new generation shares the newest place: gen_done
 * then lags, which is safe, until older requests are answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_GENS_H
#define UM_GENS_H

#include "core/um_base.h"

#define UM_GENS_MAX 32

typedef struct um_gens_s um_gens_t;

struct um_gens_s {
    uint64_t gen[UM_GENS_MAX]; /* oldest generation counted in the place */
    uint32_t count[UM_GENS_MAX];
    uint8_t oldest;
    uint8_t newest;  /* the place of requests routed now */
    uint64_t latest; /* newest generation we route by */
};

void um_gens_init(um_gens_t *g, uint64_t gen);

/* From now on requests are routed by `gen`. */
void um_gens_advance(um_gens_t *g, uint64_t gen);

/* Nothing routed by a generation below the result is unanswered. */
uint64_t um_gens_done(um_gens_t *g);

/* Count a request in; keep the result with it for um_gens_out(). */
static inline uint8_t
um_gens_in(um_gens_t *g)
{
    g->count[g->newest]++;
    return g->newest;
}

static inline void
um_gens_out(um_gens_t *g, uint8_t place)
{
    g->count[place]--;
}

#endif /* UM_GENS_H */
