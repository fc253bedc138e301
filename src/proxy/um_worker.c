/*
 * Life of a worker process: what it sets up, what every turn does, how it
 * leaves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_backend.h"
#include "proxy/um_block.h"
#include "proxy/um_bus.h"
#include "proxy/um_client_in.h"
#include "proxy/um_client_walk.h"
#include "proxy/um_gate.h"
#include "proxy/um_gens.h"
#include "proxy/um_learn.h"
#include "proxy/um_listen.h"
#include "proxy/um_node.h"
#include "proxy/um_orphans.h"
#include "proxy/um_trace.h"
#include "proxy/um_worker_priv.h"

/* Pauses between ticks: with and without work that has deadlines, ms. */
#define TICK_BUSY 10
#define TICK_IDLE 100

#define SEC 1000000000ull

/* Without a master nobody would end a worker whose clients do not read, or
 * never say the rest of what they began to ask. */
#define GONE_PATIENCE (10 * SEC)

/* With so many clients answered in a turn another look costs less than the
 * system calls it saves. */
#define LOOK_TWICE_FROM 4

static const int worker_signals[] = { SIGTERM, SIGQUIT, SIGWINCH, SIGUSR1 };

/* Bring our own copy of the topology up to date. */
static void
worker_refresh(um_worker_t *w)
{
    um_topo_sh_t *sh = w->shm->topo;
    um_topo_t *old = w->topo;

    if (um_likely(
            atomic_load_explicit(&sh->gen, memory_order_relaxed) == w->gen)) {
        return;
    }

    /* UM_AGAIN: overtaken by yet another; the next turn sees that one. */
    if (um_topo_refresh(sh, w->spare, &w->gen) != UM_OK) {
        return;
    }

    if (!um_topo_check(w->spare)) {
        um_log_alert(
            0, "topology: generation %lu is not whole", (unsigned long) w->gen);
        return;
    }

    w->topo = w->spare;
    w->spare = old;
    um_gens_advance(w->gens, w->gen);
    um_nodes_apply(w->nodes);
    um_gate_apply(w);
    um_block_topology(w);
    um_learn_again(w->learn);
    um_stat_add(w->row, UM_STAT_TOPOLOGY_REFRESHES, 1);
    um_log_info(0, "topology: epoch %lu, generation %lu",
        (unsigned long) w->topo->epoch, (unsigned long) w->gen);
}

/* Before anything of this turn is routed: what has changed meanwhile? */
static void
worker_begin_turn(void *data)
{
    um_worker_t *w = data;

    um_trace_turn(w);
    worker_refresh(w);
    um_gate_check(w); /* behind: SETREPL comes before its SETCLUSTER */
    um_orphans_check(w);
}

/* How many clients were written to. */
static uint32_t
worker_flush_clients(um_worker_t *w)
{
    uint32_t n = 0;

    while (!um_list_is_empty(&w->dirty_clients)) {
        um_client_flush(
            um_list_entry(w->dirty_clients.next, um_client_t, dirty_link));
        n++;
    }

    return n;
}

static void
worker_flush(um_worker_t *w)
{
    /* Clients that may go on first: what they send joins this turn's batch.
     * What is set free meanwhile has its turn next. */
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &w->resumed);
    while (!um_list_is_empty(&todo)) {
        um_client_go_on(um_list_entry(todo.next, um_client_t, resume_link));
    }

    /* Clients that have just got their replies often have their next commands
     * ready: look once more, and they join the batch that is about to go. */
    if (worker_flush_clients(w) >= LOOK_TWICE_FROM
        && !um_list_is_empty(&w->dirty_backends)
        && um_loop_poll(w->loop) != UM_OK)
    {
        w->stopping = true;
    }

    while (!um_list_is_empty(&w->dirty_backends)) {
        um_backend_flush(
            um_list_entry(w->dirty_backends.next, um_backend_t, dirty_link));
    }

    (void) worker_flush_clients(w);
}

/* What the noticeboard says of us. */
static void
worker_report(um_worker_t *w)
{
    um_row_sh_t *row = w->row;
    uint64_t began = um_worker_now(w);
    uint64_t took = um_clock_ns() - began;

    atomic_store_explicit(&row->gen_seen, w->gen, memory_order_release);
    atomic_store_explicit(
        &row->gen_done, um_gens_done(w->gens), memory_order_release);
    atomic_store_explicit(&row->turn_ns, began, memory_order_relaxed);
    if (took > atomic_load_explicit(&row->turn_max_ns, memory_order_relaxed)) {
        atomic_store_explicit(&row->turn_max_ns, took, memory_order_relaxed);
    }
    um_stat_add(row, UM_STAT_TURNS, 1);
    um_trace_flush(w);
}

