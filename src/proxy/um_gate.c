/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_dispatch.h"

#define MSEC 1000000ull

/* A gap: so long nobody turned. */
#define GAP_NS (1000 * MSEC)

/* What a node has been sent before may be answered for as long after it was
 * closed for good: a new master waits longer for one that does not answer. */
#define LAST_ANSWERS_NS (250 * MSEC)

struct um_gate_s {
    um_repl_t *wanted, *spare_wanted; /* replaced as a whole */
    um_repl_board_t *found, *spare_found;
    uint64_t wanted_gen;
    uint64_t found_gen;
    uint64_t turn_ns;  /* um_clock_boot_ns() of our latest turn      */
    uint64_t blind_ns; /* the mover must have looked after that; 0   */
    bool lease_out;    /* as of turn_ns                              */
    uint32_t closed;   /* local nodes of the topology                */
};

static um_gate_verdict_t
gate_closed(const char *why, bool for_good)
{
    return (um_gate_verdict_t){ .why = why, .for_good = for_good };
}

/* By what it is to be, and how it was found. */
static um_gate_verdict_t
gate_rule_of_role(const um_repl_node_t *wanted, const um_repl_found_t *found,
    const char *run_id, uint64_t blind_ns)
{
    if (wanted->role != UM_REPL_MASTER) {
        return gate_closed("is a replica", true);
    }

    if (wanted->cluster[0] == '\0') {
        return gate_closed("is in no cluster", true);
    }

    if (found == NULL || !found->confirmed) {
        return gate_closed("is not confirmed as a master yet",
            found != NULL && found->state == UM_REPL_FENCED);
    }

    if (found->looked_ns < blind_ns) {
        return gate_closed(
            "was not looked at since this proxy stood still", false);
    }

    if (run_id[0] != '\0'
        && memcmp(run_id, found->served_id, sizeof(found->served_id)) != 0)
    {
        return gate_closed(
            "has been restarted and is not confirmed again yet", false);
    }

    return gate_closed(NULL, false);
}

um_gate_verdict_t
um_gate_rule(const um_repl_node_t *wanted, const um_repl_found_t *found,
    const char *run_id, uint64_t blind_ns, bool lease_out)
{
    um_gate_verdict_t v;

    if (wanted == NULL) {
        return gate_closed(NULL, false);
    }

    v = gate_rule_of_role(wanted, found, run_id, blind_ns);
    if (!lease_out) {
        return v;
    }

    /* Whatever else: another may be its master, and not wait for us. */
    if (!v.for_good) {
        v.why = "is closed: no coordinator vouches for this proxy (lease)";
    }
    v.for_good = v.at_once = true;
    return v;
}

uint64_t
um_gate_blind(
    uint64_t blind_ns, uint64_t now_ns, uint64_t turn_ns, uint64_t awake_ns)
{
    bool slept = turn_ns != 0 && now_ns > turn_ns + GAP_NS;

    return slept || now_ns > awake_ns + GAP_NS ? now_ns : blind_ns;
}

static const um_repl_found_t *
gate_find(const um_repl_board_t *b, const char *node)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (strcmp(b->node[i].node, node) == 0) {
            return &b->node[i];
        }
    }

    return NULL;
}

um_gate_t *
um_gate_new(um_worker_t *w UM_UNUSED)
{
    um_gate_t *g = calloc(1, sizeof(*g));

    if (g != NULL) {
        g->wanted = calloc(1, sizeof(*g->wanted));
        g->spare_wanted = calloc(1, sizeof(*g->wanted));
        g->found = calloc(1, sizeof(*g->found));
        g->spare_found = calloc(1, sizeof(*g->found));
    }
    if (g == NULL || g->wanted == NULL || g->spare_wanted == NULL
        || g->found == NULL || g->spare_found == NULL)
    {
        um_log_error(ENOMEM, "replication");
        um_gate_free(g);
        return NULL;
    }

    return g;
}

void
um_gate_free(um_gate_t *g)
{
    if (g != NULL) {
        free(g->wanted);
        free(g->spare_wanted);
        free(g->found);
        free(g->spare_found);
        free(g);
    }
}

const um_repl_t *
um_gate_wanted(const um_gate_t *g)
{
    return g->wanted;
}

const um_repl_board_t *
um_gate_found(const um_gate_t *g)
{
    return g->found;
}

const um_repl_board_t *
um_gate_current(const um_worker_t *w)
{
    const um_gate_t *g = w->gate;
    uint64_t awake =
        atomic_load_explicit(&w->shm->repl->awake_ns, memory_order_acquire);

    return g->found->of_gen == g->wanted_gen
                   && um_clock_boot_ns() < awake + GAP_NS
               ? g->found
               : NULL;
}

