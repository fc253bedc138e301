/*
 * fuzz_path.c -- what a request asks for: any target, any pattern of ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "http/um_http_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Segments lie in the target, one behind the other. */
static void
path_check(const um_http_path_t *p, const char *target, size_t size)
{
    const char *at = target;

    um_assert(p->count <= UM_HTTP_SEGMENTS);

    for (uint32_t i = 0; i < p->count; i++) {
        um_assert(p->seg[i].data > at);
        um_assert(p->seg[i].data + p->seg[i].len <= target + size);
        um_assert(memchr(p->seg[i].data, '\0', p->seg[i].len) == NULL);
        at = p->seg[i].data + p->seg[i].len;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = { "/", "/a", "/{}", "/a/{}/b",
        "/{}/{}/{}/{}/{}/{}/{}/{}/{}/{}" };
    um_str_t param[UM_HTTP_PARAMS];
    um_http_path_t path;
    char *target = malloc(size + 1);

    if (target == NULL) {
        return 0;
    }

    memcpy(target, data, size);
    target[size] = '\0';

    if (um_http_path_parse(&path, target)) {
        path_check(&path, target, size);
        for (size_t i = 0; i < um_countof(patterns); i++) {
            (void) um_http_path_match(&path, patterns[i], param);
        }
    }

    free(target);
    return 0;
}
