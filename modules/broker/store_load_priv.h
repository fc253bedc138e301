/*
 * store_load_priv.h -- reading a dump: where we are, what is wrong there.
 *
 * Every function that reads says false when something is wrong; the first to
 * know has said so in load_fail().
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STORE_LOAD_PRIV_H
#define STORE_LOAD_PRIV_H

#include "store_priv.h"

#include <cjson/cJSON.h>

typedef struct {
    store_t *s;
    store_why_t *why; /* field: the path so far, while nothing is wrong */
    store_rc_t rc;
    uint64_t epoch_max;
    bool old; /* mem-broker-0.1 */
} load_t;

/* Go down to a member or an element; up again to where `mark` was. */
size_t load_down(load_t *l, const char *member);
size_t load_item(load_t *l, size_t i);
void load_up(load_t *l, size_t mark);

/* Something is wrong here; false. */
bool load_fail(load_t *l, const char *message);
bool load_nomem(load_t *l);

/* The member, which must be there; NULL when it is not, and said so.  The
 * path is at the member until load_up(). */
const cJSON *load_member(
    load_t *l, const cJSON *object, const char *name, size_t *mark);

bool load_number(
    load_t *l, const cJSON *v, uint64_t min, uint64_t max, uint64_t *out);
bool load_string(load_t *l, const cJSON *v, um_str_t *out);
bool load_bool(load_t *l, const cJSON *v, bool *out);

/* An array of exactly n, or of any number (SIZE_MAX). */
bool load_array(load_t *l, const cJSON *v, size_t n);
bool load_object(load_t *l, const cJSON *v);

/* A member that must be a number, in one step; likewise the others. */
bool load_number_of(load_t *l, const cJSON *object, const char *name,
    uint64_t min, uint64_t max, uint64_t *out);
bool load_string_of(
    load_t *l, const cJSON *object, const char *name, um_str_t *out);
bool load_bool_of(load_t *l, const cJSON *object, const char *name, bool *out);

/* --- store_load_slots.c -------------------------------------------------- */

/* {"range_list":[[a,b],..],..}; slots not seen before are marked in `seen`
 * (NULL: any will do), others are wrong. */
bool load_ranges(
    load_t *l, const cJSON *v, uint8_t *seen, store_ranges_t **out);

/* The tasks of all chunks: sources, then their destinations. */
bool load_tasks(
    load_t *l, const cJSON *chunks, store_cluster_t *c, uint8_t *seen);

/* --- store_load_cluster.c, store_load_ours.c ----------------------------- */

bool load_clusters(load_t *l, const cJSON *v);
bool load_ours(load_t *l, const cJSON *v); /* NULL is fine */

#endif /* STORE_LOAD_PRIV_H */
