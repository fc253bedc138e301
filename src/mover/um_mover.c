/* SPDX-License-Identifier: Apache-2.0 */

#include "mover/um_mover.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_mover_priv.h"
#include "shm/um_lease.h"

#define TICK_IDLE_MS 250
#define TICK_REST_MS 50
#define TICK_WORK_MS 10

/* Not having ticked for as long, we were stopped, or the machine was. */
#define AWAY_MS 1000

/* Then workers wait for our next look; some nodes may never be seen. */
#define NEWS_MS 5000

/* To our own nodes and to others. */
#define TALK_CONNECT_MS 1000
#define TALK_REPLY_MAX  (1u << 20)
#define TALK_COMMANDS   64

static const int mover_signals[] = { SIGTERM, SIGQUIT, SIGUSR1 };

um_talk_t *
um_mover_talk(um_mover_t *m, const um_addr_t *addr)
{
    const um_talk_conf_t conf = {
        .user = m->heritage->conf.user,
        .password = m->heritage->conf.password,
        .connect_timeout = TALK_CONNECT_MS,
        .reply_max = TALK_REPLY_MAX,
        .commands_max = TALK_COMMANDS,
        .names = m->names,
    };

    return um_talk_new(m->loop, addr, &conf);
}

/* ---- What is shown ------------------------------------------------------ */

/* Do workers have to know at once? */
static bool
found_is_news(const um_repl_found_t *a, const um_repl_found_t *b)
{
    return a->confirmed != b->confirmed || a->role != b->role
           || memcmp(a->run_id, b->run_id, sizeof(a->run_id)) != 0
           || strcmp(a->node, b->node) != 0;
}

/* A byte is enough: the turn it makes looks at the noticeboard. */
static void
mover_wake_workers(um_mover_t *m)
{
    const um_workers_sh_t *workers = m->heritage->shm->workers;
    static const char byte = 0;

    for (uint32_t i = 0; i < workers->rows; i++) {
        uint32_t state =
            atomic_load_explicit(&workers->row[i].state, memory_order_acquire);

        if (state == UM_ROW_RUNNING || state == UM_ROW_DRAINING) {
            /* A full inbox wakes as well. */
            (void) send(
                m->heritage->bus_out[i], &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }
}

static void
mover_show(um_mover_t *m)
{
    um_repl_board_t *board = &m->board;
    bool news = board->of_gen != m->gen || board->count != m->wanted.count;
    bool all_seen = true;

    m->changed = false;
    board->of_gen = m->gen;
    board->count = m->wanted.count;
    for (uint32_t i = 0; i < board->count; i++) {
        um_repl_found_t f;

        if (m->seat[i] == NULL) {
            memset(&f, 0, sizeof(f));
            memcpy(f.node, m->wanted.node[i].node, sizeof(f.node));
        } else {
            um_seat_show(m->seat[i], &f);
        }
        news |= found_is_news(&f, &board->node[i]);
        all_seen &= f.looked_ns >= m->woke_ns;
        board->node[i] = f;
    }

    um_repl_show(m->sh, board);
    if (m->woke_ns != 0) {
        news = true; /* they wait until we have looked again */
        if (all_seen || m->awake_ns - m->woke_ns > NEWS_MS * UM_MOVER_MS) {
            m->woke_ns = 0;
        }
    }
    if (news) {
        mover_wake_workers(m);
    }
}

/* ---- What is wanted ----------------------------------------------------- */

/* The seat of a node, taken out of `seats`; NULL: it has none. */
static um_seat_t *
seat_take(um_seat_t **seats, const char *node)
{
    for (uint32_t i = 0; i < UM_REPL_NODES; i++) {
        um_seat_t *s = seats[i];

        if (s != NULL && strcmp(um_seat_wanted(s)->node, node) == 0) {
            seats[i] = NULL;
            return s;
        }
    }

    return NULL;
}

static const um_repl_found_t *
board_find(const um_repl_board_t *b, const char *node)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (strcmp(b->node[i].node, node) == 0) {
            return &b->node[i];
        }
    }

    return NULL;
}

