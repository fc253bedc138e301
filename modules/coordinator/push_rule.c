/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_str.h"
#include "push_rule.h"

#define PAUSE_SOON_MS 100
#define PAUSE_MS      500
#define PAUSE_MAX_MS  10000

/* A proxy of the reference tells only one of the two epochs. */
static push_need_t
push_need_theirs(const push_facts_t *f)
{
    if (f->epoch > f->target && !(f->spare && f->same && f->taken == f->epoch))
    {
        return PUSH_AHEAD;
    }

    if (f->unsure || f->epoch < f->taken) {
        return PUSH_NEEDS_IT;
    }

    return f->taken == f->target || (f->spare && f->same && f->taken != 0)
               ? PUSH_HAS_IT
               : PUSH_NEEDS_IT;
}

push_need_t
push_need(const push_facts_t *f)
{
    if (!f->ours) {
        return push_need_theirs(f);
    }

    if (f->spare && f->same && !f->unsure && f->taken != 0
        && f->epoch == f->taken && f->repl_epoch == f->taken)
    {
        return PUSH_HAS_IT;
    }

    if (f->epoch > f->target || f->repl_epoch > f->target) {
        return PUSH_AHEAD;
    }

    return f->unsure || f->epoch < f->target || f->repl_epoch < f->target
               ? PUSH_NEEDS_IT
               : PUSH_HAS_IT;
}

push_verdict_t
push_verdict(um_str_t error)
{
    if (error.data == NULL || um_str_eq(error, um_lit("OLD_EPOCH"))) {
        return PUSH_TAKEN;
    }

    return um_str_eq(error, um_lit("TRY_AGAIN")) ? PUSH_SOON : PUSH_REFUSED;
}

uint32_t
push_wave(bool imports, bool has_empty_master, push_hint_t hint)
{
    if (hint != PUSH_HINT_NONE) {
        return hint == PUSH_HINT_FIRST ? 0 : 1;
    }

    return imports ? 0 : has_empty_master ? 1 : 2;
}

uint64_t
push_pause(push_verdict_t v, uint32_t in_vain)
{
    uint64_t ms = PAUSE_MS;

    if (v == PUSH_SOON) {
        return PAUSE_SOON_MS;
    }

    for (; in_vain > 1 && ms < PAUSE_MAX_MS; in_vain--) {
        ms *= 2;
    }

    return um_min(ms, PAUSE_MAX_MS);
}
