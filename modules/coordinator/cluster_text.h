/*
 * cluster_text.h -- UMCTL SETREPL and SETCLUSTER, from the view of a cluster.
 * Pure.
 *
 * A cluster of n proxies has n texts of n lines each, which differ in a few
 * lines only: what they have in common is made once, by text_prepare(), and
 * a text is pieces of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef CLUSTER_TEXT_H
#define CLUSTER_TEXT_H

#include "cluster_view.h"

#define TEXT_PIECES 4

/* CONFIG and five pairs. */
#define WORDS_OF_CONFIG 11

/* A request as it goes over the wire.  Zeroed is ready. */
typedef struct {
    um_sbuf_t own;               /* what only this one has              */
    um_str_t piece[TEXT_PIECES]; /* in own, or lent by the view         */
    uint32_t pieces;             /* 0: out of memory                    */
} text_t;

/* Fill peer_words and so on of a view whose nodes are there; `config` may be
 * NULL.  UM_ERR: no memory. */
UM_MUSTCHECK um_rc_t text_prepare(view_t *v, const cJSON *config);

/* For the i-th proxy of the view; the text before is forgotten. */
void text_setrepl(const view_t *v, uint32_t i, text_t *t);
void text_setcluster(const view_t *v, uint32_t i, text_t *t);
void text_setcluster_packed(const view_t *v, uint32_t i, text_t *t);

/* For one that is in no cluster. */
void text_spare_setrepl(
    uint64_t epoch, const char *const *node, uint32_t nodes, text_t *t);
void text_spare_setcluster(uint64_t epoch, text_t *t);

size_t text_len(const text_t *t);
void text_deinit(text_t *t);

#endif /* CLUSTER_TEXT_H */
