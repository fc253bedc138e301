/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "beat_text.h"
#include "core/um_str.h"

#define NS_PER_MS UINT64_C(1000000)

/* The next word of what is left, none when that is empty. */
static um_str_t
beat_word(um_str_t *rest)
{
    const char *end = memchr(rest->data, ' ', rest->len);
    um_str_t word = { rest->data,
        end != NULL ? (size_t) (end - rest->data) : rest->len };
    size_t used = word.len + (end != NULL);

    rest->data += used;
    rest->len -= used;
    return word;
}

/* It goes into logs and JSON. */
static bool
beat_is_fault(um_str_t word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];

        if ((c < 'a' || c > 'z') && c != '_' && c != '-') {
            return false;
        }
    }

    return word.len > 0 && word.len <= BEAT_FAULT_MAX;
}

um_rc_t
beat_parse(um_str_t text, beat_t *out)
{
    beat_t b = { 0 };
    uint64_t in_sync;
    um_str_t fault;

    if (text.len == 0 || um_str_to_u64(beat_word(&text), &b.epoch) != UM_OK
        || um_str_to_u64(beat_word(&text), &b.repl_epoch) != UM_OK)
    {
        return UM_DECLINED;
    }

    fault = beat_word(&text);
    if (!beat_is_fault(fault)
        || um_str_to_u64(beat_word(&text), &in_sync) != UM_OK
        || um_str_to_u64(beat_word(&text), &b.finished) != UM_OK)
    {
        return UM_DECLINED;
    }

    /* Anything else may stand there some day. */
    if (um_str_to_u64(beat_word(&text), &b.clock_ms) != UM_OK) {
        b.clock_ms = 0;
    }

    memcpy(b.fault, fault.data, fault.len);
    b.in_sync = in_sync == 1;
    *out = b;
    return UM_OK;
}

uint64_t
beat_moment(uint64_t clock_ms, uint64_t heard_ns, uint64_t sure_ns)
{
    uint64_t back;

    if (clock_ms == 0 || sure_ns == 0) {
        return 0;
    }

    if (sure_ns >= heard_ns) {
        return clock_ms + (sure_ns - heard_ns) / NS_PER_MS;
    }

    back = (heard_ns - sure_ns + NS_PER_MS - 1) / NS_PER_MS;
    return clock_ms > back ? clock_ms - back : 0;
}
