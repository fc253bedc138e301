/*
 * um_ctl_moves.c -- cluster migrations: slots that are on the move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <string.h>

#include "core/um_str.h"
#include "ctl/um_ctl_load.h"
#include "ctl/um_ctl_table.h"
#include "ctl/um_ctl_wait.h"
#include "redis/um_reply.h"

#define MOVES_RANGES 3

/* A task and how far it is. */
typedef struct {
    um_ctl_task_t task;
    const char *state; /* NULL: nobody tells */
} move_t;

typedef struct {
    um_pool_t *pool;
    move_t *move;
    size_t moves;
    const char **proxy; /* that are asked */
    size_t proxies;
} moves_t;

/* ---- What is taken back ------------------------------------------------- */

/* One of GET clusters/migrations/cancelling. */
static bool
parse_undoing(um_ctl_task_t *t, const cJSON *item, um_pool_t *p)
{
    const cJSON *range = um_ctl_json_object(item, "slot_range");
    const cJSON *meta = um_ctl_json_object(
        cJSON_GetObjectItemCaseSensitive(range, "tag"), "Migrating");

    return um_ctl_slots_parse(&t->slots, range, p)
           && um_ctl_task_parse(t, meta);
}

static bool
same_task(const um_ctl_task_t *a, const um_ctl_task_t *b)
{
    return a->epoch == b->epoch && strcmp(a->src_node, b->src_node) == 0
           && strcmp(a->dst_node, b->dst_node) == 0
           && um_ctl_slots_count(&a->slots) == um_ctl_slots_count(&b->slots)
           && a->slots.range[0].from == b->slots.range[0].from;
}

static move_t *
move_find(moves_t *m, const um_ctl_task_t *t)
{
    for (size_t i = 0; i < m->moves; i++) {
        if (same_task(&m->move[i].task, t)) {
            return &m->move[i];
        }
    }
    return NULL;
}

/* A broker of the reference knows of none. */
static void
load_undoing(um_ctl_t *c, moves_t *m, const char *cluster)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_GET,
        .path = "/clusters/migrations/cancelling",
    };
    const cJSON *list;
    const cJSON *item;
    um_ctl_said_t said;
    move_t *all;

    um_ctl_ask(c, &ask, c->pool, &said);
    list = said.status == 200 ? um_ctl_json_list(said.json, "tasks") : NULL;
    all = um_ctl_array(c->pool,
        m->moves + (size_t) cJSON_GetArraySize(list) + 1, sizeof(*all));
    for (size_t i = 0; i < m->moves; i++) {
        all[i] = m->move[i];
    }
    m->move = all;

    cJSON_ArrayForEach(item, list)
    {
        const char *name = um_ctl_json_text(item, "cluster_name");
        um_ctl_task_t t;
        move_t *at;

        if (name == NULL || strcmp(name, cluster) != 0
            || !parse_undoing(&t, item, c->pool) || t.slots.n == 0)
        {
            continue;
        }
        at = move_find(m, &t);
        if (at == NULL) {
            at = &m->move[m->moves++];
            at->task = t;
        }
        at->state = "is taken back";
    }
}

/* ---- What proxies say --------------------------------------------------- */

/* "1 0-8191 <src node> -> <dst node> ", as UMCTL INFO begins a line. */
static void
put_begin(um_sbuf_t *out, const um_ctl_task_t *t)
{
    um_sbuf_addf(out, "%zu ", t->slots.n);
    for (size_t i = 0; i < t->slots.n; i++) {
        um_sbuf_addf(
            out, "%u-%u ", t->slots.range[i].from, t->slots.range[i].to);
    }
    um_sbuf_addf(out, "%s -> %s ", t->src_node, t->dst_node);
}

/* A line of a proxy: whose is it? */
static void
take_line(moves_t *m, const char *proxy, um_str_t line)
{
    for (size_t i = 0; i < m->moves; i++) {
        move_t *at = &m->move[i];
        um_sbuf_t begin = { 0 };

        put_begin(&begin, &at->task);
        (void) um_ctl_cstr(&begin);
        if (at->state == NULL && strcmp(at->task.src_proxy, proxy) == 0
            && line.len > begin.len
            && memcmp(line.data, begin.data, begin.len) == 0)
        {
            at->state = um_ctl_strdup(m->pool,
                (um_str_t){ line.data + begin.len, line.len - begin.len });
        }
        um_sbuf_deinit(&begin);
    }
}

