/*
 * um_ctl_moves.c -- cluster migrations: slots that are on the move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl_moves.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/um_ctl_table.h"
#include "ctl/um_ctl_wait.h"

#define MOVES_RANGES 3

/* ---- Showing ------------------------------------------------------------ */

static void
cell_number(um_ctl_table_t *t, bool known, uint64_t n,
    void (*put)(um_sbuf_t *out, uint64_t n))
{
    um_sbuf_t text = { 0 };

    if (known) {
        put(&text, n);
    }
    um_ctl_cell(t, UM_CTL_PLAIN, um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
}

static void
put_percent(um_sbuf_t *out, uint64_t per_mille)
{
    um_sbuf_addf(out, "%" PRIu64 "%%", per_mille / 10);
}

static void
moves_row(um_ctl_table_t *t, um_pool_t *p, const um_ctl_move_t *m)
{
    const um_ctl_task_t *task = &m->task;
    bool known = m->step != NULL && !m->undoing;
    um_sbuf_t slots = { 0 };

    um_ctl_slots_put(&slots, &task->slots, MOVES_RANGES);
    um_ctl_cell(t, UM_CTL_PLAIN, um_ctl_cstr(&slots));
    um_ctl_cellf(t, UM_CTL_PLAIN, "%u", um_ctl_slots_count(&task->slots));
    um_ctl_cell(t, UM_CTL_PLAIN, task->src_proxy);
    um_ctl_cell(t, UM_CTL_PLAIN, task->src_node);
    um_ctl_cell(t, UM_CTL_PLAIN, task->dst_proxy);
    um_ctl_cell(t, UM_CTL_PLAIN, task->dst_node);
    um_ctl_cell(t, um_ctl_move_holds(m) ? UM_CTL_LOOK : UM_CTL_PLAIN,
        um_ctl_move_state(m));
    cell_number(t, known, um_ctl_move_done(m), put_percent);
    cell_number(t, known, m->keys, um_ctl_put_count);
    cell_number(t, known, m->bytes, um_ctl_put_bytes);
    cell_number(t, known, m->keys_second, um_ctl_put_count);
    um_ctl_cell(t, m->deaf != NULL ? UM_CTL_BAD : UM_CTL_PLAIN,
        m->deaf != NULL ? um_ctl_printf(
            p, "%s does not answer: %s", task->src_proxy, m->deaf)
                        : m->why);
    um_sbuf_deinit(&slots);
}

static void
moves_text(um_ctl_t *c, const um_ctl_moves_t *m, size_t waiting)
{
    um_ctl_table_t *t = um_ctl_table_new(c->pool,
        "SLOTS COUNT> FROM-PROXY FROM-NODE TO-PROXY TO-NODE STATE DONE> KEYS> "
        "BYTES> KEYS/S> WHY");

    for (size_t i = 0; i < m->moves; i++) {
        moves_row(t, c->pool, &m->move[i]);
    }

    if (m->moves > 0) {
        um_ctl_table_put(t, c->colour, &c->out);
    }
    if (waiting > 0) {
        um_ctl_line(c, "%zu more wait for their turn", waiting);
    } else if (m->moves == 0) {
        um_ctl_line(c, "no slots are on the move");
    }
}

/* null where nobody tells. */
static void
json_number(cJSON *one, bool known, const char *name, uint64_t n)
{
    if (known) {
        um_ctl_json_add_u64(one, name, n);
    } else {
        cJSON_AddNullToObject(one, name);
    }
}

static cJSON *
move_json(const um_ctl_move_t *m)
{
    const um_ctl_task_t *task = &m->task;
    bool known = m->step != NULL;
    cJSON *one = cJSON_CreateObject();

    cJSON_AddItemToObject(one, "slots", um_ctl_slots_json(&task->slots));
    um_ctl_json_add_u64(one, "epoch", task->epoch);
    um_ctl_json_add(one, "from_proxy", task->src_proxy);
    um_ctl_json_add(one, "from_node", task->src_node);
    um_ctl_json_add(one, "to_proxy", task->dst_proxy);
    um_ctl_json_add(one, "to_node", task->dst_node);
    um_ctl_json_add(one, "state", m->undoing ? um_ctl_move_state(m) : m->state);
    cJSON_AddBoolToObject(one, "taken_back", m->undoing);
    cJSON_AddBoolToObject(one, "source_undone", m->undone[0]);
    cJSON_AddBoolToObject(one, "destination_undone", m->undone[1]);
    um_ctl_json_add(one, "step", m->step);
    json_number(one, known, "done_per_mille", um_ctl_move_done(m));
    json_number(one, known, "keys", m->keys);
    json_number(one, known, "bytes", m->bytes);
    json_number(one, known, "dirty", m->dirty);
    json_number(one, known, "per_mille", m->per_mille);
    json_number(one, known, "keys_second", m->keys_second);
    json_number(one, known, "held_us", m->held_us);
    json_number(one, known, "attempts", m->attempts);
    json_number(one, known, "big", m->big);
    um_ctl_json_add(one, "why", m->why);
    um_ctl_json_add(one, "unreachable", m->deaf);
    return one;
}

static int
moves_json(um_ctl_t *c, const um_ctl_moves_t *m, size_t waiting)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON *list;

    um_ctl_json_add(doc, "name", m->cluster);
    list = cJSON_AddArrayToObject(doc, "migrations");
    for (size_t i = 0; i < m->moves; i++) {
        cJSON_AddItemToArray(list, move_json(&m->move[i]));
    }
    um_ctl_json_add_u64(doc, "waiting", waiting);
    return um_ctl_json(c, doc);
}

