/*
 * um_hand.c -- see um_hand.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_hand.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "master/um_modules.h"
#include "master/um_rows.h"

#define NS_PER_MS UINT64_C(1000000)

/* A fork that failed, or no row: try again after. */
#define HAND_RETRY_MS UINT64_C(200)

/* One that starts may be busy for so many times worker_watchdog. */
#define HAND_START_FACTOR 6

/* --- The child --------------------------------------------------------- */

/* Keep our share of each address' sockets, close the others'. */
static um_heritage_listen_t *
hand_listeners(const um_hand_t *h, uint32_t *count)
{
    const um_cycle_t *cy = h->common->cycle;
    um_heritage_listen_t *mine;
    size_t sockets = 1; /* never none: calloc(0) is hard to tell from failure */
    uint32_t i;
    uint32_t k;

    for (i = 0; i < cy->listener_count; i++) {
        sockets += cy->listener[i].fd_count;
    }

    *count = 0;
    mine = calloc(sockets, sizeof(*mine));
    if (mine == NULL) {
        um_log_error(ENOMEM, "listening sockets");
        return NULL;
    }

    for (i = 0; i < cy->listener_count; i++) {
        const um_listener_t *l = &cy->listener[i];
        bool ours = l->owner == NULL;

        for (k = 0; k < l->fd_count; k++) {
            if (!ours
                || !um_listener_is_served(
                    k, um_listener_is_shared(l), cy->workers, h->index))
            {
                close(l->fd[k]);
                continue;
            }

            mine[*count].fd = l->fd[k];
            mine[*count].control = l->control;
            mine[*count].addr = l->addr;
            (*count)++;
        }
    }

    return mine;
}

/* Life of a worker process. */
static int
hand_run(int channel, void *data)
{
    const um_hand_t *h = data;
    const um_hand_common_t *common = h->common;
    const um_cycle_t *cy = common->cycle;
    um_workers_sh_t *workers = common->shm->workers;
    um_heritage_listen_t *mine;
    um_heritage_t heritage;
    char title[64];
    uint32_t i;
    int code;

    atomic_store(&workers->row[h->row].pid, (int32_t) getpid());

    snprintf(title, sizeof(title), "undermoond: worker %u", h->index);
    um_proc_title(title);

    if (common->private_fd != -1) {
        close(common->private_fd);
    }

    for (i = 0; i < workers->rows; i++) {
        if (i != h->row) {
            close(common->bus_in[i]);
        }
    }

    memset(&heritage, 0, sizeof(heritage));
    heritage.shm = (um_shm_t *) common->shm;
    heritage.row = h->row;
    heritage.index = h->index;
    heritage.workers = cy->workers;
    heritage.cycle = cy->number;
    heritage.master_fd = channel;
    heritage.bus_in = common->bus_in[h->row];
    heritage.bus_out = common->bus_out;
    heritage.mover_fd = common->mover_fd;
    heritage.proxy_conf = cy->proxy;
    heritage.init_worker = um_modules_init_worker;
    heritage.exit_worker = um_modules_exit_worker;
    heritage.cycle_conf = cy;

    mine = hand_listeners(h, &heritage.listen_count);
    if (mine == NULL || um_user_become(&cy->user) != UM_OK) {
        free(mine);
        return EXIT_FAILURE;
    }

    heritage.listen = mine;
    code = cy->def->run(&heritage);
    free(mine);
    return code;
}

/* --- The master -------------------------------------------------------- */

/* What was sent to the process that had the row before. */
static void
hand_drain_bus(int fd)
{
    char byte;

    while (recv(fd, &byte, sizeof(byte), 0) >= 0) {
    }
}

static void
hand_start(um_hand_t *h, uint64_t now)
{
    um_workers_sh_t *workers = h->common->shm->workers;

    if (um_rows_take(workers, &h->row) != UM_OK) {
        um_log_warn(0, "%s: no row is free on the noticeboard", h->proc.name);
        h->proc.due_ns = now + HAND_RETRY_MS * NS_PER_MS;
        return;
    }

    hand_drain_bus(h->common->bus_in[h->row]);

    if (um_proc_start(&h->proc, UM_SIGNAL_CHILD_WORKER, hand_run, h) != UM_OK) {
        um_rows_ended(workers, h->row, true);
        h->proc.due_ns = now + HAND_RETRY_MS * NS_PER_MS;
        return;
    }

    atomic_store(&workers->row[h->row].pid, (int32_t) h->proc.pid);
    h->stage = UM_HAND_STARTING;
    h->deaf = false;
    h->hung = false;
}

