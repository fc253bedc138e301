/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_orphans.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_node.h"

/* No number of deaths, for there are not so many. */
#define UNKNOWN_DEATHS UINT32_MAX

/* One CLIENT KILL on its way. */
typedef struct {
    um_row_conn_t *conn;
    uint64_t id;
    um_backend_t *b;
    void (*answered)(um_backend_t *b);
} orphan_t;

/* It is dead; but note so only if the row has no new owner meanwhile. */
static void
conn_is_dead(um_row_conn_t *conn, uint64_t id)
{
    (void) atomic_compare_exchange_strong(&conn->id, &id, 0);
}

static void
orphan_on_killed(um_req_t *r, um_rc_t rc)
{
    orphan_t *o = r->data;
    orphan_t copy = *o;

    free(o);
    if (rc == UM_OK) {
        conn_is_dead(copy.conn, copy.id);
        if (copy.answered != NULL) {
            copy.answered(copy.b);
        }
    } else if (copy.answered == NULL) {
        copy.b->w->deaths = UNKNOWN_DEATHS; /* ask again */
    } else if (copy.b->state == UM_BACKEND_GREETING) {
        um_backend_fail(copy.b, 0, "does not answer");
    }
}

static um_rc_t
orphan_kill(um_backend_t *b, um_row_conn_t *conn, uint64_t id,
    void (*answered)(um_backend_t *b))
{
    char text[24];
    um_str_t argv[] = { um_lit("CLIENT"), um_lit("KILL"), um_lit("ID"),
        { text, um_u64_format(id, text) } };
    orphan_t *o = malloc(sizeof(*o));

    if (o == NULL) {
        um_log_error(0,
            "backend %s: out of memory, a dead worker's connection is not "
            "killed",
            b->node->addr.text);
        return UM_ERR;
    }

    *o = (orphan_t){ .conn = conn, .id = id, .b = b, .answered = answered };
    if (um_backend_internal(b, argv, um_countof(argv), orphan_on_killed, o)
        != UM_OK)
    {
        free(o);
        return UM_ERR;
    }

    return UM_OK;
}

static uint32_t
row_kill(um_backend_t *b, um_row_sh_t *row, void (*answered)(um_backend_t *b))
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < atomic_load(&row->conns); i++) {
        um_row_conn_t *conn = &row->conn[i];
        uint64_t id = atomic_load_explicit(&conn->id, memory_order_acquire);

        if (id == 0 || conn->addr_hash != b->node->addr_hash) {
            continue;
        }

        if (memcmp(conn->run_id, b->run_id, UM_RUN_ID) != 0) {
            conn_is_dead(conn, id); /* with the process that held its bytes */
        } else if (orphan_kill(b, conn, id, answered) == UM_OK) {
            count++;
        }
    }

    return count;
}

static bool
row_is_dead(const um_row_sh_t *row)
{
    return atomic_load_explicit(&row->state, memory_order_acquire)
           == UM_ROW_DEAD;
}

uint32_t
um_orphans_kill(um_backend_t *b, void (*answered)(um_backend_t *b))
{
    um_workers_sh_t *sh = b->w->shm->workers;
    uint32_t count = 0;

    for (uint32_t i = 0; i < sh->rows; i++) {
        if (row_is_dead(&sh->row[i])) {
            count += row_kill(b, &sh->row[i], answered);
        }
    }

    return count;
}

/* Is it a connection to a local node of today? */
static bool
conn_is_local(um_worker_t *w, const um_row_conn_t *conn)
{
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        um_node_t *n = um_nodes_at(w, i);

        if (n != NULL && n->addr_hash == conn->addr_hash) {
            return true;
        }
    }

    return false;
}

/* Forget connections to what is no local node any more: no client of ours can
 * reach it. */
static void
row_forget_strangers(um_worker_t *w, um_row_sh_t *row)
{
    for (uint32_t i = 0; i < atomic_load(&row->conns); i++) {
        um_row_conn_t *conn = &row->conn[i];
        uint64_t id = atomic_load_explicit(&conn->id, memory_order_acquire);

        if (id != 0 && !conn_is_local(w, conn)) {
            conn_is_dead(conn, id);
        }
    }
}

void
um_orphans_check(um_worker_t *w)
{
    um_workers_sh_t *sh = w->shm->workers;
    uint32_t deaths = atomic_load_explicit(&sh->deaths, memory_order_acquire);

    if (um_likely(deaths == w->deaths)) {
        return;
    }

    /* A stranger by our view may be none by the newest. */
    if (atomic_load_explicit(&w->shm->topo->gen, memory_order_acquire)
        != w->gen) {
        return;
    }

    w->deaths = deaths;
    for (uint32_t i = 0; i < sh->rows; i++) {
        if (row_is_dead(&sh->row[i])) {
            row_forget_strangers(w, &sh->row[i]);
        }
    }

    um_nodes_each_ready(w->nodes, um_orphans_kill);
}
