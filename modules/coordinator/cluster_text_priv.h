/*
 * cluster_text_priv.h -- what texts about a cluster are made of.
 *
 *   cluster_words.c   slots and configuration, as words and as JSON
 *   cluster_text.c    requests
 *   cluster_packed.c  the packed form
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef CLUSTER_TEXT_PRIV_H
#define CLUSTER_TEXT_PRIV_H

#include "cluster_text.h"

/* Words before those of nodes: UMCTL SETCLUSTER v2 EPOCH FLAGS NAME. */
#define TEXT_HEAD_WORDS 6

static inline const cJSON *
text_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Words of a request. */
void words_add(um_sbuf_t *b, um_str_t word);
void words_addz(um_sbuf_t *b, const char *word);
void words_add_u64(um_sbuf_t *b, uint64_t n);

/* Entries of one address, nothing for no slots; CONFIG and its pairs, with
 * their defaults for NULL.  How many words that were. */
uint32_t words_add_slots(um_sbuf_t *b, const char *address, const cJSON *slots);
uint32_t words_add_config(um_sbuf_t *b, const cJSON *config);

/* A value, and `"key":`. */
void json_add(um_sbuf_t *b, const cJSON *v);
void json_add_key(um_sbuf_t *b, const char *key);

/* A request of so many words, of which UMCTL and `what` are there now; and
 * nothing is added to t->own any more. */
void text_begin(text_t *t, uint32_t words, const char *what);
void text_own(text_t *t);

#endif /* CLUSTER_TEXT_PRIV_H */
