/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_cluster_text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_crc64.h"
#include "core/um_str.h"
#include "resp/um_put.h"

#define ID_NAME_LEN 24
#define ID_HEX_LEN  16

/* A port that nobody listens on, where Redis shows its cluster bus. */
#define BUS_PORT "@5299"

typedef struct {
    uint16_t start, end;
} run_t;

/*
 * The runs of slots of each proxy: ours is number 0, peer i number i + 1.
 * Those of number n are run[first[n]] .. run[first[n + 1] - 1].
 */
typedef struct {
    uint32_t proxies;
    uint32_t slots; /* owned by anybody */
    uint32_t first[UM_TOPO_ADDRS + 2];
    run_t run[UM_SLOTS];
} runs_t;

static uint32_t
proxy_of_slot(const um_topo_t *t, uint32_t slot)
{
    uint32_t owner = t->owner[slot];

    return owner < t->local_count ? 0 : owner - t->local_count + 1;
}

/* The last slot of the run that begins at `slot`. */
static uint32_t
run_end(const um_topo_t *t, uint32_t slot)
{
    uint32_t who = proxy_of_slot(t, slot), end = slot;

    while (end + 1 < UM_SLOTS && t->owner[end + 1] != UM_TOPO_NO_OWNER
           && proxy_of_slot(t, end + 1) == who)
    {
        end++;
    }

    return end;
}

/* NULL: out of memory. */
static runs_t *
runs_new(const um_topo_t *t)
{
    runs_t *r = malloc(sizeof(*r));
    uint32_t end, who, sum = 0;

    if (r == NULL) {
        return NULL;
    }

    r->proxies = t->addr_count - t->local_count + 1;
    r->slots = 0;
    memset(r->first, 0, (r->proxies + 1) * sizeof(r->first[0]));

    for (uint32_t s = 0; s < UM_SLOTS; s = end + 1) {
        end = s;
        if (t->owner[s] != UM_TOPO_NO_OWNER) {
            end = run_end(t, s);
            r->slots += end - s + 1;
            r->first[proxy_of_slot(t, s)]++;
        }
    }

    for (uint32_t i = 0; i <= r->proxies; i++) {
        uint32_t count = r->first[i];

        r->first[i] = sum;
        sum += count;
    }

    /* While they are filled in, first[] moves on, and then back by one. */
    for (uint32_t s = 0; s < UM_SLOTS; s = end + 1) {
        end = s;
        if (t->owner[s] != UM_TOPO_NO_OWNER) {
            end = run_end(t, s);
            who = proxy_of_slot(t, s);
            r->run[r->first[who]++] = (run_t){ (uint16_t) s, (uint16_t) end };
        }
    }

    memmove(r->first + 1, r->first, r->proxies * sizeof(r->first[0]));
    r->first[0] = 0;
    return r;
}

static um_str_t
proxy_addr(const um_cluster_face_t *face, uint32_t who)
{
    const um_topo_t *t = face->topo;

    return who == 0 ? face->announce
                    : um_topo_str(t, t->addr[t->local_count + who - 1].name);
}

/* "host:port" in two; an address without a port has port 0. */
static uint16_t
addr_split(um_str_t addr, um_str_t *host)
{
    const char *colon = memrchr(addr.data, ':', addr.len);
    uint64_t port = 0;

    *host = addr;

    if (colon != NULL) {
        size_t len = (size_t) (colon - addr.data);
        um_str_t text = { colon + 1, addr.len - len - 1 };

        if (um_str_to_u64(text, &port) == UM_OK && port <= UINT16_MAX) {
            host->len = len;
        } else {
            port = 0;
        }
    }

    /* Redis knows no brackets around an IPv6 address. */
    if (host->len > 1 && host->data[0] == '['
        && host->data[host->len - 1] == ']') {
        host->data++;
        host->len -= 2;
    }

    return (uint16_t) port;
}

static bool
host_is_name(um_str_t host)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr sink;

    if (host.len >= sizeof(text)) {
        return true;
    }

    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &sink) != 1
           && inet_pton(AF_INET6, text, &sink) != 1;
}

void
um_cluster_id(const um_topo_t *topo, um_str_t addr, char id[UM_CLUSTER_ID_LEN])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(topo->cluster);
    uint64_t crc = um_crc64(addr);
    char hex[ID_HEX_LEN];
    size_t n = ID_HEX_LEN;

    memset(id, '_', UM_CLUSTER_ID_LEN);
    memcpy(id, topo->cluster, um_min(len, ID_NAME_LEN));

    /* Without leading zeros: the padding is at the end. */
    do {
        hex[--n] = digits[crc & 15];
        crc >>= 4;
    } while (crc != 0);

    memcpy(id + ID_NAME_LEN, hex + n, ID_HEX_LEN - n);
}

bool
um_cluster_knows(const um_cluster_face_t *face, um_str_t id)
{
    const um_topo_t *t = face->topo;
    char known[UM_CLUSTER_ID_LEN];

    for (uint32_t who = 0; who <= t->addr_count - t->local_count; who++) {
        um_cluster_id(t, proxy_addr(face, who), known);
        if (um_str_eq(id, (um_str_t){ known, sizeof(known) })) {
            return true;
        }
    }

    return false;
}

