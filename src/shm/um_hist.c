/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_hist.h"

void
um_hist_sum(um_hist_t *sum, const um_hist_sh_t *h)
{
    for (uint32_t i = 0; i < UM_HIST_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&h->bucket[i], memory_order_relaxed);

        sum->bucket[i] += n;
        sum->count += n;
    }
}

void
um_hist_less(um_hist_t *sum, const um_hist_sh_t *h)
{
    for (uint32_t i = 0; i < UM_HIST_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&h->bucket[i], memory_order_relaxed);

        n = um_min(n, sum->bucket[i]);
        sum->bucket[i] -= n;
        sum->count -= n;
    }
}

uint64_t
um_hist_below(const um_hist_t *h, uint32_t us)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < UM_HIST_BUCKETS && um_hist_end(i) <= us; i++) {
        n += h->bucket[i];
    }

    return n;
}

double
um_hist_percentile(const um_hist_t *h, double part)
{
    double want = part * (double) h->count;
    uint64_t n = 0;

    if (h->count == 0) {
        return 0;
    }

    for (uint32_t i = 0; i < UM_HIST_BUCKETS; i++) {
        n += h->bucket[i];
        if (n > 0 && (double) n >= want) {
            return um_hist_end(i);
        }
    }

    return um_hist_end(UM_HIST_BUCKETS - 1);
}
