/*
 * um_ctl_show.c -- cluster show: what the broker wants, beside what is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl_show.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/um_ctl_load.h"

#define SHOW_RANGES 3

/* ---- A node in words ---------------------------------------------------- */

static void
put_slots(um_ctl_table_t *t, um_pool_t *p, const um_ctl_node_t *n)
{
    um_sbuf_t text = { 0 };

    um_ctl_slots_put(&text, &n->slots, SHOW_RANGES);
    if (n->leaving.n > 0) {
        um_sbuf_addf(&text, "%sleaving ", text.len > 0 ? " " : "");
        um_ctl_slots_put(&text, &n->leaving, SHOW_RANGES);
    }
    if (n->coming.n > 0) {
        um_sbuf_addf(&text, "%scoming ", text.len > 0 ? " " : "");
        um_ctl_slots_put(&text, &n->coming, SHOW_RANGES);
    }
    um_ctl_cell(t, UM_CTL_PLAIN, um_ctl_printf(p, "%s", um_ctl_cstr(&text)));
    um_sbuf_deinit(&text);
}

/* Is it what its role wants? */
static um_ctl_tone_t
state_tone(const um_ctl_seat_t *s)
{
    const char *well = strcmp(s->role, "master") == 0 ? "serving" : "in_sync";

    return strcmp(s->state, well) == 0 ? UM_CTL_PLAIN : UM_CTL_LOOK;
}

static void
put_seat(um_ctl_table_t *t, const um_ctl_seat_t *s)
{
    bool master = strcmp(s->role, "master") == 0;
    const char *fault = um_ctl_fault_words(s->fault);

    um_ctl_cell(t, state_tone(s), s->state);
    um_ctl_cell(t, !master && !s->link ? UM_CTL_LOOK : UM_CTL_PLAIN,
        master    ? ""
        : s->link ? "up"
                  : "down");
    if (master) {
        um_ctl_cell(t, UM_CTL_PLAIN, "");
    } else {
        um_ctl_cellf(t, UM_CTL_PLAIN, "%" PRIu64, s->lag);
    }
    um_ctl_cell(t, UM_CTL_BAD, fault);
}

/* EPOCH STATE LINK LAG FAULT */
static void
put_found(um_ctl_table_t *t, const char *node, uint64_t epoch,
    const um_ctl_probe_t *probe)
{
    const um_ctl_seat_t *s = NULL;

    if (probe->why == NULL) {
        s = um_ctl_health_of(&probe->health, node);
        um_ctl_cellf(t,
            probe->health.epoch != epoch ? UM_CTL_LOOK : UM_CTL_PLAIN,
            "%" PRIu64, probe->health.epoch);
    } else {
        um_ctl_cell(t, UM_CTL_PLAIN, "");
    }

    if (s != NULL) {
        put_seat(t, s);
        return;
    }
    um_ctl_cell(t, UM_CTL_PLAIN, "");
    um_ctl_cell(t, UM_CTL_PLAIN, "");
    um_ctl_cell(t, UM_CTL_PLAIN, "");
    um_ctl_cell(t, UM_CTL_BAD, probe->why);
}

um_ctl_table_t *
um_ctl_show_table(um_pool_t *p)
{
    return um_ctl_table_new(
        p, "PROXY NODE ROLE SLOTS EPOCH> STATE LINK LAG> FAULT");
}

void
um_ctl_show_node(um_ctl_table_t *t, um_pool_t *p, const um_ctl_node_t *n,
    uint64_t epoch, const um_ctl_probe_t *probe)
{
    um_ctl_cell(t, UM_CTL_PLAIN, n->proxy);
    um_ctl_cell(t, UM_CTL_PLAIN, n->node);
    um_ctl_cell(t, UM_CTL_PLAIN, n->master ? "master" : "replica");
    put_slots(t, p, n);
    put_found(t, n->node, epoch, probe);
}

/* ---- And as JSON -------------------------------------------------------- */

