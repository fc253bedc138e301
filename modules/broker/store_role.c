/*
 * store_role.c -- which nodes of a chunk are masters, and what follows for
 * the tasks when that changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

unsigned
store_part_node(store_role_t role, unsigned part)
{
    static const unsigned char node[3][2] = {
        [STORE_ROLE_NORMAL] = { 0, 2 },
        [STORE_ROLE_FIRST] = { 0, 1 },
        [STORE_ROLE_SECOND] = { 3, 2 },
    };

    return node[role][part];
}

bool
store_node_is_master(store_role_t role, unsigned node, unsigned *part)
{
    for (*part = 0; *part < 2; (*part)++) {
        if (store_part_node(role, *part) == node) {
            return true;
        }
    }
    return false;
}

static bool
task_touches(const store_task_t *t, uint32_t chunk, unsigned part)
{
    return (t->chunk[0] == chunk && t->part[0] == part)
           || (t->chunk[1] == chunk && t->part[1] == part);
}

static void
task_renew(store_task_t *t, uint64_t epoch)
{
    t->epoch = epoch;
    t->undone[0] = t->undone[1] = false;
}

/* Tasks that end at the part, and those that share an end with one of them:
 * the reference's proxies expect both to be new. */
static void
tasks_renew(store_cluster_t *c, uint32_t chunk, unsigned part, uint64_t epoch)
{
    for (uint32_t i = 0; i < c->tasks; i++) {
        const store_task_t *hit = &c->task[i];

        if (!task_touches(hit, chunk, part)) {
            continue;
        }
        for (uint32_t j = 0; j < c->tasks; j++) {
            if (task_touches(&c->task[j], hit->chunk[0], hit->part[0])
                || task_touches(&c->task[j], hit->chunk[1], hit->part[1]))
            {
                task_renew(&c->task[j], epoch);
            }
        }
    }
}

void
store_role_set(
    store_t *s, store_cluster_t *c, uint32_t chunk, store_role_t role)
{
    store_chunk_t *ch = &c->chunk[chunk];
    store_role_t old = ch->role;

    ch->role = role;
    for (unsigned part = 0; part < 2; part++) {
        if (store_part_node(old, part) != store_part_node(role, part)) {
            tasks_renew(c, chunk, part, s->epoch + 1);
        }
    }
}
