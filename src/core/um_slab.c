/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_slab.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif

/*
 * A spare object looks like free memory to ASan, so that its use after the
 * put is found as it would be after free().
 */
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define slab_hide(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define slab_show(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define slab_hide(p, n) ((void) (p), (void) (n))
#define slab_show(p, n) ((void) (p), (void) (n))
#endif

#define SLAB_LINE 64

void
um_slab_init(um_slab_t *s, size_t size, uint32_t keep)
{
    *s = (um_slab_t){ .size = um_max(size, sizeof(void *)), .keep = keep };
}

static void *
slab_pop(um_slab_t *s)
{
    void *obj = s->free;

    slab_show(obj, s->size);
    memcpy(&s->free, obj, sizeof(s->free));
    s->spare--;
    s->idle = um_min(s->idle, s->spare);

    return obj;
}

/* Whole cache lines, where the size is a multiple of them. */
static void *
slab_new(const um_slab_t *s)
{
    return s->size % SLAB_LINE == 0 ? aligned_alloc(SLAB_LINE, s->size)
                                    : malloc(s->size);
}

void *
um_slab_get(um_slab_t *s)
{
    void *obj;

    obj = s->free != NULL ? slab_pop(s) : slab_new(s);
    if (obj != NULL) {
        s->in_use++;
    }

    return obj;
}

void
um_slab_put(um_slab_t *s, void *obj)
{
    um_assert(s->in_use > 0);
    s->in_use--;

    if (s->spare >= s->keep) {
        free(obj);
        return;
    }

    memcpy(obj, &s->free, sizeof(s->free));
    s->free = obj;
    s->spare++;
    slab_hide(obj, s->size);
}

size_t
um_slab_trim(um_slab_t *s)
{
    size_t n = s->idle;

    for (size_t i = 0; i < n; i++) {
        free(slab_pop(s));
    }

    s->idle = s->spare;
    return n * s->size;
}

void
um_slab_deinit(um_slab_t *s)
{
    while (s->free != NULL) {
        free(slab_pop(s));
    }

    s->keep = 0; /* what is still in use goes to the heap when it comes */
}
