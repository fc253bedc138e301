/*
 * um_hist.h -- how long things took: a histogram with four buckets to each
 * power of two, from 1 us to four and a half minutes, off by 12 % at most.
 *
 * One writer, no lock; a reader may see a bucket without its sum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HIST_H
#define UM_HIST_H

#include <stdatomic.h>

#include "core/um_base.h"

#define UM_HIST_POWERS  28 /* all from 2^28 us on are in the last bucket */
#define UM_HIST_BUCKETS (4 + 4 * (UM_HIST_POWERS - 2))

/* What is shared. */
typedef struct {
    _Atomic uint64_t bucket[UM_HIST_BUCKETS];
} um_hist_sh_t;

/* A sum of several, to be read at leisure. */
typedef struct {
    uint64_t bucket[UM_HIST_BUCKETS];
    uint64_t count;
} um_hist_t;

/* Alone on its counter: no locked instruction. */
static inline void
um_hist_count(_Atomic uint64_t *n, uint64_t more)
{
    atomic_store_explicit(n,
        atomic_load_explicit(n, memory_order_relaxed) + more,
        memory_order_relaxed);
}

/* 0..3 have a bucket each; then v of [2^k, 2^(k+1)) by its next two bits. */
static inline uint32_t
um_hist_index(uint32_t us)
{
    uint32_t shift;

    if (um_unlikely(us >= 1u << UM_HIST_POWERS)) {
        return UM_HIST_BUCKETS - 1;
    }

    shift = 29 - (uint32_t) __builtin_clz(us | 4);
    return 4 * shift + (us >> shift);
}

/* `n` things took `us` each. */
static inline void
um_hist_add(um_hist_sh_t *h, uint32_t us, uint64_t n)
{
    um_hist_count(&h->bucket[um_hist_index(us)], n);
}

/* The first us that is not in bucket `i` any more; of the last bucket too. */
static inline uint32_t
um_hist_end(uint32_t i)
{
    return i < 4 ? i + 1 : (5 + i % 4) << (i / 4 - 1);
}

/* Add what `h` holds to `sum`, or take it away (what was forgotten). */
void um_hist_sum(um_hist_t *sum, const um_hist_sh_t *h);
void um_hist_less(um_hist_t *sum, const um_hist_sh_t *h);

/* How many were shorter than `us`, a power of two. */
uint64_t um_hist_below(const um_hist_t *h, uint32_t us);

/* The time, us, that `part` (0 to 1) of all did not exceed; 0 when empty. */
double um_hist_percentile(const um_hist_t *h, double part);

#endif /* UM_HIST_H */
