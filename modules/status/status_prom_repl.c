/* SPDX-License-Identifier: Apache-2.0 */

#include "status_prom_repl.h"

#define load(p) atomic_load_explicit((p), memory_order_relaxed)

static void
put_counters(prom_t *p, const um_repl_counts_t *c)
{
    const struct {
        const char *name;
        const _Atomic uint64_t *count;
        const char *help;
    } counters[] = {
        { "replication_promotions_total", &c->promotions,
            "Replicas of this proxy that were made masters." },
        { "replication_fences_total", &c->fences,
            "Old masters that were told to take no more writes." },
        { "replication_fences_failed_total", &c->fences_failed,
            "Old masters that did not answer that, or refused." },
        { "replication_demotions_total", &c->demotions,
            "Old masters that were told to follow." },
        { "replication_doubts_total", &c->doubts,
            "Times that a node turned out to have less than its replica or "
            "master." },
        { "replication_lost_bytes_total", &c->bytes_lost,
            "Bytes of the stream that promotions did without." },
        { "replication_leases_ended_total", &c->leases_ended,
            "Times that no coordinator had vouched for this proxy for as long "
            "as its lease." },
    };

    for (size_t i = 0; i < um_countof(counters); i++) {
        prom_family(p, counters[i].name, PROM_COUNTER, counters[i].help);
        prom_value(p, load(counters[i].count));
    }
}

static void
put_states(prom_t *p, const um_repl_board_t *b)
{
    prom_family(p, "replication_node_state", PROM_GAUGE,
        "Always 1; the labels tell what a node is to be, and how it is.");
    for (uint32_t i = 0; i < b->count; i++) {
        const um_repl_found_t *f = &b->node[i];

        prom_label(p, "node", f->node);
        prom_label(p, "role", f->role == UM_REPL_MASTER ? "master" : "replica");
        prom_label(p, "state", um_repl_state_name((um_repl_state_t) f->state));
        prom_value(p, 1);
    }
}

static void
put_nodes(prom_t *p, const um_repl_board_t *b)
{
    static const struct {
        const char *name;
        const char *help;
    } fields[] = {
        { "replication_node_lag_bytes",
            "How far a replica is behind its master." },
        { "replication_node_offset_bytes",
            "Where a node is in the stream of replication." },
        { "replication_node_replicas", "How many follow a master." },
    };

    for (size_t k = 0; k < um_countof(fields); k++) {
        prom_family(p, fields[k].name, PROM_GAUGE, fields[k].help);
        for (uint32_t i = 0; i < b->count; i++) {
            const um_repl_found_t *f = &b->node[i];
            const uint64_t value[] = { f->lag, f->offset, f->replicas };

            prom_label(p, "node", f->node);
            prom_value(p, value[k]);
        }
    }
}

void
status_prom_repl(prom_t *p, const status_view_t *v)
{
    static um_repl_board_t board; /* too large for a stack */
    const um_repl_sh_t *sh = v->shm.repl;
    uint64_t gen = 0;

    prom_family(p, "replication_epoch", PROM_GAUGE, "Epoch of SETREPL.");
    prom_value(p, load(&sh->epoch));
    put_counters(p, &sh->counts);

    /* Nothing was shown yet, or it changes faster than it can be read. */
    if (um_repl_refresh_found(sh, &board, &gen) != UM_OK) {
        board.count = 0;
    }
    put_states(p, &board);
    put_nodes(p, &board);
}
