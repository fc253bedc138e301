/*
 * um_gzip.h -- pack into one gzip member.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_GZIP_H
#define UM_GZIP_H

#include "core/um_sbuf.h"

/* Append to `out`; UM_ERR: out of memory, not logged, `out` has failed. */
UM_MUSTCHECK um_rc_t um_gzip(um_str_t text, um_sbuf_t *out);

#endif /* UM_GZIP_H */
