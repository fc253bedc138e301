/*
 * store_plan.c -- how many slots each master should have, and which tasks
 * bring it about.
 *
 * A plan never moves a slot twice and never from a master that has too few.
 * Masters are counted through the chunks: master 2i + p is part p of chunk i.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

/* What master i of n has in the end: the first few have one more. */
static uint32_t
fair_share(uint32_t i, uint32_t n)
{
    return UM_SLOTS / n + (i < UM_SLOTS % n ? 1 : 0);
}

static store_ranges_t **
part_of(store_cluster_t *c, uint32_t master)
{
    return &c->chunk[master / 2].stable[master % 2];
}

static uint32_t
slots_of(store_cluster_t *c, uint32_t master)
{
    return store_ranges_count(*part_of(c, master));
}

bool
store_plan_first(store_cluster_t *c)
{
    uint32_t masters = 2 * c->chunks;
    uint32_t slot = 0;

    for (uint32_t i = 0; i < masters; i++) {
        uint32_t n = fair_share(i, masters);
        store_range_t r = { (uint16_t) slot, (uint16_t) (slot + n - 1) };

        *part_of(c, i) = store_ranges_new(&r, 1);
        if (*part_of(c, i) == NULL) {
            return false;
        }
        slot += n;
    }
    return true;
}

/* A plan in the making: how many slots each master gives and gets. */
typedef struct {
    store_cluster_t *c;
    uint32_t *give;
    uint32_t *get;
    uint32_t masters;
    uint64_t epoch;
    bool front; /* take the source's first slots, not its last */
} plan_t;

static bool
task_add(plan_t *p, uint32_t src, uint32_t dst, uint32_t n)
{
    store_task_t *t = &p->c->task[p->c->tasks];

    *t = (store_task_t){
        .epoch = p->epoch,
        .chunk = { src / 2, dst / 2 },
        .part = { (uint8_t) (src % 2), (uint8_t) (dst % 2) },
    };
    if (!store_ranges_take(part_of(p->c, src), n, p->front, &t->ranges)) {
        return false;
    }
    p->c->tasks++;
    return true;
}

/* First giver to first taker, until none is left of either. */
static store_rc_t
plan_fill(plan_t *p)
{
    uint32_t src = 0;
    uint32_t dst = 0;

    while (src < p->masters && dst < p->masters) {
        uint32_t n = um_min(p->give[src], p->get[dst]);

        if (n > 0 && !task_add(p, src, dst, n)) {
            return STORE_NO_MEMORY;
        }
        p->give[src] -= n;
        p->get[dst] -= n;
        if (p->give[src] == 0) {
            src++;
        } else {
            dst++;
        }
    }
    return p->c->tasks > 0 ? STORE_OK : STORE_SLOTS_ALREADY_EVEN;
}

static store_rc_t
plan_make(plan_t *p, uint32_t keep)
{
    store_cluster_t *c = p->c;
    store_task_t *room;

    /* Each task ends a giver or a taker. */
    room = realloc(c->task, (2 * p->masters + 1) * sizeof(*room));
    if (room == NULL) {
        return STORE_NO_MEMORY;
    }
    c->task = room;

    for (uint32_t i = 0; i < p->masters; i++) {
        uint32_t has = slots_of(c, i);
        uint32_t share = i < keep ? fair_share(i, keep) : 0;

        if (has < share) {
            p->get[i] = share - has;
        } else if (has > share && (!p->front || i >= keep)) {
            p->give[i] = has - share;
        }
    }
    return plan_fill(p);
}

static store_rc_t
plan_run(store_cluster_t *c, uint32_t keep, bool front, uint64_t epoch)
{
    plan_t p = {
        .c = c,
        .masters = 2 * c->chunks,
        .epoch = epoch,
        .front = front,
    };
    store_rc_t rc = STORE_NO_MEMORY;

    p.give = calloc(p.masters + 1, sizeof(*p.give));
    p.get = calloc(p.masters + 1, sizeof(*p.get));
    if (p.give != NULL && p.get != NULL) {
        rc = plan_make(&p, keep);
    }
    free(p.give);
    free(p.get);
    return rc;
}

store_rc_t
store_plan_expand(store_cluster_t *c, uint64_t epoch)
{
    return plan_run(c, 2 * c->chunks, false, epoch);
}

store_rc_t
store_plan_shrink(store_cluster_t *c, uint32_t keep, uint64_t epoch)
{
    return plan_run(c, 2 * keep, true, epoch);
}
