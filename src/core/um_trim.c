/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_trim.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

/* Less is not worth the while: it is used again soon.  What lives beside it
 * has to fit into the MB that a process may keep after a peak. */
#define TRIM_MIN ((size_t) 512 << 10)

/* Bytes of memory that the process has; 0: unknown. */
static size_t
trim_resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    size_t pages = 0;

    if (f == NULL) {
        return 0;
    }

    if (fscanf(f, "%*u %zu", &pages) != 1) {
        pages = 0;
    }
    fclose(f);
    return pages * (size_t) sysconf(_SC_PAGESIZE);
}

/* And does not use; its code is part of that, and always the same. */
static size_t
trim_unused(void)
{
    struct mallinfo2 m = mallinfo2();
    size_t used = m.uordblks + m.hblkhd;
    size_t resident = trim_resident();

    return resident > used ? resident - used : 0;
}

void
um_trim(um_trim_t *t)
{
    size_t unused = trim_unused();

    if (unused > t->rest + TRIM_MIN) {
        (void) malloc_trim(0);
        unused = trim_unused();
        t->rest = unused;
    }

    t->rest = um_min(t->rest, unused);
}
