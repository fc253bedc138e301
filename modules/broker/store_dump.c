/*
 * store_dump.c -- the whole store as the reference writes it, and what is
 * only ours behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

const char *const store_role_names[3] = {
    [STORE_ROLE_NORMAL] = "Normal",
    [STORE_ROLE_FIRST] = "FirstChunkMaster",
    [STORE_ROLE_SECOND] = "SecondChunkMaster",
};

static void
dump_task(const store_task_t *t, bool source, um_sbuf_t *out)
{
    um_sbuf_add(out, "{", 1);
    store_json_list(out, t->ranges);
    um_sbuf_addf(out,
        ",\"is_migrating\":%s,\"meta\":{\"epoch\":%llu,"
        "\"src_chunk_index\":%u,\"src_chunk_part\":%u,"
        "\"dst_chunk_index\":%u,\"dst_chunk_part\":%u}}",
        source ? "true" : "false", (unsigned long long) t->epoch, t->chunk[0],
        t->part[0], t->chunk[1], t->part[1]);
}

/* The tasks that end at the part. */
static void
dump_tasks(
    const store_shape_t *sh, uint32_t chunk, unsigned part, um_sbuf_t *out)
{
    const char *comma = "";

    um_sbuf_add(out, "[", 1);
    for (unsigned end = 0; end < 2; end++) {
        uint32_t i = sh->first[end][2 * chunk + part];

        for (; i != STORE_NONE; i = sh->next[end][i]) {
            um_sbuf_addz(out, comma);
            dump_task(&sh->c->task[i], end == 0, out);
            comma = ",";
        }
    }
    um_sbuf_add(out, "]", 1);
}

static void
dump_stable(const store_ranges_t *r, um_sbuf_t *out)
{
    if (r == NULL) {
        um_sbuf_addz(out, "null");
        return;
    }
    um_sbuf_add(out, "{", 1);
    store_json_list(out, r);
    um_sbuf_addz(out, ",\"tag\":\"None\"}");
}

/* Both proxies' addresses, hosts and nodes. */
static void
dump_sides(const store_t *s, const store_chunk_t *ch, um_sbuf_t *out)
{
    um_sbuf_addz(out, ",\"proxy_addresses\":[");
    for (unsigned i = 0; i < 2; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        store_json_str(out, store_address(s, ch->proxy[i]));
    }
    um_sbuf_addz(out, "],\"hosts\":[");
    for (unsigned i = 0; i < 2; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        store_json_str(
            out, store_text(s->host[s->proxy[ch->proxy[i]].host].name));
    }
    um_sbuf_addz(out, "],\"node_addresses\":[");
    for (unsigned i = 0; i < 4; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        store_json_str(out, s->proxy[ch->proxy[i / 2]].ident->node[i % 2]);
    }
    um_sbuf_addz(out, "]");
}

static void
dump_chunk(const store_shape_t *sh, uint32_t i, um_sbuf_t *out)
{
    const store_chunk_t *ch = &sh->c->chunk[i];

    um_sbuf_addz(out, "{\"role_position\":\"");
    um_sbuf_addz(out, store_role_names[ch->role]);
    um_sbuf_addz(out, "\",\"stable_slots\":[");
    dump_stable(ch->stable[0], out);
    um_sbuf_add(out, ",", 1);
    dump_stable(ch->stable[1], out);
    um_sbuf_addz(out, "],\"migrating_slots\":[");
    dump_tasks(sh, i, 0, out);
    um_sbuf_add(out, ",", 1);
    dump_tasks(sh, i, 1, out);
    um_sbuf_add(out, "]", 1);
    dump_sides(sh->s, ch, out);
    um_sbuf_add(out, "}", 1);
}

static void
dump_cluster(const store_t *s, const store_cluster_t *c, um_sbuf_t *out)
{
    um_str_t name = um_str_of(c->name);
    store_shape_t sh;

    if (!store_shape_init(&sh, s, c, true)) {
        out->failed = true;
        store_shape_deinit(&sh);
        return;
    }

    store_json_str(out, name);
    um_sbuf_addz(out, ":{\"epoch\":");
    um_sbuf_add_u64(out, c->epoch);
    um_sbuf_addz(out, ",\"name\":");
    store_json_str(out, name);
    um_sbuf_addz(out, ",\"chunks\":[");
    for (uint32_t i = 0; i < c->chunks; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        dump_chunk(&sh, i, out);
    }
    um_sbuf_addz(out, "],\"config\":");
    store_view_config(&c->config, out);
    um_sbuf_add(out, "}", 1);
    store_shape_deinit(&sh);
}

static void
dump_proxy(const store_t *s, const store_proxy_t *p, um_sbuf_t *out)
{
    store_json_str(out, p->ident->address);
    um_sbuf_addz(out, ":{\"proxy_address\":");
    store_json_str(out, p->ident->address);
    um_sbuf_addz(out, ",\"node_addresses\":[");
    store_json_str(out, p->ident->node[0]);
    um_sbuf_add(out, ",", 1);
    store_json_str(out, p->ident->node[1]);
    um_sbuf_addz(out, "],\"host\":");
    store_json_str(out, store_text(s->host[p->host].name));
    um_sbuf_addz(out, ",\"index\":");
    um_sbuf_add_u64(out, p->index);
    um_sbuf_addz(out, ",\"cluster\":");
    if (p->cluster == STORE_NONE) {
        um_sbuf_addz(out, "null");
    } else {
        store_json_str(out, um_str_of(s->cluster[p->cluster]->name));
    }
    um_sbuf_add(out, "}", 1);
}

static void
dump_failures(const store_t *s, um_sbuf_t *out)
{
    const char *comma = "";

    um_sbuf_addz(out, ",\"failed_proxies\":[");
    for (uint32_t i = 0; i < s->by_address.n; i++) {
        uint32_t place = s->by_address.at[i];

        if (s->proxy[place].failed) {
            um_sbuf_addz(out, comma);
            store_json_str(out, store_address(s, place));
            comma = ",";
        }
    }
    um_sbuf_addz(out, "],\"failures\":{");
    for (uint32_t i = 0; i < s->reports; i++) {
        const store_report_t *r = &s->report[i];
        bool first =
            i == 0
            || store_cmp(store_text(r->address), store_text(r[-1].address))
                   != 0;

        if (first) {
            um_sbuf_addz(out, i > 0 ? "}," : "");
            store_json_str(out, store_text(r->address));
            um_sbuf_addz(out, ":{");
        } else {
            um_sbuf_add(out, ",", 1);
        }
        store_json_str(out, store_text(r->reporter));
        um_sbuf_add(out, ":", 1);
        um_sbuf_add_u64(out, r->when);
    }
    um_sbuf_addz(out, s->reports > 0 ? "}}" : "}");
}

void
store_dump(const store_t *s, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"version\":\"mem-broker-0.2\",\"global_epoch\":");
    um_sbuf_add_u64(out, s->epoch);
    um_sbuf_addz(out, ",\"clusters\":{");
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        dump_cluster(s, s->cluster[s->by_name.at[i]], out);
    }
    um_sbuf_addz(out, "},\"all_proxies\":{");
    for (uint32_t i = 0; i < s->by_address.n; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        dump_proxy(s, &s->proxy[s->by_address.at[i]], out);
    }
    um_sbuf_add(out, "}", 1);
    dump_failures(s, out);
    um_sbuf_addz(out, ",\"enable_ordered_proxy\":");
    um_sbuf_addz(out, s->ordered ? "true" : "false");
    store_dump_ours(s, out);
    um_sbuf_add(out, "}", 1);
}
