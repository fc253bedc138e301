/*
 * um_gunzip.h -- unpack a gzip member of a size that somebody else chose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_GUNZIP_H
#define UM_GUNZIP_H

#include "core/um_base.h"

/*
 * UM_OK: `*out` (caller frees) holds `*n` bytes.  UM_DECLINED: it is not a
 * whole gzip member.  UM_DONE: it is, but larger than `max`: never more than
 * twice `max` is allocated.  UM_ERR: out of memory, not logged.
 */
UM_MUSTCHECK um_rc_t um_gunzip(
    const unsigned char *in, size_t len, size_t max, char **out, size_t *n);

#endif /* UM_GUNZIP_H */
