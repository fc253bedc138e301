/*
 * um_stuck.c -- see um_stuck.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_stuck.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/um_log.h"

/*
 * What it did between two looks is told by the second: who wants CPU then has
 * waited for it, but for the time it ran.  One that sleeps now and then and
 * still does not turn is found sleeping soon enough.  Of what it used before
 * the first look nothing is known; it has the benefit of that doubt.
 */
void
um_stuck_add(um_stuck_t *s, uint64_t turn_ns, const um_stuck_look_t *look)
{
    bool first = s->turn_ns != turn_ns;

    if (first) {
        memset(s, 0, sizeof(*s));
        s->turn_ns = s->last.at_ns = turn_ns;
    }

    if (!look->wants_cpu) {
        s->had_ns += look->at_ns - s->last.at_ns;
    } else if (!first && look->cpu_ns > s->last.cpu_ns) {
        s->had_ns += look->cpu_ns - s->last.cpu_ns;
    }

    s->last = *look;
}

um_rc_t
um_stuck_parse(const char *text, uint64_t tick_ns, um_stuck_look_t *look)
{
    /* Its name may have anything in it, but nothing behind it has a ')'. */
    const char *behind = strrchr(text, ')');
    uint64_t user, system;
    char state;

    if (behind == NULL
        || sscanf(behind,
               ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
               " %" SCNu64,
               &state, &user, &system)
               != 3)
    {
        return UM_ERR;
    }

    look->wants_cpu = state == 'R';
    look->cpu_ns = (user + system) * tick_ns;
    return UM_OK;
}

/* Where nothing can be seen, all time counts. */
static void
stuck_look(pid_t pid, um_stuck_look_t *look)
{
    char path[64];
    char text[1024];
    long ticks = sysconf(_SC_CLK_TCK);
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int) pid, (int) pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[um_max(n, 0)] = '\0';
    if (um_stuck_parse(text, UINT64_C(1000000000) / (uint64_t) ticks, look)
        != UM_OK)
    {
        look->wants_cpu = false;
    }
}

bool
um_stuck_hangs(um_stuck_t *s, const char *name, pid_t pid, uint64_t turn_ns,
    uint64_t now_ns, uint64_t limit_ns)
{
    um_stuck_look_t look = { .at_ns = now_ns };
    uint64_t before;

    if (s->turn_ns != turn_ns) {
        memset(s, 0, sizeof(*s)); /* what was seen is of an earlier turn */
    }

    before = s->turn_ns == 0 ? turn_ns : s->last.at_ns;
    if (now_ns < before + limit_ns / UM_STUCK_LOOKS) {
        return false;
    }

    stuck_look(pid, &look);
    um_stuck_add(s, turn_ns, &look);
    if (s->had_ns >= limit_ns) {
        return true;
    }

    if (now_ns - turn_ns >= limit_ns && !s->told) {
        s->told = true;
        um_log_warn(0,
            "%s: pid %d has not turned for %" PRIu64 " ms, for it got no CPU "
            "for %" PRIu64 " ms of them; it is let live",
            name, (int) pid, (now_ns - turn_ns) / 1000000,
            (now_ns - turn_ns - s->had_ns) / 1000000);
    }

    return false;
}

uint64_t
um_stuck_due(const um_stuck_t *s, uint64_t limit_ns)
{
    return s->last.at_ns == 0 ? 0 : s->last.at_ns + limit_ns / UM_STUCK_LOOKS;
}
