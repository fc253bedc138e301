/*
 * um_trim.h -- give memory back after a peak.
 *
 * What falls free inside the heap stays with the process until it is asked to
 * let go.  For processes that now and then hold much for a moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TRIM_H
#define UM_TRIM_H

#include "core/um_base.h"

/* Zero-initialised is valid. */
typedef struct {
    size_t rest; /* bytes that did not go the last time */
} um_trim_t;

/*
 * Call it about once a second.  It looks how much of its memory the process
 * does not use; what that costs grows with the pieces that are free, and is a
 * few microseconds where there is nothing to do.
 */
void um_trim(um_trim_t *t);

#endif /* UM_TRIM_H */
