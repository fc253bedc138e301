/*
 * um_value.h -- read a whole reply, value by value, without copying it.
 *
 * For replies to what we asked ourselves, which are small and were checked by
 * um_reply_scan() when they came.  RESP2 and RESP3 look the same through it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_VALUE_H
#define UM_VALUE_H

#include "core/um_base.h"

/* A value, or the header of an array. */
typedef struct {
    char type;  /* '$' for all texts, '*' for arrays, sets and maps, ':' */
    um_str_t s; /* '$'; borrowed from the reply */
    int64_t n;  /* ':'; of '*': how many values follow */
} um_value_t;

/* The bytes that are still to be read. */
typedef struct {
    const char *p;
    const char *end;
} um_value_reader_t;

/* The next value, or the header of the next array.  false: there is none, or
 * one that such replies do not have (an error, a null). */
bool um_value_next(um_value_reader_t *r, um_value_t *v);

#endif /* UM_VALUE_H */
