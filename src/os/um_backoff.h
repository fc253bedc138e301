/*
 * um_backoff.h -- how long to wait before a dead process is started again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BACKOFF_H
#define UM_BACKOFF_H

#include "core/um_base.h"

#define UM_BACKOFF_FIRST_MS 100
#define UM_BACKOFF_MAX_MS   5000
#define UM_BACKOFF_YOUNG_MS 10000 /* who lived longer did not die young */

/* Zeroed is ready. */
typedef struct {
    uint64_t next_ms;
} um_backoff_t;

/*
 * A process has died after `lived_ms`; the pause before the next, in
 * milliseconds.  None after the first death or after a long life, then 100 ms
 * and twice as long each time it dies young, up to 5 s.
 */
uint64_t um_backoff_pause(um_backoff_t *b, uint64_t lived_ms);

#endif /* UM_BACKOFF_H */
