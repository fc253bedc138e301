/*
 * store_load_slots.c -- ranges and tasks out of a dump.
 *
 * A dump has each task twice, at both ends; the store has it once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_load_priv.h"

#include <stdlib.h>

/* Mark the slots of a range; false when one was marked. */
static bool
mark_range(uint8_t *seen, const store_range_t *r)
{
    uint16_t lo = um_min(r->start, r->end);
    uint16_t hi = um_max(r->start, r->end);

    for (uint32_t slot = lo; seen != NULL && slot <= hi; slot++) {
        if (seen[slot]) {
            return false;
        }
        seen[slot] = 1;
    }
    return true;
}

static bool
load_range(load_t *l, const cJSON *v, store_range_t *r)
{
    uint64_t start;
    uint64_t end;

    if (!load_array(l, v, 2)
        || !load_number(l, v->child, 0, UM_SLOTS - 1, &start)
        || !load_number(l, v->child->next, 0, UM_SLOTS - 1, &end))
    {
        return false;
    }
    *r = (store_range_t){ (uint16_t) start, (uint16_t) end };
    return true;
}

static bool
load_range_list(load_t *l, const cJSON *list, uint8_t *seen, store_range_t *r)
{
    const cJSON *v;
    size_t i = 0;

    cJSON_ArrayForEach(v, list)
    {
        size_t at = load_item(l, i);

        if (!load_range(l, v, &r[i])) {
            return false;
        }
        if (!mark_range(seen, &r[i])) {
            return load_fail(l, "has slots that are elsewhere too");
        }
        load_up(l, at);
        i++;
    }
    return true;
}

bool
load_ranges(load_t *l, const cJSON *v, uint8_t *seen, store_ranges_t **out)
{
    size_t mark;
    const cJSON *list;
    store_range_t *r;
    size_t n;
    bool ok;

    if (!load_object(l, v)) {
        return false;
    }
    list = load_member(l, v, "range_list", &mark);
    if (list == NULL || !load_array(l, list, SIZE_MAX)) {
        return false;
    }

    n = (size_t) cJSON_GetArraySize(list);
    if (n > UM_SLOTS) {
        return load_fail(l, "has too many elements");
    }
    r = malloc((n + 1) * sizeof(*r));
    if (r == NULL) {
        return load_nomem(l);
    }
    ok = load_range_list(l, list, seen, r);
    if (ok) {
        *out = store_ranges_new(r, n);
        ok = *out != NULL || load_nomem(l);
    }
    free(r);
    if (ok) {
        load_up(l, mark);
    }
    return ok;
}

/* One end of a task as it stands there, its ranges too. */
static bool
load_task(load_t *l, const cJSON *v, const store_cluster_t *c, store_task_t *t,
    bool *source)
{
    static const char *const names[2][2] = {
        { "src_chunk_index", "src_chunk_part" },
        { "dst_chunk_index", "dst_chunk_part" },
    };
    size_t mark;
    const cJSON *meta;
    uint64_t chunk;
    uint64_t part;

    if (!load_object(l, v) || !load_bool_of(l, v, "is_migrating", source)) {
        return false;
    }
    meta = load_member(l, v, "meta", &mark);
    if (meta == NULL || !load_object(l, meta)
        || !load_number_of(l, meta, "epoch", 0, c->epoch, &t->epoch))
    {
        return false;
    }
    for (unsigned end = 0; end < 2; end++) {
        if (!load_number_of(l, meta, names[end][0], 0, c->chunks - 1, &chunk)
            || !load_number_of(l, meta, names[end][1], 0, 1, &part))
        {
            return false;
        }
        t->chunk[end] = (uint32_t) chunk;
        t->part[end] = (uint8_t) part;
    }
    load_up(l, mark);
    return true;
}

/* A walk over all tasks of all parts, for one kind of end. */
typedef struct {
    store_cluster_t *c;
    uint8_t *seen;
    uint32_t paired;
    bool sources;
} walk_t;

