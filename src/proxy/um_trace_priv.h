/*
 * um_trace_priv.h -- between um_trace.c and um_trace_slow.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TRACE_PRIV_H
#define UM_TRACE_PRIV_H

#include "proxy/um_trace.h"

/* As a request keeps it; 0 means "never" there. */
static inline uint32_t
um_trace_us(uint64_t ns)
{
    uint32_t us = (uint32_t) (ns / 1000);

    return us == 0 ? 1 : us;
}

/* In each turn as many slow ones are told as there is room for. */
void um_trace_slow_turn(um_trace_t *t);

/*
 * `r` has got its answer at `now` (us): tell of it if it was slow, at once or
 * when its answer has had its turn; forget what was kept for the case.  `here`:
 * we have answered it ourselves.
 */
void um_trace_close(um_req_t *r, bool is_slow, uint32_t now, bool here);

#endif /* UM_TRACE_PRIV_H */
