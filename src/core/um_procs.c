/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_procs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* false: there is no such process. */
static bool
procs_read(int pid, const char *name, char *out, size_t size)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return false;
    }

    n = read(fd, out, size - 1);
    close(fd);
    out[n > 0 ? n : 0] = '\0';

    return n > 0;
}

static uint64_t
procs_ticks_to_us(unsigned long long ticks)
{
    long per_second = sysconf(_SC_CLK_TCK);

    return ticks * 1000000 / (uint64_t) um_max(per_second, 1);
}

void
um_proc_cost_add(um_proc_cost_t *sum, int pid)
{
    unsigned long long user, sys, total, resident, shared;
    char text[1024];
    const char *name_end;

    /* The name may hold anything; ')' ends it for the last time. */
    if (procs_read(pid, "stat", text, sizeof(text))) {
        name_end = strrchr(text, ')');
        if (name_end != NULL
            && sscanf(name_end + 1,
                   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                   &user, &sys)
                   == 2)
        {
            sum->user_us += procs_ticks_to_us(user);
            sum->sys_us += procs_ticks_to_us(sys);
        }
    }

    if (procs_read(pid, "statm", text, sizeof(text))
        && sscanf(text, "%llu %llu %llu", &total, &resident, &shared) == 3)
    {
        uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);

        sum->resident += resident * page;
        sum->memory += resident > shared ? (resident - shared) * page : 0;
    }
}
