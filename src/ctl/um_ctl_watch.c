/*
 * um_ctl_watch.c -- waiting for slots that are on the move, and telling how far
 * they are: how many, how fast, how long yet, and of each task what it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_crc64.h"
#include "core/um_str.h"
#include "ctl/um_ctl_moves.h"
#include "ctl/um_ctl_wait.h"

#define NS_PER_S UINT64_C(1000000000)

/* Tasks told of in a line each. */
#define WATCH_LINES 8

/* How long it takes is told once that much has been seen of it. */
#define WATCH_SEEN 3 /* s */

enum { PHASE_NODES = 1, PHASE_MOVES, PHASE_UNDO };

/* What was said last of a task; those that are done are not told of any more,
 * but belong to the sum. */
typedef struct {
    uint64_t task;
    uint64_t keys;
    uint64_t bytes;
} tally_t;

typedef struct {
    uint64_t nodes; /* 0: all that count is that nothing moves */
    uint64_t most;  /* slots that were to move */
    tally_t *tally;
    size_t tallies;
    size_t room;
    uint64_t began_ns; /* when it was so far: */
    uint64_t began;
} watch_t;

/* ---- Sums --------------------------------------------------------------- */

static uint64_t
task_id(const um_ctl_task_t *t, um_pool_t *p)
{
    return um_crc64(um_str_of(um_ctl_printf(p, "%" PRIu64 " %s %s %u", t->epoch,
        t->src_node, t->dst_node, t->slots.range[0].from)));
}

static tally_t *
tally_of(watch_t *at, um_ctl_t *c, uint64_t task)
{
    for (size_t i = 0; i < at->tallies; i++) {
        if (at->tally[i].task == task) {
            return &at->tally[i];
        }
    }

    if (at->tallies == at->room) {
        size_t room = at->room > 0 ? 2 * at->room : 64;
        tally_t *more = um_ctl_array(c->pool, room, sizeof(*more));

        for (size_t i = 0; i < at->tallies; i++) {
            more[i] = at->tally[i];
        }
        at->tally = more;
        at->room = room;
    }
    at->tally[at->tallies].task = task;
    return &at->tally[at->tallies++];
}

typedef struct {
    uint64_t left; /* slots */
    uint64_t done; /* thousandths of a slot, of all that were to move */
    uint64_t keys; /* of all tasks there have been */
    uint64_t bytes;
    uint64_t rate; /* keys a second, now */
    bool detailed; /* somebody tells of keys */
} sum_t;

static sum_t
watch_sum(watch_t *at, um_ctl_wait_t *w, const um_ctl_moves_t *m, uint64_t left)
{
    sum_t sum = { .left = left };

    at->most = um_max(at->most, left);
    sum.done = (at->most - left) * 1000;
    for (size_t i = 0; i < m->moves; i++) {
        const um_ctl_move_t *move = &m->move[i];

        if (move->task.slots.n > 0 && move->step != NULL) {
            tally_t *tally = tally_of(at, w->c, task_id(&move->task, w->p));

            tally->keys = move->keys;
            tally->bytes = move->bytes;
            sum.rate += move->keys_second;
            sum.done +=
                um_ctl_move_done(move) * um_ctl_slots_count(&move->task.slots);
        }
    }
    for (size_t i = 0; i < at->tallies; i++) {
        sum.keys += at->tally[i].keys;
        sum.bytes += at->tally[i].bytes;
    }
    sum.detailed = at->tallies > 0;
    sum.done = um_min(sum.done, at->most * 1000);
    return sum;
}

/* ---- Words -------------------------------------------------------------- */

/* From how fast it has been since it was first looked at. */
static void
put_rest(um_sbuf_t *out, watch_t *at, const sum_t *sum)
{
    uint64_t now = um_clock_ns();
    uint64_t seen, done;

    if (at->began_ns == 0 || sum->done < at->began) {
        at->began_ns = now;
        at->began = sum->done;
    }

    seen = now - at->began_ns;
    done = sum->done - at->began;
    if (done == 0 || seen < WATCH_SEEN * NS_PER_S) {
        return;
    }
    um_sbuf_addz(out, ", about ");
    um_ctl_put_seconds(
        out, (uint64_t) ((double) (at->most * 1000 - sum->done) / (double) done
                         * (double) seen / (double) NS_PER_S)
                 + 1);
    um_sbuf_addz(out, " yet");
}

static void
watch_say(watch_t *at, um_ctl_wait_t *w, const sum_t *sum)
{
    um_sbuf_t *out = &w->now;
    uint64_t per_mille = at->most > 0 ? sum->done / at->most : 0;

    um_sbuf_addf(out, "%" PRIu64 " of %" PRIu64 " slots are to move yet ",
        sum->left, at->most);
    um_ctl_put_bar(out, per_mille);
    um_sbuf_addf(out, " %" PRIu64 " %%", per_mille / 10);
    if (sum->detailed) {
        um_sbuf_addz(out, ", ");
        um_ctl_put_copied(out, sum->keys, sum->bytes, sum->rate);
    }
    put_rest(out, at, sum);
}

