/*
 * sim_look.c -- a dump, read and judged without asking the store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char names[8][40];
static unsigned name_next;

static um_str_t say(const char *fmt, ...) UM_PRINTF(1, 2);

static um_str_t
say(const char *fmt, ...)
{
    char *at = names[name_next++ % 8];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(at, sizeof(names[0]), fmt, ap);
    va_end(ap);
    return (um_str_t){ at, strlen(at) };
}

um_str_t
sim_address(const sim_t *m, unsigned k)
{
    return say("10.0.%u.%u:7000", k % m->hosts, k);
}

um_str_t
sim_node(const sim_t *m, unsigned k, unsigned i)
{
    return say("10.0.%u.%u:%u", k % m->hosts, k, 6000 + i);
}

um_str_t
sim_host(const sim_t *m, unsigned k)
{
    return say("host%u", k % m->hosts);
}

um_str_t
sim_name(unsigned c)
{
    return say("c%u", c);
}

uint16_t
sim_proxy_of(const sim_t *m, const char *address)
{
    unsigned h, k, port;

    if (sscanf(address, "10.0.%u.%u:%u", &h, &k, &port) != 3 || k >= m->proxies
        || h != k % m->hosts || port != 7000)
    {
        return SIM_NOBODY;
    }

    return (uint16_t) k;
}

uint16_t
sim_cluster_of(const char *name)
{
    unsigned c;

    return sscanf(name, "c%u", &c) == 1 && c < SIM_CLUSTERS ? (uint16_t) c
                                                            : SIM_NOBODY;
}

bool
sim_fail(sim_t *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(m->why, sizeof(m->why), fmt, ap);
    va_end(ap);
    return false;
}

uint64_t
sim_hash(const char *data, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char) data[i]) * UINT64_C(1099511628211);
    }

    return h;
}

/* --- JSON, with little patience ------------------------------------------- */

static const cJSON *
of(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static uint64_t
number(const cJSON *o, const char *key)
{
    const cJSON *v = of(o, key);

    return cJSON_IsNumber(v) ? (uint64_t) v->valuedouble : UINT64_MAX;
}

static const char *
text(const cJSON *v)
{
    return cJSON_IsString(v) ? v->valuestring : "";
}

bool
sim_ranges(const cJSON *list, store_range_t *r, size_t *n)
{
    const cJSON *pair;
    uint32_t next = 0;

    *n = 0;
    cJSON_ArrayForEach(pair, list)
    {
        const cJSON *a = cJSON_GetArrayItem(pair, 0);
        const cJSON *b = cJSON_GetArrayItem(pair, 1);

        /* Sorted, apart from each other, not empty. */
        if (!cJSON_IsNumber(a) || !cJSON_IsNumber(b) || *n == SIM_RANGES
            || a->valuedouble < next || b->valuedouble < a->valuedouble
            || b->valuedouble >= UM_SLOTS)
        {
            return false;
        }

        r[*n].start = (uint16_t) a->valuedouble;
        r[*n].end = (uint16_t) b->valuedouble;
        next = (uint32_t) r[*n].end + 2;
        (*n)++;
    }

    return *n > 0;
}

/* The slots are this part's and were nobody's. */
static bool
own(sim_cluster_t *c, const store_range_t *r, size_t n, uint16_t part)
{
    for (size_t i = 0; i < n; i++) {
        for (uint32_t slot = r[i].start; slot <= r[i].end; slot++) {
            if (c->owner[slot] != SIM_NOBODY) {
                return false;
            }

            c->owner[slot] = part;
        }
    }

    return true;
}

/* --- proxies and failures ------------------------------------------------- */

static bool
look_proxy(sim_t *m, const cJSON *p)
{
    const char *name = p->string;
    uint16_t k = sim_proxy_of(m, name);
    const cJSON *nodes = of(p, "node_addresses");
    const cJSON *cluster = of(p, "cluster");
    sim_proxy_t *x;

    if (k == SIM_NOBODY || strcmp(text(of(p, "proxy_address")), name) != 0) {
        return sim_fail(m, "who is %s?", name);
    }

    for (int i = 0; i < 2; i++) {
        if (strcmp(text(cJSON_GetArrayItem(nodes, i)),
                sim_node(m, k, (unsigned) i).data)
            != 0)
        {
            return sim_fail(m, "%s has other nodes", name);
        }
    }

    if (strcmp(text(of(p, "host")), sim_host(m, k).data) != 0) {
        return sim_fail(m, "%s is on %s", name, text(of(p, "host")));
    }

    x = &m->now->proxy[k];
    x->there = true;
    x->cluster = SIM_NOBODY;
    x->chunk = SIM_NOBODY;

    if (cJSON_IsString(cluster)) {
        x->cluster = sim_cluster_of(cluster->valuestring);
        if (x->cluster == SIM_NOBODY) {
            return sim_fail(m, "%s is in %s", name, cluster->valuestring);
        }
    }

    return true;
}

static bool
look_failures(sim_t *m, const cJSON *root)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, of(root, "failed_proxies"))
    {
        uint16_t k = sim_proxy_of(m, text(v));

        if (k == SIM_NOBODY || !m->now->proxy[k].there
            || m->now->proxy[k].failed) {
            return sim_fail(m, "%s has failed, or twice", text(v));
        }

        m->now->proxy[k].failed = true;
    }

    cJSON_ArrayForEach(v, of(root, "failures"))
    {
        uint16_t k = sim_proxy_of(m, v->string);
        const cJSON *when;

        if (cJSON_GetArraySize(v) < 1) {
            return sim_fail(m, "%s is reported by nobody", v->string);
        }

        cJSON_ArrayForEach(when, v)
        {
            if (k != SIM_NOBODY
                && when->valuedouble + (double) m->e.failure_ttl
                       > (double) m->e.now)
            {
                m->now->proxy[k].reports++;
            }
        }
    }

    return true;
}

