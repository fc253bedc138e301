/*
 * um_reply.h -- reading what hiredis has taken apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REPLY_H
#define UM_REPLY_H

#include <hiredis/hiredis.h>

#include "core/um_base.h"

/* The text of a string, status or error; of anything else empty. */
um_str_t um_reply_text(const redisReply *r);

bool um_reply_is_error(const redisReply *r);

/* Is it an error that begins with this word ("NOAUTH")? */
bool um_reply_is_error_of(const redisReply *r, const char *word);

/* Is it the status "OK"? */
bool um_reply_is_ok(const redisReply *r);

/* The i-th element of an array; NULL: there is none. */
const redisReply *um_reply_at(const redisReply *r, size_t i);

/* An integer that is not negative, or a string of digits. */
UM_MUSTCHECK um_rc_t um_reply_u64(const redisReply *r, uint64_t *out);

/*
 * "name:value" of a text as INFO has it, lines apart by CRLF or LF.  Lent by
 * `info`.  UM_DECLINED: it has no such line.
 */
um_rc_t um_reply_info(um_str_t info, const char *name, um_str_t *value);

/* The same for a number; what is none is UM_DECLINED, too. */
um_rc_t um_reply_info_u64(um_str_t info, const char *name, uint64_t *value);

#endif /* UM_REPLY_H */
