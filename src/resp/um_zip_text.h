/*
 * um_zip_text.h -- values packed in the words of a command, and unpacked in a
 * reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ZIP_TEXT_H
#define UM_ZIP_TEXT_H

#include "resp/um_zip_rule.h"
#include "resp/um_zstd.h"

/* Which words are values. */
static inline bool
um_zip_is_value(um_zip_rule_t rule, uint32_t i)
{
    return rule.first != 0 && i >= rule.first
           && (i == rule.first
               || (rule.step != 0 && (i - rule.first) % rule.step == 0));
}

/*
 * Append all words as bulks, without the array's header, values packed.
 * `maybe`: a value that is a frame may be packed already and stays.  UM_ERR:
 * `*why` is half a sentence; `out` has a part of it.
 */
UM_MUSTCHECK um_rc_t um_zip_words(um_zstd_t *z, const um_str_t *argv,
    uint32_t argc, um_zip_rule_t rule, bool maybe, um_sbuf_t *out,
    const char **why);

/* A reply being unpacked: a bulk, or an array of them.  Everything else, and
 * what is no frame or has no value, stays as it is. */
typedef struct {
    um_str_t in;       /* borrowed: one whole reply; what is left of it  */
    um_sbuf_t *out;    /* borrowed */
    uint64_t limit;    /* of one value: a longer one is not ours        */
    uint64_t room;     /* of the whole reply                            */
    bool begun;        /* private: the array's header is behind us       */
    uint32_t unpacked; /* values, so far          */
    uint32_t refused;  /* that looked like frames */
} um_unzip_t;

/*
 * Go on, until about `budget` bytes have been unpacked.  UM_OK: `out` has it
 * all.  UM_AGAIN: go on from here, with another budget.  UM_DECLINED: the reply
 * is longer than u->room.  UM_ERR: out of memory.
 */
UM_MUSTCHECK um_rc_t um_unzip(um_unzip_t *u, um_zstd_t *z, uint64_t budget);

/* Is there anything for um_unzip() to do, as far as these first bytes of a
 * reply tell? */
bool um_unzip_may(um_str_t head);

#endif /* UM_ZIP_TEXT_H */
