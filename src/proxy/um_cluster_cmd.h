/*
 * um_cluster_cmd.h -- what CLUSTER keeps in a worker: its texts, made once per
 * topology generation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLUSTER_CMD_H
#define UM_CLUSTER_CMD_H

#include "proxy/um_worker.h"

/* NULL: logged. */
um_cluster_cache_t *um_cluster_cache_new(void);
void um_cluster_cache_free(um_cluster_cache_t *cache); /* NULL is fine */

#endif /* UM_CLUSTER_CMD_H */