/* Tasks of the cluster that the broker has not let begin. */
static size_t
count_waiting(const um_ctl_store_t *s, const char *name, size_t begun)
{
    for (size_t i = 0; i < s->clusters; i++) {
        if (strcmp(s->cluster[i], name) == 0 && s->tasks[i] > begun) {
            return s->tasks[i] - begun;
        }
    }
    return 0;
}

static int
moves_show(um_ctl_t *c, const char *name)
{
    um_ctl_moves_t m;
    um_ctl_store_t s;
    um_ctl_view_t v;
    size_t waiting;
    int status = um_ctl_load_view(c, c->pool, name, &v);

    if (status == UM_CTL_DONE) {
        status = um_ctl_load_store(c, c->pool, &s);
    }
    if (status != UM_CTL_DONE) {
        return status;
    }
    if (!um_ctl_moves_load(c, &m, &v, c->pool)) {
        return um_ctl_interrupted(c);
    }

    waiting = count_waiting(&s, name, m.moves);
    if (c->opts.json) {
        return moves_json(c, &m, waiting);
    }
    moves_text(c, &m, waiting);
    return UM_CTL_DONE;
}

/* ---- Taking back -------------------------------------------------------- */

static int
moves_cancel(um_ctl_t *c, const char *name)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_DELETE,
        .path = um_ctl_printf(
            c->pool, "/clusters/migrations/%s", um_ctl_escape(c->pool, name)),
    };
    um_ctl_said_t said;
    int status;

    um_ctl_ask(c, &ask, c->pool, &said);
    if (said.status == 405) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "NOT_SUPPORTED",
            "this broker cannot take a migration back: let it finish");
    }

    status = um_ctl_judge(c, &ask, &said);
    if (status == UM_CTL_DONE && c->opts.watch) {
        status = um_ctl_wait_still(c, name);
    }
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, name,
                   c->opts.watch ? "%s: what had not arrived is back"
                                 : "%s: what has not arrived is taken "
                                   "back",
                   name);
}

int
um_ctl_cluster_migrations(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    int status = UM_CTL_DONE;

    if (c->opts.cancel) {
        return moves_cancel(c, name);
    }
    if (c->opts.watch) {
        status = um_ctl_wait_still(c, name);
    }
    return status != UM_CTL_DONE ? status : moves_show(c, name);
}
