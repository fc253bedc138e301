/*
 * um_ctl_proxies.c -- proxy add, list, show, remove.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <string.h>

#include "ctl/um_ctl_load.h"
#include "ctl/um_ctl_show.h"
#include "ctl/um_ctl_table.h"
#include "ctl/um_ctl_wait.h"

int
um_ctl_proxy_add(um_ctl_t *c)
{
    const char *address = c->opts.arg[0];
    cJSON *body = cJSON_CreateObject();
    cJSON *nodes;
    um_ctl_said_t said;
    int status;

    um_ctl_json_add(body, "proxy_address", address);
    nodes = cJSON_AddArrayToObject(body, "nodes");
    cJSON_AddItemToArray(nodes, cJSON_CreateString(c->opts.arg[1]));
    cJSON_AddItemToArray(nodes, cJSON_CreateString(c->opts.arg[2]));
    if (c->opts.host != NULL) {
        um_ctl_json_add(body, "host", c->opts.host);
    }
    if (c->opts.index != UM_CTL_UNSET) {
        um_ctl_json_add_u64(body, "index", c->opts.index);
    }

    status = um_ctl_change(c, UM_HTTP_POST, "/proxies/meta", body, &said);
    cJSON_Delete(body);
    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, address, "%s: is registered", address);
}

int
um_ctl_proxy_remove(um_ctl_t *c)
{
    const char *address = c->opts.arg[0];
    um_ctl_said_t said;
    int status = um_ctl_change(c, UM_HTTP_DELETE,
        um_ctl_printf(
            c->pool, "/proxies/meta/%s", um_ctl_escape(c->pool, address)),
        NULL, &said);

    return status != UM_CTL_DONE
               ? status
               : um_ctl_wait_told(c, address, "%s: is forgotten", address);
}

/* ---- list --------------------------------------------------------------- */

static um_ctl_tone_t
proxy_tone(const um_ctl_proxy_t *p)
{
    return p->failed || p->dead ? UM_CTL_BAD
           : p->reports > 0     ? UM_CTL_LOOK
                                : UM_CTL_PLAIN;
}

static cJSON *
proxy_json(const um_ctl_proxy_t *p)
{
    cJSON *o = cJSON_CreateObject();
    cJSON *nodes;

    um_ctl_json_add(o, "address", p->address);
    um_ctl_json_add(o, "host", p->host);
    um_ctl_json_add(o, "cluster", p->cluster);
    um_ctl_json_add(o, "state", um_ctl_proxy_state(p));
    um_ctl_json_add_u64(o, "index", p->index);
    um_ctl_json_add_u64(o, "reports", p->reports);
    nodes = cJSON_AddArrayToObject(o, "nodes");
    cJSON_AddItemToArray(nodes, cJSON_CreateString(p->node[0]));
    cJSON_AddItemToArray(nodes, cJSON_CreateString(p->node[1]));
    return o;
}

static void
list_text(um_ctl_t *c, const um_ctl_store_t *s)
{
    um_ctl_table_t *t = um_ctl_table_new(
        c->pool, s->ordered ? "PROXY INDEX> HOST CLUSTER STATE NODE NODE"
                            : "PROXY HOST CLUSTER STATE NODE NODE");

    for (size_t i = 0; i < s->proxies; i++) {
        const um_ctl_proxy_t *p = &s->proxy[i];

        um_ctl_cell(t, UM_CTL_PLAIN, p->address);
        if (s->ordered) {
            um_ctl_cellf(t, UM_CTL_PLAIN, "%" PRIu64, p->index);
        }
        um_ctl_cell(t, UM_CTL_PLAIN, p->host);
        um_ctl_cell(t, UM_CTL_PLAIN, p->cluster);
        um_ctl_cell(t, proxy_tone(p), um_ctl_proxy_state(p));
        um_ctl_cell(t, UM_CTL_PLAIN, p->node[0]);
        um_ctl_cell(t, UM_CTL_PLAIN, p->node[1]);
    }
    um_ctl_table_put(t, c->colour, &c->out);
}

