/*
 * api_in.h -- what a request says: numbers of its path and query, and the
 * members of its body, which is one JSON object.
 *
 * Each of these returns false when it is not what was asked for; the request
 * is answered then: 400 with the name of the field, 405 for a path with a word
 * where a number should be, 413, 415.  Members that nobody asks for are
 * ignored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_API_IN_H
#define BROKER_API_IN_H

#include <cjson/cJSON.h>

#include "http/um_httpd.h"

/* Numbers up to here are themselves in JSON as cJSON reads it. */
#define API_NUMBER_MAX (UINT64_C(1) << 53)

/* A change keeps what its body says until it is answered, and a thousand may
 * wait together. */
#define API_VALUES_MAX 1024

/* A text answer without a line's end, as the reference gives them. */
void api_text(um_http_req_t *r, unsigned status, const char *fmt, ...)
    UM_PRINTF(3, 4);

/* The i-th {} of the path as a number. */
bool api_in_number(um_http_req_t *r, uint32_t i, uint64_t *out);

/* ?name=number; `*out` stays when it is not there. */
bool api_in_query(um_http_req_t *r, const char *name, uint64_t *out);

/* The type of the body is one we read, if it is told at all. */
bool api_in_type(um_http_req_t *r);

/* More values than `max` take more memory than their bytes let expect. */
bool api_in_values(um_http_req_t *r, size_t max);

/* The body, one object; the caller deletes it.  It is not for those that may
 * have more than API_VALUES_MAX values: they say how many. */
bool api_in_body(um_http_req_t *r, cJSON **out);
bool api_in_body_of(um_http_req_t *r, size_t max, cJSON **out);

/* A member of `object`, which must not have two of that name; `path` names it
 * in full.  NULL: answered. */
const cJSON *api_in_member(
    um_http_req_t *r, const cJSON *object, const char *name, const char *path);

/* The same by type; a slice of a string is lent by `object`. */
bool api_in_u64(um_http_req_t *r, const cJSON *object, const char *name,
    const char *path, uint64_t *out);
bool api_in_str(um_http_req_t *r, const cJSON *object, const char *name,
    const char *path, um_str_t *out);

/* A value that is no member: an element of an array. */
bool api_in_is_u64(const cJSON *value, uint64_t *out);

/* Answer 400: `path` is not what it should be. */
void api_in_wrong(um_http_req_t *r, const char *path, const char *what);

#endif /* BROKER_API_IN_H */
