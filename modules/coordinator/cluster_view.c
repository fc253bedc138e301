/* SPDX-License-Identifier: Apache-2.0 */

#include "cluster_view.h"

#include <stdlib.h>
#include <string.h>

#include "cluster_text.h"
#include "core/um_crc64.h"
#include "core/um_str.h"

/* ---- Is it well-formed? ------------------------------------------------- */

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* What goes into commands and paths as it is. */
static bool
is_word(const cJSON *v)
{
    if (!cJSON_IsString(v) || v->valuestring[0] == '\0') {
        return false;
    }

    for (const char *p = v->valuestring; *p != '\0'; p++) {
        if ((unsigned char) *p <= ' ' || *p == 0x7f) {
            return false;
        }
    }

    return true;
}

static bool
is_number(const cJSON *v, double max)
{
    return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= max
           && v->valuedouble == (double) (uint64_t) v->valuedouble;
}

#define NUMBER_MAX 9007199254740992.0 /* exact in a double */
#define SLOT_MAX   16383.0

static bool
is_range_list(const cJSON *list)
{
    const cJSON *r;

    if (!cJSON_IsArray(list)) {
        return false;
    }

    cJSON_ArrayForEach(r, list)
    {
        if (!cJSON_IsArray(r) || cJSON_GetArraySize(r) != 2
            || !is_number(r->child, SLOT_MAX)
            || !is_number(r->child->next, SLOT_MAX))
        {
            return false;
        }
    }

    return true;
}

static bool
is_tag(const cJSON *tag, bool *moving)
{
    const cJSON *m;

    if (cJSON_IsString(tag)) {
        return strcmp(tag->valuestring, "None") == 0;
    }
    if (!cJSON_IsObject(tag) || tag->child == NULL || tag->child->next != NULL)
    {
        return false;
    }

    m = tag->child;
    *moving = true;
    return (strcmp(m->string, "Migrating") == 0
               || strcmp(m->string, "Importing") == 0)
           && is_number(member(m, "epoch"), NUMBER_MAX)
           && is_word(member(m, "src_proxy_address"))
           && is_word(member(m, "src_node_address"))
           && is_word(member(m, "dst_proxy_address"))
           && is_word(member(m, "dst_node_address"));
}

static bool
are_slots(const cJSON *slots, bool *moving)
{
    const cJSON *s;

    if (!cJSON_IsArray(slots)) {
        return false;
    }

    cJSON_ArrayForEach(s, slots)
    {
        if (!cJSON_IsObject(s) || !is_range_list(member(s, "range_list"))
            || !is_tag(member(s, "tag"), moving))
        {
            return false;
        }
    }

    return true;
}

static bool
are_peers(const cJSON *peers)
{
    const cJSON *p;

    if (!cJSON_IsArray(peers)) {
        return false;
    }

    cJSON_ArrayForEach(p, peers)
    {
        if (!is_word(member(p, "node_address"))
            || !is_word(member(p, "proxy_address"))) {
            return false;
        }
    }

    return true;
}

/* ---- Nodes, and whose they are ------------------------------------------ */

uint32_t
view_find_proxy(const view_t *v, const char *address)
{
    /* Nodes of one proxy stand side by side: mostly it is the last one. */
    for (uint32_t i = v->proxies; i > 0; i--) {
        if (strcmp(v->proxy[i - 1].address, address) == 0) {
            return i - 1;
        }
    }

    return VIEW_NONE;
}

