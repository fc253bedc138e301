/*
 * um_master.c -- see um_master.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_master.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "master/um_aide.h"
#include "master/um_crew.h"
#include "master/um_guests.h"
#include "master/um_redis_block.h"
#include "master/um_restart.h"
#include "master/um_rows.h"
#include "os/um_daemon.h"
#include "os/um_pidfile.h"
#include "os/um_proc.h"
#include "os/um_signal.h"
#include "shm/um_shm.h"

#define NS_PER_MS UINT64_C(1000000)

/* So many deaths before the first worker serves, and we give up. */
#define MASTER_FAILED_MAX 5

/*
 *   STARTING -> SERVING   [master_on_ready]  all workers of the first cycle do
 *   SERVING  -> QUITTING  [master_quit]      workers end in their own time
 *   any      -> STOPPING  [master_stop]      now
 *   both     -> OVER      [master_step]      nobody is left
 */
typedef enum {
    MASTER_STARTING,
    MASTER_SERVING,
    MASTER_QUITTING,
    MASTER_STOPPING,
    MASTER_OVER,
} master_stage_t;

typedef struct {
    const um_conf_options_t *options;
    const um_worker_def_t *def;
    master_stage_t stage;
    um_cycle_t *cycle;
    um_shm_t shm;
    um_crew_t crew;
    um_aide_t mover;
    um_guests_t guests;
    um_redis_servers_t redis;
    um_pidfile_t pidfile;
    int kept;    /* what we started with, for -t; -1: not kept */
    int ready;   /* to whom started us in the background; -1: nobody */
    bool reload; /* asked for, not done yet */
    int code;    /* of the exit             */
} master_t;

/* --- Start and end ------------------------------------------------------ */

static bool
master_is_alone(const char *pidfile)
{
    pid_t pid;

    if (pidfile == NULL) {
        return true;
    }

    switch (um_pidfile_owner(pidfile, &pid)) {
    case UM_OK:
        um_log_error(0, "pid file %s: undermoond runs already, with pid %d",
            pidfile, (int) pid);
        return false;

    case UM_DECLINED:
        return true;

    default:
        return false;
    }
}

/* Where the children must be able to open it again. */
static void
master_own_log(const um_cycle_t *cy)
{
    const char *sink = cy->main->error_log;

    if (strcmp(sink, "stderr") != 0 && strcmp(sink, "syslog") != 0) {
        um_user_own(&cy->user, sink);
    }
}

/* As many descriptors as the workers could need, or are to be had.  UM_ERR:
 * logged, they could not serve. */
static um_rc_t
master_raise_limits(const master_t *m, const um_cycle_t *cy, uint32_t rows)
{
    uint64_t said = cy->main->worker_rlimit_nofile;
    uint64_t limit = um_user_raise_nofile(said);
    uint64_t wanted;

    if (cy->proxy == NULL || limit == 0) {
        return UM_OK;
    }

    wanted = m->def->descriptors(cy->proxy, rows);
    if (said == 0 && limit < wanted) {
        limit = um_user_raise_nofile(wanted);
    }

    return m->def->check_descriptors(cy->proxy, rows, limit);
}

/* UM_ERR: a guest is missing; everything else is as it should be. */
static um_rc_t
master_adopt(master_t *m, um_cycle_t *cy)
{
    um_cycle_commit(cy, m->cycle);
    m->cycle = cy;
    cy->shm = &m->shm;

    master_own_log(cy);

    if (cy->proxy != NULL) {
        m->def->publish(cy->proxy, m->shm.settings);
    }
    atomic_store(&m->shm.settings->workers, cy->workers);

    um_crew_hire(&m->crew, cy);
    um_aide_hire(&m->mover, cy);
    return um_guests_invite(&m->guests, cy);
}

static void
master_stop(master_t *m)
{
    if (m->stage == MASTER_STOPPING) {
        return;
    }

    um_log_notice(0, "stops");
    um_daemon_notify("STOPPING=1");
    m->stage = MASTER_STOPPING;
    um_crew_stop(&m->crew);
    um_guests_stop(&m->guests);
}

/* What a child that is no worker must not hold. */
static void
master_on_fork(void *data)
{
    master_t *m = data;

    um_cycle_close_sockets(m->cycle);
    um_crew_close_bus(&m->crew);
    if (m->ready != -1) {
        close(m->ready);
    }
}

/* The mover wakes workers, so it keeps the ends of their inboxes that send. */
static void
master_on_mover(void *data)
{
    master_t *m = data;

    um_cycle_close_sockets(m->cycle);
    um_crew_close_inboxes(&m->crew);
    if (m->ready != -1) {
        close(m->ready);
    }
}

