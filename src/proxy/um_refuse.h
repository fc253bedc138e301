/*
 * um_refuse.h -- commands answered with an error instead of being sent.
 *
 * Each takes `r`, may be given NULL (then the client is dead already) and
 * returns UM_OK: the command is done with.  The texts are Redis 7.0's own
 * where Redis has one (server.c, cluster.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REFUSE_H
#define UM_REFUSE_H

#include "proxy/um_req.h"

um_rc_t um_refuse_text(um_req_t *r, const char *text);
um_rc_t um_refuse_memory(um_req_t *r);
um_rc_t um_refuse_noauth(um_req_t *r);
um_rc_t um_refuse_crossslot(um_req_t *r);
um_rc_t um_refuse_control_only(um_req_t *r);
um_rc_t um_refuse_arity(um_req_t *r);
um_rc_t um_refuse_unsupported(um_req_t *r);
um_rc_t um_refuse_unknown(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* A container's name alone or with an unknown subcommand, or a wrong number
 * of arguments. */
um_rc_t um_refuse_arity_or_sub(
    um_req_t *r, const um_str_t *argv, uint32_t argc);

/* The table's command, or one learnt from a Redis or the configuration. */
const um_cmd_t *um_cmd_lookup(
    um_worker_t *w, const um_str_t *argv, uint32_t argc);

#endif /* UM_REFUSE_H */
