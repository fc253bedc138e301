/*
 * coordinator.c -- the module coordinator: it brings metadata to the proxies,
 * and finds out which of them has failed.
 *
 *     module coordinator;
 *     coordinator { listen 127.0.0.1:6699; broker_address 127.0.0.1:7799; }
 *
 * A process of its own; docs/cluster-protocol.md has what it says to whom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "coord.h"

static const um_proc_def_t coord_procs[] = {
    { .name = "coordinator", .run = coord_run },
    { .name = NULL },
};

const um_module_t UM_MODULE(coordinator) = {
    UM_MODULE_HEAD,
    .name = "coordinator",
    .doc = COORD_DOC,
    .directives = coord_directives,
    .conf_size = sizeof(coord_conf_t),
    .role = true,
    .env = true,
    .conf_check = coord_conf_check,
    .procs = coord_procs,
    .listen = coord_conf_listen,
};
