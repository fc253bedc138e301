/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_pool.h"

#include <stdlib.h>
#include <string.h>

#define POOL_BLOCK 4000 /* one page with malloc's own header */

typedef struct pool_block_s pool_block_t;
typedef struct pool_cleanup_s pool_cleanup_t;

struct pool_block_s {
    pool_block_t *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) char data[];
};

struct pool_cleanup_s {
    pool_cleanup_t *next;
    um_pool_cleanup_pt fn;
    void *data;
};

struct um_pool_s {
    pool_block_t *blocks; /* the first may have room */
    pool_cleanup_t *cleanups;
};

um_pool_t *
um_pool_new(void)
{
    return calloc(1, sizeof(um_pool_t));
}

void
um_pool_free(um_pool_t *p)
{
    if (p == NULL) {
        return;
    }

    while (p->cleanups != NULL) {
        pool_cleanup_t *c = p->cleanups;

        p->cleanups = c->next;
        c->fn(c->data);
    }

    while (p->blocks != NULL) {
        pool_block_t *b = p->blocks;

        p->blocks = b->next;
        free(b);
    }

    free(p);
}

static pool_block_t *
pool_grow(um_pool_t *p, size_t size)
{
    size_t room = um_max(size, POOL_BLOCK - sizeof(pool_block_t));
    pool_block_t *b = calloc(1, sizeof(*b) + room);

    if (b == NULL) {
        return NULL;
    }

    b->size = room;

    /* Something huge fills its block: the old one stays in front. */
    if (size > POOL_BLOCK / 4 && p->blocks != NULL) {
        b->next = p->blocks->next;
        p->blocks->next = b;
    } else {
        b->next = p->blocks;
        p->blocks = b;
    }

    return b;
}

void *
um_pool_alloc(um_pool_t *p, size_t size)
{
    size_t align = _Alignof(max_align_t);
    pool_block_t *b = p->blocks;
    void *out;

    if (size > PTRDIFF_MAX - POOL_BLOCK) {
        return NULL;
    }

    size = (size + align - 1) / align * align;

    if (b == NULL || b->size - b->used < size) {
        b = pool_grow(p, size);
        if (b == NULL) {
            return NULL;
        }
    }

    out = b->data + b->used;
    b->used += size;

    return out;
}

void *
um_pool_array(um_pool_t *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        return NULL;
    }

    return um_pool_alloc(p, bytes);
}

char *
um_pool_strdup(um_pool_t *p, um_str_t s)
{
    char *out = um_pool_alloc(p, s.len + 1);

    if (out != NULL && s.len > 0) {
        memcpy(out, s.data, s.len);
    }

    return out;
}

um_rc_t
um_pool_on_free(um_pool_t *p, um_pool_cleanup_pt fn, void *data)
{
    pool_cleanup_t *c = um_pool_alloc(p, sizeof(*c));

    if (c == NULL) {
        return UM_ERR;
    }

    *c = (pool_cleanup_t){ .next = p->cleanups, .fn = fn, .data = data };
    p->cleanups = c;

    return UM_OK;
}
