/*
 * The environment of the reference: UNDERMOON_<NAME> replaces what the file
 * says, for the one role that reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_lex.h"
#include "conf/um_conf_priv.h"
#include "core/um_str.h"

#include <stdio.h>
#include <string.h>

#define ENV_PREFIX "UNDERMOON_"

const char *
um_conf_getenv(const um_conf_t *cf, const char *name)
{
    size_t len = strlen(name);

    for (char *const *v = cf->env; v != NULL && *v != NULL; v++) {
        if (strncmp(*v, name, len) == 0 && (*v)[len] == '='
            && (*v)[len + 1] != '\0') {
            return *v + len + 1;
        }
    }

    return NULL;
}

/* `env off;`, wherever it was said last. */
static bool
env_is_off(const um_conf_t *cf)
{
    for (const um_entry_t *e = cf->main->first; e != NULL; e = e->next) {
        if (e->d->flags & UM_DIR_ENV) {
            return e->canon != NULL && strcmp(e->canon, "off") == 0;
        }
    }

    return false;
}

/* The one role that reads it; NULL: none, or more than one. */
static um_inst_t *
env_role(const um_conf_t *cf)
{
    um_inst_t *one = NULL;

    if (cf->o->role != NULL) {
        return um_conf_inst(cf, cf->o->role);
    }

    for (um_inst_t *in = cf->main; in != NULL; in = in->next) {
        if (in->block->env) {
            if (one != NULL) {
                return NULL;
            }
            one = in;
        }
    }

    return one;
}

/* The value of a plain directive, as words of a file. */
static void
env_quote(const um_directive_t *d, const char *value, um_sbuf_t *out)
{
    if (!(d->flags & UM_DIR_LIST)) {
        um_lex_quote(out, value);
        return;
    }

    while (*value != '\0') {
        size_t len = strcspn(value, ", ");
        um_sbuf_t word = { 0 };

        if (len > 0) {
            um_sbuf_add(&word, value, len);
            um_lex_quote(out, um_sbuf_cstr(&word));
            um_sbuf_addz(out, " ");
            out->failed |= word.failed;
            um_sbuf_deinit(&word);
        }
        value += len + (value[len] != '\0');
    }
}

static um_rc_t
env_words(um_conf_t *cf, um_entry_t *e, const char *value, um_sbuf_t *out)
{
    um_conf_cx_t cx = { .cf = cf, .pool = cf->pool, .from_env = true };
    const char *wrong;

    if (e->d->env_words != NULL) {
        wrong = e->d->env_words(&cx, out);
        if (wrong != NULL) {
            return um_conf_fail(cf, e->file, 0, "%s %s", e->d->name, wrong);
        }
    } else if (value != NULL) {
        env_quote(e->d, value, out);
    }

    if (out->failed) {
        return um_conf_no_memory(cf);
    }

    return out->len > 0 ? um_conf_words(cf, um_sbuf_cstr(out), e) : UM_DECLINED;
}

static um_rc_t
env_directive(um_conf_t *cf, um_inst_t *in, const um_directive_t *d)
{
    um_sbuf_t words = { 0 };
    um_entry_t *e;
    const char *value;
    char name[80];
    um_rc_t rc;

    snprintf(name, sizeof(name), ENV_PREFIX "%s", d->env);
    value = um_conf_getenv(cf, name);
    if (value == NULL && d->env_words == NULL) {
        return UM_OK;
    }

    if (value != NULL && strlen(value) > UM_CONF_WORD_MAX) {
        return um_conf_fail(cf, name, 0, "is too long");
    }

    e = um_pool_alloc(cf->pool, sizeof(*e));
    if (e == NULL) {
        return um_conf_no_memory(cf);
    }

    e->d = d;
    e->from = UM_FROM_ENV;
    e->file = um_pool_strdup(cf->pool, um_str_of(name));
    if (e->file == NULL) {
        return um_conf_no_memory(cf);
    }

    rc = env_words(cf, e, value, &words);
    if (rc == UM_OK) {
        rc = um_conf_keep(cf, in, e);
    }

    um_sbuf_deinit(&words);
    return rc == UM_DECLINED ? UM_OK : rc;
}

static um_rc_t
env_block(um_conf_t *cf, um_inst_t *in, const um_inst_t *role)
{
    for (const um_directive_t *d = in->block->directives;
         d != NULL && d->name != NULL; d++)
    {
        if (d->env == NULL
            || (in == cf->main
                && (d->env_role == NULL
                    || strcmp(d->env_role, role->block->name) != 0)))
        {
            continue;
        }

        if (env_directive(cf, in, d) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

um_rc_t
um_conf_read_env(um_conf_t *cf)
{
    um_inst_t *role = env_role(cf);

    if (env_is_off(cf)) {
        cf->env = NULL;
    }

    if (role == NULL || cf->env == NULL) {
        return UM_OK;
    }

    return env_block(cf, cf->main, role) == UM_OK ? env_block(cf, role, role)
                                                  : UM_ERR;
}
