/*
 * cluster_view.h -- what the broker says of one cluster, and what all pushes
 * to its proxies have in common, made once.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef CLUSTER_VIEW_H
#define CLUSTER_VIEW_H

#include <cjson/cJSON.h>

#include "core/um_list.h"
#include "core/um_sbuf.h"

#define VIEW_NODES_MAX 16384 /* of one cluster  */
#define VIEW_NONE      UINT32_MAX

/* Texts belong to `json` of the view. */
typedef struct {
    const char *address;
    const cJSON *slots; /* of SlotRange, well-formed */
    const cJSON *peers;
    uint32_t proxy; /* whose it is       */
    uint32_t next;  /* of its proxy's; VIEW_NONE: no more */
    bool master;
} view_node_t;

typedef struct {
    const char *address;
    uint32_t first; /* its nodes, in the order of the view */
    uint32_t last;
    bool imports;          /* a master of it imports slots      */
    bool has_empty_master; /* a master of it has no slots       */

    /* What the others are told of it: where in peer_words and peer_json. */
    size_t words_at;
    size_t words_len;
    uint32_t words;
    size_t json_at;
    size_t json_len;

    struct coord_proxy_s *who; /* sync.c: who that is; NULL: nobody yet */
} view_proxy_t;

typedef struct {
    um_list_t link; /* in the list of its owner */
    cJSON *json;
    uint64_t crc;  /* of the text it was made from */
    char etag[80]; /* "": none */
    const char *name;
    uint64_t epoch;
    view_node_t *node;
    uint32_t nodes;
    view_proxy_t *proxy; /* in the order of the view */
    uint32_t proxies;
    bool moving;     /* slots move: the order of pushes matters */
    bool cancelling; /* and some of them are taken back */

    um_sbuf_t peer_words; /* of each proxy, one behind the other */
    um_sbuf_t config_words;
    uint32_t config_count;
    um_sbuf_t peer_json;   /* "addr":[..],"addr":[..] */
    um_sbuf_t config_json; /* {..} */

    uint64_t round; /* sync.c: the latest that has found it as it is */

    /* push.c */
    bool ordered; /* they go in waves, and this one is under way: */
    uint32_t wave;
    uint64_t wave_until_ns;
} view_t;

/*
 * From the body of GET clusters/meta/<name>.  UM_OK: `*out` is the caller's.
 * UM_DONE: there is no such cluster.  UM_DECLINED: it is no view; `*wrong`
 * says why, static.  UM_ERR: no memory.
 */
UM_MUSTCHECK um_rc_t view_parse(
    um_str_t text, view_t **out, const char **wrong);
void view_free(view_t *v);

/* VIEW_NONE: it is not there. */
uint32_t view_find_proxy(const view_t *v, const char *address);

#define view_each_node(v, n, p)                                                \
    for (uint32_t n = (p)->first; n != VIEW_NONE; n = (v)->node[n].next)

#endif /* CLUSTER_VIEW_H */
