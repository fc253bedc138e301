/*
 * The road of a command, once its words are known:
 *
 *   known? -> arity -> AUTH -> barrier -> by its `how`:
 *     SELF      a handler of um_self.h
 *     FORWARD   keys -> one slot -> um_route() -> a backend, whole
 *     SPLIT     likewise, or by um_fanout.h when the slots differ
 *     KEYLESS   any node of our own
 *     others    an error; never forwarded
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_dispatch.h"

#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_block.h"
#include "proxy/um_fanout.h"
#include "proxy/um_gate.h"
#include "proxy/um_gens.h"
#include "proxy/um_private.h"
#include "proxy/um_refuse.h"
#include "proxy/um_self.h"
#include "proxy/um_trace.h"
#include "proxy/um_zip.h"
#include "resp/um_put.h"

/* One command being dispatched; all of it borrowed. */
typedef struct {
    um_client_t *c;
    const um_cmd_t *cmd;
    const um_str_t *argv;
    uint32_t argc;
    um_str_t raw; /* as it came, header and words; empty when inline */
    uint8_t hops; /* 0, or 1 + the counter of UMFORWARD */
    bool is_big;
    bool blocks; /* it may wait at Redis */
    bool alone;  /* big, waiting or a barrier: nothing before, nothing behind */
    bool zips;   /* `zip` says something */
    bool plain;  /* not packed: see um_zip.h */
    um_zip_rule_t zip; /* zero: nothing to do with compression */
} call_t;

um_verdict_t
um_dispatch_route_away(um_worker_t *w, uint16_t slot, uint8_t hops)
{
    um_route_conf_t conf = {
        .active = w->conf->active_redirection,
        .default_redirection = w->conf->default_redirection.text[0] != '\0',
        .max_redirections = (uint8_t) w->conf->max_redirections,
    };

    return um_route(w->topo, slot, hops, &conf);
}

/* The words' bytes as bulks, without the array's header.  Empty: out of
 * memory. */
static um_str_t
call_words(const call_t *k)
{
    um_str_t raw = k->raw;
    um_sbuf_t *text = &k->c->w->inline_words;
    size_t head = 2;

    /* Of UMFORWARD only the inner words go on; they are the end of it. */
    if (raw.len > 0 && k->hops > 0) {
        head = (size_t) (k->argv[-1].data + k->argv[-1].len + 2 - raw.data);
        return (um_str_t){ raw.data + head, raw.len - head };
    }

    if (raw.len > 0) {
        while (raw.data[head - 1] != '\n') {
            head++;
        }
        return (um_str_t){ raw.data + head, raw.len - head };
    }

    /* An inline command. */
    um_sbuf_clear(text);
    for (uint32_t i = 0; i < k->argc; i++) {
        um_put_bulk(text, k->argv[i]);
    }
    return (um_str_t){ text->data, text->failed ? 0 : text->len };
}

/* The request of this call, in its client's queue; each has one, and only when
 * it need not wait any more.  NULL: the client is dead. */
static um_req_t *
call_req(const call_t *k)
{
    um_client_t *c = k->c;
    um_req_t *r = um_req_new(c->w, UM_REQ_CLIENT);

    c->commands++;
    um_stat_add(c->w->row, UM_STAT_COMMANDS, 1);
    if (um_unlikely(r == NULL)) {
        um_client_kill(c);
        return NULL;
    }

    r->cmd = k->cmd;
    r->start_us = c->w->now_us;
    r->hops = k->hops;
    if (um_unlikely(k->plain)) {
        r->plain = true;
    }
    um_client_queue(c, r);
    if (um_unlikely(k->alone)) {
        c->barrier = r;
    }

    return r;
}

/* Pause the client until `b` has room.  Always UM_AGAIN. */
static um_rc_t
call_wait_for(um_client_t *c, um_backend_t *b)
{
    um_client_wait_for(c, b);
    return UM_AGAIN;
}

/* It may wait: over a connection of its own. */
static um_rc_t
call_block(const call_t *k, um_verdict_t v, uint16_t slot)
{
    um_req_t *r = call_req(k);

    if (r == NULL) {
        return UM_OK;
    }
    if (k->is_big) {
        um_req_fail(r, "ERR a blocking command must not be longer than "
                       "big_request");
        return UM_OK;
    }

    r->slot = slot;
    r->gen_slot = um_gens_in(k->c->w->gens);
    r->counted = true;
    um_stat_add(k->c->w->row,
        v.go == UM_GO_PEER ? UM_STAT_COMMANDS_PEER : UM_STAT_COMMANDS_FORWARDED,
        1);
    if (k->cmd->flags & UM_CMD_WRITE) {
        um_client_note_write(k->c, k->c->w->gen, v.addr);
    }
    um_block_start(r, v, k->argv, k->argc);
    return UM_OK;
}

