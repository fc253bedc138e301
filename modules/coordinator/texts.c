/* SPDX-License-Identifier: Apache-2.0 */

#include "texts.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_addr.h"

um_rc_t
texts_add(texts_t *t, const char *text)
{
    if (t->count == t->room) {
        uint32_t room = t->room == 0 ? 64 : t->room * 2;
        char **more = realloc(t->text, room * sizeof(*more));

        if (more == NULL) {
            return UM_ERR;
        }
        t->text = more;
        t->room = room;
    }

    t->text[t->count] = strdup(text);
    if (t->text[t->count] == NULL) {
        return UM_ERR;
    }

    t->count++;
    return UM_OK;
}

void
texts_clear(texts_t *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        free(t->text[i]);
    }
    free(t->text);
    *t = (texts_t){ 0 };
}

bool
text_is_clean(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("/?#%\"\\", *p) != NULL) {
            return false;
        }
    }

    return *text != '\0' && strlen(text) <= UM_ADDR_TEXT_MAX;
}