static void
seat_json(cJSON *o, const um_ctl_seat_t *s)
{
    if (s == NULL) {
        cJSON_AddNullToObject(o, "state");
        cJSON_AddNullToObject(o, "link");
        cJSON_AddNullToObject(o, "lag");
        cJSON_AddNullToObject(o, "fault");
        return;
    }

    um_ctl_json_add(o, "state", s->state);
    cJSON_AddBoolToObject(o, "link", s->link);
    um_ctl_json_add_u64(o, "lag", s->lag);
    um_ctl_json_add(o, "fault", s->fault);
}

cJSON *
um_ctl_show_json(const um_ctl_node_t *n, const um_ctl_probe_t *probe)
{
    cJSON *o = cJSON_CreateObject();

    um_ctl_json_add(o, "proxy", n->proxy);
    um_ctl_json_add(o, "node", n->node);
    um_ctl_json_add(o, "role", n->master ? "master" : "replica");
    cJSON_AddItemToObject(o, "slots", um_ctl_slots_json(&n->slots));
    cJSON_AddItemToObject(o, "leaving", um_ctl_slots_json(&n->leaving));
    cJSON_AddItemToObject(o, "coming", um_ctl_slots_json(&n->coming));
    if (probe->why == NULL) {
        um_ctl_json_add_u64(o, "epoch", probe->health.epoch);
        seat_json(o, um_ctl_health_of(&probe->health, n->node));
    } else {
        cJSON_AddNullToObject(o, "epoch");
        seat_json(o, NULL);
    }
    um_ctl_json_add(o, "error", probe->why);
    return o;
}

/* ---- The command -------------------------------------------------------- */

static void
show_text(um_ctl_t *c, const um_ctl_view_t *v, const um_ctl_info_t *info,
    const um_ctl_probe_t *probe)
{
    um_ctl_table_t *t = um_ctl_show_table(c->pool);

    um_ctl_line(c,
        "cluster %s: %zu nodes of %zu proxies, epoch %" PRIu64 ", %s", v->name,
        v->nodes, v->proxies, v->epoch, um_ctl_info_words(c->pool, info));
    for (size_t i = 0; i < v->nodes; i++) {
        um_ctl_show_node(t, c->pool, &v->node[i], v->epoch,
            um_ctl_probe_of(probe, v->proxies, v->node[i].proxy));
    }
    um_ctl_table_put(t, c->colour, &c->out);
}

static int
show_json(um_ctl_t *c, const um_ctl_view_t *v, const um_ctl_info_t *info,
    const um_ctl_probe_t *probe)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON *nodes;

    um_ctl_json_add(doc, "name", v->name);
    um_ctl_json_add_u64(doc, "epoch", v->epoch);
    cJSON_AddBoolToObject(doc, "is_migrating", info->migrating);
    um_ctl_json_add(doc, "scaling_error", info->scaling_error);
    nodes = cJSON_AddArrayToObject(doc, "nodes");
    for (size_t i = 0; i < v->nodes; i++) {
        cJSON_AddItemToArray(
            nodes, um_ctl_show_json(&v->node[i],
                       um_ctl_probe_of(probe, v->proxies, v->node[i].proxy)));
    }
    return um_ctl_json(c, doc);
}

int
um_ctl_cluster_show(um_ctl_t *c)
{
    um_ctl_probe_t *probe;
    um_ctl_info_t info;
    um_ctl_view_t v;
    int status = um_ctl_load_view(c, c->pool, c->opts.arg[0], &v);

    if (status == UM_CTL_DONE) {
        status = um_ctl_load_info(c, c->pool, c->opts.arg[0], &info);
    }
    if (status == UM_CTL_DONE) {
        status = um_ctl_load_probes(c, c->pool, &v, &probe);
    }
    if (status != UM_CTL_DONE) {
        return status;
    }
    if (c->opts.json) {
        return show_json(c, &v, &info, probe);
    }
    show_text(c, &v, &info, probe);
    return UM_CTL_DONE;
}
