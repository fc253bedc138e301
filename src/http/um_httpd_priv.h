/*
 * um_httpd_priv.h -- what the files of the HTTP server share.
 *
 *   um_httpd.c       the server: libmicrohttpd, listeners, its end
 *   um_http_conn.c   connections: how many, for how long
 *   um_http_head.c   what can be said of a request by its head
 *   um_http_req.c    one request: from its first line to its answer
 *   um_http_route.c  which handler it takes
 *   um_http_page.c   answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTPD_PRIV_H
#define UM_HTTPD_PRIV_H

#include <microhttpd.h>

#include "core/um_list.h"
#include "core/um_trim.h"
#include "http/um_http_path.h"
#include "http/um_httpd.h"

/* So many addresses a server may listen on. */
#define HTTPD_LISTENERS 16

/* Bodies up to here are bounded by the number of connections; only larger ones
 * share what all may have. */
#define HTTP_BODY_SMALL (64u << 10)

typedef struct {
    um_httpd_t *h;
    um_io_t io;
    const char *name;
} httpd_listener_t;

/* A route; those with as many segments are a list, in the table's order. */
typedef struct httpd_route_s {
    struct httpd_route_s *next;
    const um_http_route_t *route;
    um_http_shape_t shape;
} httpd_route_t;

struct um_httpd_s {
    um_loop_t *loop;
    struct MHD_Daemon *mhd;
    um_io_t io;             /* the daemon's own epoll descriptor */
    um_timer_t *run;        /* when it asks to be run            */
    um_timer_t *sweep;      /* while there are connections       */
    httpd_route_t *entries; /* of all routes */
    httpd_route_t *by_count[UM_HTTP_SEGMENTS + 1];
    um_httpd_limits_t limits;
    um_http_refuse_pt on_refuse; /* NULL: words of our own */
    um_http_pt on_head;          /* NULL: nobody asks      */
    void *data;

    httpd_listener_t listener[HTTPD_LISTENERS];
    uint32_t listeners;
    bool paused;          /* accepts nobody until there is room      */
    uint64_t complain_ns; /* when to say again that accept() fails */

    um_list_t coming; /* accepted, not yet taken up by the daemon */
    um_list_t conns;  /* in the order in which they last changed  */
    uint32_t count;   /* of both                                  */
    uint64_t bodies;  /* bytes of large ones that are kept        */

    um_trim_t trim;
    uint64_t trim_ns; /* when to look next              */
    bool trimmed;     /* since the last connection left */

    bool quitting;
    bool freeing;
    um_io_pt on_done;
    void *on_done_data;
};

/*
 *   FRESH  -> READING  [conn_on_line]   the first line of a request is there
 *   READING-> WORKING  [req_handle]     the whole is
 *   WORKING-> WRITING  [req_queue]      and an answer
 *   WRITING-> IDLE     [conn_on_answered]
 *   IDLE   -> READING  [conn_on_line]
 */
typedef enum {
    HTTP_FRESH,
    HTTP_READING,
    HTTP_WORKING,
    HTTP_WRITING,
    HTTP_IDLE,
} http_stage_t;

typedef struct {
    um_httpd_t *h;
    um_list_t link;
    int fd; /* the daemon's; valid while we stand in h->conns */
    http_stage_t stage;
    uint64_t due_ns; /* to be closed then; 0: WORKING */
    bool looked;     /* whether its client is there, since it is IDLE */
    bool ended;      /* it was not */
    struct sockaddr_storage from;
    bool allowed;
    um_http_req_t *req;
} http_conn_t;

typedef enum {
    REQ_NEW,      /* headers are coming         */
    REQ_BODY,     /* the body is coming         */
    REQ_HANDLED,  /* its handler runs           */
    REQ_KEPT,     /* and has kept it            */
    REQ_ANSWERED, /* `page` is to be queued     */
    REQ_QUEUED,   /* and is                     */
} req_state_t;

typedef struct {
    char *name;
    char *value;
} req_field_t;

#define REQ_FIELDS 8

struct um_http_req_s {
    http_conn_t *conn;
    struct MHD_Connection *mhd;
    req_state_t state;
    unsigned method;
    um_http_path_t path;
    um_str_t param[UM_HTTP_PARAMS];
    const um_http_route_t *route;
    um_sbuf_t body;
    uint64_t counted;   /* bytes of it in h->bodies       */
    unsigned unwelcome; /* why it is not kept; 0: it is   */
    uint64_t thrown;    /* bytes of it that were not kept */

    req_field_t field[REQ_FIELDS];
    uint32_t fields;
    um_http_page_t *page; /* the answer, which we hold; NULL: none */

    um_http_pt on_cancel;
    void *cancel_data;

    bool asleep;   /* the daemon does not ask for its answer */
    bool is_path;  /* of the target below */
    char target[]; /* NUL-terminated; the path points into it */
};

/* An answer: held by whoever made it, and by requests until it is queued; the
 * library holds the response itself until it is sent. */
struct um_http_page_s {
    struct MHD_Response *response;
    unsigned status;
    uint32_t holds;
    bool closes; /* says so */
    um_str_t body;
};

/* ---- um_http_conn.c ---- */

void http_on_acceptable(void *listener);
void http_on_sweep(void *httpd);

/* Close those that have nothing to say: the server quits. */
void http_conns_quit(um_httpd_t *h);

/* Callbacks of libmicrohttpd. */
void http_on_connection(void *httpd, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what);

bool http_conn_is_from(
    const http_conn_t *c, const um_cidr_t *list, uint32_t count);
http_conn_t *http_conn_of(struct MHD_Connection *mhd);
void http_conn_enter(http_conn_t *c, http_stage_t stage);
void http_conn_close(http_conn_t *c);

/* ---- um_http_head.c ---- */

/* The head of `r` is there.  True: go on, an answer may wait for its time;
 * false: it is answered, and that is to be sent at once. */
bool http_head_check(um_http_req_t *r, const char *method);

/* ---- um_http_req.c ---- */

void *http_on_line(void *httpd, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_on_access(void *httpd, struct MHD_Connection *mhd,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **context);
void http_on_completed(void *httpd, struct MHD_Connection *mhd, void **context,
    enum MHD_RequestTerminationCode why);

void http_req_free(um_http_req_t *r);

/* May one have a body of so many bytes, beside those that are kept? */
bool http_body_has_room(const um_httpd_t *h, uint64_t len);

/* Answer 413 or 503: its body is not taken. */
void http_req_unwelcome(um_http_req_t *r, unsigned status);

/* The server ends: tell whoever kept it, and answer instead. */
void http_req_cancel(um_http_req_t *r);

/* ---- um_http_page.c ---- */

/* Queue it; MHD_NO: the connection is to be closed. */
enum MHD_Result http_page_queue(
    um_http_page_t *p, struct MHD_Connection *mhd, bool closing);

/* ---- um_http_route.c ---- */

/* UM_ERR: out of memory. */
um_rc_t http_routes_init(um_httpd_t *h, const um_http_route_t *routes);
void http_routes_deinit(um_httpd_t *h);

/* One of UM_HTTP_*; 0: a method that no route has. */
unsigned http_method_of(const char *name);

/* Its route, or an answer: 404, 405. */
void http_find_route(um_http_req_t *r);

/* ---- um_httpd.c ---- */

/* Something is to be done though no descriptor says so. */
void http_wake(um_httpd_t *h);
void http_pause(um_httpd_t *h, bool on);

/* A connection has gone. */
void http_check_done(um_httpd_t *h);

#endif /* UM_HTTPD_PRIV_H */
