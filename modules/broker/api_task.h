/*
 * api_task.h -- a migration task, as proxies know it, in a request's body:
 *
 *     {"cluster_name":"c","slot_range":{"range_list":[[0,99]],
 *         "tag":{"Migrating":{"epoch":7,"src_proxy_address":"..",
 *             "src_node_address":"..","dst_proxy_address":"..",
 *             "dst_node_address":".."}}}}
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_API_TASK_H
#define BROKER_API_TASK_H

#include "broker.h"

/* Into c->task; false: answered. */
bool api_task_parse(um_http_req_t *r, change_t *c);

#endif /* BROKER_API_TASK_H */
