/* SPDX-License-Identifier: Apache-2.0 */

#include "http/um_http_path.h"

#include <string.h>

#include "core/um_str.h"

static int
hex_value(char c)
{
    c = um_char_lower(c);

    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo the escapes of `len` bytes where they lie. */
static bool
path_unescape(char *text, size_t len, um_str_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (unsigned char) (high << 4 | low);
            i += 2;
        }

        if (c < 0x20 || c == 0x7f) {
            return false;
        }
        text[n++] = (char) c;
    }

    *out = (um_str_t){ text, n };
    return true;
}

/* "http://host/path": servers must take it, though only proxies get it. */
static char *
path_skip_authority(char *target)
{
    char *at = strstr(target, "://");

    if (target[0] == '/' || at == NULL) {
        return target;
    }

    at += strlen("://");
    return at + strcspn(at, "/?#");
}

bool
um_http_path_parse(um_http_path_t *p, char *target)
{
    char *at = path_skip_authority(target);
    uint32_t count = 0;

    p->count = 0;
    if (*at != '/') {
        return false;
    }

    while (*at == '/') {
        size_t len = strcspn(at + 1, "/?#");
        um_str_t seg;

        if (!path_unescape(at + 1, len, &seg)) {
            return false;
        }
        if (count < UM_HTTP_SEGMENTS) {
            p->seg[count] = seg;
        }
        count++;
        at += 1 + len;
    }

    p->count = count <= UM_HTTP_SEGMENTS ? count : 0;
    return true;
}

bool
um_http_path_match(const um_http_path_t *path, const char *pattern,
    um_str_t param[UM_HTTP_PARAMS])
{
    uint32_t params = 0;
    uint32_t i;

    memset(param, 0, UM_HTTP_PARAMS * sizeof(param[0]));

    for (i = 0; i < path->count && *pattern == '/'; i++) {
        um_str_t want = { pattern + 1, strcspn(pattern + 1, "/") };

        if (!um_str_eq(want, um_lit("{}"))) {
            if (!um_str_eq(want, path->seg[i])) {
                return false;
            }
        } else if (path->seg[i].len == 0 || params == UM_HTTP_PARAMS) {
            return false;
        } else {
            param[params++] = path->seg[i];
        }

        pattern += 1 + want.len;
    }

    return path->count > 0 && i == path->count && *pattern == '\0';
}

/* ---- From afar ---------------------------------------------------------- */

/* FNV-1a; never 0. */
static uint32_t
segment_number(um_str_t seg)
{
    uint32_t h = UINT32_C(0x811c9dc5);

    for (size_t i = 0; i < seg.len; i++) {
        h = (h ^ (unsigned char) seg.data[i]) * UINT32_C(0x01000193);
    }

    return h != 0 ? h : 1;
}

void
um_http_shape_of_path(um_http_shape_t *s, const um_http_path_t *path)
{
    s->count = path->count;

    for (uint32_t i = 0; i < path->count; i++) {
        s->seg[i] = segment_number(path->seg[i]);
    }
}

void
um_http_shape_of_pattern(um_http_shape_t *s, const char *pattern)
{
    s->count = 0;

    while (*pattern == '/') {
        um_str_t seg = { pattern + 1, strcspn(pattern + 1, "/") };

        if (s->count == UM_HTTP_SEGMENTS) {
            s->count = 0; /* no path has so many */
            return;
        }

        s->seg[s->count++] =
            um_str_eq(seg, um_lit("{}")) ? 0 : segment_number(seg);
        pattern += 1 + seg.len;
    }
}
