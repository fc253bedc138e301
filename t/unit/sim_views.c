/*
 * sim_views.c -- what proxies and operators are shown of a store, against what
 * its dump says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim.h"

#include <string.h>

/* All slots of one view, wherever in it they stand. */
typedef struct {
    uint8_t seen[UM_SLOTS];
    uint32_t leaving;
    uint32_t coming;
    unsigned tasks;
    unsigned from[2 * SIM_CHUNKS]; /* tasks by source */
    bool stable[2 * SIM_CHUNKS];
} tally_t;

static tally_t tally;

static const cJSON *
of(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static bool
is(const cJSON *v, um_str_t s)
{
    return cJSON_IsString(v) && um_str_eq(um_str_of(v->valuestring), s);
}

/* Who is the master of a part, as a proxy and as its node. */
static unsigned
master_proxy(const sim_cluster_t *c, unsigned part)
{
    const sim_chunk_t *ch = &c->chunk[part / 2];

    return ch->proxy[sim_master(ch->role, part % 2) / 2];
}

static unsigned
master_node(const sim_cluster_t *c, unsigned part)
{
    return sim_master(c->chunk[part / 2].role, part % 2) % 2;
}

static bool
is_end(const sim_t *m, const sim_cluster_t *c, const cJSON *tag,
    const char *proxy_key, const char *node_key, unsigned part)
{
    unsigned k = master_proxy(c, part);

    return is(of(tag, proxy_key), sim_address(m, k))
           && is(of(tag, node_key), sim_node(m, k, master_node(c, part)));
}

/* The task a tagged range tells of; NULL: of none. */
static sim_task_t *
task_of(const sim_t *m, sim_cluster_t *c, const cJSON *tag,
    const store_range_t *r, size_t n)
{
    for (unsigned i = 0; i < c->tasks; i++) {
        sim_task_t *t = &c->task[i];

        if (t->ranges == n && memcmp(t->range, r, n * sizeof(*r)) == 0
            && of(tag, "epoch")->valuedouble == (double) t->epoch
            && is_end(
                m, c, tag, "src_proxy_address", "src_node_address", t->from)
            && is_end(
                m, c, tag, "dst_proxy_address", "dst_node_address", t->to))
        {
            return t;
        }
    }

    return NULL;
}

/* One range of proxy k; `node` of it, or 2 when either. */
static bool
range_ok(sim_t *m, unsigned at, const cJSON *range, unsigned k, unsigned node)
{
    static store_range_t r[SIM_RANGES];
    sim_cluster_t *c = &m->now->cluster[at];
    const cJSON *tag = of(range, "tag");
    const cJSON *leaving = of(tag, "Migrating");
    const cJSON *coming = of(tag, "Importing");
    sim_task_t *t = NULL;
    size_t n;

    if (!sim_ranges(of(range, "range_list"), r, &n)
        || (leaving == NULL && coming == NULL && !is(tag, um_lit("None"))))
    {
        return sim_fail(m, "c%u: a range of proxy %u", at, k);
    }

    if (leaving != NULL || coming != NULL) {
        t = task_of(m, c, leaving != NULL ? leaving : coming, r, n);
        if (t == NULL) {
            return sim_fail(m, "c%u: proxy %u is told of no task", at, k);
        }
        t->shown = true;
    }

    if (leaving != NULL) {
        tally.tasks++;
        tally.from[t->from]++;
    }

    for (size_t i = 0; i < n; i++) {
        for (uint32_t slot = r[i].start; slot <= r[i].end; slot++) {
            unsigned part = coming != NULL ? t->to : c->owner[slot];

            if (master_proxy(c, part) != k
                || (node < 2 && master_node(c, part) != node)) {
                return sim_fail(
                    m, "c%u: slot %u is not proxy %u's", at, slot, k);
            }

            if (coming != NULL) {
                tally.coming++;
                continue;
            }

            if (tally.seen[slot]++ != 0) {
                return sim_fail(m, "c%u: slot %u is shown twice", at, slot);
            }

            if (leaving != NULL) {
                tally.leaving++;
            } else {
                tally.stable[part] = true;
            }
        }
    }

    return true;
}

static bool
ranges_ok(sim_t *m, unsigned at, const cJSON *slots, unsigned k, unsigned node)
{
    const cJSON *range;

    if (!cJSON_IsArray(slots)) {
        return sim_fail(m, "c%u: no slots of proxy %u", at, k);
    }

    cJSON_ArrayForEach(range, slots)
    {
        if (!range_ok(m, at, range, k, node)) {
            return false;
        }
    }

    return true;
}

static bool
tally_ok(sim_t *m, unsigned at, const char *whose)
{
    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        if (tally.seen[slot] == 0) {
            return sim_fail(m, "c%u: %s lacks slot %u", at, whose, slot);
        }
    }

    if (tally.leaving != tally.coming) {
        return sim_fail(m, "c%u: %s: %u slots go, %u come", at, whose,
            tally.leaving, tally.coming);
    }

    return true;
}

