/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_in.h"
#include "api_replica.h"
#include "api_task.h"
#include "core/um_log.h"
#include "core/um_str.h"

/* ---- Proxies ------------------------------------------------------------ */

static bool
parse_nodes(um_http_req_t *r, const cJSON *json, store_proxy_args_t *p)
{
    const cJSON *nodes = api_in_member(r, json, "nodes", "nodes");

    if (nodes == NULL) {
        return false;
    }

    if (!cJSON_IsArray(nodes) || cJSON_GetArraySize(nodes) != 2) {
        api_in_wrong(r, "nodes", "is not an array of two addresses");
        return false;
    }

    for (int i = 0; i < 2; i++) {
        const cJSON *node = cJSON_GetArrayItem(nodes, i);

        if (!cJSON_IsString(node)) {
            api_in_wrong(r, "nodes", "an address is not a string");
            return false;
        }
        p->nodes[i] = um_str_of(node->valuestring);
    }

    return true;
}

/* A member that may be missing or null. */
static bool
is_given(const cJSON *json, const char *name)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, json)
    {
        if (strcmp(m->string, name) == 0 && !cJSON_IsNull(m)) {
            return true;
        }
    }

    return false;
}

static bool
parse_proxy(um_http_req_t *r, change_t *c)
{
    store_proxy_args_t *p = &c->proxy;
    cJSON *json;

    if (!api_in_body(r, &json)) {
        return false;
    }

    c->json = json;
    p->has_index = is_given(json, "index");
    return api_in_str(r, json, "proxy_address", "proxy_address", &p->address)
           && parse_nodes(r, json, p)
           && (!is_given(json, "host")
               || api_in_str(r, json, "host", "host", &p->host))
           && (!p->has_index
               || api_in_u64(r, json, "index", "index", &p->index));
}

static store_rc_t
apply_add_proxy(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_add_proxy(s, &c->proxy);
}

static store_rc_t
apply_remove_proxy(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_remove_proxy(s, c->name);
}

static bool
parse_protocol(um_http_req_t *r, change_t *c)
{
    cJSON *json;

    if (!api_in_body(r, &json)) {
        return false;
    }

    c->json = json;
    return api_in_u64(r, json, "version", "version", &c->number);
}

static store_rc_t
apply_announce(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_announce(s, c->name, c->number);
}

/* ---- Failures ----------------------------------------------------------- */

static bool
parse_report(um_http_req_t *r, change_t *c)
{
    c->reporter = um_http_param(r, 1);
    return true;
}

static store_rc_t
apply_report(broker_t *b, store_t *s, change_t *c)
{
    return store_report(s, broker_env(b), c->name, c->reporter);
}

static store_rc_t
apply_unreport(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_unreport(s, c->name, c->reporter);
}

static store_rc_t
apply_failover(broker_t *b, store_t *s, change_t *c)
{
    um_str_t heir = { "", 0 };
    store_rc_t rc = store_failover(s, broker_env(b), c->name, &heir);

    if (rc == STORE_OK && heir.len > 0) {
        store_view_proxy(s, heir, &c->out);
    } else if (rc == STORE_OK) {
        um_sbuf_addz(&c->out, "{\"proxy\":null}");
    }

    return rc;
}

/* ---- Clusters ----------------------------------------------------------- */

static bool
parse_member_u64(um_http_req_t *r, change_t *c, const char *name)
{
    cJSON *json;

    if (!api_in_body(r, &json)) {
        return false;
    }

    c->json = json;
    return api_in_u64(r, json, name, name, &c->number);
}

static bool
parse_node_number(um_http_req_t *r, change_t *c)
{
    return parse_member_u64(r, c, "node_number");
}

static bool
parse_total(um_http_req_t *r, change_t *c)
{
    return parse_member_u64(r, c, "cluster_node_number");
}

static bool
parse_path_number(um_http_req_t *r, change_t *c)
{
    return api_in_number(r, 1, &c->number);
}

static bool
parse_config(um_http_req_t *r, change_t *c)
{
    cJSON *json;

    if (!api_in_body(r, &json)) {
        return false;
    }

    c->json = json;
    for (const cJSON *m = json->child; m != NULL; m = m->next) {
        if (api_in_member(r, json, m->string, m->string) == NULL) {
            return false;
        }
        if (!cJSON_IsString(m)) {
            api_in_wrong(r, m->string, "is not a string");
            return false;
        }
        if (c->pairs == CHANGE_PAIRS) {
            api_in_wrong(r, m->string, "is one too many");
            return false;
        }
        c->pair[c->pairs].key = um_str_of(m->string);
        c->pair[c->pairs].value = um_str_of(m->valuestring);
        c->pairs++;
    }

    return true;
}

static store_rc_t
apply_create(broker_t *b, store_t *s, change_t *c)
{
    return store_create(s, broker_env(b), c->name, c->number);
}

static store_rc_t
apply_remove(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_remove(s, c->name);
}

static store_rc_t
apply_add_nodes(broker_t *b, store_t *s, change_t *c)
{
    return store_add_nodes(s, broker_env(b), c->name, c->number, &c->out);
}

static store_rc_t
apply_scale_nodes(broker_t *b, store_t *s, change_t *c)
{
    return store_scale_nodes(s, broker_env(b), c->name, c->number, &c->out);
}

static store_rc_t
apply_free_nodes(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_free_nodes(s, c->name);
}

static store_rc_t
apply_config(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_set_config(s, c->name, c->pair, c->pairs, &c->why);
}

static store_rc_t
apply_balance(broker_t *b, store_t *s, change_t *c)
{
    return store_balance(s, broker_env(b), c->name);
}

/* ---- Migrations --------------------------------------------------------- */