static void
view_add_to_proxy(view_t *v, uint32_t n, const char *address)
{
    uint32_t i = view_find_proxy(v, address);
    view_node_t *node = &v->node[n];
    view_proxy_t *p;

    if (i == VIEW_NONE) {
        i = v->proxies++;
        v->proxy[i] = (view_proxy_t){ .address = address, .first = n };
    } else {
        v->node[v->proxy[i].last].next = n;
    }

    p = &v->proxy[i];
    p->last = n;
    node->proxy = i;
    node->next = VIEW_NONE;
    if (!node->master) {
        return;
    }

    p->has_empty_master |= cJSON_GetArraySize(node->slots) == 0;
    for (const cJSON *s = node->slots->child; s != NULL; s = s->next) {
        const cJSON *tag = member(s, "tag");

        p->imports |=
            cJSON_IsObject(tag) && strcmp(tag->child->string, "Importing") == 0;
    }
}

static bool
view_add_node(view_t *v, const cJSON *json)
{
    const cJSON *repl = member(json, "repl");
    const cJSON *role = member(repl, "role");
    view_node_t *n = &v->node[v->nodes];

    if (!cJSON_IsObject(json) || !is_word(member(json, "address"))
        || !is_word(member(json, "proxy_address"))
        || !are_slots(member(json, "slots"), &v->moving)
        || !cJSON_IsString(role) || !are_peers(member(repl, "peers")))
    {
        return false;
    }

    n->address = member(json, "address")->valuestring;
    n->slots = member(json, "slots");
    n->peers = member(repl, "peers");
    n->master = um_str_ieq(um_str_of(role->valuestring), um_lit("master"));
    view_add_to_proxy(
        v, v->nodes++, member(json, "proxy_address")->valuestring);
    return true;
}

/* ---- The whole ---------------------------------------------------------- */

/* NULL, or what is wrong. */
static const char *
view_fill(view_t *v, const cJSON *cluster)
{
    const cJSON *name = member(cluster, "name");
    const cJSON *epoch = member(cluster, "epoch");
    const cJSON *nodes = member(cluster, "nodes");
    const cJSON *n;
    int count = cJSON_GetArraySize(nodes);

    if (!cJSON_IsObject(cluster) || !is_word(name)
        || !is_number(epoch, NUMBER_MAX) || !cJSON_IsArray(nodes))
    {
        return "name, epoch or nodes are missing";
    }
    if (count > VIEW_NODES_MAX) {
        return "too many nodes";
    }

    v->name = name->valuestring;
    v->epoch = (uint64_t) epoch->valuedouble;
    v->cancelling = cJSON_IsNumber(member(cluster, "cancelling"));
    v->node = calloc((size_t) count + 1, sizeof(*v->node));
    v->proxy = calloc((size_t) count + 1, sizeof(*v->proxy));
    if (v->node == NULL || v->proxy == NULL) {
        return "out of memory";
    }

    cJSON_ArrayForEach(n, nodes)
    {
        if (!view_add_node(v, n)) {
            return "a node is not well-formed";
        }
    }

    return text_prepare(v, member(cluster, "config")) == UM_OK
               ? NULL
               : "out of memory";
}

um_rc_t
view_parse(um_str_t text, view_t **out, const char **wrong)
{
    view_t *v = calloc(1, sizeof(*v));
    const cJSON *cluster;

    if (v == NULL) {
        return UM_ERR;
    }

    um_list_init(&v->link);
    v->json = cJSON_ParseWithLength(text.data, text.len);
    cluster = member(v->json, "cluster");
    *wrong = NULL;
    if (cJSON_IsNull(cluster)) {
        view_free(v);
        return UM_DONE;
    }

    *wrong =
        cluster == NULL ? "is not what was asked for" : view_fill(v, cluster);
    if (*wrong != NULL) {
        view_free(v);
        return UM_DECLINED;
    }

    v->crc = um_crc64(text);
    *out = v;
    return UM_OK;
}

void
view_free(view_t *v)
{
    um_list_del(&v->link);
    cJSON_Delete(v->json);
    um_sbuf_deinit(&v->peer_words);
    um_sbuf_deinit(&v->config_words);
    um_sbuf_deinit(&v->peer_json);
    um_sbuf_deinit(&v->config_json);
    free(v->node);
    free(v->proxy);
    free(v);
}
