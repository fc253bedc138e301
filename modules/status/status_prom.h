/*
 * status_prom.h -- /metrics: the view as Prometheus reads it.
 *
 * Sums are undermoon_NAME, what a single worker says is undermoon_worker_NAME
 * with a label `worker`, the number of its row on the noticeboard: counters of
 * a row go on growing when another process gets it, so none ever falls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_PROM_H
#define STATUS_PROM_H

#include "core/um_sbuf.h"
#include "status_view.h"

#define STATUS_PROM_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define STATUS_OPEN_TYPE                                                       \
    "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Append all metrics; `open`: in the form of OpenMetrics. */
void status_prom(const status_view_t *v, bool open, um_sbuf_t *out);

/* Does a header field Accept (NULL: none) name OpenMetrics? */
bool status_prom_is_open(const char *accept);

#endif /* STATUS_PROM_H */
