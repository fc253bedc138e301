/*
 * um_fanout.h -- one command split by slot, its replies joined.
 *
 *   MGET                     values in the order of the keys
 *   MSET                     +OK, or the first error in the order of the keys
 *   DEL UNLINK EXISTS TOUCH  integers added up, or the first error
 *
 * Keys that go to the same place travel together: by node where the Redis is
 * a plain one, by slot where it is cluster-enabled.  Not atomic over places;
 * all keys are routed before the first byte is sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_FANOUT_H
#define UM_FANOUT_H

#include "proxy/um_req.h"

/*
 * Send the parts of `r` (taken, in its client's queue already, r->cmd and
 * r->hops set).  `keys` are its keys in argv, all borrowed.
 */
void um_fanout_start(
    um_req_t *r, const um_str_t *argv, uint32_t argc, const um_keys_t *keys);

/* Bytes of the reply of a part. */
void um_join_part(um_req_t *part, const char *data, size_t len, bool last);

/* The client has left: the parts are orphans, `j` is freed. */
void um_join_abandon(um_join_t *j);

#endif /* UM_FANOUT_H */
