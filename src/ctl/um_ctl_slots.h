/*
 * um_ctl_slots.h -- ranges of slots: from JSON, in words, counted.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_SLOTS_H
#define UM_CTL_SLOTS_H

#include "core/um_slot.h"
#include "ctl/um_ctl_json.h"

typedef struct {
    uint32_t from, to; /* both are in it */
} um_ctl_range_t;

typedef struct {
    um_ctl_range_t *range; /* in the pool */
    size_t n;
} um_ctl_slots_t;

/* "range_list" of a slot range; false: it is none. */
UM_MUSTCHECK bool um_ctl_slots_parse(
    um_ctl_slots_t *s, const cJSON *slot_range, um_pool_t *p);

/* `more` behind `s`. */
void um_ctl_slots_join(
    um_ctl_slots_t *s, const um_ctl_slots_t *more, um_pool_t *p);

uint32_t um_ctl_slots_count(const um_ctl_slots_t *s);

/* "0-8191,9000"; of more than `most` ranges the first and how many there are:
 * "0-1,5-6,... (12 ranges)". */
void um_ctl_slots_put(um_sbuf_t *out, const um_ctl_slots_t *s, size_t most);

/* [[0,8191],[9000,9000]] */
cJSON *um_ctl_slots_json(const um_ctl_slots_t *s);

/* Slots seen so far. */
typedef struct {
    uint8_t owners[UM_SLOTS];
} um_ctl_cover_t;

void um_ctl_cover_add(um_ctl_cover_t *c, const um_ctl_slots_t *s);

/* Those that have so many owners (2: or more). */
void um_ctl_cover_having(
    const um_ctl_cover_t *c, unsigned owners, um_ctl_slots_t *s, um_pool_t *p);

#endif /* UM_CTL_SLOTS_H */
