/*
 * The directives' part of undermoond.conf(5), out of the tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"

#include <string.h>

/* Text for man: no line may begin with a macro. */
static void
man_text(um_sbuf_t *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            um_sbuf_addz(out, "\\e");
            break;
        case '.':
        case '\'':
            if (out->len > 0 && out->data[out->len - 1] == '\n') {
                um_sbuf_addz(out, "\\&");
            }
            um_sbuf_add(out, text, 1);
            break;
        default:
            um_sbuf_add(out, text, 1);
        }
    }
}

/* What a bare number means, for a time. */
static const char *
man_bare(const um_directive_t *d)
{
    static const struct {
        um_conf_set_pt set;
        uint64_t unit;
        const char *name;
    } units[] = {
        { um_set_msec, 1, "milliseconds" },
        { um_set_msec, 1000, "seconds" },
        { um_set_usec, 1, "microseconds" },
        { um_set_nsec, 1, "nanoseconds" },
    };

    for (size_t i = 0; i < um_countof(units); i++) {
        if (d->set == units[i].set
            && (d->unit != 0 ? d->unit : 1) == units[i].unit) {
            return units[i].name;
        }
    }

    return NULL;
}

/* One sentence for each thing the table knows. */
static void
man_facts(const um_directive_t *d, um_sbuf_t *out)
{
    const char *bare = man_bare(d);
    char bounds[80];

    if (um_conf_bounds(d, bounds, sizeof(bounds))) {
        um_sbuf_addf(out, "%s\n", bounds);
    }

    if (d->dflt != NULL) {
        um_sbuf_addz(out, "Default:\n.Ql ");
        man_text(out, d->dflt);
        um_sbuf_addz(out, " .\n");
    }

    if (bare != NULL) {
        um_sbuf_addf(out, "A bare number is in %s.\n", bare);
    }

    if (d->flags & UM_DIR_REQUIRED) {
        um_sbuf_addz(out, "Required.\n");
    }

    if (d->flags & UM_DIR_MULTI) {
        um_sbuf_addz(out, "May be repeated.\n");
    }

    if (d->flags & UM_DIR_RESTART) {
        um_sbuf_addz(out, "A change needs a restart.\n");
    }

    if (d->env != NULL) {
        um_sbuf_addf(out, "Environment:\n.Ev UNDERMOON_%s .\n", d->env);
    }
}

/* Sentences on lines of their own, as man wants them. */
static void
man_doc(um_sbuf_t *out, const char *text)
{
    const char *end;

    while ((end = strstr(text, ". ")) != NULL) {
        um_sbuf_t line = { 0 };

        um_sbuf_add(&line, text, (size_t) (end - text) + 1);
        man_text(out, um_sbuf_cstr(&line));
        um_sbuf_addz(out, "\n");
        um_sbuf_deinit(&line);
        text = end + 2;
    }

    man_text(out, text);
    um_sbuf_addz(out, "\n");
}

static void
man_directive(const um_directive_t *d, um_sbuf_t *out)
{
    um_sbuf_addf(out, ".It Ic %s Ar \"", d->name);
    man_text(out, d->args != NULL ? d->args : "");
    um_sbuf_addz(out, "\" ;\n");
    man_doc(out, d->doc != NULL ? d->doc : "");
    man_facts(d, out);
}

void
um_conf_manual(const um_block_t *const *blocks, um_sbuf_t *out)
{
    for (; *blocks != NULL; blocks++) {
        const um_block_t *b = *blocks;

        if (strcmp(b->name, "main") == 0) {
            um_sbuf_addz(out, ".Ss Outside of any block\n");
        } else {
            um_sbuf_addf(out, ".Ss Block %s\n", b->name);
        }

        if (b->doc != NULL) {
            man_doc(out, b->doc);
        }

        um_sbuf_addz(out, ".Bl -tag -width Ds\n");
        for (const um_directive_t *d = b->directives;
             d != NULL && d->name != NULL; d++) {
            man_directive(d, out);
        }
        um_sbuf_addz(out, ".El\n");
    }
}
