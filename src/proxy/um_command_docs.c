/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_command_docs.h"

#include <stdlib.h>

#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_command_text.h"
#include "proxy/um_docs_text.h"
#include "proxy/um_private.h"

#define DOCS_REDIS 0x070000u

/* Who asks for more, or a Redis that says more, gets what our table knows. */
#define DOCS_NAMES 1024
#define DOCS_REPLY (8u << 20)

/* Somebody who wants to know. */
typedef struct {
    um_req_t *r;
    int proto;
    size_t count;
    const um_cmd_t *cmd[];
} docs_ask_t;

/* The commands meant, those that are listed: counted, and put into `a` unless
 * it is NULL. */
static size_t
docs_find(
    const um_worker_t *w, docs_ask_t *a, const um_str_t *argv, uint32_t argc)
{
    const um_cmd_t *cmd;
    size_t n = 0;

    if (argc > 2) {
        for (uint32_t i = 2; i < argc; i++) {
            cmd = um_command_find(w->foreign, argv[i]);
            if (cmd != NULL && a != NULL) {
                a->cmd[n] = cmd;
            }
            n += cmd != NULL;
        }
        return n;
    }

    for (size_t i = 0; (cmd = um_command_at(w->foreign, i)) != NULL; i++) {
        if (um_command_is_listed(cmd)) {
            if (a != NULL) {
                a->cmd[n] = cmd;
            }
            n++;
        }
    }

    return n;
}

static void
docs_answer_own(docs_ask_t *a)
{
    um_docs_put(um_req_begin(a->r), a->cmd, a->count, a->proto);
    um_req_end(a->r);
    free(a);
}

static void
docs_on_reply(um_req_t *r, um_rc_t rc)
{
    docs_ask_t *a = r->data;
    size_t len = r->reply.len;
    char *reply = rc == UM_OK && len <= DOCS_REPLY ? malloc(len + 1) : NULL;
    um_rc_t told = UM_DECLINED;

    if (reply != NULL) {
        um_chain_peek(&r->reply, reply, len);
        told = um_docs_put_from(um_req_begin(a->r), a->cmd, a->count,
            (um_str_t){ reply, len }, a->proto);
        free(reply);
    }

    if (told != UM_OK) {
        docs_answer_own(a);
    } else {
        um_req_end(a->r);
        free(a);
    }
}

/* A local node that can be asked at once.  UM_DECLINED: there is none. */
static um_rc_t
docs_node(um_worker_t *w, uint32_t *addr)
{
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        um_node_t *n = um_nodes_at(w, i);
        um_backend_t *b = n != NULL && n->version >= DOCS_REDIS
                              ? um_node_pinned(n, 0, 2)
                              : NULL;

        if (b != NULL && b->state == UM_BACKEND_READY) {
            *addr = i;
            return UM_OK;
        }
    }

    return UM_DECLINED;
}

static um_rc_t
docs_ask_node(docs_ask_t *a)
{
    um_worker_t *w = a->r->w;
    um_str_t *argv;
    uint32_t addr;
    um_rc_t rc;

    if (a->count == 0 || a->count > DOCS_NAMES || docs_node(w, &addr) != UM_OK)
    {
        return UM_DECLINED;
    }

    argv = malloc((a->count + 2) * sizeof(*argv));
    if (argv == NULL) {
        return UM_ERR;
    }

    argv[0] = um_lit("COMMAND");
    argv[1] = um_lit("DOCS");
    for (size_t i = 0; i < a->count; i++) {
        argv[i + 2] = um_str_of(a->cmd[i]->name);
    }

    rc = um_private_call(
        w, addr, argv, (uint32_t) a->count + 2, docs_on_reply, a);
    free(argv);
    return rc;
}

void
um_command_docs(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    size_t count = docs_find(r->w, NULL, argv, argc);
    docs_ask_t *a = malloc(sizeof(*a) + count * sizeof(a->cmd[0]));

    if (a == NULL) {
        um_req_error(r, "ERR out of memory");
        return;
    }

    a->r = r;
    a->proto = r->client->st.proto;
    a->count = docs_find(r->w, a, argv, argc);

    um_req_hold(r);
    if (docs_ask_node(a) != UM_OK) {
        docs_answer_own(a);
    }
}
