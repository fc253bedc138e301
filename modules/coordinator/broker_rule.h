/*
 * broker_rule.h -- which of several brokers is asked.  Pure.
 *
 * They need not know of each other, so one is kept to for as long as it
 * answers: the next one is taken after a connection that was refused, or two
 * times in a row without an answer, and then it is kept to that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_RULE_H
#define BROKER_RULE_H

#include "core/um_base.h"

#define BROKER_REST_MS     1000 /* not asked for so long; doubles, up to */
#define BROKER_REST_MAX_MS 8000

typedef enum {
    BROKER_ANSWERED,
    BROKER_REFUSED, /* surely not executed: nobody is there       */
    BROKER_MUTE,    /* no answer in time, or the connection ended */
} broker_event_t;

typedef struct {
    uint64_t rest_until_ms; /* 0: it may be asked */
    uint64_t rest_ms;       /* of the latest rest */
    uint32_t mute;          /* in a row           */
} broker_health_t;          /* zeroed is ready */

void broker_rule_note(
    broker_health_t *h, broker_event_t event, uint64_t now_ms);

/*
 * Which of `count` to ask when `current` was asked last.  When all rest, the
 * one that has rested for longest.
 */
uint32_t broker_rule_choose(const broker_health_t *h, uint32_t count,
    uint32_t current, uint64_t now_ms);

/* May what ended like this be asked of another broker? */
bool broker_rule_again(broker_event_t event, bool only_once);

#endif /* BROKER_RULE_H */
