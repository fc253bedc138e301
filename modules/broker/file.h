/*
 * file.h -- the metadata file: one JSON object, replaced as a whole.
 *
 * Each save writes the whole state, though only a little of it has changed.
 * It is small (200 bytes a proxy) and changes a few times a second at most;
 * requests that come together share one save.  For that there is no log to
 * replay, nothing to compact, and the file is a dump that jq, an operator and
 * the reference read.  Its last member is a checksum of all before it:
 *
 *     {"version":"mem-broker-0.2",...,"checksum":"<crc64>-<bytes>"}
 *
 * A file without that member is taken as it is: dumps of the reference, and
 * what an operator has edited.
 *
 *   PATH       the state; there is a whole one at any instant
 *   PATH.old   the one before; used when PATH is torn or corrupt
 *   PATH.new   a save under way; of no worth afterwards
 *   PATH.bad   a damaged one, for whoever wants to know
 *   PATH.lock  held by the process that uses them
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_FILE_H
#define BROKER_FILE_H

#include "core/um_base.h"
#include "core/um_sbuf.h"
#include "file_sys.h"

typedef struct {
    const file_sys_t *sys;
    char *path;
    char *old;
    char *fresh;
    char *bad;
    char *dir;
    int lock; /* -1: not held */
} file_t;

/*
 * What is to be known beside the state.  In the file each is a member of its
 * own behind those of the state, {..,"older":true,"checksum":..}; readers of
 * the reference ignore them.
 */
enum {
    FILE_OLDER = 1u << 0,   /* the state before: the last one is lost  */
    FILE_REPLICA = 1u << 1, /* it came from another broker, as a whole */
};

/* Why a save failed: "fsync", and the errno; what NULL: it did not. */
typedef struct {
    const char *what;
    int err;
} file_fault_t;

/* Is `text`, one JSON object, a state?  NULL, or why not.  Borrowed. */
typedef const char *(*file_check_pt)(um_str_t text, void *data);

/*
 * Take PATH for this process; `path` is copied, `sys` lent.  UM_AGAIN: another
 * process has it.  UM_ERR: logged.  After either only file_deinit().
 */
UM_MUSTCHECK um_rc_t file_init(
    file_t *f, const char *path, const file_sys_t *sys);
void file_deinit(file_t *f);

/*
 * Read the state: the last good one.  UM_OK: `check` has taken it, and it is
 * in `out`, what was noted with it in `notes`: FILE_OLDER stays noted until the
 * next save.  UM_DECLINED: there is none yet.  UM_ERR: there is something, but
 * nothing that can be used; logged.
 */
UM_MUSTCHECK um_rc_t file_load(const file_t *f, file_check_pt check, void *data,
    um_sbuf_t *out, unsigned *notes);

/*
 * Replace it by `text`, an object that is not empty, and `notes`.  Blocks until
 * it is durable; may run on a helper thread, one at a time.  UM_ERR: `fault`
 * says why, nothing was logged; which of the two states is on the disk is not
 * known then, but it is one of them, and the next save may succeed.
 */
UM_MUSTCHECK um_rc_t file_save(
    const file_t *f, um_str_t text, unsigned notes, file_fault_t *fault);

/* Add the notes, and the checksum as the last member; and check it.  NULL or
 * what is wrong; `text` is then what was sealed, or all of it when it was
 * not, without its notes. */
void file_seal(um_str_t text, unsigned notes, um_sbuf_t *out);
const char *file_unseal(um_sbuf_t *text, unsigned *notes);

#endif /* BROKER_FILE_H */
