/* SPDX-License-Identifier: Apache-2.0 */

#include "back_rule.h"

bool
back_note(back_t *b, bool well, uint64_t now_ms)
{
    if (!well) {
        b->looks = 0;
        return false;
    }

    if (b->looks++ == 0) {
        b->since_ms = now_ms;
    }

    return b->looks >= BACK_LOOKS
           && now_ms - b->since_ms >= (uint64_t) BACK_WELL_MS << b->times;
}

void
back_done(back_t *b, uint64_t now_ms)
{
    if (now_ms - b->last_ms > BACK_FORGIVE_MS) {
        b->times = 0;
    }

    b->looks = 0;
    b->times = um_min(b->times + 1, (uint32_t) BACK_TIMES_MAX);
    b->last_ms = now_ms;
}
