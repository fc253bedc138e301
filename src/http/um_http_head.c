/*
 * um_http_head.c -- what can be said of a request when its head is there.
 *
 * An answer given here to a request that has a body costs the connection: what
 * follows on it would be the body, and nobody reads that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "http/um_httpd_priv.h"

/* So much of the daemon's memory goes with a field, beside its text. */
#define HEAD_FIELD_COST 64

/* ---- How long it is ----------------------------------------------------- */

typedef struct {
    uint32_t fields;
    uint32_t lengths;   /* Content-Length    */
    uint32_t encodings; /* Transfer-Encoding */
    bool unknown;       /* another one than chunked */
    bool odd;           /* a name that is none      */
} head_t;

static enum MHD_Result
head_on_field(
    void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    head_t *head = data;

    (void) kind;
    head->fields++;
    head->odd |= name[0] == '\0' || strpbrk(name, " \t") != NULL;

    if (strcasecmp(name, "Content-Length") == 0) {
        head->lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        head->encodings++;
        head->unknown |= value == NULL || strcasecmp(value, "chunked") != 0;
    }

    return MHD_YES;
}

/*
 * Where the body ends must be said once and plainly: whoever stands between us
 * and the client may understand it differently, and take for a request what is
 * part of a body.  200, or what is wrong.
 */
static unsigned
head_framing(const head_t *head)
{
    if (head->odd || head->lengths > 1
        || (head->lengths > 0 && head->encodings > 0))
    {
        return MHD_HTTP_BAD_REQUEST;
    }

    return head->encodings > 1 || head->unknown ? MHD_HTTP_NOT_IMPLEMENTED
                                                : MHD_HTTP_OK;
}

/* 200, or it is too long. */
static unsigned
head_size(const um_http_req_t *r, const head_t *head)
{
    size_t max = r->conn->h->limits.header_max;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t size = info == NULL ? 0 : info->header_size;

    if (size + (size_t) head->fields * HEAD_FIELD_COST <= max) {
        return MHD_HTTP_OK;
    }

    return strlen(r->target) > max / 2
               ? MHD_HTTP_URI_TOO_LONG
               : MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
}

static bool
head_has_body(const um_http_req_t *r)
{
    const char *length = um_http_header(r, "Content-Length");

    return (length != NULL && strcmp(length, "0") != 0)
           || um_http_header(r, "Transfer-Encoding") != NULL;
}

/* Is the body that is announced too much?  Chunked ones are counted when they
 * come. */
static void
head_check_length(um_http_req_t *r)
{
    const um_httpd_t *h = r->conn->h;
    const char *length = um_http_header(r, "Content-Length");
    uint64_t n;

    if (length == NULL) {
        return;
    }

    if (um_str_to_u64(um_str_of(length), &n) != UM_OK || n > r->route->body_max)
    {
        http_req_unwelcome(r, MHD_HTTP_CONTENT_TOO_LARGE);
    } else if (!http_body_has_room(h, n)) {
        http_req_unwelcome(r, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
}

/* ---- All of it ---------------------------------------------------------- */

static void
head_check_target(um_http_req_t *r, const char *method)
{
    um_httpd_t *h = r->conn->h;

    r->method = http_method_of(method);
    if (!r->conn->allowed) {
        um_http_text(r, MHD_HTTP_FORBIDDEN, "not from your address");
    } else if (!r->is_path) {
        um_http_text(r, MHD_HTTP_BAD_REQUEST, "this is no path");
    } else {
        http_find_route(r);
    }

    if (r->route != NULL && h->on_head != NULL) {
        h->on_head(r, h->data);
    }
    if (r->route != NULL && r->state == REQ_NEW) {
        head_check_length(r);
    }
}

bool
http_head_check(um_http_req_t *r, const char *method)
{
    head_t head = { 0 };
    unsigned status;

    (void) MHD_get_connection_values(
        r->mhd, MHD_HEADER_KIND, head_on_field, &head);

    status = head_framing(&head);
    if (status != MHD_HTTP_OK) {
        um_http_text(r, status, "where its body ends is not clear");
        return false;
    }

    status = head_size(r, &head);
    if (status != MHD_HTTP_OK) {
        um_http_text(r, status, "the head is too long");
        return false;
    }

    head_check_target(r, method);
    if (r->state == REQ_NEW) {
        r->state = REQ_BODY;
        return true;
    }

    return !head_has_body(r); /* an answer now would cost the connection */
}
