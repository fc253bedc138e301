/*
 * From options to a configuration: read, let the environment and -g replace,
 * fill in defaults, check.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"
#include "core/um_str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

um_rc_t
um_conf_fail(
    um_conf_t *cf, const char *file, uint32_t line, const char *fmt, ...)
{
    char *out = cf->err;
    size_t size = UM_CONF_ERR_MAX;
    va_list ap;
    int n = 0;

    if (file != NULL && line != 0) {
        n = snprintf(out, size, "%.400s:%u: ", file, line);
    } else if (file != NULL) {
        n = snprintf(out, size, "%.400s: ", file);
    }

    va_start(ap, fmt);
    vsnprintf(out + n, size - (size_t) n, fmt, ap);
    va_end(ap);

    /* It goes to logs and terminals, whatever bytes the file has. */
    for (; *out != '\0'; out++) {
        if ((unsigned char) *out < 0x20 || *out == 0x7f) {
            *out = '?';
        }
    }

    return UM_ERR;
}

um_rc_t
um_conf_no_memory(um_conf_t *cf)
{
    return um_conf_fail(cf, NULL, 0, "configuration: out of memory");
}

static um_rc_t
conf_default(um_conf_t *cf, um_inst_t *in, const um_directive_t *d)
{
    um_entry_t *e;

    if (d->flags & UM_DIR_REQUIRED) {
        return um_conf_fail(cf, in->file, in->line,
            "block \"%s\" has no %s, which is required", in->block->name,
            d->name);
    }

    if (d->dflt == NULL) {
        return UM_OK;
    }

    e = um_pool_alloc(cf->pool, sizeof(*e));
    if (e == NULL) {
        return um_conf_no_memory(cf);
    }

    e->d = d;
    e->from = UM_FROM_DEFAULT;
    e->file = "default";
    if (um_conf_words(cf, d->dflt, e) != UM_OK
        || um_conf_apply(cf, e, in->conf, false) != UM_OK)
    {
        return UM_ERR;
    }

    *in->last = e;
    in->last = &e->next;
    return UM_OK;
}

static bool
conf_inst_has(const um_inst_t *in, const um_directive_t *d)
{
    for (const um_entry_t *e = in->first; e != NULL; e = e->next) {
        if (e->d == d) {
            return true;
        }
    }

    return false;
}

/* What was written, then what was not. */
static um_rc_t
conf_fill(um_conf_t *cf, um_inst_t *in)
{
    for (um_entry_t *e = in->first; e != NULL; e = e->next) {
        if (um_conf_apply(cf, e, in->conf, false) != UM_OK) {
            return UM_ERR;
        }
    }

    for (const um_directive_t *d = in->block->directives;
         d != NULL && d->name != NULL; d++)
    {
        if (d->set != NULL && !conf_inst_has(in, d)
            && conf_default(cf, in, d) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

static um_rc_t
conf_check(um_conf_t *cf, um_inst_t *in)
{
    um_entry_t at = { .file = in->file, .line = in->line };
    um_conf_cx_t cx;
    const char *wrong;

    if (in->block->check == NULL) {
        return UM_OK;
    }

    um_conf_cx_init(&cx, cf, &at);
    cx.trial = cf->o->quiet;
    wrong = in->block->check(&cx, in->conf);
    if (wrong == NULL) {
        return UM_OK;
    }

    if (in == cf->main) {
        return um_conf_fail(cf, in->file, 0, "%s", wrong);
    }

    return um_conf_fail(
        cf, in->file, in->line, "block \"%s\": %s", in->block->name, wrong);
}

/* A role by the program's name needs no block in the file. */
static um_rc_t
conf_imply(um_conf_t *cf)
{
    um_entry_t at = { .from = UM_FROM_ENV, .file = "command line" };
    const char *role = cf->o->role;

    if (role == NULL || um_conf_inst(cf, role) != NULL) {
        return UM_OK;
    }

    if (um_conf_known(cf, role) == NULL
        && um_conf_module_add(cf, role, &at) != UM_OK)
    {
        return UM_ERR;
    }

    if (um_conf_known(cf, role) == NULL) {
        return um_conf_fail(
            cf, NULL, 0, "module \"%s\" has another block", role);
    }

    return um_conf_inst_add(cf, um_conf_known(cf, role), &at) != NULL
               ? UM_OK
               : um_conf_no_memory(cf);
}

static um_rc_t
conf_read(um_conf_t *cf)
{
    const um_conf_options_t *o = cf->o;
    um_str_t text = { o->text, o->text != NULL ? strlen(o->text) : 0 };
    um_rc_t rc = UM_OK;

    if (o->text != NULL) {
        rc = um_conf_read_text(
            cf, o->file != NULL ? o->file : "text", text, UM_FROM_FILE);
    } else if (o->file != NULL) {
        rc = um_conf_read_file(cf, o->file);
    }

    if (rc == UM_OK) {
        rc = conf_imply(cf);
    }

    if (rc == UM_OK && o->directives != NULL) {
        text = (um_str_t){ o->directives, strlen(o->directives) };
        rc = um_conf_read_text(cf, "-g", text, UM_FROM_OPTION);
    }

    /* Last, for -g may say `env off;`.  What -g said stays, though. */
    return rc == UM_OK ? um_conf_read_env(cf) : rc;
}

static um_rc_t
conf_build(um_conf_t *cf)
{
    if (conf_read(cf) != UM_OK) {
        return UM_ERR;
    }

    for (um_inst_t *in = cf->main; in != NULL; in = in->next) {
        if (conf_fill(cf, in) != UM_OK) {
            return UM_ERR;
        }
    }

    if (!um_conf_has_role(cf)) {
        return um_conf_fail(cf, cf->main->file, 0, "no role configured");
    }

    for (um_inst_t *in = cf->main; in != NULL; in = in->next) {
        if (conf_check(cf, in) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

static um_conf_t *
conf_new(const um_conf_options_t *o, char *err)
{
    um_entry_t at = { .from = UM_FROM_FILE, .file = o->file };
    um_pool_t *pool = um_pool_new();
    um_conf_t *cf = pool != NULL ? um_pool_alloc(pool, sizeof(*cf)) : NULL;

    if (cf == NULL) {
        um_pool_free(pool);
        return NULL;
    }

    cf->pool = pool;
    cf->o = o;
    cf->env = o->env;
    cf->err = err;
    cf->prefix = um_pool_strdup(pool, um_str_of(o->prefix));
    if (o->file != NULL) {
        at.file = um_pool_strdup(pool, um_str_of(o->file));
    }

    while (o->blocks[cf->known_count] != NULL
           && cf->known_count < UM_CONF_KNOWN_MAX)
    {
        cf->known[cf->known_count] = o->blocks[cf->known_count];
        cf->known_count++;
    }

    if (cf->prefix == NULL || (o->file != NULL && at.file == NULL)
        || um_conf_inst_add(cf, cf->known[0], &at) == NULL)
    {
        um_pool_free(pool);
        return NULL;
    }

    return cf;
}

um_conf_t *
um_conf_load(const um_conf_options_t *o, char *err)
{
    um_conf_t *cf = conf_new(o, err);

    err[0] = '\0';
    if (cf == NULL) {
        snprintf(err, UM_CONF_ERR_MAX, "configuration: out of memory");
        return NULL;
    }

    if (conf_build(cf) != UM_OK) {
        um_pool_free(cf->pool);
        return NULL;
    }

    cf->o = NULL;
    cf->env = NULL;
    cf->err = NULL;
    return cf;
}

void
um_conf_free(um_conf_t *cf)
{
    if (cf != NULL) {
        um_pool_free(cf->pool);
    }
}
