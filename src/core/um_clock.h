/*
 * um_clock.h -- what time it is.  Cheap enough for once per turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLOCK_H
#define UM_CLOCK_H

#include "core/um_base.h"

/* CLOCK_MONOTONIC; comparable between the processes of one machine. */
uint64_t um_clock_ns(void);

/* CLOCK_BOOTTIME: the same, but it also runs while the machine sleeps. */
uint64_t um_clock_boot_ns(void);

/* CLOCK_REALTIME since 1970, microseconds. */
uint64_t um_clock_wall_us(void);

#endif /* UM_CLOCK_H */
