/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_gzip.h"

#include <limits.h>
#include <zlib.h>

/* Metadata repeats itself so much that more effort hardly pays. */
#define GZIP_LEVEL 4

/* A gzip header, not zlib's: the window's bits and 16. */
#define GZIP_WINDOW (15 + 16)

um_rc_t
um_gzip(um_str_t text, um_sbuf_t *out)
{
    z_stream z = { 0 };
    char *room;
    int rc;

    if (text.len > INT_MAX
        || deflateInit2(
               &z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY)
               != Z_OK)
    {
        out->failed = true;
        return UM_ERR;
    }

    z.avail_out = (uInt) deflateBound(&z, text.len);
    room = um_sbuf_room(out, z.avail_out);
    if (room == NULL) {
        (void) deflateEnd(&z);
        return UM_ERR;
    }

    z.next_in = (Bytef *) (uintptr_t) text.data;
    z.avail_in = (uInt) text.len;
    z.next_out = (Bytef *) room;
    rc = deflate(&z, Z_FINISH);
    um_assert(rc == Z_STREAM_END); /* there was room for all of it */
    out->len += z.total_out;
    (void) deflateEnd(&z);
    return UM_OK;
}
