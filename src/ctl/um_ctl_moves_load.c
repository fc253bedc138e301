/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/um_str.h"
#include "ctl/um_ctl_moves.h"
#include "redis/um_reply.h"

um_ctl_move_t *
um_ctl_moves_find(const um_ctl_moves_t *m, const um_ctl_task_t *t)
{
    for (size_t i = 0; i < m->moves; i++) {
        if (um_ctl_move_same(&m->move[i].task, t)) {
            return &m->move[i];
        }
    }
    return NULL;
}

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

static void
take_undoing(um_ctl_moves_t *m, const cJSON *item)
{
    const char *name = um_ctl_json_text(item, "cluster_name");
    um_ctl_task_t t;
    um_ctl_move_t *at;

    if (name == NULL || strcmp(name, m->cluster) != 0
        || !parse_undoing(&t, item, m->pool) || t.slots.n == 0)
    {
        return;
    }

    at = um_ctl_moves_find(m, &t);
    if (at == NULL) {
        at = &m->move[m->moves++];
        at->task = t;
    }
    at->undoing = true;
    at->undone[0] = um_ctl_json_true(item, "source_undone");
    at->undone[1] = um_ctl_json_true(item, "destination_undone");
    m->undoing++;
}

static void
load_undoing(um_ctl_t *c, um_ctl_moves_t *m, const um_ctl_view_t *v)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_GET,
        .path = "/clusters/migrations/cancelling",
    };
    const cJSON *list;
    const cJSON *item;
    um_ctl_said_t said;

    um_ctl_ask(c, &ask, m->pool, &said);
    list = said.status == 200 ? um_ctl_json_list(said.json, "tasks") : NULL;
    m->move = um_ctl_array(m->pool,
        v->tasks + (size_t) cJSON_GetArraySize(list) + 1, sizeof(*m->move));
    for (size_t i = 0; i < v->tasks; i++) {
        m->move[m->moves++].task = v->task[i];
    }

    cJSON_ArrayForEach(item, list)
    {
        take_undoing(m, item);
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
take_line(um_ctl_moves_t *m, const char *proxy, um_str_t line)
{
    for (size_t i = 0; i < m->moves; i++) {
        um_ctl_move_t *at = &m->move[i];
        um_sbuf_t begin = { 0 };

        put_begin(&begin, &at->task);
        (void) um_ctl_cstr(&begin);
        if (strcmp(at->task.src_proxy, proxy) == 0 && line.len > begin.len
            && memcmp(line.data, begin.data, begin.len) == 0)
        {
            um_ctl_move_parse(at,
                (um_str_t){ line.data + begin.len, line.len - begin.len },
                m->pool);
        }
        um_sbuf_deinit(&begin);
    }
}

static void
take_deaf(um_ctl_moves_t *m, const char *proxy, const char *why)
{
    for (size_t i = 0; i < m->moves; i++) {
        if (strcmp(m->move[i].task.src_proxy, proxy) == 0) {
            m->move[i].deaf = why;
        }
    }
}

/* UMCTL INFO: "Migration" stands before the array of them. */
static const char *
on_info(void *data, size_t i, const um_talk_answer_t *a)
{
    um_ctl_moves_t *m = data;
    const char *why = um_ctl_poll_why(m->pool, a);
    const redisReply *lines = NULL;
    const redisReply *line;

    if (why != NULL) {
        take_deaf(m, m->proxy[i], why);
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
ask_sources(um_ctl_t *c, um_ctl_moves_t *m)
{
    m->proxy = um_ctl_array(m->pool, m->moves, sizeof(*m->proxy));
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

bool
um_ctl_moves_load(
    um_ctl_t *c, um_ctl_moves_t *m, const um_ctl_view_t *v, um_pool_t *p)
{
    *m = (um_ctl_moves_t){ .pool = p, .cluster = v->name };
    load_undoing(c, m, v);
    return ask_sources(c, m) && !c->interrupted;
}