static void
nodes_line(const um_cluster_face_t *face, const runs_t *r, uint32_t who,
    um_sbuf_t *out)
{
    um_str_t addr = proxy_addr(face, who), host;
    uint16_t port = addr_split(addr, &host);
    char id[UM_CLUSTER_ID_LEN];

    um_cluster_id(face->topo, addr, id);
    um_sbuf_add(out, id, sizeof(id));
    um_sbuf_addz(out, " ");
    um_sbuf_add_str(out, host);
    if (port != 0) {
        um_sbuf_addz(out, ":");
        um_sbuf_add_u64(out, port);
    }

    um_sbuf_addz(out, face->nodes_v1 ? "" : BUS_PORT);
    um_sbuf_addz(out, who == 0 ? " myself,master - 0 0 " : " master - 0 0 ");
    um_sbuf_add_u64(out, face->topo->epoch);
    um_sbuf_addz(out, " connected");

    for (uint32_t i = r->first[who]; i < r->first[who + 1]; i++) {
        um_sbuf_addz(out, " ");
        um_sbuf_add_u64(out, r->run[i].start);
        if (r->run[i].end != r->run[i].start) {
            um_sbuf_addz(out, "-");
            um_sbuf_add_u64(out, r->run[i].end);
        }
    }

    um_sbuf_addz(out, "\n");
}

void
um_cluster_nodes(const um_cluster_face_t *face, um_sbuf_t *out)
{
    runs_t *r = runs_new(face->topo);

    if (r == NULL) {
        out->failed = true;
        return;
    }

    for (uint32_t who = 0; who < r->proxies; who++) {
        nodes_line(face, r, who, out);
    }

    free(r);
}

/* [start, end, [host, port, id, {}]] */
void
um_cluster_slots(const um_cluster_face_t *face, int proto, um_sbuf_t *out)
{
    runs_t *r = runs_new(face->topo);

    if (r == NULL) {
        out->failed = true;
        return;
    }

    um_put_array(out, r->first[r->proxies]);

    for (uint32_t who = 0; who < r->proxies; who++) {
        um_str_t addr = proxy_addr(face, who), host;
        uint16_t port = addr_split(addr, &host);
        char id[UM_CLUSTER_ID_LEN];

        um_cluster_id(face->topo, addr, id);

        for (uint32_t i = r->first[who]; i < r->first[who + 1]; i++) {
            um_put_array(out, 3);
            um_put_int(out, r->run[i].start);
            um_put_int(out, r->run[i].end);
            um_put_array(out, 4);
            um_put_bulk(out, host);
            um_put_int(out, port);
            um_put_bulk(out, (um_str_t){ id, sizeof(id) });
            um_put_map(out, 0, proto);
        }
    }

    free(r);
}

static void
shard_node(
    const um_cluster_face_t *face, uint32_t who, int proto, um_sbuf_t *out)
{
    um_str_t addr = proxy_addr(face, who), host;
    uint16_t port = addr_split(addr, &host);
    bool is_name = host_is_name(host);
    char id[UM_CLUSTER_ID_LEN];

    um_cluster_id(face->topo, addr, id);
    um_put_map(out, is_name ? 8 : 7, proto);
    um_put_bulkz(out, "id");
    um_put_bulk(out, (um_str_t){ id, sizeof(id) });
    um_put_bulkz(out, "port");
    um_put_int(out, port);
    um_put_bulkz(out, "ip");
    um_put_bulk(out, host);
    um_put_bulkz(out, "endpoint");
    um_put_bulk(out, host);

    if (is_name) {
        um_put_bulkz(out, "hostname");
        um_put_bulk(out, host);
    }

    um_put_bulkz(out, "role");
    um_put_bulkz(out, "master");
    um_put_bulkz(out, "replication-offset");
    um_put_int(out, 0);
    um_put_bulkz(out, "health");
    um_put_bulkz(out, "online");
}

void
um_cluster_shards(const um_cluster_face_t *face, int proto, um_sbuf_t *out)
{
    runs_t *r = runs_new(face->topo);

    if (r == NULL) {
        out->failed = true;
        return;
    }

    um_put_array(out, r->proxies);

    for (uint32_t who = 0; who < r->proxies; who++) {
        um_put_map(out, 2, proto);
        um_put_bulkz(out, "slots");
        um_put_array(out, 2 * (r->first[who + 1] - r->first[who]));

        for (uint32_t i = r->first[who]; i < r->first[who + 1]; i++) {
            um_put_int(out, r->run[i].start);
            um_put_int(out, r->run[i].end);
        }

        um_put_bulkz(out, "nodes");
        um_put_array(out, 1);
        shard_node(face, who, proto, out);
    }

    free(r);
}

void
um_cluster_info(const um_cluster_face_t *face, um_sbuf_t *out)
{
    runs_t *r = runs_new(face->topo);
    unsigned long long epoch = face->topo->epoch;
    uint32_t size = 0;
    bool ok;

    if (r == NULL) {
        out->failed = true;
        return;
    }

    for (uint32_t who = 0; who < r->proxies; who++) {
        size += r->first[who + 1] > r->first[who];
    }

    ok = um_topo_has_cluster(face->topo) && r->slots == UM_SLOTS;
    um_sbuf_addf(out,
        "cluster_state:%s\r\n"
        "cluster_slots_assigned:%u\r\n"
        "cluster_slots_ok:%u\r\n"
        "cluster_slots_pfail:0\r\n"
        "cluster_slots_fail:0\r\n"
        "cluster_known_nodes:%u\r\n"
        "cluster_size:%u\r\n"
        "cluster_current_epoch:%llu\r\n"
        "cluster_my_epoch:%llu\r\n"
        "cluster_stats_messages_sent:0\r\n"
        "cluster_stats_messages_received:0\r\n"
        "total_cluster_links_buffer_limit_exceeded:0\r\n",
        ok ? "ok" : "fail", r->slots, r->slots, r->proxies, size, epoch, epoch);
    free(r);
}
