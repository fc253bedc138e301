/* SPDX-License-Identifier: Apache-2.0 */

#include "file_sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int
sys_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static int
sys_lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

const file_sys_t file_sys = {
    .open = sys_open,
    .read = read,
    .write = write,
    .fsync = fsync,
    .close = close,
    .link = link,
    .rename = rename,
    .unlink = unlink,
    .lock = sys_lock,
};
