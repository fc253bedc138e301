/*
 * migrate_text.h -- a finished migration: from the words of UMCTL INFOMGR to
 * the body of PUT clusters/migrations.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef MIGRATE_TEXT_H
#define MIGRATE_TEXT_H

#include "core/um_addr.h"
#include "core/um_sbuf.h"

typedef struct {
    char cluster[64];
    char src_proxy[UM_ADDR_TEXT_MAX + 1];
    char dst_proxy[UM_ADDR_TEXT_MAX + 1];
} migrate_task_t;

/*
 * "<cluster> MIGRATING|IMPORTING <n> a-b.. <epoch> <src proxy> <src node> <dst
 * proxy> <dst node>", apart by single spaces.  UM_OK: the body is in `out`,
 * unless that has failed.  UM_DECLINED: it is no task.
 */
UM_MUSTCHECK um_rc_t migrate_parse(
    um_str_t text, migrate_task_t *task, um_sbuf_t *out);

#endif /* MIGRATE_TEXT_H */
