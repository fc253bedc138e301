/*
 * um_scan.h -- find one request in the bytes of a client.  No copy, no I/O,
 * resumable at any byte, linear however the bytes are cut.
 *
 * The limits and the texts of errors are those of Redis 7.0's networking.c
 * (processInlineBuffer, processMultibulkBuffer): an error text goes to the
 * client behind "-ERR " after the replies already due, then it is closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SCAN_H
#define UM_SCAN_H

#include "resp/um_args.h"

typedef struct {
    uint32_t max_args;    /* "invalid multibulk length" beyond             */
    uint64_t max_bulk;    /* "invalid bulk length" beyond                  */
    uint64_t max_inline;  /* bytes of a line before its end; Redis: 64 KiB */
    bool unauthenticated; /* Redis' stricter texts before AUTH: 10 / 16384 */
} um_scan_limits_t;

/* Where we are in an unfinished request.  All zero: at its first byte. */
typedef struct {
    size_t pos;         /* bytes before this one need no second look       */
    size_t line;        /* where the line begins that `pos` is in          */
    uint64_t need;      /* at least so many bytes more make it complete    */
    uint32_t args_left; /* words of the array still to come                */
    uint8_t phase;      /* private to um_scan.c                            */
    bool endless;       /* a NUL is in the line: Redis never sees its end  */
} um_scan_t;

/*
 * Look for one request at data[0..len).  `data` begins at the request's first
 * byte in every call until the request is complete; it may have moved.
 *
 *   UM_OK     whole: `*used` bytes, words in `args`.  args->argc may be 0 (an
 *             empty line, *0, *-1): Redis ignores these without a reply.
 *             `s` is zero again.
 *   UM_AGAIN  more bytes needed; s->need is a hint for the buffer's size, but
 *             only what the client claims (up to max_bulk): trust it slowly.
 *   UM_ERR    not a request: `*err` is the text, e.g. "Protocol error: invalid
 *             multibulk length"; valid until the next call.  (Nothing has
 *             been logged.)  "out of memory" when the words found no room.
 */
UM_MUSTCHECK um_rc_t um_scan_request(um_scan_t *s, const um_scan_limits_t *lim,
    const char *data, size_t len, um_args_t *args, size_t *used,
    const char **err);

#endif /* UM_SCAN_H */
