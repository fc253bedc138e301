/*
 * um_command_docs.h -- COMMAND DOCS: what a local Redis says of the commands
 * that we have, or our table where none can be asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_COMMAND_DOCS_H
#define UM_COMMAND_DOCS_H

#include "proxy/um_self.h"

void um_command_docs(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_COMMAND_DOCS_H */