/* Its node is not to be sent to: wait with it, or refuse it.  Who forwarded it
 * has others behind it, and is not kept waiting. */
static um_rc_t
call_closed(const call_t *k, um_node_t *n)
{
    um_client_t *c = k->c;
    um_backend_t *b;
    um_req_t *r;

    if (k->hops == 0 && um_gate_may_wait(n)) {
        b = um_node_pinned(n, c->st.id, c->st.proto);
        if (b != NULL) {
            return call_wait_for(c, b);
        }
    }

    r = call_req(k);
    if (r != NULL) {
        um_stat_add(c->w->row, UM_STAT_COMMANDS_REFUSED, 1);
        um_req_fail(r, "CLUSTERDOWN Hash slot not served: %s %s", n->addr.text,
            n->closed);
    }
    return UM_OK;
}

/* Send it whole to where `v` says. */
static um_rc_t
call_send(const call_t *k, um_verdict_t v, uint16_t slot)
{
    um_client_t *c = k->c;
    um_worker_t *w = c->w;
    um_backend_t *b = NULL;
    um_str_t words;
    um_req_t *r;

    if (um_likely(!k->is_big)) {
        b = um_dispatch_shared(c, v);
        if (um_unlikely(b != NULL && um_backend_is_congested(b))) {
            return call_wait_for(c, b);
        }
    }

    r = call_req(k);
    if (um_unlikely(r == NULL)) {
        return UM_OK;
    }

    r->slot = slot;
    r->gen_slot = um_gens_in(w->gens);
    r->counted = true;
    if (um_unlikely(k->zips) && v.go == UM_GO_LOCAL
        && um_zip_send(r, v, k->argv, k->argc, k->zip) == UM_OK)
    {
        return UM_OK;
    }
    if (um_likely(
            b != NULL && v.go == UM_GO_LOCAL && k->raw.len > 0 && k->hops == 0))
    {
        um_stat_add(w->row, UM_STAT_COMMANDS_FORWARDED, 1);
        if (k->cmd->flags & (UM_CMD_WRITE | UM_CMD_MAY_REPLICATE)) {
            um_client_note_write(c, w->gen, v.addr);
        }
        um_backend_send(b, r, k->raw, (um_str_t){ "", 0 });
        return UM_OK;
    }

    words = call_words(k);
    if (um_unlikely(words.len == 0)) {
        return um_refuse_memory(r);
    }
    um_dispatch_send(r, v, words, k->argc);
    return UM_OK;
}

static um_rc_t
call_refuse(const call_t *k, um_verdict_t v, uint16_t slot)
{
    um_req_t *r = call_req(k);

    if (r != NULL) {
        um_dispatch_refuse(r, v, slot);
    }
    return UM_OK;
}

/* By the slot of its keys, which are in one slot. */
static um_rc_t
call_by_slot(const call_t *k, uint16_t slot)
{
    um_verdict_t v = um_dispatch_route(k->c->w, slot, k->hops);

    if (um_likely(v.go == UM_GO_LOCAL || v.go == UM_GO_PEER)) {
        um_node_t *n = um_nodes_at(k->c->w, v.addr);

        if (um_unlikely(n != NULL && n->closed != NULL)) {
            return call_closed(k, n);
        }

        return um_likely(!k->blocks) ? call_send(k, v, slot)
                                     : call_block(k, v, slot);
    }

    return call_refuse(k, v, slot);
}

/* Any node of our own will do. */
static um_rc_t
call_keyless(const call_t *k)
{
    const um_topo_t *t = k->c->w->topo;
    um_verdict_t v = { .go = UM_GO_LOCAL, .addr = um_gate_any_open(k->c->w) };

    if (!um_topo_has_cluster(t) || t->local_count == 0) {
        v.go = um_topo_has_cluster(t) ? UM_GO_NOWHERE : UM_GO_DOWN;
        return call_refuse(k, v, 0);
    }

    return call_send(k, v, 0);
}