/* What stays for our whole life. */
static um_rc_t
master_furnish(master_t *m, const um_cycle_t *cy)
{
    const char *password =
        cy->proxy == NULL ? NULL : m->def->redis_password(cy->proxy);

    um_guests_init(&m->guests, master_on_fork, m);

    if (um_redis_servers_init(&m->redis, cy->redis, password, &cy->user)
        != UM_OK) {
        return UM_ERR;
    }

    if (um_shm_create(&m->shm, um_rows_for(cy->workers),
            cy->proxy == NULL ? 1 : m->def->slow_places(cy->proxy))
        != UM_OK)
    {
        goto fail_redis;
    }
    m->def->furnish(&m->shm);

    atomic_store(&m->shm.settings->start_wall_us, um_clock_wall_us());

    if (um_crew_init(&m->crew, &m->shm) != UM_OK) {
        goto fail_shm;
    }

    if (um_aide_init(&m->mover, &m->shm, m->crew.bus_out,
            &m->crew.common.awake_ns, master_on_mover, m)
        != UM_OK)
    {
        goto fail_crew;
    }

    m->crew.common.private_fd = m->ready;
    m->crew.common.mover_fd = m->mover.wake_fd;
    m->kept = um_restart_keep(cy->conf);
    return UM_OK;

fail_crew:
    um_crew_deinit(&m->crew);
fail_shm:
    um_shm_destroy(&m->shm);
fail_redis:
    um_redis_servers_deinit(&m->redis);
    return UM_ERR;
}

static um_rc_t
master_start(master_t *m)
{
    um_cycle_t *cy = um_cycle_load(m->options, m->def);

    if (cy == NULL) {
        return UM_ERR;
    }

    if (!master_is_alone(cy->main->pid)) {
        um_cycle_free(cy);
        return UM_ERR;
    }

    if (um_cycle_open(cy, NULL, 0) != UM_OK) {
        return UM_ERR;
    }

    if (cy->main->daemon && um_daemon_start(&m->ready) != UM_OK) {
        goto fail;
    }

    um_log_notice(
        0, "undermoond %s starts, %u workers", PACKAGE_VERSION, cy->workers);

    if (um_signal_start() != UM_OK
        || master_raise_limits(m, cy, um_rows_for(cy->workers)) != UM_OK
        || master_furnish(m, cy) != UM_OK)
    {
        goto fail;
    }

    if (master_adopt(m, cy) != UM_OK) {
        m->code = EXIT_FAILURE;
        master_stop(m);
    }

    return UM_OK;

fail:
    um_cycle_stop_listening(cy);
    um_cycle_free(cy);
    return UM_ERR;
}

static void
master_end(master_t *m)
{
    um_cycle_stop_listening(m->cycle);
    um_pidfile_remove(&m->pidfile);
    if (m->kept != -1) {
        close(m->kept);
    }

    um_guests_deinit(&m->guests);
    um_redis_servers_deinit(&m->redis);
    um_aide_deinit(&m->mover);
    um_crew_deinit(&m->crew);
    um_shm_destroy(&m->shm);
    um_cycle_free(m->cycle);
}

/* --- What signals ask for ------------------------------------------------ */

static void
master_quit(master_t *m)
{
    if (m->stage == MASTER_QUITTING || m->stage == MASTER_STOPPING) {
        return;
    }

    um_log_notice(0, "quits: %s", "clients that are here are served");
    um_daemon_notify("STOPPING=1");
    m->stage = MASTER_QUITTING;
    um_cycle_stop_listening(m->cycle);
    um_crew_quit(&m->crew);
    um_guests_quit(&m->guests);
}

static void
master_reopen(master_t *m)
{
    um_log_notice(0, "reopens its logs");

    if (um_log_reopen() == UM_OK) {
        master_own_log(m->cycle);
        um_crew_reopen_logs(&m->crew);
        um_proc_signal(&m->mover.proc, SIGUSR1);
        um_guests_reopen_logs(&m->guests);
    }
}

/* A new cycle, ready to be adopted; NULL: logged, and all is as it was. */
static um_cycle_t *
master_open_again(master_t *m)
{
    um_cycle_t *cy = um_cycle_load(m->options, m->def);

    if (cy == NULL) {
        return NULL;
    }

    if (master_raise_limits(m, cy, m->shm.workers->rows) != UM_OK) {
        um_cycle_free(cy);
    } else if (um_cycle_open(cy, m->cycle, um_crew_room(&m->crew)) == UM_OK) {
        return cy;
    }

    (void) um_user_raise_nofile(m->cycle->main->worker_rlimit_nofile);
    return NULL;
}

