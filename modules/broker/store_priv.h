/*
 * store_priv.h -- what the store is made of, for the store_*.c only.
 *
 * Proxies, hosts and clusters live at places (array indexes) that stay while
 * they live; beside each array stands the order of its places by name.
 * Texts, ranges and clusters are counted and shared between copies; a cluster
 * is cloned before it is changed: store_cluster_own().
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STORE_PRIV_H
#define STORE_PRIV_H

#include "core/um_slot.h"
#include "store.h"

#define STORE_REPORTER_MAX 256
#define STORE_NONE         UINT32_MAX
#define STORE_NUMBER_MAX   ((UINT64_C(1) << 53) - 1) /* exact in every JSON */

typedef struct {
    uint32_t refs;
    uint32_t len;
    char data[];
} store_text_t;

/* Who a proxy is; never changes. */
typedef struct {
    uint32_t refs;
    um_str_t address;
    um_str_t node[2];
    char bytes[];
} store_ident_t;

typedef struct {
    store_ident_t *ident; /* NULL: nobody lives here */
    uint64_t index;
    uint64_t protocol;
    uint32_t host;
    uint32_t cluster; /* STORE_NONE: in none */
    uint32_t chunk;
    uint8_t side;
    bool failed;
} store_proxy_t;

typedef struct {
    store_text_t *name; /* NULL: nobody lives here */
    uint32_t proxies;
} store_host_t;

/* So many chunks have one side on `a` and the other on `b`.  Kept in both
 * directions, sorted: all that links `a` stands together. */
typedef struct {
    uint32_t a;
    uint32_t b;
    uint32_t n;
} store_link_t;

typedef struct {
    store_text_t *address;
    store_text_t *reporter;
    uint64_t when;
} store_report_t;

/* Sorted, disjoint, not adjacent; immutable. */
typedef struct {
    uint32_t refs;
    uint32_t n;
    store_range_t r[];
} store_ranges_t;

/*
 * Where the masters of a chunk's two parts are.  Nodes 0 and 1 are the first
 * proxy's, 2 and 3 the second's; 0 and 3, 1 and 2 replicate each other.
 */
typedef enum {
    STORE_ROLE_NORMAL, /* nodes 0 and 2 */
    STORE_ROLE_FIRST,  /* nodes 0 and 1 */
    STORE_ROLE_SECOND, /* nodes 3 and 2 */
} store_role_t;

typedef struct {
    uint32_t proxy[2];
    store_role_t role;
    store_ranges_t *stable[2]; /* of a part; NULL: none */
} store_chunk_t;

/* A task stands once, in the order of (source chunk, source part). */
typedef struct {
    store_ranges_t *ranges;
    uint64_t epoch;
    uint32_t chunk[2]; /* source, destination */
    uint8_t part[2];
    bool started; /* proxies are told of it */
    bool cancelling;
    bool undone[2];
} store_task_t;

