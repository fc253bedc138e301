/*
 * um_ctl_view.h -- a cluster as the broker shows it (GET clusters/meta), and
 * the store as it dumps it (GET metadata).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_VIEW_H
#define UM_CTL_VIEW_H

#include "ctl/um_ctl_slots.h"

#define UM_CTL_CHUNK_NODES 4

typedef struct {
    um_ctl_slots_t slots;
    uint64_t epoch;
    const char *src_proxy, *src_node, *dst_proxy, *dst_node;
} um_ctl_task_t;

typedef struct {
    const char *node;
    const char *proxy;
    bool master;
    um_ctl_slots_t slots;   /* that stay          */
    um_ctl_slots_t leaving; /* it still owns them */
    um_ctl_slots_t coming;
} um_ctl_node_t;

typedef struct {
    const char *name;
    uint64_t epoch;
    um_ctl_node_t *node; /* chunk by chunk */
    size_t nodes;
    um_ctl_task_t *task; /* that have begun, in the order of their sources */
    size_t tasks;
    const char **proxy; /* each once */
    size_t proxies;
    const cJSON *config; /* may be NULL */
} um_ctl_view_t;

/* NULL, or what is wrong with it.  Texts are lent by `cluster`. */
UM_MUSTCHECK const char *um_ctl_view_parse(
    um_ctl_view_t *v, const cJSON *cluster, um_pool_t *p);

/* The same of GET proxies/meta: `name` is the proxy's address. */
UM_MUSTCHECK const char *um_ctl_view_proxy(
    um_ctl_view_t *v, const cJSON *proxy, um_pool_t *p);

/* Where a task leads, and its epoch, of the inner part of a tag; false: it does
 * not say. */
UM_MUSTCHECK bool um_ctl_task_parse(um_ctl_task_t *t, const cJSON *meta);

/* Slots that a chunk's masters own now. */
uint32_t um_ctl_view_owned(const um_ctl_view_t *v, size_t chunk);

/* Slots that are not where they belong yet when the first `nodes` nodes are to
 * share them evenly; those that are on their way count. */
uint32_t um_ctl_view_left(const um_ctl_view_t *v, size_t nodes);

/* ---- The dump ----------------------------------------------------------- */

typedef struct {
    const char *address;
    const char *node[2];
    const char *host;
    const char *cluster; /* NULL: none */
    uint64_t index;
    bool failed;      /* marked so                   */
    bool dead;        /* by a quorum: GET failures   */
    uint32_t reports; /* that say so                 */
} um_ctl_proxy_t;

typedef struct {
    const char *cluster;
    const char *proxy[2];
    const char *host[2];
} um_ctl_chunk_t;

typedef struct {
    uint64_t epoch;
    bool ordered;
    um_ctl_proxy_t *proxy; /* by address */
    size_t proxies;
    um_ctl_chunk_t *chunk;
    size_t chunks;
    uint32_t *tasks; /* of each cluster, in the order of `cluster` */
    const char **cluster;
    size_t clusters; /* by name */
} um_ctl_store_t;

/* As um_ctl_view_parse(). */
UM_MUSTCHECK const char *um_ctl_store_parse(
    um_ctl_store_t *s, const cJSON *dump, um_pool_t *p);

/* Mark those that GET failures lists as dead. */
void um_ctl_store_dead(um_ctl_store_t *s, const cJSON *failures);

/* NULL: there is none. */
um_ctl_proxy_t *um_ctl_store_proxy(
    const um_ctl_store_t *s, const char *address);

/* "used", "spare", "failed", "to be replaced", "dead", "suspected". */
const char *um_ctl_proxy_state(const um_ctl_proxy_t *p);

#endif /* UM_CTL_VIEW_H */
