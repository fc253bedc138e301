/*
 * um_backoff.c -- see um_backoff.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "os/um_backoff.h"

uint64_t
um_backoff_pause(um_backoff_t *b, uint64_t lived_ms)
{
    uint64_t pause;

    if (lived_ms >= UM_BACKOFF_YOUNG_MS) {
        b->next_ms = 0;
    }

    pause = b->next_ms;
    b->next_ms = pause == 0 ? UM_BACKOFF_FIRST_MS
                            : um_min(2 * pause, (uint64_t) UM_BACKOFF_MAX_MS);
    return pause;
}
