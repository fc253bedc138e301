/*
 * um_ctl_table.h -- columns under a heading, as wide as what is in them.
 *
 * Pure.  What stands in a cell may have come from anywhere: bytes that would
 * do something to a terminal are shown as '?'.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_TABLE_H
#define UM_CTL_TABLE_H

#include "ctl/um_ctl_mem.h"

typedef enum {
    UM_CTL_PLAIN = 0,
    UM_CTL_BAD,  /* red    */
    UM_CTL_LOOK, /* yellow */
} um_ctl_tone_t;

typedef struct um_ctl_table_s um_ctl_table_t;

/*
 * A table whose columns have these names, apart by blanks; numbers stand at
 * the right in those that end in '>'.  It lives in the pool.
 */
um_ctl_table_t *um_ctl_table_new(um_pool_t *p, const char *columns);

/* The next cell, row by row.  NULL or "" is shown as "-". */
void um_ctl_cell(um_ctl_table_t *t, um_ctl_tone_t tone, const char *text);
void um_ctl_cellf(um_ctl_table_t *t, um_ctl_tone_t tone, const char *fmt, ...)
    UM_PRINTF(3, 4);

/* The whole of it, a line a row, without blanks at their ends. */
void um_ctl_table_put(const um_ctl_table_t *t, bool colour, um_sbuf_t *out);

/* Text for a terminal, with nothing in it but text. */
void um_ctl_clean(um_sbuf_t *out, const char *text);

/* The same with a tone. */
void um_ctl_toned(
    um_sbuf_t *out, bool colour, um_ctl_tone_t tone, const char *text);

#endif /* UM_CTL_TABLE_H */
