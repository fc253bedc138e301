/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_view.h"

#include <string.h>

/* ---- Slots -------------------------------------------------------------- */

bool
um_ctl_task_parse(um_ctl_task_t *t, const cJSON *meta)
{
    t->src_proxy = um_ctl_json_text(meta, "src_proxy_address");
    t->src_node = um_ctl_json_text(meta, "src_node_address");
    t->dst_proxy = um_ctl_json_text(meta, "dst_proxy_address");
    t->dst_node = um_ctl_json_text(meta, "dst_node_address");
    return t->src_proxy != NULL && t->src_node != NULL && t->dst_proxy != NULL
           && t->dst_node != NULL && um_ctl_json_u64(meta, "epoch", &t->epoch);
}

static bool
parse_slots(um_ctl_view_t *v, um_ctl_node_t *n, const cJSON *item, um_pool_t *p)
{
    const cJSON *tag = cJSON_GetObjectItemCaseSensitive(item, "tag");
    const cJSON *out = um_ctl_json_object(tag, "Migrating");
    const cJSON *in = um_ctl_json_object(tag, "Importing");
    um_ctl_task_t task;

    if (!um_ctl_slots_parse(&task.slots, item, p)) {
        return false;
    }
    if (out == NULL && in == NULL) {
        um_ctl_slots_join(&n->slots, &task.slots, p);
        return cJSON_IsString(tag) && strcmp(tag->valuestring, "None") == 0;
    }

    um_ctl_slots_join(out != NULL ? &n->leaving : &n->coming, &task.slots, p);
    if (!um_ctl_task_parse(&task, out != NULL ? out : in)) {
        return false;
    }
    if (out != NULL) {
        v->task[v->tasks++] = task;
    }
    return true;
}

/* ---- Nodes -------------------------------------------------------------- */

static void
add_proxy(um_ctl_view_t *v, const char *proxy)
{
    for (size_t i = v->proxies; i > 0; i--) {
        if (strcmp(v->proxy[i - 1], proxy) == 0) {
            return;
        }
    }
    v->proxy[v->proxies++] = proxy;
}

static bool
parse_node(um_ctl_view_t *v, const cJSON *item, um_pool_t *p)
{
    um_ctl_node_t *n = &v->node[v->nodes++];
    const cJSON *slots = um_ctl_json_list(item, "slots");
    const char *role = um_ctl_json_text(
        cJSON_GetObjectItemCaseSensitive(item, "repl"), "role");
    const cJSON *range;

    n->node = um_ctl_json_text(item, "address");
    n->proxy = um_ctl_json_text(item, "proxy_address");
    if (n->node == NULL || n->proxy == NULL || slots == NULL || role == NULL) {
        return false;
    }

    add_proxy(v, n->proxy);
    n->master = strcmp(role, "master") == 0;
    cJSON_ArrayForEach(range, slots)
    {
        if (!parse_slots(v, n, range, p)) {
            return false;
        }
    }
    return n->master || strcmp(role, "replica") == 0;
}

/* How many slot ranges there are, which is more than there are tasks. */
static size_t
count_ranges(const cJSON *nodes)
{
    const cJSON *item;
    size_t n = 0;

    cJSON_ArrayForEach(item, nodes)
    {
        n += (size_t) cJSON_GetArraySize(um_ctl_json_list(item, "slots"));
    }
    return n;
}

/* Epoch and nodes, which a cluster and a proxy have alike. */
static const char *
parse_nodes(um_ctl_view_t *v, const cJSON *object, um_pool_t *p)
{
    const cJSON *nodes = um_ctl_json_list(object, "nodes");
    const cJSON *item;
    size_t n;

    if (v->name == NULL || nodes == NULL
        || !um_ctl_json_u64(object, "epoch", &v->epoch))
    {
        return "it has no name, epoch or nodes";
    }

    n = (size_t) cJSON_GetArraySize(nodes);
    v->node = um_ctl_array(p, n, sizeof(*v->node));
    v->proxy = um_ctl_array(p, n, sizeof(*v->proxy));
    v->task = um_ctl_array(p, count_ranges(nodes), sizeof(*v->task));
    cJSON_ArrayForEach(item, nodes)
    {
        if (!parse_node(v, item, p)) {
            return "a node has no address, role or slots";
        }
    }
    return NULL;
}

const char *
um_ctl_view_parse(um_ctl_view_t *v, const cJSON *cluster, um_pool_t *p)
{
    memset(v, 0, sizeof(*v));
    v->name = um_ctl_json_text(cluster, "name");
    v->config = um_ctl_json_object(cluster, "config");
    return parse_nodes(v, cluster, p);
}

const char *
um_ctl_view_proxy(um_ctl_view_t *v, const cJSON *proxy, um_pool_t *p)
{
    memset(v, 0, sizeof(*v));
    v->name = um_ctl_json_text(proxy, "address");
    return parse_nodes(v, proxy, p);
}

uint32_t
um_ctl_view_owned(const um_ctl_view_t *v, size_t chunk)
{
    uint32_t n = 0;

    for (size_t i = UM_CTL_CHUNK_NODES * chunk;
         i < v->nodes && i < UM_CTL_CHUNK_NODES * (chunk + 1); i++)
    {
        n += um_ctl_slots_count(&v->node[i].slots)
             + um_ctl_slots_count(&v->node[i].leaving);
    }
    return n;
}

/* What a chunk is to have: both masters' share, the first ones one more. */
static uint32_t
chunk_share(size_t chunk, size_t chunks)
{
    uint32_t masters = (uint32_t) (2 * chunks);
    uint32_t first = (uint32_t) (2 * chunk);
    uint32_t more = UM_SLOTS % masters;
    uint32_t extra = more > first ? um_min(more - first, 2U) : 0;

    return chunk < chunks ? 2 * (UM_SLOTS / masters) + extra : 0;
}

uint32_t
um_ctl_view_left(const um_ctl_view_t *v, size_t nodes)
{
    size_t chunks = um_max(nodes / UM_CTL_CHUNK_NODES, (size_t) 1);
    uint32_t left = 0;

    for (size_t i = 0; UM_CTL_CHUNK_NODES * i < v->nodes; i++) {
        uint32_t owned = um_ctl_view_owned(v, i);
        uint32_t share = chunk_share(i, chunks);

        left += owned > share ? owned - share : 0;
    }
    return left;
}
