/*
 * um_signal.c -- see um_signal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "os/um_signal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/um_log.h"

const um_signal_t um_signals[] = {
    { SIGTERM, UM_SIGNAL_STOP, "stop", "stop at once" },
    { SIGINT, UM_SIGNAL_STOP, NULL, "stop at once" },
    { SIGQUIT, UM_SIGNAL_QUIT, "quit", "serve those who are here, then stop" },
    { SIGHUP, UM_SIGNAL_RELOAD, "reload", "read the configuration again" },
    { SIGUSR1, UM_SIGNAL_REOPEN, "reopen", "open the log files again" },
    { SIGCHLD, UM_SIGNAL_CHILD, NULL, "a child has ended" },
    { 0, 0, NULL, NULL },
};

static volatile sig_atomic_t came[um_countof(um_signals)];
static sigset_t mask_before;

const um_signal_t *
um_signal_of_word(const char *word)
{
    const um_signal_t *s;

    for (s = um_signals; s->signo != 0; s++) {
        if (s->word != NULL && strcmp(s->word, word) == 0) {
            return s;
        }
    }

    return NULL;
}

static void
signal_handler(int signo)
{
    size_t i;

    for (i = 0; um_signals[i].signo != 0; i++) {
        if (um_signals[i].signo == signo) {
            came[i] = 1;
        }
    }
}

static um_rc_t
signal_install(int signo, void (*handler)(int))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sigemptyset(&sa.sa_mask);

    if (sigaction(signo, &sa, NULL) == -1) {
        um_log_error(errno, "signal %d: sigaction failed", signo);
        return UM_ERR;
    }

    return UM_OK;
}

/* The signals that a worker handles: blocked until it can, and in the master
 * too, for one may come as soon as the child is there. */
static const int worker_signals[] = { SIGTERM, SIGQUIT, SIGUSR1, SIGWINCH };

um_rc_t
um_signal_start(void)
{
    const um_signal_t *s;
    sigset_t set;

    sigemptyset(&set);

    for (s = um_signals; s->signo != 0; s++) {
        sigaddset(&set, s->signo);
        if (signal_install(s->signo, signal_handler) != UM_OK) {
            return UM_ERR;
        }
    }

    if (signal_install(SIGPIPE, SIG_IGN) != UM_OK) {
        return UM_ERR;
    }

    for (size_t i = 0; i < um_countof(worker_signals); i++) {
        sigaddset(&set, worker_signals[i]);
    }

    if (sigprocmask(SIG_BLOCK, &set, &mask_before) == -1) {
        um_log_error(errno, "signals: sigprocmask failed");
        return UM_ERR;
    }

    return UM_OK;
}

void
um_signal_sleep(struct pollfd *fds, nfds_t count, uint64_t timeout_ms)
{
    struct timespec ts = {
        .tv_sec = (time_t) (timeout_ms / 1000),
        .tv_nsec = (long) (timeout_ms % 1000) * 1000000,
    };

    if (ppoll(fds, count, &ts, &mask_before) == -1) {
        nfds_t i;

        for (i = 0; i < count; i++) {
            fds[i].revents = 0;
        }

        if (errno != EINTR) {
            um_log_error(errno, "ppoll of %lu failed", (unsigned long) count);
        }
    }
}

unsigned
um_signal_take(void)
{
    unsigned asks = 0;
    size_t i;

    for (i = 0; um_signals[i].signo != 0; i++) {
        if (came[i]) {
            came[i] = 0;
            asks |= um_signals[i].asks;
        }
    }

    return asks;
}

void
um_signal_child(um_signal_child_t kind)
{
    const um_signal_t *s;
    sigset_t mask = mask_before;
    size_t i;

    /* What came for the master between its sleep and the fork is not ours. */
    (void) um_signal_take();

    for (s = um_signals; s->signo != 0; s++) {
        bool terminal = s->signo == SIGINT || s->signo == SIGHUP;
        bool ours = kind != UM_SIGNAL_CHILD_FOREIGN;

        (void) signal_install(s->signo, ours && terminal ? SIG_IGN : SIG_DFL);
    }

    if (kind == UM_SIGNAL_CHILD_FOREIGN) {
        (void) signal_install(SIGPIPE, SIG_DFL);
    }

    if (kind == UM_SIGNAL_CHILD_WORKER) {
        for (i = 0; i < um_countof(worker_signals); i++) {
            sigaddset(&mask, worker_signals[i]);
        }
    }

    if (sigprocmask(SIG_SETMASK, &mask, NULL) == -1) {
        um_log_error(errno, "signals: sigprocmask failed");
    }
}
