/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_private.h"

#include "core/um_log.h"
#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"
#include "resp/um_put.h"

/* Connections kept open for the next one, per node. */
#define PRIVATE_IDLE 4

um_backend_t *
um_private_get(um_node_t *n)
{
    um_worker_t *w = n->w;
    um_backend_t *b;

    if (!um_list_is_empty(&n->idle)) {
        b = um_list_entry(n->idle.next, um_backend_t, link);
        um_list_del(&b->link);
        n->idle_count--;
        return b;
    }

    if (w->private_count >= w->conf->private_connections) {
        return NULL;
    }

    b = um_backend_new(w, n, UM_BACKEND_PRIVATE);
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

    if (!n->in_view || n->idle_count >= PRIVATE_IDLE) {
        um_backend_free(b);
        return;
    }

    um_list_add_tail(&n->idle, &b->link);
    n->idle_count++;
}

void
um_private_gone(um_backend_t *b)
{
    um_node_t *n = b->node;

    if (!um_list_is_empty(&b->link)) {
        n->idle_count--;
    }
    n->private_count--;
    n->w->private_count--;
}

void
um_private_close_idle(um_node_t *n, uint32_t keep)
{
    while (n->idle_count > keep) {
        um_backend_free(um_list_entry(n->idle.next, um_backend_t, link));
    }
}

um_rc_t
um_private_call(um_worker_t *w, uint32_t addr, const um_str_t *argv,
    uint32_t argc, um_req_done_pt done, void *data)
{
    um_node_t *n = um_nodes_at(w, addr);
    um_backend_t *b = n == NULL ? NULL : um_private_get(n);
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
