/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_load.h"

#include <stdlib.h>
#include <string.h>

/* The checker's work grows with these. */
#define UNKNOWN_MAX   3
#define UNDER_WAY_MAX 5

/* One that had so many operations has seen enough. */
#define OPS_MAX 20000

/* Of so many operations one reads an old group; of so few at a time that are
 * hot half of all are. */
#define OLD_EVERY 25
#define HOT_PART  4

static void
name_it(load_group_t *g)
{
    g->len = (uint8_t) snprintf(g->name, sizeof(g->name), "%c%u.%u", g->class,
        g->number, g->generation);
    g->slot = (uint16_t) load_slot_of((lin_str_t){ g->name, g->len });
    g->under_way = g->unknown = g->ops = 0;
    g->hint[0] = '\0';
}

void
load_groups_init(
    load_groups_t *g, const char *classes, unsigned each, unsigned first)
{
    unsigned n = (unsigned) strlen(classes);

    memset(g, 0, sizeof(*g));
    g->lives = each * n;
    g->live = lin_alloc(NULL, g->lives * sizeof(*g->live));
    memset(g->live, 0, g->lives * sizeof(*g->live));
    for (unsigned i = 0; i < g->lives; i++) {
        g->live[i].class = classes[i % n];
        g->live[i].number = first + i;
        name_it(&g->live[i]);
    }
}

void
load_groups_free(load_groups_t *g)
{
    free(g->live);
    free(g->old);
}

load_group_t *
load_groups_pick(load_groups_t *g, lin_gen_t *gen, bool *old)
{
    unsigned half = gen->client & 1;
    load_group_t *one;

    *old = g->olds > 0 && lin_random(gen) % OLD_EVERY == 0;
    for (unsigned tries = 0; *old; tries++) {
        one = &g->old[lin_random(gen) % g->olds];
        if (one->slot >> 13 == half || tries > 20) {
            return one;
        }
    }

    for (unsigned tries = 0; tries < 50; tries++) {
        uint64_t r = lin_random(gen);
        uint64_t n = r >> 60 & 1 ? g->lives : (g->lives - 1) / HOT_PART + 1;

        one = &g->live[(uint32_t) r % n];
        if (one->under_way < UNDER_WAY_MAX
            && (one->slot >> 13 == half || tries > 40)) {
            one->under_way++;
            return one;
        }
    }
    return NULL;
}

static void
retire(load_groups_t *g, load_group_t *group)
{
    if (g->olds == g->cap) {
        g->cap = g->cap == 0 ? 64 : g->cap * 2;
        g->old = lin_alloc(g->old, g->cap * sizeof(*g->old));
    }
    g->old[g->olds++] = *group;
    group->generation++;
    name_it(group);
}

static void
hint(load_group_t *group, const lin_op_t *op)
{
    lin_str_t value = op->reply;

    if (value.len > 1 && value.data[0] == '$') {
        value.data++;
        value.len--;
    } else if (value.len > 0 && value.data[0] == '+' && op->argc > 2) {
        value = op->argv[2];
    } else {
        return;
    }
    if (value.len < sizeof(group->hint)) {
        memcpy(group->hint, value.data, value.len);
        group->hint[value.len] = '\0';
    }
}

void
load_groups_done(load_groups_t *g, load_group_t *group, const char *name,
    bool unknown, const lin_op_t *op)
{
    if (group < g->live || group >= g->live + g->lives
        || strcmp(group->name, name) != 0)
    {
        return; /* it is old */
    }

    group->under_way--;
    group->ops++;
    if (!unknown && group->class == 'r') {
        hint(group, op);
    }
    group->unknown += unknown && !(op->cmd->flags & LIN_READ);
    if (group->unknown >= UNKNOWN_MAX || group->ops >= OPS_MAX) {
        retire(g, group);
    }
}
