/* SPDX-License-Identifier: Apache-2.0 */

#include "master/um_aide.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"

#define NS_PER_MS UINT64_C(1000000)

/* From the word to the kill. */
#define AIDE_GRACE_MS UINT64_C(3000)

/* At most so long nobody follows one that has died, however often. */
#define AIDE_PAUSE_MS UINT64_C(500)

/* A fork that failed: try again after. */
#define AIDE_RETRY_MS UINT64_C(200)

static int
aide_run(int channel, void *data)
{
    const um_aide_t *a = data;
    const um_cycle_t *cy = a->cycle;

    um_proc_title("undermoond: mover");
    a->on_fork(a->data);
    if (um_user_become(&cy->user) != UM_OK) {
        return EXIT_FAILURE;
    }

    return cy->def->run_mover(
        channel, a->shm, a->wake_fd, a->bus_out, cy->proxy);
}

static void
aide_on_ended(um_proc_t *p, int status)
{
    um_aide_t *a = um_container_of(p, um_aide_t, proc);
    bool expected = a->deadline_ns != 0;
    char how[96];

    um_proc_status_format(status, how, sizeof(how));
    a->deadline_ns = 0;
    if (expected && status == 0) {
        um_log_info(0, "%s: has left", p->name);
        p->due_ns = 0;
        return;
    }

    /* Without it nothing is confirmed: it does not stay away for long. */
    p->pause_ms = um_min(p->pause_ms, AIDE_PAUSE_MS);
    p->due_ns = um_min(p->due_ns, um_clock_ns() + AIDE_PAUSE_MS * NS_PER_MS);
    um_log_error(0, "%s: %s; another one starts in %" PRIu64 " ms", p->name,
        how, p->pause_ms);
}

um_rc_t
um_aide_init(um_aide_t *a, um_shm_t *shm, const int *bus_out,
    const uint64_t *awake_ns, void (*on_fork)(void *data), void *data)
{
    memset(a, 0, sizeof(*a));
    um_proc_init(&a->proc, "mover", aide_on_ended);
    a->shm = shm;
    a->bus_out = bus_out;
    a->awake_ns = awake_ns;
    a->on_fork = on_fork;
    a->data = data;
    a->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->wake_fd == -1) {
        um_log_error(errno, "mover: eventfd failed");
        return UM_ERR;
    }

    return UM_OK;
}

void
um_aide_deinit(um_aide_t *a)
{
    close(a->wake_fd);
}

/* The end of its channel is the word to leave. */
static void
aide_dismiss(um_aide_t *a)
{
    if (a->proc.pid != 0 && a->deadline_ns == 0) {
        um_proc_signal(&a->proc, SIGTERM);
        a->deadline_ns = um_clock_ns() + AIDE_GRACE_MS * NS_PER_MS;
    }
}

void
um_aide_hire(um_aide_t *a, const um_cycle_t *cy)
{
    a->cycle = cy->proxy != NULL ? cy : NULL;
    aide_dismiss(a);
}

void
um_aide_stop(um_aide_t *a)
{
    a->cycle = NULL;
    aide_dismiss(a);
}

static uint64_t
aide_start(um_aide_t *a, uint64_t now)
{
    if (a->cycle == NULL) {
        return 0;
    }

    a->hung = false;
    a->since_ns = um_clock_boot_ns();
    if (a->proc.due_ns <= now
        && um_proc_start(&a->proc, UM_SIGNAL_CHILD_WORKER, aide_run, a)
               != UM_OK)
    {
        a->proc.due_ns = now + AIDE_RETRY_MS * NS_PER_MS;
    }

    return a->proc.pid == 0 ? a->proc.due_ns : 0;
}

/* It tells the time as it turns, and is asked for it no earlier than we have
 * been awake for long enough. */
static bool
aide_hangs(um_aide_t *a, uint64_t now)
{
    uint64_t limit = a->cycle != NULL ? a->cycle->main->worker_watchdog : 0;
    uint64_t told = atomic_load(&a->shm->repl->awake_ns);

    limit *= NS_PER_MS;
    return limit != 0 && !a->hung
           && um_stuck_hangs(&a->stuck, a->proc.name, a->proc.pid,
               um_max(told, a->since_ns), um_clock_boot_ns(), limit)
           && now > *a->awake_ns + limit;
}

uint64_t
um_aide_tick(um_aide_t *a, uint64_t now)
{
    if (a->proc.pid == 0) {
        return aide_start(a, now);
    }

    if (aide_hangs(a, now)) {
        um_log_error(0, "%s: pid %d does not turn, it is killed", a->proc.name,
            (int) a->proc.pid);
        a->hung = true;
        um_proc_signal(&a->proc, SIGKILL);
    }

    if (a->deadline_ns != 0 && a->deadline_ns <= now) {
        um_log_error(0, "%s: does not leave, it is killed", a->proc.name);
        um_proc_signal(&a->proc, SIGKILL);
        a->deadline_ns = now + AIDE_GRACE_MS * NS_PER_MS;
    }

    return a->deadline_ns;
}
