/*
 * um_client_ask.h -- CLIENT LIST, KILL and UNBLOCK, which all workers answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_ASK_H
#define UM_CLIENT_ASK_H

#include "proxy/um_bus.h"

/* Answer the questions of the other workers; once, before the first turn. */
void um_client_ask_serve(um_bus_t *bus);

/* Handlers of um_client_cmd.c; `r` is answered when all have said theirs. */
void um_client_ask_list(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_ask_kill(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_ask_unblock(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_CLIENT_ASK_H */
