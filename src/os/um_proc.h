/*
 * um_proc.h -- child processes: fork, channel, title, end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PROC_H
#define UM_PROC_H

#include <sys/types.h>

#include "core/um_base.h"
#include "core/um_list.h"
#include "os/um_backoff.h"
#include "os/um_signal.h"

#define UM_PROC_NAME_MAX 31

typedef struct um_proc_s um_proc_t;

/* It has ended, with what waitpid() says; it may be started again here. */
typedef void (*um_proc_ended_pt)(um_proc_t *p, int status);

/* A child, or the place where one will be.  Embedded in what it runs for. */
struct um_proc_s {
    um_list_t link;      /* of all that run */
    pid_t pid;           /* 0: not running now                            */
    int channel;         /* our end of a socket pair with it; -1: none    */
    uint64_t started_ns; /* um_clock_ns()                                 */
    uint64_t due_ns;     /* not running: when it may be started again     */
    uint64_t pause_ms;   /* from its end to due_ns                        */
    um_backoff_t backoff;
    um_proc_ended_pt on_ended;
    char name[UM_PROC_NAME_MAX + 1]; /* in log lines, "worker0" */
};

/* What the child does; `channel` is its end, EOF there: we are gone.  The
 * result is its exit code. */
typedef int (*um_proc_run_pt)(int channel, void *data);

/* Name it; it is not running. */
void um_proc_init(um_proc_t *p, const char *name, um_proc_ended_pt on_ended);

/*
 * Start it: in the child run(channel, data), then exit().  UM_ERR: logged,
 * nothing was started.  Both ends of the channel are non-blocking and
 * close-on-exec.  The child does not hold our ends of the other children's
 * channels; all other descriptors it inherits.
 */
UM_MUSTCHECK um_rc_t um_proc_start(
    um_proc_t *p, um_signal_child_t kind, um_proc_run_pt run, void *data);

/* Collect all children that have ended: close the channel, decide when it is
 * due again, call on_ended(). */
void um_proc_reap(void);

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
