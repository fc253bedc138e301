/*
 * um_base64.h -- standard base64 (RFC 4648 section 4), strict: padded, no
 * line breaks, no stray bits in the last character.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BASE64_H
#define UM_BASE64_H

#include "core/um_sbuf.h"

/* Room that um_base64_decode() needs for `len` characters. */
#define um_base64_room(len) ((len) / 4 * 3)

/* UM_OK: `*n` bytes are at `out`.  UM_DECLINED: it is not base64. */
UM_MUSTCHECK um_rc_t um_base64_decode(
    um_str_t text, unsigned char *out, size_t *n);

void um_base64_encode(um_str_t bytes, um_sbuf_t *out);

#endif /* UM_BASE64_H */
