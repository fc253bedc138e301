/*
 * store_start.c -- which tasks of a plan proxies are told of.
 *
 *   planned -> started  [store_tasks_start: the limit allows it]
 *   started -> (gone)   [store_commit, store_undone]
 *   planned -> (gone)   [store_cancel, store_commit]
 *
 *   started  is durable: two proxies move slots by what they were told, and
 *            must not be told otherwise before it is done or taken back.
 *
 * Some task of a plan has always started, or the plan would never end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

/* The task behind the last one with the source of task i. */
static uint32_t
part_end(const store_cluster_t *c, uint32_t i)
{
    const store_task_t *first = &c->task[i];

    while (i < c->tasks && c->task[i].chunk[0] == first->chunk[0]
           && c->task[i].part[0] == first->part[0])
    {
        i++;
    }
    return i;
}

static uint32_t
count_started(const store_cluster_t *c, uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    for (uint32_t i = from; i < to; i++) {
        n += c->task[i].started;
    }
    return n;
}

bool
store_tasks_started(const store_cluster_t *c)
{
    return count_started(c, 0, c->tasks) > 0;
}

/* How many the limit allows to start; with `mark` they have. */
static uint32_t
may_start(store_cluster_t *c, uint64_t limit, bool mark)
{
    uint32_t running = count_started(c, 0, c->tasks);
    uint32_t n = 0;
    uint32_t end;

    for (uint32_t i = 0; i < c->tasks; i = end) {
        /* A part works on one at a time, but where all may start. */
        end = limit == 0 ? i + 1 : part_end(c, i);
        if ((limit == 0 || running + n < limit)
            && count_started(c, i, end) == 0) {
            c->task[i].started |= mark;
            n++;
        }
    }
    return n;
}

bool
store_tasks_start(store_cluster_t *c, uint64_t limit)
{
    return may_start(c, limit, true) > 0;
}

store_rc_t
store_start(store_t *s, const store_env_t *e)
{
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        uint32_t place = s->by_name.at[i];
        store_cluster_t *c = s->cluster[place];

        if (may_start(c, e->migration_limit, false) == 0) {
            continue;
        }
        c = store_cluster_own(s, place);
        if (c == NULL) {
            return STORE_NO_MEMORY;
        }
        (void) store_tasks_start(c, e->migration_limit);
        store_touch(s, c);
    }
    return STORE_OK;
}
