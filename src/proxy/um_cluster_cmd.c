/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_cluster_cmd.h"

#include <errno.h>
#include <stdlib.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_cluster_text.h"
#include "proxy/um_slot_keys.h"
#include "proxy/um_subcmd.h"
#include "resp/um_put.h"

typedef enum {
    CACHED_NODES,
    CACHED_SLOTS,
    CACHED_SHARDS,
    CACHED_MAX,
} cached_t;

/* Whole replies, in both versions of RESP. */
struct um_cluster_cache_s {
    uint64_t gen; /* of all that is not empty */
    um_sbuf_t reply[CACHED_MAX][2];
};

um_cluster_cache_t *
um_cluster_cache_new(void)
{
    um_cluster_cache_t *cache = calloc(1, sizeof(*cache));

    if (cache == NULL) {
        um_log_error(errno, "CLUSTER: out of memory");
    }

    return cache;
}

/* Texts of one topology are worth nothing for another. */
static void
cache_clear(um_cluster_cache_t *cache)
{
    for (int i = 0; i < CACHED_MAX; i++) {
        um_sbuf_deinit(&cache->reply[i][0]);
        um_sbuf_deinit(&cache->reply[i][1]);
    }
}

void
um_cluster_cache_free(um_cluster_cache_t *cache)
{
    if (cache != NULL) {
        cache_clear(cache);
        free(cache);
    }
}

static um_cluster_face_t
cluster_face(const um_worker_t *w)
{
    return (um_cluster_face_t){
        .topo = w->topo,
        .announce = um_str_of(w->conf->announce.text),
        .nodes_v1 = w->conf->nodes_v1,
    };
}

static void
cached_make(const um_worker_t *w, cached_t what, int proto, um_sbuf_t *reply)
{
    um_cluster_face_t face = cluster_face(w);
    um_sbuf_t text = { 0 };

    switch (what) {
    case CACHED_SLOTS:
        um_cluster_slots(&face, proto, reply);
        break;

    case CACHED_SHARDS:
        um_cluster_shards(&face, proto, reply);
        break;

    default:
        um_cluster_nodes(&face, &text);
        um_put_text(reply, (um_str_t){ text.data, text.len }, proto);
        reply->failed |= text.failed;
        um_sbuf_deinit(&text);
        break;
    }
}

static void
cached_answer(um_req_t *r, cached_t what)
{
    um_worker_t *w = r->w;
    um_cluster_cache_t *cache = w->clusters;
    int proto = r->client->st.proto;
    um_sbuf_t *reply = &cache->reply[what][proto == 3], *o;

    if (cache->gen != w->gen) {
        cache_clear(cache);
        cache->gen = w->gen;
    }

    if (reply->len == 0) {
        cached_make(w, what, proto, reply);
    }

    o = um_req_begin(r);
    if (reply->failed) {
        o->failed = true;
        um_sbuf_deinit(reply);
    } else {
        um_sbuf_add(o, reply->data, reply->len);
    }
    um_req_end(r);
}

static void
cluster_nodes(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    (void) argv;
    (void) argc;
    cached_answer(r, CACHED_NODES);
}

static void
cluster_slots(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    (void) argv;
    (void) argc;
    cached_answer(r, CACHED_SLOTS);
}

static void
cluster_shards(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    (void) argv;
    (void) argc;
    cached_answer(r, CACHED_SHARDS);
}

static void
cluster_info(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_cluster_face_t face = cluster_face(r->w);
    um_sbuf_t text = { 0 };
    um_sbuf_t *o;

    (void) argv;
    (void) argc;
    um_cluster_info(&face, &text);
    o = um_req_begin(r);
    um_put_text(o, (um_str_t){ text.data, text.len }, r->client->st.proto);
    o->failed |= text.failed;
    um_req_end(r);
    um_sbuf_deinit(&text);
}

static void
cluster_myid(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_cluster_face_t face = cluster_face(r->w);
    char id[UM_CLUSTER_ID_LEN];
    um_sbuf_t *o;

    (void) argv;
    (void) argc;
    um_cluster_id(face.topo, face.announce, id);
    o = um_req_begin(r);
    um_put_bulk(o, (um_str_t){ id, sizeof(id) });
    um_req_end(r);
}

static void
cluster_keyslot(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argc;
    um_put_int(o, um_slot_of(argv[2]));
    um_req_end(r);
}

/* Proxies have no bus between them. */
static void
cluster_links(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_put_array(o, 0);
    um_req_end(r);
}

/* Nobody has any that clients may know. */
static void
cluster_replicas(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_cluster_face_t face = cluster_face(r->w);
    um_sbuf_t *o;

    (void) argc;
    if (!um_cluster_knows(&face, argv[2])) {
        um_req_error(r, "ERR Unknown node %.*s", um_str_fmt(argv[2]));
        return;
    }

    o = um_req_begin(r);
    um_put_array(o, 0);
    um_req_end(r);
}

static void
cluster_help(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const char *const lines[] = {
        "COUNTKEYSINSLOT <slot>",
        "    Return the number of keys in <slot>.",
        "GETKEYSINSLOT <slot> <count>",
        "    Return key names stored by current node in a slot.",
        "INFO",
        "    Return information about the cluster.",
        "KEYSLOT <key>",
        "    Return the hash slot for <key>.",
        "LINKS",
        "    Return information about all network links between this node and "
        "its peers.",
        "MYID",
        "    Return the node id.",
        "NODES",
        "    Return cluster configuration seen by node. Output format:",
        "    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> "
        "<slot> ...",
        "REPLICAS <node-id>",
        "    Return <node-id> replicas.",
        "SHARDS",
        "    Return information about slot range mappings and the nodes "
        "associated with them.",
        "SLOTS",
        "    Return information about slots range mappings. Each range is made "
        "of:",
        "    start, end, master and replicas IP addresses, ports and ids",
        NULL,
    };

    (void) argv;
    (void) argc;
    um_subcmd_help(r, "CLUSTER", lines);
}

static const um_subcmd_t subs[] = {
    { "nodes", cluster_nodes },
    { "slots", cluster_slots },
    { "shards", cluster_shards },
    { "info", cluster_info },
    { "myid", cluster_myid },
    { "keyslot", cluster_keyslot },
    { "links", cluster_links },
    { "countkeysinslot", um_slot_keys_count },
    { "getkeysinslot", um_slot_keys_get },
    { "replicas", cluster_replicas },
    { "slaves", cluster_replicas },
    { "help", cluster_help },
};

void
um_self_cluster(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}
