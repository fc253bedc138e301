/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_clock.h"

#include <time.h>

static uint64_t
clock_read(clockid_t id, uint64_t per_sec)
{
    struct timespec ts;

    um_assert(clock_gettime(id, &ts) == 0);

    return (uint64_t) ts.tv_sec * per_sec
           + (uint64_t) ts.tv_nsec / (1000000000 / per_sec);
}

uint64_t
um_clock_ns(void)
{
    return clock_read(CLOCK_MONOTONIC, 1000000000);
}

uint64_t
um_clock_boot_ns(void)
{
    return clock_read(CLOCK_BOOTTIME, 1000000000);
}

uint64_t
um_clock_wall_us(void)
{
    return clock_read(CLOCK_REALTIME, 1000000);
}
