/*
 * um_slot_keys.h -- CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT.
 *
 * The nodes behind us are no cluster nodes and keep no keys by slot, so the
 * slot's node is walked through with SCAN over a private connection: bounded
 * in time, in keys and in bytes, at whose ends the answer is an error.  A slot
 * of somebody else has no keys here, as in Redis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SLOT_KEYS_H
#define UM_SLOT_KEYS_H

#include "proxy/um_self.h"

void um_slot_keys_count(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_slot_keys_get(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_SLOT_KEYS_H */
