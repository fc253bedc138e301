/*
 * um_zstd.h -- values packed as zstd frames, in the one form that the
 * reference writes: level 1, a window of 512 KB, no size, no checksum.
 *
 * Only frames of just this form are ours.  What zstd's own tools and other
 * libraries write has a size, a checksum or another window, so that a value
 * which a client packed itself is not taken for one of ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ZSTD_H
#define UM_ZSTD_H

#include "core/um_sbuf.h"

/* Memory that is used again for every value; one thread's.  Zero is valid. */
typedef struct {
    struct ZSTD_CCtx_s *pack;
    struct ZSTD_DCtx_s *unpack;
} um_zstd_t;

void um_zstd_deinit(um_zstd_t *z);

/* Append `value` as a frame.  UM_ERR: nothing is appended and `*why` is half a
 * sentence, a constant. */
UM_MUSTCHECK um_rc_t um_zstd_pack(
    um_zstd_t *z, um_str_t value, um_sbuf_t *out, const char **why);

/*
 * Is `data` one whole frame of ours and nothing else, as far as the lengths in
 * it tell?  `*most` is then how long its value is, at most.  Cheap: the content
 * is not looked at.
 */
bool um_zstd_is_frame(um_str_t data, uint64_t *most);

/* Does it begin like one?  What is too short to tell does. */
bool um_zstd_may_begin(um_str_t data);

/*
 * Append the value of a frame; `most` is from um_zstd_is_frame(), or less.
 * UM_DECLINED: it has none; UM_AGAIN: it is longer than `most`; UM_ERR: out of
 * memory.  Nothing is appended then.
 */
UM_MUSTCHECK um_rc_t um_zstd_unpack(
    um_zstd_t *z, um_str_t data, uint64_t most, um_sbuf_t *out);

/* Has it a value, one of at most `limit` bytes?  It is looked through to the
 * end and nothing is kept. */
bool um_zstd_has_value(um_zstd_t *z, um_str_t data, uint64_t limit);

#endif /* UM_ZSTD_H */
