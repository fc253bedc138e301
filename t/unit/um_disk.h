/*
 * um_disk.h -- a disk in memory that forgets what was not fsync'd.
 *
 * It keeps a file's bytes and a directory's names twice: as programs see them
 * and as they are on the disk.  disk_crash() makes what might be there after a
 * loss of power: any set of the changes of names since the directory's fsync,
 * and of each file's bytes since its own all, none, a part, or rubbish.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_DISK_H
#define UM_DISK_H

#include "../../modules/broker/file_sys.h"
#include "core/um_base.h"

#define DISK_FILES 64
#define DISK_NAMES 16
#define DISK_BYTES 4096
#define DISK_EDITS 16

/* Bytes that were never fsync'd, after a crash. */
typedef enum {
    DISK_LOST,
    DISK_WHOLE,
    DISK_CUT,    /* half of them      */
    DISK_ZEROED, /* the length is right */
    DISK_RUBBISH,
    DISK_WAYS,
} disk_way_t;

/* A name that means another file, or with file -1 none, from then on. */
typedef struct {
    char name[32];
    int file;
} disk_edit_t;

/* What a call did to the names; a rename does two things at once. */
typedef struct {
    disk_edit_t edit[2];
    int count;
} disk_change_t;

typedef struct {
    char bytes[DISK_BYTES];
    size_t len;
    char synced[DISK_BYTES];
    size_t synced_len;
    bool dirty;
} disk_file_t;

typedef struct {
    disk_file_t file[DISK_FILES];
    int files;
    disk_edit_t name[DISK_NAMES]; /* as programs see them  */
    int names;
    disk_edit_t synced[DISK_NAMES]; /* as on the disk        */
    int synced_names;
    disk_change_t change[DISK_EDITS]; /* between the two       */
    int changes;

    struct {
        int file; /* -1: closed, -2: the directory */
        size_t at;
    } fd[8];

    int calls;      /* so far                                    */
    int stop_after; /* then everything fails: the machine is off */
    int fail_at;    /* this call fails, with fail_errno          */
    int fail_errno;
    size_t write_max; /* bytes that a write() takes */
    char trace[4096]; /* names of calls */
} disk_t;

extern disk_t disk;
extern const file_sys_t disk_sys;

/* Empty, and works. */
void disk_format(void);

/* Which sets of changes there are to disk_crash(). */
unsigned disk_sets(void);

/* The power is lost and comes back. */
void disk_crash(unsigned set, disk_way_t way);

/* Bytes of a file as programs see it; NULL: there is none. */
disk_file_t *disk_file(const char *name);
void disk_put(const char *name, const char *bytes);

#endif /* UM_DISK_H */
