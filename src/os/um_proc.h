/*
 * um_proc.h -- child processes: fork, channel, title, end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PROC_H
#define UM_PROC_H

#include <sys/types.h>

#include "core/um_base.h"
#include "os/um_backoff.h"
#include "os/um_signal.h"

#define UM_PROC_NAME_MAX 31

/* A child, or the place where one will be.  Embedded in what it runs for. */
typedef struct {
    pid_t pid;           /* 0: not running now                            */
    int channel;         /* our end of a socket pair with it; -1: none    */
    uint64_t started_ns; /* um_clock_ns()                                 */
    uint64_t due_ns;     /* not running: when it may be started again     */
    um_backoff_t backoff;
    char name[UM_PROC_NAME_MAX + 1]; /* in log lines, "worker0" */
} um_proc_t;

/* What the child does; `channel` is its end, EOF there: we are gone.  The
 * result is its exit code. */
typedef int (*um_proc_run_pt)(int channel, void *data);

/* Name it; it is not running. */
void um_proc_init(um_proc_t *p, const char *name);

/*
 * Start it: in the child run(channel, data), then exit().  UM_ERR: logged,
 * nothing was started.  Both ends of the channel are non-blocking and
 * close-on-exec.  The child keeps all other descriptors it inherits.
 */
UM_MUSTCHECK um_rc_t um_proc_start(
    um_proc_t *p, um_signal_child_t kind, um_proc_run_pt run, void *data);

/* Collect one ended child.  UM_DECLINED: none (any more). */
UM_MUSTCHECK um_rc_t um_proc_reap(pid_t *pid, int *status);

/* Note that it has ended: closes the channel, decides when it is due. */
void um_proc_ended(um_proc_t *p);

/* Send a signal, if it runs; a failure is logged. */
void um_proc_signal(const um_proc_t *p, int signo);

/* "exited with code 1", "was killed by signal 9 (Killed)". */
void um_proc_status_format(int status, char *out, size_t size);

/* Tell where main()'s arguments lie, so that ps can show the title later.
 * Moves the environment; call it once, first. */
void um_proc_title_init(int argc, char **argv);

/* "undermoond: worker 0" in ps; cut where there is no room. */
void um_proc_title(const char *title);

#endif /* UM_PROC_H */
