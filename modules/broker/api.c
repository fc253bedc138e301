/* SPDX-License-Identifier: Apache-2.0 */

#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_in.h"
#include "api_status.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "meta/um_base64.h"

/* Each endpoint is there under both, with and without a slash at its end. */
static const char *const api_bases[] = { "/api/v3", "/api/v2" };
static const char *const api_ends[] = { "", "/" };

#define API_WAYS (um_countof(api_bases) * um_countof(api_ends))

/* Room for "user:password" in a header. */
#define API_AUTH_MAX 1024

/* ---- Who may write ------------------------------------------------------ */

/* Takes as long for a wrong one as for a right one. */
static bool
secret_eq(um_str_t a, um_str_t b)
{
    unsigned char differ = a.len != b.len;

    for (size_t i = 0; i < a.len; i++) {
        differ |= (unsigned char) a.data[i]
                  ^ (unsigned char) b.data[b.len > 0 ? i % b.len : 0];
    }

    return differ == 0;
}

static bool
auth_is_token(const broker_conf_t *conf, const char *said)
{
    return conf->write_token != NULL && strncasecmp(said, "Bearer ", 7) == 0
           && secret_eq(um_str_of(said + 7), um_str_of(conf->write_token));
}

static bool
auth_is_user(const broker_conf_t *conf, const char *said)
{
    unsigned char plain[um_base64_room(API_AUTH_MAX)];
    char want[API_AUTH_MAX];
    um_str_t text;
    size_t n;
    int len;

    if (conf->write_user == NULL || strncasecmp(said, "Basic ", 6) != 0) {
        return false;
    }

    text = um_str_of(said + 6);
    len = snprintf(
        want, sizeof(want), "%s:%s", conf->write_user, conf->write_password);
    return text.len <= API_AUTH_MAX && len > 0 && (size_t) len < sizeof(want)
           && um_base64_decode(text, plain, &n) == UM_OK
           && secret_eq((um_str_t){ (const char *) plain, n },
               (um_str_t){ want, (size_t) len });
}

static bool
api_may_write(const broker_t *b, um_http_req_t *r)
{
    const broker_conf_t *conf = b->conf;
    const char *said = um_http_header(r, "Authorization");

    bool by_word = conf->write_token != NULL || conf->write_user != NULL;

    if ((!by_word && conf->write_allow_count == 0)
        || um_http_is_from(r, conf->write_allow, conf->write_allow_count)
        || (said != NULL
            && (auth_is_token(conf, said) || auth_is_user(conf, said))))
    {
        return true;
    }

    if (!by_word) {
        api_text(r, 403, "who writes has to be elsewhere");
        return false;
    }

    um_http_set(r, "WWW-Authenticate",
        conf->write_user != NULL ? "Basic realm=\"broker\"" : "Bearer");
    api_text(r, 401, "who writes has to say who he is");
    return false;
}

/* ---- The table ---------------------------------------------------------- */

static size_t
endpoints_count(const api_endpoint_t *list)
{
    size_t n = 0;

    while (list[n].path != NULL) {
        n++;
    }

    return n;
}

/* The endpoint a request goes to, in both tables one after the other. */
static size_t
route_index(const broker_t *b, um_http_req_t *r)
{
    return (size_t) (um_http_route(r) - b->routes) / API_WAYS;
}

/* What is not known yet cannot be told.  False: answered. */
static bool
api_is_ready(broker_t *b, um_http_req_t *r, const api_endpoint_t *e)
{
    if (b->ready || strcmp(e->path, "/version") == 0
        || strcmp(e->path, "/config") == 0)
    {
        return true;
    }

    api_answer(b, r, STORE_EXTERNAL, NULL, NULL);
    return false;
}

static void
on_read(um_http_req_t *r, void *data)
{
    broker_t *b = data;

    b->stats.requests++;
    if (api_is_ready(b, r, &api_reads[route_index(b, r)])) {
        api_reads[route_index(b, r)].read(b, r);
    }
}

