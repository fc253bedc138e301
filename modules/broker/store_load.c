/*
 * store_load.c -- a store out of its dump, or a reason why not.
 *
 * Proxies first, then the clusters made of them, then what is said of both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_load_priv.h"

#include <string.h>

static bool
load_proxy(load_t *l, const cJSON *v)
{
    store_proxy_args_t a = { .has_index = true };
    const cJSON *nodes;
    size_t mark;

    if (!load_object(l, v) || !load_string_of(l, v, "proxy_address", &a.address)
        || !load_string_of(l, v, "host", &a.host)
        || (!l->old
            && !load_number_of(l, v, "index", 0, STORE_NUMBER_MAX, &a.index)))
    {
        return false;
    }
    if (!um_str_eq(um_str_of(v->string), a.address)) {
        return load_fail(l, "has another proxy_address");
    }

    nodes = load_member(l, v, "node_addresses", &mark);
    if (nodes == NULL || !load_array(l, nodes, 2)
        || !load_string(l, nodes->child, &a.nodes[0])
        || !load_string(l, nodes->child->next, &a.nodes[1]))
    {
        return false;
    }
    load_up(l, mark);

    if (!store_proxy_args_ok(&a)) {
        return load_fail(l, "has an address or a host that cannot be");
    }
    if (store_find_proxy(l->s, a.address) != STORE_NONE) {
        return load_fail(l, "is there twice");
    }
    return store_enter_proxy(l->s, &a) != STORE_NONE || load_nomem(l);
}

static bool
load_proxies(load_t *l, const cJSON *root)
{
    size_t mark;
    const cJSON *all = load_member(l, root, "all_proxies", &mark);
    const cJSON *v;

    if (all == NULL || !load_object(l, all)) {
        return false;
    }
    cJSON_ArrayForEach(v, all)
    {
        size_t at = load_down(l, v->string);

        if (!load_proxy(l, v)) {
            return false;
        }
        load_up(l, at);
    }
    load_up(l, mark);
    return true;
}

/* What a proxy says of its cluster is what the clusters say of it. */
static bool
load_membership(load_t *l, const cJSON *v)
{
    uint32_t place = store_find_proxy(l->s, um_str_of(v->string));
    uint32_t in = l->s->proxy[place].cluster;
    size_t mark;
    const cJSON *name = load_member(l, v, "cluster", &mark);
    um_str_t text;

    if (name == NULL) {
        return false;
    }
    if (cJSON_IsNull(name)) {
        if (in != STORE_NONE) {
            return load_fail(l, "is null, but a cluster has the proxy");
        }
    } else if (!load_string(l, name, &text)) {
        return false;
    } else if (in == STORE_NONE
               || !um_str_eq(text, um_str_of(l->s->cluster[in]->name)))
    {
        return load_fail(l, "is a cluster that does not have the proxy");
    }
    load_up(l, mark);
    return true;
}

static bool
load_memberships(load_t *l, const cJSON *root)
{
    size_t mark;
    const cJSON *all = load_member(l, root, "all_proxies", &mark);
    const cJSON *v;

    cJSON_ArrayForEach(v, all)
    {
        size_t at = load_down(l, v->string);

        if (!load_membership(l, v)) {
            return false;
        }
        load_up(l, at);
    }
    load_up(l, mark);
    return true;
}

static bool
load_failed(load_t *l, const cJSON *root)
{
    size_t mark;
    const cJSON *list = load_member(l, root, "failed_proxies", &mark);
    const cJSON *v;
    size_t i = 0;

    if (list == NULL || !load_array(l, list, SIZE_MAX)) {
        return false;
    }
    cJSON_ArrayForEach(v, list)
    {
        size_t at = load_item(l, i++);
        um_str_t address;
        uint32_t place;

        if (!load_string(l, v, &address)) {
            return false;
        }
        place = store_find_proxy(l->s, address);
        if (place == STORE_NONE) {
            return load_fail(l, "is not one of all_proxies");
        }
        l->s->proxy[place].failed = true;
        load_up(l, at);
    }
    load_up(l, mark);
    return true;
}

static bool
load_reports(load_t *l, const cJSON *v)
{
    const cJSON *r;

    if (!load_object(l, v)) {
        return false;
    }
    cJSON_ArrayForEach(r, v)
    {
        size_t at = load_down(l, r->string);
        uint64_t when;

        if (!load_number(l, r, 0, STORE_NUMBER_MAX, &when)) {
            return false;
        }
        if (!store_text_ok(um_str_of(v->string), STORE_ADDR_MAX)
            || !store_text_ok(um_str_of(r->string), STORE_REPORTER_MAX))
        {
            return load_fail(l, "is no name of a proxy and a reporter");
        }
        if (!store_enter_report(
                l->s, um_str_of(v->string), um_str_of(r->string), when)) {
            return load_nomem(l);
        }
        load_up(l, at);
    }
    return true;
}

