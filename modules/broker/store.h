/*
 * store.h -- all the broker knows: proxies, clusters, failures, epochs.
 *
 * Pure: no I/O, no clock, no globals; time and settings are arguments.  One
 * thread.  A change is made to a copy and that copy made durable and swapped
 * in, or thrown away:
 *
 *     next = store_copy(s);
 *     rc = store_add_nodes(next, &env, name, 4, &out);
 *     if (store_serial(next) != store_serial(s))
 *         ... make `next` durable, then: store_free(s); s = next;
 *     else
 *         store_free(next);
 *
 * So readers see whole states only.  A copy is cheap: flat arrays of small
 * records; strings and clusters are shared until changed.
 *
 * An operation that fails changes nothing and burns no epoch, with two
 * exceptions that say so: store_add_proxy() with ALREADY_EXISTED and
 * store_failover() with NO_AVAILABLE_RESOURCE may have changed the store.
 * store_serial() is the only thing to look at.  Any operation may give
 * NO_MEMORY; the copy is then good for store_free() only.
 *
 * Everything listed is sorted by name, everything chosen among equals is the
 * first by name: what a store answers depends on what is in it, not on how
 * it came there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STORE_H
#define STORE_H

#include "core/um_sbuf.h"
#include "store_result.h"

typedef struct store_s store_t;

#define STORE_NAME_MAX 31  /* bytes of a cluster's name            */
#define STORE_ADDR_MAX 260 /* bytes of an address: 253 + ':' + port */
/* The largest epoch that can be set: whatever counts on from there is still
 * exact as a number in any JSON. */
#define STORE_EPOCH_MAX (UINT64_C(1) << 52)
#define STORE_ALL       UINT64_MAX

/* A cluster's configuration, as the proxies get it. */
typedef enum {
    STORE_COMPRESS_DISABLED,
    STORE_COMPRESS_SET_GET_ONLY,
    STORE_COMPRESS_ALLOW_ALL,
} store_compress_t;

typedef struct {
    store_compress_t compression;
    uint64_t max_migration_time; /* s  */
    uint64_t max_blocking_time;  /* ms */
    uint64_t scan_interval;      /* µs */
    uint64_t scan_count;         /* at least 1 */
} store_config_t;

/* disabled, 10800, 10000, 500, 16. */
extern const store_config_t store_config_default;

/* What decides beside the store: the broker's settings and the time. */
typedef struct {
    uint64_t now;             /* unix seconds */
    uint64_t failure_ttl;     /* s: a report is that long believed        */
    uint64_t failure_quorum;  /* reporters that make a failure; 0 is as 1 */
    uint64_t migration_limit; /* tasks started per cluster; 0: all        */
    store_config_t config;    /* what a new cluster starts with           */
} store_env_t;

/* --- life ------------------------------------------------------------- */

/* An empty store; NULL without memory. */
UM_MUSTCHECK store_t *store_new(bool ordered);

/* The same again, independent of `s`; NULL without memory. */
UM_MUSTCHECK store_t *store_copy(const store_t *s);

void store_free(store_t *s); /* NULL is fine */

/* Moves with every durable change, epoch or not; never within one state. */
uint64_t store_serial(const store_t *s);

uint64_t store_epoch(const store_t *s);
bool store_ordered(const store_t *s);

/* For metrics. */
typedef struct {
    uint32_t proxies;
    uint32_t free; /* of them, in no cluster and not failed */
    uint32_t failed;
    uint32_t waiting; /* failed ones still in a chunk: want replacement */
    uint32_t hosts;
    uint32_t clusters;
    uint32_t migrations; /* tasks, all clusters */
    uint32_t scaling;    /* clusters with a scaling intent */
    uint32_t reports;
} store_counts_t;

void store_count(const store_t *s, store_counts_t *n);

/* --- proxies ---------------------------------------------------------- */

typedef struct {
    um_str_t address;
    um_str_t nodes[2];
    um_str_t host; /* empty: what stands before ':' in the address */
    uint64_t index;
    bool has_index;
} store_proxy_args_t;

/*
 * Register.  ALREADY_EXISTED: nothing but its failure marks has changed, those
 * are cleared (the proxy is back).  INVALID_PROXY_ADDRESS,
 * MISSING_SERVER_PROXY_INDEX (ordered stores only).
 */
store_rc_t store_add_proxy(store_t *s, const store_proxy_args_t *a);

/* PROXY_NOT_FOUND, IN_USE. */
store_rc_t store_remove_proxy(store_t *s, um_str_t address);

