/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_mem.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

UM_NORETURN static void
mem_none(void)
{
    fputs("undermoonctl: out of memory\n", stderr);
    exit(1);
}

um_pool_t *
um_ctl_pool(void)
{
    um_pool_t *p = um_pool_new();

    if (p == NULL) {
        mem_none();
    }
    return p;
}

void *
um_ctl_array(um_pool_t *p, size_t n, size_t size)
{
    void *at = um_pool_array(p, n, size);

    if (at == NULL) {
        mem_none();
    }
    return at;
}

char *
um_ctl_strdup(um_pool_t *p, um_str_t s)
{
    char *at = um_pool_strdup(p, s);

    if (at == NULL) {
        mem_none();
    }
    return at;
}

char *
um_ctl_printf(um_pool_t *p, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;
    char *at;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    (void) um_ctl_cstr(&text);
    at = um_ctl_strdup(p, (um_str_t){ text.data, text.len });
    um_sbuf_deinit(&text);
    return at;
}

const char *
um_ctl_cstr(um_sbuf_t *b)
{
    const char *text = um_sbuf_cstr(b);

    if (b->failed) {
        mem_none();
    }
    return text;
}

static void *
mem_malloc(size_t size)
{
    void *at = malloc(size);

    if (at == NULL) {
        mem_none();
    }
    return at;
}

void
um_ctl_mem_hooks(void)
{
    cJSON_Hooks hooks = { mem_malloc, free };

    cJSON_InitHooks(&hooks);
}
