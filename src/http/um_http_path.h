/*
 * um_http_path.h -- what a request asks for: a path, cut into its segments.
 *
 * Pure.  "/a/b%20c/?x" has the segments "a", "b c" and "", so that a slash
 * that was sent as %2F belongs to its segment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTP_PATH_H
#define UM_HTTP_PATH_H

#include "core/um_base.h"

#define UM_HTTP_SEGMENTS 16
#define UM_HTTP_PARAMS   8

typedef struct {
    um_str_t seg[UM_HTTP_SEGMENTS];
    uint32_t count;
} um_http_path_t;

/*
 * Cut the target of a request line, "/path?query" or "http://host/path", and
 * undo its escapes in `target` itself, to which the segments point; the query
 * is left out.  False: it is no path, or holds a wrong escape or a control
 * character.  More segments than there is room for: count is 0, and nothing
 * matches.
 */
UM_MUSTCHECK bool um_http_path_parse(um_http_path_t *p, char *target);

/*
 * Is `path` what `pattern` describes?  In "/clusters/{}/nodes" the {} stands
 * for any segment that is not empty; `param` gets those, UM_HTTP_PARAMS at
 * most, and those behind are empty.
 */
bool um_http_path_match(const um_http_path_t *path, const char *pattern,
    um_str_t param[UM_HTTP_PARAMS]);

/*
 * What a path or a pattern looks like from afar: a number for each segment,
 * 0 for {}.  So of a hundred patterns nearly all are passed over without a
 * look at their text.
 */
typedef struct {
    uint32_t count; /* 0: nothing matches */
    uint32_t seg[UM_HTTP_SEGMENTS];
} um_http_shape_t;

void um_http_shape_of_path(um_http_shape_t *s, const um_http_path_t *path);
void um_http_shape_of_pattern(um_http_shape_t *s, const char *pattern);

/* Of as many segments.  False: um_http_path_match() would say so, too. */
static inline bool
um_http_shape_fits(const um_http_shape_t *path, const um_http_shape_t *pattern)
{
    /* Paths differ in their last words rather than in their first. */
    for (uint32_t i = pattern->count; i-- > 0;) {
        if (pattern->seg[i] != 0 && pattern->seg[i] != path->seg[i]) {
            return false;
        }
    }

    return true;
}

#endif /* UM_HTTP_PATH_H */
