/*
 * um_topo.h -- the cluster's topology as one flat piece of memory: what
 * SETCLUSTER says, what the noticeboard carries, what routing reads.
 *
 * Plain bytes without pointers, so the same type lies in shared memory and in
 * private copies.  References are indices.  Only the first `*_count` items of
 * each array and `text_len` bytes of text mean anything, and only those are
 * copied (um_topo_copy).
 *
 * Addresses: local nodes first (0 .. local_count-1), then peer proxies
 * (local_count .. addr_count-1), each once, in the order of the message.
 *
 * Invariants of a finished topology (um_topo_check)
 *   (1) every index and text reference is in range;
 *   (2) owner[] agrees with the entries: a local one wins over a peer, an
 *       earlier entry over a later one, and an IMPORTING one owns nothing,
 *       for the source serves a range until it is handed over;
 *   (3) an entry's ranges are sorted, disjoint and not adjacent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TOPO_H
#define UM_TOPO_H

#include "core/um_base.h"
#include "core/um_slot.h"

#define UM_TOPO_LAYOUT   1 /* raise when the bytes below change meaning */
#define UM_TOPO_ADDRS    6144
#define UM_TOPO_ENTRIES  16384
#define UM_TOPO_RANGES   32768
#define UM_TOPO_MIGRS    2048
#define UM_TOPO_TEXT     (2u << 20)
#define UM_TOPO_NO_OWNER UINT16_MAX
#define UM_TOPO_NAME_MAX 31

enum { UM_TAG_NONE = 0, UM_TAG_MIGRATING = 1, UM_TAG_IMPORTING = 2 };
enum { UM_COMPRESS_OFF = 0, UM_COMPRESS_SET_GET = 1, UM_COMPRESS_ALL = 2 };

typedef struct {
    uint32_t off; /* into text[] */
    uint32_t len;
} um_topo_text_t;

typedef struct {
    um_topo_text_t name;  /* "host:port" as it was sent         */
    uint32_t first_entry; /* its entries are a run of entry[]   */
    uint32_t entry_count;
} um_topo_addr_t;

typedef struct {
    uint32_t first_range; /* a run of range[] */
    uint32_t range_count;
    uint32_t tag;  /* UM_TAG_* */
    uint32_t migr; /* index into migr[] when tagged */
} um_topo_entry_t;

/*
 * Both ends belong to it.  Ends above 16383 are shown but never routed; one
 * above UINT32_MAX is kept as UINT32_MAX.
 */
typedef struct {
    uint32_t start;
    uint32_t end;
} um_topo_range_t;

typedef struct {
    uint64_t epoch;
    um_topo_text_t src_proxy, src_node, dst_proxy, dst_node;
} um_topo_migr_t;

typedef struct {
    uint64_t epoch;
    uint32_t addr_count;
    uint32_t local_count;
    uint32_t entry_count;
    uint32_t range_count;
    uint32_t migr_count;
    uint32_t text_len;
    char cluster[UM_TOPO_NAME_MAX + 1]; /* NUL-padded; "" is no cluster */

    /* Cluster config (dataplane.md 3.3). */
    uint32_t compression; /* UM_COMPRESS_* */
    uint32_t config_pad;
    uint64_t max_migration_time; /* s  */
    uint64_t max_blocking_time;  /* ms */
    uint64_t scan_interval;      /* us */
    uint64_t scan_count;

    uint16_t owner[UM_SLOTS]; /* -> addr[], or UM_TOPO_NO_OWNER */
    um_topo_addr_t addr[UM_TOPO_ADDRS];
    um_topo_entry_t entry[UM_TOPO_ENTRIES];
    um_topo_range_t range[UM_TOPO_RANGES];
    um_topo_migr_t migr[UM_TOPO_MIGRS];
    char text[UM_TOPO_TEXT];
} um_topo_t;

_Static_assert(sizeof(um_topo_t) % 8 == 0, "halves stay aligned");

/* An empty topology: no cluster, epoch 0, default config, nobody owns. */
void um_topo_clear(um_topo_t *t);

/* Only the cluster config of 3.3, back to its defaults. */
void um_topo_config_default(um_topo_t *t);

/*
 * Copy what means something.  `from` may be changing under us (shared
 * memory): counts are clamped, nothing outside `to` is touched; whether the
 * copy is whole is for the caller to know.
 */
void um_topo_copy(um_topo_t *to, const um_topo_t *from);

/* Fill owner[] from the entries: invariant (2).  Time: slots plus ranges. */
void um_topo_own(um_topo_t *t);

/* Does a private copy keep the invariants? */
bool um_topo_check(const um_topo_t *t);

static inline um_str_t
um_topo_str(const um_topo_t *t, um_topo_text_t ref)
{
    return (um_str_t){ t->text + ref.off, ref.len };
}

static inline bool
um_topo_has_cluster(const um_topo_t *t)
{
    return t->cluster[0] != '\0';
}

#endif /* UM_TOPO_H */
