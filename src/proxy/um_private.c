/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_private.h"

#include "core/um_log.h"
#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"
#include "proxy/um_block.h"
#include "resp/um_put.h"

/* So long one is kept open for the next, ns: a queue's consumers ask again at
 * once, and must not pay for a connection each time. */
#define PRIVATE_KEEP (10 * 1000000000ull)

um_backend_t *
um_private_get(um_node_t *n, uint8_t proto)
{
    um_list_t *idle = &n->idle[proto - 2];
    um_worker_t *w = n->w;
    um_backend_t *b;

    if (!um_list_is_empty(idle)) {
        b = um_list_entry(idle->next, um_backend_t, link);
        um_list_del(&b->link);
        n->idle_count--;
        return b;
    }

    if (w->private_count >= w->fds.private_connections
        && !um_nodes_spare_one(w->nodes))
    {
        return NULL;
    }

    b = um_backend_new(w, n, UM_BACKEND_PRIVATE, proto);
    if (b == NULL) {
        return NULL;
    }

    w->private_count++;
    n->private_count++;
    return b;
}

void
um_private_put(um_backend_t *b)
{
    um_node_t *n = b->node;

    um_list_del(&b->busy_link);
    if (b->spoilt) {
        um_backend_free(b);
        return;
    }
    if (um_block_serve(b)) {
        return;
    }

    if (!n->in_view) {
        um_backend_free(b);
        return;
    }

    /* In front: those not needed grow old at the end. */
    b->step_ns = um_worker_now(b->w) + PRIVATE_KEEP;
    um_list_add_head(&n->idle[b->proto - 2], &b->link);
    n->idle_count++;
}

void
um_private_gone(um_backend_t *b)
{
    um_node_t *n = b->node;

    um_assert(n->private_count > 0);
    if (!um_list_is_empty(&b->link)) {
        n->idle_count--;
    }
    n->private_count--;
    n->w->private_count--;
    n->w->trimmed += sizeof(*b); /* behind many the heap is given back */
    um_block_unserved(b);
}

void
um_private_close_idle(um_node_t *n, uint64_t since)
{
    for (size_t i = 0; i < um_countof(n->idle); i++) {
        while (!um_list_is_empty(&n->idle[i])) {
            um_backend_t *b =
                um_list_entry(n->idle[i].prev, um_backend_t, link);

            if (b->step_ns > since) {
                break;
            }
            um_backend_free(b);
        }
    }
}

bool
um_private_spare_one(um_node_t *n)
{
    for (size_t i = 0; i < um_countof(n->idle); i++) {
        if (!um_list_is_empty(&n->idle[i])) {
            um_backend_free(um_list_entry(n->idle[i].prev, um_backend_t, link));
            return true;
        }
    }

    return false;
}

um_rc_t
um_private_call(um_worker_t *w, uint32_t addr, const um_str_t *argv,
    uint32_t argc, um_req_done_pt done, void *data)
{
    um_node_t *n = um_nodes_at(w, addr);
    um_backend_t *b = n == NULL ? NULL : um_private_get(n, 2);
    um_sbuf_t text = { 0 };
    um_req_t *r;

    if (b == NULL) {
        return UM_ERR;
    }

    r = um_req_new(w, UM_REQ_INTERNAL);
    um_put_args(&text, argv, argc);
    if (r == NULL || text.failed) {
        um_sbuf_deinit(&text);
        if (r != NULL) {
            um_req_release(r);
        }
        um_backend_free(b);
        return UM_ERR;
    }

    r->done = done;
    r->data = data;
    um_backend_send(
        b, r, (um_str_t){ text.data, text.len }, (um_str_t){ "", 0 });
    um_sbuf_deinit(&text);
    return UM_OK;
}
