/* SPDX-License-Identifier: Apache-2.0 */

#include "um_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

disk_t disk;

/* ---- Names -------------------------------------------------------------- */

static disk_edit_t *
names_find(disk_edit_t *list, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return &list[i];
        }
    }

    return NULL;
}

static void
names_edit(disk_edit_t *list, int *count, const disk_edit_t *e)
{
    disk_edit_t *at = names_find(list, *count, e->name);

    if (at == NULL) {
        um_assert(*count < DISK_NAMES);
        at = &list[(*count)++];
    }

    *at = *e;
}

static int
names_file(const char *name)
{
    disk_edit_t *e = names_find(disk.name, disk.names, name);

    return e == NULL ? -1 : e->file;
}

static disk_edit_t
edit_of(const char *name, int file)
{
    disk_edit_t e = { .file = file };

    snprintf(e.name, sizeof(e.name), "%s", name);
    return e;
}

static void
disk_change(const disk_edit_t *edit, int count)
{
    disk_change_t *c = &disk.change[disk.changes++];

    um_assert(disk.changes <= DISK_EDITS);
    c->count = count;
    for (int i = 0; i < count; i++) {
        c->edit[i] = edit[i];
        names_edit(disk.name, &disk.names, &edit[i]);
    }
}

disk_file_t *
disk_file(const char *name)
{
    int file = names_file(name);

    return file == -1 ? NULL : &disk.file[file];
}

/* ---- The calls ---------------------------------------------------------- */

/* Does this call fail? */
static bool
call_fails(const char *name)
{
    size_t len = strlen(disk.trace);

    if (disk.calls >= disk.stop_after) {
        errno = EIO;
        return true;
    }

    if (disk.fail_at == disk.calls++) {
        errno = disk.fail_errno;
        return true;
    }

    snprintf(disk.trace + len, sizeof(disk.trace) - len, "%s%s",
        len > 0 ? " " : "", name);
    return false;
}

static int
disk_open(const char *path, int flags, mode_t mode)
{
    int fd = 0;
    int file;

    (void) mode;
    if (call_fails("open")) {
        return -1;
    }

    while (disk.fd[fd].file != -1) {
        fd++;
        um_assert((size_t) fd < um_countof(disk.fd));
    }

    file = flags & O_DIRECTORY ? -2 : names_file(path);
    if (file == -1) {
        disk_edit_t e;

        if (!(flags & O_CREAT)) {
            errno = ENOENT;
            return -1;
        }
        um_assert(disk.files < DISK_FILES);
        file = disk.files++;
        e = edit_of(path, file);
        disk_change(&e, 1);
    }

    if (flags & O_TRUNC) {
        disk.file[file].len = 0;
        disk.file[file].dirty = true;
    }

    disk.fd[fd].file = file;
    disk.fd[fd].at = 0;
    return fd;
}

static ssize_t
disk_read(int fd, void *data, size_t len)
{
    disk_file_t *f = &disk.file[disk.fd[fd].file];
    size_t n = um_min(len, f->len - disk.fd[fd].at);

    if (call_fails("read")) {
        return -1;
    }

    memcpy(data, f->bytes + disk.fd[fd].at, n);
    disk.fd[fd].at += n;
    return (ssize_t) n;
}

static ssize_t
disk_write(int fd, const void *data, size_t len)
{
    disk_file_t *f = &disk.file[disk.fd[fd].file];
    size_t n = um_min(len, disk.write_max);

    if (call_fails("write")) {
        return -1;
    }

    um_assert(f->len + n <= DISK_BYTES);
    memcpy(f->bytes + f->len, data, n);
    f->len += n;
    f->dirty = true;
    return (ssize_t) n;
}

static int
disk_fsync(int fd)
{
    int file = disk.fd[fd].file;

    if (call_fails("fsync")) {
        return -1;
    }

    if (file == -2) {
        memcpy(disk.synced, disk.name, sizeof(disk.synced));
        disk.synced_names = disk.names;
        disk.changes = 0;
    } else {
        disk_file_t *f = &disk.file[file];

        memcpy(f->synced, f->bytes, f->len);
        f->synced_len = f->len;
        f->dirty = false;
    }

    return 0;
}

