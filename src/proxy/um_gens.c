/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_gens.h"

#include <string.h>

void
um_gens_init(um_gens_t *g, uint64_t gen)
{
    memset(g, 0, sizeof(*g));
    g->gen[0] = g->latest = gen;
}

/* Forget the places at the old end that nothing is counted in any more. */
static void
gens_trim(um_gens_t *g)
{
    while (g->oldest != g->newest && g->count[g->oldest] == 0) {
        g->oldest = (uint8_t) ((g->oldest + 1) % UM_GENS_MAX);
    }
}

void
um_gens_advance(um_gens_t *g, uint64_t gen)
{
    uint8_t next = (uint8_t) ((g->newest + 1) % UM_GENS_MAX);

    g->latest = gen;
    gens_trim(g);

    if (g->count[g->newest] == 0) {
        g->gen[g->newest] = gen;
        return;
    }

    if (next == g->oldest) {
        return; /* full: share the newest place */
    }

    g->newest = next;
    g->gen[next] = gen;
    g->count[next] = 0;
}

uint64_t
um_gens_done(um_gens_t *g)
{
    gens_trim(g);

    if (g->count[g->oldest] == 0) {
        return g->latest;
    }

    return g->gen[g->oldest];
}
