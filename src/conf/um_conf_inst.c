/*
 * Kinds of blocks, the blocks that are configured, and what is asked of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"

#include <string.h>

const um_block_t *
um_conf_known(const um_conf_t *cf, const char *name)
{
    for (uint32_t i = 1; i < cf->known_count; i++) {
        if (strcmp(cf->known[i]->name, name) == 0) {
            return cf->known[i];
        }
    }

    return NULL;
}

um_inst_t *
um_conf_inst(const um_conf_t *cf, const char *name)
{
    for (um_inst_t *in = cf->main; in != NULL; in = in->next) {
        if (strcmp(in->block->name, name) == 0) {
            return in;
        }
    }

    return NULL;
}

um_inst_t *
um_conf_inst_add(um_conf_t *cf, const um_block_t *b, um_entry_t *at)
{
    um_inst_t *in = um_pool_alloc(cf->pool, sizeof(*in));
    um_inst_t **end = &cf->main;

    if (in == NULL) {
        return NULL;
    }

    in->block = b;
    in->conf = um_pool_alloc(cf->pool, b->conf_size);
    in->trial = um_pool_alloc(cf->pool, b->conf_size);
    in->last = &in->first;
    in->from = at->from;
    in->file = at->file;
    in->line = at->line;
    if (in->conf == NULL || in->trial == NULL) {
        return NULL;
    }

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = in;

    return in;
}

/* A module becomes a kind of block like any other. */
um_rc_t
um_conf_module_add(um_conf_t *cf, const char *name, um_entry_t *at)
{
    const um_module_t *m = NULL;
    const char *wrong;
    um_block_t *b;

    if (cf->o->module_open == NULL) {
        return um_conf_fail(
            cf, at->file, at->line, "module \"%s\" cannot be loaded", name);
    }

    wrong = cf->o->module_open(cf->o->module_data, name, &m);
    if (wrong != NULL) {
        return um_conf_fail(
            cf, at->file, at->line, "module \"%s\" %s", name, wrong);
    }

    if (um_conf_known(cf, m->name) != NULL) {
        return um_conf_fail(cf, at->file, at->line,
            "module \"%s\": there is a block \"%s\" already", name, m->name);
    }

    if (cf->known_count == UM_CONF_KNOWN_MAX) {
        return um_conf_fail(cf, at->file, at->line, "too many modules");
    }

    b = um_pool_alloc(cf->pool, sizeof(*b));
    if (b == NULL) {
        return um_conf_no_memory(cf);
    }

    b->name = m->name;
    b->directives = m->directives;
    b->conf_size = m->conf_size;
    b->doc = m->doc;
    b->role = m->role;
    b->env = m->env;
    b->check = m->conf_check;

    cf->known[cf->known_count++] = b;
    cf->module[cf->module_count++] = m;
    return UM_OK;
}

const um_directive_t *
um_conf_directive(const um_block_t *b, const char *name)
{
    if (b->directives == NULL) {
        return NULL;
    }

    for (const um_directive_t *d = b->directives; d->name != NULL; d++) {
        if (strcmp(d->name, name) == 0) {
            return d;
        }
    }

    return NULL;
}

void *
um_conf_block(const um_conf_t *cf, const char *name)
{
    const um_inst_t *in = um_conf_inst(cf, name);

    return in != NULL ? in->conf : NULL;
}

bool
um_conf_has_role(const um_conf_t *cf)
{
    for (const um_inst_t *in = cf->main; in != NULL; in = in->next) {
        if (in->block->role) {
            return true;
        }
    }

    return false;
}

bool
um_conf_is_set(const um_conf_t *cf, const char *block, const char *directive)
{
    const um_inst_t *in = um_conf_inst(cf, block);

    for (const um_entry_t *e = in != NULL ? in->first : NULL; e != NULL;
         e = e->next)
    {
        if (e->from != UM_FROM_DEFAULT && strcmp(e->d->name, directive) == 0) {
            return true;
        }
    }

    return false;
}

uint32_t
um_conf_modules(const um_conf_t *cf, const um_module_t *const **list)
{
    *list = cf->module;
    return cf->module_count;
}

um_pool_t *
um_conf_pool(const um_conf_t *cf)
{
    return cf->pool;
}
