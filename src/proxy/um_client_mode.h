/*
 * um_client_mode.h -- CLIENT: how a connection is to be treated.  REPLY,
 * NO-EVICT, NO-TOUCH, TRACKING and what belongs to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_MODE_H
#define UM_CLIENT_MODE_H

#include "proxy/um_self.h"

void um_client_mode_reply(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_no_evict(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_no_touch(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_tracking(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_trackinginfo(
    um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_caching(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_client_mode_getredir(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_CLIENT_MODE_H */
