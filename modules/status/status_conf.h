/*
 * status_conf.h -- the status block of the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_CONF_H
#define STATUS_CONF_H

#include "conf/um_conf.h"

typedef struct {
    um_addr_t *listen;
    uint32_t listen_count; /* behind it, as um_set_addrs() wants */
    um_cidr_t *allow;
    uint32_t allow_count; /* 0: everybody */
    bool per_worker;
    uint64_t turn_limit; /* ms */
    uint32_t max_connections;
    uint64_t request_timeout; /* ms */
    uint64_t idle_timeout;    /* ms */
} status_conf_t;

extern const um_directive_t status_directives[];

#define STATUS_DOC                                                             \
    "The status module answers HTTP: /status for dashboards, /metrics for "    \
    "Prometheus, /healthz and /readyz for load balancers. It reads shared "    \
    "memory and asks no worker. It needs module status; before this block."

/* As um_module_t wants them. */
const char *status_conf_check(um_conf_cx_t *cx, void *conf);
const um_addr_t *status_conf_listen(const void *conf, uint32_t i);

#endif /* STATUS_CONF_H */
