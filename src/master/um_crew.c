/*
 * um_crew.c -- see um_crew.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "master/um_rows.h"

#define NS_PER_MS UINT64_C(1000000)

/* How often to look: while workers start, for nobody tells when they are
 * ready; and otherwise, for hung ones. */
#define CREW_START_TICK_MS UINT64_C(5)
#define CREW_TICK_MS       UINT64_C(500)

/* So much later than asked for is more than a busy machine. */
#define CREW_OVERSLEPT_MS (3 * CREW_TICK_MS)

#define crew_each(h, crew)                                                     \
    for (um_hand_t *h = (crew)->hand; h < (crew)->hand + (crew)->rows; h++)

static um_rc_t
crew_open_bus(um_crew_t *crew)
{
    uint32_t i;
    int pair[2];

    for (i = 0; i < crew->rows; i++) {
        if (socketpair(
                AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair)
            == -1)
        {
            um_log_error(errno, "worker bus: socketpair failed");
            return UM_ERR;
        }

        crew->bus_in[i] = pair[0];
        crew->bus_out[i] = pair[1];
    }

    return UM_OK;
}

um_rc_t
um_crew_init(um_crew_t *crew, const um_shm_t *shm)
{
    uint32_t rows = shm->workers->rows;
    uint32_t i;

    memset(crew, 0, sizeof(*crew));
    crew->hand = calloc(rows, sizeof(*crew->hand));
    crew->poll = calloc(rows, sizeof(*crew->poll));
    crew->bus_in = calloc(rows, sizeof(*crew->bus_in));
    crew->bus_out = calloc(rows, sizeof(*crew->bus_out));

    if (crew->hand == NULL || crew->poll == NULL || crew->bus_in == NULL
        || crew->bus_out == NULL)
    {
        um_log_error(ENOMEM, "workers");
        um_crew_deinit(crew);
        return UM_ERR;
    }

    crew->rows = rows;
    for (i = 0; i < rows; i++) {
        crew->bus_in[i] = crew->bus_out[i] = -1;
        crew->hand[i].common = &crew->common;
    }

    if (crew_open_bus(crew) != UM_OK) {
        um_crew_deinit(crew);
        return UM_ERR;
    }

    crew->common.shm = shm;
    crew->common.bus_in = crew->bus_in;
    crew->common.bus_out = crew->bus_out;
    crew->common.private_fd = -1;
    crew->common.awake_ns = crew->last_ns = um_clock_ns();
    return UM_OK;
}

void
um_crew_close_bus(const um_crew_t *crew)
{
    uint32_t i;

    for (i = 0; i < crew->rows; i++) {
        if (crew->bus_in[i] != -1) {
            close(crew->bus_in[i]);
            close(crew->bus_out[i]);
        }
    }
}

void
um_crew_close_inboxes(const um_crew_t *crew)
{
    for (uint32_t i = 0; i < crew->rows; i++) {
        if (crew->bus_in[i] != -1) {
            close(crew->bus_in[i]);
        }
    }
}

void
um_crew_deinit(um_crew_t *crew)
{
    um_crew_close_bus(crew);
    free(crew->hand);
    free(crew->poll);
    free(crew->bus_in);
    free(crew->bus_out);
    memset(crew, 0, sizeof(*crew));
}

void
um_crew_hire(um_crew_t *crew, const um_cycle_t *cy)
{
    uint32_t index = 0;

    crew->common.cycle = cy;

    /* Who has not started is not needed any more. */
    crew_each(h, crew)
    {
        if (h->stage == UM_HAND_WAITING) {
            h->stage = UM_HAND_NONE;
        }
    }

    crew_each(h, crew)
    {
        if (h->stage == UM_HAND_NONE && index < cy->workers) {
            um_hand_init(h, &crew->common, index++);
        }
    }
}

