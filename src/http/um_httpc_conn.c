/*
 * Connections of the client.  evhttp reads and writes on them; what it is not
 * trusted with:
 *
 *   - names: it is given addresses, so it never resolves anything;
 *   - time: it knows only silence, so its timeouts are put out of the way;
 *   - the same connection again: what it has read too much would be taken for
 *     the next answer, and an end that lies in the kernel it does not see;
 *   - memory: while it writes it reads without bound, so there is a mark;
 *   - answers: neither a length nor chunks but "Connection: keep-alive" it
 *     takes for an empty body, any number for a status, any coding for none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/um_log.h"
#include "http/um_httpc_priv.h"

#define NS_PER_MS UINT64_C(1000000)

/* Longer than any deadline of ours, in seconds. */
#define EVHTTP_PATIENCE 86400

/* "100 Continue" may come so often. */
#define INTERIM_MAX 8

/* What may stand in evhttp's buffer beside head and body: lines of chunks. */
#define READ_SLACK 65536

static const struct {
    unsigned ours;
    enum evhttp_cmd_type theirs;
} methods[] = {
    { UM_HTTP_GET, EVHTTP_REQ_GET },
    { UM_HTTP_POST, EVHTTP_REQ_POST },
    { UM_HTTP_PUT, EVHTTP_REQ_PUT },
    { UM_HTTP_PATCH, EVHTTP_REQ_PATCH },
    { UM_HTTP_DELETE, EVHTTP_REQ_DELETE },
};

static enum evhttp_cmd_type
conn_method(unsigned method)
{
    for (size_t i = 0; i < um_countof(methods); i++) {
        if (methods[i].ours == method) {
            return methods[i].theirs;
        }
    }

    um_assert(!"a method");
    return EVHTTP_REQ_GET;
}

/* ---- From the buffers --------------------------------------------------- */

/* evhttp writes the request: the connection is there. */
static void
conn_on_output(
    struct evbuffer *buf, const struct evbuffer_cb_info *info, void *data)
{
    httpc_conn_t *conn = data;
    int fd, on = 1;

    (void) buf;
    if (info->n_added == 0 || conn->up) {
        return;
    }

    conn->up = true;
    conn->c->best = conn->which;
    fd = bufferevent_getfd(evhttp_connection_get_bufferevent(conn->ev));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (conn->call != NULL) {
        httpc_call_timer(conn->call);
    }
}

static void
conn_on_input(
    struct evbuffer *buf, const struct evbuffer_cb_info *info, void *data)
{
    httpc_conn_t *conn = data;

    (void) buf;
    conn->heard += info->n_added;
}

/* ---- Begin and end ------------------------------------------------------ */

static struct evhttp_connection *
conn_open(um_httpc_t *c, const um_resolved_t *to)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *) &to->sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) &to->sa;
    bool is_v6 = to->sa.ss_family == AF_INET6;
    const void *ip =
        is_v6 ? (const void *) &in6->sin6_addr : (const void *) &in->sin_addr;
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(to->sa.ss_family, ip, text, sizeof(text)) == NULL) {
        return NULL;
    }

    return evhttp_connection_base_new(
        um_loop_base(c->loop), NULL, text, c->server.port);
}

httpc_conn_t *
httpc_conn_new(um_httpc_t *c, const um_resolved_t *to, uint32_t which)
{
    httpc_conn_t *conn = calloc(1, sizeof(*conn));
    struct bufferevent *bev;

    if (conn == NULL) {
        goto fail;
    }

    conn->ev = conn_open(c, to);
    if (conn->ev == NULL) {
        goto fail;
    }

    bev = evhttp_connection_get_bufferevent(conn->ev);
    if (evbuffer_add_cb(bufferevent_get_output(bev), conn_on_output, conn)
            == NULL
        || evbuffer_add_cb(bufferevent_get_input(bev), conn_on_input, conn)
               == NULL)
    {
        goto fail;
    }

    evhttp_connection_set_timeout(conn->ev, EVHTTP_PATIENCE);
    evhttp_connection_set_retries(conn->ev, 0);
    evhttp_connection_set_max_headers_size(
        conn->ev, (ev_ssize_t) c->limits.header_max);
    evhttp_connection_set_max_body_size(
        conn->ev, (ev_ssize_t) c->limits.body_max);
    bufferevent_setwatermark(bev, EV_READ, 0,
        c->limits.header_max + c->limits.body_max + READ_SLACK);

    conn->c = c;
    conn->which = which;
    um_list_init(&conn->link);
    c->count++;
    c->opened++;
    return conn;

fail:
    um_log_error(ENOMEM, "server %s: a connection", c->server.text);
    if (conn != NULL && conn->ev != NULL) {
        evhttp_connection_free(conn->ev);
    }
    free(conn);
    return NULL;
}

