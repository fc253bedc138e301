/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_orphans.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_node.h"

/* CLIENT KILLs on their way at most; the rest waits for a later tick. */
#define ORPHANS_AT_ONCE 64

typedef struct {
    um_worker_t *w;
    um_row_conn_t *conn;
    uint64_t id;
} orphan_t;

static void
orphan_on_killed(um_req_t *r, um_rc_t rc)
{
    orphan_t *o = r->data;

    o->w->orphans_asked--;
    if (rc == UM_OK) {
        uint64_t id = o->id;

        /* Only if it is still that one: the row may have a new owner. */
        (void) atomic_compare_exchange_strong(&o->conn->id, &id, 0);
    }
    free(o);
}

/* The connection to kill it over: READY, to the same process. */
static um_backend_t *
orphan_backend(um_node_t *n, const um_row_conn_t *conn, bool *is_dead)
{
    um_backend_t *b = um_node_pinned(n, 0);

    *is_dead = false;
    if (b == NULL || b->state != UM_BACKEND_READY) {
        return NULL;
    }

    *is_dead = memcmp(b->run_id, conn->run_id, UM_RUN_ID) != 0;
    return b;
}

static void
orphan_kill(um_worker_t *w, um_row_conn_t *conn, uint64_t id)
{
    um_node_t *n = um_nodes_local(w->nodes, conn->addr_hash);
    char text[24];
    um_str_t argv[] = { um_lit("CLIENT"), um_lit("KILL"), um_lit("ID"),
        { text, um_u64_format(id, text) } };
    um_backend_t *b;
    orphan_t *o;
    bool is_dead;

    if (n == NULL) {
        /* Not a node of ours any more: none of our clients can reach it. */
        (void) atomic_compare_exchange_strong(&conn->id, &id, 0);
        return;
    }

    b = orphan_backend(n, conn, &is_dead);
    if (b == NULL) {
        return;
    }
    if (is_dead) {
        (void) atomic_compare_exchange_strong(&conn->id, &id, 0);
        return;
    }

    o = malloc(sizeof(*o));
    if (o == NULL) {
        return; /* at a later tick */
    }

    *o = (orphan_t){ .w = w, .conn = conn, .id = id };
    if (um_backend_internal(b, argv, um_countof(argv), orphan_on_killed, o)
        != UM_OK)
    {
        free(o);
        return;
    }
    w->orphans_asked++;
}

static bool
orphans_are_ours(const um_worker_t *w)
{
    const um_workers_sh_t *sh = w->shm->workers;

    for (uint32_t i = 0; i < w->heritage->row; i++) {
        if (atomic_load_explicit(&sh->row[i].state, memory_order_relaxed)
            == UM_ROW_RUNNING)
        {
            return false;
        }
    }

    return true;
}

void
um_orphans_tick(um_worker_t *w)
{
    um_workers_sh_t *sh = w->shm->workers;

    /* One round at a time, or a slow Redis would be asked again and again. */
    if (w->orphans_asked > 0 || !orphans_are_ours(w)) {
        return;
    }

    for (uint32_t i = 0; i < sh->rows; i++) {
        um_row_sh_t *row = &sh->row[i];

        if (atomic_load_explicit(&row->state, memory_order_acquire)
            != UM_ROW_DEAD) {
            continue;
        }

        for (uint32_t k = 0;
             k < UM_ROW_CONNS && w->orphans_asked < ORPHANS_AT_ONCE; k++)
        {
            uint64_t id =
                atomic_load_explicit(&row->conn[k].id, memory_order_acquire);

            if (id != 0) {
                orphan_kill(w, &row->conn[k], id);
            }
        }
    }
}
