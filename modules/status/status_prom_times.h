/*
 * status_prom_times.h -- /metrics, the part of commands, errors and nodes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_PROM_TIMES_H
#define STATUS_PROM_TIMES_H

#include "status_prom_out.h"
#include "status_view.h"

void status_prom_times(prom_t *p, const status_view_t *v);

#endif /* STATUS_PROM_TIMES_H */
