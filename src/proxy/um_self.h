/*
 * um_self.h -- commands the proxy answers itself.
 *
 * A handler gets the request and its words (borrowed until it returns),
 * arity already checked, and answers with um_req_begin()/um_req_end(), now or
 * later (um_req_hold()).  AUTH has been checked for commands that need it,
 * and control rights for those with UM_CMD_CONTROL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SELF_H
#define UM_SELF_H

#include "proxy/um_client.h"
#include "proxy/um_worker.h"

typedef void (*um_self_pt)(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* Who answers `self`; NULL: nobody yet. */
um_self_pt um_self_find(um_self_t self);

/* um_conn_cmd.c */
void um_self_ping(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_echo(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_quit(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_auth(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_select(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_reset(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_time(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_hello(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_readonly(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_readwrite(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_asking(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* um_wait.c */
void um_self_wait(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* um_client_cmd.c, um_command_cmd.c, um_info.c, um_config_cmd.c */
void um_self_client(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_command(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_info(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_config(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* um_slowlog_cmd.c, um_latency_cmd.c */
void um_self_slowlog(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_latency(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* um_cluster_cmd.c, um_umctl.c */
void um_self_cluster(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_self_umctl(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_SELF_H */