/* UMCTL INFO: "Migration" stands before the array of them. */
static const char *
on_info(void *data, size_t i, const um_talk_answer_t *a)
{
    moves_t *m = data;
    const redisReply *lines = NULL;
    const redisReply *line;

    if (a->end != UM_TALK_ANSWERED) {
        return NULL;
    }
    for (size_t k = 0; um_reply_at(a->reply, k) != NULL; k++) {
        if (um_str_eq(
                um_reply_text(um_reply_at(a->reply, k)), um_lit("Migration"))) {
            lines = um_reply_at(a->reply, k + 1);
        }
    }
    for (size_t k = 0; lines != NULL && (line = um_reply_at(lines, k)); k++) {
        take_line(m, m->proxy[i], um_reply_text(line));
    }
    return NULL;
}

/* Each source is asked once. */
static bool
ask_sources(um_ctl_t *c, moves_t *m)
{
    m->proxy = um_ctl_array(c->pool, m->moves, sizeof(*m->proxy));
    for (size_t i = 0; i < m->moves; i++) {
        bool known = false;

        for (size_t k = 0; k < m->proxies; k++) {
            known =
                known || strcmp(m->proxy[k], m->move[i].task.src_proxy) == 0;
        }
        if (!known) {
            m->proxy[m->proxies++] = m->move[i].task.src_proxy;
        }
    }
    return um_ctl_poll(c, m->proxy, m->proxies, "UMCTL INFO", on_info, m);
}

/* ---- Showing ------------------------------------------------------------ */

static void
moves_text(um_ctl_t *c, const moves_t *m, size_t waiting)
{
    um_ctl_table_t *t = um_ctl_table_new(
        c->pool, "SLOTS COUNT> FROM-PROXY FROM-NODE TO-PROXY TO-NODE STATE");

    for (size_t i = 0; i < m->moves; i++) {
        const um_ctl_task_t *task = &m->move[i].task;
        um_sbuf_t slots = { 0 };

        um_ctl_slots_put(&slots, &task->slots, MOVES_RANGES);
        um_ctl_cell(t, UM_CTL_PLAIN, um_ctl_cstr(&slots));
        um_ctl_cellf(t, UM_CTL_PLAIN, "%u", um_ctl_slots_count(&task->slots));
        um_ctl_cell(t, UM_CTL_PLAIN, task->src_proxy);
        um_ctl_cell(t, UM_CTL_PLAIN, task->src_node);
        um_ctl_cell(t, UM_CTL_PLAIN, task->dst_proxy);
        um_ctl_cell(t, UM_CTL_PLAIN, task->dst_node);
        um_ctl_cell(t, UM_CTL_PLAIN, m->move[i].state);
        um_sbuf_deinit(&slots);
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

static int
moves_json(um_ctl_t *c, const char *name, const moves_t *m, size_t waiting)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON *list;

    um_ctl_json_add(doc, "name", name);
    list = cJSON_AddArrayToObject(doc, "migrations");
    for (size_t i = 0; i < m->moves; i++) {
        const um_ctl_task_t *task = &m->move[i].task;
        cJSON *one = cJSON_CreateObject();

        cJSON_AddItemToObject(one, "slots", um_ctl_slots_json(&task->slots));
        um_ctl_json_add_u64(one, "epoch", task->epoch);
        um_ctl_json_add(one, "from_proxy", task->src_proxy);
        um_ctl_json_add(one, "from_node", task->src_node);
        um_ctl_json_add(one, "to_proxy", task->dst_proxy);
        um_ctl_json_add(one, "to_node", task->dst_node);
        um_ctl_json_add(one, "state", m->move[i].state);
        cJSON_AddItemToArray(list, one);
    }
    um_ctl_json_add_u64(doc, "waiting", waiting);
    return um_ctl_json(c, doc);
}

/* Tasks of the cluster that the broker has not let begin. */
static size_t
count_waiting(const um_ctl_store_t *s, const um_ctl_view_t *v, const char *name)
{
    for (size_t i = 0; i < s->clusters; i++) {
        if (strcmp(s->cluster[i], name) == 0 && s->tasks[i] > v->tasks) {
            return s->tasks[i] - v->tasks;
        }
    }
    return 0;
}

static int
moves_show(um_ctl_t *c, const char *name)
{
    moves_t m = { .pool = c->pool };
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

    m.move = um_ctl_array(c->pool, v.tasks, sizeof(*m.move));
    for (size_t i = 0; i < v.tasks; i++) {
        m.move[m.moves++].task = v.task[i];
    }
    load_undoing(c, &m, name);
    if (!ask_sources(c, &m)) {
        return um_ctl_interrupted(c);
    }

    waiting = count_waiting(&s, &v, name);
    waiting = waiting > m.moves - v.tasks ? waiting - (m.moves - v.tasks) : 0;
    if (c->opts.json) {
        return moves_json(c, name, &m, waiting);
    }
    moves_text(c, &m, waiting);
    return UM_CTL_DONE;
}

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
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(
                   c, name, "%s: what has not arrived is taken back", name);
}

int
um_ctl_cluster_migrations(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];

    return c->opts.cancel ? moves_cancel(c, name) : moves_show(c, name);
}
