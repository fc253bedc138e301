/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "http/um_httpd_priv.h"

/* So much of a body that is too large is read and thrown away, for the client
 * to read our answer; who sends more is closed. */
#define REQ_THROW_MAX (1u << 20)

/* ---- Life --------------------------------------------------------------- */

void *
http_on_line(void *httpd, const char *uri, struct MHD_Connection *mhd)
{
    http_conn_t *c = http_conn_of(mhd);
    size_t len = strlen(uri);
    um_http_req_t *r;

    (void) httpd;
    if (c == NULL) {
        return NULL;
    }

    if (c->req != NULL) { /* its end was not told */
        http_req_free(c->req);
    }

    r = calloc(1, sizeof(*r) + len + 1);
    if (r == NULL) {
        um_log_error(ENOMEM, "http: request");
        return NULL;
    }

    r->conn = c;
    r->mhd = mhd;
    memcpy(r->target, uri, len + 1);
    r->is_path = um_http_path_parse(&r->path, r->target);
    c->req = r;
    http_conn_enter(c, HTTP_READING);
    return r;
}

void
http_req_free(um_http_req_t *r)
{
    if (r->state == REQ_KEPT && r->on_cancel != NULL) {
        r->on_cancel(r, r->cancel_data);
    }

    um_http_page_free(r->page);
    while (r->fields > 0) {
        r->fields--;
        free(r->field[r->fields].name);
        free(r->field[r->fields].value);
    }

    r->conn->h->bodies -= r->counted;
    um_sbuf_deinit(&r->body);
    r->conn->req = NULL;
    free(r);
}

void
http_on_completed(void *httpd, struct MHD_Connection *mhd, void **context,
    enum MHD_RequestTerminationCode why)
{
    um_http_req_t *r = *context;
    http_conn_t *c = http_conn_of(mhd);

    (void) httpd;
    *context = NULL;
    if (r == NULL || c == NULL || c->req != r) {
        return;
    }

    http_req_free(r);
    if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        http_conn_enter(c, HTTP_IDLE);
    }
}

/* ---- The answer --------------------------------------------------------- */

static enum MHD_Result
req_queue(um_http_req_t *r)
{
    enum MHD_Result rc;

    http_conn_enter(r->conn, HTTP_WRITING);
    r->state = REQ_QUEUED;
    rc = http_page_queue(r->page, r->mhd, r->conn->h->quitting);
    um_http_page_free(r->page); /* our hold on it */
    r->page = NULL;
    return rc;
}

/* Without an answer the connection is closed. */
static void
req_answer(um_http_req_t *r, um_http_page_t *page)
{
    um_assert(r->page == NULL && r->state < REQ_ANSWERED);

    r->page = page;
    r->state = REQ_ANSWERED;
    if (r->asleep) {
        r->asleep = false;
        MHD_resume_connection(r->mhd);
        http_wake(r->conn->h);
    }
}

void
um_http_reply_page(um_http_req_t *r, um_http_page_t *p)
{
    p->holds++;
    req_answer(r, p);
}

/* What was said before the answer; none when it cannot be. */
static um_http_page_t *
req_page_set(const um_http_req_t *r, um_http_page_t *page)
{
    for (uint32_t i = 0; page != NULL && i < r->fields; i++) {
        if (um_http_page_set(page, r->field[i].name, r->field[i].value)
            != UM_OK) {
            um_http_page_free(page);
            page = NULL;
        }
    }

    return page;
}

void
um_http_reply(um_http_req_t *r, unsigned status, const char *content_type,
    um_sbuf_t *body)
{
    if (body->failed) {
        um_sbuf_deinit(body);
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }

    req_answer(
        r, req_page_set(r, um_http_page_new(status, content_type, body)));
}

void
um_http_text(um_http_req_t *r, unsigned status, const char *fmt, ...)
{
    um_sbuf_t body = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&body, fmt, ap);
    va_end(ap);
    um_sbuf_addz(&body, "\n");
    um_http_reply(r, status, "text/plain; charset=utf-8", &body);
}

void
um_http_set(um_http_req_t *r, const char *name, const char *value)
{
    char *n = strdup(name);
    char *v = strdup(value);

    um_assert(r->fields < REQ_FIELDS);

    if (n == NULL || v == NULL) {
        um_log_error(ENOMEM, "http: answer");
        free(n);
        free(v);
        return;
    }

    r->field[r->fields++] = (req_field_t){ .name = n, .value = v };
}

void
http_req_cancel(um_http_req_t *r)
{
    um_http_pt on_cancel = r->on_cancel;

    r->on_cancel = NULL;
    if (on_cancel != NULL) {
        on_cancel(r, r->cancel_data);
    }
    um_http_text(r, MHD_HTTP_SERVICE_UNAVAILABLE, "the server stops");
}

