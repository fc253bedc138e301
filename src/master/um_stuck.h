/*
 * um_stuck.h -- does a process hang, or does it only get no CPU?
 *
 * A hang is counted in time that the process could use: it ran, slept, was
 * stopped, or waited for a disk.  Time in which it wanted to run and was not
 * let is nobody's fault, and to kill it would make the machine busier still.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_STUCK_H
#define UM_STUCK_H

#include <sys/types.h>

#include "core/um_base.h"

/* So many looks in the time that a process may take. */
#define UM_STUCK_LOOKS 8

/* What is seen of its first thread, the one that turns. */
typedef struct {
    uint64_t at_ns;  /* by the clock of its turns        */
    uint64_t cpu_ns; /* what it has used in its life     */
    bool wants_cpu;  /* it runs, or would if it were let */
} um_stuck_look_t;

/* Zeroed at first. */
typedef struct {
    uint64_t turn_ns;     /* of the turn that is looked at; 0: none */
    uint64_t had_ns;      /* time since then that it could use      */
    um_stuck_look_t last; /* at_ns 0: there was none                */
    bool told;            /* that it only waits for CPU             */
} um_stuck_t;

/* Count in what was seen; `turn_ns`: when its latest turn began.  Pure. */
void um_stuck_add(um_stuck_t *s, uint64_t turn_ns, const um_stuck_look_t *look);

/* `text` is that of /proc/PID/stat, a tick is of so many ns; at_ns is left
 * alone.  Pure. */
UM_MUSTCHECK um_rc_t um_stuck_parse(
    const char *text, uint64_t tick_ns, um_stuck_look_t *look);

/*
 * To be called at least as often as um_stuck_due() says: has `pid`, called
 * `name` in the log, hung for `limit_ns`?  Times are those of the clock of
 * its turns.
 */
bool um_stuck_hangs(um_stuck_t *s, const char *name, pid_t pid,
    uint64_t turn_ns, uint64_t now_ns, uint64_t limit_ns);

/* When to look again; 0: it turns, so any time will do. */
uint64_t um_stuck_due(const um_stuck_t *s, uint64_t limit_ns);

#endif /* UM_STUCK_H */
