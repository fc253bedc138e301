/*
 * bench_cluster_text.c -- CLUSTER NODES, SLOTS and SHARDS of 2,000 proxies
 * with two runs of slots each: made once per topology, inside a turn, so they
 * have to stay below 5 ms.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "meta/um_topo_build.h"
#include "proxy/um_cluster_text.h"
#include "um_bench.h"

#define PROXIES 2000

static um_topo_t topo;
static um_sbuf_t text;

static void
topo_make(void)
{
    um_topo_build_t *b = um_topo_build_new(&topo);
    char name[64];

    if (b == NULL) {
        abort();
    }

    um_topo_build_peers(b);
    for (uint32_t i = 0; i < 2 * PROXIES; i++) {
        snprintf(name, sizeof(name), "proxy-%04u.rack-%02u.example:5299",
            i % PROXIES, i % 40);
        if (um_topo_build_addr(b, um_str_of(name)) != UM_OK
            || um_topo_build_entry(b) != UM_OK
            || um_topo_build_range(b, 4 * i, 4 * i + 3) != UM_OK)
        {
            abort();
        }
        um_topo_build_entry_end(b);
    }

    um_topo_build_finish(b);
    um_topo_build_free(b);
}

static uint64_t
nodes(void *ctx, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        um_sbuf_clear(&text);
        um_cluster_nodes(ctx, &text);
    }

    return text.len;
}

static uint64_t
slots(void *ctx, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        um_sbuf_clear(&text);
        um_cluster_slots(ctx, 2, &text);
    }

    return text.len;
}

static uint64_t
shards(void *ctx, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        um_sbuf_clear(&text);
        um_cluster_shards(ctx, 2, &text);
    }

    return text.len;
}

int
main(void)
{
    um_cluster_face_t face = { &topo, um_lit("127.0.0.1:5299"), false };

    topo_make();
    um_bench_run("cluster nodes: 2,000 proxies", nodes, &face);
    um_bench_run("cluster slots: 2,000 proxies", slots, &face);
    um_bench_run("cluster shards: 2,000 proxies", shards, &face);
    um_sbuf_deinit(&text);
    return EXIT_SUCCESS;
}
