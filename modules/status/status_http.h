/*
 * status_http.h -- the process of the status module.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_HTTP_H
#define STATUS_HTTP_H

#include "conf/um_module.h"

/* Life of the process: um_proc_def_t.run. */
int status_run(const um_proc_env_t *env);

#endif /* STATUS_HTTP_H */
