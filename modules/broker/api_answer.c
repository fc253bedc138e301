/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "api.h"
#include "core/um_str.h"
#include "meta/um_gzip.h"

#define JSON_TYPE "application/json"

/* ---- Codes -------------------------------------------------------------- */

void
api_json_member(um_sbuf_t *out, const char *name, um_str_t value)
{
    um_sbuf_addf(out, ",\"%s\":\"", name);

    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char) value.data[i];

        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            um_sbuf_addf(out, "\\u%04x", c);
        } else {
            um_sbuf_add(out, &c, 1);
        }
    }

    um_sbuf_addz(out, "\"");
}

static void
answer_code(um_http_req_t *r, store_rc_t rc, const store_why_t *why)
{
    um_sbuf_t body = { 0 };

    um_sbuf_addf(&body, "{\"error\":\"%s\"", store_rc_name(rc));
    if (rc == STORE_INVALID_CONFIG && why != NULL) {
        api_json_member(&body, "key", why->key);
        api_json_member(&body, "value", why->value);
        api_json_member(&body, "message", um_str_of(why->message));
    } else if (rc == STORE_INVALID_METADATA && why != NULL) {
        api_json_member(&body, "field", um_str_of(why->field));
        api_json_member(&body, "message", um_str_of(why->message));
    }
    um_sbuf_addz(&body, "}");
    um_http_reply(r, (unsigned) store_rc_status(rc), JSON_TYPE, &body);
}

void
api_answer(broker_t *b, um_http_req_t *r, store_rc_t rc, const store_why_t *why,
    um_sbuf_t *out)
{
    um_sbuf_t none = { 0 };

    if (rc != STORE_OK) {
        b->stats.refused++;
        answer_code(r, rc, why);
    } else if (out != NULL && (out->len > 0 || out->failed)) {
        um_http_reply(r, 200, JSON_TYPE, out);
    } else {
        um_http_reply(r, 200, NULL, &none);
    }
}

/* ---- Packed or not ------------------------------------------------------ */

/* Do the parameters at `at`, up to `end`, say q=0? */
static bool
is_refused(const char *at, const char *end)
{
    const char *q = memmem(at, (size_t) (end - at), "q=", 2);

    if (q == NULL) {
        q = memmem(at, (size_t) (end - at), "Q=", 2);
    }
    if (q == NULL) {
        return false;
    }

    q += 2;
    q += strspn(q, "0.");
    return q >= end || strchr("; \t", *q) != NULL;
}

/* "gzip" or "gzip;q=0.5" in a list of such, or "*" where it does not stand. */
static bool
takes_gzip(um_http_req_t *r)
{
    const char *at = um_http_header(r, "Accept-Encoding");
    bool any = false;

    if (at == NULL) {
        return false;
    }

    while (*at != '\0') {
        um_str_t name;
        const char *end;

        at += strspn(at, ", \t");
        name = (um_str_t){ at, strcspn(at, ",; \t") };
        end = at + strcspn(at, ",");
        if (um_str_ieq(name, um_lit("gzip"))) {
            return !is_refused(at + name.len, end);
        }
        if (um_str_eq(name, um_lit("*"))) {
            any = !is_refused(at + name.len, end);
        }
        at = end;
    }

    return any;
}

void
api_json(um_http_req_t *r, um_sbuf_t *body)
{
    um_sbuf_t packed = { 0 };

    um_http_set(r, "Vary", "Accept-Encoding");
    if (body->failed || body->len < VIEWS_PACK_MIN || !takes_gzip(r)) {
        um_http_reply(r, 200, JSON_TYPE, body);
        return;
    }

    if (um_gzip((um_str_t){ body->data, body->len }, &packed) == UM_OK) {
        um_http_set(r, "Content-Encoding", "gzip");
    }
    um_sbuf_deinit(body);
    um_http_reply(r, 200, JSON_TYPE, &packed);
}

/* ---- Views -------------------------------------------------------------- */

/* The client's list of tags has `tag`, weak or not, or any will do. */
static bool
has_tag(um_http_req_t *r, const view_tag_t *tag)
{
    const char *list = um_http_header(r, "If-None-Match");

    if (list == NULL) {
        return false;
    }

    list += strspn(list, " \t");
    return strstr(list, tag->text + strlen("W/")) != NULL
           || (*list == '*' && list[1 + strspn(list + 1, " \t")] == '\0');
}

static void
view_text(broker_t *b, view_kind_t kind, um_str_t name, um_sbuf_t *text)
{
    switch (kind) {
    case VIEW_PROXY:
        store_view_proxy(b->store, name, text);
        break;

    case VIEW_CLUSTER:
        store_view_cluster(b->store, name, text);
        break;

    default:
        store_view_cancelling(b->store, text);
        break;
    }
}

static store_key_t
view_key(const broker_t *b, view_kind_t kind, um_str_t name)
{
    switch (kind) {
    case VIEW_PROXY:
        return store_proxy_key(b->store, name);

    case VIEW_CLUSTER:
        return store_cluster_key(b->store, name);

    default:
        return store_cancelling_key(b->store);
    }
}

void
api_view(broker_t *b, um_http_req_t *r, view_kind_t kind, um_str_t name)
{
    store_key_t key = view_key(b, kind, name);
    um_sbuf_t text = { 0 };
    um_http_page_t *page;
    view_form_t form;
    view_t *view;

    if (key.epoch == 0 && key.stamp == 0) {
        view_text(b, kind, name, &text); /* of what there is not */
        um_http_reply(r, 200, JSON_TYPE, &text);
        return;
    }

    view = views_get(&b->views, kind, name, &key);
    if (view == NULL) {
        api_answer(b, r, STORE_NO_MEMORY, NULL, NULL);
        return;
    }

    form = has_tag(r, &view->tag) ? VIEW_SAME
           : takes_gzip(r)        ? VIEW_PACKED
                                  : VIEW_PLAIN;
    page = views_page(&b->views, view, form);
    if (page == NULL) {
        if (form != VIEW_SAME) {
            view_text(b, kind, name, &text);
        }
        page = views_put(&b->views, view, form, &text);
    }

    if (page != NULL) {
        um_http_reply_page(r, page);
    } else {
        api_answer(b, r, STORE_NO_MEMORY, NULL, NULL);
    }
}
