/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_client_walk.h"

#include <stdlib.h>

#include "core/um_clock.h"

#define WALK_STEPS   16      /* between two looks at the clock    */
#define WALK_TURN_NS 1500000 /* of each turn, for all walks at most */

/*
 * A worker's clients stand in the order of their ids, new ones at the end.
 *
 *   (1) `next` is a client not yet visited, or the list's head.
 *   (2) All behind a visited one have a greater id.
 */
typedef struct {
    um_list_t link; /* of w->walks */
    um_list_t *next;
    uint64_t last_id; /* who came later is not visited */
    um_client_visit_pt visit;
    um_client_walked_pt walked;
    void *data;
} walk_t;

um_rc_t
um_client_walk(um_worker_t *w, um_client_visit_pt visit,
    um_client_walked_pt walked, void *data)
{
    walk_t *k = malloc(sizeof(*k));

    if (k == NULL) {
        return UM_ERR;
    }

    *k = (walk_t){
        .next = w->clients.next,
        .last_id =
            um_list_is_empty(&w->clients)
                ? 0
                : um_list_entry(w->clients.prev, um_client_t, link)->st.id,
        .visit = visit,
        .walked = walked,
        .data = data,
    };
    um_list_add_tail(&w->walks, &k->link);
    return UM_OK;
}

/* Some steps.  Is it at its end? */
static bool
walk_steps(um_worker_t *w, walk_t *k)
{
    for (int i = 0; i < WALK_STEPS; i++) {
        um_client_t *c;

        if (k->next == &w->clients) {
            return true;
        }

        c = um_list_entry(k->next, um_client_t, link);
        if (c->st.id > k->last_id) {
            return true;
        }

        k->next = c->link.next;
        k->visit(c, k->data);
    }

    return false;
}

static void
walk_end(walk_t *k)
{
    um_list_del(&k->link);
    k->walked(k->data);
    free(k);
}

void
um_client_walk_on(um_worker_t *w)
{
    uint64_t until;

    if (um_likely(um_list_is_empty(&w->walks))) {
        return;
    }

    until = um_clock_ns() + WALK_TURN_NS;
    do {
        walk_t *k = um_list_entry(w->walks.next, walk_t, link);

        if (walk_steps(w, k)) {
            walk_end(k);
        }
    } while (!um_list_is_empty(&w->walks) && um_clock_ns() < until);
}

void
um_client_walk_left(um_client_t *c)
{
    um_list_each(l, &c->w->walks)
    {
        walk_t *k = um_list_entry(l, walk_t, link);

        if (k->next == &c->link) {
            k->next = c->link.next;
        }
    }
}

void
um_client_walk_end(um_worker_t *w)
{
    while (!um_list_is_empty(&w->walks)) {
        walk_end(um_list_entry(w->walks.next, walk_t, link));
    }
}