static bool
load_failures(load_t *l, const cJSON *root)
{
    size_t mark;
    const cJSON *all = load_member(l, root, "failures", &mark);
    const cJSON *v;

    if (all == NULL || !load_object(l, all)) {
        return false;
    }
    cJSON_ArrayForEach(v, all)
    {
        size_t at = load_down(l, v->string);

        if (!load_reports(l, v)) {
            return false;
        }
        load_up(l, at);
    }
    load_up(l, mark);
    return true;
}

static bool
load_version(load_t *l, const cJSON *root, bool old_too)
{
    um_str_t version;

    if (!load_object(l, root) || !load_string_of(l, root, "version", &version))
    {
        return false;
    }
    l->old = um_str_eq(version, um_lit("mem-broker-0.1"));
    if (um_str_eq(version, um_lit("mem-broker-0.2")) || (l->old && old_too)) {
        return true;
    }
    (void) load_down(l, "version");
    l->why->message = "is another version";
    l->rc = STORE_INVALID_META_VERSION;
    return false;
}

static bool
load_root(load_t *l, const cJSON *root, bool old_too, uint64_t at_least)
{
    size_t mark;
    const cJSON *v;

    if (!load_version(l, root, old_too)
        || !load_number_of(
            l, root, "global_epoch", 0, l->epoch_max, &l->s->epoch))
    {
        return false;
    }
    if (l->s->epoch < at_least) {
        (void) load_down(l, "global_epoch");
        l->why->message = "is smaller than ours";
        l->rc = STORE_EPOCH_SMALLER_THAN_CURRENT;
        return false;
    }
    if (!l->old
        && !load_bool_of(l, root, "enable_ordered_proxy", &l->s->ordered)) {
        return false;
    }
    if (!load_proxies(l, root)) {
        return false;
    }
    v = load_member(l, root, "clusters", &mark);
    if (v == NULL || !load_clusters(l, v)) {
        return false;
    }
    load_up(l, mark);
    return load_memberships(l, root) && load_failed(l, root)
           && load_failures(l, root)
           && load_ours(l, cJSON_GetObjectItemCaseSensitive(root, "undermoon"));
}

/* The reference does not say what it shows: what its rule gives. */
static void
load_starts(store_t *s, uint64_t limit)
{
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        store_cluster_t *c = s->cluster[s->by_name.at[i]];

        if (!store_tasks_started(c)) {
            (void) store_tasks_start(c, limit);
        }
    }
}

static store_rc_t
load_text(um_str_t text, bool old_too, uint64_t at_least, uint64_t epoch_max,
    const store_env_t *e, store_t **s, store_why_t *why)
{
    load_t l = { .why = why, .epoch_max = epoch_max };
    const char *rest = NULL;
    cJSON *root;

    *why = (store_why_t){ .message = "" };
    root = cJSON_ParseWithLengthOpts(text.data, text.len, &rest, false);
    while (root != NULL && rest < text.data + text.len
           && strchr(" \t\r\n", *rest) != NULL && *rest != '\0')
    {
        rest++;
    }
    if (root == NULL || rest < text.data + text.len) {
        cJSON_Delete(root);
        (void) load_fail(&l, "is not JSON");
        return l.rc;
    }

    l.s = store_new(false);
    if (l.s == NULL) {
        (void) load_nomem(&l);
    } else {
        l.s->serial = 1;
        if (load_root(&l, root, old_too, at_least)) {
            load_starts(l.s, e->migration_limit);
            *s = l.s;
            l.s = NULL;
        }
    }
    store_free(l.s);
    cJSON_Delete(root);
    return l.rc;
}

store_rc_t
store_load(um_str_t text, bool old, const store_env_t *e, store_t **s,
    store_why_t *why)
{
    /* It may have counted on from the largest that can be set. */
    return load_text(text, old, 0, STORE_NUMBER_MAX, e, s, why);
}

store_rc_t
store_load_newer(um_str_t text, uint64_t at_least, const store_env_t *e,
    store_t **s, store_why_t *why)
{
    return load_text(text, false, at_least, STORE_EPOCH_MAX, e, s, why);
}
