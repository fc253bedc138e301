/* SPDX-License-Identifier: Apache-2.0 */

#include "net/um_chain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CHUNK_SMALL, CHUNK_LARGE, CHUNK_OWN };

/* A chunk of its own holds at most this, so that a huge value is given back
 * piece by piece while it is written. */
#define CHUNK_OWN_MAX (1u << 20)

void
um_chunks_init(um_chunks_t *pool)
{
    um_slab_init(&pool->small, UM_CHUNK_SMALL, 4096);
    um_slab_init(&pool->large, UM_CHUNK_LARGE, 256);
    pool->memory = pool->peak = 0;
}

void
um_chunks_deinit(um_chunks_t *pool)
{
    um_slab_deinit(&pool->small);
    um_slab_deinit(&pool->large);
}

void
um_chunks_adopt(um_chunks_t *pool, um_chunks_t *from)
{
    pool->memory += from->memory;
    pool->peak = um_max(pool->peak, pool->memory);
    pool->small.in_use += from->small.in_use;
    pool->large.in_use += from->large.in_use;
    um_chunks_deinit(from);
    um_chunks_init(from);
}

size_t
um_chunks_trim(um_chunks_t *pool)
{
    return um_slab_trim(&pool->small) + um_slab_trim(&pool->large);
}

static um_chunk_t *
chunk_get(um_chunks_t *pool, size_t len, bool stream)
{
    um_chunk_t *k;
    size_t size;
    uint32_t kind;

    if (!stream && len <= UM_CHUNK_SMALL - sizeof(*k)) {
        kind = CHUNK_SMALL;
        size = UM_CHUNK_SMALL;
        k = um_slab_get(&pool->small);
    } else if (stream && len <= UM_CHUNK_LARGE - sizeof(*k)) {
        kind = CHUNK_LARGE;
        size = UM_CHUNK_LARGE;
        k = um_slab_get(&pool->large);
    } else {
        kind = CHUNK_OWN;
        size = sizeof(*k) + um_min(len, CHUNK_OWN_MAX);
        k = malloc(size);
    }

    if (k == NULL) {
        return NULL;
    }

    pool->memory += size;
    pool->peak = um_max(pool->peak, pool->memory);
    k->next = NULL;
    k->off = k->len = 0;
    k->cap = (uint32_t) (size - sizeof(*k));
    k->kind = kind;
    return k;
}

void
um_chunk_put(um_chunks_t *pool, um_chunk_t *k)
{
    pool->memory -= sizeof(*k) + k->cap;

    switch (k->kind) {
    case CHUNK_SMALL:
        um_slab_put(&pool->small, k);
        break;
    case CHUNK_LARGE:
        um_slab_put(&pool->large, k);
        break;
    default:
        free(k);
    }
}

/* Chunks for `len` bytes, filled; NULL and nothing taken when out of memory. */
static um_rc_t
chunks_fill(um_chunks_t *pool, const char *data, size_t len, bool stream,
    um_chain_t *out)
{
    *out = (um_chain_t){ NULL, NULL, 0 };

    while (len > 0) {
        um_chunk_t *k = chunk_get(pool, len, stream);
        size_t n;

        if (k == NULL) {
            um_chain_free(out, pool);
            return UM_ERR;
        }

        n = um_min(len, (size_t) k->cap);
        memcpy(k->data, data, n);
        k->len = (uint32_t) n;
        data += n;
        len -= n;

        if (out->tail == NULL) {
            out->head = k;
        } else {
            out->tail->next = k;
        }
        out->tail = k;
        out->len += n;
    }

    return UM_OK;
}

