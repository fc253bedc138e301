/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_sent.h"

#include <string.h>

/* The beginning of a command is enough where there are many connections. */
#define SENT_SMALL (UM_CHUNK_SMALL - sizeof(um_chunk_t))

/* A copy of a chunk in a small one.  NULL: as it is, please. */
static um_chunk_t *
sent_shrink(const um_chunk_t *k, um_chunks_t *pool)
{
    um_chain_t copy = { NULL, NULL, 0 };

    if (k->len > SENT_SMALL
        || um_chain_add(&copy, pool, k->data, k->len, false) != UM_OK)
    {
        return NULL;
    }

    return copy.head;
}

/* Keep `k`, which begins at `from`; or not. */
static void
sent_take(um_sent_t *s, um_chunk_t *k, um_chunks_t *pool, uint64_t from,
    bool is_small)
{
    um_chunk_t *small = is_small ? sent_shrink(k, pool) : NULL;

    if (small != NULL) {
        um_chunk_put(pool, k);
        k = small;
    }

    if (s->chain.head == NULL) {
        s->from = from;
    } else if (s->from + s->chain.len != from
               || s->chain.len + k->len > UM_SENT_MAX)
    {
        um_chunk_put(pool, k);
        return;
    }

    k->off = 0;
    um_chain_push(&s->chain, k);
}

void
um_sent_add(um_sent_t *s, um_chain_t *out, um_chunks_t *pool, size_t n,
    uint64_t written, bool is_small)
{
    uint64_t from = written - n - out->head->off;
    um_chunk_t *k;

    while ((k = um_chain_shift(out, &n)) != NULL) {
        uint32_t len = k->len;

        sent_take(s, k, pool, from, is_small);
        from += len;
    }
}

void
um_sent_release(um_sent_t *s, um_chunks_t *pool, uint64_t answered)
{
    while (um_sent_is_due(s, answered)) {
        um_chunk_t *k = s->chain.head;
        size_t n = k->len;

        if (s->near == k) {
            s->near = NULL;
        }
        s->from += n;
        um_chain_consume(&s->chain, pool, n);
    }
}

void
um_sent_add_rest(
    um_sent_t *s, um_chain_t *out, um_chunks_t *pool, uint64_t written)
{
    if (out->len > 0) {
        um_sent_add(s, out, pool, out->len, written + out->len, false);
    }
}

void
um_sent_free(um_sent_t *s, um_chunks_t *pool)
{
    um_chain_free(&s->chain, pool);
    *s = (um_sent_t){ .from = 0 };
}

/* Within what was written; commands given up together are asked for one after
 * the other, so go on where the last one was. */
static void
sent_walk(um_sent_t *s, uint64_t pos, um_sent_at_t *at)
{
    um_chunk_t *k = s->near;
    uint64_t from = s->near_from;

    if (k == NULL || pos < from) {
        k = s->chain.head;
        from = s->from;
    }

    while (pos - from >= k->len) {
        from += k->len;
        k = k->next;
    }

    s->near = k;
    s->near_from = from;
    at->chunk = k;
    at->off = pos - from;
}

um_rc_t
um_sent_find(um_sent_t *s, const um_chain_t *out, uint64_t written,
    uint64_t pos, um_sent_at_t *at)
{
    uint64_t end = s->from + s->chain.len;
    uint64_t from = out->head == NULL ? 0 : written - out->head->off;

    *at = (um_sent_at_t){ .chunk = NULL };

    if (s->chain.head != NULL && pos >= s->from && pos < end) {
        sent_walk(s, pos, at);
        at->then = out->head != NULL && from == end ? out->head : NULL;
        return UM_OK;
    }

    if (out->head == NULL || pos < from) {
        return UM_DECLINED;
    }

    for (const um_chunk_t *k = out->head; k != NULL; k = k->next) {
        if (pos - from < k->len) {
            at->chunk = k;
            at->off = pos - from;
            return UM_OK;
        }
        from += k->len;
    }

    return UM_DECLINED;
}

/* The chunk is used up: go on with the next. */
static void
at_next(um_sent_at_t *at)
{
    at->chunk = at->chunk->next;
    at->off = 0;
    if (at->chunk == NULL) {
        at->chunk = at->then;
        at->then = NULL;
    }
}

size_t
um_sent_line(um_sent_at_t *at, char *to, size_t max)
{
    size_t n = 0;

    while (at->chunk != NULL && n < max) {
        to[n] = at->chunk->data[at->off++];
        if (at->off == at->chunk->len) {
            at_next(at);
        }
        if (to[n++] == '\n') {
            return n;
        }
    }

    return 0;
}

size_t
um_sent_read(um_sent_at_t *at, char *to, size_t n)
{
    size_t done = 0;

    while (at->chunk != NULL && done < n) {
        size_t have = um_min(n - done, at->chunk->len - at->off);

        if (to != NULL) {
            memcpy(to + done, at->chunk->data + at->off, have);
        }
        done += have;
        at->off += have;

        if (at->off == at->chunk->len) {
            at_next(at);
        }
    }

    return done;
}