/* Who may not write is told so before we take in what he has to say. */
static void
on_head(um_http_req_t *r, void *data)
{
    broker_t *b = data;
    const um_http_route_t *route = um_http_route(r);

    if (route < b->routes_end && route_index(b, r) >= endpoints_count(api_reads)
        && !api_may_write(b, r))
    {
        b->stats.requests++;
        b->stats.refused++;
    }
}

static void
on_write(um_http_req_t *r, void *data)
{
    broker_t *b = data;
    const api_endpoint_t *e =
        &api_writes[route_index(b, r) - endpoints_count(api_reads)];
    change_t *c;

    b->stats.requests++;
    if (!api_is_ready(b, r, e)) {
        return;
    }

    if (e->read != NULL) {
        e->read(b, r);
        return;
    }

    c = change_new(r, e->apply);
    if (c == NULL) {
        api_answer(b, r, STORE_NO_MEMORY, NULL, NULL);
        return;
    }

    c->name = um_http_param(r, 0);
    if (e->parse != NULL && !e->parse(r, c)) {
        b->stats.refused++;
        change_free(c);
        return;
    }

    change_add(b, c);
}

/* Below the bases any path that is none is a wrong method, as the reference
 * says it; elsewhere there is nothing. */
static void
on_refuse(um_http_req_t *r, unsigned status, void *data)
{
    broker_t *b = data;
    um_str_t version = um_http_segment(r, 1);
    um_sbuf_t none = { 0 };

    b->stats.requests++;
    b->stats.refused++;
    if (um_str_eq(um_http_segment(r, 0), um_lit("api"))
        && (um_str_eq(version, um_lit("v3"))
            || um_str_eq(version, um_lit("v2"))))
    {
        api_text(r, 405, "HTTP method not allowed");
    } else {
        um_http_reply(r, status, NULL, &none);
    }
}

/* All ways to write the path of one endpoint. */
static bool
routes_add(um_http_route_t **at, const api_endpoint_t *e, um_http_pt on,
    size_t body_max)
{
    for (size_t i = 0; i < um_countof(api_bases); i++) {
        for (size_t j = 0; j < um_countof(api_ends); j++) {
            um_sbuf_t path = { 0 };

            um_sbuf_addf(&path, "%s%s%s", api_bases[i], e->path, api_ends[j]);
            (void) um_sbuf_cstr(&path);
            if (path.failed) {
                return false;
            }

            (*at)->path = path.data;
            (*at)->methods = e->method;
            (*at)->body_max = body_max;
            (*at)->on_request = on;
            (*at)++;
        }
    }

    return true;
}

um_rc_t
api_init(broker_t *b)
{
    size_t reads = endpoints_count(api_reads);
    size_t writes = endpoints_count(api_writes);
    um_http_route_t *at;

    b->routes = calloc(
        (reads + writes) * API_WAYS + API_STATUS_ROUTES + 1, sizeof(*at));
    at = b->routes;
    for (size_t i = 0; at != NULL && i < reads; i++) {
        if (!routes_add(&at, &api_reads[i], on_read, b->conf->body_limit)) {
            at = NULL;
        }
    }

    for (size_t i = 0; at != NULL && i < writes; i++) {
        bool whole = strcmp(api_writes[i].path, "/metadata") == 0;

        if (!routes_add(&at, &api_writes[i], on_write,
                whole ? b->conf->metadata_limit : b->conf->body_limit))
        {
            at = NULL;
        }
    }

    if (at == NULL) {
        um_log_error(ENOMEM, "broker: routes");
        return UM_ERR;
    }

    b->routes_end = at; /* whose paths are not ours to free */
    memcpy(at, api_status_routes, sizeof(api_status_routes));
    return UM_OK;
}

void
api_serve(broker_t *b)
{
    um_httpd_on_refuse(b->httpd, on_refuse);
    um_httpd_on_head(b->httpd, on_head);
}

void
api_deinit(broker_t *b)
{
    for (um_http_route_t *at = b->routes;
         at != NULL && at != b->routes_end && at->path != NULL; at++)
    {
        free((char *) (uintptr_t) at->path);
    }

    free(b->routes);
}
