/*
 * um_pidfile.h -- the file that says who the master is, and that it lives.
 *
 * The master holds a lock on it while it lives, so a file left behind by a
 * killed one is told from a true one whatever became of its pid.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PIDFILE_H
#define UM_PIDFILE_H

#include <sys/types.h>

#include "core/um_base.h"

typedef struct {
    int fd;     /* holds the lock; -1: not written */
    char *path; /* owned */
} um_pidfile_t;

/*
 * Whose is it?  UM_OK: of a living master, its pid is in `*pid`.
 * UM_DECLINED: there is none, or its master is gone.  UM_ERR: logged.
 */
UM_MUSTCHECK um_rc_t um_pidfile_owner(const char *path, pid_t *pid);

/*
 * Appear under `path` at once with all its content, replacing one whose
 * master is gone.  UM_ERR: logged.  A forked child neither inherits the lock
 * nor may touch `p`.
 */
UM_MUSTCHECK um_rc_t um_pidfile_write(um_pidfile_t *p, const char *path);

/* Remove what um_pidfile_write() made; nothing when it made none. */
void um_pidfile_remove(um_pidfile_t *p);

#endif /* UM_PIDFILE_H */
