/*
 * status_prom_repl.h -- replication for Prometheus: what the mover has done,
 * and how our nodes are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_PROM_REPL_H
#define STATUS_PROM_REPL_H

#include "status_prom_out.h"
#include "status_view.h"

void status_prom_repl(prom_t *p, const status_view_t *v);

#endif /* STATUS_PROM_REPL_H */
