/*
 * store_load_ours.c -- the member "undermoon" of a dump: store_dump_ours.c
 * says what is in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_load_priv.h"

/* What one part of it says about one proxy or cluster. */
typedef bool (*ours_pt)(load_t *l, const cJSON *v);

static store_cluster_t *
cluster_named(load_t *l, const cJSON *v)
{
    uint32_t place = store_find_cluster(l->s, um_str_of(v->string));

    if (place == STORE_NONE) {
        (void) load_fail(l, "is not one of the clusters");
        return NULL;
    }
    return l->s->cluster[place];
}

static bool
load_protocol(load_t *l, const cJSON *v)
{
    uint32_t place = store_find_proxy(l->s, um_str_of(v->string));

    if (place == STORE_NONE) {
        return load_fail(l, "is not one of all_proxies");
    }
    return load_number(l, v, 0, STORE_NUMBER_MAX, &l->s->proxy[place].protocol);
}

static bool
load_scaling(load_t *l, const cJSON *v)
{
    store_cluster_t *c = cluster_named(l, v);

    return c != NULL && load_object(l, v)
           && load_number_of(l, v, "nodes", 4, 2 * UM_SLOTS, &c->scale_to)
           && load_number_of(
               l, v, "since", 0, STORE_NUMBER_MAX, &c->scale_since)
           && (c->tasks == 0 || load_fail(l, "has tasks already"));
}

static bool
load_scaling_error(load_t *l, const cJSON *v)
{
    store_cluster_t *c = cluster_named(l, v);
    um_str_t s;

    if (c == NULL || !load_string(l, v, &s)) {
        return false;
    }
    store_text_put(c->scale_error);
    c->scale_error = store_text_new(s);
    return c->scale_error != NULL || load_nomem(l);
}

static bool
load_start(load_t *l, const cJSON *v, store_cluster_t *c)
{
    uint64_t i;

    if (c->tasks == 0) {
        return load_fail(l, "has no such task");
    }
    if (!load_number(l, v, 0, c->tasks - 1, &i)) {
        return false;
    }
    c->task[i].started = true;
    return true;
}

static bool
load_cancel(load_t *l, const cJSON *v, store_cluster_t *c)
{
    uint64_t i;
    store_task_t *t;

    if (!load_object(l, v)) {
        return false;
    }
    if (c->tasks == 0) {
        return load_fail(l, "has no such task");
    }
    if (!load_number_of(l, v, "task", 0, c->tasks - 1, &i)) {
        return false;
    }
    t = &c->task[i];
    t->started = t->cancelling = true;
    if (!load_bool_of(l, v, "source", &t->undone[0])
        || !load_bool_of(l, v, "destination", &t->undone[1]))
    {
        return false;
    }
    return !(t->undone[0] && t->undone[1])
           || load_fail(l, "is undone and still there");
}

/* A list that says something about tasks of one cluster. */
static bool
load_tasks_said(load_t *l, const cJSON *list,
    bool (*fn)(load_t *l, const cJSON *v, store_cluster_t *c))
{
    store_cluster_t *c = cluster_named(l, list);
    const cJSON *v;
    size_t i = 0;

    if (c == NULL || !load_array(l, list, SIZE_MAX)) {
        return false;
    }
    cJSON_ArrayForEach(v, list)
    {
        size_t at = load_item(l, i++);

        if (!fn(l, v, c)) {
            return false;
        }
        load_up(l, at);
    }
    return true;
}

static bool
load_started(load_t *l, const cJSON *list)
{
    return load_tasks_said(l, list, load_start);
}

static bool
load_cancelling(load_t *l, const cJSON *list)
{
    return load_tasks_said(l, list, load_cancel);
}

static bool
load_part(load_t *l, const cJSON *ours, const char *name, ours_pt fn)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(ours, name);
    const cJSON *v;
    size_t mark;

    if (part == NULL) {
        return true;
    }
    mark = load_down(l, name);
    if (!load_object(l, part)) {
        return false;
    }
    cJSON_ArrayForEach(v, part)
    {
        size_t at = load_down(l, v->string);

        if (!fn(l, v)) {
            return false;
        }
        load_up(l, at);
    }
    load_up(l, mark);
    return true;
}

bool
load_ours(load_t *l, const cJSON *v)
{
    if (v == NULL) {
        return true;
    }
    (void) load_down(l, "undermoon");
    return load_object(l, v) && load_part(l, v, "protocols", load_protocol)
           && load_part(l, v, "scaling", load_scaling)
           && load_part(l, v, "scaling_errors", load_scaling_error)
           && load_part(l, v, "started", load_started)
           && load_part(l, v, "cancelling", load_cancelling);
}
