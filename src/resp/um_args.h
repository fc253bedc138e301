/*
 * um_args.h -- the words of one request, as slices.
 *
 * One um_args_t per worker, filled again for every request; the slices point
 * into the bytes that were scanned, or into `text` for an inline command,
 * whose quotes had to be taken away.  Both are borrowed until the next scan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ARGS_H
#define UM_ARGS_H

#include "core/um_sbuf.h"

typedef struct {
    um_str_t *argv; /* owned array of `cap` */
    uint32_t argc;
    uint32_t cap;
    bool is_inline; /* must be formatted anew before it is forwarded */
    um_sbuf_t text; /* unquoted words of an inline command           */
} um_args_t;

void um_args_init(um_args_t *a);
void um_args_deinit(um_args_t *a);

/* Make room for more words.  UM_ERR: out of memory. */
UM_MUSTCHECK um_rc_t um_args_grow(um_args_t *a);

/* One more word.  UM_ERR: out of memory. */
UM_MUSTCHECK static inline um_rc_t
um_args_add(um_args_t *a, um_str_t word)
{
    if (um_unlikely(a->argc == a->cap) && um_args_grow(a) != UM_OK) {
        return UM_ERR;
    }

    a->argv[a->argc++] = word;
    return UM_OK;
}

/* Give back what a huge request made grow (more than 4096 words). */
void um_args_trim(um_args_t *a);

#endif /* UM_ARGS_H */