static store_rc_t
apply_expand(broker_t *b, store_t *s, change_t *c)
{
    return store_expand(s, broker_env(b), c->name);
}

static store_rc_t
apply_shrink(broker_t *b, store_t *s, change_t *c)
{
    return store_shrink(s, broker_env(b), c->name, c->number);
}

static store_rc_t
apply_auto(broker_t *b, store_t *s, change_t *c)
{
    return store_auto(s, broker_env(b), c->name, c->number);
}

static store_rc_t
apply_cancel(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_cancel(s, c->name);
}

static store_rc_t
apply_commit(broker_t *b, store_t *s, change_t *c)
{
    return store_commit(s, broker_env(b), &c->task);
}

static store_rc_t
apply_undone(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_undone(s, &c->task);
}

/* ---- All of it ---------------------------------------------------------- */

/* Of a dump of a hundred thousand proxies; each takes 64 bytes of memory. */
#define WHOLE_VALUES_MAX (4u << 20)

static bool
parse_whole(um_http_req_t *r, change_t *c)
{
    c->pushed = um_http_header(r, BROKER_PUSH) != NULL;
    return api_in_type(r) && api_in_values(r, WHOLE_VALUES_MAX);
}

/* Is it what there is already? */
static bool
whole_is_same(const store_t *a, const store_t *b)
{
    um_sbuf_t one = { 0 };
    um_sbuf_t two = { 0 };
    bool same;

    store_dump(a, &one);
    store_dump(b, &two);
    same = !one.failed && !two.failed
           && um_str_eq((um_str_t){ one.data, one.len },
               (um_str_t){ two.data, two.len });
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    return same;
}

static store_rc_t
apply_whole(broker_t *b, store_t *s, change_t *c)
{
    store_t *whole;
    store_rc_t rc = store_load_newer(
        um_http_body(c->req), store_epoch(s), broker_env(b), &whole, &c->why);

    if (rc != STORE_OK) {
        return rc;
    }

    if (store_epoch(whole) == store_epoch(s)) {
        bool same = whole_is_same(whole, s);

        /* Of two brokers at one epoch none may undo what the other did. */
        if (same || (c->pushed && !b->next_replica)) {
            store_free(whole);
            return same ? STORE_OK : STORE_EPOCH_SMALLER_THAN_CURRENT;
        }
    }

    if (store_ordered(whole) != b->conf->ordered) {
        um_log_error(0, "enable_ordered_proxy is not what the metadata says, "
                        "which wins");
    }

    store_free(b->next);
    b->next = whole;
    b->replaced = true;
    c->after = c->whole = true;
    return STORE_OK;
}

static bool
parse_epoch(um_http_req_t *r, change_t *c)
{
    return api_in_number(r, 0, &c->number);
}

static store_rc_t
apply_epoch(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_set_epoch(s, c->number);
}

/* PUT /epoch/recovery stands before /epoch/{}. */
const api_endpoint_t api_writes[] = {
    { "/metadata", UM_HTTP_PUT, NULL, apply_whole, parse_whole },
    { "/config", UM_HTTP_PUT, api_replica_put, NULL, NULL },
    { "/epoch/recovery", UM_HTTP_PUT, epoch_recover, NULL, NULL },
    { "/epoch/seen/{}/{}", UM_HTTP_PUT, NULL, epoch_apply_seen,
        parse_path_number },
    { "/epoch/{}", UM_HTTP_PUT, NULL, apply_epoch, parse_epoch },
    { "/proxies/meta", UM_HTTP_POST, NULL, apply_add_proxy, parse_proxy },
    { "/proxies/meta/{}", UM_HTTP_DELETE, NULL, apply_remove_proxy, NULL },
    { "/proxies/failover/{}", UM_HTTP_POST, NULL, apply_failover, NULL },
    { "/proxies/protocol/{}", UM_HTTP_PUT, NULL, apply_announce,
        parse_protocol },
    { "/failures/{}/{}", UM_HTTP_POST, NULL, apply_report, parse_report },
    { "/failures/{}/{}", UM_HTTP_DELETE, NULL, apply_unreport, parse_report },
    { "/clusters/meta/{}", UM_HTTP_POST, NULL, apply_create,
        parse_node_number },
    { "/clusters/meta/{}", UM_HTTP_DELETE, NULL, apply_remove, NULL },
    { "/clusters/nodes/{}", UM_HTTP_PATCH, NULL, apply_add_nodes,
        parse_node_number },
    { "/clusters/nodes/{}", UM_HTTP_PUT, NULL, apply_scale_nodes, parse_total },
    { "/clusters/free_nodes/{}", UM_HTTP_DELETE, NULL, apply_free_nodes, NULL },
    { "/clusters/config/{}", UM_HTTP_PATCH, NULL, apply_config, parse_config },
    { "/clusters/balance/{}", UM_HTTP_PUT, NULL, apply_balance, NULL },
    { "/clusters/migrations", UM_HTTP_PUT, NULL, apply_commit, api_task_parse },
    { "/clusters/migrations/undone", UM_HTTP_PUT, NULL, apply_undone,
        api_task_parse },
    { "/clusters/migrations/{}", UM_HTTP_DELETE, NULL, apply_cancel, NULL },
    { "/clusters/migrations/expand/{}", UM_HTTP_POST, NULL, apply_expand,
        NULL },
    { "/clusters/migrations/shrink/{}/{}", UM_HTTP_POST, NULL, apply_shrink,
        parse_path_number },
    { "/clusters/migrations/auto/{}/{}", UM_HTTP_POST, NULL, apply_auto,
        parse_path_number },
    { NULL, 0, NULL, NULL, NULL },
};