static void
conn_leave(httpc_conn_t *conn)
{
    if (conn->call != NULL) {
        conn->call->conn = NULL;
        conn->call = NULL;
    }
    um_list_del(&conn->link);
    conn->c->count--;
}

void
httpc_conn_trash(httpc_conn_t *conn)
{
    conn_leave(conn);
    um_list_add_tail(&conn->c->trash, &conn->link);
    httpc_wake(conn->c);
}

/* A request that it still has is freed with it, and no callback runs. */
void
httpc_conn_free(httpc_conn_t *conn)
{
    um_list_del(&conn->link);
    evhttp_connection_free(conn->ev);
    free(conn);
}

void
httpc_conn_close(httpc_conn_t *conn)
{
    conn_leave(conn);
    httpc_conn_free(conn);
}

/* ---- Idle ones ---------------------------------------------------------- */

/* What the server has said or done since its last answer, evhttp may not have
 * heard of. */
static bool
conn_is_good(const httpc_conn_t *conn)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(conn->ev);
    int fd = bufferevent_getfd(bev);
    char byte;

    if (fd == -1 || evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        return false;
    }

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1
           && (errno == EAGAIN || errno == EWOULDBLOCK);
}

httpc_conn_t *
httpc_conn_idle(um_httpc_t *c)
{
    while (!um_list_is_empty(&c->idle)) {
        httpc_conn_t *conn = um_list_entry(c->idle.next, httpc_conn_t, link);

        c->idle_count--;
        if (conn_is_good(conn)) {
            um_list_del(&conn->link);
            return conn;
        }
        httpc_conn_trash(conn);
    }

    return NULL;
}

static void
conn_rest(httpc_conn_t *conn)
{
    um_httpc_t *c = conn->c;

    conn->call = NULL;
    conn->used = true;
    um_list_del(&conn->link);
    if (conn->last || !conn_is_good(conn)) {
        httpc_conn_trash(conn);
        return;
    }

    conn->idle_ns = um_loop_now(c->loop);
    if (um_list_is_empty(&c->idle)) {
        um_timer_start(c->sweep, c->limits.idle_timeout);
    }
    um_list_add_head(&c->idle, &conn->link);
    c->idle_count++;
}

void
httpc_on_sweep(void *httpc)
{
    um_httpc_t *c = httpc;
    uint64_t now = um_loop_now(c->loop);

    while (!um_list_is_empty(&c->idle)) {
        httpc_conn_t *conn = um_list_entry(c->idle.prev, httpc_conn_t, link);
        uint64_t age = (now - conn->idle_ns) / NS_PER_MS;

        if (age < c->limits.idle_timeout) {
            um_timer_start(c->sweep, c->limits.idle_timeout - age);
            return;
        }
        c->idle_count--;
        httpc_conn_trash(conn);
    }
}

/* ---- An answer ---------------------------------------------------------- */

static bool
conn_says(struct evkeyvalq *head, const char *what)
{
    const char *value = evhttp_find_header(head, "Connection");

    return value != NULL && strcasestr(value, what) != NULL;
}

/* NULL, or what is wrong with an answer's head. */
static const char *
conn_check_head(httpc_conn_t *conn, struct evhttp_request *req)
{
    struct evkeyvalq *head = evhttp_request_get_input_headers(req);
    const char *coding = evhttp_find_header(head, "Transfer-Encoding");
    int status = evhttp_request_get_response_code(req);

    if (status == 100 && ++conn->interim <= INTERIM_MAX) {
        evhttp_clear_headers(head);
        return NULL;
    }
    if (status < 200 || status > 599) {
        return "answer is no HTTP";
    }

    if (conn_says(head, "close")
        || (req->minor == 0 && !conn_says(head, "keep-alive")))
    {
        conn->last = true;
    }

    if (coding != NULL) {
        conn->chunked = true;
        return strcasecmp(coding, "chunked") == 0
                   ? NULL
                   : "answer comes in an unknown coding";
    }

    if (evhttp_find_header(head, "Content-Length") == NULL) {
        /* Its end is that of the connection; 204 and 304 have no body. */
        (void) evhttp_remove_header(head, "Connection");
        conn->last |= status != 204 && status != 304;
    }

    return NULL;
}

