/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_topo.h"

#include <string.h>

/* The defaults of dataplane.md 3.3. */
#define TOPO_MIGRATION_TIME 10800
#define TOPO_BLOCKING_TIME  10000
#define TOPO_SCAN_INTERVAL  500
#define TOPO_SCAN_COUNT     16

/* All that lies before the arrays: counts, name, config. */
#define TOPO_HEAD offsetof(um_topo_t, owner)

void
um_topo_config_default(um_topo_t *t)
{
    t->compression = UM_COMPRESS_OFF;
    t->max_migration_time = TOPO_MIGRATION_TIME;
    t->max_blocking_time = TOPO_BLOCKING_TIME;
    t->scan_interval = TOPO_SCAN_INTERVAL;
    t->scan_count = TOPO_SCAN_COUNT;
}

void
um_topo_clear(um_topo_t *t)
{
    memset(t, 0, TOPO_HEAD);
    um_topo_config_default(t);

    _Static_assert(UM_TOPO_NO_OWNER == 0xffff, "all bits set");
    memset(t->owner, 0xff, sizeof(t->owner));
}

/* One load: the value that is checked must be the value that is used. */
static uint32_t
topo_count(const uint32_t *shared, uint32_t max)
{
    uint32_t n = __atomic_load_n(shared, __ATOMIC_RELAXED);

    return n <= max ? n : max;
}

void
um_topo_copy(um_topo_t *to, const um_topo_t *from)
{
    uint32_t addrs = topo_count(&from->addr_count, UM_TOPO_ADDRS);
    uint32_t locals = topo_count(&from->local_count, addrs);
    uint32_t entries = topo_count(&from->entry_count, UM_TOPO_ENTRIES);
    uint32_t ranges = topo_count(&from->range_count, UM_TOPO_RANGES);
    uint32_t migrs = topo_count(&from->migr_count, UM_TOPO_MIGRS);
    uint32_t text = topo_count(&from->text_len, UM_TOPO_TEXT);

    memcpy(to, from, TOPO_HEAD);
    to->addr_count = addrs;
    to->local_count = locals;
    to->entry_count = entries;
    to->range_count = ranges;
    to->migr_count = migrs;
    to->text_len = text;

    memcpy(to->owner, from->owner, sizeof(to->owner));
    memcpy(to->addr, from->addr, addrs * sizeof(to->addr[0]));
    memcpy(to->entry, from->entry, entries * sizeof(to->entry[0]));
    memcpy(to->range, from->range, ranges * sizeof(to->range[0]));
    memcpy(to->migr, from->migr, migrs * sizeof(to->migr[0]));
    memcpy(to->text, from->text, text);
}

/* The first slot from `s` on that nobody owns yet; halves the way there. */
static uint32_t
own_next_free(uint16_t *next, uint32_t s)
{
    while (next[s] != s) {
        next[s] = next[next[s]];
        s = next[s];
    }

    return s;
}

static void
own_range(uint16_t *owner, uint16_t *next, uint32_t a, const um_topo_range_t *r)
{
    uint32_t end = r->end < UM_SLOTS ? r->end : UM_SLOTS - 1;
    uint32_t s;

    if (r->start >= UM_SLOTS) {
        return;
    }

    for (s = own_next_free(next, r->start); s <= end;
         s = own_next_free(next, s)) {
        owner[s] = (uint16_t) a;
        next[s] = (uint16_t) (s + 1);
    }
}

/*
 * Local addresses come first in addr[], and whoever comes first keeps a slot:
 * `next` leads past the taken ones, so many overlapping ranges cost no more
 * than disjoint ones.
 */
static void
own_all(const um_topo_t *t, uint16_t *owner)
{
    uint16_t next[UM_SLOTS + 1];

    for (uint32_t s = 0; s <= UM_SLOTS; s++) {
        next[s] = (uint16_t) s;
    }

    memset(owner, 0xff, UM_SLOTS * sizeof(*owner));

    for (uint32_t a = 0; a < t->addr_count; a++) {
        const um_topo_entry_t *e = &t->entry[t->addr[a].first_entry];

        for (uint32_t i = 0; i < t->addr[a].entry_count; i++, e++) {
            if (e->tag == UM_TAG_IMPORTING) {
                continue;
            }

            for (uint32_t k = 0; k < e->range_count; k++) {
                own_range(owner, next, a, &t->range[e->first_range + k]);
            }
        }
    }
}

void
um_topo_own(um_topo_t *t)
{
    own_all(t, t->owner);
}

/* Is [first, first + count) inside [0, total)? */
static bool
run_fits(uint32_t first, uint32_t count, uint32_t total)
{
    return first <= total && count <= total - first;
}

static bool
text_fits(const um_topo_t *t, um_topo_text_t ref)
{
    return run_fits(ref.off, ref.len, t->text_len);
}

static bool
entry_check(const um_topo_t *t, const um_topo_entry_t *e)
{
    const um_topo_range_t *r;

    if (!run_fits(e->first_range, e->range_count, t->range_count)
        || e->tag > UM_TAG_IMPORTING
        || (e->tag != UM_TAG_NONE && e->migr >= t->migr_count))
    {
        return false;
    }

    r = &t->range[e->first_range];
    for (uint32_t i = 0; i < e->range_count; i++) {
        if (r[i].start > r[i].end) {
            return false;
        }

        if (i > 0 && r[i].start <= (uint64_t) r[i - 1].end + 1) {
            return false;
        }
    }

    return true;
}

static bool
addr_check(const um_topo_t *t, const um_topo_addr_t *a)
{
    if (!text_fits(t, a->name)
        || !run_fits(a->first_entry, a->entry_count, t->entry_count))
    {
        return false;
    }

    for (uint32_t i = 0; i < a->entry_count; i++) {
        if (!entry_check(t, &t->entry[a->first_entry + i])) {
            return false;
        }
    }

    return true;
}

static bool
counts_check(const um_topo_t *t)
{
    return t->addr_count <= UM_TOPO_ADDRS && t->local_count <= t->addr_count
           && t->entry_count <= UM_TOPO_ENTRIES
           && t->range_count <= UM_TOPO_RANGES && t->migr_count <= UM_TOPO_MIGRS
           && t->text_len <= UM_TOPO_TEXT
           && t->cluster[UM_TOPO_NAME_MAX] == '\0'
           && t->compression <= UM_COMPRESS_ALL;
}

bool
um_topo_check(const um_topo_t *t)
{
    uint16_t owner[UM_SLOTS];

    if (!counts_check(t)) {
        return false;
    }

    for (uint32_t a = 0; a < t->addr_count; a++) {
        if (!addr_check(t, &t->addr[a])) {
            return false;
        }
    }

    for (uint32_t m = 0; m < t->migr_count; m++) {
        const um_topo_migr_t *migr = &t->migr[m];

        if (!text_fits(t, migr->src_proxy) || !text_fits(t, migr->src_node)
            || !text_fits(t, migr->dst_proxy) || !text_fits(t, migr->dst_node))
        {
            return false;
        }
    }

    own_all(t, owner);
    return memcmp(owner, t->owner, sizeof(owner)) == 0;
}
