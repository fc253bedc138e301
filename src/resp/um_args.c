/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_args.h"

#include <stdlib.h>

#define ARGS_FIRST 16   /* words, at the first growth */
#define ARGS_KEEP  4096 /* words that may stay for the next request */

void
um_args_init(um_args_t *a)
{
    *a = (um_args_t){ .argv = NULL };
}

void
um_args_deinit(um_args_t *a)
{
    free(a->argv);
    um_sbuf_deinit(&a->text);
    um_args_init(a);
}

um_rc_t
um_args_grow(um_args_t *a)
{
    uint32_t cap = a->cap == 0 ? ARGS_FIRST : a->cap * 2;
    um_str_t *argv;

    if (cap <= a->cap) {
        return UM_ERR; /* 2^32 words */
    }

    argv = realloc(a->argv, (size_t) cap * sizeof(*argv));
    if (argv == NULL) {
        return UM_ERR;
    }

    a->argv = argv;
    a->cap = cap;
    return UM_OK;
}

void
um_args_trim(um_args_t *a)
{
    um_str_t *argv;

    if (a->cap <= ARGS_KEEP) {
        return;
    }

    argv = realloc(a->argv, ARGS_KEEP * sizeof(*argv));
    if (argv != NULL) {
        a->argv = argv;
        a->cap = ARGS_KEEP;
        a->argc = um_min(a->argc, a->cap);
    }
}
