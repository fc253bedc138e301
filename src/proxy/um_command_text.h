/*
 * um_command_text.h -- a command as COMMAND shows it, byte by byte as Redis
 * 7.0 does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_COMMAND_TEXT_H
#define UM_COMMAND_TEXT_H

#include "resp/um_cmd.h"

/* Do we do it, or one of its subcommands?  Then it is listed; our control
 * commands never are. */
bool um_command_is_listed(const um_cmd_t *cmd);

/* Its entry: ten values, subcommands included. */
void um_command_put(um_sbuf_t *o, const um_cmd_t *cmd, int proto);

/* UM_KEY_* as a set of status replies. */
void um_command_put_key_flags(um_sbuf_t *o, uint32_t flags, int proto);

#endif /* UM_COMMAND_TEXT_H */
