/*
 * um_ctl_store.c -- what a dump of the store says of proxies and chunks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "ctl/um_ctl_view.h"

static bool
parse_pair(const cJSON *object, const char *name, const char *out[2])
{
    const cJSON *list = um_ctl_json_list(object, name);

    for (int i = 0; i < 2; i++) {
        out[i] = cJSON_GetStringValue(cJSON_GetArrayItem(list, i));
    }
    return out[0] != NULL && out[1] != NULL && cJSON_GetArraySize(list) == 2;
}

/* ---- Proxies ------------------------------------------------------------ */

static bool
parse_proxy(um_ctl_proxy_t *p, const cJSON *item)
{
    p->address = um_ctl_json_text(item, "proxy_address");
    p->host = um_ctl_json_text(item, "host");
    p->cluster = um_ctl_json_text(item, "cluster");
    if (!um_ctl_json_u64(item, "index", &p->index)) {
        p->index = 0; /* dumps of older brokers have none */
    }
    return p->address != NULL && p->host != NULL
           && parse_pair(item, "node_addresses", p->node);
}

static int
proxy_cmp(const void *a, const void *b)
{
    const um_ctl_proxy_t *l = a;
    const um_ctl_proxy_t *r = b;

    return strcmp(l->address, r->address);
}

static const char *
parse_proxies(um_ctl_store_t *s, const cJSON *dump, um_pool_t *p)
{
    const cJSON *all = um_ctl_json_object(dump, "all_proxies");
    const cJSON *item;

    if (all == NULL) {
        return "it has no all_proxies";
    }

    s->proxy =
        um_ctl_array(p, (size_t) cJSON_GetArraySize(all), sizeof(*s->proxy));
    cJSON_ArrayForEach(item, all)
    {
        if (!parse_proxy(&s->proxy[s->proxies++], item)) {
            return "a proxy has no address, host or nodes";
        }
    }
    qsort(s->proxy, s->proxies, sizeof(*s->proxy), proxy_cmp);
    return NULL;
}

um_ctl_proxy_t *
um_ctl_store_proxy(const um_ctl_store_t *s, const char *address)
{
    um_ctl_proxy_t key = { .address = address };

    return s->proxies == 0
               ? NULL
               : bsearch(&key, s->proxy, s->proxies, sizeof(key), proxy_cmp);
}

static void
parse_failures(um_ctl_store_t *s, const cJSON *dump)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, um_ctl_json_list(dump, "failed_proxies"))
    {
        const char *address = cJSON_GetStringValue(item);
        um_ctl_proxy_t *p =
            address != NULL ? um_ctl_store_proxy(s, address) : NULL;

        if (p != NULL) {
            p->failed = true;
        }
    }

    cJSON_ArrayForEach(item, um_ctl_json_object(dump, "failures"))
    {
        um_ctl_proxy_t *p = um_ctl_store_proxy(s, item->string);

        if (p != NULL) {
            p->reports = (uint32_t) cJSON_GetArraySize(item);
        }
    }
}

void
um_ctl_store_dead(um_ctl_store_t *s, const cJSON *failures)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, um_ctl_json_list(failures, "addresses"))
    {
        const char *address = cJSON_GetStringValue(item);
        um_ctl_proxy_t *p =
            address != NULL ? um_ctl_store_proxy(s, address) : NULL;

        if (p != NULL) {
            p->dead = true;
        }
    }
}

const char *
um_ctl_proxy_state(const um_ctl_proxy_t *p)
{
    if (p->failed) {
        return p->cluster != NULL ? "to be replaced" : "failed";
    }
    if (p->dead) {
        return "dead";
    }
    if (p->reports > 0) {
        return "suspected";
    }
    return p->cluster != NULL ? "used" : "spare";
}

/* ---- Clusters ----------------------------------------------------------- */

/* Tasks that begin in the chunk. */
static uint32_t
count_tasks(const cJSON *chunk)
{
    const cJSON *part;
    const cJSON *task;
    uint32_t n = 0;

    cJSON_ArrayForEach(part, um_ctl_json_list(chunk, "migrating_slots"))
    {
        cJSON_ArrayForEach(task, part)
        {
            n += um_ctl_json_true(task, "is_migrating");
        }
    }
    return n;
}

static const char *
parse_chunks(um_ctl_store_t *s, const cJSON *cluster, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, um_ctl_json_list(cluster, "chunks"))
    {
        um_ctl_chunk_t *ch = &s->chunk[s->chunks++];

        ch->cluster = name;
        if (!parse_pair(item, "proxy_addresses", ch->proxy)
            || !parse_pair(item, "hosts", ch->host))
        {
            return "a chunk has no proxies or hosts";
        }
        s->tasks[s->clusters] += count_tasks(item);
    }
    return NULL;
}

static int
name_cmp(const void *a, const void *b)
{
    const cJSON *const *l = a;
    const cJSON *const *r = b;

    return strcmp((*l)->string, (*r)->string);
}

static const char *
parse_clusters(um_ctl_store_t *s, const cJSON *dump, um_pool_t *p)
{
    const cJSON *all = um_ctl_json_object(dump, "clusters");
    size_t n = (size_t) cJSON_GetArraySize(all);
    const cJSON **sorted = um_ctl_array(p, n, sizeof(*sorted));
    const cJSON *item;
    size_t chunks = 0;
    size_t i = 0;

    if (all == NULL) {
        return "it has no clusters";
    }

    cJSON_ArrayForEach(item, all)
    {
        chunks += (size_t) cJSON_GetArraySize(um_ctl_json_list(item, "chunks"));
        sorted[i++] = item;
    }
    qsort(sorted, n, sizeof(*sorted), name_cmp);

    s->cluster = um_ctl_array(p, n, sizeof(*s->cluster));
    s->tasks = um_ctl_array(p, n, sizeof(*s->tasks));
    s->chunk = um_ctl_array(p, chunks, sizeof(*s->chunk));
    for (i = 0; i < n; i++) {
        const char *wrong = parse_chunks(s, sorted[i], sorted[i]->string);

        if (wrong != NULL) {
            return wrong;
        }
        s->cluster[s->clusters++] = sorted[i]->string;
    }
    return NULL;
}

const char *
um_ctl_store_parse(um_ctl_store_t *s, const cJSON *dump, um_pool_t *p)
{
    const char *wrong;

    memset(s, 0, sizeof(*s));
    if (!um_ctl_json_u64(dump, "global_epoch", &s->epoch)) {
        return "it has no global_epoch";
    }

    s->ordered = um_ctl_json_true(dump, "enable_ordered_proxy");
    wrong = parse_proxies(s, dump, p);
    if (wrong == NULL) {
        parse_failures(s, dump);
        wrong = parse_clusters(s, dump, p);
    }
    return wrong;
}
