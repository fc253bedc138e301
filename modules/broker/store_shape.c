/*
 * store_shape.c -- a cluster as proxies are told of it: of the tasks only those
 * that have started; the slots of the others are still where they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

static bool
shape_alloc(store_shape_t *sh, uint32_t parts, uint32_t tasks)
{
    bool ok;

    sh->stable = calloc(parts + 1, sizeof(store_ranges_t *));
    ok = sh->stable != NULL;
    for (unsigned end = 0; end < 2; end++) {
        sh->first[end] = malloc((parts + 1) * sizeof(sh->first[0][0]));
        sh->next[end] = malloc((tasks + 1) * sizeof(sh->next[0][0]));
        ok &= sh->first[end] != NULL && sh->next[end] != NULL;
        if (ok) {
            memset(sh->first[end], 0xff, parts * sizeof(sh->first[0][0]));
        }
    }
    return ok;
}

/* Chain task i, before those chained already, to the parts at its ends. */
static void
shape_chain(store_shape_t *sh, uint32_t i)
{
    const store_task_t *t = &sh->c->task[i];

    for (unsigned end = 0; end < 2; end++) {
        uint32_t part = 2 * t->chunk[end] + t->part[end];

        sh->next[end][i] = sh->first[end][part];
        sh->first[end][part] = i;
    }
    sh->shown++;
}

/* What task i would move is still its source's. */
static bool
shape_hide(store_shape_t *sh, uint32_t i)
{
    const store_task_t *t = &sh->c->task[i];
    store_ranges_t **at = &sh->stable[2 * t->chunk[0] + t->part[0]];
    store_ranges_t *both = store_ranges_merge(*at, t->ranges);

    if (both == NULL) {
        return false;
    }
    store_ranges_put(*at);
    *at = both;
    return true;
}

bool
store_shape_init(
    store_shape_t *sh, const store_t *s, const store_cluster_t *c, bool all)
{
    bool ok = true;

    *sh = (store_shape_t){ .s = s, .c = c };
    if (!shape_alloc(sh, 2 * c->chunks, c->tasks)) {
        return false;
    }
    for (uint32_t i = 0; i < c->chunks; i++) {
        for (unsigned part = 0; part < 2; part++) {
            sh->stable[2 * i + part] =
                store_ranges_get(c->chunk[i].stable[part]);
        }
    }

    for (uint32_t i = c->tasks; i-- > 0 && ok;) {
        if (all || c->task[i].started) {
            shape_chain(sh, i);
        } else {
            ok = shape_hide(sh, i);
        }
    }
    return ok;
}

void
store_shape_deinit(store_shape_t *sh)
{
    for (uint32_t i = 0; sh->stable != NULL && i < 2 * sh->c->chunks; i++) {
        store_ranges_put(sh->stable[i]);
    }
    free(sh->stable);
    for (unsigned end = 0; end < 2; end++) {
        free(sh->first[end]);
        free(sh->next[end]);
    }
}