/* The i-th by name; UM_DONE after the last. */
um_rc_t store_proxy(const store_t *s, size_t i, um_str_t *address);

/*
 * What the coordinator read from the proxy: the version of our own migration
 * protocol, 0 for none.  Burns no epoch.  PROXY_NOT_FOUND.
 */
store_rc_t store_announce(store_t *s, um_str_t address, uint64_t protocol);

/* --- clusters --------------------------------------------------------- */

/*
 * In this order: ONE_CLUSTER_ALREADY_EXISTED, INVALID_CLUSTER_NAME,
 * ALREADY_EXISTED, INVALID_NODE_NUMBER, NO_AVAILABLE_RESOURCE,
 * PROXY_RESOURCE_OUT_OF_ORDER.
 */
store_rc_t store_create(
    store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes);

/* INVALID_CLUSTER_NAME, CLUSTER_NOT_FOUND; so do all that take a name. */
store_rc_t store_remove(store_t *s, um_str_t name);

/*
 * Add `nodes` nodes, without slots; append the JSON array of them to `out`
 * (may be NULL).  MIGRATION_RUNNING, INVALID_NODE_NUMBER and those of the
 * allocation.
 */
store_rc_t store_add_nodes(store_t *s, const store_env_t *e, um_str_t name,
    uint64_t nodes, um_sbuf_t *out);

/* The same, given the total wanted.  NODE_NUM_ALREADY_ENOUGH comes first. */
store_rc_t store_scale_nodes(store_t *s, const store_env_t *e, um_str_t name,
    uint64_t total, um_sbuf_t *out);

/* Give back chunks without slots.  MIGRATION_RUNNING, FREE_NODE_NOT_FOUND. */
store_rc_t store_free_nodes(store_t *s, um_str_t name);

/*
 * Change the configuration, all or nothing: `n` pairs.  What is unchanged is
 * no change: the epoch stays.  MIGRATION_RUNNING, INVALID_CONFIG with *why.
 */
typedef struct {
    um_str_t key;
    um_str_t value;
} store_pair_t;

store_rc_t store_set_config(store_t *s, um_str_t name,
    const store_pair_t *pairs, size_t n, store_why_t *why);

/*
 * The same on a configuration of one's own, for the directives.  OK or
 * INVALID_CONFIG, with *why.
 */
store_rc_t store_config_set(
    store_config_t *config, um_str_t key, um_str_t value, store_why_t *why);

/* Masters back to where they started in every chunk that is whole. */
store_rc_t store_balance(store_t *s, const store_env_t *e, um_str_t name);

/* --- slots on the move ------------------------------------------------ */

/*
 * A plan is a list of tasks.  Of these as many as the limit allows are started,
 * one of each source part (without a limit all are); others follow when one
 * has ended.  Views show what has started and nothing else, so a task that was
 * seen is seen until it ends, whatever the limit is then.
 */

/* MIGRATION_RUNNING, SLOTS_ALREADY_EVEN. */
store_rc_t store_expand(store_t *s, const store_env_t *e, um_str_t name);

/* MIGRATION_RUNNING, FREE_NODE_FOUND, INVALID_NODE_NUMBER. */
store_rc_t store_shrink(
    store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes);

/*
 * Start what a limit that was raised allows; takes an epoch for each cluster
 * where something starts.
 */
store_rc_t store_start(store_t *s, const store_env_t *e);

/*
 * Scale to `nodes` nodes.  Fewer: the shrink is planned now.  As many: free
 * nodes go, else nothing.  More: nodes are added now and a durable intent is
 * left; while there is one, the cluster counts as migrating.  It ends by
 * store_scaling_ready(), store_scaling_abandon() or store_remove().
 */
store_rc_t store_auto(
    store_t *s, const store_env_t *e, um_str_t name, uint64_t nodes);

/*
 * The intents, by cluster: the proxies of `name` should be at `epoch`, the
 * cluster's present one, before the expand.  UM_DONE after the last; names and
 * texts are lent by `s`.
 */
typedef struct {
    um_str_t name;
    uint64_t nodes; /* wanted in total            */
    uint64_t epoch; /* the proxies should be at   */
    uint64_t since; /* unix seconds of the intent */
} store_scaling_t;

um_rc_t store_scaling(const store_t *s, size_t i, store_scaling_t *in);

