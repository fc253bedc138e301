/*
 * One directive: its words, its setter, its place among others of its name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_lex.h"
#include "conf/um_conf_priv.h"
#include "core/um_str.h"

#include <stdio.h>
#include <string.h>

void
um_conf_cx_init(um_conf_cx_t *cx, um_conf_t *cf, const um_entry_t *e)
{
    memset(cx, 0, sizeof(*cx));
    cx->cf = cf;
    cx->pool = cf->pool;
    cx->prefix = cf->prefix;
    cx->hermetic = cf->o->hermetic;
    cx->arg = e->arg;
    cx->argc = e->argc;
    cx->about = e->argc > 0 ? e->arg[0] : NULL;
    cx->file = e->file;
    cx->line = e->line;
    cx->from_env = e->from == UM_FROM_ENV;
}

um_rc_t
um_conf_apply(um_conf_t *cf, um_entry_t *e, void *conf, bool trial)
{
    const um_directive_t *d = e->d;
    um_conf_cx_t cx;
    const char *wrong;

    um_conf_cx_init(&cx, cf, e);
    cx.trial = trial || cf->o->quiet;

    wrong = d->set(&cx, d, conf);
    if (wrong != NULL && cx.about != NULL && !(d->flags & UM_DIR_SECRET)) {
        return um_conf_fail(cf, e->file, e->line, "%s: \"%.64s%s\" %s", d->name,
            cx.about, strlen(cx.about) > 64 ? "..." : "", wrong);
    }

    if (wrong != NULL) {
        return um_conf_fail(cf, e->file, e->line, "%s %s", d->name, wrong);
    }

    if (cx.canon[0] != '\0' && e->canon == NULL) {
        e->canon =
            um_pool_strdup(cf->pool, (um_str_t){ cx.canon, strlen(cx.canon) });
        if (e->canon == NULL) {
            return um_conf_no_memory(cf);
        }
    }

    if (d->flags & UM_DIR_IGNORED && e->from != UM_FROM_DEFAULT) {
        um_conf_notice(&cx, "%s is accepted and has no effect", d->name);
    }

    return UM_OK;
}

/* Words of a default or of an environment's list. */
um_rc_t
um_conf_words(um_conf_t *cf, const char *text, um_entry_t *e)
{
    um_lex_t *lex = um_pool_alloc(cf->pool, sizeof(*lex));
    const char **arg = um_pool_array(cf->pool, strlen(text) + 1, sizeof(*arg));
    um_token_t token;

    if (lex == NULL || arg == NULL) {
        return um_conf_no_memory(cf);
    }

    um_lex_init(lex, um_str_of(text));
    e->arg = arg;
    e->argc = 0;

    while ((token = um_lex_next(lex)) == UM_TOKEN_WORD) {
        arg[e->argc] =
            um_pool_strdup(cf->pool, (um_str_t){ lex->word, lex->len });
        if (arg[e->argc] == NULL) {
            return um_conf_no_memory(cf);
        }
        e->argc++;
    }

    if (token != UM_TOKEN_END) {
        return um_conf_fail(cf, e->file, e->line, "%s: \"%.64s\" %s",
            e->d->name, text, token == UM_TOKEN_BAD ? lex->word : "is odd");
    }

    return UM_OK;
}

static um_rc_t
keep_check_count(um_conf_t *cf, const um_entry_t *e)
{
    const um_directive_t *d = e->d;
    char want[48];

    if (e->argc >= d->min && e->argc <= d->max) {
        return UM_OK;
    }

    if (d->min == d->max) {
        snprintf(want, sizeof(want), "%u", d->min);
    } else if (d->max >= UM_CONF_WORDS_MAX) {
        snprintf(want, sizeof(want), "at least %u", d->min);
    } else {
        snprintf(want, sizeof(want), "%u to %u", d->min, d->max);
    }

    return um_conf_fail(cf, e->file, e->line, "%s takes %s word%s, has %u",
        d->name, want, strcmp(want, "1") == 0 ? "" : "s", e->argc);
}

um_rc_t
um_conf_keep(um_conf_t *cf, um_inst_t *in, um_entry_t *e)
{
    um_entry_t **at = &in->first;
    um_rc_t rc;

    rc = keep_check_count(cf, e);
    if (rc == UM_OK) {
        rc = um_conf_apply(cf, e, in->trial, true);
    }
    if (rc != UM_OK) {
        return rc;
    }

    while (*at != NULL) {
        um_entry_t *old = *at;

        if (old->d != e->d
            || (old->from == e->from && old != e
                && (e->d->flags & UM_DIR_MULTI)))
        {
            at = &old->next;
            continue;
        }

        if (old->from == e->from) {
            return um_conf_fail(cf, e->file, e->line,
                "%s is duplicate, it stands in %.200s:%u already", e->d->name,
                old->file, old->line);
        }

        if (old->from > e->from) {
            return UM_OK; /* something stronger has spoken */
        }

        *at = old->next;
    }

    *at = e;
    in->last = &e->next;
    return UM_OK;
}
