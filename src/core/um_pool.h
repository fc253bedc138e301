/*
 * um_pool.h -- memory that lives and dies together, such as one configuration
 * cycle's, with cleanups for what is not memory (descriptors, other heaps).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_POOL_H
#define UM_POOL_H

#include "core/um_base.h"

typedef struct um_pool_s um_pool_t;

typedef void (*um_pool_cleanup_pt)(void *data);

/* An empty pool, or NULL when there is no memory. */
UM_MUSTCHECK um_pool_t *um_pool_new(void);

/* Run the cleanups, the last added first, then free all.  NULL is fine. */
void um_pool_free(um_pool_t *p);

/*
 * Zeroed bytes, aligned for any object, lent until um_pool_free(); NULL when
 * there is no memory.  No bytes give a pointer too, that must not be followed.
 */
UM_MUSTCHECK void *um_pool_alloc(um_pool_t *p, size_t size);

/* As um_pool_alloc() for n objects of `size` bytes; NULL on overflow too. */
UM_MUSTCHECK void *um_pool_array(um_pool_t *p, size_t n, size_t size);

/* A NUL-terminated copy of `s`. */
UM_MUSTCHECK char *um_pool_strdup(um_pool_t *p, um_str_t s);

/* Have fn(data) called by um_pool_free().  UM_ERR: no memory, not added. */
UM_MUSTCHECK um_rc_t um_pool_on_free(
    um_pool_t *p, um_pool_cleanup_pt fn, void *data);

#endif /* UM_POOL_H */