static void
hand_on_ended(um_proc_t *p, int status)
{
    um_hand_t *h = um_container_of(p, um_hand_t, proc);
    bool clean = status == 0;
    char how[96];

    um_proc_status_format(status, how, sizeof(how));
    um_rows_ended(h->common->shm->workers, h->row, clean);

    if (um_hand_is_leaving(h)) {
        if (clean) {
            um_log_info(0, "%s: has left", p->name);
        } else {
            um_log_notice(0, "%s: %s", p->name, how);
        }

        h->stage = UM_HAND_NONE;
        return;
    }

    if (h->stage == UM_HAND_STARTING) {
        h->common->failed++;
    }

    um_log_error(0, "%s: %s; another one starts in %" PRIu64 " ms", p->name,
        how, p->pause_ms);
    h->stage = UM_HAND_WAITING;
}

void
um_hand_init(um_hand_t *h, um_hand_common_t *common, uint32_t index)
{
    char name[UM_PROC_NAME_MAX + 1];

    memset(h, 0, sizeof(*h));
    snprintf(name, sizeof(name), "worker%u", index);
    um_proc_init(&h->proc, name, hand_on_ended);
    h->common = common;
    h->stage = UM_HAND_WAITING;
    h->index = index;
    h->cycle = common->cycle->number;
}

static void
hand_kill(um_hand_t *h)
{
    um_proc_signal(&h->proc, SIGKILL);
    h->stage = UM_HAND_KILLED;
    h->deadline_ns = 0;
}

void
um_hand_dismiss(um_hand_t *h, um_hand_stage_t stage, uint64_t patience_ms)
{
    static const int signals[] = {
        [UM_HAND_RETIRING] = SIGWINCH,
        [UM_HAND_QUITTING] = SIGQUIT,
        [UM_HAND_STOPPING] = SIGTERM,
    };

    if (h->stage == UM_HAND_NONE || h->stage >= stage) {
        return;
    }

    if (h->stage == UM_HAND_WAITING) {
        h->stage = UM_HAND_NONE;
        return;
    }

    um_proc_signal(&h->proc, signals[stage]);
    h->stage = stage;
    h->deadline_ns =
        patience_ms == 0 ? 0 : um_clock_ns() + patience_ms * NS_PER_MS;
}

static void
hand_escalate(um_hand_t *h)
{
    um_hand_stage_t stage = h->stage + 1;

    if (stage == UM_HAND_KILLED) {
        um_log_error(0, "%s: does not leave, it is killed", h->proc.name);
        hand_kill(h);
        return;
    }

    um_log_notice(0, "%s: its time to serve clients on is over", h->proc.name);
    um_hand_dismiss(h, stage, UM_HAND_GRACE_MS);
}

/* How long it may go without a turn; 0: for ever. */
static uint64_t
hand_limit_ns(const um_hand_t *h)
{
    uint64_t limit = h->common->cycle->main->worker_watchdog * NS_PER_MS;

    if (h->stage == UM_HAND_KILLED || h->hung) {
        return 0;
    }

    return h->stage == UM_HAND_STARTING ? limit * HAND_START_FACTOR : limit;
}

/* Kill one that hangs.  When to look again; 0: any time. */
static uint64_t
hand_watch(um_hand_t *h, uint64_t now)
{
    const um_row_sh_t *row = &h->common->shm->workers->row[h->row];
    uint64_t limit = hand_limit_ns(h);
    uint64_t turn = atomic_load(&row->turn_ns);

    /* Who slept while we did, for the whole machine or job did, is no worse
     * than we. */
    if (limit == 0
        || !um_stuck_hangs(&h->stuck, h->proc.name, h->proc.pid,
            um_max(turn, h->common->awake_ns), now, limit))
    {
        return limit == 0 ? 0 : um_stuck_due(&h->stuck, limit);
    }

    h->hung = true;
    um_log_error(0,
        "%s: pid %d has not turned for %" PRIu64 " ms, it is killed",
        h->proc.name, (int) h->proc.pid, (now - turn) / NS_PER_MS);

    /* A hung one that was to leave is not replaced. */
    if (um_hand_is_leaving(h)) {
        hand_kill(h);
    } else {
        um_proc_signal(&h->proc, SIGKILL);
    }

    return 0;
}

/* RETIRING to KILLED: what happens depends on the process alone. */
uint64_t
um_hand_tick(um_hand_t *h, uint64_t now)
{
    const um_row_sh_t *row = &h->common->shm->workers->row[h->row];
    uint64_t due;

    if (h->stage == UM_HAND_WAITING && h->proc.due_ns <= now) {
        hand_start(h, now);
    }

    if (h->stage == UM_HAND_NONE) {
        return 0;
    }

    if (h->stage == UM_HAND_WAITING) {
        return h->proc.due_ns;
    }

    if (h->stage == UM_HAND_STARTING
        && atomic_load(&row->state) == UM_ROW_RUNNING) {
        h->stage = UM_HAND_RUNNING;
    }

    if (h->deadline_ns != 0 && h->deadline_ns <= now) {
        hand_escalate(h);
    }

    due = hand_watch(h, now);
    if (due == 0 || h->deadline_ns == 0) {
        return um_max(due, h->deadline_ns);
    }

    return um_min(due, h->deadline_ns);
}
