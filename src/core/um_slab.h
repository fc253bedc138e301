/*
 * um_slab.h -- objects of one size, taken and given back without malloc.
 *
 * Keeps at most `keep` free objects; more go back to the heap, so that a peak
 * does not stay for ever.  One process, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SLAB_H
#define UM_SLAB_H

#include "core/um_base.h"

typedef struct {
    void *free;      /* first free object; its first word points on */
    size_t size;     /* of one object, at least sizeof(void *)      */
    uint32_t spare;  /* free objects kept now                       */
    uint32_t idle;   /* of these, how many um_slab_trim() may free  */
    uint32_t keep;   /* and at most                                 */
    uint64_t in_use; /* taken and not yet given back                */
} um_slab_t;

void um_slab_init(um_slab_t *s, size_t size, uint32_t keep);

/* Uninitialised memory, or NULL when there is none. */
UM_MUSTCHECK void *um_slab_get(um_slab_t *s);

void um_slab_put(um_slab_t *s, void *obj);

/* Free the spare ones that nobody wanted since the last call.  How many bytes
 * that were; call it now and then, and a peak does not stay. */
size_t um_slab_trim(um_slab_t *s);

/* Free the spare ones.  Those in use stay valid and may still be put. */
void um_slab_deinit(um_slab_t *s);

#endif /* UM_SLAB_H */
