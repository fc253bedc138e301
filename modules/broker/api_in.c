/* SPDX-License-Identifier: Apache-2.0 */

#include "api_in.h"

#include <string.h>

#include "core/um_str.h"
#include "meta/um_utf8.h"

void
api_text(um_http_req_t *r, unsigned status, const char *fmt, ...)
{
    um_sbuf_t body = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&body, fmt, ap);
    va_end(ap);
    um_http_reply(r, status, "text/plain; charset=utf-8", &body);
}

void
api_in_wrong(um_http_req_t *r, const char *path, const char *what)
{
    api_text(
        r, 400, "Request body deserialize error: field `%s`: %s", path, what);
}

/* ---- Path and query ----------------------------------------------------- */

bool
api_in_number(um_http_req_t *r, uint32_t i, uint64_t *out)
{
    if (um_str_to_u64(um_http_param(r, i), out) != UM_OK) {
        api_text(r, 405, "HTTP method not allowed");
        return false;
    }

    return true;
}

bool
api_in_query(um_http_req_t *r, const char *name, uint64_t *out)
{
    const char *text = um_http_query(r, name);

    if (text != NULL && um_str_to_u64(um_str_of(text), out) != UM_OK) {
        api_text(r, 400, "Invalid query string");
        return false;
    }

    return true;
}

/* ---- The body ----------------------------------------------------------- */

bool
api_in_type(um_http_req_t *r)
{
    const char *type = um_http_header(r, "Content-Type");
    um_str_t name;

    if (type == NULL) {
        return true;
    }

    name = (um_str_t){ type, strcspn(type, "; \t") };
    if (!um_str_ieq(name, um_lit("application/json"))) {
        api_text(r, 415, "The request's content-type is not supported");
        return false;
    }

    return true;
}

/*
 * cJSON ends a string at \u0000 and takes anything behind a value, and bytes
 * that are no text; none of it is what was meant.
 */
static cJSON *
body_parse(um_str_t text)
{
    const char *end = NULL;
    cJSON *json;

    if (text.len == 0 || memmem(text.data, text.len, "\\u0000", 6) != NULL
        || memchr(text.data, '\0', text.len) != NULL || !um_utf8_valid(text))
    {
        return NULL;
    }

    json = cJSON_ParseWithLengthOpts(text.data, text.len, &end, 0);
    if (json == NULL) {
        return NULL;
    }

    while (end < text.data + text.len && strchr(" \t\r\n", *end) != NULL) {
        end++;
    }

    if (end != text.data + text.len) {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}

/* Each value but the first stands behind one of these. */
bool
api_in_values(um_http_req_t *r, size_t max)
{
    um_str_t body = um_http_body(r);
    size_t n = 1;

    for (size_t i = 0; i < body.len; i++) {
        char c = body.data[i];

        n += c == ',' || c == '[' || c == '{';
    }

    if (n > max) {
        api_text(r, 413, "the body has too many values");
        return false;
    }

    return true;
}

bool
api_in_body_of(um_http_req_t *r, size_t max, cJSON **out)
{
    cJSON *json;

    if (!api_in_type(r) || !api_in_values(r, max)) {
        return false;
    }

    json = body_parse(um_http_body(r));
    if (json == NULL) {
        api_text(
            r, 400, "Request body deserialize error: the body is not JSON");
        return false;
    }

    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        api_text(r, 400,
            "Request body deserialize error: the body is not an object");
        return false;
    }

    *out = json;
    return true;
}

bool
api_in_body(um_http_req_t *r, cJSON **out)
{
    return api_in_body_of(r, API_VALUES_MAX, out);
}

static const cJSON *
member_again(const cJSON *m)
{
    const cJSON *next = m->next;

    while (next != NULL && strcmp(next->string, m->string) != 0) {
        next = next->next;
    }

    return next;
}

const cJSON *
api_in_member(
    um_http_req_t *r, const cJSON *object, const char *name, const char *path)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    if (m == NULL) {
        api_text(
            r, 400, "Request body deserialize error: missing field `%s`", path);
    } else if (member_again(m) != NULL) {
        api_text(r, 400, "Request body deserialize error: duplicate field `%s`",
            path);
        m = NULL;
    }

    return m;
}

bool
api_in_is_u64(const cJSON *value, uint64_t *out)
{
    double d;

    if (!cJSON_IsNumber(value)) {
        return false;
    }

    d = value->valuedouble;
    if (!(d >= 0 && d <= (double) API_NUMBER_MAX) || (double) (uint64_t) d != d)
    {
        return false;
    }

    *out = (uint64_t) d;
    return true;
}

bool
api_in_u64(um_http_req_t *r, const cJSON *object, const char *name,
    const char *path, uint64_t *out)
{
    const cJSON *m = api_in_member(r, object, name, path);

    if (m == NULL) {
        return false;
    }

    if (!api_in_is_u64(m, out)) {
        api_in_wrong(r, path, "is not a whole number");
        return false;
    }

    return true;
}

bool
api_in_str(um_http_req_t *r, const cJSON *object, const char *name,
    const char *path, um_str_t *out)
{
    const cJSON *m = api_in_member(r, object, name, path);

    if (m == NULL) {
        return false;
    }

    if (!cJSON_IsString(m)) {
        api_in_wrong(r, path, "is not a string");
        return false;
    }

    *out = um_str_of(m->valuestring);
    return true;
}
