/* SPDX-License-Identifier: Apache-2.0 */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"

#define FILE_MODE 0640

/* Bytes read at once. */
#define FILE_STEP 65536

/* ---- Names and the lock ------------------------------------------------- */

static char *
name_with(const char *path, const char *suffix)
{
    um_sbuf_t b = { 0 };

    um_sbuf_addf(&b, "%s%s", path, suffix);
    (void) um_sbuf_cstr(&b);
    return b.failed ? NULL : b.data;
}

/* The directory that a path stands in. */
static char *
name_of_dir(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return strdup(".");
    }

    return slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));
}

/* The lock goes with the process, however that ends. */
static um_rc_t
file_take_lock(file_t *f)
{
    char *name = name_with(f->path, ".lock");
    um_rc_t rc = UM_ERR;

    if (name == NULL) {
        um_log_error(ENOMEM, "storage file %s", f->path);
        return UM_ERR;
    }

    f->lock = f->sys->open(name, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (f->lock == -1) {
        um_log_error(errno, "storage file %s: open failed", name);
    } else if (f->sys->lock(f->lock) == 0) {
        rc = UM_OK;
    } else if (errno == EWOULDBLOCK) {
        rc = UM_AGAIN;
    } else {
        um_log_error(errno, "storage file %s: lock failed", name);
    }

    free(name);
    return rc;
}

um_rc_t
file_init(file_t *f, const char *path, const file_sys_t *sys)
{
    *f = (file_t){
        .sys = sys,
        .path = strdup(path),
        .old = name_with(path, ".old"),
        .fresh = name_with(path, ".new"),
        .bad = name_with(path, ".bad"),
        .dir = name_of_dir(path),
        .lock = -1,
    };
    if (f->path == NULL || f->old == NULL || f->fresh == NULL || f->bad == NULL
        || f->dir == NULL)
    {
        um_log_error(ENOMEM, "storage file %s", path);
        return UM_ERR;
    }

    return file_take_lock(f);
}

void
file_deinit(file_t *f)
{
    if (f->lock != -1) {
        (void) f->sys->close(f->lock);
    }

    free(f->path);
    free(f->old);
    free(f->fresh);
    free(f->bad);
    free(f->dir);
    memset(f, 0, sizeof(*f));
    f->lock = -1;
}

/* ---- Load --------------------------------------------------------------- */

/* UM_DECLINED: there is no such file.  UM_ERR: logged. */
static um_rc_t
file_read(const file_t *f, const char *name, um_sbuf_t *out)
{
    ssize_t n = 0;
    int fd = f->sys->open(name, O_RDONLY | O_CLOEXEC, 0);

    if (fd == -1) {
        if (errno == ENOENT) {
            return UM_DECLINED;
        }
        um_log_error(errno, "storage file %s: open failed", name);
        return UM_ERR;
    }

    do {
        char *room = um_sbuf_room(out, FILE_STEP);

        if (room == NULL) {
            um_log_error(ENOMEM, "storage file %s", name);
            break;
        }

        n = f->sys->read(fd, room, FILE_STEP);
        if (n == -1 && errno != EINTR) {
            um_log_error(errno, "storage file %s: read failed", name);
            break;
        }
        out->len += n > 0 ? (size_t) n : 0;
    } while (n != 0);

    (void) f->sys->close(fd);
    return out->failed || n != 0 ? UM_ERR : UM_OK;
}

/* One of the two.  UM_ERR: it is of no use, logged. */
static um_rc_t
file_try(const file_t *f, const char *name, file_check_pt check, void *data,
    um_sbuf_t *out, unsigned *notes)
{
    const char *wrong;
    um_rc_t rc;

    um_sbuf_clear(out);
    rc = file_read(f, name, out);
    if (rc != UM_OK) {
        return rc;
    }

    wrong = file_unseal(out, notes);
    if (wrong == NULL) {
        wrong = check((um_str_t){ out->data, out->len }, data);
    }

    if (wrong != NULL) {
        um_log_error(0, "storage file %s cannot be used: %s", name, wrong);
        return UM_ERR;
    }

    return UM_OK;
}

/* ---- Save --------------------------------------------------------------- */

static um_rc_t
fault_set(file_fault_t *fault, const char *what)
{
    fault->what = what;
    fault->err = errno;
    return UM_ERR;
}

static um_rc_t
save_bytes(const file_t *f, int fd, um_str_t text, file_fault_t *fault)
{
    while (text.len > 0) {
        ssize_t n = f->sys->write(fd, text.data, text.len);

        if (n == 0) {
            errno = EIO; /* a disk that takes nothing and says nothing */
        }
        if (n <= 0 && !(n == -1 && errno == EINTR)) {
            return fault_set(fault, "write");
        }
        if (n > 0) {
            text.data += n;
            text.len -= (size_t) n;
        }
    }

    return f->sys->fsync(fd) == 0 ? UM_OK : fault_set(fault, "fsync");
}

/* PATH.new, whole and durable. */
static um_rc_t
save_fresh(const file_t *f, um_str_t text, file_fault_t *fault)
{
    int fd = f->sys->open(
        f->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    um_rc_t rc;

    if (fd == -1) {
        return fault_set(fault, "open");
    }

    rc = save_bytes(f, fd, text, fault);
    if (f->sys->close(fd) != 0 && rc == UM_OK) {
        return fault_set(fault, "close");
    }

    return rc;
}

/* PATH.old names what PATH names.  There may be no PATH yet, and there are
 * file systems without a second name for a file: then there is no .old. */
static um_rc_t
save_keep_old(const file_t *f, file_fault_t *fault)
{
    if (f->sys->unlink(f->old) != 0 && errno != ENOENT) {
        return fault_set(fault, "unlink");
    }

    if (f->sys->link(f->path, f->old) != 0 && errno != ENOENT && errno != EPERM
        && errno != EOPNOTSUPP && errno != EMLINK)
    {
        return fault_set(fault, "link");
    }

    return UM_OK;
}

static um_rc_t
save_dir(const file_t *f, file_fault_t *fault)
{
    int fd = f->sys->open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    um_rc_t rc = UM_OK;

    if (fd == -1) {
        return fault_set(fault, "open of the directory");
    }

    if (f->sys->fsync(fd) != 0) {
        rc = fault_set(fault, "fsync of the directory");
    }

    (void) f->sys->close(fd);
    return rc;
}

/* PATH.new, sealed. */
static um_rc_t
save_sealed(const file_t *f, um_str_t text, unsigned notes, file_fault_t *fault)
{
    um_sbuf_t sealed = { 0 };
    um_rc_t rc;

    file_seal(text, notes, &sealed);
    if (sealed.failed) {
        errno = ENOMEM;
        return fault_set(fault, "seal");
    }

    rc = save_fresh(f, (um_str_t){ sealed.data, sealed.len }, fault);
    um_sbuf_deinit(&sealed);
    return rc;
}

um_rc_t
file_save(const file_t *f, um_str_t text, unsigned notes, file_fault_t *fault)
{
    um_rc_t rc;

    *fault = (file_fault_t){ 0 };
    rc = save_sealed(f, text, notes, fault);
    if (rc == UM_OK) {
        rc = save_keep_old(f, fault);
    }
    if (rc == UM_OK && f->sys->rename(f->fresh, f->path) != 0) {
        rc = fault_set(fault, "rename");
    }
    if (rc != UM_OK) {
        (void) f->sys->unlink(f->fresh);
        return rc;
    }

    return save_dir(f, fault);
}

/* ---- Load with a way back ----------------------------------------------- */

/* PATH becomes what .old has, with its notes; on a disk that takes nothing any
 * more, without. */
static um_rc_t
restore_path(const file_t *f, um_str_t text, unsigned notes)
{
    file_fault_t ignored = { 0 };

    if (save_sealed(f, text, notes, &ignored) == UM_OK
        && f->sys->rename(f->fresh, f->path) == 0)
    {
        return UM_OK;
    }

    (void) f->sys->unlink(f->fresh);
    return f->sys->link(f->old, f->path) == 0 || errno == EPERM
                   || errno == EOPNOTSUPP || errno == EMLINK
               ? UM_OK
               : UM_ERR;
}

/* PATH is damaged or missing, and .old is good.  The next save would make the
 * damaged one .old, so it goes out of the way first. */
static um_rc_t
file_restore(const file_t *f, um_str_t text, unsigned notes)
{
    file_fault_t fault = { 0 };

    if (f->sys->rename(f->path, f->bad) != 0 && errno != ENOENT) {
        (void) fault_set(&fault, "rename");
    } else if (restore_path(f, text, notes) != UM_OK) {
        (void) fault_set(&fault, "link");
    } else {
        (void) save_dir(f, &fault);
    }

    if (fault.what != NULL) {
        um_log_error(
            fault.err, "storage file %s: %s failed", f->path, fault.what);
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
file_load(const file_t *f, file_check_pt check, void *data, um_sbuf_t *out,
    unsigned *notes)
{
    um_rc_t rc;
    um_rc_t old;

    *notes = 0;
    rc = file_try(f, f->path, check, data, out, notes);
    if (rc == UM_OK) {
        return UM_OK;
    }

    old = file_try(f, f->old, check, data, out, notes);
    if (old == UM_OK) {
        um_log_error(0,
            "storage file %s is %s: the state before the last change is used, "
            "from %s",
            f->path, rc == UM_DECLINED ? "missing" : "damaged", f->old);
        *notes |= FILE_OLDER;
        return file_restore(f, (um_str_t){ out->data, out->len }, *notes);
    }

    um_sbuf_deinit(out);
    return rc == UM_DECLINED && old == UM_DECLINED ? UM_DECLINED : UM_ERR;
}
