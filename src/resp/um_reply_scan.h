/*
 * um_reply_scan.h -- find the end of one reply in the bytes of a Redis.
 *
 * Needs no buffer of its own: it is fed whatever came, cut anywhere, and says
 * how much of it still belongs to the reply.  RESP2 and RESP3 types; nesting
 * is bounded, so a hostile backend costs neither stack nor memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REPLY_SCAN_H
#define UM_REPLY_SCAN_H

#include "core/um_base.h"

#define UM_REPLY_DEPTH 32 /* arrays in arrays; Redis' own replies need 8 */

/* All zero: at the first byte of a reply. */
typedef struct {
    char type;      /* first byte of the reply, once it was seen       */
    uint8_t phase;  /* private to um_reply_scan.c                      */
    uint8_t depth;  /* arrays we are inside of                         */
    bool negative;  /* of the number being read                        */
    uint8_t digits; /* of the number being read                        */
    char kind;      /* type byte of the element being read             */
    uint64_t num;   /* number being read, then bytes of body to skip   */
    uint64_t left[UM_REPLY_DEPTH]; /* elements still to come, per level    */
} um_reply_scan_t;

/*
 * Attributes ('|') belong to the reply they precede; s->type is the type of the
 * reply itself, so '>' is a push message and not an answer.  Streamed values
 * ("$?", "*?") are refused: Redis does not send them.
 *
 *   UM_OK     the reply ends after `*used` bytes (1 <= *used <= len); `s` is
 *             ready for the next one, except that s->type keeps its value
 *             until then.
 *   UM_AGAIN  all `len` bytes belong to a reply that goes on.
 *   UM_ERR    this is not RESP; the connection cannot be used further.
 *
 * s->num after UM_AGAIN inside a bulk is how many bytes of it are missing.
 */
UM_MUSTCHECK um_rc_t um_reply_scan(
    um_reply_scan_t *s, const char *data, size_t len, size_t *used);

#endif /* UM_REPLY_SCAN_H */
