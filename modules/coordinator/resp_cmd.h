/*
 * resp_cmd.h -- what the coordinator answers in Redis' protocol.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef RESP_CMD_H
#define RESP_CMD_H

#include "coord.h"
#include "resp/um_args.h"

/* A command of at least one word.  False: close once that is written. */
bool resp_answer(coord_t *co, const um_args_t *args, um_sbuf_t *out);

/* The text of INFO; `section` empty: all. */
void resp_info(coord_t *co, um_str_t section, um_sbuf_t *out);

#endif /* RESP_CMD_H */
