/*
 * um_lease.h -- for how long a proxy may serve without being told so anew.
 *
 * A coordinator vouches for a proxy: at some moment, as the proxy's own clock
 * had it, the broker said that the proxy is what it was told to be.  For the
 * lease from then on it serves.  Whatever the broker decides against it is
 * decided later than that moment, so whoever takes over without having stopped
 * the old master waits for as long as a lease after it has heard of that.
 *
 * The moment is named in the proxy's clock, which the coordinator has from its
 * answers: so a word that was long under way is as old as it is, and nobody's
 * clock is compared with another's.  Moments are um_clock_boot_ns(), which
 * also runs while the machine sleeps; 0: nobody has ever vouched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LEASE_H
#define UM_LEASE_H

#include <stdatomic.h>

#include "core/um_base.h"

/* `lease_ms` 0, here and below: there is none.  Pure. */
bool um_lease_is_out(uint64_t vouched_ns, uint64_t lease_ms, uint64_t now_ns);

/* How much of it is left, ms.  Pure. */
uint64_t um_lease_left_ms(
    uint64_t vouched_ns, uint64_t lease_ms, uint64_t now_ns);

/* May that of another proxy still run, which was vouched for before
 * `since_ns`?  A little longer than ours would, for no two clocks run alike.
 * Pure. */
bool um_lease_may_run(uint64_t since_ns, uint64_t lease_ms, uint64_t now_ns);

/*
 * The moment that BEAT names, in ms.  UM_DECLINED: it is no number.  One that
 * has not been yet cannot be meant, and is as good as none: 0.  Pure.
 */
UM_MUSTCHECK um_rc_t um_lease_parse(
    um_str_t text, uint64_t now_ns, uint64_t *vouched_ns);

/* Somebody has vouched; an earlier moment than what is known changes nothing.
 */
void um_lease_vouch(_Atomic uint64_t *vouched_ns, uint64_t moment_ns);

/* What is told of it. */
typedef struct {
    uint64_t lease_ms; /* 0: there is none, and nothing is told */
    uint64_t left_ms;
} um_lease_told_t;

#endif /* UM_LEASE_H */