/* Node 0..3 of a chunk: who it is, what role, whose peer, which slots. */
static bool
node_ok(sim_t *m, unsigned at, unsigned chunk, unsigned node, const cJSON *o)
{
    const sim_chunk_t *ch = &m->now->cluster[at].chunk[chunk];
    unsigned k = ch->proxy[node / 2];
    unsigned mate = 3 - node;
    unsigned other = ch->proxy[mate / 2];
    bool master =
        sim_master(ch->role, 0) == node || sim_master(ch->role, 1) == node;
    const cJSON *repl = of(o, "repl");
    const cJSON *peer = cJSON_GetArrayItem(of(repl, "peers"), 0);

    if (!is(of(o, "address"), sim_node(m, k, node % 2))
        || !is(of(o, "proxy_address"), sim_address(m, k))
        || !is(of(repl, "role"), um_str_of(master ? "master" : "replica"))
        || cJSON_GetArraySize(of(repl, "peers")) != 1
        || !is(of(peer, "node_address"), sim_node(m, other, mate % 2))
        || !is(of(peer, "proxy_address"), sim_address(m, other)))
    {
        return sim_fail(m, "c%u: node %u of chunk %u", at, node, chunk);
    }

    if (!master && cJSON_GetArraySize(of(o, "slots")) != 0) {
        return sim_fail(m, "c%u: a replica of chunk %u has slots", at, chunk);
    }

    return ranges_ok(m, at, of(o, "slots"), k, node % 2);
}

/* --- one proxy ------------------------------------------------------------ */

static bool
free_ok(sim_t *m, unsigned k, const cJSON *p)
{
    const cJSON *node;
    unsigned i = 0;

    if (!cJSON_IsNull(of(p, "cluster_name"))
        || !cJSON_IsNull(of(p, "cluster_config"))
        || cJSON_GetArraySize(of(p, "peers")) != 0
        || cJSON_GetArraySize(of(p, "nodes")) != 2
        || of(p, "epoch")->valuedouble != (double) m->now->epoch)
    {
        return sim_fail(m, "proxy %u is not shown as free", k);
    }

    cJSON_ArrayForEach(node, of(p, "nodes"))
    {
        if (!is(of(node, "address"), sim_node(m, k, i++))
            || cJSON_GetArraySize(of(node, "slots")) != 0
            || !is(of(of(node, "repl"), "role"), um_lit("master"))
            || cJSON_GetArraySize(of(of(node, "repl"), "peers")) != 0)
        {
            return sim_fail(m, "proxy %u: node %u of a free one", k, i - 1);
        }
    }

    return true;
}

/* Every other proxy with a master, in the order of chunks. */
static bool
peers_ok(sim_t *m, unsigned at, unsigned k, const cJSON *peers)
{
    const sim_cluster_t *c = &m->now->cluster[at];
    const cJSON *peer = peers->child;

    for (unsigned i = 0; i < 2 * c->chunks; i++) {
        const sim_chunk_t *ch = &c->chunk[i / 2];
        unsigned other = ch->proxy[i % 2];

        if (other == k || !sim_has_master(ch, i % 2)) {
            continue;
        }

        if (peer == NULL
            || !is(of(peer, "proxy_address"), sim_address(m, other))) {
            return sim_fail(m, "c%u: proxy %u lacks peer %u", at, k, other);
        }

        if (!ranges_ok(m, at, of(peer, "slots"), other, 2)) {
            return false;
        }

        peer = peer->next;
    }

    return peer == NULL || sim_fail(m, "c%u: proxy %u: a peer more", at, k);
}

static bool
proxy_ok(sim_t *m, unsigned k, const cJSON *p)
{
    const sim_proxy_t *x = &m->now->proxy[k];
    const cJSON *nodes = of(p, "nodes");

    if (!is(of(p, "address"), sim_address(m, k))) {
        return sim_fail(m, "proxy %u is shown as another", k);
    }

    if (x->cluster == SIM_NOBODY) {
        return free_ok(m, k, p);
    }

    memset(&tally, 0, sizeof(tally));
    if (!is(of(p, "cluster_name"), sim_name(x->cluster))
        || of(p, "epoch")->valuedouble
               != (double) m->now->cluster[x->cluster].epoch
        || cJSON_GetArraySize(nodes) != 2
        || !cJSON_IsObject(of(p, "cluster_config")))
    {
        return sim_fail(m, "proxy %u is not shown in c%u", k, x->cluster);
    }

    return node_ok(m, x->cluster, x->chunk, 2u * x->side, nodes->child)
           && node_ok(
               m, x->cluster, x->chunk, 2u * x->side + 1, nodes->child->next)
           && peers_ok(m, x->cluster, k, of(p, "peers"))
           && tally_ok(m, x->cluster, "a proxy's view");
}

