/*
 * A configuration as a file again, and what differs between two.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_lex.h"
#include "conf/um_conf_priv.h"
#include "core/um_str.h"

#include <string.h>

static void
dump_words(const um_entry_t *e, um_sbuf_t *out)
{
    um_sbuf_addz(out, e->d->name);

    if (e->canon != NULL && e->argc == 1) {
        um_sbuf_addz(out, " ");
        um_lex_quote(out, e->canon);
        return;
    }

    for (uint32_t i = 0; i < e->argc; i++) {
        um_sbuf_addz(out, " ");
        um_lex_quote(out, e->arg[i]);
    }
}

/* Defaults stay comments: whether a directive was written makes a difference
 * to some of them. */
static void
dump_entry(const um_entry_t *e, const char *indent, um_sbuf_t *out)
{
    um_sbuf_addf(out, "%s%s", indent, e->from == UM_FROM_DEFAULT ? "# " : "");
    dump_words(e, out);
    um_sbuf_addz(out, ";");

    switch (e->from) {
    case UM_FROM_DEFAULT:
        um_sbuf_addz(out, " # default");
        break;
    case UM_FROM_ENV:
        um_sbuf_addf(out, " # %s", e->file);
        break;
    case UM_FROM_OPTION:
        um_sbuf_addz(out, " # -g");
        break;
    case UM_FROM_FILE:
        break;
    }

    um_sbuf_addz(out, "\n");
}

static void
dump_inst(const um_inst_t *in, const char *indent, um_sbuf_t *out)
{
    for (const um_directive_t *d = in->block->directives;
         d != NULL && d->name != NULL; d++)
    {
        for (const um_entry_t *e = in->first; e != NULL; e = e->next) {
            if (e->d == d) {
                dump_entry(e, indent, out);
            }
        }
    }
}

void
um_conf_dump(const um_conf_t *cf, um_sbuf_t *out)
{
    dump_inst(cf->main, "", out);

    for (const um_inst_t *in = cf->main->next; in != NULL; in = in->next) {
        um_sbuf_addf(out, "\n%s {\n", in->block->name);
        dump_inst(in, "    ", out);
        um_sbuf_addz(out, "}\n");
    }
}

/* All that is said of one directive, in one way of writing. */
static void
restart_text(const um_inst_t *in, const char *name, um_sbuf_t *out)
{
    for (const um_entry_t *e = in->first; e != NULL; e = e->next) {
        if (strcmp(e->d->name, name) == 0) {
            dump_words(e, out);
            um_sbuf_addz(out, ";");
        }
    }
}

static bool
restart_differs(const um_inst_t *a, const um_inst_t *b, const char *name)
{
    um_sbuf_t one = { 0 }, two = { 0 };
    bool differs;

    restart_text(a, name, &one);
    restart_text(b, name, &two);
    differs = one.failed || two.failed || one.len != two.len
              || (one.len > 0 && memcmp(one.data, two.data, one.len) != 0);

    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    return differs;
}

/* Blocks of `a` that `b` has not. */
static uint32_t
restart_blocks(const um_conf_t *a, const um_conf_t *b, um_sbuf_t *out)
{
    uint32_t count = 0;

    for (const um_inst_t *in = a->main; in != NULL; in = in->next) {
        if (in->block->restart && um_conf_inst(b, in->block->name) == NULL) {
            um_sbuf_addf(out, "%s\n", in->block->name);
            count++;
        }
    }

    return count;
}

uint32_t
um_conf_restart_needed(
    const um_conf_t *now, const um_conf_t *next, um_sbuf_t *out)
{
    uint32_t count =
        restart_blocks(now, next, out) + restart_blocks(next, now, out);

    for (const um_inst_t *in = next->main; in != NULL; in = in->next) {
        const um_inst_t *old = um_conf_inst(now, in->block->name);

        for (const um_directive_t *d = in->block->directives;
             old != NULL && d != NULL && d->name != NULL; d++)
        {
            if (d->flags & UM_DIR_RESTART && restart_differs(old, in, d->name))
            {
                um_sbuf_addf(out, "%s: %s\n", in->block->name, d->name);
                count++;
            }
        }
    }

    return count;
}
