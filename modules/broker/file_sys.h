/*
 * file_sys.h -- what the metadata file asks of the kernel, in one table.
 *
 * Each behaves as the call of that name; tests put others in its place, to
 * fail, to write short and to keep a record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_FILE_SYS_H
#define BROKER_FILE_SYS_H

#include <sys/types.h>

typedef struct {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int fd, void *data, size_t len);
    ssize_t (*write)(int fd, const void *data, size_t len);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*link)(const char *from, const char *to);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);

    /* For this process alone, at once or not at all (EWOULDBLOCK). */
    int (*lock)(int fd);
} file_sys_t;

extern const file_sys_t file_sys; /* the kernel's own */

#endif /* BROKER_FILE_SYS_H */
