/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_lease.h"

#include "core/um_str.h"

#define NS_PER_MS UINT64_C(1000000)

/* By how much the clocks of two machines may differ in speed: a 64th. */
#define DRIFT(ms) ((ms) / 64 + 1)

uint64_t
um_lease_left_ms(uint64_t vouched_ns, uint64_t lease_ms, uint64_t now_ns)
{
    uint64_t end = vouched_ns + lease_ms * NS_PER_MS;

    if (vouched_ns == 0 || now_ns >= end) {
        return 0;
    }

    /* Another process may have read the clock later than we. */
    return um_min((end - now_ns) / NS_PER_MS, lease_ms);
}

bool
um_lease_is_out(uint64_t vouched_ns, uint64_t lease_ms, uint64_t now_ns)
{
    return lease_ms != 0 && um_lease_left_ms(vouched_ns, lease_ms, now_ns) == 0;
}

bool
um_lease_may_run(uint64_t since_ns, uint64_t lease_ms, uint64_t now_ns)
{
    return lease_ms != 0
           && now_ns < since_ns + (lease_ms + DRIFT(lease_ms)) * NS_PER_MS;
}

um_rc_t
um_lease_parse(um_str_t text, uint64_t now_ns, uint64_t *vouched_ns)
{
    uint64_t ms;

    if (um_str_to_u64(text, &ms) != UM_OK) {
        return UM_DECLINED;
    }

    *vouched_ns = ms <= now_ns / NS_PER_MS ? ms * NS_PER_MS : 0;
    return UM_OK;
}

void
um_lease_vouch(_Atomic uint64_t *vouched_ns, uint64_t moment_ns)
{
    uint64_t had = atomic_load_explicit(vouched_ns, memory_order_relaxed);

    while (moment_ns > had
           && !atomic_compare_exchange_weak_explicit(vouched_ns, &had,
               moment_ns, memory_order_release, memory_order_relaxed))
    {
        /* another worker has heard of another moment */
    }
}