/* ---- Its body, and what libmicrohttpd calls ------------------------------ */

bool
http_body_has_room(const um_httpd_t *h, uint64_t len)
{
    uint64_t most = h->limits.bodies_max;

    return most == 0 || len <= HTTP_BODY_SMALL || h->bodies + len <= most;
}

void
http_req_unwelcome(um_http_req_t *r, unsigned status)
{
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        um_http_set(r, "Retry-After", "1");
        um_http_text(r, status, "too many large bodies at once");
    } else {
        um_http_text(r, status, "the body is too large");
    }
}

/* May it have `len` bytes?  200, or why not. */
static unsigned
req_admit_body(um_http_req_t *r, size_t len)
{
    um_httpd_t *h = r->conn->h;

    if (len > r->route->body_max) {
        return MHD_HTTP_CONTENT_TOO_LARGE;
    }

    h->bodies -= r->counted;
    r->counted = 0;
    if (!http_body_has_room(h, len)) {
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    }

    if (len > HTTP_BODY_SMALL) {
        h->bodies += len;
        r->counted = len;
    }
    return MHD_HTTP_OK;
}

static void
req_drop_body(um_http_req_t *r)
{
    r->conn->h->bodies -= r->counted;
    r->counted = 0;
    um_sbuf_deinit(&r->body);
}

/* MHD_NO: close the connection. */
static enum MHD_Result
req_take_body(um_http_req_t *r, const char *data, size_t len)
{
    if (r->unwelcome == 0) {
        unsigned status = req_admit_body(r, r->body.len + len);

        if (status == MHD_HTTP_OK) {
            um_sbuf_add(&r->body, data, len);
            return MHD_YES;
        }

        r->unwelcome = status;
        req_drop_body(r);
    }

    r->thrown += len;
    return r->thrown <= REQ_THROW_MAX ? MHD_YES : MHD_NO;
}

static void
req_handle(um_http_req_t *r)
{
    um_httpd_t *h = r->conn->h;

    http_conn_enter(r->conn, HTTP_WORKING);
    r->state = REQ_HANDLED;

    if (r->unwelcome != 0) {
        http_req_unwelcome(r, r->unwelcome);
    } else if (r->body.failed) {
        um_http_text(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    } else {
        r->route->on_request(r, h->data);
    }
}

enum MHD_Result
http_on_access(void *httpd, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
    um_http_req_t *r = *context;

    (void) httpd;
    (void) url;
    (void) version;

    if (r == NULL) {
        return MHD_NO;
    }

    switch (r->state) {
    case REQ_NEW:
        if (http_head_check(r, method)) {
            return MHD_YES;
        }
        break;

    case REQ_BODY:
        if (*upload_size > 0) {
            size_t len = *upload_size;

            *upload_size = 0;
            return req_take_body(r, upload, len);
        }

        req_handle(r);
        if (r->state == REQ_HANDLED) {
            r->state = REQ_KEPT;
            return MHD_YES;
        }
        break;

    case REQ_KEPT:
        /* Not when it was handled: the daemon would look for more to read as
         * soon as it wakes, and take a client that has closed its half of the
         * connection for one that has gone.  Asking again it does not. */
        r->asleep = true;
        MHD_suspend_connection(mhd);
        return MHD_YES;

    default:
        break;
    }

    return r->page != NULL ? req_queue(r) : MHD_NO;
}

/* ---- What handlers ask -------------------------------------------------- */

unsigned
um_http_method(const um_http_req_t *r)
{
    return r->method;
}

const um_http_route_t *
um_http_route(const um_http_req_t *r)
{
    return r->route;
}

um_str_t
um_http_segment(const um_http_req_t *r, uint32_t i)
{
    return i < r->path.count ? r->path.seg[i] : (um_str_t){ "", 0 };
}

um_str_t
um_http_param(const um_http_req_t *r, uint32_t i)
{
    return i < UM_HTTP_PARAMS ? r->param[i] : (um_str_t){ "", 0 };
}

um_str_t
um_http_body(const um_http_req_t *r)
{
    return (um_str_t){ r->body.data, r->body.len };
}

bool
um_http_is_from(const um_http_req_t *r, const um_cidr_t *list, uint32_t count)
{
    return http_conn_is_from(r->conn, list, count);
}

const char *
um_http_header(const um_http_req_t *r, const char *name)
{
    return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

const char *
um_http_query(const um_http_req_t *r, const char *name)
{
    return MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

void
um_http_on_cancel(um_http_req_t *r, um_http_pt on_cancel, void *data)
{
    r->on_cancel = on_cancel;
    r->cancel_data = data;
}
