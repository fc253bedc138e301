/* SPDX-License-Identifier: Apache-2.0 */

#include "broker_rule.h"

#define MUTE_MAX 2

void
broker_rule_note(broker_health_t *h, broker_event_t event, uint64_t now_ms)
{
    if (event == BROKER_ANSWERED) {
        *h = (broker_health_t){ 0 };
        return;
    }

    if (event == BROKER_MUTE && ++h->mute < MUTE_MAX) {
        return;
    }

    /* What was asked before its rest began does not make that longer. */
    if (h->rest_until_ms > now_ms) {
        return;
    }

    h->rest_ms = h->rest_ms == 0 ? BROKER_REST_MS
                                 : um_min(h->rest_ms * 2, BROKER_REST_MAX_MS);
    h->rest_until_ms = now_ms + h->rest_ms;
}

uint32_t
broker_rule_choose(
    const broker_health_t *h, uint32_t count, uint32_t current, uint64_t now_ms)
{
    uint32_t best = current;

    if (h[current].rest_until_ms == 0) {
        return current;
    }

    for (uint32_t i = 1; i <= count; i++) {
        uint32_t k = (current + i) % count;

        if (h[k].rest_until_ms <= now_ms) {
            return k;
        }
        if (h[k].rest_until_ms < h[best].rest_until_ms) {
            best = k;
        }
    }

    return best;
}

bool
broker_rule_again(broker_event_t event, bool only_once)
{
    return event == BROKER_REFUSED || (event == BROKER_MUTE && !only_once);
}
