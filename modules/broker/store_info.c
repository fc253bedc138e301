/*
 * store_info.c -- a cluster in a few numbers; what a cached view depends on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

uint32_t
store_cancelling(const store_cluster_t *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->tasks; i++) {
        n += c->task[i].cancelling;
    }
    return n;
}

static void
view_info(const store_shape_t *sh, um_sbuf_t *out)
{
    const store_cluster_t *c = sh->c;
    uint32_t with = 0;

    for (uint32_t i = 0; i < 2 * c->chunks; i++) {
        with += sh->stable[i] != NULL ? 2 : 0;
    }

    um_sbuf_addz(out, "{\"name\":");
    store_json_str(out, um_str_of(c->name));
    um_sbuf_addf(out,
        ",\"node_number\":%u,\"node_number_with_slots\":%u,"
        "\"is_migrating\":%s",
        4 * c->chunks, with, store_busy(c) ? "true" : "false");
    if (c->scale_to != 0) {
        um_sbuf_addf(
            out, ",\"scaling\":%llu", (unsigned long long) c->scale_to);
    }
    if (c->scale_error != NULL) {
        um_sbuf_addz(out, ",\"scaling_error\":");
        store_json_str(out, store_text(c->scale_error));
    }
    if (store_cancelling(c) > 0) {
        um_sbuf_addf(out, ",\"cancelling\":%u", store_cancelling(c));
    }
    um_sbuf_add(out, "}", 1);
}

store_rc_t
store_view_info(const store_t *s, um_str_t name, um_sbuf_t *out)
{
    uint32_t place = store_find_cluster(s, name);
    store_rc_t rc = STORE_OK;
    store_shape_t sh;

    if (place == STORE_NONE) {
        return STORE_CLUSTER_NOT_FOUND;
    }
    if (store_shape_init(&sh, s, s->cluster[place], false)) {
        view_info(&sh, out);
    } else {
        rc = STORE_NO_MEMORY;
    }
    store_shape_deinit(&sh);
    return rc;
}

store_key_t
store_cluster_key(const store_t *s, um_str_t name)
{
    uint32_t place = store_find_cluster(s, name);

    if (place == STORE_NONE) {
        return (store_key_t){ 0, 0 };
    }
    return (store_key_t){
        .epoch = s->cluster[place]->epoch,
        .stamp = s->cluster[place]->stamp,
    };
}

store_key_t
store_proxy_key(const store_t *s, um_str_t address)
{
    uint32_t place = store_find_proxy(s, address);
    const store_proxy_t *p;

    if (place == STORE_NONE) {
        return (store_key_t){ 0, 0 };
    }
    p = &s->proxy[place];
    if (p->cluster == STORE_NONE) {
        /* Whatever changes a spare takes an epoch. */
        return (store_key_t){ s->epoch, 0 };
    }
    return (store_key_t){
        .epoch = s->cluster[p->cluster]->epoch,
        .stamp = s->cluster[p->cluster]->stamp,
    };
}

store_key_t
store_cancelling_key(const store_t *s)
{
    return (store_key_t){ .epoch = s->epoch, .stamp = s->serial };
}

/* Tasks to be undone, for the coordinator to tell the proxies. */
void
store_view_cancelling(const store_t *s, um_sbuf_t *out)
{
    const char *comma = "";

    um_sbuf_addz(out, "{\"tasks\":[");
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[i]];

        for (uint32_t k = 0; k < c->tasks; k++) {
            const store_task_t *t = &c->task[k];

            if (!t->cancelling) {
                continue;
            }
            um_sbuf_addz(out, comma);
            comma = ",";
            um_sbuf_addz(out, "{\"cluster_name\":");
            store_json_str(out, um_str_of(c->name));
            um_sbuf_addf(out, ",\"source_undone\":%s,\"destination_undone\":%s",
                t->undone[0] ? "true" : "false",
                t->undone[1] ? "true" : "false");
            um_sbuf_addz(out, ",\"slot_range\":");
            store_json_task(s, c, t, "Migrating", out);
            um_sbuf_add(out, "}", 1);
        }
    }
    um_sbuf_addz(out, "]}");
}
