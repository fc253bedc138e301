/*
 * um_bench.h -- nanoseconds of one call, on input that is always the same.
 *
 * CPU time of the thread, not wall time: a machine shared with others still
 * gives figures that can be compared.  The least of the rounds is what the
 * code costs, the median what it costs among neighbours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BENCH_H
#define UM_BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define UM_BENCH_ROUNDS   15
#define UM_BENCH_ROUND_NS 20000000u

/*
 * Do the operation `n` times and return a number that depends on every one
 * of them, so that no compiler leaves any out.  `ctx` is borrowed.
 */
typedef uint64_t (*um_bench_pt)(void *ctx, uint64_t n);

static inline uint64_t
um_bench_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000u + (uint64_t) ts.tv_nsec;
}

static inline int
um_bench_compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

/* Here the result is needed, as far as the compiler can see. */
static inline void
um_bench_use(uint64_t v)
{
    __asm__ volatile("" : : "r"(v));
}

/* Measure `fn` and print one line about it.  `what` names one operation. */
static inline void
um_bench_run(const char *what, um_bench_pt fn, void *ctx)
{
    double ns[UM_BENCH_ROUNDS];
    uint64_t n = 64, began, took;

    /* The first calls warm the caches and find how many fill one round. */
    for (;;) {
        began = um_bench_cpu_ns();
        um_bench_use(fn(ctx, n));
        took = um_bench_cpu_ns() - began;
        if (took >= UM_BENCH_ROUND_NS) {
            break;
        }

        n *= took > UM_BENCH_ROUND_NS / 8 ? 2 : 4;
    }

    for (int i = 0; i < UM_BENCH_ROUNDS; i++) {
        began = um_bench_cpu_ns();
        um_bench_use(fn(ctx, n));
        took = um_bench_cpu_ns() - began;
        ns[i] = (double) took / (double) n;
    }

    qsort(ns, UM_BENCH_ROUNDS, sizeof(ns[0]), um_bench_compare);
    printf("%-44s %9.1f ns  (median %.1f)\n", what, ns[0],
        ns[UM_BENCH_ROUNDS / 2]);
    fflush(stdout);
}

#endif /* UM_BENCH_H */
