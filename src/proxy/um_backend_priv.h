/*
 * um_backend_priv.h -- between um_backend.c, um_backend_io.c and um_dial.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BACKEND_PRIV_H
#define UM_BACKEND_PRIV_H

#include "proxy/um_backend.h"

static inline void
um_req_queue_add(um_req_queue_t *q, um_req_t *r)
{
    r->bnext = NULL;
    if (q->head == NULL) {
        q->head = r;
    } else {
        q->tail->bnext = r;
    }
    q->tail = r;
}

/* NULL: empty */
static inline um_req_t *
um_req_queue_take(um_req_queue_t *q)
{
    um_req_t *r = q->head;

    if (r != NULL) {
        q->head = r->bnext;
        r->bnext = NULL;
    }

    return r;
}

void um_backend_mark_busy(um_backend_t *b);

/* Take the first of those that wait; its bytes are dropped.  NULL: none. */
um_req_t *um_backend_unwait(um_backend_t *b);

/* Its socket took bytes: let clients go on. */
void um_backend_uncongested(um_backend_t *b);

/* A probe is through its greeting, or failed.  It is freed. */
void um_backend_probe_ended(um_backend_t *probe, bool alive);

/* A private connection is about to be freed: count it out. */
void um_private_gone(um_backend_t *b);

/* The name is not wanted any more. */
void um_backend_lookup_cancel(um_backend_t *b);

/* um_backend_io.c: the socket is there. */
um_rc_t um_backend_io_open(um_backend_t *b, int fd);
um_rc_t um_backend_io_connected(um_backend_t *b);

#endif /* UM_BACKEND_PRIV_H */