/* A node of one of its keys that is not to be sent to; NULL: none. */
static um_node_t *
call_closed_part(const call_t *k, const um_keys_t *keys)
{
    um_worker_t *w = k->c->w;

    for (uint32_t i = 0; um_gate_any_closed(w) && i < keys->count; i++) {
        uint16_t slot = um_slot_of(k->argv[keys->key[i].pos]);
        um_verdict_t v = um_dispatch_route(w, slot, k->hops);
        um_node_t *n = v.go == UM_GO_LOCAL ? um_nodes_at(w, v.addr) : NULL;

        if (n != NULL && n->closed != NULL) {
            return n;
        }
    }

    return NULL;
}

static um_rc_t
call_split(const call_t *k, const um_keys_t *keys)
{
    um_node_t *closed = call_closed_part(k, keys);
    um_req_t *r;

    if (um_unlikely(closed != NULL)) {
        return call_closed(k, closed);
    }

    r = call_req(k);
    if (r != NULL) {
        r->hooks |= UM_HOOK_LOOK;
        um_fanout_start(r, k->argv, k->argc, keys);
    }
    return UM_OK;
}

static um_rc_t
call_data(const call_t *k)
{
    um_worker_t *w = k->c->w;
    um_keys_t *keys = &w->keys;
    uint16_t slot;

    if (um_unlikely(k->c->st.control_listener)) {
        return um_refuse_control_only(call_req(k));
    }
    if (um_unlikely(k->zips && k->zip.refuse)) {
        um_stat_add(w->row, UM_STAT_COMMANDS_REFUSED, 1);
        return um_refuse_text(call_req(k), UM_ZIP_REFUSED);
    }
    if (um_unlikely(k->cmd->flags & (UM_CMD_BLOCKING | UM_CMD_LIMITED))) {
        const char *text = um_cmd_refused(k->cmd, k->argv, k->argc);

        if (text != NULL) {
            return um_refuse_text(call_req(k), text);
        }
        if (k->blocks && k->c->pending > 0) {
            k->c->drain = true;
            return UM_AGAIN;
        }
    }

    if (um_likely(um_cmd_has_one_key(k->cmd) && k->argc > 1)) {
        return call_by_slot(k, um_slot_of(k->argv[1]));
    }

    switch (um_cmd_keys(k->cmd, k->argv, k->argc, keys)) {
    case UM_OK:
        break;
    case UM_DECLINED:
        /* Malformed: Redis refuses it before it touches anything, in words
         * of its own that clients know. */
        return call_keyless(k);
    default:
        return um_refuse_memory(call_req(k));
    }

    if (um_unlikely(keys->count == 0)) {
        return call_keyless(k);
    }

    if (um_likely(um_route_slot(k->argv, keys, &slot) == UM_OK)) {
        return call_by_slot(k, slot);
    }

    if (k->cmd->how == UM_HOW_SPLIT
        && (w->conf->active_redirection || k->hops > 0)) {
        return call_split(k, keys);
    }

    return um_refuse_crossslot(call_req(k));
}

static um_rc_t
call_self(const call_t *k)
{
    um_self_pt handler = um_self_find((um_self_t) k->cmd->self);
    um_req_t *r = call_req(k);

    if (r == NULL) {
        return UM_OK;
    }

    um_stat_add(k->c->w->row, UM_STAT_COMMANDS_LOCAL, 1);
    if (handler == NULL) {
        return um_refuse_unsupported(r);
    }

    um_trace_here(r, k->argv, k->argc);
    handler(r, k->argv, k->argc);
    um_trace_left(k->c->w);
    return UM_OK;
}

/* UMFORWARD n command...: a data command of a peer's client. */
static um_rc_t
call_forwarded(const call_t *k)
{
    call_t inner = *k;
    uint64_t hops;

    if (k->argc < 2) {
        return um_refuse_text(call_req(k), "Missing sub command");
    }
    if (um_str_to_u64(k->argv[1], &hops) != UM_OK) {
        return um_refuse_text(call_req(k), "invalid redirection times");
    }
    if (k->argc < 3) {
        return um_refuse_text(call_req(k), "missing forwarded command");
    }

    inner.argv += 2;
    inner.argc -= 2;
    inner.hops = (uint8_t) (1 + um_min(hops, UM_REDIRECTIONS_MAX));
    inner.cmd = um_cmd_lookup(k->c->w, inner.argv, inner.argc);

    if (inner.cmd == NULL) {
        return um_refuse_unknown(call_req(k), inner.argv, inner.argc);
    }
    if (!um_cmd_arity_ok(inner.cmd, inner.argc)) {
        return um_refuse_arity(call_req(&inner));
    }
    inner.plain = k->argv[1].len > 1 && k->argv[1].data[0] == '0';
    inner.zip = um_zip_rule_now(k->c->w, inner.cmd, inner.argv, inner.argc);
    inner.zips = true;
    inner.blocks = um_cmd_blocks(inner.cmd, inner.argv, inner.argc);
    inner.alone |= inner.blocks;
    switch ((um_how_t) inner.cmd->how) {
    case UM_HOW_FORWARD:
    case UM_HOW_KEYLESS:
    case UM_HOW_SPLIT:
        return call_data(&inner);
    default:
        return um_refuse_text(
            call_req(k), "ERR UMFORWARD carries data commands only");
    }
}

