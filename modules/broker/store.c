/*
 * store.c -- a store's life: empty, copied, freed, counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

const store_config_t store_config_default = {
    .compression = STORE_COMPRESS_DISABLED,
    .max_migration_time = 10800,
    .max_blocking_time = 10000,
    .scan_interval = 500,
    .scan_count = 16,
};

store_t *
store_new(bool ordered)
{
    store_t *s = calloc(1, sizeof(*s));

    if (s != NULL) {
        s->ordered = ordered;
    }
    return s;
}

/* *to becomes a copy of the n objects at `from`. */
static bool
copy_array(void *to, const void *from, uint32_t n, uint32_t *cap, size_t size)
{
    void **data = to;

    *data = NULL;
    *cap = 0;
    if (n == 0) {
        return true;
    }

    /* Room for what is most often done to a copy: one more. */
    *data = malloc((n + 1) * size);
    if (*data == NULL) {
        return false;
    }
    memcpy(*data, from, n * size);
    *cap = n + 1;
    return true;
}

static bool
copy_order(store_order_t *to, const store_order_t *from)
{
    return copy_array(&to->at, from->at, from->n, &to->cap, sizeof(*to->at));
}

static bool
copy_arrays(store_t *n, const store_t *s)
{
    /* All of them, so that each is either a copy or NULL. */
    bool ok = copy_array(
        &n->proxy, s->proxy, s->proxies, &n->proxy_cap, sizeof(*s->proxy));

    ok &=
        copy_array(&n->host, s->host, s->hosts, &n->host_cap, sizeof(*s->host));
    ok &= copy_array(&n->cluster, s->cluster, s->clusters, &n->cluster_cap,
        sizeof(store_cluster_t *));
    ok &=
        copy_array(&n->link, s->link, s->links, &n->link_cap, sizeof(*s->link));
    ok &= copy_array(
        &n->report, s->report, s->reports, &n->report_cap, sizeof(*s->report));
    ok &= copy_order(&n->by_address, &s->by_address);
    ok &= copy_order(&n->by_host, &s->by_host);
    ok &= copy_order(&n->by_name, &s->by_name);
    return ok;
}

static void
free_arrays(store_t *s)
{
    free(s->proxy);
    free(s->host);
    free(s->cluster);
    free(s->link);
    free(s->report);
    free(s->by_address.at);
    free(s->by_host.at);
    free(s->by_name.at);
    free(s);
}

store_t *
store_copy(const store_t *s)
{
    store_t *n = malloc(sizeof(*n));

    if (n == NULL) {
        return NULL;
    }

    *n = *s;
    if (!copy_arrays(n, s)) {
        free_arrays(n);
        return NULL;
    }

    for (uint32_t i = 0; i < n->proxies; i++) {
        if (n->proxy[i].ident != NULL) {
            n->proxy[i].ident->refs++;
        }
    }
    for (uint32_t i = 0; i < n->hosts; i++) {
        if (n->host[i].name != NULL) {
            n->host[i].name->refs++;
        }
    }
    for (uint32_t i = 0; i < n->clusters; i++) {
        if (n->cluster[i] != NULL) {
            n->cluster[i]->refs++;
        }
    }
    for (uint32_t i = 0; i < n->reports; i++) {
        n->report[i].address->refs++;
        n->report[i].reporter->refs++;
    }
    return n;
}

void
store_free(store_t *s)
{
    if (s == NULL) {
        return;
    }

    for (uint32_t i = 0; i < s->proxies; i++) {
        store_ident_put(s->proxy[i].ident);
    }
    for (uint32_t i = 0; i < s->hosts; i++) {
        store_text_put(s->host[i].name);
    }
    for (uint32_t i = 0; i < s->clusters; i++) {
        store_cluster_put(s->cluster[i]);
    }
    for (uint32_t i = 0; i < s->reports; i++) {
        store_text_put(s->report[i].address);
        store_text_put(s->report[i].reporter);
    }
    free_arrays(s);
}

uint64_t
store_serial(const store_t *s)
{
    return s->serial;
}

uint64_t
store_epoch(const store_t *s)
{
    return s->epoch;
}

bool
store_ordered(const store_t *s)
{
    return s->ordered;
}

void
store_count(const store_t *s, store_counts_t *n)
{
    *n = (store_counts_t){
        .proxies = s->by_address.n,
        .hosts = s->by_host.n,
        .clusters = s->by_name.n,
        .reports = s->reports,
    };

    for (uint32_t i = 0; i < s->by_address.n; i++) {
        const store_proxy_t *p = &s->proxy[s->by_address.at[i]];

        n->failed += p->failed;
        n->waiting += p->failed && p->cluster != STORE_NONE;
        n->free += !p->failed && p->cluster == STORE_NONE;
    }
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[i]];

        n->migrations += c->tasks;
        n->scaling += c->scale_to != 0;
    }
}
