/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_repl.h"

#include <string.h>

#include "core/um_str.h"
#include "meta/um_setcluster_in.h"

#define REPL_BAD_ARGS "Invalid arguments"

void
um_repl_clear(um_repl_t *r)
{
    r->epoch = 0;
    r->count = 0;
    r->pad = 0;
}

void
um_repl_copy(um_repl_t *to, const um_repl_t *from)
{
    to->epoch = from->epoch;
    to->count = um_min(from->count, (uint32_t) UM_REPL_NODES);
    to->pad = 0;
    memcpy(to->node, from->node, to->count * sizeof(to->node[0]));
}

/* The next word, as text that fits.  False: there is none, or it does not. */
static bool
take_text(um_words_t *w, char *out, size_t size)
{
    um_str_t word;

    if (!um_words_take(w, &word) || word.len >= size
        || memchr(word.data, '\0', word.len) != NULL)
    {
        return false;
    }

    memcpy(out, word.data, word.len);
    memset(out + word.len, 0, size - word.len);
    return true;
}

static bool
take_role(um_words_t *w, um_repl_node_t *n)
{
    um_str_t word;

    if (!um_words_take(w, &word)) {
        return false;
    }

    n->role = um_str_ieq(word, um_lit("master"))    ? UM_REPL_MASTER
              : um_str_ieq(word, um_lit("replica")) ? UM_REPL_REPLICA
                                                    : 0;
    return n->role != 0;
}

/* NULL, or what is wrong. */
static const char *
node_decode(um_words_t *w, um_repl_node_t *n)
{
    uint64_t peers;

    if (!take_role(w, n) || !take_text(w, n->cluster, sizeof(n->cluster))
        || !um_setcluster_is_name(um_str_of(n->cluster))
        || !take_text(w, n->node, sizeof(n->node))
        || !um_words_take_number(w, &peers))
    {
        return REPL_BAD_ARGS;
    }

    if (peers > UM_REPL_PEERS) {
        return "Invalid arguments: too many peers of a node";
    }

    n->peer_count = (uint32_t) peers;
    memset(n->peer, 0, sizeof(n->peer));
    for (uint32_t i = 0; i < n->peer_count; i++) {
        um_repl_peer_t *p = &n->peer[i];

        if (!take_text(w, p->node, sizeof(p->node))
            || !take_text(w, p->proxy, sizeof(p->proxy)))
        {
            return REPL_BAD_ARGS;
        }
    }

    return NULL;
}

static bool
nodes_are_mine(const um_repl_t *r, um_str_t announce_host)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (!um_setcluster_is_mine(um_str_of(r->node[i].node), announce_host)) {
            return false;
        }
    }

    return true;
}

const char *
um_repl_decode(const um_str_t *argv, uint32_t argc, um_str_t announce_host,
    um_repl_t *r, bool *force)
{
    um_words_t w = { argv, argv + argc };
    um_str_t flags;
    bool compress;

    um_repl_clear(r);
    if (!um_words_take_number(&w, &r->epoch) || !um_words_take(&w, &flags)) {
        return REPL_BAD_ARGS;
    }

    um_setcluster_flags(flags, force, &compress);
    while (um_words_peek(&w) != NULL) {
        const char *wrong;

        if (r->count == UM_REPL_NODES) {
            return "Invalid arguments: too many nodes";
        }

        wrong = node_decode(&w, &r->node[r->count]);
        if (wrong != NULL) {
            return wrong;
        }
        if (um_repl_find(r, um_str_of(r->node[r->count].node)) != NULL) {
            return "Invalid arguments: a node has two roles";
        }
        r->count++;
    }

    return nodes_are_mine(r, announce_host) ? NULL : "ERR_NOT_MY_META";
}

const um_repl_node_t *
um_repl_find(const um_repl_t *r, um_str_t node)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (um_str_eq(um_str_of(r->node[i].node), node)) {
            return &r->node[i];
        }
    }

    return NULL;
}

bool
um_repl_is_same(const um_repl_node_t *a, const um_repl_node_t *b)
{
    return a->role == b->role && a->peer_count == b->peer_count
           && strcmp(a->cluster, b->cluster) == 0
           && strcmp(a->node, b->node) == 0
           && memcmp(a->peer, b->peer, a->peer_count * sizeof(a->peer[0])) == 0;
}
