/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_doctor_moves.h"

#include <inttypes.h>

#include "core/um_clock.h"

#define MOVES_PAUSE 500 /* ms between two looks */

#define NS_PER_MS UINT64_C(1000000)

/* Of one cluster, at first; those that have got on since have `seen` no more.
 */
typedef struct {
    um_ctl_moves_t first;
    bool *waits;
} look_t;

/* Of one whose source does not answer that is found without waiting. */
static bool
is_seen(const um_ctl_move_t *m)
{
    return m->deaf == NULL && (m->step != NULL || m->undoing);
}

/* How many of it have not got on; their last state is kept. */
static size_t
look_again(look_t *l, const um_ctl_moves_t *now)
{
    size_t n = 0;

    for (size_t i = 0; i < l->first.moves; i++) {
        um_ctl_move_t *was = &l->first.move[i];
        const um_ctl_move_t *is = um_ctl_moves_find(now, &was->task);

        l->waits[i] =
            l->waits[i] && is != NULL && !um_ctl_move_went_on(was, is);
        n += l->waits[i];
    }
    return n;
}

static size_t
look_first(look_t *l, um_pool_t *p)
{
    size_t n = 0;

    l->waits = um_ctl_array(p, l->first.moves + 1, sizeof(*l->waits));
    for (size_t i = 0; i < l->first.moves; i++) {
        l->waits[i] = is_seen(&l->first.move[i]);
        n += l->waits[i];
    }
    return n;
}

/* The cluster as it is now; false: it is not to be had, or interrupted. */
static bool
look_moves(
    um_ctl_t *c, const char *name, um_ctl_moves_t *m, um_pool_t *p, bool *gone)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_GET,
        .path = um_ctl_printf(p, "/clusters/meta/%s", um_ctl_escape(p, name)),
    };
    um_ctl_said_t said;
    um_ctl_view_t v;

    um_ctl_ask(c, &ask, p, &said);
    *gone = said.status != 200
            || um_ctl_view_parse(&v,
                   cJSON_GetObjectItemCaseSensitive(said.json, "cluster"), p)
                   != NULL;
    return !*gone && um_ctl_moves_load(c, m, &v, p);
}

static size_t
look_all(um_ctl_t *c, um_ctl_facts_t *f, look_t *look)
{
    size_t waits = 0;

    for (size_t i = 0; i < f->clusters && !c->interrupted; i++) {
        um_pool_t *p;
        um_ctl_moves_t now;
        bool gone;

        if (look[i].waits == NULL) {
            continue;
        }
        p = um_ctl_pool();
        if (look_moves(c, f->cluster[i].view.name, &now, p, &gone)) {
            waits += look_again(&look[i], &now);
        } else if (gone) {
            look[i].waits = NULL; /* that is found elsewhere */
        }
        um_pool_free(p);
    }
    return waits;
}

/* Those of a cluster, as they are in the end: why may have come to light. */
static void
take_stills(um_ctl_t *c, um_ctl_facts_t *f, const look_t *l, const char *name)
{
    um_ctl_moves_t last;
    bool gone;
    bool known = look_moves(c, name, &last, c->pool, &gone);

    for (size_t i = 0; i < l->first.moves; i++) {
        const um_ctl_move_t *m = &l->first.move[i];
        const um_ctl_move_t *is =
            known ? um_ctl_moves_find(&last, &m->task) : NULL;

        if (l->waits[i]) {
            f->still[f->stills++] =
                (um_ctl_still_t){ name, is != NULL ? *is : *m };
        }
    }
}

bool
um_ctl_doctor_moves(um_ctl_t *c, um_ctl_facts_t *f)
{
    look_t *look = um_ctl_array(c->pool, f->clusters + 1, sizeof(*look));
    uint64_t end = um_clock_ns() + c->opts.stall * NS_PER_MS;
    size_t waits = 0;

    for (size_t i = 0; i < f->clusters && !c->interrupted; i++) {
        if (f->cluster[i].info.migrating
            && um_ctl_moves_load(
                c, &look[i].first, &f->cluster[i].view, c->pool))
        {
            waits += look_first(&look[i], c->pool);
        }
    }

    while (waits > 0 && um_clock_ns() < end) {
        if (c->terminal) {
            um_ctl_progress(c, "slots are on the move: do they get on?");
        }
        if (!um_ctl_pause(c, MOVES_PAUSE)) {
            return false;
        }
        waits = look_all(c, f, look);
    }

    f->stall = c->opts.stall;
    f->still = um_ctl_array(c->pool, waits + 1, sizeof(*f->still));
    for (size_t i = 0; i < f->clusters && waits > 0; i++) {
        if (look[i].waits != NULL) {
            take_stills(c, f, &look[i], f->cluster[i].view.name);
        }
    }
    return !c->interrupted;
}
