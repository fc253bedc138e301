/*
 * um_proc.c -- see um_proc.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "os/um_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"

/* Where the kernel looks for what ps shows. */
static char *title_start;
static size_t title_room;

/* All that run, so that a pid finds its owner. */
static um_list_t running = { &running, &running };

void
um_proc_init(um_proc_t *p, const char *name, um_proc_ended_pt on_ended)
{
    memset(p, 0, sizeof(*p));
    p->channel = -1;
    p->on_ended = on_ended;
    um_list_init(&p->link);
    snprintf(p->name, sizeof(p->name), "%s", name);
}

/* Whoever holds our end of a channel hides from its child that we died. */
static void
proc_close_channels(void)
{
    um_list_each(link, &running)
    {
        close(um_list_entry(link, um_proc_t, link)->channel);
    }
}

um_rc_t
um_proc_start(
    um_proc_t *p, um_signal_child_t kind, um_proc_run_pt run, void *data)
{
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair)
        == -1)
    {
        um_log_error(errno, "%s: socketpair failed", p->name);
        return UM_ERR;
    }

    fflush(NULL); /* or the child writes out what we had buffered, too */

    pid = fork();
    if (pid == -1) {
        um_log_error(errno, "%s: fork failed", p->name);
        close(pair[0]);
        close(pair[1]);
        return UM_ERR;
    }

    if (pid == 0) {
        um_signal_child(kind);
        um_log_name(p->name);
        proc_close_channels();
        close(pair[0]);
        exit(run(pair[1], data));
    }

    close(pair[1]);
    p->pid = pid;
    p->channel = pair[0];
    p->started_ns = um_clock_ns();
    um_list_add_tail(&running, &p->link);
    return UM_OK;
}

static void
proc_ended(um_proc_t *p, int status)
{
    uint64_t now = um_clock_ns();
    uint64_t lived_ms = (now - p->started_ns) / 1000000;

    um_list_del(&p->link);
    close(p->channel);
    p->channel = -1;
    p->pid = 0;
    p->pause_ms = um_backoff_pause(&p->backoff, lived_ms);
    p->due_ns = now + p->pause_ms * 1000000;
    p->on_ended(p, status);
}

/* NULL: as process 1 of a container we inherit orphans of strangers. */
static um_proc_t *
proc_find(pid_t pid)
{
    um_list_each(link, &running)
    {
        um_proc_t *p = um_list_entry(link, um_proc_t, link);

        if (p->pid == pid) {
            return p;
        }
    }

    return NULL;
}

void
um_proc_reap(void)
{
    um_proc_t *p;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        p = proc_find(pid);
        if (p != NULL) {
            proc_ended(p, status);
        }
    }

    if (pid == -1 && errno != ECHILD) {
        um_log_alert(errno, "waitpid failed");
    }
}

void
um_proc_signal(const um_proc_t *p, int signo)
{
    if (p->pid == 0) {
        return;
    }

    /* ESRCH cannot be: what has ended stays a zombie until we reap it. */
    if (kill(p->pid, signo) == -1) {
        um_log_error(
            errno, "%s: kill(%d, %d) failed", p->name, (int) p->pid, signo);
    }
}

void
um_proc_status_format(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status)) {
        int signo = WTERMSIG(status);

        snprintf(out, size, "was killed by signal %d (%s)%s", signo,
            strsignal(signo), WCOREDUMP(status) ? ", core dumped" : "");
    } else {
        snprintf(out, size, "exited with code %d", WEXITSTATUS(status));
    }
}

void
um_proc_title_init(int argc, char **argv)
{
    char *end = argv[0];
    char **moved;
    int i, n;

    for (i = 0; i < argc; i++) {
        if (end == argv[i]) {
            end = argv[i] + strlen(argv[i]) + 1;
        }
    }

    for (n = 0; environ[n] != NULL; n++) {
        if (end == environ[n]) {
            end = environ[n] + strlen(environ[n]) + 1;
        }
    }

    /* The title may grow over the environment, so that must live elsewhere;
     * where memory is that short there is no title. */
    moved = calloc((size_t) n + 1, sizeof(*moved));
    if (moved == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {
        moved[i] = strdup(environ[i]);
        if (moved[i] == NULL) {
            while (i-- > 0) {
                free(moved[i]);
            }

            free(moved);
            return;
        }
    }

    environ = moved;
    title_start = argv[0];
    title_room = (size_t) (end - argv[0]);
}

void
um_proc_title(const char *title)
{
    if (title_room < 2) {
        return;
    }

    memset(title_start, 0, title_room);
    snprintf(title_start, title_room, "%s", title);
}
