/*
 * um_docs_text.h -- commands as COMMAND DOCS tells of them: in the words of a
 * node where one can be asked, or what our table knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_DOCS_TEXT_H
#define UM_DOCS_TEXT_H

#include "core/um_sbuf.h"
#include "resp/um_cmd.h"

/* By the table: a map of summary, since, group, and of those subcommands that
 * are listed. */
void um_docs_put(
    um_sbuf_t *o, const um_cmd_t *const *cmds, size_t count, int proto);

/*
 * By what a Redis, 7.0 or later, said in RESP2 to COMMAND DOCS with the names
 * of these commands in this order.  Those it does not know are told by the
 * table; of its subcommands only those that are listed.  UM_DECLINED: this is
 * no such reply, and `o` holds something unfinished.
 */
UM_MUSTCHECK um_rc_t um_docs_put_from(um_sbuf_t *o, const um_cmd_t *const *cmds,
    size_t count, um_str_t reply, int proto);

#endif /* UM_DOCS_TEXT_H */
