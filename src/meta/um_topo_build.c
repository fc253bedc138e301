/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_topo_build.h"

#include <stdlib.h>
#include <string.h>

/* Distinct texts: addresses, and those only migrations name. */
#define BUILD_TEXTS     32768 /* a power of two */
#define BUILD_TEXTS_MAX (BUILD_TEXTS / 4 * 3)

/* A text that is in t->text, and the addresses it names, plus one. */
typedef struct {
    um_topo_text_t ref;
    uint32_t used;
    uint32_t local;
    uint32_t peer;
    uint32_t peer_round; /* `peer` means something in this round only */
} build_text_t;

/* How full the tables are. */
typedef struct {
    uint32_t addrs, entries, ranges, migrs;
} build_mark_t;

struct um_topo_build_s {
    um_topo_t *t;
    const char *error;
    bool in_peers;
    uint32_t peer_round;
    uint32_t addr; /* the latest */
    uint32_t text_count;
    build_mark_t locals; /* where the peers began */

    /* Entries in the order of the message, and whose they are. */
    um_topo_entry_t entry[UM_TOPO_ENTRIES];
    uint16_t entry_addr[UM_TOPO_ENTRIES];

    build_text_t text[BUILD_TEXTS];
};

um_topo_build_t *
um_topo_build_new(um_topo_t *t)
{
    um_topo_build_t *b = calloc(1, sizeof(*b));

    if (b != NULL) {
        b->t = t;
        um_topo_clear(t);
    }

    return b;
}

void
um_topo_build_free(um_topo_build_t *b)
{
    free(b);
}

const char *
um_topo_build_error(const um_topo_build_t *b)
{
    return b->error;
}

static um_rc_t
build_fail(um_topo_build_t *b, const char *error)
{
    b->error = error;
    return UM_DECLINED;
}

/* FNV-1a. */
static uint32_t
text_hash(um_str_t s)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (unsigned char) s.data[i]) * 16777619u;
    }

    return h ^ h >> 15;
}

/* Addresses are shown in texts that blanks and line ends divide. */
static bool
text_is_clean(um_str_t s)
{
    if (s.len == 0 || s.len > UM_TOPO_ADDR_MAX) {
        return false;
    }

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char) s.data[i];

        if (c <= ' ' || c == 0x7f) {
            return false;
        }
    }

    return true;
}

/* The one place of text `s`, made when it is new.  NULL: see b->error. */
static build_text_t *
build_intern(um_topo_build_t *b, um_str_t s)
{
    um_topo_t *t = b->t;
    build_text_t *x;
    uint32_t i;

    if (!text_is_clean(s)) {
        (void) build_fail(b, "Failed to parse args: InvalidArgs");
        return NULL;
    }

    for (i = text_hash(s);; i++) {
        x = &b->text[i % BUILD_TEXTS];
        if (!x->used) {
            break;
        }

        if (x->ref.len == s.len
            && memcmp(t->text + x->ref.off, s.data, s.len) == 0) {
            return x;
        }
    }

    if (b->text_count == BUILD_TEXTS_MAX || s.len > UM_TOPO_TEXT - t->text_len)
    {
        (void) build_fail(b, "Failed to parse args: too many addresses");
        return NULL;
    }

    x->used = 1;
    x->ref.off = t->text_len;
    x->ref.len = (uint32_t) s.len;
    memcpy(t->text + t->text_len, s.data, s.len);
    t->text_len += (uint32_t) s.len;
    b->text_count++;
    return x;
}

um_rc_t
um_topo_build_addr(um_topo_build_t *b, um_str_t name)
{
    build_text_t *x = build_intern(b, name);
    um_topo_t *t = b->t;
    uint32_t *seen;

    if (x == NULL) {
        return UM_DECLINED;
    }

    if (b->in_peers && x->peer_round != b->peer_round) {
        x->peer_round = b->peer_round;
        x->peer = 0;
    }

    seen = b->in_peers ? &x->peer : &x->local;
    if (*seen == 0) {
        if (t->addr_count == UM_TOPO_ADDRS) {
            return build_fail(b, "Failed to parse args: too many addresses");
        }

        t->addr[t->addr_count] = (um_topo_addr_t){ .name = x->ref };
        *seen = ++t->addr_count;
    }

    b->addr = *seen - 1;
    return UM_OK;
}