/* Clients that wait for a node are routed anew. */
static void
gate_wake(um_node_t *n)
{
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        if (n->conn[i] != NULL) {
            um_backend_wake(n->conn[i]);
        }
    }
}

static um_gate_verdict_t
gate_judge(const um_gate_t *g, const um_node_t *n)
{
    if (n->is_peer) {
        return gate_closed(NULL, false);
    }

    return um_gate_rule(um_repl_find(g->wanted, um_str_of(n->addr.text)),
        gate_find(g->found, n->addr.text), n->run_id, g->blind_ns,
        g->lease_out);
}

/* How many of those that are in use are closed. */
static void
gate_count(um_worker_t *w)
{
    w->gate->closed = 0;
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        w->gate->closed +=
            w->node_at[i] != NULL && w->node_at[i]->closed != NULL;
    }
}

void
um_gate_node(um_node_t *n)
{
    um_gate_verdict_t v = gate_judge(n->w->gate, n);
    const char *closed = v.why, *was = n->closed;

    if (closed == was && v.for_good == n->closed_for_good
        && v.at_once == n->closed_at_once)
    {
        return;
    }

    if (was == NULL || (v.for_good && !n->closed_for_good)) {
        n->closed_ns = um_worker_now(n->w);
        n->closed_long = n->closed_done = false;
    }
    n->closed = closed;
    n->closed_for_good = v.for_good;
    n->closed_at_once = v.at_once;
    if (closed == NULL || was == NULL) {
        um_log_info(0, "backend %s: %s", n->addr.text,
            closed == NULL ? "may be sent to" : closed);
    }
    gate_count(n->w);
    gate_wake(n);
}

/* Those of the topology, and those that have just left it: they may owe
 * answers.  Nodes that nobody has used yet are judged when they are made. */
static void
gate_judge_all(um_worker_t *w)
{
    um_nodes_each_local(w->nodes, um_gate_node);
}

/* Slots may be elsewhere now.  To whom they have just come clients have not
 * waited for yet. */
static void
gate_apply_node(um_node_t *n)
{
    if (n->closed != NULL && n->in_view && !n->was_in_view) {
        n->closed_ns = um_worker_now(n->w);
        n->closed_long = false;
    }
    n->was_in_view = n->in_view;
    if (n->closed != NULL) {
        gate_wake(n);
    }
}

void
um_gate_apply(um_worker_t *w)
{
    gate_judge_all(w);
    gate_count(w);
    um_nodes_each_local(w->nodes, gate_apply_node);
}

/* Copies of what the noticeboard has; false: there is nothing newer, or it
 * changes right now, and the next turn sees what it is. */
static bool
gate_copy_wanted(um_gate_t *g, const um_repl_sh_t *sh)
{
    um_repl_t *old = g->wanted;
    uint64_t gen = g->wanted_gen;

    if (um_repl_refresh(sh, g->spare_wanted, &gen) != UM_OK) {
        return false;
    }

    g->wanted = g->spare_wanted;
    g->spare_wanted = old;
    g->wanted_gen = gen;
    return true;
}

static bool
gate_copy_found(um_gate_t *g, const um_repl_sh_t *sh)
{
    um_repl_board_t *old = g->found;
    uint64_t gen = g->found_gen;

    if (um_repl_refresh_found(sh, g->spare_found, &gen) != UM_OK) {
        return false;
    }

    g->found = g->spare_found;
    g->spare_found = old;
    g->found_gen = gen;
    return true;
}

/* Another may be the master by now: who hung and wakes does not tell clients
 * that their writes are done. */
static void
gate_give_up(um_node_t *n)
{
    const char *why = n->closed_at_once ? n->closed : "is no master any more";

    n->closed_done = true;
    um_list_each_safe(l, um_nodes_busy(n->w->nodes))
    {
        um_backend_t *b = um_list_entry(l, um_backend_t, busy_link);

        /* Who blocks is set free by its Redis when that becomes a replica. */
        if (b->kind == UM_BACKEND_PRIVATE && b->node == n
            && b->fifo.head != NULL && !(b->fifo.head->hooks & UM_HOOK_BLOCKED))
        {
            um_backend_fail(b, 0, why);
        }
    }
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        um_backend_t *b = n->conn[i];

        if (b != NULL && b->state == UM_BACKEND_READY && b->fifo.head != NULL) {
            um_backend_fail(b, 0, why);
        }
    }
}

/* What a node has not answered when the lease ends. */
static void
gate_expire(um_node_t *n)
{
    if (n->closed_at_once && !n->closed_done) {
        gate_give_up(n);
    }
}

/* Has this worker, or the mover, stood still?  Has the lease run out, or been
 * renewed? */