static int
conn_on_head(struct evhttp_request *req, void *data)
{
    httpc_conn_t *conn = data;

    conn->wrong = conn_check_head(conn, req);
    return conn->wrong == NULL ? 0 : -1;
}

static void
conn_on_error(enum evhttp_request_error error, void *data)
{
    httpc_conn_t *conn = data;

    conn->error = (int) error;
}

static const char *
conn_why(const httpc_conn_t *conn)
{
    if (conn->wrong != NULL) {
        return conn->wrong;
    }

    switch (conn->error) {
    case EVREQ_HTTP_INVALID_HEADER:
        return conn->heard > conn->c->limits.header_max ? "answer too large"
                                                        : "answer is no HTTP";

    case EVREQ_HTTP_DATA_TOO_LONG:
        return conn->chunked ? "answer too large, or its chunks are broken"
                             : "answer too large";

    default:
        return conn->heard > 0 ? "connection lost within the answer"
                               : "connection lost before the answer";
    }
}

/* Also when there will be none: `req` is NULL, or has no status. */
static void
conn_on_answer(struct evhttp_request *req, void *data)
{
    httpc_conn_t *conn = data;
    um_httpc_call_t *call = conn->call;
    int err = errno;

    if (call == NULL) {
        return; /* in the trash */
    }

    if (req == NULL) {
        httpc_call_lost(call, conn_why(conn), err);
    } else if (evhttp_request_get_response_code(req) == 0) {
        httpc_call_lost(call, conn_why(conn), ECONNREFUSED);
    } else {
        call->conn = NULL;
        conn_rest(conn);
        evhttp_request_own(req);
        httpc_call_answer(call, req);
    }
}

/* ---- A request ---------------------------------------------------------- */

static um_rc_t
conn_write_head(struct evhttp_request *req, const um_httpc_call_t *call)
{
    struct evkeyvalq *head = evhttp_request_get_output_headers(req);
    int rc = evhttp_add_header(head, "Host", call->c->server.text);

    if (call->body.len > 0
        || (call->method & (UM_HTTP_POST | UM_HTTP_PUT | UM_HTTP_PATCH)) != 0)
    {
        char len[24];

        snprintf(len, sizeof(len), "%zu", call->body.len);
        rc |= evhttp_add_header(head, "Content-Length", len);
    }

    for (const um_httpc_field_t *f = call->fields; f->name != NULL; f++) {
        rc |= evhttp_add_header(head, f->name, f->value);
    }

    /* The call outlives the writing: whoever ends it closes the connection. */
    rc |= evbuffer_add_reference(evhttp_request_get_output_buffer(req),
        call->body.data, call->body.len, NULL, NULL);
    return rc == 0 ? UM_OK : UM_ERR;
}

um_rc_t
httpc_conn_ask(httpc_conn_t *conn, um_httpc_call_t *call)
{
    struct evhttp_request *req = evhttp_request_new(conn_on_answer, conn);

    conn->call = call;
    call->conn = conn;
    um_list_add_tail(&conn->c->busy, &conn->link);
    conn->heard = 0;
    conn->last = conn->chunked = false;
    conn->interim = 0;
    conn->error = -1;
    conn->wrong = NULL;

    if (req == NULL) {
        goto fail;
    }

    evhttp_request_set_error_cb(req, conn_on_error);
    evhttp_request_set_header_cb(req, conn_on_head);
    if (conn_write_head(req, call) != UM_OK) {
        evhttp_request_free(req);
        goto fail;
    }

    httpc_call_timer(call);
    /* It may fail at once, and have told the call already. */
    if (evhttp_make_request(
            conn->ev, req, conn_method(call->method), call->target)
            != 0
        && conn->call == call)
    {
        goto fail;
    }

    return UM_OK;

fail:
    um_log_error(ENOMEM, "server %s: a request", conn->c->server.text);
    httpc_conn_trash(conn);
    return UM_ERR;
}

/* ---- What evhttp read --------------------------------------------------- */

unsigned
httpc_head_status(struct evhttp_request *head)
{
    return (unsigned) evhttp_request_get_response_code(head);
}

um_rc_t
httpc_head_body(struct evhttp_request *head, char **text, size_t *len)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(head);

    *len = evbuffer_get_length(body);
    *text = malloc(*len + 1);
    if (*text == NULL) {
        return UM_ERR;
    }

    (void) evbuffer_remove(body, *text, *len);
    return UM_OK;
}

const char *
httpc_head_field(struct evhttp_request *head, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(head), name);
}

void
httpc_head_free(struct evhttp_request *head)
{
    if (head != NULL) {
        evhttp_request_free(head);
    }
}
