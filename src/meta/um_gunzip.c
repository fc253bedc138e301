/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_gunzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GUNZIP_WINDOW (16 + MAX_WBITS) /* gzip, nothing else */
#define GUNZIP_FIRST  65536u
#define GUNZIP_RATIO  12 /* what metadata usually unpacks to */

static um_rc_t
gunzip_grow(z_stream *z, char **buf, size_t *cap, size_t max)
{
    size_t done = z->total_out;
    size_t more = *cap >= max / 2 ? max : *cap * 2;
    char *p;

    if (*cap == max) {
        return UM_DONE;
    }

    p = realloc(*buf, more);
    if (p == NULL) {
        return UM_ERR;
    }

    *buf = p;
    *cap = more;
    z->next_out = (unsigned char *) p + done;
    z->avail_out = (uInt) (more - done);
    return UM_OK;
}

um_rc_t
um_gunzip(
    const unsigned char *in, size_t len, size_t max, char **out, size_t *n)
{
    size_t cap = um_min(um_max(len * GUNZIP_RATIO, GUNZIP_FIRST), max);
    char *buf = NULL;
    z_stream z;
    um_rc_t rc = UM_OK;
    int err;

    if (len > max) {
        return UM_DONE;
    }

    memset(&z, 0, sizeof(z));
    z.next_in = (unsigned char *) (uintptr_t) in;
    z.avail_in = (uInt) len;
    if (inflateInit2(&z, GUNZIP_WINDOW) != Z_OK) {
        return UM_ERR;
    }

    buf = malloc(cap);
    if (buf == NULL) {
        rc = UM_ERR;
        goto end;
    }

    z.next_out = (unsigned char *) buf;
    z.avail_out = (uInt) cap;

    do {
        err = inflate(&z, Z_NO_FLUSH);
        if (err == Z_STREAM_END) {
            break;
        }

        if (err == Z_MEM_ERROR) {
            rc = UM_ERR;
        } else if (err != Z_OK || z.avail_out > 0) {
            rc = UM_DECLINED; /* broken, or cut short */
        } else {
            rc = gunzip_grow(&z, &buf, &cap, max);
        }
    } while (rc == UM_OK);

end:
    *n = z.total_out;
    (void) inflateEnd(&z);

    if (rc != UM_OK) {
        free(buf);
        buf = NULL;
    }

    *out = buf;
    return rc;
}
