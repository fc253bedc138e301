/* SPDX-License-Identifier: Apache-2.0 */

#include "cluster_text_priv.h"
#include "meta/um_base64.h"
#include "meta/um_gzip.h"

static void
packed_local(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    bool more = false;

    view_each_node(v, n, p)
    {
        const view_node_t *node = &v->node[n];

        if (node->master && cJSON_GetArraySize(node->slots) > 0) {
            um_sbuf_addz(b, more ? "," : "");
            json_add_key(b, node->address);
            json_add(b, node->slots);
            more = true;
        }
    }
}

/* All peers but this one; every part of peer_json ends with a comma. */
static void
packed_peers(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    size_t end = p->json_at + p->json_len;

    if (v->peer_json.len == p->json_len) {
        return; /* nobody else has slots */
    }

    um_sbuf_add(b, v->peer_json.data, p->json_at);
    um_sbuf_add(b, v->peer_json.data + end, v->peer_json.len - end);
    if (!b->failed) {
        b->len--;
    }
}

static void
packed_json(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    um_sbuf_addz(b, "{\"cluster_name\":");
    json_add_key(b, v->name);
    if (!b->failed) {
        b->len--; /* the colon */
    }
    um_sbuf_addz(b, ",\"local\":{");
    packed_local(b, v, p);
    um_sbuf_addz(b, "},\"peer\":{");
    packed_peers(b, v, p);
    um_sbuf_addz(b, "},\"cluster_config\":");
    um_sbuf_add(b, v->config_json.data, v->config_json.len);
    um_sbuf_addz(b, "}");
}

void
text_setcluster_packed(const view_t *v, uint32_t i, text_t *t)
{
    um_sbuf_t json = { 0 }, gzip = { 0 }, base64 = { 0 };

    packed_json(&json, v, &v->proxy[i]);
    if (!json.failed
        && um_gzip((um_str_t){ json.data, json.len }, &gzip) == UM_OK) {
        um_base64_encode((um_str_t){ gzip.data, gzip.len }, &base64);
    } else {
        base64.failed = true;
    }

    text_begin(t, TEXT_HEAD_WORDS, "SETCLUSTER");
    words_addz(&t->own, "v2");
    words_add_u64(&t->own, v->epoch);
    words_addz(&t->own, "COMPRESS");
    if (base64.failed) {
        t->own.failed = true;
    } else {
        words_add(&t->own, (um_str_t){ base64.data, base64.len });
    }
    text_own(t);
    um_sbuf_deinit(&json);
    um_sbuf_deinit(&gzip);
    um_sbuf_deinit(&base64);
}
