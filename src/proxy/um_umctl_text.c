/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_umctl_text.h"

#include "proxy/um_repl_text.h"
#include "resp/um_put.h"

/* The reference's counters, in its order. */
static const char *const migration_stats[] = {
    "migrating_src_redis_conn",
    "migrating_dst_redis_conn",
    "migrating_active_sync_lock_success",
    "migrating_active_sync_lock_failed",
    "migrating_scan_lock_success",
    "migrating_scan_lock_failed",
    "importing_blocking_migration_commands",
    "importing_non_blocking_migration_commands",
    "importing_umsync_lock_success",
    "importing_umsync_lock_failed",
    "importing_umsync_lock_failed_again",
    "importing_umsync_failed",
    "importing_dst_key_existed",
    "importing_dst_key_not_existed",
    "importing_lock_success",
    "importing_lock_failed",
    "importing_resend_exists",
    "importing_resend_exists_failed",
    "importing_lock_loop_retry",
    "importing_src_key_existed",
    "importing_src_key_not_existed",
    "importing_src_failed",
};

bool
um_umctl_ready(const um_topo_t *t)
{
    for (uint32_t a = 0; a < t->local_count; a++) {
        const um_topo_entry_t *e = &t->entry[t->addr[a].first_entry];

        for (uint32_t i = 0; i < t->addr[a].entry_count; i++) {
            if (e[i].tag != UM_TAG_MIGRATING) {
                return true;
            }
        }
    }

    return false;
}

/* A bulk of `text` and what `ref` stands for. */
static void
put_labelled(
    um_sbuf_t *out, const char *text, const um_topo_t *t, um_topo_text_t ref)
{
    um_str_t s = um_topo_str(t, ref);

    um_put_bulkf(out, "%s%.*s", text, (int) s.len, s.data);
}

/* "2 0-150 200-300" */
static void
ranges_add(const um_topo_t *t, const um_topo_entry_t *e, um_sbuf_t *text)
{
    um_sbuf_add_u64(text, e->range_count);

    for (uint32_t i = 0; i < e->range_count; i++) {
        um_sbuf_addz(text, " ");
        um_sbuf_add_u64(text, t->range[e->first_range + i].start);
        um_sbuf_addz(text, "-");
        um_sbuf_add_u64(text, t->range[e->first_range + i].end);
    }
}

static void
put_text(um_sbuf_t *out, const um_sbuf_t *text)
{
    if (text->failed) {
        out->failed = true;
    } else {
        um_put_bulk(out, (um_str_t){ text->data, text->len });
    }
}

static void
put_entry(um_sbuf_t *out, const um_topo_t *t, const um_topo_entry_t *e)
{
    um_sbuf_t ranges = { 0 };

    if (e->tag == UM_TAG_NONE) {
        um_put_array(out, 1);
    } else {
        const um_topo_migr_t *m = &t->migr[e->migr];

        um_put_array(out, 6);
        um_put_bulkf(out, "%llu", (unsigned long long) m->epoch);
        put_labelled(out, "src_proxy: ", t, m->src_proxy);
        put_labelled(out, "src_node: ", t, m->src_node);
        put_labelled(out, "dst_proxy: ", t, m->dst_proxy);
        put_labelled(out, "dst_node: ", t, m->dst_node);
    }

    ranges_add(t, e, &ranges);
    put_text(out, &ranges);
    um_sbuf_deinit(&ranges);
}

/* [address, [entry, ...]] */
static void
put_addr(um_sbuf_t *out, const um_topo_t *t, const um_topo_addr_t *a)
{
    um_put_array(out, 2);
    um_put_bulk(out, um_topo_str(t, a->name));
    um_put_array(out, a->entry_count);

    for (uint32_t i = 0; i < a->entry_count; i++) {
        put_entry(out, t, &t->entry[a->first_entry + i]);
    }
}

static void
put_cluster(um_sbuf_t *out, const um_topo_t *t)
{
    um_put_array(out, 5);
    um_put_bulkz(out, t->cluster);

    um_put_bulkz(out, "local");
    um_put_array(out, 3 + (size_t) t->local_count);
    um_put_bulkf(out, "name: %s", t->cluster);
    um_put_bulkf(out, "epoch: %llu", (unsigned long long) t->epoch);
    um_put_bulkz(out, "nodes:");

    for (uint32_t a = 0; a < t->local_count; a++) {
        put_addr(out, t, &t->addr[a]);
    }

    um_put_bulkz(out, "peer");
    um_put_array(out, 1 + (size_t) (t->addr_count - t->local_count));
    um_put_bulkz(out, "peers:");

    for (uint32_t a = t->local_count; a < t->addr_count; a++) {
        put_addr(out, t, &t->addr[a]);
    }
}

/* The tagged entries of local nodes: count, or tell. */
static size_t
migrations(const um_topo_t *t, um_sbuf_t *out)
{
    size_t n = 0;

    for (uint32_t a = 0; a < t->local_count; a++) {
        const um_topo_entry_t *e = &t->entry[t->addr[a].first_entry];

        for (uint32_t i = 0; i < t->addr[a].entry_count; i++, e++) {
            um_sbuf_t text = { 0 };
            const um_topo_migr_t *m;

            if (e->tag == UM_TAG_NONE) {
                continue;
            }

            n++;
            if (out == NULL) {
                continue;
            }

            m = &t->migr[e->migr];
            ranges_add(t, e, &text);
            um_sbuf_addz(&text, " ");
            um_sbuf_add_str(&text, um_topo_str(t, m->src_node));
            um_sbuf_addz(&text, " -> ");
            um_sbuf_add_str(&text, um_topo_str(t, m->dst_node));
            um_sbuf_addz(&text, " PRE_CHECK");
            put_text(out, &text);
            um_sbuf_deinit(&text);
        }
    }

    return n;
}

void
um_umctl_info(const um_topo_t *t, const um_repl_t *r, const um_repl_board_t *b,
    const um_lease_told_t *lease, um_sbuf_t *out)
{
    um_put_array(out, 6);
    um_put_bulkz(out, "Cluster");
    put_cluster(out, t);

    um_put_bulkz(out, "Replication");
    um_repl_text_both(r, b, lease, out);

    um_put_bulkz(out, "Migration");
    um_put_array(out, 1 + migrations(t, NULL));
    um_put_bulkf(out, "name: %s", t->cluster);
    (void) migrations(t, out);
}

void
um_umctl_stats(const um_workers_sh_t *rows, um_sbuf_t *out)
{
    um_put_array(out, 2 + um_countof(migration_stats) + UM_STAT_MAX);
    um_put_bulkz(out, "# Migration");

    for (size_t i = 0; i < um_countof(migration_stats); i++) {
        um_put_bulkf(out, "%s: 0", migration_stats[i]);
    }

    um_put_bulkz(out, "# Proxy");

    for (int i = 0; i < UM_STAT_MAX; i++) {
        um_stat_t id = (um_stat_t) i;

        um_put_bulkf(out, "%s: %llu", um_stat_info(id)->name,
            (unsigned long long) um_workers_sum(rows, id));
    }
}
