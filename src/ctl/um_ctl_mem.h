/*
 * um_ctl_mem.h -- memory of a program that answers one question and leaves:
 * where there is none it says so and ends, so nobody else has to ask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_MEM_H
#define UM_CTL_MEM_H

#include "core/um_pool.h"
#include "core/um_sbuf.h"

um_pool_t *um_ctl_pool(void);

/* n zeroed objects, lent until the pool is freed. */
void *um_ctl_array(um_pool_t *p, size_t n, size_t size);

char *um_ctl_strdup(um_pool_t *p, um_str_t s);
char *um_ctl_printf(um_pool_t *p, const char *fmt, ...) UM_PRINTF(2, 3);

/* The buffer's text, lent until its next change. */
const char *um_ctl_cstr(um_sbuf_t *b);

/* cJSON is to take memory in the same way. */
void um_ctl_mem_hooks(void);

#endif /* UM_CTL_MEM_H */