static void
watch_lines(um_ctl_wait_t *w, const um_ctl_moves_t *m)
{
    for (size_t i = 0; i < m->moves && i < WATCH_LINES; i++) {
        um_sbuf_addz(&w->more, "  ");
        um_ctl_put_move(&w->more, &m->move[i]);
        um_sbuf_addz(&w->more, "\n");
    }
    if (m->moves > WATCH_LINES) {
        um_sbuf_addf(&w->more, "  and %zu more\n", m->moves - WATCH_LINES);
    }
}

/* ---- Looking ------------------------------------------------------------ */

/* Slots that tasks have which have begun. */
static uint64_t
moving_slots(const um_ctl_moves_t *m)
{
    uint64_t n = 0;

    for (size_t i = 0; i < m->moves; i++) {
        n += um_ctl_slots_count(&m->move[i].task.slots);
    }
    return n;
}

static void
watch_moves(watch_t *at, um_ctl_wait_t *w, const um_ctl_info_t *info)
{
    um_ctl_moves_t m;
    um_ctl_view_t v;
    sum_t sum;

    if (!um_ctl_wait_view(w, &v) || !um_ctl_moves_load(w->c, &m, &v, w->p)) {
        return;
    }

    sum = watch_sum(at, w, &m,
        at->nodes > 0 ? um_ctl_view_left(&v, at->nodes) : moving_slots(&m));
    w->progress = um_crc64(um_str_of(
        um_ctl_printf(w->p, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
            sum.left, sum.done, sum.keys, info->cancelling)));
    if (info->cancelling > 0) {
        w->phase = PHASE_UNDO;
        um_sbuf_addf(
            &w->now, "what is on the move is taken back: %zu to go", m.undoing);
    } else {
        w->phase = PHASE_MOVES;
        watch_say(at, w, &sum);
    }
    watch_lines(w, &m);
}

/* True: the slots do not move yet. */
static bool
watch_nodes(um_ctl_wait_t *w, const um_ctl_info_t *info)
{
    if (info->scaling > 0) {
        w->phase = PHASE_NODES;
        um_sbuf_addz(&w->now, "the proxies are told of the new nodes");
    }
    return info->scaling > 0;
}

static int
look_scaled(um_ctl_wait_t *w, void *data)
{
    watch_t *at = data;
    um_ctl_info_t info;

    if (!um_ctl_wait_info(w, &info)) {
        return UM_CTL_LATE;
    }
    if (info.scaling_error != NULL) {
        return um_ctl_fail(w->c, UM_CTL_REFUSED, "SCALING_FAILED",
            "%s: scaling was given up: %s", w->cluster, info.scaling_error);
    }
    if (!info.migrating && info.with_slots == at->nodes) {
        return UM_CTL_DONE;
    }
    if (!info.migrating) {
        return um_ctl_fail(w->c, UM_CTL_REFUSED, "NOT_SCALED",
            "%s: %" PRIu64 " nodes have slots and nothing moves any more: it "
            "was taken back, or somebody else scales it",
            w->cluster, info.with_slots);
    }
    if (!watch_nodes(w, &info)) {
        watch_moves(at, w, &info);
    }
    return UM_CTL_LATE;
}

static int
look_still(um_ctl_wait_t *w, void *data)
{
    watch_t *at = data;
    um_ctl_info_t info;

    if (!um_ctl_wait_info(w, &info)) {
        return UM_CTL_LATE;
    }
    if (!info.migrating) {
        return UM_CTL_DONE;
    }
    if (!watch_nodes(w, &info)) {
        watch_moves(at, w, &info);
    }
    return UM_CTL_LATE;
}

int
um_ctl_wait_scaled(um_ctl_t *c, const char *cluster, uint64_t nodes)
{
    watch_t at = { .nodes = nodes };
    um_ctl_wait_t w = {
        .c = c,
        .cluster = cluster,
        .stalls = true,
        .interrupted = um_ctl_printf(c->pool,
            "interrupted: %s goes on.  \"undermoonctl cluster migrations %s\" "
            "shows how far it is; with --cancel it is taken back",
            cluster, cluster),
    };

    return um_ctl_wait(&w, look_scaled, &at);
}

int
um_ctl_wait_still(um_ctl_t *c, const char *cluster)
{
    watch_t at = { 0 };
    um_ctl_wait_t w = {
        .c = c,
        .cluster = cluster,
        .stalls = true,
        .for_ever = true,
        .interrupted = um_ctl_printf(c->pool,
            "interrupted: %s goes on; with --cancel it is taken back", cluster),
    };

    return um_ctl_wait(&w, look_still, &at);
}
