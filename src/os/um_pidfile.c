/*
 * um_pidfile.c -- see um_pidfile.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "os/um_pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/um_log.h"

um_rc_t
um_pidfile_owner(const char *path, pid_t *pid)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    um_rc_t rc = UM_DECLINED;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        if (errno == ENOENT) {
            return UM_DECLINED;
        }

        um_log_error(errno, "pid file %s: open failed", path);
        return UM_ERR;
    }

    /* The kernel knows who holds the lock; the text is for people. */
    if (fcntl(fd, F_GETLK, &lock) == -1) {
        um_log_error(errno, "pid file %s: F_GETLK failed", path);
        rc = UM_ERR;
    } else if (lock.l_type != F_UNLCK) {
        *pid = lock.l_pid;
        rc = UM_OK;
    }

    close(fd);
    return rc;
}

/* Write, lock and put in place; the caller undoes. */
static um_rc_t
pidfile_fill(int fd, const char *temporary, const char *path)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char text[24];
    int len = snprintf(text, sizeof(text), "%d\n", (int) getpid());

    if (fcntl(fd, F_SETLK, &lock) == -1) {
        um_log_error(errno, "pid file %s: F_SETLK failed", path);
        return UM_ERR;
    }

    if (write(fd, text, (size_t) len) != len) {
        um_log_error(errno, "pid file %s: write failed", path);
        return UM_ERR;
    }

    if (rename(temporary, path) == -1) {
        um_log_error(errno, "pid file %s: rename failed", path);
        return UM_ERR;
    }

    return UM_OK;
}

/* /run is empty after each boot, so its last folder may be missing. */
static void
pidfile_mkdir(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir;

    if (slash == NULL || slash == path) {
        return;
    }

    dir = strndup(path, (size_t) (slash - path));
    if (dir != NULL && mkdir(dir, 0755) == 0) {
        um_log_notice(0, "pid file %s: its directory was made", path);
    }

    free(dir);
}

um_rc_t
um_pidfile_write(um_pidfile_t *p, const char *path)
{
    char *temporary = NULL;

    p->fd = -1;
    p->path = strdup(path);
    if (p->path == NULL
        || asprintf(&temporary, "%s.%d", path, (int) getpid()) == -1)
    {
        um_log_error(ENOMEM, "pid file %s", path);
        free(p->path);
        p->path = NULL;
        return UM_ERR;
    }

    pidfile_mkdir(path);
    p->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (p->fd == -1) {
        um_log_error(errno, "pid file %s: open failed", temporary);
        goto fail;
    }

    if (pidfile_fill(p->fd, temporary, path) != UM_OK) {
        goto fail;
    }

    free(temporary);
    return UM_OK;

fail:
    if (p->fd != -1) {
        unlink(temporary);
        close(p->fd);
        p->fd = -1;
    }

    free(temporary);
    free(p->path);
    p->path = NULL;
    return UM_ERR;
}

void
um_pidfile_remove(um_pidfile_t *p)
{
    if (p->path == NULL) {
        return;
    }

    if (unlink(p->path) == -1) {
        um_log_warn(errno, "pid file %s: unlink failed", p->path);
    }

    close(p->fd);
    p->fd = -1;
    free(p->path);
    p->path = NULL;
}