static void
worker_end_turn(um_worker_t *w)
{
    um_client_walk_on(w);
    worker_flush(w);
    um_client_reap(w);
    um_backend_reap(w);

    if (!um_list_is_empty(&w->resumed) || !um_list_is_empty(&w->walks)) {
        um_timer_start(w->again, 0);
    }

    if ((w->draining || w->retiring) && w->client_count == 0) {
        w->stopping = true;
    }

    worker_report(w);
}

static void
worker_on_tick(void *data)
{
    um_worker_t *w = data;
    uint64_t now = um_worker_now(w);

    um_nodes_tick(w->nodes);
    um_block_tick(w);
    um_gate_tick(w);
    um_bus_tick(w->bus);
    if (w->draining) {
        um_worker_close_quiet(w);
    }
    if (w->master_gone && now - w->gone_ns > GONE_PATIENCE) {
        w->stopping = true;
    }
    if (now >= w->next_second_ns) {
        w->next_second_ns = now + SEC / 4;
        um_worker_keep_house(w);
    }

    um_timer_start(w->tick, um_list_is_empty(um_nodes_busy(w->nodes))
                                    && um_list_is_empty(&w->blocks_off)
                                    && um_list_is_empty(&w->blocks_held)
                                ? TICK_IDLE
                                : TICK_BUSY);
}

/* Nothing to do: the turn it makes is what was wanted. */
static void
worker_on_again(void *data)
{
    (void) data;
}

void
um_worker_drain(um_worker_t *w, bool retire)
{
    if (w->draining || (w->retiring && retire)) {
        return;
    }

    um_log_info(
        0, "%s, %u clients", retire ? "retiring" : "draining", w->client_count);
    um_listen_stop(w->listen);
    if (retire) {
        w->retiring = true;
    } else {
        w->draining = true;
    }
    atomic_store(&w->row->state, UM_ROW_DRAINING);
}

static void
worker_on_signal(void *data)
{
    um_worker_t *w = data;
    struct signalfd_siginfo si;

    while (read(w->signals.fd, &si, sizeof(si)) == sizeof(si)) {
        switch (si.ssi_signo) {
        case SIGTERM:
            w->stopping = true;
            break;
        case SIGQUIT:
            um_worker_drain(w, false);
            break;
        case SIGWINCH:
            um_worker_drain(w, true);
            break;
        case SIGUSR1:
            if (um_log_reopen() != UM_OK) {
                um_log_error(0, "log: cannot be opened again");
            }
            break;
        }
    }
}

static void
worker_on_master(void *data)
{
    um_worker_t *w = data;
    char byte;
    ssize_t n = read(w->master.fd, &byte, 1);

    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }

    um_log_error(0, "the master is gone, leaving");
    w->master_gone = true;
    w->gone_ns = um_worker_now(w);
    if (um_io_want_read(&w->master, false) != UM_OK) {
        w->stopping = true;
    }
    um_worker_drain(w, false);
}

static um_rc_t
worker_watch(um_worker_t *w, um_io_t *io, int fd, um_io_pt on_readable)
{
    if (um_io_open(io, w->loop, fd, on_readable, NULL, w) != UM_OK) {
        (void) close(fd);
        return UM_ERR;
    }

    return um_io_want_read(io, true);
}

static um_rc_t
worker_init_signals(um_worker_t *w)
{
    sigset_t set;
    int fd;

    (void) sigemptyset(&set);
    for (size_t i = 0; i < um_countof(worker_signals); i++) {
        (void) sigaddset(&set, worker_signals[i]);
    }

    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1) {
        um_log_error(errno, "signals cannot be watched");
        return UM_ERR;
    }

    return worker_watch(w, &w->signals, fd, worker_on_signal);
}

/* Those we read by signalfd stay blocked; nothing else does. */
static void
worker_set_signals(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t set;

    (void) sigaction(SIGINT, &ignore, NULL);
    (void) sigaction(SIGHUP, &ignore, NULL);
    (void) sigaction(SIGPIPE, &ignore, NULL);

    (void) sigemptyset(&set);
    for (size_t i = 0; i < um_countof(worker_signals); i++) {
        (void) sigaddset(&set, worker_signals[i]);
    }
    (void) sigprocmask(SIG_SETMASK, &set, NULL);
}

static void
worker_init_plain(um_worker_t *w, const um_heritage_t *h)
{
    w->heritage = h;
    w->conf = h->proxy_conf;
    w->shm = h->shm;
    w->row = &h->shm->workers->row[h->row];
    w->master.fd = w->signals.fd = -1;

    um_list_init(&w->clients);
    um_list_init(&w->dirty_clients);
    um_list_init(&w->resumed);
    um_list_init(&w->walks);
    um_list_init(&w->blocks);
    um_list_init(&w->blocks_off);
    um_list_init(&w->blocks_held);
    um_list_init(&w->dead_clients);
    um_list_init(&w->dirty_backends);
    um_list_init(&w->dead_backends);
    um_chunks_init(&w->chunks);
    um_slab_init(&w->reqs, sizeof(um_req_t), 16384);
    um_slab_init(&w->client_slab, sizeof(um_client_t), 1024);
    um_args_init(&w->args);

    w->limits = (um_scan_limits_t){
        .max_args = w->conf->max_args,
        .max_bulk = w->conf->max_bulk,
        .max_inline = 65536,
    };
}