um_rc_t
um_topo_build_entry(um_topo_build_t *b)
{
    um_topo_t *t = b->t;

    if (t->entry_count == UM_TOPO_ENTRIES) {
        return build_fail(b, "Failed to parse args: too many entries");
    }

    b->entry_addr[t->entry_count] = (uint16_t) b->addr;
    b->entry[t->entry_count] = (um_topo_entry_t){
        .first_range = t->range_count,
        .tag = UM_TAG_NONE,
    };
    t->entry_count++;
    t->addr[b->addr].entry_count++;
    return UM_OK;
}

um_rc_t
um_topo_build_range(um_topo_build_t *b, uint64_t start, uint64_t end)
{
    um_topo_t *t = b->t;
    um_topo_range_t *r;

    if (t->range_count == UM_TOPO_RANGES) {
        return build_fail(b, "Failed to parse args: too many slot ranges");
    }

    start = um_min(start, UINT32_MAX);
    end = um_min(end, UINT32_MAX);

    r = &t->range[t->range_count++];
    r->start = (uint32_t) um_min(start, end);
    r->end = (uint32_t) um_max(start, end);
    return UM_OK;
}

static int
range_compare(const void *a, const void *b)
{
    const um_topo_range_t *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

void
um_topo_build_entry_end(um_topo_build_t *b)
{
    um_topo_t *t = b->t;
    um_topo_entry_t *e = &b->entry[t->entry_count - 1];
    um_topo_range_t *r = &t->range[e->first_range];
    uint32_t n = t->range_count - e->first_range;
    uint32_t last = 0;

    if (n > 1) {
        qsort(r, n, sizeof(*r), range_compare);
    }

    for (uint32_t i = 1; i < n; i++) {
        if (r[i].start > (uint64_t) r[last].end + 1) {
            r[++last] = r[i];
        } else if (r[i].end > r[last].end) {
            r[last].end = r[i].end;
        }
    }

    e->range_count = n == 0 ? 0 : last + 1;
    t->range_count = e->first_range + e->range_count;
}

um_rc_t
um_topo_build_tag(
    um_topo_build_t *b, uint32_t tag, const um_migr_words_t *words)
{
    um_topo_t *t = b->t;
    um_topo_entry_t *e = &b->entry[t->entry_count - 1];
    um_topo_migr_t *m = &t->migr[t->migr_count];
    const struct {
        um_str_t word;
        um_topo_text_t *ref;
    } texts[] = {
        { words->src_proxy, &m->src_proxy },
        { words->src_node, &m->src_node },
        { words->dst_proxy, &m->dst_proxy },
        { words->dst_node, &m->dst_node },
    };

    if (t->migr_count == UM_TOPO_MIGRS) {
        return build_fail(b, "Failed to parse args: too many migrations");
    }

    for (size_t i = 0; i < um_countof(texts); i++) {
        const build_text_t *x = build_intern(b, texts[i].word);

        if (x == NULL) {
            return UM_DECLINED;
        }

        *texts[i].ref = x->ref;
    }

    m->epoch = words->epoch;
    e->tag = tag;
    e->migr = t->migr_count++;
    return UM_OK;
}

void
um_topo_build_peers(um_topo_build_t *b)
{
    um_topo_t *t = b->t;

    if (!b->in_peers) {
        b->in_peers = true;
        b->locals = (build_mark_t){
            .addrs = t->addr_count,
            .entries = t->entry_count,
            .ranges = t->range_count,
            .migrs = t->migr_count,
        };
    } else {
        t->addr_count = b->locals.addrs;
        t->entry_count = b->locals.entries;
        t->range_count = b->locals.ranges;
        t->migr_count = b->locals.migrs;
    }

    b->peer_round++;
}

void
um_topo_build_finish(um_topo_build_t *b)
{
    um_topo_t *t = b->t;
    uint32_t first = 0;

    t->local_count = b->in_peers ? b->locals.addrs : t->addr_count;

    for (uint32_t a = 0; a < t->addr_count; a++) {
        t->addr[a].first_entry = first;
        first += t->addr[a].entry_count;
        t->addr[a].entry_count = 0;
    }

    for (uint32_t i = 0; i < t->entry_count; i++) {
        um_topo_addr_t *a = &t->addr[b->entry_addr[i]];

        t->entry[a->first_entry + a->entry_count++] = b->entry[i];
    }

    um_topo_own(t);
}
