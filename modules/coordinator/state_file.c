/* SPDX-License-Identifier: Apache-2.0 */

#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_str.h"

#define STATE_MAX 65536

static const char state_head[] = "undermoon coordinator 1\n";

/* ---- Its text ----------------------------------------------------------- */

/* "name value\n" at the beginning of `text`, which goes on behind it. */
static bool
state_line(um_str_t *text, um_str_t name, um_str_t *value)
{
    const char *end =
        text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = end != NULL ? (size_t) (end - text->data) : 0;

    if (end == NULL || len <= name.len || text->data[name.len] != ' '
        || memcmp(text->data, name.data, name.len) != 0)
    {
        return false;
    }

    *value = (um_str_t){ text->data + name.len + 1, len - name.len - 1 };
    text->data += len + 1;
    text->len -= len + 1;
    return true;
}

um_rc_t
state_parse(um_str_t text, um_str_t configured, um_sbuf_t *out)
{
    size_t head = sizeof(state_head) - 1;
    um_str_t was, brokers;

    if (text.len < head || memcmp(text.data, state_head, head) != 0) {
        return UM_ERR;
    }

    text.data += head;
    text.len -= head;
    if (!state_line(&text, um_lit("configured"), &was)
        || !state_line(&text, um_lit("brokers"), &brokers) || text.len > 0)
    {
        return UM_ERR;
    }

    if (!um_str_eq(was, configured)) {
        return UM_DECLINED;
    }

    um_sbuf_add_str(out, brokers);
    return UM_OK;
}

void
state_format(um_str_t configured, um_str_t brokers, um_sbuf_t *out)
{
    um_sbuf_addz(out, state_head);
    um_sbuf_addz(out, "configured ");
    um_sbuf_add_str(out, configured);
    um_sbuf_addz(out, "\nbrokers ");
    um_sbuf_add_str(out, brokers);
    um_sbuf_addz(out, "\n");
}

/* ---- On the disk -------------------------------------------------------- */

um_rc_t
state_load(const char *path, um_sbuf_t *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *room = um_sbuf_room(out, STATE_MAX);
    ssize_t n;

    if (fd == -1) {
        if (errno == ENOENT) {
            return UM_DECLINED;
        }
        um_log_error(errno, "state_file %s: open failed", path);
        return UM_ERR;
    }

    n = room != NULL ? read(fd, room, STATE_MAX) : -1;
    if (n == -1) {
        um_log_error(
            room == NULL ? ENOMEM : errno, "state_file %s: read failed", path);
    } else {
        out->len += (size_t) n;
    }

    close(fd);
    return n == -1 ? UM_ERR : UM_OK;
}

/* The folder of `path`; NULL: no memory. */
static char *
state_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL   ? strdup(".")
           : slash == path ? strdup("/")
                           : strndup(path, (size_t) (slash - path));
}

static bool
state_write(const char *path, um_str_t text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool ok;

    if (fd == -1) {
        return false;
    }

    ok = write(fd, text.data, text.len) == (ssize_t) text.len && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

static bool
state_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok;

    if (fd == -1) {
        return false;
    }

    ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

um_rc_t
state_save(const char *path, um_str_t text)
{
    um_sbuf_t temp = { 0 };
    char *folder = state_folder(path);
    const char *name;
    bool ok = false;

    um_sbuf_addf(&temp, "%s.new", path);
    name = um_sbuf_cstr(&temp);
    if (folder == NULL || temp.failed) {
        errno = ENOMEM;
    } else {
        ok = (mkdir(folder, 0750) == 0 || errno == EEXIST)
             && state_write(name, text) && rename(name, path) == 0
             && state_sync_folder(folder);
    }

    if (!ok) {
        um_log_error(errno, "state_file %s: cannot be written", path);
        (void) unlink(name);
    }

    um_sbuf_deinit(&temp);
    free(folder);
    return ok ? UM_OK : UM_ERR;
}
