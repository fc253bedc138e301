/*
 * spare.c -- what the broker says of proxies in no cluster.
 *
 * That a proxy is missing in the views of clusters does not make it a spare: a
 * list may have been read while it changed.  It is told that it owns nothing
 * only when the broker has said so of this one, and with the epoch of that
 * answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "coord.h"
#include "core/um_log.h"

/* Asked about at once. */
#define SPARES_OPEN 4

#define SPARE_PAUSE_MS 1000

typedef struct {
    bool in_cluster;
    uint64_t epoch;
    const char *node[COORD_NODES];
    uint32_t nodes;
} spare_view_t;

/* False: it is no proxy, or unknown to the broker. */
static bool
spare_read(const cJSON *json, spare_view_t *out)
{
    const cJSON *proxy = cJSON_GetObjectItemCaseSensitive(json, "proxy");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(proxy, "cluster_name");
    const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(proxy, "epoch");
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(proxy, "nodes");
    const cJSON *n;

    if (!cJSON_IsObject(proxy) || !cJSON_IsNumber(epoch)
        || epoch->valuedouble < 0 || epoch->valuedouble > 9007199254740992.0)
    {
        return false;
    }

    *out = (spare_view_t){
        .in_cluster = cJSON_IsString(name),
        .epoch = (uint64_t) epoch->valuedouble,
    };
    cJSON_ArrayForEach(n, nodes)
    {
        const cJSON *addr = cJSON_GetObjectItemCaseSensitive(n, "address");

        if (!cJSON_IsString(addr) || out->nodes == COORD_NODES
            || strlen(addr->valuestring) > UM_ADDR_TEXT_MAX)
        {
            return false;
        }
        out->node[out->nodes++] = addr->valuestring;
    }

    return true;
}

static void
spare_take(coord_proxy_t *p, const spare_view_t *v)
{
    bool same = p->nodes == v->nodes;

    for (uint32_t i = 0; i < v->nodes; i++) {
        same = same && strcmp(p->node[i], v->node[i]) == 0;
        snprintf(p->node[i], sizeof(p->node[i]), "%s", v->node[i]);
    }

    p->nodes = v->nodes;
    p->taken_spare = p->taken_spare && same;
    p->spare = SPARE_KNOWN;
    p->spare_epoch = v->epoch;
    push_consider(p);
}

static void
spare_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);
    cJSON *json = NULL;
    spare_view_t v;

    co->spare_asking--;
    if (p != NULL && p->spare == SPARE_ASKED) {
        p->spare = SPARE_UNKNOWN;
        p->spare_after_ns = um_loop_now(co->loop) + SPARE_PAUSE_MS * NS_PER_MS;
        if (a->status == 200 && p->spare_turn == brokers_turn(co->brokers)) {
            json = cJSON_ParseWithLength(a->body.data, a->body.len);
        }
        if (p->view == NULL && spare_read(json, &v)) {
            if (v.in_cluster) {
                sync_now(co); /* the views that we have are not all */
            } else {
                spare_take(p, &v);
            }
        }
    }
    cJSON_Delete(json);
    spare_ask(co);
}

static void
spare_ask_one(coord_proxy_t *p)
{
    coord_t *co = p->co;
    um_sbuf_t target = { 0 };

    coord_target(&target, "/proxies/meta/", p->address, "");
    if (!target.failed) {
        const broker_ask_t ask = {
            .method = UM_HTTP_GET,
            .target = um_sbuf_cstr(&target),
            .view = true,
            .about = p->address,
        };

        if (brokers_ask(co->brokers, &ask, spare_on_answer, co) == UM_OK) {
            co->spare_asking++;
            p->spare = SPARE_ASKED;
            p->spare_turn = brokers_turn(co->brokers);
            p->spare_asked_ns = um_loop_now(co->loop);
        }
    }
    um_sbuf_deinit(&target);
}

void
spare_ask(coord_t *co)
{
    uint64_t now = um_loop_now(co->loop);

    for (uint32_t i = 0; i < co->proxies && co->spare_asking < SPARES_OPEN; i++)
    {
        coord_proxy_t *p = co->proxy[i];

        if (p->view == NULL && p->listed && p->spare == SPARE_UNKNOWN
            && p->spare_after_ns <= now)
        {
            spare_ask_one(p);
        }
    }
}

/* Its nodes might be others now: it was taken away and registered anew. */
void
spare_ask_again(coord_t *co)
{
    for (uint32_t tries = 0; tries < co->proxies; tries++) {
        coord_proxy_t *p = co->proxy[co->spare_at++ % co->proxies];

        if (p->view == NULL && p->listed && p->spare == SPARE_KNOWN) {
            spare_ask_one(p);
            return;
        }
    }
}
