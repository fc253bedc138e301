/* SPDX-License-Identifier: Apache-2.0 */

#include "watch_rule.h"

static watch_action_t
watch_well(watch_t *w)
{
    bool reported = w->reported;

    *w = (watch_t){ .state = WATCH_ALIVE };
    return reported ? WATCH_WITHDRAW : WATCH_NOTHING;
}

static watch_action_t
watch_failed(watch_t *w, watch_state_t state)
{
    bool reported = w->reported;

    w->state = state;
    w->reported = true;
    return reported ? WATCH_NOTHING : WATCH_REPORT;
}

/* It answers, so it is not dead; whether it stays reported depends on how long
 * it has been sick. */
static watch_action_t
watch_sick(watch_t *w, uint64_t now_ms)
{
    if (w->sick_ms == 0) {
        w->sick_ms = now_ms;
    }

    w->looks = 0;
    if (w->reported || now_ms - w->sick_ms >= WATCH_FAULT_MS) {
        return watch_failed(w, WATCH_FAULTY);
    }

    w->state = WATCH_ALIVE;
    return WATCH_NOTHING;
}

static watch_action_t
watch_vain(watch_t *w, watch_event_t event, bool fresh)
{
    w->sick_ms = 0;
    if (w->state == WATCH_DEAD) {
        return WATCH_NOTHING;
    }

    if (w->state != WATCH_DOUBT) {
        w->state = WATCH_DOUBT;
        w->looks = 0;
        return WATCH_LOOK;
    }

    /* A look is under way, and what it finds is newer. */
    if (!fresh) {
        return WATCH_NOTHING;
    }

    w->looks++;
    if (event == WATCH_SILENT || w->looks >= WATCH_LOOKS) {
        return watch_failed(w, WATCH_DEAD);
    }

    return WATCH_LOOK_LATER;
}

watch_action_t
watch_note(watch_t *w, watch_event_t event, bool fresh, uint64_t now_ms)
{
    switch (event) {
    case WATCH_WELL:
        return watch_well(w);

    case WATCH_SICK:
        return watch_sick(w, now_ms);

    case WATCH_GONE:
    case WATCH_SILENT:
        return watch_vain(w, event, fresh);

    default:
        return w->state == WATCH_DOUBT && fresh ? WATCH_LOOK_LATER
                                                : WATCH_NOTHING;
    }
}

const char *
watch_state_name(watch_state_t state)
{
    static const char *const names[] = {
        [WATCH_ALIVE] = "alive",
        [WATCH_DOUBT] = "doubt",
        [WATCH_FAULTY] = "faulty",
        [WATCH_DEAD] = "dead",
    };

    return names[state];
}
