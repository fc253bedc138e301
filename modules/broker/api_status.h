/*
 * api_status.h -- how the broker is: /metrics, /status, /healthz.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_API_STATUS_H
#define BROKER_API_STATUS_H

#include "http/um_httpd.h"

#define API_STATUS_ROUTES 3

extern const um_http_route_t api_status_routes[API_STATUS_ROUTES];

#endif /* BROKER_API_STATUS_H */
