/*
 * um_dispatch_send.c -- the last step of the road: bytes to a connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_private.h"

um_backend_t *
um_dispatch_shared(const um_client_t *c, um_verdict_t v)
{
    um_node_t *n = um_nodes_at(c->w, v.addr);
    uint8_t proto = c->st.proto;

    if (um_unlikely(n == NULL)) {
        return NULL;
    }

    return v.go == UM_GO_PEER ? um_node_peer(n, v.hops, proto)
                              : um_node_pinned(n, c->st.id, proto);
}

/*
 * One of its own for a big request.  The shared one where it is known to be
 * down, for that refuses at once, and where commands given up may still be
 * executed: there they are in front, or are killed first.
 */
static um_backend_t *
private_backend(const um_client_t *c, um_verdict_t v)
{
    um_backend_t *shared = um_dispatch_shared(c, v);

    return shared == NULL || um_backend_is_down(shared)
                   || um_backend_has_ghosts(shared)
               ? shared
               : um_private_get(shared->node, c->st.proto);
}

um_str_t
um_dispatch_head(um_verdict_t v, uint32_t argc, bool plain, char *out)
{
    static const char forward[] = "\r\n$9\r\nUMFORWARD\r\n$1\r\n";
    size_t n = 0;

    out[n++] = '*';
    if (v.go == UM_GO_PEER) {
        n += um_u64_format(argc + 2, out + n);
        for (size_t i = 0; i < sizeof(forward) - 1; i++) {
            out[n++] = forward[i];
        }
        if (um_unlikely(plain)) {
            out[n - 3] = '2';
            out[n++] = '0';
        }
        out[n++] = (char) ('0' + v.hops);
    } else {
        n += um_u64_format(argc, out + n);
    }
    out[n++] = '\r';
    out[n++] = '\n';
    return (um_str_t){ out, n };
}

void
um_dispatch_send(um_req_t *r, um_verdict_t v, um_str_t words, uint32_t argc)
{
    um_worker_t *w = r->w;
    um_backend_t *b;
    char head[UM_DISPATCH_HEAD];

    if (um_unlikely(words.len > w->conf->big_request)) {
        b = private_backend(r->client, v);
        if (b == NULL) {
            um_req_fail(r, "ERR too many private connections, the command was "
                           "not sent");
            return;
        }
    } else {
        b = um_dispatch_shared(r->client, v);
        if (b == NULL) {
            um_req_fail(r, "ERR_BACKEND_CONNECTION: %.*s: cannot be used",
                um_str_fmt(um_topo_str(w->topo, w->topo->addr[v.addr].name)));
            return;
        }
    }

    um_stat_add(w->row,
        v.go == UM_GO_PEER ? UM_STAT_COMMANDS_PEER : UM_STAT_COMMANDS_FORWARDED,
        1);
    if (r->cmd->flags & (UM_CMD_WRITE | UM_CMD_MAY_REPLICATE)) {
        um_client_note_write(r->client, w->gen, v.addr);
    }
    um_backend_send(b, r, um_dispatch_head(v, argc, r->plain, head), words);
}
