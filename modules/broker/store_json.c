/*
 * store_json.c -- the pieces views are made of: texts, ranges, nodes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

static bool
needs_escape(char c)
{
    return c == '"' || c == '\\' || (unsigned char) c < ' ';
}

void
store_json_str(um_sbuf_t *out, um_str_t s)
{
    size_t from = 0;

    um_sbuf_add(out, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        if (!needs_escape(s.data[i])) {
            continue;
        }
        um_sbuf_add(out, s.data + from, i - from);
        from = i + 1;
        if ((unsigned char) s.data[i] < ' ') {
            um_sbuf_addf(out, "\\u%04x", (unsigned char) s.data[i]);
        } else {
            um_sbuf_add(out, "\\", 1);
            um_sbuf_add(out, s.data + i, 1);
        }
    }
    um_sbuf_add(out, s.data + from, s.len - from);
    um_sbuf_add(out, "\"", 1);
}

void
store_json_list(um_sbuf_t *out, const store_ranges_t *r)
{
    um_sbuf_addz(out, "\"range_list\":[");
    for (uint32_t i = 0; i < r->n; i++) {
        um_sbuf_addz(out, i > 0 ? ",[" : "[");
        um_sbuf_add_u64(out, r->r[i].start);
        um_sbuf_add(out, ",", 1);
        um_sbuf_add_u64(out, r->r[i].end);
        um_sbuf_add(out, "]", 1);
    }
    um_sbuf_add(out, "]", 1);
}

/* The proxy and the node of a node of the chunk. */
static um_str_t
chunk_proxy(const store_t *s, const store_chunk_t *ch, unsigned node)
{
    return s->proxy[ch->proxy[node / 2]].ident->address;
}

static um_str_t
chunk_node(const store_t *s, const store_chunk_t *ch, unsigned node)
{
    return s->proxy[ch->proxy[node / 2]].ident->node[node % 2];
}

/* {"range_list":..,"tag":{"Migrating":{..}}} */
void
store_json_task(const store_t *s, const store_cluster_t *c,
    const store_task_t *t, const char *tag, um_sbuf_t *out)
{
    static const char *const names[2][2] = {
        { ",\"src_proxy_address\":", ",\"src_node_address\":" },
        { ",\"dst_proxy_address\":", ",\"dst_node_address\":" },
    };

    um_sbuf_add(out, "{", 1);
    store_json_list(out, t->ranges);
    um_sbuf_addz(out, ",\"tag\":{\"");
    um_sbuf_addz(out, tag);
    um_sbuf_addz(out, "\":{\"epoch\":");
    um_sbuf_add_u64(out, t->epoch);
    for (unsigned end = 0; end < 2; end++) {
        const store_chunk_t *ch = &c->chunk[t->chunk[end]];
        unsigned node = store_part_node(ch->role, t->part[end]);

        um_sbuf_addz(out, names[end][0]);
        store_json_str(out, chunk_proxy(s, ch, node));
        um_sbuf_addz(out, names[end][1]);
        store_json_str(out, chunk_node(s, ch, node));
    }
    um_sbuf_addz(out, "}}}");
}

void
store_json_slots(const store_shape_t *sh, uint32_t chunk, unsigned part,
    bool *any, um_sbuf_t *out)
{
    static const char *const tags[2] = { "Migrating", "Importing" };
    const store_ranges_t *stable = sh->stable[2 * chunk + part];

    if (stable != NULL) {
        um_sbuf_addz(out, *any ? ",{" : "{");
        store_json_list(out, stable);
        um_sbuf_addz(out, ",\"tag\":\"None\"}");
        *any = true;
    }
    for (unsigned end = 0; end < 2; end++) {
        uint32_t i = sh->first[end][2 * chunk + part];

        for (; i != STORE_NONE; i = sh->next[end][i]) {
            um_sbuf_addz(out, *any ? "," : "");
            store_json_task(sh->s, sh->c, &sh->c->task[i], tags[end], out);
            *any = true;
        }
    }
}

void
store_json_node(
    const store_shape_t *sh, uint32_t chunk, unsigned node, um_sbuf_t *out)
{
    const store_chunk_t *ch = &sh->c->chunk[chunk];
    unsigned part;
    bool master = store_node_is_master(ch->role, node, &part);
    bool any = false;

    um_sbuf_addz(out, "{\"address\":");
    store_json_str(out, chunk_node(sh->s, ch, node));
    um_sbuf_addz(out, ",\"proxy_address\":");
    store_json_str(out, chunk_proxy(sh->s, ch, node));
    um_sbuf_addz(out, ",\"slots\":[");
    if (master) {
        store_json_slots(sh, chunk, part, &any, out);
    }
    um_sbuf_addz(out, "],\"repl\":{\"role\":\"");
    um_sbuf_addz(out, master ? "master" : "replica");
    um_sbuf_addz(out, "\",\"peers\":[{\"node_address\":");
    /* 0 and 3, 1 and 2. */
    store_json_str(out, chunk_node(sh->s, ch, 3 - node));
    um_sbuf_addz(out, ",\"proxy_address\":");
    store_json_str(out, chunk_proxy(sh->s, ch, 3 - node));
    um_sbuf_addz(out, "}]}}");
}
