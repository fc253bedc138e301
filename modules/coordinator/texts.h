/*
 * texts.h -- a list of texts, which it owns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TEXTS_H
#define TEXTS_H

#include "core/um_base.h"

/* Zeroed is empty. */
typedef struct {
    char **text;
    uint32_t count;
    uint32_t room;
    uint32_t pages; /* sync.c: that it came in */
} texts_t;

/* One more; it is copied.  UM_ERR: no memory. */
UM_MUSTCHECK um_rc_t texts_add(texts_t *t, const char *text);
void texts_clear(texts_t *t);

/* May it stand in a path of the broker as it is?  Its escapes are not undone
 * by every broker, so there are none. */
bool text_is_clean(const char *text);

#endif /* TEXTS_H */