/* What has changed has a higher epoch; what a cache knows it by has, too. */
static bool
proxy_view(sim_t *m, unsigned k, um_sbuf_t *out, bool *changed)
{
    store_key_t key = store_proxy_key(m->s, sim_address(m, k));
    uint64_t hash;

    um_sbuf_clear(out);
    store_view_proxy(m->s, sim_address(m, k), out);
    hash = sim_hash(out->data, out->len);
    *changed = hash != m->view[k];

    if (!m->now->proxy[k].there) {
        *changed = false;
        return (key.epoch == 0 && key.stamp == 0
                   && um_str_eq((um_str_t){ out->data, out->len },
                       um_lit("{\"proxy\":null}")))
               || sim_fail(m, "proxy %u is shown, but is not there", k);
    }

    if (*changed && m->view[k] != 0 && key.epoch <= m->key[k].epoch) {
        return sim_fail(m,
            "proxy %u: something else under epoch %llu after %llu", k,
            (unsigned long long) key.epoch,
            (unsigned long long) m->key[k].epoch);
    }

    if (*changed && key.epoch == m->key[k].epoch
        && key.stamp == m->key[k].stamp) {
        return sim_fail(m, "proxy %u: something else under the old key", k);
    }

    m->view[k] = hash;
    m->key[k] = key;
    return true;
}

/* --- a cluster ------------------------------------------------------------ */

/* The same task, perhaps under another epoch, as it was before the step; NULL:
 * it is new.  Chunks are not renumbered while there are tasks. */
static const sim_task_t *
as_it_was(const sim_t *m, unsigned at, const sim_task_t *t)
{
    const sim_cluster_t *old = &m->was->cluster[at];

    for (unsigned i = 0; old->there && i < old->tasks; i++) {
        const sim_task_t *x = &old->task[i];

        if (x->from == t->from && x->to == t->to && x->ranges == t->ranges
            && memcmp(x->range, t->range, t->ranges * sizeof(t->range[0])) == 0)
        {
            return x;
        }
    }

    return NULL;
}

/* What was shown is shown until it ends; what is new is within the limit. */
static bool
limit_ok(sim_t *m, unsigned at)
{
    const sim_cluster_t *c = &m->now->cluster[at];
    uint64_t limit = m->e.migration_limit;

    if (c->tasks > 0 && tally.tasks == 0) {
        return sim_fail(m, "c%u: none of its tasks is shown", at);
    }

    for (unsigned i = 0; i < c->tasks; i++) {
        const sim_task_t *t = &c->task[i];
        const sim_task_t *old = as_it_was(m, at, t);
        bool was =
            old != NULL && m->plan[at].shown[old - m->was->cluster[at].task];

        if (was && !t->shown) {
            return sim_fail(m, "%s: c%u: task %u>%u is hidden again", m->did,
                at, t->from, t->to);
        }

        if (t->shown && !was && limit > 0
            && (tally.tasks > limit || tally.from[t->from] > 1))
        {
            return sim_fail(m, "%s: c%u: task %u>%u is one too many", m->did,
                at, t->from, t->to);
        }

        if (m->plan[at].filled && !t->shown
            && (limit == 0
                || (tally.tasks < limit && tally.from[t->from] == 0)))
        {
            return sim_fail(m, "%s: c%u: task %u>%u could start", m->did, at,
                t->from, t->to);
        }
    }

    for (unsigned i = 0; i < c->tasks; i++) {
        m->plan[at].shown[i] = c->task[i].shown;
    }

    return true;
}

static bool
info_ok(sim_t *m, unsigned at, um_sbuf_t *out)
{
    const sim_cluster_t *c = &m->now->cluster[at];
    unsigned with_slots = 0;
    cJSON *o;
    bool ok;

    for (unsigned i = 0; i < 2 * c->chunks; i++) {
        with_slots += tally.stable[i] ? 2 : 0;
    }

    um_sbuf_clear(out);
    if (store_view_info(m->s, sim_name(at), out) != STORE_OK) {
        return sim_fail(m, "c%u has no info", at);
    }

    o = cJSON_ParseWithLength(out->data, out->len);
    ok = is(of(o, "name"), sim_name(at))
         && of(o, "node_number")->valuedouble == 4.0 * c->chunks
         && of(o, "node_number_with_slots")->valuedouble == with_slots
         && cJSON_IsBool(of(o, "is_migrating"))
         && cJSON_IsTrue(of(o, "is_migrating")) == sim_busy(m, at);
    cJSON_Delete(o);

    return ok
           || sim_fail(m, "c%u: %u with slots, but info is %s", at, with_slots,
               um_sbuf_cstr(out));
}

