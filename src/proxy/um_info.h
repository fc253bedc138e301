/*
 * um_info.h -- facts about this proxy that more than INFO tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_INFO_H
#define UM_INFO_H

#include "proxy/um_worker.h"

#define UM_VERSION_TEXT_MAX 16

/*
 * The Redis version clients are told: the lowest of the local nodes, or that
 * of our command table while no node has been met.
 */
void um_info_redis_version(const um_worker_t *w, char out[UM_VERSION_TEXT_MAX]);

/* "cluster", or "standalone" with active redirection. */
const char *um_info_mode(const um_worker_t *w);

/* The text of INFO for these sections (none: the default ones). */
void um_info_text(const um_worker_t *w, const um_str_t *sections,
    uint32_t count, um_sbuf_t *o);

#endif /* UM_INFO_H */
