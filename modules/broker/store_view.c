/*
 * store_view.c -- what the coordinator and the operators are shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

void
store_view_config(const store_config_t *config, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"compression_strategy\":\"");
    um_sbuf_addz(out, store_compress_names[config->compression]);
    um_sbuf_addz(out, "\",\"migration_config\":{\"max_migration_time\":");
    um_sbuf_add_u64(out, config->max_migration_time);
    um_sbuf_addz(out, ",\"max_blocking_time\":");
    um_sbuf_add_u64(out, config->max_blocking_time);
    um_sbuf_addz(out, ",\"scan_interval\":");
    um_sbuf_add_u64(out, config->scan_interval);
    um_sbuf_addz(out, ",\"scan_count\":");
    um_sbuf_add_u64(out, config->scan_count);
    um_sbuf_addz(out, "}}");
}

void
store_view_names(
    const store_t *s, uint64_t offset, uint64_t limit, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"names\":[");
    for (uint64_t i = offset; i < s->by_name.n && i - offset < limit; i++) {
        um_sbuf_addz(out, i > offset ? "," : "");
        store_json_str(out, um_str_of(s->cluster[s->by_name.at[i]]->name));
    }
    um_sbuf_addz(out, "]}");
}

void
store_view_addresses(
    const store_t *s, uint64_t offset, uint64_t limit, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"addresses\":[");
    for (uint64_t i = offset; i < s->by_address.n && i - offset < limit; i++) {
        um_sbuf_addz(out, i > offset ? "," : "");
        store_json_str(out, store_address(s, s->by_address.at[i]));
    }
    um_sbuf_addz(out, "]}");
}

void
store_view_failed(const store_t *s, um_sbuf_t *out)
{
    const char *comma = "";

    um_sbuf_addz(out, "{\"addresses\":[");
    for (uint32_t i = 0; i < s->by_address.n; i++) {
        uint32_t place = s->by_address.at[i];

        if (s->proxy[place].failed) {
            um_sbuf_addz(out, comma);
            store_json_str(out, store_address(s, place));
            comma = ",";
        }
    }
    um_sbuf_addz(out, "]}");
}

static void
view_cluster(const store_shape_t *sh, um_sbuf_t *out)
{
    const store_cluster_t *c = sh->c;

    um_sbuf_addz(out, "{\"cluster\":{\"name\":");
    store_json_str(out, um_str_of(c->name));
    um_sbuf_addz(out, ",\"epoch\":");
    um_sbuf_add_u64(out, c->epoch);
    um_sbuf_addz(out, ",\"nodes\":[");
    for (uint32_t i = 0; i < c->chunks; i++) {
        for (unsigned n = 0; n < 4; n++) {
            um_sbuf_addz(out, i > 0 || n > 0 ? "," : "");
            store_json_node(sh, i, n, out);
        }
    }
    um_sbuf_addz(out, "],\"config\":");
    store_view_config(&c->config, out);
    /* Ours: who reads it need not ask for the list all day. */
    if (store_cancelling(c) > 0) {
        um_sbuf_addf(out, ",\"cancelling\":%u", store_cancelling(c));
    }
    um_sbuf_addz(out, "}}");
}

void
store_view_cluster(const store_t *s, um_str_t name, um_sbuf_t *out)
{
    uint32_t place = store_find_cluster(s, name);
    store_shape_t sh;

    if (place == STORE_NONE) {
        um_sbuf_addz(out, "{\"cluster\":null}");
        return;
    }
    if (store_shape_init(&sh, s, s->cluster[place], false)) {
        view_cluster(&sh, out);
    } else {
        out->failed = true;
    }
    store_shape_deinit(&sh);
}

/* The part is served by that side. */
static bool
side_has(const store_chunk_t *ch, unsigned side, unsigned part)
{
    return store_part_node(ch->role, part) / 2 == side;
}

/* Every other proxy that has masters, with the slots of them all. */
static void
view_peers(const store_shape_t *sh, uint32_t self, um_sbuf_t *out)
{
    const char *comma = "";

    for (uint32_t i = 0; i < sh->c->chunks; i++) {
        const store_chunk_t *ch = &sh->c->chunk[i];

        for (unsigned side = 0; side < 2; side++) {
            bool first = side_has(ch, side, 0);
            bool second = side_has(ch, side, 1);
            bool any = false;

            if (ch->proxy[side] == self || !(first || second)) {
                continue;
            }
            um_sbuf_addz(out, comma);
            comma = ",";
            um_sbuf_addz(out, "{\"proxy_address\":");
            store_json_str(out, store_address(sh->s, ch->proxy[side]));
            um_sbuf_addz(out, ",\"slots\":[");
            /* By nodes: the second side has part 1 before part 0. */
            for (unsigned k = 0; k < 2; k++) {
                unsigned part = side == 0 ? k : 1 - k;

                if (part == 0 ? first : second) {
                    store_json_slots(sh, i, part, &any, out);
                }
            }
            um_sbuf_addz(out, "]}");
        }
    }
}

static void
view_member(const store_shape_t *sh, uint32_t place, um_sbuf_t *out)
{
    const store_proxy_t *p = &sh->s->proxy[place];

    um_sbuf_addz(out, "{\"proxy\":{\"cluster_name\":");
    store_json_str(out, um_str_of(sh->c->name));
    um_sbuf_addz(out, ",\"address\":");
    store_json_str(out, p->ident->address);
    um_sbuf_addz(out, ",\"epoch\":");
    um_sbuf_add_u64(out, sh->c->epoch);
    um_sbuf_addz(out, ",\"nodes\":[");
    store_json_node(sh, p->chunk, 2 * p->side, out);
    um_sbuf_add(out, ",", 1);
    store_json_node(sh, p->chunk, 2 * p->side + 1, out);
    um_sbuf_addz(out, "],\"peers\":[");
    view_peers(sh, place, out);
    um_sbuf_addz(out, "],\"cluster_config\":");
    store_view_config(&sh->c->config, out);
    um_sbuf_addz(out, "}}");
}

static void
view_spare(const store_t *s, const store_proxy_t *p, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"proxy\":{\"cluster_name\":null,\"address\":");
    store_json_str(out, p->ident->address);
    um_sbuf_addz(out, ",\"epoch\":");
    um_sbuf_add_u64(out, s->epoch);
    um_sbuf_addz(out, ",\"nodes\":[");
    for (unsigned i = 0; i < 2; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        um_sbuf_addz(out, "{\"address\":");
        store_json_str(out, p->ident->node[i]);
        um_sbuf_addz(out, ",\"proxy_address\":");
        store_json_str(out, p->ident->address);
        um_sbuf_addz(
            out, ",\"slots\":[],\"repl\":{\"role\":\"master\",\"peers\":[]}}");
    }
    um_sbuf_addz(out, "],\"peers\":[],\"cluster_config\":null}}");
}

void
store_view_proxy(const store_t *s, um_str_t address, um_sbuf_t *out)
{
    uint32_t place = store_find_proxy(s, address);
    const store_proxy_t *p;
    store_shape_t sh;

    if (place == STORE_NONE) {
        um_sbuf_addz(out, "{\"proxy\":null}");
        return;
    }
    p = &s->proxy[place];
    if (p->cluster == STORE_NONE) {
        view_spare(s, p, out);
        return;
    }
    if (store_shape_init(&sh, s, s->cluster[p->cluster], false)) {
        view_member(&sh, place, out);
    } else {
        out->failed = true;
    }
    store_shape_deinit(&sh);
}
