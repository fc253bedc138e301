/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_repl_text.h"

#include <inttypes.h>
#include <string.h>

#include "resp/um_put.h"

#define US_PER_MS UINT64_C(1000)

/* ---- The reference's words ---------------------------------------------- */

/* Bulks that a node has in INFOREPL; each ends in LF. */
static void
put_node(const um_repl_node_t *n, um_sbuf_t *out)
{
    bool master = n->role == UM_REPL_MASTER;

    um_put_bulkf(out, "cluster:%s\n", n->cluster);
    um_put_bulkf(out, "role:%s\n", master ? "master" : "replica");
    um_put_bulkf(out, "node_address:%s\n", n->node);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        um_put_bulkf(out, "%s:%s@%s\n", master ? "replica" : "master",
            n->peer[i].node, n->peer[i].proxy);
    }
}

static const um_repl_found_t *
found_of(const um_repl_board_t *b, const um_repl_node_t *n)
{
    for (uint32_t i = 0; b != NULL && i < b->count; i++) {
        if (strcmp(b->node[i].node, n->node) == 0) {
            return &b->node[i];
        }
    }

    return NULL;
}

/* How many bulks put_found() puts. */
static size_t
found_bulks(const um_lease_told_t *lease)
{
    return lease->lease_ms != 0 ? 7 : 6;
}

static void
put_found(
    const um_repl_found_t *f, const um_lease_told_t *lease, um_sbuf_t *out)
{
    um_put_bulkf(
        out, "state:%s\n", um_repl_state_name((um_repl_state_t) f->state));
    um_put_bulkf(out, "why:%s\n", f->why);
    um_put_bulkf(out, "link:%s\n", f->link_up ? "up" : "down");
    um_put_bulkf(out, "offset:%" PRIu64 "\n", f->offset);
    um_put_bulkf(out, "lag:%" PRIu64 "\n", f->lag);
    um_put_bulkf(out, "lost:%" PRIu64 "\n", f->lost);
    if (lease->lease_ms != 0) {
        um_put_bulkf(out, "lease_left_ms:%" PRIu64 "\n", lease->left_ms);
    }
}

static void
put_role(const um_repl_t *r, const um_repl_board_t *b,
    const um_lease_told_t *lease, um_repl_role_t role, um_sbuf_t *out)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const um_repl_node_t *n = &r->node[i];
        const um_repl_found_t *f = found_of(b, n);

        if (n->role == (uint32_t) role) {
            um_put_array(
                out, 3 + n->peer_count + (f != NULL ? found_bulks(lease) : 0));
            put_node(n, out);
            if (f != NULL) {
                put_found(f, lease, out);
            }
        }
    }
}

void
um_repl_text_both(const um_repl_t *r, const um_repl_board_t *b,
    const um_lease_told_t *lease, um_sbuf_t *out)
{
    um_put_array(out, r->count);
    put_role(r, b, lease, UM_REPL_MASTER, out);
    put_role(r, b, lease, UM_REPL_REPLICA, out);
}

void
um_repl_text_wanted(const um_repl_t *r, um_sbuf_t *out)
{
    um_repl_text_both(r, NULL, &(um_lease_told_t){ 0 }, out);
}

bool
um_repl_is_all_replicas(const um_repl_t *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->node[i].role == UM_REPL_MASTER) {
            return false;
        }
    }

    return r->count > 0;
}

/* ---- Ours --------------------------------------------------------------- */

const char *
um_repl_fault(const um_repl_found_t *f, uint64_t timeout_ms, uint64_t now_us)
{
    if (f->role != UM_REPL_MASTER || f->cluster[0] == '\0') {
        return NULL;
    }

    switch ((um_repl_state_t) f->state) {
    case UM_REPL_DOWN:
        return "down";

    case UM_REPL_SILENT:
        return now_us > f->heard_us
                       && now_us - f->heard_us >= timeout_ms * US_PER_MS
                   ? "hung"
                   : NULL;

    case UM_REPL_DOUBTED:
        return "lost";

    case UM_REPL_FENCED:
        return "fenced";

    case UM_REPL_SYNCING:
        return f->why[0] != '\0' ? "unsynced" : NULL;

    default:
        return NULL;
    }
}

/* Is it what it should be? */
static bool
found_is_well(const um_repl_found_t *f)
{
    return f->state
           == (f->role == UM_REPL_MASTER ? UM_REPL_SERVING : UM_REPL_IN_SYNC);
}

