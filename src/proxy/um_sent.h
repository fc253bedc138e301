/*
 * um_sent.h -- the bytes that a connection has sent and that are not answered
 * yet, for the slow log: should a command turn out to be slow, its words are
 * still here.  Costs a command nothing, for the chunks that were written are
 * kept as they are until their last reply has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SENT_H
#define UM_SENT_H

#include "net/um_chain.h"

/* Of one connection; more is not kept, and what came last has no words. */
#define UM_SENT_MAX (4u << 20)

typedef struct {
    um_chain_t chain; /* whole chunks, no gaps */
    uint64_t from;    /* stream position of the first byte */
    um_chunk_t *near; /* where um_sent_at() looked last; may be NULL ... */
    uint64_t near_from;
} um_sent_t; /* zero is empty */

/* A place in a stream of bytes. */
typedef struct {
    const um_chunk_t *chunk;
    size_t off;
    const um_chunk_t *then; /* where to go on behind the last; NULL: nowhere */
} um_sent_at_t;

/*
 * Take the first `n` bytes, which were written, out of `out`, and keep their
 * chunks.  `written`: stream position behind them.  `is_small`: there are many
 * such connections, keep little.
 */
void um_sent_add(um_sent_t *s, um_chain_t *out, um_chunks_t *pool, size_t n,
    uint64_t written, bool is_small);

/* Everything up to stream position `answered` is answered. */
static inline bool
um_sent_is_due(const um_sent_t *s, uint64_t answered)
{
    return s->chain.head != NULL && s->from + s->chain.head->len <= answered;
}

void um_sent_release(um_sent_t *s, um_chunks_t *pool, uint64_t answered);

/* The connection is gone: keep what is in `out` as well, until all of it has
 * been told so. */
void um_sent_add_rest(
    um_sent_t *s, um_chain_t *out, um_chunks_t *pool, uint64_t written);
void um_sent_free(um_sent_t *s, um_chunks_t *pool);

/*
 * Find stream position `pos`, in what was written or in `out`, which goes on
 * behind `written`.  UM_DECLINED: it is not kept.
 */
UM_MUSTCHECK um_rc_t um_sent_find(um_sent_t *s, const um_chain_t *out,
    uint64_t written, uint64_t pos, um_sent_at_t *at);

/* Copy the next bytes up to a '\n' and with it, at most `max`.  How many; 0:
 * there is no end of a line among them. */
size_t um_sent_line(um_sent_at_t *at, char *to, size_t max);

/* Copy the next `n` bytes to `to`, or skip them (NULL).  How many there were.
 */
size_t um_sent_read(um_sent_at_t *at, char *to, size_t n);

#endif /* UM_SENT_H */
