/*
 * um_ctl_show.h -- nodes of a cluster, with what their proxies say of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_SHOW_H
#define UM_CTL_SHOW_H

#include "ctl/um_ctl_poll.h"
#include "ctl/um_ctl_table.h"
#include "ctl/um_ctl_view.h"

um_ctl_table_t *um_ctl_show_table(um_pool_t *p);

/* A row; `epoch` is the one that its proxy should know. */
void um_ctl_show_node(um_ctl_table_t *t, um_pool_t *p, const um_ctl_node_t *n,
    uint64_t epoch, const um_ctl_probe_t *probe);

/* The same, with null for what is not known. */
cJSON *um_ctl_show_json(const um_ctl_node_t *n, const um_ctl_probe_t *probe);

#endif /* UM_CTL_SHOW_H */
