/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include <cjson/cJSON.h>

#include "core/um_str.h"
#include "meta/um_setcluster_in.h"
#include "meta/um_utf8.h"

/*
 * A value costs cJSON some 80 bytes: bound their number before it allocates.
 * The largest topology has a quarter of that.
 */
#define JSON_VALUES_MAX (1u << 20)

/* Up to here a double holds every integer. */
#define JSON_EXACT_MAX 9007199254740992.0     /* 2^53 */
#define JSON_U64_LIMIT 18446744073709551616.0 /* 2^64 */

/* Marks of values, counted also inside strings: an upper bound. */
static size_t
json_values(um_str_t text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        n += c == ',' || c == '[' || c == '{';
    }

    return n;
}

/* The member `name` of an object; big ones are walked, never searched. */
static const cJSON *
json_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool
json_number(const cJSON *v, uint64_t *n)
{
    double d;

    if (!cJSON_IsNumber(v)) {
        return false;
    }

    d = v->valuedouble;
    if (!(d >= 0.0 && d < JSON_U64_LIMIT)) {
        return false;
    }

    *n = (uint64_t) d;
    return (double) *n == d;
}

static bool
json_string(const cJSON *v, um_str_t *s)
{
    if (!cJSON_IsString(v)) {
        return false;
    }

    *s = um_str_of(v->valuestring);
    return true;
}

/* {"epoch":8,"src_proxy_address":"...", ...} */
static bool
tag_words(const cJSON *v, um_migr_words_t *m)
{
    return cJSON_IsObject(v) && json_number(json_member(v, "epoch"), &m->epoch)
           && m->epoch <= JSON_EXACT_MAX
           && json_string(json_member(v, "src_proxy_address"), &m->src_proxy)
           && json_string(json_member(v, "src_node_address"), &m->src_node)
           && json_string(json_member(v, "dst_proxy_address"), &m->dst_proxy)
           && json_string(json_member(v, "dst_node_address"), &m->dst_node);
}

/* "None", {"Migrating":{...}} or {"Importing":{...}} */
static um_rc_t
tag_decode(const cJSON *v, um_topo_build_t *b)
{
    uint32_t tag;
    um_migr_words_t m;
    um_str_t none;

    if (json_string(v, &none)) {
        return um_str_eq(none, um_lit("None")) ? UM_OK : UM_DECLINED;
    }

    if (!cJSON_IsObject(v) || v->child == NULL || v->child->next != NULL) {
        return UM_DECLINED;
    }

    if (strcmp(v->child->string, "Migrating") == 0) {
        tag = UM_TAG_MIGRATING;
    } else if (strcmp(v->child->string, "Importing") == 0) {
        tag = UM_TAG_IMPORTING;
    } else {
        return UM_DECLINED;
    }

    if (!tag_words(v->child, &m)) {
        return UM_DECLINED;
    }

    return um_topo_build_tag(b, tag, &m);
}

/* [[0,8000],[8002,8002]] */
static um_rc_t
ranges_decode(const cJSON *v, um_topo_build_t *b)
{
    const cJSON *r;
    uint64_t start, end;

    if (!cJSON_IsArray(v)) {
        return UM_DECLINED;
    }

    cJSON_ArrayForEach(r, v)
    {
        if (!cJSON_IsArray(r) || r->child == NULL || r->child->next == NULL
            || r->child->next->next != NULL || !json_number(r->child, &start)
            || !json_number(r->child->next, &end)
            || um_topo_build_range(b, start, end) != UM_OK)
        {
            return UM_DECLINED;
        }
    }

    um_topo_build_entry_end(b);
    return UM_OK;
}

/* {"127.0.0.1:7001":[{"range_list":[...],"tag":...}, ...], ...} */
static um_rc_t
addrs_decode(const cJSON *object, um_topo_build_t *b)
{
    const cJSON *addr, *entry;

    cJSON_ArrayForEach(addr, object)
    {
        if (!cJSON_IsArray(addr)
            || um_topo_build_addr(b, um_str_of(addr->string)) != UM_OK)
        {
            return UM_DECLINED;
        }

        cJSON_ArrayForEach(entry, addr)
        {
            if (!cJSON_IsObject(entry) || um_topo_build_entry(b) != UM_OK
                || ranges_decode(json_member(entry, "range_list"), b) != UM_OK
                || tag_decode(json_member(entry, "tag"), b) != UM_OK)
            {
                return UM_DECLINED;
            }
        }
    }

    return UM_OK;
}

static bool
config_decode(const cJSON *object, um_topo_t *t)
{
    const cJSON *strategy = json_member(object, "compression_strategy");
    const cJSON *m = json_member(object, "migration_config");
    um_str_t word;

    if (strategy != NULL
        && (!json_string(strategy, &word) || !um_setcluster_strategy(t, word)))
    {
        return false;
    }

    if (m != NULL
        && (!cJSON_IsObject(m)
            || !json_number(
                json_member(m, "max_migration_time"), &t->max_migration_time)
            || !json_number(
                json_member(m, "max_blocking_time"), &t->max_blocking_time)
            || !json_number(json_member(m, "scan_interval"), &t->scan_interval)
            || !json_number(json_member(m, "scan_count"), &t->scan_count)))
    {
        return false;
    }

    um_setcluster_bound_config(t);
    return true;
}

static const char *
document_decode(const cJSON *doc, um_topo_build_t *b, um_topo_t *t)
{
    const cJSON *local = json_member(doc, "local");
    const cJSON *peer = json_member(doc, "peer");
    const cJSON *config = json_member(doc, "cluster_config");
    um_str_t name;

    if (!cJSON_IsObject(doc) || !cJSON_IsObject(local) || !cJSON_IsObject(peer)
        || !cJSON_IsObject(config)
        || !json_string(json_member(doc, "cluster_name"), &name)
        || !um_setcluster_name(t, name) || !config_decode(config, t)
        || addrs_decode(local, b) != UM_OK)
    {
        return UM_SETCLUSTER_BAD_ARGS;
    }

    um_topo_build_peers(b);
    return addrs_decode(peer, b) == UM_OK ? NULL : UM_SETCLUSTER_BAD_ARGS;
}

/* Nothing but blanks behind the document? */
static bool
rest_is_blank(const char *rest, const char *end)
{
    while (rest < end
           && (*rest == ' ' || *rest == '\t' || *rest == '\r' || *rest == '\n'))
    {
        rest++;
    }

    return rest == end;
}

const char *
um_setcluster_json(um_str_t text, um_topo_build_t *b, um_topo_t *t)
{
    const char *error = UM_SETCLUSTER_BAD_ARGS;
    const char *rest;
    cJSON *doc;

    if (!um_utf8_valid(text)) {
        return error;
    }

    if (json_values(text) > JSON_VALUES_MAX) {
        return "Failed to parse args: too many values";
    }

    doc = cJSON_ParseWithLengthOpts(text.data, text.len, &rest, false);
    if (doc != NULL && rest_is_blank(rest, text.data + text.len)) {
        error = document_decode(doc, b, t);
    }

    cJSON_Delete(doc);
    return error;
}
