/*
 * um_http_check.h -- a server, its loop and its clients in one process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTP_CHECK_H
#define UM_HTTP_CHECK_H

#include "core/um_clock.h"
#include "core/um_str.h"
#include "http/um_httpd.h"
#include "um_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static um_loop_t *loop;
static um_httpd_t *httpd;
static struct sockaddr_in where;
static um_http_req_t *kept[64];
static int kept_count;
static int cancelled;

static void
on_hello(um_http_req_t *r, void *data)
{
    ck_assert_ptr_eq(data, &where);
    um_http_set(r, "X-Name", "value");
    um_http_text(r, 200, "hello %s",
        um_http_query(r, "who") != NULL ? um_http_query(r, "who") : "you");
}

static void
on_echo(um_http_req_t *r, void *data)
{
    um_sbuf_t body = { 0 };
    um_str_t b = um_http_body(r);

    (void) data;
    um_sbuf_addf(&body, "%.*s:%u:%zu:", um_str_fmt(um_http_param(r, 0)),
        um_http_method(r), b.len);
    um_sbuf_add(&body, b.data, b.len < 100 ? b.len : 0);
    um_http_reply(r, 201, "text/plain", &body);
}

static void
on_kept_cancel(um_http_req_t *r, void *data)
{
    (void) r;
    (void) data;
    cancelled++;
}

static void
on_keep(um_http_req_t *r, void *data)
{
    um_http_on_cancel(r, on_kept_cancel, data);
    kept[kept_count++] = r;
}

static void
on_big(um_http_req_t *r, void *data)
{
    um_sbuf_t body = { 0 };
    size_t len = 8u << 20;
    char *room = um_sbuf_room(&body, len);

    (void) data;
    ck_assert_ptr_nonnull(room);
    memset(room, 'x', len);
    body.len = len;
    um_http_reply(r, 200, "text/plain", &body);
}

static um_http_page_t *page;

static void
on_page(um_http_req_t *r, void *data)
{
    (void) data;
    um_http_reply_page(r, page);
}

static void
on_failed(um_http_req_t *r, void *data)
{
    um_sbuf_t body = { .failed = true };

    (void) data;
    um_http_reply(r, 200, "text/plain", &body);
}

static const um_http_route_t routes[] = {
    { "/hello", UM_HTTP_GET, 0, on_hello },
    { "/echo/{}", UM_HTTP_POST | UM_HTTP_PUT, 100000, on_echo },
    { "/echo/{}", UM_HTTP_DELETE, 0, on_echo },
    { "/keep", UM_HTTP_GET, 0, on_keep },
    { "/big", UM_HTTP_GET, 0, on_big },
    { "/failed", UM_HTTP_GET, 0, on_failed },
    { "/page", UM_HTTP_GET, 0, on_page },
    { NULL, 0, 0, NULL },
};

static inline void
serve(const um_httpd_limits_t *limits)
{
    socklen_t len = sizeof(where);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    where = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &where, sizeof(where)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &where, &len), 0);
    ck_assert_int_eq(listen(fd, 64), 0);

    kept_count = cancelled = 0;
    signal(SIGPIPE, SIG_IGN);
    loop = um_loop_new();
    httpd = um_httpd_new(loop, routes, limits, &where);
    ck_assert_ptr_nonnull(httpd);
    ck_assert_int_eq(um_httpd_listen(httpd, fd, "test"), UM_OK);
}

static const um_httpd_limits_t usual = {
    .connections = 10,
    .request_timeout = 5000,
    .idle_timeout = 5000,
    .header_max = 16384,
};

static inline void
setup(void)
{
    serve(&usual);
}

static inline void
teardown(void)
{
    if (httpd != NULL) {
        um_httpd_free(httpd);
    }
    um_loop_free(loop);
}

static inline int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int rc = connect(fd, (struct sockaddr *) &where, sizeof(where));

    ck_assert(rc == 0 || errno == EINPROGRESS);
    return fd;
}

static inline void
turn(void)
{
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
}

static inline void
say(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n > 0) {
            text += n;
            len -= (size_t) n;
        } else if (errno == EAGAIN) {
            turn();
        } else {
            break; /* it has closed: hear() will tell */
        }
    }
}

static char heard[65536];

/* One whole answer, or what came before the end; how many bytes. */
static inline size_t
hear(int fd, bool head)
{
    uint64_t end = um_clock_ns() + 20000000000u;
    size_t len = 0;

    while (um_clock_ns() < end) {
        ssize_t n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);
        char *body, *length;

        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            break;
        }
        if (n < 0) {
            turn();
            continue;
        }

        len += (size_t) n;
        heard[len] = '\0';
        body = strstr(heard, "\r\n\r\n");
        length = strcasestr(heard, "content-length: ");
        if (body != NULL && length != NULL
            && (head
                || len >= (size_t) (body + 4 - heard)
                              + strtoul(length + 16, NULL, 10)))
        {
            return len;
        }
    }

    heard[len] = '\0';
    return len;
}

#define asks(fd, text, status, part)                                           \
    do {                                                                       \
        say(fd, text);                                                         \
        (void) hear(fd, false);                                                \
        ck_assert_msg(                                                         \
            strncmp(heard, "HTTP/1.1 " status, strlen("HTTP/1.1 " status))     \
                == 0,                                                          \
            "%s", heard);                                                      \
        ck_assert_msg(strstr(heard, part) != NULL, "%s", heard);               \
    } while (0)

#define HOST "Host: x\r\n"

#endif /* UM_HTTP_CHECK_H */
