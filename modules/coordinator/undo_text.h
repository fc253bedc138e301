/*
 * undo_text.h -- the tasks that are taken back, as the broker lists them, in
 * the words that proxies know them by.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UNDO_TEXT_H
#define UNDO_TEXT_H

#include "migrate_text.h"

typedef struct {
    const char *text; /* as of UMCTL INFOMGR, of the source: names the task */
    migrate_task_t who;
    bool undone[2]; /* the source has, the destination has */
} undo_task_t;

/* One of a list, lent until the callback returns.  False: no more of them. */
typedef bool (*undo_task_pt)(void *data, const undo_task_t *t);

/*
 * The body of GET clusters/migrations/cancelling.  UM_OK: on_task has run for
 * each.  UM_ERR: it has returned false, or there was no memory.  UM_DECLINED:
 * it is no such list.
 */
UM_MUSTCHECK um_rc_t undo_parse(
    um_str_t body, undo_task_pt on_task, void *data);

/* "UMCTL UNDO <task>" for one side of it, and the body that says that it has
 * done so; `out` may have failed then. */
void undo_command(const undo_task_t *t, unsigned side, um_sbuf_t *out);
void undo_body(const undo_task_t *t, unsigned side, um_sbuf_t *out);

#endif /* UNDO_TEXT_H */
