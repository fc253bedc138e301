/*
 * um_chain.h -- bytes on their way out, in chunks.
 *
 * Small pieces are copied together into chunks from a pool; a large piece gets
 * one chunk of its own size.  The pool counts every byte it lent, so a worker
 * knows what its buffers cost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CHAIN_H
#define UM_CHAIN_H

#include <sys/uio.h>

#include "core/um_slab.h"

#define UM_CHUNK_SMALL 512   /* header included: replies that have to wait */
#define UM_CHUNK_LARGE 16384 /* header included: streams */

typedef struct um_chunk_s um_chunk_t;

struct um_chunk_s {
    um_chunk_t *next;
    uint32_t off; /* first byte not yet consumed */
    uint32_t len; /* first byte not yet filled   */
    uint32_t cap;
    uint32_t kind; /* which slab, or none */
    char data[];
};

/* Where chunks come from; one per worker. */
typedef struct {
    um_slab_t small;
    um_slab_t large;
    uint64_t memory; /* bytes lent now */
    uint64_t peak;   /* and at most; its reader may lower it */
} um_chunks_t;

typedef struct {
    um_chunk_t *head;
    um_chunk_t *tail;
    size_t len;
} um_chain_t; /* zero is empty */

void um_chunks_init(um_chunks_t *pool);
void um_chunks_deinit(um_chunks_t *pool);

/* What `from`, the pool of a thread that is done, has lent is lent by `pool`
 * from now on; `from` is as new. */
void um_chunks_adopt(um_chunks_t *pool, um_chunks_t *from);

/* Give back what nobody wanted since the last call.  How many bytes. */
size_t um_chunks_trim(um_chunks_t *pool);

/*
 * Copy `len` bytes to the end.  `stream`: more is likely to follow, so take a
 * large chunk; otherwise one that just fits.  UM_ERR: out of memory, the chain
 * is unchanged.
 */
UM_MUSTCHECK um_rc_t um_chain_add(um_chain_t *c, um_chunks_t *pool,
    const void *data, size_t len, bool stream);

/* Move all of `from` to the end of `to`; no copy, cannot fail. */
void um_chain_move(um_chain_t *to, um_chain_t *from);

/* The same, but a small piece is copied to where `to` has room for it: many of
 * them are then one piece for the kernel, and their chunks are free at once. */
void um_chain_append(um_chain_t *to, um_chain_t *from, um_chunks_t *pool);

/* Fill at most `max` vectors; how many. */
int um_chain_iov(const um_chain_t *c, struct iovec *iov, int max);

/* Send `count` vectors over a socket: as writev() does, and without a signal
 * when the other end is gone.  send() and recv() are spared what read() and
 * write() do for files. */
ssize_t um_send(int fd, const struct iovec *iov, int count);

/* Drop the first `n` <= c->len bytes. */
void um_chain_consume(um_chain_t *c, um_chunks_t *pool, size_t n);

/* The first chunk, if its bytes are among the first `*n`, which they are taken
 * from; the caller owns it then.  NULL: there is no such chunk (any more), the
 * rest of the `*n` is dropped. */
um_chunk_t *um_chain_shift(um_chain_t *c, size_t *n);

/* Put a chunk (taken) at the end; all of it counts, also what was dropped.
 * Or give it back. */
void um_chain_push(um_chain_t *c, um_chunk_t *k);
void um_chunk_put(um_chunks_t *pool, um_chunk_t *k);

/* Drop everything. */
void um_chain_free(um_chain_t *c, um_chunks_t *pool);

/* Copy the first `n` <= c->len bytes to `out`, without consuming them. */
void um_chain_peek(const um_chain_t *c, void *out, size_t n);

#endif /* UM_CHAIN_H */