/* --- clusters ------------------------------------------------------------- */

static bool
look_task(sim_t *m, unsigned at, const cJSON *t, uint16_t part)
{
    sim_cluster_t *c = &m->now->cluster[at];
    const cJSON *meta = of(t, "meta");
    bool source = cJSON_IsTrue(of(t, "is_migrating"));
    uint64_t from =
        number(meta, "src_chunk_index") * 2 + number(meta, "src_chunk_part");
    uint64_t to =
        number(meta, "dst_chunk_index") * 2 + number(meta, "dst_chunk_part");
    sim_task_t *x = &c->task[c->tasks];

    if (c->tasks == SIM_TASKS
        || !sim_ranges(of(t, "range_list"), x->range, &x->ranges))
    {
        return sim_fail(m, "c%u: a task with bad ranges, or too many", at);
    }

    x->epoch = number(meta, "epoch");
    x->from = (uint16_t) from;
    x->to = (uint16_t) to;
    x->paired = false;
    x->shown = false;

    if (from == to || from >= 2 * (uint64_t) c->chunks
        || to >= 2 * (uint64_t) c->chunks || part != (source ? from : to)
        || x->epoch > c->epoch)
    {
        return sim_fail(m, "c%u: task %u>%u at part %u, epoch %llu", at,
            x->from, x->to, part, (unsigned long long) x->epoch);
    }

    if (source) {
        c->tasks++;
        return own(c, x->range, x->ranges, part)
               || sim_fail(
                   m, "c%u: part %u moves what is not its own", at, part);
    }

    return true;
}

/* The other ends: each must be that of one task, and none left over. */
static bool
look_pair(sim_t *m, unsigned at, const cJSON *t, uint16_t part)
{
    sim_cluster_t *c = &m->now->cluster[at];
    static sim_task_t x;
    uint64_t from = number(of(t, "meta"), "src_chunk_index") * 2
                    + number(of(t, "meta"), "src_chunk_part");

    x.epoch = number(of(t, "meta"), "epoch");
    if (cJSON_IsTrue(of(t, "is_migrating"))
        || !sim_ranges(of(t, "range_list"), x.range, &x.ranges))
    {
        return true;
    }

    for (unsigned i = 0; i < c->tasks; i++) {
        sim_task_t *y = &c->task[i];

        if (!y->paired && y->from == from && y->to == part
            && y->epoch == x.epoch && y->ranges == x.ranges
            && memcmp(y->range, x.range, x.ranges * sizeof(x.range[0])) == 0)
        {
            y->paired = true;
            return true;
        }
    }

    return sim_fail(m, "c%u: part %u expects what nobody sends", at, part);
}