static int
disk_close(int fd)
{
    disk.fd[fd].file = -1;
    return call_fails("close") ? -1 : 0;
}

static int
disk_link(const char *from, const char *to)
{
    disk_edit_t e = edit_of(to, names_file(from));

    if (call_fails("link")) {
        return -1;
    }

    if (e.file == -1 || names_file(to) != -1) {
        errno = e.file == -1 ? ENOENT : EEXIST;
        return -1;
    }

    disk_change(&e, 1);
    return 0;
}

static int
disk_rename(const char *from, const char *to)
{
    disk_edit_t e[2] = { edit_of(to, names_file(from)), edit_of(from, -1) };

    if (call_fails("rename")) {
        return -1;
    }

    if (e[0].file == -1) {
        errno = ENOENT;
        return -1;
    }

    disk_change(e, 2);
    return 0;
}

static int
disk_unlink(const char *path)
{
    disk_edit_t e = edit_of(path, -1);

    if (call_fails("unlink")) {
        return -1;
    }

    if (names_file(path) == -1) {
        errno = ENOENT;
        return -1;
    }

    disk_change(&e, 1);
    return 0;
}

static int
disk_lock(int fd)
{
    (void) fd;
    return 0;
}

const file_sys_t disk_sys = {
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .fsync = disk_fsync,
    .close = disk_close,
    .link = disk_link,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .lock = disk_lock,
};

/* ---- Power -------------------------------------------------------------- */

/* It is on, and nothing is open. */
static void
disk_on(void)
{
    for (size_t i = 0; i < um_countof(disk.fd); i++) {
        disk.fd[i].file = -1;
    }

    disk.calls = 0;
    disk.stop_after = INT_MAX;
    disk.fail_at = -1;
    disk.write_max = DISK_BYTES;
    disk.trace[0] = '\0';
}

void
disk_format(void)
{
    memset(&disk, 0, sizeof(disk));
    disk_on();
}

unsigned
disk_sets(void)
{
    return 1u << disk.changes;
}

static void
crash_bytes(disk_file_t *f, disk_way_t way)
{
    if (!f->dirty) {
        return;
    }

    switch (way) {
    case DISK_LOST:
        memcpy(f->bytes, f->synced, f->synced_len);
        f->len = f->synced_len;
        break;
    case DISK_CUT:
        f->len /= 2;
        break;
    case DISK_ZEROED:
        memset(f->bytes + f->len / 2, 0, f->len - f->len / 2);
        break;
    case DISK_RUBBISH:
        memset(f->bytes + f->len / 3, 'x', f->len / 3);
        break;
    default:
        break;
    }
}

void
disk_crash(unsigned set, disk_way_t way)
{
    memcpy(disk.name, disk.synced, sizeof(disk.name));
    disk.names = disk.synced_names;

    for (int i = 0; i < disk.changes; i++) {
        for (int j = 0; set & 1u << i && j < disk.change[i].count; j++) {
            names_edit(disk.name, &disk.names, &disk.change[i].edit[j]);
        }
    }

    memcpy(disk.synced, disk.name, sizeof(disk.synced));
    disk.synced_names = disk.names;
    disk.changes = 0;

    for (int i = 0; i < disk.files; i++) {
        disk_file_t *f = &disk.file[i];

        crash_bytes(f, way);
        memcpy(f->synced, f->bytes, f->len);
        f->synced_len = f->len;
        f->dirty = false;
    }

    disk_on();
}

void
disk_put(const char *name, const char *bytes)
{
    disk_edit_t e = edit_of(name, disk.files++);
    disk_file_t *f = &disk.file[e.file];

    f->len = f->synced_len = strlen(bytes);
    memcpy(f->bytes, bytes, f->len);
    memcpy(f->synced, bytes, f->len);
    names_edit(disk.name, &disk.names, &e);
    names_edit(disk.synced, &disk.synced_names, &e);
}
