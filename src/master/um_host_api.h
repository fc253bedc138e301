/*
 * um_host_api.h -- the functions that modules may call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HOST_API_H
#define UM_HOST_API_H

#include "master/um_modules.h"

/* Before the first um_host_api(); `def` is lent. */
void um_host_api_init(const um_modules_def_t *def);

/* Valid for the life of the process. */
const um_host_api_t *um_host_api(void);

#endif /* UM_HOST_API_H */
