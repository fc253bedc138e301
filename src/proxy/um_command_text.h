/*
 * um_command_text.h -- a command as COMMAND shows it, byte by byte as Redis
 * 7.0 does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_COMMAND_TEXT_H
#define UM_COMMAND_TEXT_H

#include "resp/um_cmd_foreign.h"

/* Do we do it, or one of its subcommands?  Then it is listed; our control
 * commands never are. */
bool um_command_is_listed(const um_cmd_t *cmd);

/*
 * All commands one after the other, listed or not: those of the table, then
 * those that were learnt from the nodes or the configuration.  NULL: no more.
 */
const um_cmd_t *um_command_at(const um_cmd_foreign_t *foreign, size_t i);

/* One that is listed, or a subcommand ("config|get").  NULL: there is none. */
const um_cmd_t *um_command_find(const um_cmd_foreign_t *foreign, um_str_t name);

/* Its entry: ten values, subcommands included. */
void um_command_put(um_sbuf_t *o, const um_cmd_t *cmd, int proto);

/* UM_KEY_* as a set of status replies. */
void um_command_put_key_flags(um_sbuf_t *o, uint32_t flags, int proto);

#endif /* UM_COMMAND_TEXT_H */
