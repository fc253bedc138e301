/*
 * beat_text.h -- what a proxy says of itself, taken apart, and how it is
 * vouched for.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BEAT_TEXT_H
#define BEAT_TEXT_H

#include "core/um_base.h"

#define BEAT_FAULT_MAX 31

typedef struct {
    uint64_t epoch;
    uint64_t repl_epoch;
    char fault[BEAT_FAULT_MAX + 1]; /* "none", "down", "hung", ... */
    bool in_sync;
    uint64_t finished; /* migrations that wait to be committed */
    uint64_t clock_ms; /* its own; 0: it has no lease, and tells none */
} beat_t;

/* UMCTL BEAT's "7 7 none 1 0", and where there is a lease the proxy's clock
 * behind it; what may come behind it some day is ignored.
 * UM_DECLINED: it is something else, `*b` is untouched. */
UM_MUSTCHECK um_rc_t beat_parse(um_str_t text, beat_t *b);

/*
 * When by the proxy's clock, ms, was the moment `sure_ns` of ours?  `clock_ms`
 * it said in what we heard at `heard_ns`; both times are um_clock_boot_ns().
 * Never later than it was: the answer had been under way for a while.  0: that
 * cannot be said.
 */
uint64_t beat_moment(uint64_t clock_ms, uint64_t heard_ns, uint64_t sure_ns);

#endif /* BEAT_TEXT_H */