static um_rc_t
call_start(const call_t *k)
{
    const um_cmd_t *cmd = k->cmd;
    um_client_t *c = k->c;

    if (um_unlikely(cmd->flags & UM_CMD_CONTROL) && !um_client_has_control(c)) {
        return um_refuse_noauth(call_req(k));
    }

    switch ((um_how_t) cmd->how) {
    case UM_HOW_FORWARD:
    case UM_HOW_SPLIT:
        return call_data(k);

    case UM_HOW_KEYLESS:
        return um_unlikely(c->st.control_listener)
                   ? um_refuse_control_only(call_req(k))
                   : call_keyless(k);

    case UM_HOW_SELF:
        return cmd->self == UM_SELF_UMFORWARD ? call_forwarded(k)
                                              : call_self(k);

    case UM_HOW_UNSUPPORTED:
    case UM_HOW_NEVER:
        break;
    }

    return um_refuse_unsupported(call_req(k));
}

/* May it go without AUTH?  What needs control rights is checked for those. */
static bool
call_needs_auth(const call_t *k)
{
    return !k->c->st.authenticated
           && !(k->cmd->flags & (UM_CMD_NO_AUTH | UM_CMD_CONTROL));
}

/* Bytes of it when it is sent on, at most: an inline command grows. */
static inline size_t
call_size(const um_args_t *a, um_str_t raw)
{
    return um_likely(!a->is_inline) ? raw.len : raw.len + 16ul * a->argc;
}

/* The cluster compresses values.  Apart: clusters that do not pay nothing. */
static __attribute__((noinline)) void
call_zip(call_t *k, size_t size)
{
    um_worker_t *w = k->c->w;

    k->zip = um_zip_rule_now(w, k->cmd, k->argv, k->argc);
    k->plain = k->zips = true;
    k->is_big |= um_zip_is_big(w, k->cmd, k->argc, size);
}

um_rc_t
um_dispatch(um_client_t *c, const um_args_t *a, um_str_t raw)
{
    um_worker_t *w = c->w;
    call_t k = {
        .c = c,
        .cmd = um_cmd_lookup(w, a->argv, a->argc),
        .argv = a->argv,
        .argc = a->argc,
        .raw = a->is_inline ? (um_str_t){ "", 0 } : raw,
        .is_big = call_size(a, raw) > w->conf->big_request,
    };

    if (um_unlikely(um_zip_is_on(w)) && k.cmd != NULL) {
        call_zip(&k, call_size(a, raw));
    }

    k.alone = k.is_big || (k.cmd != NULL && k.cmd->flags & UM_CMD_BARRIER);
    if (um_unlikely(k.alone && c->pending > 0)) {
        c->drain = true;
        return UM_AGAIN;
    }

    if (um_unlikely(k.cmd == NULL)) {
        return um_refuse_unknown(call_req(&k), a->argv, a->argc);
    }

    c->last_cmd = k.cmd;
    if (um_unlikely(!um_cmd_arity_ok(k.cmd, a->argc)
                    || (k.cmd->flags & UM_CMD_CONTAINER && a->argc > 1)))
    {
        /* A container is found only where the subcommand is unknown. */
        return um_refuse_arity_or_sub(call_req(&k), a->argv, a->argc);
    }
    if (um_unlikely(call_needs_auth(&k))) {
        return um_refuse_noauth(call_req(&k));
    }
    if (um_unlikely(k.cmd->flags & UM_CMD_BLOCKING)) {
        k.blocks = um_cmd_blocks(k.cmd, a->argv, a->argc);
        k.alone |= k.blocks;
    }

    return call_start(&k);
}
