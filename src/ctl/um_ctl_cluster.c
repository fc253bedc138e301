/*
 * um_ctl_cluster.c -- cluster list, create, delete, config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <string.h>

#include "core/um_str.h"
#include "ctl/um_ctl_load.h"
#include "ctl/um_ctl_table.h"
#include "ctl/um_ctl_wait.h"

static const char *
cluster_path(um_ctl_t *c, const char *what)
{
    return um_ctl_printf(c->pool, "/clusters/%s/%s", what,
        um_ctl_escape(c->pool, c->opts.arg[0]));
}

/* ---- list --------------------------------------------------------------- */

static void
list_one(um_ctl_t *c, um_ctl_table_t *t, cJSON *all, const char *name,
    const um_ctl_info_t *info)
{
    const char *words = um_ctl_info_words(c->pool, info);
    cJSON *one = cJSON_CreateObject();

    um_ctl_cell(t, UM_CTL_PLAIN, name);
    um_ctl_cellf(t, UM_CTL_PLAIN, "%" PRIu64, info->nodes);
    um_ctl_cellf(t, UM_CTL_PLAIN, "%" PRIu64, info->with_slots);
    um_ctl_cell(
        t, info->scaling_error != NULL ? UM_CTL_BAD : UM_CTL_PLAIN, words);

    um_ctl_json_add(one, "name", name);
    um_ctl_json_add_u64(one, "nodes", info->nodes);
    um_ctl_json_add_u64(one, "nodes_with_slots", info->with_slots);
    cJSON_AddBoolToObject(one, "is_migrating", info->migrating);
    um_ctl_json_add(one, "scaling_error", info->scaling_error);
    cJSON_AddItemToArray(all, one);
}

static int
list_all(um_ctl_t *c, const cJSON *names, um_ctl_table_t *t, cJSON *all)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, names)
    {
        const char *name = cJSON_GetStringValue(item);
        um_ctl_info_t info;
        int status;

        if (name == NULL) {
            return um_ctl_nonsense(c, "/clusters/names", "a name is no text");
        }
        status = um_ctl_load_info(c, c->pool, name, &info);
        if (status != UM_CTL_DONE) {
            return status;
        }
        list_one(c, t, all, name, &info);
    }
    return UM_CTL_DONE;
}

int
um_ctl_cluster_list(um_ctl_t *c)
{
    um_ctl_table_t *t =
        um_ctl_table_new(c->pool, "CLUSTER NODES> WITH-SLOTS> STATE");
    const cJSON *json;
    cJSON *doc;
    int status = um_ctl_get(c, c->pool, "/clusters/names", &json);

    if (status != UM_CTL_DONE) {
        return status;
    }
    json = um_ctl_json_list(json, "names");
    if (json == NULL) {
        return um_ctl_nonsense(c, "/clusters/names", "it has no names");
    }

    doc = cJSON_CreateObject();
    status = list_all(c, json, t, cJSON_AddArrayToObject(doc, "clusters"));
    if (status == UM_CTL_DONE && c->opts.json) {
        return um_ctl_json(c, doc);
    }

    cJSON_Delete(doc);
    if (status == UM_CTL_DONE) {
        um_ctl_table_put(t, c->colour, &c->out);
    }
    return status;
}

/* ---- create, delete ----------------------------------------------------- */

int
um_ctl_cluster_create(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    um_ctl_said_t said;
    cJSON *body;
    int status;

    if (c->opts.nodes == UM_CTL_UNSET) {
        return um_ctl_fail(c, UM_CTL_USAGE, "USAGE",
            "cluster create wants --nodes, a multiple of 4");
    }

    body = cJSON_CreateObject();
    um_ctl_json_add_u64(body, "node_number", c->opts.nodes);
    status =
        um_ctl_change(c, UM_HTTP_POST, cluster_path(c, "meta"), body, &said);
    cJSON_Delete(body);
    if (status == UM_CTL_DONE && c->opts.wait) {
        status = um_ctl_wait_ready(c, name);
    }
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, name, "%s: %s", name,
                   c->opts.wait ? "is ready"
                                : "is made; its proxies are told now");
}

int
um_ctl_cluster_delete(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    um_ctl_info_t info;
    um_ctl_said_t said;
    int status = um_ctl_load_info(c, c->pool, name, &info);

    if (status == UM_CTL_DONE) {
        status = um_ctl_confirm(c, name,
            "Cluster %s has %" PRIu64
            " nodes.  Once it is deleted nobody reaches its keys any more.",
            name, info.nodes);
    }
    if (status == UM_CTL_DONE) {
        status = um_ctl_change(
            c, UM_HTTP_DELETE, cluster_path(c, "meta"), NULL, &said);
    }
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, name, "%s: is deleted", name);
}

/* ---- config ------------------------------------------------------------- */

static void
config_put(um_ctl_t *c, um_ctl_table_t *t, cJSON *doc, const char *key,
    const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);

    if (text == NULL) {
        char *number = cJSON_PrintUnformatted(value);

        text = um_ctl_printf(c->pool, "%s", number);
        cJSON_free(number);
    }
    um_ctl_cell(t, UM_CTL_PLAIN, key);
    um_ctl_cell(t, UM_CTL_PLAIN, text);
    um_ctl_json_add(doc, key, text);
}

/* As they are set: what stands in migration_config begins with migration_. */
static int
config_show(um_ctl_t *c)
{
    um_ctl_table_t *t = um_ctl_table_new(c->pool, "KEY VALUE");
    cJSON *doc = cJSON_CreateObject();
    cJSON *keys = cJSON_AddObjectToObject(doc, "config");
    um_ctl_view_t v;
    int status = um_ctl_load_view(c, c->pool, c->opts.arg[0], &v);
    const cJSON *config = status == UM_CTL_DONE ? v.config : NULL;
    const cJSON *item;

    cJSON_ArrayForEach(item, config)
    {
        const cJSON *inner;

        if (!cJSON_IsObject(item)) {
            config_put(c, t, keys, item->string, item);
            continue;
        }
        cJSON_ArrayForEach(inner, item)
        {
            config_put(c, t, keys,
                um_ctl_printf(c->pool, "migration_%s", inner->string), inner);
        }
    }

    if (status == UM_CTL_DONE && c->opts.json) {
        return um_ctl_json(c, doc);
    }
    cJSON_Delete(doc);
    if (status == UM_CTL_DONE) {
        um_ctl_table_put(t, c->colour, &c->out);
    }
    return status;
}

int
um_ctl_cluster_config(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    um_ctl_said_t said;
    cJSON *body;
    int status;

    if (c->opts.args == 1) {
        return config_show(c);
    }

    body = cJSON_CreateObject();
    for (uint32_t i = 1; i < c->opts.args; i++) {
        const char *pair = c->opts.arg[i];
        size_t len = strcspn(pair, "=");

        if (len == 0 || pair[len] == '\0') {
            cJSON_Delete(body);
            return um_ctl_fail(
                c, UM_CTL_USAGE, "USAGE", "\"%s\" is no KEY=VALUE", pair);
        }
        um_ctl_json_add(body, um_ctl_strdup(c->pool, (um_str_t){ pair, len }),
            pair + len + 1);
    }

    status =
        um_ctl_change(c, UM_HTTP_PATCH, cluster_path(c, "config"), body, &said);
    cJSON_Delete(body);
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, name, "%s: is configured", name);
}
