/* SPDX-License-Identifier: Apache-2.0 */

#include "api.h"
#include "api_in.h"
#include "api_replica.h"

static void
read_version(broker_t *b, um_http_req_t *r)
{
    api_text(r, 200, "%s", b->env->api->version);
}

static void
read_metadata(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };

    store_dump(b->store, &body);
    api_json(r, &body);
}

static void
read_epoch(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };

    um_sbuf_add_u64(&body, store_epoch(b->store));
    api_answer(b, r, STORE_OK, NULL, &body);
}

/* ---- Lists -------------------------------------------------------------- */

typedef void (*list_pt)(
    const store_t *s, uint64_t offset, uint64_t limit, um_sbuf_t *out);

static void
read_page(broker_t *b, um_http_req_t *r, list_pt list)
{
    uint64_t offset = 0;
    uint64_t limit = STORE_ALL;
    um_sbuf_t body = { 0 };

    if (!api_in_query(r, "offset", &offset)
        || !api_in_query(r, "limit", &limit)) {
        b->stats.refused++;
        return;
    }

    list(b->store, offset, limit, &body);
    api_json(r, &body);
}

static void
read_names(broker_t *b, um_http_req_t *r)
{
    read_page(b, r, store_view_names);
}

static void
read_addresses(broker_t *b, um_http_req_t *r)
{
    read_page(b, r, store_view_addresses);
}

static void
read_failed(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };

    store_view_failed(b->store, &body);
    api_json(r, &body);
}

static void
read_failures(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };

    store_view_failures(b->store, broker_env(b), &body);
    api_json(r, &body);
}

/* ---- One of them -------------------------------------------------------- */

static void
read_cluster(broker_t *b, um_http_req_t *r)
{
    api_view(b, r, VIEW_CLUSTER, um_http_param(r, 0));
}

static void
read_proxy(broker_t *b, um_http_req_t *r)
{
    api_view(b, r, VIEW_PROXY, um_http_param(r, 0));
}

static void
read_info(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };
    store_rc_t rc = store_view_info(b->store, um_http_param(r, 0), &body);

    if (rc != STORE_OK) {
        um_sbuf_deinit(&body);
    }
    api_answer(b, r, rc, NULL, &body);
}

static void
read_cancelling(broker_t *b, um_http_req_t *r)
{
    api_view(b, r, VIEW_CANCELLING, (um_str_t){ "", 0 });
}

static void
read_check(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };
    store_rc_t rc = store_check(b->store, broker_env(b), &body);

    if (rc != STORE_OK) {
        um_sbuf_deinit(&body);
    }
    api_answer(b, r, rc, NULL, &body);
}

const api_endpoint_t api_reads[] = {
    { "/version", UM_HTTP_GET, read_version, NULL, NULL },
    { "/metadata", UM_HTTP_GET, read_metadata, NULL, NULL },
    { "/config", UM_HTTP_GET, api_replica_get, NULL, NULL },
    { "/epoch", UM_HTTP_GET, read_epoch, NULL, NULL },
    { "/clusters/names", UM_HTTP_GET, read_names, NULL, NULL },
    { "/clusters/meta/{}", UM_HTTP_GET, read_cluster, NULL, NULL },
    { "/clusters/info/{}", UM_HTTP_GET, read_info, NULL, NULL },
    { "/clusters/migrations/cancelling", UM_HTTP_GET, read_cancelling, NULL,
        NULL },
    { "/proxies/addresses", UM_HTTP_GET, read_addresses, NULL, NULL },
    { "/proxies/failed/addresses", UM_HTTP_GET, read_failed, NULL, NULL },
    { "/proxies/meta/{}", UM_HTTP_GET, read_proxy, NULL, NULL },
    { "/failures", UM_HTTP_GET, read_failures, NULL, NULL },
    { "/resources/failures/check", UM_HTTP_POST, read_check, NULL, NULL },
    { NULL, 0, NULL, NULL, NULL },
};
