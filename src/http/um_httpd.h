/*
 * um_httpd.h -- a small HTTP/1.1 server on our event loop, for modules.
 *
 * libmicrohttpd reads and writes HTTP; connections, limits and time are ours.
 * It answers by itself what is no matter of a route: 400, 403, 404, 405, 413,
 * 414, 431, 501, 503; HEAD is GET without the body.
 *
 * A handler is called once a request is there as a whole.  It calls
 * um_http_reply() before it returns, or keeps the request and does so later:
 * the connection sleeps meanwhile.  Exactly one reply for each request.
 *
 * Slow clients: a request has to be there `request_timeout` after its first
 * line, its answer has to be taken in as long, and a connection may be idle
 * for `idle_timeout`; what is late is closed.  With `connections` open the one
 * idle for longest is closed, or one that has said nothing for a second; where
 * none is, new ones wait at the door.
 *
 * Memory: a connection has `header_max` for a head and up to 64 KB for a body;
 * larger bodies share `bodies_max`, and who does not fit is answered with 503.
 * Descriptors: where the process may not have `connections` and `own_fds`
 * beside them, there are fewer connections, and the log says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTPD_H
#define UM_HTTPD_H

#include "core/um_addr.h"
#include "core/um_sbuf.h"
#include "http/um_http.h"
#include "net/um_loop.h"

typedef struct um_httpd_s um_httpd_t;
typedef struct um_http_req_s um_http_req_t;

typedef void (*um_http_pt)(um_http_req_t *r, void *data);

/* A path may stand in several routes, with other methods each. */
typedef struct {
    const char *path; /* as in um_http_path_match(); NULL ends a table */
    unsigned methods; /* UM_HTTP_*                                     */
    size_t body_max;  /* bytes of a body; more is answered with 413    */
    um_http_pt on_request;
} um_http_route_t;

typedef struct {
    uint32_t connections;     /* at once                      */
    uint64_t request_timeout; /* ms                           */
    uint64_t idle_timeout;    /* ms                           */
    size_t header_max;        /* bytes of a request's head    */
    uint64_t bodies_max;      /* bytes; 0: no limit           */
    uint32_t own_fds;         /* the process needs so many    */
    const um_cidr_t *allow;   /* others are answered with 403 */
    uint32_t allow_count;     /* 0: everybody is allowed      */
} um_httpd_limits_t;

/* `routes`, what `limits` points to and `data` are lent.  NULL: logged. */
UM_MUSTCHECK um_httpd_t *um_httpd_new(um_loop_t *loop,
    const um_http_route_t *routes, const um_httpd_limits_t *limits, void *data);

/* Serve a listening, non-blocking socket, which is taken; `name` is lent, for
 * the log.  UM_ERR: logged, the socket is closed. */
UM_MUSTCHECK um_rc_t um_httpd_listen(um_httpd_t *h, int fd, const char *name);

/*
 * Accept nobody any more, answer what has been asked, close what is idle; what
 * is neither there nor taken within a second is closed, too.  `on_done` runs
 * once, from the loop, when nobody is left.
 */
void um_httpd_quit(um_httpd_t *h, um_io_pt on_done, void *data);

/*
 * Somebody else's words for 404 and 405: `on_refuse` is called instead of a
 * handler, before the body has come, and replies before it returns.  Allow is
 * set already.
 */
typedef void (*um_http_refuse_pt)(
    um_http_req_t *r, unsigned status, void *data);
void um_httpd_on_refuse(um_httpd_t *h, um_http_refuse_pt on_refuse);

/*
 * Called when the head of a request that has a route is there, before its body
 * is read.  When it answers, that was all: the handler is not called.
 */
void um_httpd_on_head(um_httpd_t *h, um_http_pt on_head);

/* Now.  Requests that are kept are cancelled; not from a handler. */
void um_httpd_free(um_httpd_t *h);

uint32_t um_httpd_connections(const um_httpd_t *h);

/* ---- A request: valid until it is answered ------------------------------ */

unsigned um_http_method(const um_http_req_t *r); /* HEAD counts as GET */

/* The route it took; NULL when it is refused. */
const um_http_route_t *um_http_route(const um_http_req_t *r);

/* The i-th segment of its path, with its escapes undone; empty: no such. */
um_str_t um_http_segment(const um_http_req_t *r, uint32_t i);

/* What the i-th {} of the route's path stands for; empty: no such. */
um_str_t um_http_param(const um_http_req_t *r, uint32_t i);

um_str_t um_http_body(const um_http_req_t *r);

/* Does it come from one of these? */
bool um_http_is_from(
    const um_http_req_t *r, const um_cidr_t *list, uint32_t count);

/* Of a header field or `?name=value`; NULL: it has none. */
const char *um_http_header(const um_http_req_t *r, const char *name);
const char *um_http_query(const um_http_req_t *r, const char *name);

/*
 * For whoever keeps a request: called when the server ends before the answer.
 * The request must not be touched any more afterwards.
 */
void um_http_on_cancel(um_http_req_t *r, um_http_pt on_cancel, void *data);

/* A header field of the answer, said before it; both are copied. */
void um_http_set(um_http_req_t *r, const char *name, const char *value);

/* Answer.  The body is taken and empty afterwards; one that `failed` is
 * answered with 500.  `r` may be gone on return. */
void um_http_reply(um_http_req_t *r, unsigned status, const char *content_type,
    um_sbuf_t *body);

/* The same with a line of plain text. */
void um_http_text(um_http_req_t *r, unsigned status, const char *fmt, ...)
    UM_PRINTF(3, 4);

/* ---- An answer that is given many times --------------------------------- */

typedef struct um_http_page_s um_http_page_t;

/* `body` is taken, and empty afterwards.  NULL: out of memory, logged; as
 * when the body has `failed`. */
UM_MUSTCHECK um_http_page_t *um_http_page_new(
    unsigned status, const char *content_type, um_sbuf_t *body);

/* A header field of it, before it is given first; both are copied. */
UM_MUSTCHECK um_rc_t um_http_page_set(
    um_http_page_t *p, const char *name, const char *value);

/* Its body; lent as long as the page is the caller's. */
um_str_t um_http_page_body(const um_http_page_t *p);

/* Answer with it, without a copy of the body.  It is still the caller's.
 * What um_http_set() has said of this request is not said. */
void um_http_reply_page(um_http_req_t *r, um_http_page_t *p);

/* It is given no more; answers that are under way come to their end.  NULL is
 * fine. */
void um_http_page_free(um_http_page_t *p);

#endif /* UM_HTTPD_H */
