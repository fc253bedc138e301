/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "http/um_httpd_priv.h"

static const struct {
    const char *name;
    unsigned method;
} route_methods[] = {
    { "GET", UM_HTTP_GET },
    { "HEAD", UM_HTTP_GET },
    { "POST", UM_HTTP_POST },
    { "PUT", UM_HTTP_PUT },
    { "PATCH", UM_HTTP_PATCH },
    { "DELETE", UM_HTTP_DELETE },
};

unsigned
http_method_of(const char *name)
{
    for (size_t i = 0; i < um_countof(route_methods); i++) {
        if (strcmp(name, route_methods[i].name) == 0) {
            return route_methods[i].method;
        }
    }

    return 0;
}

/* ---- The table ---------------------------------------------------------- */

um_rc_t
http_routes_init(um_httpd_t *h, const um_http_route_t *routes)
{
    size_t n = 0;

    while (routes[n].path != NULL) {
        n++;
    }

    h->entries = calloc(n + 1, sizeof(*h->entries));
    if (h->entries == NULL) {
        return UM_ERR;
    }

    /* From the last to the first, so that each list has the table's order. */
    while (n-- > 0) {
        httpd_route_t *e = &h->entries[n];

        e->route = &routes[n];
        um_http_shape_of_pattern(&e->shape, routes[n].path);
        e->next = h->by_count[e->shape.count];
        h->by_count[e->shape.count] = e;
    }

    return UM_OK;
}

void
http_routes_deinit(um_httpd_t *h)
{
    free(h->entries);
}

/* ---- Of one request ----------------------------------------------------- */

static void
route_refuse(um_http_req_t *r, unsigned status, const char *text)
{
    um_httpd_t *h = r->conn->h;

    if (h->on_refuse != NULL) {
        h->on_refuse(r, status, h->data);
    } else {
        um_http_text(r, status, "%s", text);
    }
}

/* 405: "Allow: GET, HEAD, POST". */
static void
route_refuse_method(um_http_req_t *r, unsigned allowed)
{
    um_sbuf_t names = { 0 };

    for (size_t i = 0; i < um_countof(route_methods); i++) {
        if (allowed & route_methods[i].method) {
            um_sbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "",
                route_methods[i].name);
        }
    }

    um_http_set(r, "Allow", um_sbuf_cstr(&names));
    um_sbuf_deinit(&names);
    route_refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed here");
}

void
http_find_route(um_http_req_t *r)
{
    um_http_shape_t shape;
    const httpd_route_t *e;
    unsigned allowed = 0;

    um_http_shape_of_path(&shape, &r->path);
    e = shape.count > 0 ? r->conn->h->by_count[shape.count] : NULL;
    for (; e != NULL; e = e->next) {
        if (!um_http_shape_fits(&shape, &e->shape)
            || !um_http_path_match(&r->path, e->route->path, r->param))
        {
            continue;
        }
        if (e->route->methods & r->method) {
            r->route = e->route;
            return;
        }
        allowed |= e->route->methods;
    }

    if (allowed != 0) {
        route_refuse_method(r, allowed);
    } else {
        route_refuse(r, MHD_HTTP_NOT_FOUND, "nothing is here");
    }
}
