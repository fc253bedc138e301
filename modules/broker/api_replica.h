/*
 * api_replica.h -- who gets a copy: GET and PUT config,
 *
 *     {"replica_addresses":["host:port",..]}
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_API_REPLICA_H
#define BROKER_API_REPLICA_H

#include "broker.h"

void api_replica_get(broker_t *b, um_http_req_t *r);
void api_replica_put(broker_t *b, um_http_req_t *r);

#endif /* BROKER_API_REPLICA_H */
