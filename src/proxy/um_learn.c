/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_learn.h"

#include <stdlib.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_private.h"
#include "resp/um_cmd_foreign.h"

/* With more local nodes than that the table must do: a reply to COMMAND is
 * some hundred kilobytes. */
#define LEARN_NODES 32

/* Redis 7.2 with all of its modules says less than this. */
#define LEARN_REPLY (8u << 20)

struct um_learn_s {
    um_worker_t *w;
    bool due;
    bool stale;     /* the nodes changed while a round was under way */
    uint32_t nodes; /* asked in this round */
    uint32_t left;  /* of them, not yet answered */
};

um_learn_t *
um_learn_new(um_worker_t *w)
{
    um_learn_t *l = calloc(1, sizeof(*l));

    w->foreign = um_cmd_foreign_new();
    if (l == NULL || w->foreign == NULL) {
        um_log_error(0, "commands: out of memory");
        um_cmd_foreign_free(w->foreign);
        w->foreign = NULL;
        free(l);
        return NULL;
    }

    l->w = w;
    for (uint32_t i = 0; i < w->conf->command_count; i++) {
        const um_command_conf_t *c = &w->conf->command[i];
        const char *why = NULL;

        if (um_cmd_foreign_add(w->foreign, um_str_of(c->name), c->first,
                c->last, c->step, c->write, &why)
            != UM_OK)
        {
            um_log_warn(0, "command %s: ignored, it %s", c->name,
                why == NULL ? "does not fit" : why);
        }
    }

    return l;
}

void
um_learn_free(um_learn_t *l)
{
    um_cmd_foreign_free(l->w->foreign);
    l->w->foreign = NULL;
    free(l);
}

void
um_learn_again(um_learn_t *l)
{
    l->due = true;
    l->stale = l->left > 0;
}

static void
learn_on_reply(um_req_t *r, um_rc_t rc)
{
    um_learn_t *l = r->data;
    um_sbuf_t text = { 0 };
    char *at;

    if (rc == UM_OK && r->reply.len <= LEARN_REPLY && !l->stale) {
        at = um_sbuf_room(&text, r->reply.len);
        if (at != NULL) {
            um_chain_peek(&r->reply, at, r->reply.len);
            if (um_cmd_foreign_learn(
                    l->w->foreign, (um_str_t){ at, r->reply.len })
                == UM_ERR)
            {
                um_log_error(0, "commands: out of memory");
            }
        }
        um_sbuf_deinit(&text);
    }

    /* A node that did not answer has described nothing: with all of them
     * counted, no command is served that it may not know. */
    if (--l->left == 0 && !l->stale) {
        um_cmd_foreign_end(l->w->foreign, l->nodes);
        l->due = l->due || rc != UM_OK;
    }
    l->stale = l->stale && l->left > 0;
}

static bool
learn_nodes_are_there(um_worker_t *w)
{
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        um_node_t *n = um_nodes_at(w, i);
        um_backend_t *b = n == NULL ? NULL : um_node_pinned(n, 0, 2);

        if (b == NULL || b->state != UM_BACKEND_READY) {
            return false;
        }
    }

    return true;
}

void
um_learn_tick(um_learn_t *l)
{
    static const um_str_t argv[] = { { "COMMAND", 7 } };
    um_worker_t *w = l->w;

    if (!l->due || l->left > 0 || w->topo->local_count == 0
        || w->topo->local_count > LEARN_NODES || !learn_nodes_are_there(w))
    {
        return;
    }

    l->due = false;
    l->nodes = w->topo->local_count;
    um_cmd_foreign_begin(w->foreign);

    for (uint32_t i = 0; i < l->nodes; i++) {
        if (um_private_call(w, i, argv, 1, learn_on_reply, l) == UM_OK) {
            l->left++;
        }
    }

    if (l->left < l->nodes) {
        l->due = true; /* no private connection to be had: later */
    }
}