static bool
walk_source(load_t *l, walk_t *w, const cJSON *v, const store_task_t *t)
{
    store_cluster_t *c = w->c;
    store_task_t *more = realloc(c->task, (c->tasks + 1) * sizeof(*more));
    store_task_t *to;

    if (more == NULL) {
        return load_nomem(l);
    }
    c->task = more;
    to = &c->task[c->tasks];
    *to = *t;
    if (!load_ranges(l, v, w->seen, &to->ranges)) {
        return false;
    }
    c->tasks++;
    return to->ranges->n > 0 || load_fail(l, "has no slots");
}

static bool
task_same(const store_task_t *a, const store_task_t *b)
{
    return a->epoch == b->epoch && a->chunk[0] == b->chunk[0]
           && a->chunk[1] == b->chunk[1] && a->part[0] == b->part[0]
           && a->part[1] == b->part[1]
           && store_ranges_same(a->ranges, b->ranges->r, b->ranges->n);
}

/* undone[1] marks those that have found their other end, for the walk. */
static bool
walk_destination(load_t *l, walk_t *w, const cJSON *v, store_task_t *t)
{
    bool found = false;

    if (!load_ranges(l, v, NULL, &t->ranges)) {
        return false;
    }
    for (uint32_t i = 0; i < w->c->tasks && !found; i++) {
        store_task_t *src = &w->c->task[i];

        if (!src->undone[1] && task_same(src, t)) {
            src->undone[1] = found = true;
            w->paired++;
        }
    }
    store_ranges_put(t->ranges);
    return found || load_fail(l, "has no source");
}

static bool
walk_part(load_t *l, walk_t *w, const cJSON *list, uint32_t chunk, uint8_t part)
{
    unsigned end = w->sources ? 0 : 1;
    const cJSON *v;
    size_t i = 0;

    if (!load_array(l, list, SIZE_MAX)) {
        return false;
    }
    cJSON_ArrayForEach(v, list)
    {
        size_t at = load_item(l, i++);
        store_task_t t = { .ranges = NULL };
        bool source;

        if (!load_task(l, v, w->c, &t, &source)) {
            return false;
        }
        if (source == w->sources) {
            if (t.chunk[end] != chunk || t.part[end] != part) {
                return load_fail(l, "is not where its meta says");
            }
            if (source ? !walk_source(l, w, v, &t)
                       : !walk_destination(l, w, v, &t)) {
                return false;
            }
        }
        load_up(l, at);
    }
    return true;
}

static bool
walk_chunks(load_t *l, walk_t *w, const cJSON *chunks)
{
    const cJSON *v;
    uint32_t i = 0;

    cJSON_ArrayForEach(v, chunks)
    {
        size_t at = load_item(l, i);
        size_t mark;
        const cJSON *parts = load_member(l, v, "migrating_slots", &mark);

        if (parts == NULL || !load_array(l, parts, 2)) {
            return false;
        }
        for (uint8_t part = 0; part < 2; part++) {
            size_t in = load_item(l, part);
            const cJSON *list = part == 0 ? parts->child : parts->child->next;

            if (!walk_part(l, w, list, i, part)) {
                return false;
            }
            load_up(l, in);
        }
        load_up(l, at);
        i++;
    }
    return true;
}

bool
load_tasks(load_t *l, const cJSON *chunks, store_cluster_t *c, uint8_t *seen)
{
    walk_t w = { .c = c, .seen = seen, .sources = true };

    if (!walk_chunks(l, &w, chunks)) {
        return false;
    }
    w.sources = false;
    if (!walk_chunks(l, &w, chunks)) {
        return false;
    }
    if (w.paired < c->tasks) {
        return load_fail(l, "has a task without a destination");
    }
    for (uint32_t i = 0; i < c->tasks; i++) {
        c->task[i].undone[1] = false;
    }
    return true;
}
