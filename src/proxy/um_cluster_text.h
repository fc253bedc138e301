/*
 * um_cluster_text.h -- CLUSTER NODES, SLOTS, SHARDS and INFO in the words of
 * Redis 7, from a topology: one node per proxy, all local nodes folded into
 * ours.
 *
 * Slots are told as they are routed: each once, at its owner, none above
 * 16383.  Pure; a cluster of 2,000 proxies takes about a millisecond.  Out of
 * memory leaves `out` failed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLUSTER_TEXT_H
#define UM_CLUSTER_TEXT_H

#include "core/um_sbuf.h"
#include "meta/um_topo.h"

typedef struct {
    const um_topo_t *topo;
    um_str_t announce; /* our announce_address                */
    bool nodes_v1;     /* CLUSTER NODES without the "@5299" */
} um_cluster_face_t;

#define UM_CLUSTER_ID_LEN 40

/*
 * The id of a proxy (dataplane.md 2.3): the cluster's name padded to 24, the
 * CRC-64 of the address in hex padded to 16.  Not NUL-terminated.
 */
void um_cluster_id(
    const um_topo_t *topo, um_str_t addr, char id[UM_CLUSTER_ID_LEN]);

/* Is `id` the id of ours or of a peer? */
bool um_cluster_knows(const um_cluster_face_t *face, um_str_t id);

void um_cluster_nodes(const um_cluster_face_t *face, um_sbuf_t *out);
void um_cluster_info(const um_cluster_face_t *face, um_sbuf_t *out);

/* These two are RESP already, in version `proto`. */
void um_cluster_slots(const um_cluster_face_t *face, int proto, um_sbuf_t *out);
void um_cluster_shards(
    const um_cluster_face_t *face, int proto, um_sbuf_t *out);

#endif /* UM_CLUSTER_TEXT_H */
