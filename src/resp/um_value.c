/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_value.h"

#include <string.h>

#include "core/um_str.h"

bool
um_value_next(um_value_reader_t *r, um_value_t *v)
{
    const char *p = r->p, *cr;
    um_str_t line;

    if (p == r->end) {
        return false;
    }

    cr = memchr(p, '\r', (size_t) (r->end - p));
    if (cr == NULL || cr == p || r->end - cr < 2) {
        return false;
    }

    line = (um_str_t){ p + 1, (size_t) (cr - p - 1) };
    r->p = cr + 2;

    if (*p == '+') {
        *v = (um_value_t){ .type = '$', .s = line };
        return true;
    }

    *v = (um_value_t){ .type = *p };
    if (um_str_to_i64(line, &v->n) != UM_OK) {
        return false;
    }

    switch (*p) {
    case ':':
        return true;

    case '$':
        if (v->n < 0 || r->end - r->p < 2 || v->n > r->end - r->p - 2) {
            return false;
        }

        v->s = (um_str_t){ r->p, (size_t) v->n };
        r->p += v->n + 2;
        return true;

    case '*':
    case '~':
    case '%':
        /* Each value takes a few bytes, so there cannot be more of them. */
        if (v->n < 0 || v->n > r->end - r->p) {
            return false;
        }

        v->type = '*';
        v->n *= *p == '%' ? 2 : 1;
        return true;

    default:
        return false;
    }
}
