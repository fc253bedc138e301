/* SPDX-License-Identifier: Apache-2.0 */

#include "undo_rule.h"

#include "core/um_str.h"

undo_says_t
undo_read(bool error, um_str_t text)
{
    static const struct {
        bool error;
        const char *text;
        undo_says_t says;
    } known[] = {
        { false, "UNDONE", UNDO_SAYS_DONE },
        { false, "UNDOING", UNDO_SAYS_GOES_ON },
        { false, "COMMITTED", UNDO_SAYS_TOO_LATE },
        { true, "TASK_NOT_FOUND", UNDO_SAYS_UNKNOWN },
    };

    for (size_t i = 0; i < um_countof(known); i++) {
        if (error == known[i].error
            && um_str_eq(text, um_str_of(known[i].text))) {
            return known[i].says;
        }
    }

    return UNDO_SAYS_NO;
}

unsigned
undo_turn(const bool undone[2])
{
    return !undone[0] ? 0 : !undone[1] ? 1 : 2;
}

uint64_t
undo_pause(undo_says_t says, uint32_t times)
{
    static const struct {
        uint64_t first;
        uint64_t most;
    } pauses[] = {
        [UNDO_SAYS_NOTHING] = { 500, 5000 },
        [UNDO_SAYS_DONE] = { 200, 5000 }, /* the broker does not take it */
        [UNDO_SAYS_GOES_ON] = { 50, 1000 },
        [UNDO_SAYS_TOO_LATE] = { 1000, 5000 },
        [UNDO_SAYS_UNKNOWN] = { 100, 2000 },
        [UNDO_SAYS_NO] = { 500, 10000 },
    };
    uint64_t ms = pauses[says].first;

    for (; times > 1 && ms < pauses[says].most; times--) {
        ms *= 2;
    }

    return um_min(ms, pauses[says].most);
}
