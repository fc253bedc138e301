/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_table.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"
#include "meta/um_utf8.h"

#define TABLE_COLUMNS 12
#define TABLE_GAP     2

typedef struct {
    const char *text;
    size_t width; /* in characters */
    um_ctl_tone_t tone;
} cell_t;

struct um_ctl_table_s {
    um_pool_t *pool;
    size_t columns;
    bool right[TABLE_COLUMNS];
    size_t width[TABLE_COLUMNS];
    cell_t *cell; /* the heading first */
    size_t cells;
    size_t room;
};

/* ---- Text --------------------------------------------------------------- */

void
um_ctl_clean(um_sbuf_t *out, const char *text)
{
    bool whole = um_utf8_valid(um_str_of(text));

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        /* U+0080 to U+009F are control characters, too. */
        if (whole && c == 0xc2 && (unsigned char) text[1] < 0xa0) {
            um_sbuf_add(out, "?", 1);
            text++;
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !whole)) {
            um_sbuf_add(out, "?", 1);
        } else {
            um_sbuf_add(out, text, 1);
        }
    }
}

void
um_ctl_toned(um_sbuf_t *out, bool colour, um_ctl_tone_t tone, const char *text)
{
    bool toned = colour && tone != UM_CTL_PLAIN;

    if (toned) {
        um_sbuf_addz(out, tone == UM_CTL_BAD ? "\033[31m" : "\033[33m");
    }
    um_ctl_clean(out, text);
    if (toned) {
        um_sbuf_addz(out, "\033[0m");
    }
}

/* Characters of clean text. */
static size_t
text_width(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char) *text & 0xc0) != 0x80;
    }
    return n;
}

/* ---- Cells -------------------------------------------------------------- */

static void
table_grow(um_ctl_table_t *t)
{
    size_t room = t->room > 0 ? 2 * t->room : 64;
    cell_t *cell = um_ctl_array(t->pool, room, sizeof(*cell));

    if (t->cells > 0) {
        memcpy(cell, t->cell, t->cells * sizeof(*cell));
    }
    t->cell = cell;
    t->room = room;
}

void
um_ctl_cell(um_ctl_table_t *t, um_ctl_tone_t tone, const char *text)
{
    size_t column = t->cells % t->columns;
    um_sbuf_t clean = { 0 };
    cell_t *cell;

    if (t->cells == t->room) {
        table_grow(t);
    }

    um_ctl_clean(&clean, text == NULL || *text == '\0' ? "-" : text);
    cell = &t->cell[t->cells++];
    cell->text = um_ctl_printf(t->pool, "%s", um_ctl_cstr(&clean));
    cell->tone = tone;
    cell->width = text_width(cell->text);
    t->width[column] = um_max(t->width[column], cell->width);
    um_sbuf_deinit(&clean);
}

void
um_ctl_cellf(um_ctl_table_t *t, um_ctl_tone_t tone, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    um_ctl_cell(t, tone, um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
}

um_ctl_table_t *
um_ctl_table_new(um_pool_t *p, const char *columns)
{
    um_ctl_table_t *t = um_ctl_array(p, 1, sizeof(*t));
    const char *name[TABLE_COLUMNS];

    t->pool = p;
    while (*columns != '\0') {
        size_t len = strcspn(columns, " ");
        bool right = columns[len - 1] == '>';

        um_assert(t->columns < TABLE_COLUMNS);
        name[t->columns] =
            um_ctl_strdup(p, (um_str_t){ columns, len - (right ? 1 : 0) });
        t->right[t->columns++] = right;
        columns += len;
        columns += strspn(columns, " ");
    }

    for (size_t i = 0; i < t->columns; i++) {
        um_ctl_cell(t, UM_CTL_PLAIN, name[i]);
    }
    return t;
}

/* ---- All of it ---------------------------------------------------------- */

static void
put_blanks(um_sbuf_t *out, size_t n)
{
    while (n-- > 0) {
        um_sbuf_add(out, " ", 1);
    }
}

void
um_ctl_table_put(const um_ctl_table_t *t, bool colour, um_sbuf_t *out)
{
    for (size_t i = 0; i < t->cells; i++) {
        size_t column = i % t->columns;
        const cell_t *cell = &t->cell[i];
        size_t fill = t->width[column] - cell->width;
        bool last = column + 1 == t->columns;

        put_blanks(out, t->right[column] ? fill : 0);
        um_ctl_toned(out, colour, cell->tone, cell->text);
        if (last) {
            um_sbuf_add(out, "\n", 1);
        } else {
            put_blanks(out, (t->right[column] ? 0 : fill) + TABLE_GAP);
        }
    }
}
