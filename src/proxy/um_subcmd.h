/*
 * um_subcmd.h -- CLIENT, COMMAND, CONFIG: which word after the command's own
 * is answered by whom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SUBCMD_H
#define UM_SUBCMD_H

#include "proxy/um_self.h"

typedef struct {
    const char *name; /* lower case */
    um_self_pt run;
} um_subcmd_t;

/*
 * Have argv[1] answered by the entry of its name.  The command table has
 * checked before that it is a subcommand, supported, and its arity.
 */
void um_subcmd_run(um_req_t *r, const um_str_t *argv, uint32_t argc,
    const um_subcmd_t *subs, size_t count);

/*
 * Answer HELP: `name` in capitals, then `lines` (NULL-terminated), framed by
 * the lines that are the same everywhere.
 */
void um_subcmd_help(um_req_t *r, const char *name, const char *const *lines);

#endif /* UM_SUBCMD_H */