static void
health_node(
    const um_repl_found_t *f, uint32_t i, const char *fault, um_sbuf_t *out)
{
    um_sbuf_addf(out,
        "node%u:addr=%s,role=%s,state=%s,fault=%s,confirmed=%u,link=%u,"
        "offset=%" PRIu64 ",lag=%" PRIu64 ",lost=%" PRIu64 "\r\n",
        i, f->node, f->role == UM_REPL_MASTER ? "master" : "replica",
        um_repl_state_name((um_repl_state_t) f->state),
        fault != NULL ? fault : "none", f->confirmed, f->link_up, f->offset,
        f->lag, f->lost);
}

/* The first fault of all nodes, and whether all of them are well.  Nothing is
 * known to be wrong, or to be well, of wishes that the mover has not told of.
 */
static const char *
board_fault(const um_repl_t *r, const um_repl_board_t *b, uint64_t timeout_ms,
    uint64_t now_us, bool *well)
{
    const char *worst = NULL;

    if (b == NULL) {
        *well = false;
        return "none";
    }

    *well = b->count == r->count;
    for (uint32_t i = 0; i < b->count; i++) {
        const char *fault = um_repl_fault(&b->node[i], timeout_ms, now_us);

        worst = worst != NULL ? worst : fault;
        *well = *well && found_is_well(&b->node[i]);
    }

    return worst != NULL ? worst : "none";
}

void
um_repl_text_beat(const um_topo_t *t, const um_repl_t *r,
    const um_repl_board_t *b, uint64_t timeout_ms, uint64_t now_us,
    um_sbuf_t *out)
{
    bool well;
    const char *fault = board_fault(r, b, timeout_ms, now_us, &well);

    um_sbuf_addf(out, "%" PRIu64 " %" PRIu64 " %s %u 0", t->epoch, r->epoch,
        fault, well);
}

void
um_repl_text_health(const um_topo_t *t, const um_repl_t *r,
    const um_repl_board_t *b, const um_lease_told_t *lease, uint64_t timeout_ms,
    uint64_t now_us, um_sbuf_t *out)
{
    bool well;
    const char *fault = board_fault(r, b, timeout_ms, now_us, &well);

    um_sbuf_addf(out, "epoch:%" PRIu64 "\r\nrepl_epoch:%" PRIu64 "\r\n",
        t->epoch, r->epoch);
    um_sbuf_addf(out, "cluster:%s\r\nfault:%s\r\nin_sync:%u\r\n", t->cluster,
        fault, well);
    if (lease->lease_ms != 0) {
        um_sbuf_addf(out, "lease_left_ms:%" PRIu64 "\r\n", lease->left_ms);
    }
    um_sbuf_addf(out, "nodes:%u\r\n", b != NULL ? b->count : 0);
    for (uint32_t i = 0; b != NULL && i < b->count; i++) {
        health_node(&b->node[i], i,
            um_repl_fault(&b->node[i], timeout_ms, now_us), out);
    }
}

static void
info_count(um_sbuf_t *out, const char *name, const _Atomic uint64_t *n)
{
    um_sbuf_addf(out, "%s:%" PRIu64 "\r\n", name,
        atomic_load_explicit(n, memory_order_relaxed));
}

void
um_repl_text_info(const um_repl_board_t *b, const um_repl_counts_t *counts,
    const um_lease_told_t *lease, um_sbuf_t *out)
{
    info_count(out, "repl_promotions", &counts->promotions);
    info_count(out, "repl_fences", &counts->fences);
    info_count(out, "repl_fences_failed", &counts->fences_failed);
    info_count(out, "repl_demotions", &counts->demotions);
    info_count(out, "repl_doubts", &counts->doubts);
    info_count(out, "repl_bytes_lost", &counts->bytes_lost);
    if (lease->lease_ms != 0) {
        um_sbuf_addf(out,
            "repl_lease_ms:%" PRIu64 "\r\nrepl_lease_left_ms:%" PRIu64 "\r\n",
            lease->lease_ms, lease->left_ms);
        info_count(out, "repl_leases_ended", &counts->leases_ended);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        const um_repl_found_t *f = &b->node[i];

        um_sbuf_addf(out,
            "node%u:addr=%s,role=%s,state=%s,link=%s,replicas=%u,"
            "offset=%" PRIu64 ",lag=%" PRIu64 ",lost=%" PRIu64 "\r\n",
            i, f->node, f->role == UM_REPL_MASTER ? "master" : "replica",
            um_repl_state_name((um_repl_state_t) f->state),
            f->link_up ? "up" : "down", f->replicas, f->offset, f->lag,
            f->lost);
    }
}