static bool
gate_look_at_clock(um_gate_t *g, const um_repl_sh_t *sh, uint64_t lease_ms)
{
    uint64_t awake = atomic_load_explicit(&sh->awake_ns, memory_order_acquire);
    uint64_t vouched =
        atomic_load_explicit(&sh->vouched_ns, memory_order_acquire);
    uint64_t now = um_clock_boot_ns(), was_blind = g->blind_ns;
    bool was_out = g->lease_out;

    g->blind_ns = um_gate_blind(was_blind, now, g->turn_ns, awake);
    g->lease_out = um_lease_is_out(vouched, lease_ms, now);
    g->turn_ns = now;
    return g->blind_ns != was_blind || g->lease_out != was_out;
}

void
um_gate_check(um_worker_t *w)
{
    um_gate_t *g = w->gate;
    const um_repl_sh_t *sh = w->shm->repl;
    bool news;

    if (um_likely(atomic_load_explicit(&sh->gen, memory_order_relaxed) == 0)) {
        return;
    }

    news = gate_look_at_clock(g, sh, w->conf->lease);
    news |= gate_copy_wanted(g, sh);
    news |= gate_copy_found(g, sh);
    if (um_unlikely(news)) {
        gate_judge_all(w);
        um_nodes_each_local(w->nodes, gate_expire);
    }
}

static uint64_t
gate_vouched(const um_worker_t *w)
{
    return atomic_load_explicit(
        &w->shm->repl->vouched_ns, memory_order_acquire);
}

bool
um_gate_is_late(um_backend_t *b)
{
    um_worker_t *w = b->w;
    um_node_t *n = b->node;
    uint32_t opened = b->opened;

    if (n->is_peer || w->gate->wanted_gen == 0) {
        return false;
    }

    if (!n->closed_at_once) {
        if (um_likely(!um_lease_is_out(
                gate_vouched(w), w->conf->lease, um_clock_boot_ns())))
        {
            return false;
        }
        um_gate_check(w);
        if (b->opened != opened) {
            return true;
        }
    }

    /* Words of our own, such as greetings; or one of a client that blocks,
     * which was left in peace until now. */
    if (!n->closed_at_once || b->fifo.head == NULL
        || b->fifo.head->kind == UM_REQ_INTERNAL)
    {
        return false;
    }

    um_backend_fail(b, 0, n->closed);
    return true;
}

um_lease_told_t
um_gate_lease(const um_worker_t *w)
{
    return (um_lease_told_t){
        .lease_ms = w->conf->lease,
        .left_ms = um_lease_left_ms(
            gate_vouched(w), w->conf->lease, um_clock_boot_ns()),
    };
}

bool
um_gate_may_wait(const um_node_t *n)
{
    return um_worker_now(n->w) - n->closed_ns
           < n->w->conf->backend_timeout * MSEC;
}

static void
gate_tick_node(um_node_t *n)
{
    uint64_t age = um_worker_now(n->w) - n->closed_ns;

    if (n->closed == NULL) {
        return;
    }

    if (n->closed_for_good && !n->closed_done
        && (n->closed_at_once || age >= LAST_ANSWERS_NS))
    {
        gate_give_up(n);
    }
    if (!n->closed_long && !um_gate_may_wait(n)) {
        n->closed_long = true;
        gate_wake(n);
    }
}

void
um_gate_tick(um_worker_t *w)
{
    if (um_likely(w->gate->wanted_gen == 0)) {
        return;
    }

    um_nodes_each_local(w->nodes, gate_tick_node);
}

bool
um_gate_any_closed(const um_worker_t *w)
{
    return w->gate->closed > 0;
}

uint32_t
um_gate_any_open(const um_worker_t *w)
{
    for (uint32_t i = 0; w->gate->closed > 0 && i < w->topo->local_count; i++) {
        if (w->node_at[i] == NULL || w->node_at[i]->closed == NULL) {
            return i;
        }
    }

    return 0;
}

bool
um_gate_answer(um_req_t *r, const um_node_t *n, um_str_t reply)
{
    static const char readonly[] = "-READONLY ";
    um_worker_t *w = r->w;
    um_verdict_t v;

    if (n->closed == NULL || r->kind != UM_REQ_CLIENT || r->hops > 0
        || !(r->cmd->flags & UM_CMD_WRITE) || reply.len < sizeof(readonly)
        || memcmp(reply.data, readonly, sizeof(readonly) - 1) != 0)
    {
        return false;
    }

    v = um_dispatch_route(w, r->slot, 0);
    if (v.go == UM_GO_MOVED) {
        um_dispatch_refuse(r, v, r->slot);
    } else if (v.go == UM_GO_LOCAL && !w->conf->active_redirection) {
        um_stat_add(w->row, UM_STAT_COMMANDS_MOVED, 1);
        um_req_error(r, "MOVED %u %s", r->slot, w->conf->announce.text);
    } else {
        um_req_error(r, "TRYAGAIN another node takes over this slot");
    }
    return true;
}
