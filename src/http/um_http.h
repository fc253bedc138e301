/*
 * um_http.h -- words that server and client have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTP_H
#define UM_HTTP_H

enum {
    UM_HTTP_GET = 1u << 0, /* served: and HEAD */
    UM_HTTP_POST = 1u << 1,
    UM_HTTP_PUT = 1u << 2,
    UM_HTTP_PATCH = 1u << 3,
    UM_HTTP_DELETE = 1u << 4,
};

#endif /* UM_HTTP_H */
