/*
 * um_restart.c -- see um_restart.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_restart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_sbuf.h"

#define RESTART_MEMFD "undermoond.conf"

void
um_restart_tell(const um_conf_t *now, const um_conf_t *next)
{
    um_sbuf_t text = { 0 };
    uint32_t n = um_conf_restart_needed(now, next, &text);
    const char *line = n > 0 ? um_sbuf_cstr(&text) : "";
    size_t len;

    for (; *line != '\0'; line += len + (line[len] == '\n')) {
        len = strcspn(line, "\n");
        um_log_warn(
            0, "%.*s: the change counts after a restart", (int) len, line);
    }

    um_sbuf_deinit(&text);
}

int
um_restart_keep(const um_conf_t *conf)
{
    um_sbuf_t text = { 0 };
    int fd = memfd_create(RESTART_MEMFD, MFD_CLOEXEC);

    um_conf_dump(conf, &text);

    if (fd == -1 || text.failed
        || write(fd, text.data, text.len) != (ssize_t) text.len)
    {
        um_log_warn(errno, "configuration: cannot be kept for undermoond -t");
        if (fd != -1) {
            close(fd);
            fd = -1;
        }
    }

    um_sbuf_deinit(&text);
    return fd;
}

/* The memfd among the descriptors of `pid`; -1: not found. */
static int
restart_open(pid_t pid)
{
    char path[64];
    struct dirent *entry;
    DIR *dir;
    int fd = -1;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid);
    dir = opendir(path);
    if (dir == NULL) {
        um_log_notice(errno, "what runs now cannot be compared");
        return -1;
    }

    while (fd == -1 && (entry = readdir(dir)) != NULL) {
        static const char link[] = "/memfd:" RESTART_MEMFD;
        char target[128];
        ssize_t n;

        n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        if (n >= (ssize_t) sizeof(link) - 1
            && memcmp(target, link, sizeof(link) - 1) == 0)
        {
            fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
        }
    }

    closedir(dir);
    return fd;
}

um_conf_t *
um_restart_load(pid_t pid, const um_conf_options_t *o)
{
    um_conf_options_t plain = {
        .blocks = o->blocks,
        .module_open = o->module_open,
        .module_data = o->module_data,
        .quiet = true,
    };
    char err[UM_CONF_ERR_MAX];
    um_sbuf_t text = { 0 };
    um_conf_t *conf = NULL;
    int fd = restart_open(pid);
    ssize_t n = 1;

    while (fd != -1 && n > 0) {
        char piece[4096];

        n = read(fd, piece, sizeof(piece));
        if (n > 0) {
            um_sbuf_add(&text, piece, (size_t) n);
        }
    }

    if (fd != -1) {
        close(fd);
        plain.text = um_sbuf_cstr(&text);
        conf = um_conf_load(&plain, err);
        if (conf == NULL) {
            um_log_warn(0, "what runs now cannot be compared: %s", err);
        }
    }

    um_sbuf_deinit(&text);
    return conf;
}