typedef struct {
    uint32_t refs;
    uint32_t chunks;
    uint32_t tasks;
    char name[STORE_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t stamp; /* the store's serial at the latest change of a view */
    store_config_t config;
    uint64_t scale_to; /* 0: no intent */
    uint64_t scale_since;
    store_text_t *scale_error; /* NULL: none */
    store_chunk_t *chunk;
    store_task_t *task;
} store_cluster_t;

typedef struct {
    uint32_t *at; /* places, by name */
    uint32_t n;
    uint32_t cap;
} store_order_t;

struct store_s {
    uint64_t serial;
    uint64_t epoch;
    bool ordered;

    store_proxy_t *proxy;
    uint32_t proxies; /* places, lived in or not; so for the others */
    uint32_t proxy_cap;
    store_order_t by_address;

    store_host_t *host;
    uint32_t hosts;
    uint32_t host_cap;
    store_order_t by_host;

    store_cluster_t **cluster;
    uint32_t clusters;
    uint32_t cluster_cap;
    store_order_t by_name;

    store_link_t *link;
    uint32_t links;
    uint32_t link_cap;

    store_report_t *report; /* by (address, reporter) */
    uint32_t reports;
    uint32_t report_cap;
};

/* --- store_mem.c: arrays and what is shared ------------------------------ */

/* Room for one more of `size` bytes at *array. */
UM_MUSTCHECK bool store_room(
    void *array, uint32_t n, uint32_t *cap, size_t size);

UM_MUSTCHECK store_text_t *store_text_new(um_str_t s);
void store_text_put(store_text_t *t);
um_str_t store_text(const store_text_t *t); /* NULL gives "" */

UM_MUSTCHECK store_ident_t *store_ident_new(
    um_str_t address, const um_str_t nodes[2]);
void store_ident_put(store_ident_t *id);

/* Without chunks, of one reference; NULL without memory. */
store_cluster_t *store_cluster_new(um_str_t name);
store_cluster_t *store_cluster_clone(const store_cluster_t *c);
void store_cluster_put(store_cluster_t *c);

/* Byte-wise, as all orders here. */
int store_cmp(um_str_t a, um_str_t b);

/* --- store_ranges.c ------------------------------------------------------ */

uint32_t store_ranges_count(const store_ranges_t *r); /* slots; NULL: 0 */
store_ranges_t *store_ranges_get(store_ranges_t *r);  /* NULL is fine */
void store_ranges_put(store_ranges_t *r);

/* Compacted: swapped when reversed, sorted, merged.  NULL without memory. */
UM_MUSTCHECK store_ranges_t *store_ranges_new(const store_range_t *r, size_t n);

/* Both together; either may be NULL.  NULL without memory. */
UM_MUSTCHECK store_ranges_t *store_ranges_merge(
    const store_ranges_t *a, const store_ranges_t *b);

/* *from becomes NULL or what is left after `n` slots were taken, from the
 * front or the back, into *out. */
UM_MUSTCHECK bool store_ranges_take(
    store_ranges_t **from, uint32_t n, bool front, store_ranges_t **out);

bool store_ranges_same(
    const store_ranges_t *a, const store_range_t *r, size_t n);

/* --- store_base.c: find, bump ------------------------------------------- */

uint32_t store_find_proxy(const store_t *s, um_str_t address);
uint32_t store_find_host(const store_t *s, um_str_t name);
uint32_t store_find_cluster(const store_t *s, um_str_t name);

/* OK, INVALID_CLUSTER_NAME or CLUSTER_NOT_FOUND. */
store_rc_t store_want_cluster(const store_t *s, um_str_t name, uint32_t *place);

bool store_name_ok(um_str_t name);
bool store_text_ok(um_str_t s, size_t max); /* printable, no quotes */

/* The cluster at `place`, not shared with any copy; NULL without memory. */
UM_MUSTCHECK store_cluster_t *store_cluster_own(store_t *s, uint32_t place);

void store_changed(store_t *s);                   /* serial        */
void store_bump(store_t *s);                      /* serial, epoch */
void store_touch(store_t *s, store_cluster_t *c); /* bump, c too   */

/* Tasks or a scaling intent. */
bool store_busy(const store_cluster_t *c);

um_str_t store_address(const store_t *s, uint32_t proxy);

/* Enter a proxy; the address is new and all is valid. */
UM_MUSTCHECK uint32_t store_enter_proxy(
    store_t *s, const store_proxy_args_t *a);
UM_MUSTCHECK bool store_enter_cluster(
    store_t *s, store_cluster_t *c, uint32_t *at);
void store_leave_proxy(store_t *s, uint32_t place);
void store_leave_cluster(store_t *s, uint32_t place);

/* --- store_proxy.c: may there be such a proxy?  Its host is filled in. ---- */

bool store_proxy_args_ok(const store_proxy_args_t *a);

/* --- store_report.c ------------------------------------------------------ */

/* All reports of an address away; were there any? */
bool store_reports_drop(store_t *s, um_str_t address);

/* Sets the time of one that is there. */
UM_MUSTCHECK bool store_enter_report(
    store_t *s, um_str_t address, um_str_t reporter, uint64_t when);

/* Per place of a proxy: has it `quorum` live reports (0 is as 1)?  The
 * caller's to free(); NULL without memory. */
UM_MUSTCHECK uint8_t *store_suspects(
    const store_t *s, const store_env_t *e, uint64_t quorum);

/* --- store_link.c -------------------------------------------------------- */

UM_MUSTCHECK bool store_link_add(store_t *s, uint32_t a, uint32_t b);
void store_link_drop(store_t *s, uint32_t a, uint32_t b);
uint32_t store_link_count(const store_t *s, uint32_t a, uint32_t b);

/* What links `a`: *n records, lent. */
const store_link_t *store_link_row(const store_t *s, uint32_t a, uint32_t *n);

/* --- store_alloc.c ------------------------------------------------------- */

/* Append nodes/4 chunks of spares to c; they carry no slots. */
store_rc_t store_alloc_chunks(store_t *s, const store_env_t *e,
    store_cluster_t *c, uint32_t place, uint64_t nodes);

/* A spare for the side of a chunk, or STORE_NONE. *oom when no memory. */
uint32_t store_alloc_heir(const store_t *s, const store_env_t *e,
    uint32_t failed, uint32_t partner, bool *oom);

/* Take the chunk's proxies out of their cluster. */
void store_chunk_release(store_t *s, store_chunk_t *ch);

/* --- store_role.c -------------------------------------------------------- */

/* Which node, 0..3, is the master of a part; whether node n is one. */
unsigned store_part_node(store_role_t role, unsigned part);
bool store_node_is_master(store_role_t role, unsigned node, unsigned *part);

/* Set the role; tasks whose ends move, and those that share an end with
 * them, get the epoch that will be the next: call before store_touch(). */
void store_role_set(
    store_t *s, store_cluster_t *c, uint32_t chunk, store_role_t role);

/* --- store_cluster.c, store_task.c ---------------------------------------- */

/* Chunks without slots leave; did any?  The cluster has no tasks. */
bool store_chunks_drop_empty(store_t *s, store_cluster_t *c);

/* Has a part no slots of its own? */
bool store_part_missing(const store_cluster_t *c);

/* --- store_plan.c -------------------------------------------------------- */

/* Slots of a cluster whose chunks have none. */
UM_MUSTCHECK bool store_plan_first(store_cluster_t *c);

/* Plan, with `epoch`, for a cluster without tasks.  SLOTS_ALREADY_EVEN:
 * nothing to move. */
store_rc_t store_plan_expand(store_cluster_t *c, uint64_t epoch);
store_rc_t store_plan_shrink(store_cluster_t *c, uint32_t keep, uint64_t epoch);

/* Slots to the part at one end of the task, and the task away. */
UM_MUSTCHECK bool store_task_settle(
    store_cluster_t *c, uint32_t task, unsigned end);

/* --- store_start.c -------------------------------------------------------- */

/* Start what the limit allows; did any?  The caller takes an epoch. */
bool store_tasks_start(store_cluster_t *c, uint64_t limit);

/* Has any started? */
bool store_tasks_started(const store_cluster_t *c);

/* --- store_shape.c: a cluster as proxies see it: what has started --------- */

typedef struct {
    const store_t *s;
    const store_cluster_t *c;
    store_ranges_t **stable; /* per part, counted */
    uint32_t *first[2];      /* per part and end: task or STORE_NONE */
    uint32_t *next[2];       /* per task and end */
    uint32_t shown;          /* tasks */
} store_shape_t;

/* With `all` also what has not started.  false without memory; deinit in any
 * case. */
UM_MUSTCHECK bool store_shape_init(
    store_shape_t *sh, const store_t *s, const store_cluster_t *c, bool all);
void store_shape_deinit(store_shape_t *sh);

/* --- store_json.c -------------------------------------------------------- */

void store_json_str(um_sbuf_t *out, um_str_t s);
void store_json_list(um_sbuf_t *out, const store_ranges_t *r);
void store_json_task(const store_t *s, const store_cluster_t *c,
    const store_task_t *t, const char *tag, um_sbuf_t *out);

/* The slot ranges of a part, comma-separated; *any: there were some before,
 * or now. */
void store_json_slots(const store_shape_t *sh, uint32_t chunk, unsigned part,
    bool *any, um_sbuf_t *out);
void store_json_node(
    const store_shape_t *sh, uint32_t chunk, unsigned node, um_sbuf_t *out);

/* --- store_info.c --------------------------------------------------------- */

/* Tasks that are being taken back. */
uint32_t store_cancelling(const store_cluster_t *c);

/* --- names in the JSON --------------------------------------------------- */

extern const char *const store_role_names[3];
extern const char *const store_compress_names[3];

bool store_compress_parse(um_str_t s, store_compress_t *out);

/* store_dump_ours.c: ,"undermoon":{..} or nothing. */
void store_dump_ours(const store_t *s, um_sbuf_t *out);

#endif /* STORE_PRIV_H */
