/*
 * status_json.h -- /status, /healthz and /readyz as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_JSON_H
#define STATUS_JSON_H

#include "core/um_sbuf.h"
#include "status_view.h"

/* Everything a person or a dashboard wants.  `out` fails without memory. */
void status_json(const status_view_t *v, um_sbuf_t *out);

/* {"status":"ok"}, or "unavailable" with the reasons (NULL ends). */
void status_json_verdict(const char *const *reasons, um_sbuf_t *out);

#endif /* STATUS_JSON_H */