static bool
look_part(sim_t *m, unsigned at, const cJSON *chunk, uint16_t part)
{
    static store_range_t r[SIM_RANGES];
    const cJSON *stable =
        cJSON_GetArrayItem(of(chunk, "stable_slots"), part % 2);
    const cJSON *task;
    size_t n;

    if (!cJSON_IsNull(stable)
        && (!sim_ranges(of(stable, "range_list"), r, &n)
            || strcmp(text(of(stable, "tag")), "None") != 0
            || !own(&m->now->cluster[at], r, n, part)))
    {
        return sim_fail(m, "c%u: slots of part %u", at, part);
    }

    cJSON_ArrayForEach(
        task, cJSON_GetArrayItem(of(chunk, "migrating_slots"), part % 2))
    {
        if (!look_task(m, at, task, part)) {
            return false;
        }
    }

    return true;
}

static bool
look_chunk(sim_t *m, unsigned at, const cJSON *chunk, uint16_t i)
{
    static const char *const roles[] = {
        "Normal",
        "FirstChunkMaster",
        "SecondChunkMaster",
    };
    sim_chunk_t *ch = &m->now->cluster[at].chunk[i];
    const char *role = text(of(chunk, "role_position"));

    for (ch->role = 0; strcmp(roles[ch->role], role) != 0; ch->role++) {
        if (ch->role == 2) {
            return sim_fail(m, "c%u: the role %s", at, role);
        }
    }

    for (int side = 0; side < 2; side++) {
        const char *a =
            text(cJSON_GetArrayItem(of(chunk, "proxy_addresses"), side));
        const char *h = text(cJSON_GetArrayItem(of(chunk, "hosts"), side));
        uint16_t k = sim_proxy_of(m, a);
        sim_proxy_t *p = k == SIM_NOBODY ? NULL : &m->now->proxy[k];

        if (p == NULL || !p->there || p->cluster != at || p->chunk != SIM_NOBODY
            || strcmp(h, sim_host(m, k).data) != 0)
        {
            return sim_fail(m, "c%u: chunk %u has %s on %s", at, i, a, h);
        }

        for (int node = 0; node < 2; node++) {
            const cJSON *n = cJSON_GetArrayItem(
                of(chunk, "node_addresses"), 2 * side + node);

            if (strcmp(text(n), sim_node(m, k, (unsigned) node).data) != 0) {
                return sim_fail(m, "c%u: chunk %u has node %s", at, i, text(n));
            }
        }

        p->chunk = i;
        p->side = (uint16_t) side;
        ch->proxy[side] = k;
    }

    return true;
}

/* All of it but the epoch: whether it has changed. */
static uint64_t
look_hash(const cJSON *o)
{
    char *chunks = cJSON_PrintUnformatted(of(o, "chunks"));
    char *config = cJSON_PrintUnformatted(of(o, "config"));
    uint64_t h =
        sim_hash(chunks, strlen(chunks)) ^ sim_hash(config, strlen(config)) * 3;

    cJSON_free(chunks);
    cJSON_free(config);
    return h;
}