static void
mover_apply(um_mover_t *m)
{
    um_seat_t *had[UM_REPL_NODES];

    memcpy(had, m->seat, sizeof(had));
    memset(m->seat, 0, sizeof(m->seat));
    for (uint32_t i = 0; i < m->wanted.count; i++) {
        const um_repl_node_t *wanted = &m->wanted.node[i];

        m->seat[i] = seat_take(had, wanted->node);
        if (m->seat[i] != NULL) {
            um_seat_want(m->seat[i], wanted);
        } else {
            m->seat[i] =
                um_seat_new(m, wanted, board_find(&m->board, wanted->node));
        }
    }

    for (uint32_t i = 0; i < UM_REPL_NODES; i++) {
        um_seat_free(had[i]);
    }
    um_log_info(0, "replication: epoch %llu, %u nodes",
        (unsigned long long) m->wanted.epoch, m->wanted.count);
    um_mover_changed(m);
}

static void
mover_look_at_board(um_mover_t *m)
{
    if (atomic_load_explicit(&m->sh->gen, memory_order_acquire) != m->gen
        && um_repl_refresh(m->sh, &m->wanted, &m->gen) == UM_OK)
    {
        mover_apply(m);
    }
}

/* ---- Events ------------------------------------------------------------- */

/* Say that we live.  Who was away knows nothing, and was not answered either:
 * that is nobody's fault but ours. */
static void
mover_stay_awake(um_mover_t *m)
{
    uint64_t now = um_clock_boot_ns(), away = now - m->awake_ns;

    if (away > AWAY_MS * UM_MOVER_MS) {
        um_log_notice(0, "replication: was away for %llu ms",
            (unsigned long long) (away / UM_MOVER_MS));
        m->woke_ns = now;
        for (uint32_t i = 0; i < m->wanted.count; i++) {
            if (m->seat[i] != NULL) {
                um_seat_woke(m->seat[i]);
            }
        }
    }

    m->awake_ns = now;
    atomic_store_explicit(&m->sh->awake_ns, now, memory_order_release);
}

/* Workers close our nodes by themselves when it runs out; here it is told,
 * once for all of them. */
static void
mover_watch_lease(um_mover_t *m)
{
    uint64_t lease = m->heritage->conf.lease;
    uint64_t vouched =
        atomic_load_explicit(&m->sh->vouched_ns, memory_order_acquire);
    uint64_t wished =
        atomic_load_explicit(&m->sh->wished_ns, memory_order_acquire);
    bool out = um_lease_is_out(vouched, lease, m->awake_ns);

    /* Who has just heard of a cluster for the first time has yet to be vouched
     * for. */
    if (out == m->lease_out || m->gen == 0
        || (vouched == 0 && um_lease_may_run(wished, lease, m->awake_ns)))
    {
        return;
    }

    m->lease_out = out;
    if (out) {
        atomic_fetch_add(&m->sh->counts.leases_ended, 1);
        um_log_warn(0,
            "lease: no coordinator has vouched for this proxy for %llu ms: "
            "its nodes are closed",
            (unsigned long long) lease);
    } else {
        um_log_notice(0, "lease: a coordinator vouches for this proxy again");
    }
}

static void
mover_on_tick(void *data)
{
    um_mover_t *m = data;
    bool rest;

    mover_stay_awake(m);
    mover_look_at_board(m);
    mover_watch_lease(m);
    rest = !um_elder_tick(m);
    for (uint32_t i = 0; i < m->wanted.count; i++) {
        if (m->seat[i] != NULL) {
            um_seat_tick(m->seat[i]);
            rest &= um_seat_is_settled(m->seat[i]);
        }
    }

    um_timer_start(m->tick, m->wanted.count == 0 ? TICK_IDLE_MS
                            : rest               ? TICK_REST_MS
                                                 : TICK_WORK_MS);
}

static void
mover_on_wake(void *data)
{
    um_mover_t *m = data;
    uint64_t count;

    if (read(m->wake.fd, &count, sizeof(count)) == sizeof(count)) {
        um_timer_start(m->tick, 0);
    }
}