static void
master_reload(master_t *m)
{
    um_settings_sh_t *settings = m->shm.settings;
    um_cycle_t *cy;

    um_log_notice(0, "reads its configuration again");

    cy = master_open_again(m);
    if (cy == NULL) {
        atomic_fetch_add(&settings->reload_errors, 1);
        um_log_error(0, "the old configuration stays");
        return;
    }

    atomic_fetch_add(&settings->reloads, 1);
    atomic_store(&settings->last_reload_wall_us, um_clock_wall_us());
    um_restart_tell(m->cycle->first, cy->conf);
    if (master_adopt(m, cy) != UM_OK) {
        atomic_fetch_add(&settings->reload_errors, 1);
    }
}

/* --- The loop ------------------------------------------------------------ */

/* All workers of the first cycle serve: let the world know. */
static void
master_on_ready(master_t *m)
{
    const char *pid = m->cycle->main->pid;

    if (pid != NULL && um_pidfile_write(&m->pidfile, pid) != UM_OK) {
        m->code = EXIT_FAILURE;
        master_stop(m);
        return;
    }

    m->stage = MASTER_SERVING;
    um_log_notice(0, "ready");
    um_daemon_notify("READY=1");
    m->crew.common.private_fd = -1;
    um_daemon_ready(
        &m->ready, strcmp(m->cycle->main->error_log, "stderr") == 0);
}

static void
master_step(master_t *m)
{
    switch (m->stage) {
    case MASTER_STARTING:
        if (um_crew_is_ready(&m->crew)) {
            master_on_ready(m);
        } else if (m->crew.common.failed >= MASTER_FAILED_MAX) {
            um_log_error(0, "its workers do not start");
            m->code = EXIT_FAILURE;
            master_stop(m);
        }
        break;

    case MASTER_SERVING:
        if (um_crew_has_old(&m->crew) && um_crew_is_ready(&m->crew)) {
            um_log_notice(0, "the new workers serve, the old ones retire");
            um_crew_retire(&m->crew);
        }
        break;

    case MASTER_QUITTING:
    case MASTER_STOPPING:
        if (um_crew_is_alive(&m->crew) || um_guests_are_alive(&m->guests)) {
            break;
        }

        um_aide_stop(&m->mover);
        if (um_aide_is_alive(&m->mover)) {
            break;
        }

        /* Last of all: whoever served may have had words for them. */
        um_redis_servers_stop(&m->redis);
        if (!um_redis_servers_are_alive(&m->redis)) {
            m->stage = MASTER_OVER;
        }
        break;

    case MASTER_OVER:
        break;
    }
}

static void
master_obey(master_t *m, unsigned asks)
{
    if (asks & UM_SIGNAL_STOP) {
        master_stop(m);
    } else if (asks & UM_SIGNAL_QUIT) {
        master_quit(m);
    }

    if (asks & UM_SIGNAL_REOPEN) {
        master_reopen(m);
    }

    if (asks & UM_SIGNAL_RELOAD) {
        m->reload = true;
    }

    if (m->reload && m->stage == MASTER_SERVING) {
        m->reload = false;
        master_reload(m);
    }
}

/* Do what is due.  How many milliseconds until there is more. */
static uint64_t
master_tick(master_t *m)
{
    uint64_t now = um_clock_ns();
    uint64_t next = um_crew_tick(&m->crew, now);
    uint64_t due[] = {
        um_redis_servers_tick(&m->redis, now),
        um_guests_tick(&m->guests, now),
        um_aide_tick(&m->mover, now),
    };
    size_t i;

    atomic_store(&m->shm.settings->master_ns, now);
    for (i = 0; i < um_countof(due); i++) {
        if (due[i] != 0) {
            next = um_min(next, due[i]);
        }
    }

    return next <= now ? 0 : (next - now + NS_PER_MS - 1) / NS_PER_MS;
}

static void
master_loop(master_t *m)
{
    uint64_t pause;
    unsigned asks;

    for (;;) {
        pause = master_tick(m);
        master_step(m);
        if (m->stage == MASTER_OVER) {
            return;
        }

        um_signal_sleep(um_crew_poll(&m->crew), m->crew.rows, pause);

        asks = um_signal_take();
        if (um_crew_asks_stop(&m->crew)) {
            asks |= UM_SIGNAL_STOP;
        }

        um_proc_reap();
        master_obey(m, asks);
    }
}

int
um_master_run(const um_conf_options_t *o, const um_worker_def_t *def)
{
    master_t m = {
        .options = o,
        .def = def,
        .kept = -1,
        .ready = -1,
        .pidfile = { .fd = -1 },
        .code = EXIT_SUCCESS,
    };

    um_log_name("master");

    if (master_start(&m) != UM_OK) {
        return EXIT_FAILURE;
    }

    master_loop(&m);
    master_end(&m);
    um_log_notice(0, "ends");
    return m.code;
}
