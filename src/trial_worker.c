/*
 * trial_worker.c -- answers every packet with PONG, so that the master can be
 * tried before the data plane is there.  Weak: the real one replaces it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_worker.h"

#define TRIAL_FDS 1024

int __attribute__((weak)) um_worker_run(const um_heritage_t *h)
{
    um_row_sh_t *row = &h->shm->workers->row[h->row];
    struct pollfd p[TRIAL_FDS];
    uint32_t n = 2 + h->listen_count, i;
    bool draining = false, retiring = false;
    sigset_t set;
    char buf[4096];

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGUSR1);
    p[0].fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    p[1].fd = h->master_fd;
    for (i = 0; i < h->listen_count; i++) {
        p[2 + i].fd = h->listen[i].fd;
    }
    for (i = 0; i < n; i++) {
        p[i].events = POLLIN;
    }
    atomic_store(&row->state, UM_ROW_RUNNING);
    for (;;) {
        uint32_t clients = n - 2 - h->listen_count, last = n;

        atomic_store(&row->turn_ns, um_clock_ns());
        if (draining || (retiring && clients == 0)) {
            return 0;
        }
        poll(p, n, 500);
        if (p[0].revents) {
            struct signalfd_siginfo si;

            while (read(p[0].fd, &si, sizeof(si)) == sizeof(si)) {
                if (si.ssi_signo == SIGTERM) {
                    return 0;
                } else if (si.ssi_signo == SIGUSR1) {
                    (void) !um_log_reopen();
                } else {
                    draining |= si.ssi_signo == SIGQUIT;
                    retiring |= si.ssi_signo == SIGWINCH;
                    for (i = 0; i < h->listen_count; i++) {
                        p[2 + i].fd = -1;
                    }
                }
            }
        }
        if (p[1].revents) {
            return 0;
        }
        for (i = 2; i < last; i++) {
            if (p[i].fd == -1 || !p[i].revents) {
                continue;
            }
            if (i < 2 + h->listen_count) {
                int fd = accept(p[i].fd, NULL, NULL);

                if (fd != -1 && n < TRIAL_FDS) {
                    p[n].fd = fd;
                    p[n].events = POLLIN;
                    p[n++].revents = 0;
                }
                continue;
            }
            if (recv(p[i].fd, buf, sizeof(buf), 0) <= 0) {
                close(p[i].fd);
                p[i].fd = -1;
            } else {
                if (memmem(buf, sizeof(buf), "SHUTDOWN", 8) != NULL) {
                    (void) !write(h->master_fd, "s", 1);
                }
                (void) send(p[i].fd, "+PONG\r\n", 7, MSG_NOSIGNAL);
            }
        }
        while (n > 2 + h->listen_count && p[n - 1].fd == -1) {
            n--;
        }
    }
}
