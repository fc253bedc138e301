/*
 * um_meta_check.h -- what the tests of SETCLUSTER share: decode a line of
 * words, show a topology as a line, find its owners the slow way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_META_CHECK_H
#define UM_META_CHECK_H

#include <string.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "meta/um_setcluster.h"
#include "um_check.h"

#define WORDS_MAX 200000

#define BAD_ARGS    "Failed to parse args: InvalidArgs"
#define BAD_NAME    "Failed to parse args: InvalidClusterName"
#define BAD_VERSION "Failed to parse args: InvalidVersion"
#define LOCAL       "127.0.0.1:21701"
#define PEER        "127.0.0.1:21602"

static um_topo_t *topo;
static um_str_t words[WORDS_MAX];
static um_setcluster_t out;

static inline void
setup(void)
{
    topo = malloc(sizeof(*topo));
    ck_assert_ptr_nonnull(topo);
}

static inline void
teardown(void)
{
    free(topo);
}

/* Cut `line` at blanks; '' is an empty word. */
static inline uint32_t
cut(const char *line)
{
    uint32_t n = 0;

    while (*line != '\0') {
        size_t len = strcspn(line, " ");

        ck_assert_uint_lt(n, WORDS_MAX);
        words[n++] = len == 2 && memcmp(line, "''", 2) == 0
                         ? um_lit("")
                         : (um_str_t){ line, len };
        line += len;
        line += strspn(line, " ");
    }

    return n;
}

static inline um_rc_t
decode(const char *line)
{
    return um_setcluster_decode(
        words, cut(line), um_lit("127.0.0.1"), topo, &out);
}

static inline void
dump_text(um_sbuf_t *b, um_topo_text_t ref)
{
    um_sbuf_addz(b, " ");
    um_sbuf_add_str(b, um_topo_str(topo, ref));
}

static inline void
dump_entry(um_sbuf_t *b, const um_topo_entry_t *e)
{
    static const char *tags[] = { "", "M", "I" };

    um_sbuf_addf(b, " %s[", tags[e->tag]);

    for (uint32_t i = 0; i < e->range_count; i++) {
        const um_topo_range_t *r = &topo->range[e->first_range + i];

        um_sbuf_addf(b, "%s%u-%u", i > 0 ? " " : "", r->start, r->end);
    }

    if (e->tag != UM_TAG_NONE) {
        const um_topo_migr_t *m = &topo->migr[e->migr];

        um_sbuf_addf(b, ";%llu", (unsigned long long) m->epoch);
        dump_text(b, m->src_proxy);
        dump_text(b, m->src_node);
        dump_text(b, m->dst_proxy);
        dump_text(b, m->dst_node);
    }

    um_sbuf_addz(b, "]");
}

/* The whole topology in one line. */
static inline const char *
dump(void)
{
    static um_sbuf_t b;

    um_sbuf_clear(&b);
    um_sbuf_addf(
        &b, "%s@%llu:", topo->cluster, (unsigned long long) topo->epoch);

    for (uint32_t a = 0; a < topo->addr_count; a++) {
        const um_topo_addr_t *addr = &topo->addr[a];

        um_sbuf_addz(&b, a == topo->local_count ? " |" : "");
        dump_text(&b, addr->name);

        for (uint32_t i = 0; i < addr->entry_count; i++) {
            dump_entry(&b, &topo->entry[addr->first_entry + i]);
        }
    }

    return um_sbuf_cstr(&b);
}

/* What owner[] must say, found the slow and obvious way. */
static inline uint16_t
owner_of(uint32_t slot)
{
    for (uint32_t a = 0; a < topo->addr_count; a++) {
        for (uint32_t i = 0; i < topo->addr[a].entry_count; i++) {
            const um_topo_entry_t *e =
                &topo->entry[topo->addr[a].first_entry + i];

            for (uint32_t k = 0; k < e->range_count; k++) {
                const um_topo_range_t *r = &topo->range[e->first_range + k];

                if (e->tag != UM_TAG_IMPORTING && r->start <= slot
                    && slot <= r->end) {
                    return (uint16_t) a;
                }
            }
        }
    }

    return UM_TOPO_NO_OWNER;
}

static inline void
check_owners(void)
{
    for (uint32_t s = 0; s < UM_SLOTS; s++) {
        ck_assert_msg(
            topo->owner[s] == owner_of(s), "slot %u: %u", s, topo->owner[s]);
    }

    ck_assert(um_topo_check(topo));
}

#endif /* UM_META_CHECK_H */