uint32_t
um_crew_room(const um_crew_t *crew)
{
    uint32_t n = 0;

    crew_each(h, crew)
    {
        n += h->stage == UM_HAND_NONE || h->stage == UM_HAND_WAITING;
    }

    return um_min(n, um_rows_free(crew->common.shm->workers));
}

static bool
crew_is_current(const um_crew_t *crew, const um_hand_t *h)
{
    return h->stage != UM_HAND_NONE && h->cycle == crew->common.cycle->number;
}

bool
um_crew_is_ready(const um_crew_t *crew)
{
    uint32_t n = 0;

    crew_each(h, crew)
    {
        n += h->stage == UM_HAND_RUNNING && crew_is_current(crew, h);
    }

    return n == crew->common.cycle->workers;
}

bool
um_crew_is_alive(const um_crew_t *crew)
{
    crew_each(h, crew)
    {
        if (h->proc.pid != 0) {
            return true;
        }
    }

    return false;
}

bool
um_crew_has_old(const um_crew_t *crew)
{
    crew_each(h, crew)
    {
        if (h->stage != UM_HAND_NONE && !crew_is_current(crew, h)
            && !um_hand_is_leaving(h))
        {
            return true;
        }
    }

    return false;
}

void
um_crew_retire(um_crew_t *crew)
{
    uint64_t patience = crew->common.cycle->main->worker_shutdown_timeout;

    crew_each(h, crew)
    {
        if (!crew_is_current(crew, h)) {
            um_hand_dismiss(h, UM_HAND_RETIRING, patience);
        }
    }
}

void
um_crew_quit(um_crew_t *crew)
{
    uint64_t patience = crew->common.cycle->main->worker_shutdown_timeout;

    crew_each(h, crew)
    {
        um_hand_dismiss(h, UM_HAND_QUITTING, patience);
    }
}

void
um_crew_stop(um_crew_t *crew)
{
    crew_each(h, crew)
    {
        um_hand_dismiss(h, UM_HAND_STOPPING, UM_HAND_GRACE_MS);
    }
}

void
um_crew_reopen_logs(um_crew_t *crew)
{
    crew_each(h, crew)
    {
        um_proc_signal(&h->proc, SIGUSR1);
    }
}

uint64_t
um_crew_tick(um_crew_t *crew, uint64_t now)
{
    uint64_t next = now + CREW_TICK_MS * NS_PER_MS;

    if (now - crew->last_ns > CREW_OVERSLEPT_MS * NS_PER_MS) {
        crew->common.awake_ns = now;
    }

    crew->last_ns = now;
    um_rows_sweep(crew->common.shm->workers);

    crew_each(h, crew)
    {
        uint64_t due = um_hand_tick(h, now);

        if (h->stage == UM_HAND_STARTING) {
            due = now + CREW_START_TICK_MS * NS_PER_MS;
        }

        if (due != 0) {
            next = um_min(next, due);
        }
    }

    return next;
}

struct pollfd *
um_crew_poll(um_crew_t *crew)
{
    uint32_t i;

    for (i = 0; i < crew->rows; i++) {
        const um_hand_t *h = &crew->hand[i];

        /* poll() leaves out what is negative. */
        crew->poll[i].fd = h->proc.pid == 0 || h->deaf ? -1 : h->proc.channel;
        crew->poll[i].events = POLLIN;
        crew->poll[i].revents = 0;
    }

    return crew->poll;
}

bool
um_crew_asks_stop(um_crew_t *crew)
{
    bool stop = false;
    uint32_t i;

    for (i = 0; i < crew->rows; i++) {
        char word;
        ssize_t n;

        if (crew->poll[i].fd == -1 || crew->poll[i].revents == 0) {
            continue;
        }

        n = recv(crew->poll[i].fd, &word, 1, 0);
        if (n == 1 && word == UM_MASTER_STOP) {
            um_log_notice(0, "%s: asks to stop", crew->hand[i].proc.name);
            stop = true;
        } else if (n <= 0) {
            crew->hand[i].deaf = n == 0 || errno != EAGAIN;
        }
    }

    return stop;
}