static bool
look_cluster(sim_t *m, const cJSON *o)
{
    uint16_t at = sim_cluster_of(o->string);
    const cJSON *chunks = of(o, "chunks");
    const cJSON *chunk;
    sim_cluster_t *c;
    uint16_t i;

    if (at == SIM_NOBODY || cJSON_GetArraySize(chunks) < 1
        || cJSON_GetArraySize(chunks) > SIM_CHUNKS)
    {
        return sim_fail(m, "the cluster %s", o->string);
    }

    c = &m->now->cluster[at];
    c->there = true;
    c->epoch = number(o, "epoch");
    c->hash = look_hash(o);
    c->chunks = (unsigned) cJSON_GetArraySize(chunks);
    memset(c->owner, 0xff, sizeof(c->owner));

    if (c->epoch > m->now->epoch) {
        return sim_fail(m, "c%u is ahead of the store", at);
    }

    i = 0;
    cJSON_ArrayForEach(chunk, chunks)
    {
        if (!look_chunk(m, at, chunk, i)
            || !look_part(m, at, chunk, (uint16_t) (2 * i))
            || !look_part(m, at, chunk, (uint16_t) (2 * i + 1)))
        {
            return false;
        }

        i++;
    }

    for (uint32_t slot = 0; slot < UM_SLOTS; slot++) {
        if (c->owner[slot] == SIM_NOBODY) {
            return sim_fail(m, "c%u: slot %u is nobody's", at, slot);
        }
    }

    i = 0;
    cJSON_ArrayForEach(chunk, chunks)
    {
        const cJSON *lists = of(chunk, "migrating_slots");
        const cJSON *task;

        for (int part = 0; part < 2; part++) {
            cJSON_ArrayForEach(task, cJSON_GetArrayItem(lists, part))
            {
                if (!look_pair(m, at, task, (uint16_t) (2 * i + part))) {
                    return false;
                }
            }
        }

        i++;
    }

    for (unsigned t = 0; t < c->tasks; t++) {
        if (!c->task[t].paired) {
            return sim_fail(m, "c%u: task %u is expected by nobody", at, t);
        }
    }

    return true;
}

static bool
look_root(sim_t *m, const cJSON *root)
{
    const cJSON *v;

    if (root == NULL) {
        return sim_fail(m, "the dump is not JSON");
    }

    m->now->epoch = number(root, "global_epoch");
    cJSON_ArrayForEach(v, of(root, "all_proxies"))
    {
        if (!look_proxy(m, v)) {
            return false;
        }
    }

    cJSON_ArrayForEach(v, of(root, "clusters"))
    {
        if (!look_cluster(m, v)) {
            return false;
        }
    }

    for (unsigned k = 0; k < m->proxies; k++) {
        const sim_proxy_t *p = &m->now->proxy[k];

        if (p->there && p->cluster != SIM_NOBODY && p->chunk == SIM_NOBODY) {
            return sim_fail(m, "proxy %u is in no chunk of its cluster", k);
        }
    }

    return look_failures(m, root);
}

bool
sim_look(sim_t *m)
{
    cJSON *root = cJSON_ParseWithLength(m->text.data, m->text.len);
    bool ok;

    memset(m->now, 0, sizeof(*m->now));
    ok = look_root(m, root);
    cJSON_Delete(root);
    return ok;
}

/* --- asking ----------------------------------------------------------------
 */

bool
sim_maybe_spare(const sim_look_t *l, unsigned k)
{
    const sim_proxy_t *p = &l->proxy[k];

    return p->there && p->cluster == SIM_NOBODY && !p->failed;
}

bool
sim_spare(const sim_look_t *l, unsigned k)
{
    return sim_maybe_spare(l, k) && l->proxy[k].reports == 0;
}

unsigned
sim_master(unsigned role, unsigned part)
{
    static const unsigned node[3][2] = { { 0, 2 }, { 0, 1 }, { 3, 2 } };

    return node[role][part];
}

bool
sim_has_master(const sim_chunk_t *ch, unsigned side)
{
    return sim_master(ch->role, 0) / 2 == side
           || sim_master(ch->role, 1) / 2 == side;
}

bool
sim_scaling(const sim_t *m, unsigned c, uint64_t *epoch)
{
    store_scaling_t in;

    for (size_t i = 0; store_scaling(m->s, i, &in) == UM_OK; i++) {
        if (um_str_eq(in.name, sim_name(c))) {
            *epoch = in.epoch;
            return true;
        }
    }

    return false;
}

bool
sim_busy(const sim_t *m, unsigned c)
{
    uint64_t epoch;

    return m->now->cluster[c].tasks > 0 || sim_scaling(m, c, &epoch);
}
