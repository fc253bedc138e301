/*
 * um_daemon.c -- see um_daemon.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "os/um_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/um_log.h"

/* In the parent: as our child fares, so do we.  Its pipe tells. */
UM_NORETURN static void
daemon_wait(int fd)
{
    char word;
    ssize_t n;

    do {
        n = read(fd, &word, 1);
    } while (n == -1 && errno == EINTR);

    exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

um_rc_t
um_daemon_start(int *ready)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) == -1) {
        um_log_error(errno, "daemon: pipe failed");
        return UM_ERR;
    }

    fflush(NULL);

    pid = fork();
    if (pid == -1) {
        um_log_error(errno, "daemon: fork failed");
        close(fds[0]);
        close(fds[1]);
        return UM_ERR;
    }

    if (pid != 0) {
        close(fds[1]);
        daemon_wait(fds[0]);
    }

    close(fds[0]);
    *ready = fds[1];

    if (setsid() == -1) {
        um_log_error(errno, "daemon: setsid failed");
    }

    return UM_OK;
}

void
um_daemon_ready(int *ready, bool keep_stderr)
{
    int null;

    if (*ready == -1) {
        return;
    }

    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null == -1 || dup2(null, STDIN_FILENO) == -1
        || dup2(null, STDOUT_FILENO) == -1
        || (!keep_stderr && dup2(null, STDERR_FILENO) == -1))
    {
        um_log_error(errno, "daemon: /dev/null instead of a terminal failed");
    }

    if (null > STDERR_FILENO) {
        close(null);
    }

    /* Whoever waits may have been killed; that is no concern of ours. */
    if (write(*ready, "r", 1) == -1 && errno != EPIPE) {
        um_log_error(errno, "daemon: telling that we are ready failed");
    }

    close(*ready);
    *ready = -1;
}

void
um_daemon_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    size_t len;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@')) {
        return;
    }

    len = strlen(path);
    if (len >= sizeof(sa.sun_path)) {
        um_log_warn(0, "NOTIFY_SOCKET is too long");
        return;
    }

    memcpy(sa.sun_path, path, len);
    if (path[0] == '@') {
        sa.sun_path[0] = '\0'; /* an abstract name */
    }

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1) {
        um_log_warn(errno, "NOTIFY_SOCKET: socket failed");
        return;
    }

    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &sa,
            (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len))
        == -1)
    {
        um_log_warn(errno, "NOTIFY_SOCKET: telling %s failed", state);
    }

    close(fd);
}