static um_rc_t
worker_init(um_worker_t *w, const um_heritage_t *h)
{
    worker_init_plain(w, h);
    if (um_fds_of_process(w->conf, w->shm->workers->rows, &w->fds) != UM_OK) {
        return UM_ERR;
    }

    w->rbuf = malloc(UM_WORKER_RBUF);
    w->topo = malloc(sizeof(*w->topo));
    w->spare = malloc(sizeof(*w->spare));
    w->gens = malloc(sizeof(*w->gens));
    w->loop = um_loop_new();
    w->nodes = um_nodes_new(w);
    w->gate = um_gate_new(w);
    if (w->rbuf == NULL || w->topo == NULL || w->spare == NULL
        || w->gens == NULL || w->loop == NULL || w->nodes == NULL
        || w->gate == NULL)
    {
        um_log_error(ENOMEM, "worker cannot start");
        return UM_ERR;
    }

    um_topo_clear(w->topo);
    um_gens_init(w->gens, 0);

    w->trace = um_trace_new(w);
    w->tick = um_timer_new(w->loop, worker_on_tick, w);
    w->again = um_timer_new(w->loop, worker_on_again, w);
    w->jobs = um_jobs_new(w->loop, 1);
    w->lookups = um_jobs_new(w->loop, 8);
    w->bus = um_bus_new(w);
    w->learn = um_learn_new(w);
    if (w->trace == NULL || w->tick == NULL || w->again == NULL
        || w->jobs == NULL || w->lookups == NULL || w->bus == NULL
        || w->learn == NULL || worker_init_signals(w) != UM_OK
        || worker_watch(w, &w->master, h->master_fd, worker_on_master) != UM_OK
        || um_worker_init_commands(w) != UM_OK || h->init_worker(h, w) != UM_OK)
    {
        return UM_ERR;
    }

    w->listen = um_listen_new(w);
    return w->listen == NULL ? UM_ERR : UM_OK;
}

/* Everything is given back, so that a leak checker sees only true leaks. */
static void
worker_deinit(um_worker_t *w)
{
    while (!um_list_is_empty(&w->clients)) {
        um_client_kill(um_list_entry(w->clients.next, um_client_t, link));
    }
    um_client_walk_end(w);
    um_client_reap(w);

    um_listen_free(w->listen);
    w->heritage->exit_worker(w->heritage, w);
    um_worker_deinit_commands(w);
    um_bus_free(w->bus);
    um_nodes_free(w->nodes);
    um_gate_free(w->gate);
    um_jobs_free(w->lookups, free); /* nobody waits for a name any more */
    um_backend_reap(w);
    um_learn_free(w->learn); /* the nodes had its questions */
    um_io_close(&w->signals);
    um_io_close(&w->master);
    um_timer_free(w->tick);
    um_timer_free(w->again);
    um_loop_free(w->loop);

    um_args_deinit(&w->args);
    um_keys_deinit(&w->keys);
    um_sbuf_deinit(&w->answer);
    um_sbuf_deinit(&w->scratch);
    um_sbuf_deinit(&w->inline_words);
    um_trace_free(w->trace);
    um_slab_deinit(&w->reqs);
    um_slab_deinit(&w->client_slab);
    um_chunks_deinit(&w->chunks);
    free(w->rbuf);
    free(w->topo);
    free(w->spare);
    free(w->gens);
    free(w);
}

/* Commands without an answer die with us; their connections stay listed for
 * whoever kills them, unless nothing of them can still run. */
static bool
worker_left_nothing(um_worker_t *w)
{
    return um_nodes_quiet(w->nodes);
}

int
um_worker_run(const um_heritage_t *h)
{
    um_worker_t *w = calloc(1, sizeof(*w));
    bool clean;

    worker_set_signals();
    if (w == NULL || worker_init(w, h) != UM_OK) {
        um_log_error(0, "worker cannot start");
        return EXIT_FAILURE;
    }

    worker_refresh(w);
    worker_report(w);
    atomic_store(&w->row->state, UM_ROW_RUNNING);
    um_log_info(0, "serving");
    um_timer_start(w->tick, TICK_BUSY);

    um_loop_each_turn(w->loop, worker_begin_turn, w);
    while (!w->stopping) {
        /* All is written.  Where others wait for this processor, it may be our
         * clients or our Redis: let them go first, and the next turn finds
         * more to do at once.  Nobody waiting, it costs next to nothing. */
        (void) sched_yield();
        if (um_loop_turn(w->loop) != UM_OK) {
            return EXIT_FAILURE;
        }
        worker_end_turn(w);
    }

    clean = worker_left_nothing(w);
    w->row_frozen = !clean;
    um_log_info(0, "leaving");
    worker_deinit(w);
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
