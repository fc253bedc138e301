/*
 * um_worker_house.c -- a worker's housekeeping: clients that may go, memory
 * that may be given back, what its row tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <malloc.h>

#include "proxy/um_block.h"
#include "proxy/um_client_walk.h"
#include "proxy/um_learn.h"
#include "proxy/um_node.h"
#include "proxy/um_worker_priv.h"

/* Less than this need not be given back at once. */
#define TRIM_MIN (1u << 20)

/* Close a client that has nothing unanswered; another when it has.  What may
 * never be answered is called off. */
static void
worker_visit_quiet(um_client_t *c, UM_UNUSED void *data)
{
    if (c->blocked) {
        (void) um_block_unblock(c, true);
    } else if (c->head == NULL && c->out.len == 0 && c->in.len == 0) {
        um_client_kill(c);
    }
}

static void
worker_visit_idle(um_client_t *c, void *data)
{
    um_worker_t *w = data;
    uint64_t now = um_worker_now(w);
    uint64_t limit = w->conf->session_timeout * 1000000ull;

    /* A dirty one has just got an answer, which is yet to be written. */
    if (c->head == NULL && um_list_is_empty(&c->dirty_link) && now > c->last_ns
        && now - c->last_ns > limit)
    {
        um_stat_add(w->row, UM_STAT_CLIENTS_CLOSED_IDLE, 1);
        um_client_kill(c);
    }
}

static void
worker_walked_quiet(void *data)
{
    um_worker_t *w = data;

    w->walking_quiet = false;
}

static void
worker_walked_idle(void *data)
{
    um_worker_t *w = data;

    w->walking_idle = false;
}

void
um_worker_close_quiet(um_worker_t *w)
{
    w->walking_quiet =
        w->walking_quiet
        || um_client_walk(w, worker_visit_quiet, worker_walked_quiet, w)
               == UM_OK;
}

static void
worker_close_idle(um_worker_t *w)
{
    if (w->conf->session_timeout > 0) {
        w->walking_idle =
            w->walking_idle
            || um_client_walk(w, worker_visit_idle, worker_walked_idle, w)
                   == UM_OK;
    }
}

/* Give memory back after a peak: the heap keeps what fell free inside it. */
static void
worker_trim(um_worker_t *w)
{
    uint64_t now = um_worker_memory(w);
    uint64_t peak = um_max(w->memory_peak, w->chunks.peak);

    w->trimmed += um_chunks_trim(&w->chunks) + um_slab_trim(&w->reqs)
                  + um_slab_trim(&w->client_slab);

    if (peak > now + TRIM_MIN || w->trimmed > TRIM_MIN) {
        um_args_trim(&w->args);
        um_sbuf_deinit(&w->scratch);
        um_sbuf_deinit(&w->inline_words);
        (void) malloc_trim(0);
        w->memory_peak = now;
        w->chunks.peak = w->chunks.memory;
        w->trimmed = 0;
    }
}

/* What our row tells besides; read by the status module. */
static void
worker_gauge(um_worker_t *w)
{
    uint64_t gauge[UM_GAUGE_MAX] = { 0 };

    um_nodes_sum(w->nodes, gauge);
    gauge[UM_GAUGE_REQUESTS_IN_FLIGHT] = w->reqs.in_use;

    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        um_gauge_set(w->row, (um_gauge_t) id, gauge[id]);
    }
}

void
um_worker_keep_house(um_worker_t *w)
{
    worker_gauge(w);
    worker_close_idle(w);
    worker_trim(w);
    um_learn_tick(w->learn);
    atomic_store_explicit(
        &w->row->memory, um_worker_memory(w), memory_order_relaxed);
}
