/*
 * status.c -- the module status: numbers of this proxy over HTTP.
 *
 *     module status;
 *     status { listen 127.0.0.1:5298; }
 *
 * A process of its own that reads the noticeboard: workers are not asked and
 * do not notice.  docs/metrics.md has what it tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_module.h"
#include "status_conf.h"
#include "status_http.h"

static const um_proc_def_t status_procs[] = {
    { .name = "status", .run = status_run },
    { .name = NULL },
};

const um_module_t UM_MODULE(status) = {
    UM_MODULE_HEAD,
    .name = "status",
    .doc = STATUS_DOC,
    .directives = status_directives,
    .conf_size = sizeof(status_conf_t),
    .role = true,
    .conf_check = status_conf_check,
    .procs = status_procs,
    .listen = status_conf_listen,
};