static bool
cluster_ok(sim_t *m, unsigned at, const cJSON *o)
{
    const sim_cluster_t *c = &m->now->cluster[at];
    const cJSON *node = of(o, "nodes") == NULL ? NULL : of(o, "nodes")->child;

    memset(&tally, 0, sizeof(tally));
    if (!is(of(o, "name"), sim_name(at))
        || of(o, "epoch")->valuedouble != (double) c->epoch)
    {
        return sim_fail(m, "c%u is not shown", at);
    }

    for (unsigned i = 0; i < 4 * c->chunks; i++) {
        if (node == NULL || !node_ok(m, at, i / 4, i % 4, node)) {
            return node != NULL || sim_fail(m, "c%u lacks node %u", at, i);
        }

        node = node->next;
    }

    return tally_ok(m, at, "its view") && limit_ok(m, at)
           && (node == NULL || sim_fail(m, "c%u has a node more", at));
}

static bool
cluster_view(sim_t *m, unsigned at, um_sbuf_t *out)
{
    cJSON *o;
    bool ok;

    um_sbuf_clear(out);
    store_view_cluster(m->s, sim_name(at), out);
    o = cJSON_ParseWithLength(out->data, out->len);
    ok = cluster_ok(m, at, of(o, "cluster"));
    cJSON_Delete(o);
    return ok && info_ok(m, at, out);
}

/* --- lists ---------------------------------------------------------------- */

/* A list of addresses: sorted, each once, and just those that are meant. */
static bool
list_ok(sim_t *m, const char *what, um_sbuf_t *out,
    bool (*meant)(const sim_t *, unsigned))
{
    cJSON *root = cJSON_ParseWithLength(out->data, out->len);
    const cJSON *v;
    const char *last = "";
    unsigned want = 0;
    bool ok = true;

    for (unsigned k = 0; k < m->proxies; k++) {
        want += meant(m, k);
    }

    cJSON_ArrayForEach(v, of(root, "addresses"))
    {
        uint16_t k = sim_proxy_of(m, cJSON_GetStringValue(v));

        ok = ok && k != SIM_NOBODY && meant(m, k)
             && strcmp(last, v->valuestring) < 0;
        last = v->valuestring;
    }

    ok = ok && cJSON_GetArraySize(of(root, "addresses")) == (int) want;
    cJSON_Delete(root);
    return ok || sim_fail(m, "%s: %s", what, um_sbuf_cstr(out));
}

static bool
is_there(const sim_t *m, unsigned k)
{
    return m->now->proxy[k].there;
}

static bool
is_failed(const sim_t *m, unsigned k)
{
    return m->now->proxy[k].failed;
}

static bool
is_failure(const sim_t *m, unsigned k)
{
    uint64_t quorum = m->e.failure_quorum == 0 ? 1 : m->e.failure_quorum;

    return m->now->proxy[k].there && m->now->proxy[k].reports >= quorum;
}

static bool
lists(sim_t *m, um_sbuf_t *out)
{
    um_sbuf_clear(out);
    store_view_addresses(m->s, 0, STORE_ALL, out);
    if (!list_ok(m, "addresses", out, is_there)) {
        return false;
    }

    um_sbuf_clear(out);
    store_view_failed(m->s, out);
    if (!list_ok(m, "failed", out, is_failed)) {
        return false;
    }

    um_sbuf_clear(out);
    store_view_failures(m->s, &m->e, out);
    return list_ok(m, "failures", out, is_failure);
}

bool
sim_views(sim_t *m)
{
    um_sbuf_t out = { 0 };
    unsigned parsed = 0;
    bool ok = lists(m, &out);

    for (unsigned c = 0; ok && c < SIM_CLUSTERS; c++) {
        ok = !m->now->cluster[c].there || cluster_view(m, c, &out);
    }

    /* All texts, but a few in depth: others of the next time. */
    for (unsigned i = 0; ok && i < m->proxies; i++) {
        unsigned k = (unsigned) (i + m->step) % m->proxies;
        bool changed;

        ok = proxy_view(m, k, &out, &changed);
        if (ok && changed && parsed++ < 4) {
            cJSON *o = cJSON_ParseWithLength(out.data, out.len);

            ok = proxy_ok(m, k, of(o, "proxy"));
            cJSON_Delete(o);
        }
    }

    um_sbuf_deinit(&out);
    return ok;
}