int
um_ctl_proxy_list(um_ctl_t *c)
{
    um_ctl_store_t s;
    int status = um_ctl_load_store(c, c->pool, &s);
    cJSON *doc;
    cJSON *list;

    if (status != UM_CTL_DONE) {
        return status;
    }
    if (!c->opts.json) {
        list_text(c, &s);
        return UM_CTL_DONE;
    }

    doc = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(doc, "proxies");
    for (size_t i = 0; i < s.proxies; i++) {
        cJSON_AddItemToArray(list, proxy_json(&s.proxy[i]));
    }
    return um_ctl_json(c, doc);
}

/* ---- show --------------------------------------------------------------- */

/* The epoch that it should know, and its nodes. */
static int
load_proxy(um_ctl_t *c, const char *address, um_ctl_view_t *v)
{
    const char *path = um_ctl_printf(
        c->pool, "/proxies/meta/%s", um_ctl_escape(c->pool, address));
    const cJSON *json;
    const char *wrong;
    int status = um_ctl_get(c, c->pool, path, &json);

    if (status != UM_CTL_DONE) {
        return status;
    }

    json = cJSON_GetObjectItemCaseSensitive(json, "proxy");
    if (cJSON_IsNull(json)) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "PROXY_NOT_FOUND",
            "there is no proxy %s: \"proxy list\" has all", address);
    }

    wrong = um_ctl_view_proxy(v, json, c->pool);
    return wrong == NULL ? UM_CTL_DONE : um_ctl_nonsense(c, path, wrong);
}

static void
show_text(um_ctl_t *c, const um_ctl_proxy_t *p, const um_ctl_view_t *v,
    const um_ctl_probe_t *probe)
{
    um_ctl_table_t *t = um_ctl_show_table(c->pool);

    um_ctl_line(c, "proxy %s on host %s: %s%s%s", p->address, p->host,
        um_ctl_proxy_state(p), p->cluster != NULL ? ", cluster " : "",
        p->cluster != NULL ? p->cluster : "");
    um_ctl_line(c, "it should know epoch %" PRIu64, v->epoch);
    if (p->reports > 0) {
        um_ctl_line(c, "%u say that it is dead", p->reports);
    }
    for (size_t i = 0; i < v->nodes; i++) {
        um_ctl_show_node(t, c->pool, &v->node[i], v->epoch, probe);
    }
    um_ctl_table_put(t, c->colour, &c->out);
}

static int
show_json(um_ctl_t *c, const um_ctl_proxy_t *p, const um_ctl_view_t *v,
    const um_ctl_probe_t *probe)
{
    cJSON *doc = proxy_json(p);
    cJSON *nodes;

    cJSON_DeleteItemFromObject(doc, "nodes");
    um_ctl_json_add_u64(doc, "epoch", v->epoch);
    nodes = cJSON_AddArrayToObject(doc, "nodes");
    for (size_t i = 0; i < v->nodes; i++) {
        cJSON_AddItemToArray(nodes, um_ctl_show_json(&v->node[i], probe));
    }
    return um_ctl_json(c, doc);
}

int
um_ctl_proxy_show(um_ctl_t *c)
{
    um_ctl_probe_t probe = { .address = c->opts.arg[0] };
    const um_ctl_proxy_t *p;
    um_ctl_store_t s;
    um_ctl_view_t v;
    int status = load_proxy(c, probe.address, &v);

    if (status == UM_CTL_DONE) {
        status = um_ctl_load_store(c, c->pool, &s);
    }
    if (status != UM_CTL_DONE) {
        return status;
    }

    p = um_ctl_store_proxy(&s, probe.address);
    if (p == NULL) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "PROXY_NOT_FOUND",
            "somebody has just removed proxy %s", probe.address);
    }
    if (!um_ctl_probe(c, c->pool, &probe, 1)) {
        return um_ctl_interrupted(c);
    }
    if (c->opts.json) {
        return show_json(c, p, &v, &probe);
    }
    show_text(c, p, &v, &probe);
    return UM_CTL_DONE;
}