um_rc_t
um_chain_add(
    um_chain_t *c, um_chunks_t *pool, const void *data, size_t len, bool stream)
{
    const char *p = data;
    um_chunk_t *k = c->tail;
    um_chain_t more;
    size_t fits = 0;

    if (um_unlikely(len == 0)) {
        return UM_OK; /* `data` may be NULL then, which memcpy() may not see */
    }

    if (k != NULL) {
        fits = k->cap - k->len;
        if (um_likely(len <= fits)) {
            memcpy(k->data + k->len, p, len);
            k->len += (uint32_t) len;
            c->len += len;
            return UM_OK;
        }
    }

    if (chunks_fill(pool, p + fits, len - fits, stream, &more) != UM_OK) {
        return UM_ERR;
    }

    if (fits > 0) {
        memcpy(k->data + k->len, p, fits);
        k->len += (uint32_t) fits;
        c->len += fits;
    }

    um_chain_move(c, &more);
    return UM_OK;
}

void
um_chain_move(um_chain_t *to, um_chain_t *from)
{
    if (from->head == NULL) {
        return;
    }

    if (to->tail == NULL) {
        to->head = from->head;
    } else {
        to->tail->next = from->head;
    }
    to->tail = from->tail;
    to->len += from->len;
    *from = (um_chain_t){ NULL, NULL, 0 };
}

void
um_chain_append(um_chain_t *to, um_chain_t *from, um_chunks_t *pool)
{
    um_chunk_t *k = from->head, *tail = to->tail;

    if (k == NULL || tail == NULL || k->kind != CHUNK_SMALL || k->next != NULL
        || from->len > tail->cap - tail->len)
    {
        um_chain_move(to, from);
        return;
    }

    memcpy(tail->data + tail->len, k->data + k->off, from->len);
    tail->len += (uint32_t) from->len;
    to->len += from->len;
    um_chain_free(from, pool);
}

int
um_chain_iov(const um_chain_t *c, struct iovec *iov, int max)
{
    int n = 0;

    for (um_chunk_t *k = c->head; k != NULL && n < max; k = k->next) {
        iov[n].iov_base = k->data + k->off;
        iov[n].iov_len = k->len - k->off;
        n++;
    }

    return n;
}

ssize_t
um_send(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {
        .msg_iov = (struct iovec *) (uintptr_t) iov,
        .msg_iovlen = (size_t) count,
    };

    if (count == 1) {
        return send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL);
    }

    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

void
um_chain_consume(um_chain_t *c, um_chunks_t *pool, size_t n)
{
    um_assert(n <= c->len);
    c->len -= n;

    while (c->head != NULL) {
        um_chunk_t *k = c->head;
        size_t have = k->len - k->off;

        if (n < have) {
            k->off += (uint32_t) n;
            return;
        }

        n -= have;
        c->head = k->next;
        if (c->head == NULL) {
            c->tail = NULL;
        }
        um_chunk_put(pool, k);
    }
}

um_chunk_t *
um_chain_shift(um_chain_t *c, size_t *n)
{
    um_chunk_t *k = c->head;
    size_t have;

    if (k == NULL) {
        return NULL;
    }

    have = um_min(*n, (size_t) (k->len - k->off));
    c->len -= have;
    *n -= have;
    k->off += (uint32_t) have;
    if (k->off < k->len) {
        return NULL;
    }

    c->head = k->next;
    if (c->head == NULL) {
        c->tail = NULL;
    }
    k->next = NULL;
    return k;
}

void
um_chain_push(um_chain_t *c, um_chunk_t *k)
{
    k->off = 0;
    k->next = NULL;
    if (c->tail == NULL) {
        c->head = k;
    } else {
        c->tail->next = k;
    }
    c->tail = k;
    c->len += k->len;
}

void
um_chain_free(um_chain_t *c, um_chunks_t *pool)
{
    um_chain_consume(c, pool, c->len);
}

void
um_chain_peek(const um_chain_t *c, void *out, size_t n)
{
    char *p = out;

    um_assert(n <= c->len);

    for (um_chunk_t *k = c->head; k != NULL && n > 0; k = k->next) {
        size_t have = um_min(n, (size_t) (k->len - k->off));

        memcpy(p, k->data + k->off, have);
        p += have;
        n -= have;
    }
}
