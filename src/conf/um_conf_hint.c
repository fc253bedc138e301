/*
 * What may have been meant by a name nobody knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"

#include <stdio.h>
#include <string.h>

#define HINT_WORD_MAX 48u

/* How many letters to add, drop or change; 99: too long to ask. */
static uint32_t
hint_distance(const char *a, const char *b)
{
    uint32_t row[HINT_WORD_MAX + 1];
    uint32_t m = (uint32_t) strlen(a), n = (uint32_t) strlen(b);

    if (m > HINT_WORD_MAX || n > HINT_WORD_MAX) {
        return 99;
    }

    for (uint32_t j = 0; j <= n; j++) {
        row[j] = j;
    }

    for (uint32_t i = 1; i <= m; i++) {
        uint32_t corner = row[0];

        row[0] = i;
        for (uint32_t j = 1; j <= n; j++) {
            uint32_t above = row[j];
            uint32_t change = corner + (a[i - 1] != b[j - 1]);

            row[j] = um_min(um_min(above, row[j - 1]) + 1, change);
            corner = above;
        }
    }

    return row[n];
}

static void
hint_try(const char *name, const char *known, uint32_t *best, const char **who)
{
    uint32_t d = hint_distance(name, known);

    if (d < *best) {
        *best = d;
        *who = known;
    }
}

/* The block that knows the name, if any but `in` does. */
static const char *
hint_owner(const um_conf_t *cf, const um_inst_t *in, const char *name)
{
    for (uint32_t i = 0; i < cf->known_count; i++) {
        if (cf->known[i] != in->block
            && um_conf_directive(cf->known[i], name) != NULL) {
            return cf->known[i]->name;
        }
    }

    return NULL;
}

void
um_conf_hint(const um_conf_t *cf, const um_inst_t *in, const char *name,
    char *out, size_t size)
{
    const um_block_t *b = in->block;
    const char *owner = hint_owner(cf, in, name);
    const char *who = NULL;
    uint32_t best = strlen(name) > 4 ? 3 : 2; /* fewer than that */

    out[0] = '\0';
    if (owner != NULL && strcmp(owner, "main") == 0) {
        snprintf(out, size, " in block \"%s\"; it stands outside of any block",
            b->name);
        return;
    }

    if (owner != NULL) {
        snprintf(out, size, "%s%s%s here; it belongs into block \"%s\"",
            in == cf->main ? "" : " in block \"", in == cf->main ? "" : b->name,
            in == cf->main ? "" : "\"", owner);
        return;
    }

    for (const um_directive_t *d = b->directives; d != NULL && d->name != NULL;
         d++) {
        hint_try(name, d->name, &best, &who);
    }

    for (uint32_t i = 1; in == cf->main && i < cf->known_count; i++) {
        hint_try(name, cf->known[i]->name, &best, &who);
    }

    if (who != NULL) {
        snprintf(out, size, ", did you mean \"%s\"?", who);
    } else if (in == cf->main) {
        for (const um_directive_t *d = b->directives; d->name != NULL; d++) {
            if (d->flags & UM_DIR_MODULE) {
                snprintf(out, size,
                    "; one of a module needs \"module NAME;\" before it");
            }
        }
    }
}
