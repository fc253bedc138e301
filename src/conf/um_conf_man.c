/*
 * The directives' part of undermoond.conf(5), out of the tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"

#include <inttypes.h>
#include <string.h>

/* Text for man: no line may begin with a macro, a hyphen is a minus. */
static void
man_text(um_sbuf_t *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            um_sbuf_addz(out, "\\e");
            break;
        case '-':
            um_sbuf_addz(out, "\\-");
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

static void
man_facts(const um_directive_t *d, um_sbuf_t *out)
{
    const char *bare = man_bare(d);

    if (d->dflt != NULL) {
        um_sbuf_addz(out, "Default: ");
        man_text(out, d->dflt);
        um_sbuf_addz(out, ".\n");
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
        um_sbuf_addz(out, "Environment: UNDERMOON_");
        man_text(out, d->env);
        um_sbuf_addz(out, ".\n");
    }
}

static void
man_directive(const um_directive_t *d, um_sbuf_t *out)
{
    um_sbuf_addf(out, ".TP\n.BI \"%s \" \"", d->name);
    man_text(out, d->args != NULL ? d->args : "");
    um_sbuf_addz(out, "\" ;\n");
    man_text(out, d->doc != NULL ? d->doc : "");
    um_sbuf_addz(out, "\n");
    man_facts(d, out);
}

void
um_conf_manual(const um_block_t *const *blocks, um_sbuf_t *out)
{
    for (; *blocks != NULL; blocks++) {
        const um_block_t *b = *blocks;

        if (strcmp(b->name, "main") == 0) {
            um_sbuf_addz(out, ".SH DIRECTIVES\n");
        } else {
            um_sbuf_addf(out, ".SH \"BLOCK %s\"\n", b->name);
        }

        if (b->doc != NULL) {
            man_text(out, b->doc);
            um_sbuf_addz(out, "\n");
        }

        for (const um_directive_t *d = b->directives;
             d != NULL && d->name != NULL; d++) {
            man_directive(d, out);
        }
    }
}