/* The i-th proxy of a cluster, for GETEPOCH; UM_DONE after the last. */
um_rc_t store_cluster_proxy(
    const store_t *s, um_str_t name, size_t i, um_str_t *address);

/*
 * All its proxies are at `epoch`: plan the expand, the intent is over.
 * RETRY: the cluster has another epoch by now, ask the proxies again.
 * MIGRATION_TASK_NOT_FOUND: there is no intent.
 */
store_rc_t store_scaling_ready(
    store_t *s, const store_env_t *e, um_str_t name, uint64_t epoch);

/* Give up; `reason` is kept with the cluster and shown until the next auto. */
store_rc_t store_scaling_abandon(store_t *s, um_str_t name, um_str_t reason);

/* What a proxy reports about a task: which ranges under which epoch. */
typedef struct {
    uint16_t start;
    uint16_t end; /* inclusive */
} store_range_t;

typedef enum {
    STORE_TAG_NONE,
    STORE_TAG_MIGRATING,
    STORE_TAG_IMPORTING,
} store_tag_t;

typedef struct {
    um_str_t cluster;
    store_tag_t tag;
    uint64_t epoch;
    const store_range_t *ranges;
    size_t n;
} store_task_args_t;

/*
 * A task is done: its slots are the destination's, also when it was to be taken
 * back: then it was too late for that.  INVALID_MIGRATION_TASK (no tag),
 * MIGRATION_TASK_NOT_FOUND, also when the destination has undone it.
 */
store_rc_t store_commit(
    store_t *s, const store_env_t *e, const store_task_args_t *a);

/*
 * Take the plan back.  Tasks that have not started go at once, the others are
 * marked and go by store_undone().  A scaling intent goes too.  Marked already:
 * OK.  MIGRATION_TASK_NOT_FOUND: nothing runs.  CANCEL_NOT_SUPPORTED: a proxy
 * of a started task has not announced our migration protocol.
 */
store_rc_t store_cancel(store_t *s, um_str_t name);

/*
 * One side (the tag says which) has undone its half of a cancelling task; when
 * both have, its slots are the source's again.  As store_commit(); OK again
 * for a side that has said so before.
 */
store_rc_t store_undone(store_t *s, const store_task_args_t *a);

/* --- failures --------------------------------------------------------- */

/*
 * `reporter` finds `address` dead.  Known already and not expired: takes no
 * epoch.  INVALID_PROXY_ADDRESS, INVALID_REPORTER, TOO_MANY (reports of
 * unknown addresses are bounded).
 */
store_rc_t store_report(
    store_t *s, const store_env_t *e, um_str_t address, um_str_t reporter);

/*
 * It finds it alive: its report is withdrawn, those of others stay, and so does
 * the mark of a proxy that has been failed over.  Takes no epoch: nothing that
 * proxies are told has changed.  No such report: OK, no change.
 * INVALID_PROXY_ADDRESS, INVALID_REPORTER.
 */
store_rc_t store_unreport(store_t *s, um_str_t address, um_str_t reporter);

/* Forget expired reports; takes no epoch.  They count for nothing anyway. */
void store_purge(store_t *s, const store_env_t *e);

/*
 * Replace a proxy.  In a cluster: its masters move to the other side of the
 * chunk, if that is believed alive, and a spare takes its place as replicas.
 * *heir is the spare's address, lent by `s`, or empty.
 *
 * OK, no heir: it was free, or is only one half of an ordered chunk.
 * NO_AVAILABLE_RESOURCE: roles have moved where they could; the chunk waits
 * for a spare, durably: store_repair().  A side that holds masters is never
 * replaced: with both sides down nothing moves and nothing changes.
 * PROXY_NOT_FOUND.
 */
store_rc_t store_failover(
    store_t *s, const store_env_t *e, um_str_t address, um_str_t *heir);

/*
 * Give a spare to the chunks that wait for one, as many as there are.  How
 * many were repaired is in *n (NULL is fine).  Call after each change that may
 * have made a spare, and now and then: reports expire.
 */
store_rc_t store_repair(store_t *s, const store_env_t *e, size_t *n);

/* Hosts whose loss could not be repaired: {"hosts_cannot_fail":[..]}. */
store_rc_t store_check(const store_t *s, const store_env_t *e, um_sbuf_t *out);

/* --- epochs ----------------------------------------------------------- */

/* Global and every cluster's epoch become `epoch`. EPOCH_SMALLER_THAN_CURRENT
 * unless that is more than now, EPOCH_TOO_LARGE beyond STORE_EPOCH_MAX. */
