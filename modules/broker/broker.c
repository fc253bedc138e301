/*
 * broker.c -- the module broker: the metadata of all clusters, over HTTP.
 *
 *     module broker;
 *     broker { listen 127.0.0.1:7799; storage file /var/lib/undermoond/meta; }
 *
 * A process of its own; docs/broker-api.md has what it answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "broker.h"

static const um_proc_def_t broker_procs[] = {
    { .name = "broker", .run = broker_run },
    { .name = NULL },
};

const um_module_t UM_MODULE(broker) = {
    UM_MODULE_HEAD,
    .name = "broker",
    .doc = BROKER_DOC,
    .directives = broker_directives,
    .conf_size = sizeof(broker_conf_t),
    .role = true,
    .env = true,
    .conf_check = broker_conf_check,
    .procs = broker_procs,
    .listen = broker_conf_listen,
};