static void
mover_on_signal(void *data)
{
    um_mover_t *m = data;
    struct signalfd_siginfo si;

    while (read(m->signals.fd, &si, sizeof(si)) == sizeof(si)) {
        if (si.ssi_signo != SIGUSR1) {
            m->leaving = true;
        } else if (um_log_reopen() != UM_OK) {
            um_log_error(0, "log: cannot be opened again");
        }
    }
}

static void
mover_on_master(void *data)
{
    um_mover_t *m = data;
    char byte;
    ssize_t n = read(m->master.fd, &byte, 1);

    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }

    m->leaving = true;
}

/* ---- Begin and end ------------------------------------------------------ */

static um_rc_t
mover_watch(um_mover_t *m, um_io_t *io, int fd, um_io_pt on_readable)
{
    if (fd == -1 || um_io_open(io, m->loop, fd, on_readable, NULL, m) != UM_OK)
    {
        um_log_error(errno, "mover cannot start");
        return UM_ERR;
    }

    return um_io_want_read(io, true);
}

static int
mover_signal_fd(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t set;

    (void) sigaction(SIGINT, &ignore, NULL);
    (void) sigaction(SIGHUP, &ignore, NULL);
    (void) sigaction(SIGPIPE, &ignore, NULL);
    (void) sigemptyset(&set);
    for (size_t i = 0; i < um_countof(mover_signals); i++) {
        (void) sigaddset(&set, mover_signals[i]);
    }
    (void) sigprocmask(SIG_SETMASK, &set, NULL);

    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static um_rc_t
mover_init(um_mover_t *m, const um_mover_heritage_t *h)
{
    uint64_t gen = 0;

    m->heritage = h;
    m->sh = h->shm->repl;
    m->master.fd = m->wake.fd = m->signals.fd = -1;
    um_list_init(&m->elders);
    m->loop = um_loop_new();
    if (m->loop == NULL) {
        return UM_ERR;
    }

    m->names = um_jobs_new(m->loop, 4);
    m->tick = um_timer_new(m->loop, mover_on_tick, m);
    if (m->names == NULL || m->tick == NULL
        || mover_watch(m, &m->signals, mover_signal_fd(), mover_on_signal)
               != UM_OK
        || mover_watch(m, &m->master, h->master_fd, mover_on_master) != UM_OK
        || mover_watch(m, &m->wake, h->wake_fd, mover_on_wake) != UM_OK)
    {
        um_log_error(0, "mover cannot start");
        return UM_ERR;
    }

    /* What the one before had found out.  Nobody else shows anything. */
    if (um_repl_refresh_found(m->sh, &m->board, &gen) != UM_OK) {
        m->board.count = 0;
    }
    m->awake_ns = um_clock_boot_ns();
    um_timer_start(m->tick, 0);
    return UM_OK;
}

static void
mover_drop(void *data)
{
    free(data); /* nobody waits for a name any more */
}

static void
mover_deinit(um_mover_t *m)
{
    for (uint32_t i = 0; i < UM_REPL_NODES; i++) {
        um_seat_free(m->seat[i]);
    }
    um_elder_free_all(m);
    if (m->names != NULL) {
        um_jobs_free(m->names, mover_drop);
    }
    um_io_close(&m->signals);
    um_io_close(&m->master);
    um_io_close(&m->wake);
    um_timer_free(m->tick);
    if (m->loop != NULL) {
        um_loop_free(m->loop);
    }
    free(m);
}

int
um_mover_run(const um_mover_heritage_t *h)
{
    um_mover_t *m = calloc(1, sizeof(*m));
    int code = EXIT_FAILURE;

    if (m == NULL) {
        um_log_error(ENOMEM, "mover cannot start");
        return EXIT_FAILURE;
    }

    if (mover_init(m, h) == UM_OK) {
        code = EXIT_SUCCESS;
        while (!m->leaving && code == EXIT_SUCCESS) {
            if (um_loop_turn(m->loop) != UM_OK) {
                code = EXIT_FAILURE;
            }
            if (m->changed) {
                mover_show(m);
            }
        }
    }

    mover_deinit(m);
    return code;
}