store_rc_t store_set_epoch(store_t *s, uint64_t epoch);

/* The highest a proxy has told is `seen`: go beyond it and beyond our own.
 * EPOCH_TOO_LARGE when that would be beyond STORE_EPOCH_MAX. */
store_rc_t store_recover_epoch(store_t *s, uint64_t seen);

/*
 * The proxy is at `epoch`.  More than it is told comes of a history that this
 * store does not have, and the proxy takes no news until they are newer: then
 * its cluster, or all as store_recover_epoch() does, goes beyond it.  Otherwise
 * there is no change.  PROXY_NOT_FOUND, EPOCH_TOO_LARGE.
 */
store_rc_t store_seen(store_t *s, um_str_t address, uint64_t epoch);

/* --- views, compact JSON appended to `out` ---------------------------- */

/*
 * Members stand in the reference's order.  Whole reply objects: {"proxy":..}
 * etc. unless another shape is said.  `out` fails without memory.
 */
void store_view_names(
    const store_t *s, uint64_t offset, uint64_t limit, um_sbuf_t *out);
void store_view_addresses(
    const store_t *s, uint64_t offset, uint64_t limit, um_sbuf_t *out);
void store_view_failed(const store_t *s, um_sbuf_t *out);

/* Registered ones with a quorum of reports that are not expired. */
void store_view_failures(
    const store_t *s, const store_env_t *e, um_sbuf_t *out);

/* {"cluster":null} for an unknown or impossible name. */
void store_view_cluster(const store_t *s, um_str_t name, um_sbuf_t *out);

/* {"proxy":null} for an unknown one. */
void store_view_proxy(const store_t *s, um_str_t address, um_sbuf_t *out);

/*
 * What store_view_proxy() depends on: its text is the same as long as the key
 * is; 0 for an unknown proxy.  Likewise for a cluster.  Epochs that were set by
 * hand and recovered are safe too.
 */
typedef struct {
    uint64_t epoch; /* the one in the text */
    uint64_t stamp; /* serial of the latest change to what is shown */
} store_key_t;

store_key_t store_proxy_key(const store_t *s, um_str_t address);
store_key_t store_cluster_key(const store_t *s, um_str_t name);

/*
 * {"name","node_number","node_number_with_slots","is_migrating"}; ours follow:
 * "scaling" (nodes wanted) or "scaling_error" when there is one, "cancelling".
 * CLUSTER_NOT_FOUND.
 */
store_rc_t store_view_info(const store_t *s, um_str_t name, um_sbuf_t *out);

/*
 * {"tasks":[{"cluster_name","source_undone","destination_undone",
 * "slot_range":{..,"tag":{"Migrating":..}}}]}: what the coordinator is to have
 * undone, and who has said so.
 */
void store_view_cancelling(const store_t *s, um_sbuf_t *out);
store_key_t store_cancelling_key(const store_t *s);

/* The configuration object alone, {"compression_strategy":..}. */
void store_view_config(const store_config_t *config, um_sbuf_t *out);

/* --- dump ------------------------------------------------------------- */

/*
 * The whole store, mem-broker-0.2 as the reference has it, with one member it
 * ignores, "undermoon", for what is ours.  `out` fails without memory.
 */
void store_dump(const store_t *s, um_sbuf_t *out);

/*
 * A store from such a text; 0.1 is understood when `old` says so.  Everything
 * is checked: types, ranges, and that all fits together.  On anything but
 * STORE_OK *s is untouched and *why says where: INVALID_META_VERSION,
 * INVALID_METADATA, NO_MEMORY.  Its serial starts again: what was cached by
 * store_key_t is to be forgotten.  Of a plan none of which has started, as the
 * reference writes them, what the limit of `e` allows counts as started.
 */
UM_MUSTCHECK store_rc_t store_load(um_str_t text, bool old,
    const store_env_t *e, store_t **s, store_why_t *why);

/*
 * The same for PUT metadata: no old version, and EPOCH_SMALLER_THAN_CURRENT
 * before all else that may be wrong, unless its epoch is `at_least`.
 */
UM_MUSTCHECK store_rc_t store_load_newer(um_str_t text, uint64_t at_least,
    const store_env_t *e, store_t **s, store_why_t *why);

/*
 * The whole state is sound: every slot owned once, tasks paired, indexes and
 * link table right ...  NULL, or what is not, in static words.  For tests.
 */
const char *store_audit(const store_t *s);

#endif /* STORE_H */
