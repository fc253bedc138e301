/*
 * um_client_cmd.h -- CLIENT LIST and CLIENT KILL as other workers ask for
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_CMD_H
#define UM_CLIENT_CMD_H

#include "proxy/um_bus.h"

/* Answer the questions of the other workers; once, before the first turn. */
void um_client_cmd_serve(um_bus_t *bus);

#endif /* UM_CLIENT_CMD_H */
