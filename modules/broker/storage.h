/*
 * storage.h -- where the metadata is kept: in memory, in a file, by a server.
 *
 * A batch of changes asks for what there is, is applied to a copy, and has the
 * copy made durable:
 *
 *     fetch()  ->  changes_fetched()   b->store is what there is
 *     keep()   ->  changes_kept()      b->next is there, or why not
 *
 * Each answer comes once, from the loop or before the call returns.  One of
 * the two is under way at a time, and never both for two batches.
 *
 *   storage.c        memory, a file, and the trouble all may have
 *   storage_http.c   a server
 *   storage_wire.c   what is said to it and what it says
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_STORAGE_H
#define BROKER_STORAGE_H

#include "core/um_base.h"

struct broker_s;

typedef struct {
    const char *name; /* for /status */

    /* Others write to it as well: it is nobody's copy, and what somebody asks
     * may have to be applied again. */
    bool shared;

    /*
     * Begin.  What is there at once is taken up into b->store; what comes
     * later has b->ready false until then.  b->where says where it is.
     * UM_ERR: logged, the process cannot start; close() is called then, too.
     */
    um_rc_t (*open)(struct broker_s *b);
    void (*close)(struct broker_s *b);

    void (*fetch)(struct broker_s *b);
    void (*keep)(struct broker_s *b);
} storage_t;

extern const storage_t storage_memory;
extern const storage_t storage_file;
extern const storage_t storage_http;

/* What stops changes from being saved, and what ends it. */
typedef enum {
    TROUBLE_NONE,
    TROUBLE_KEEP,  /* until something is saved             */
    TROUBLE_REACH, /* until something is read, or is saved */
} trouble_t;

/* Logged when it is another than before.  `err`: an errno, or 0. */
void storage_trouble(struct broker_s *b, trouble_t kind, int err,
    const char *fmt, ...) UM_PRINTF(4, 5);

/* Something was read or, TROUBLE_KEEP, saved. */
void storage_works(struct broker_s *b, trouble_t how);

/* Say what b->store has, and whether it is as it was configured. */
void storage_tell(struct broker_s *b);

#endif /* BROKER_STORAGE_H */
