/*
 * bench_setcluster.c -- decode, publish and take a cluster of 2,000 proxies
 * and 4,000 local nodes: each has to stay within a few milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>
#include <zlib.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "meta/um_setcluster.h"
#include "shm/um_topo_sh.h"
#include "um_bench.h"

#define NODES     4000
#define PROXIES   2000
#define WORDS_MAX 32000

static um_str_t words[WORDS_MAX], packed[4];
static um_topo_sh_t board;
static um_topo_t topo, mine;

/* The first half of the slots belongs to our nodes, the other to peers. */
static uint32_t
words_make(um_sbuf_t *b)
{
    const char *s, *end;
    uint32_t n = 0;

    um_sbuf_addz(b, "v2 1 FORCE mydb");

    for (int i = 0; i < NODES; i++) {
        um_sbuf_addf(b, " 127.0.0.1:%d 1 %d-%d", 1 + i, 2 * i, 2 * i + 1);
    }

    um_sbuf_addz(b, " PEER");

    for (int i = 0; i < PROXIES; i++) {
        um_sbuf_addf(b, " proxy-%04d.rack-%02d.site.example:5299 1 %d-%d", i,
            i % 40, 8192 + 4 * i, 8192 + 4 * i + 3);
    }

    s = b->data;
    end = s + b->len;

    while (s < end) {
        const char *blank = memchr(s, ' ', (size_t) (end - s));
        size_t len = (size_t) ((blank != NULL ? blank : end) - s);

        words[n++] = (um_str_t){ s, len };
        s += len + 1;
    }

    return n;
}

static void
json_make(um_sbuf_t *b)
{
    um_sbuf_addz(b, "{\"cluster_name\":\"mydb\",\"local\":{");

    for (int i = 0; i < NODES; i++) {
        um_sbuf_addf(b,
            "%s\"127.0.0.1:%d\":[{\"range_list\":[[%d,%d]],"
            "\"tag\":\"None\"}]",
            i > 0 ? "," : "", 1 + i, 2 * i, 2 * i + 1);
    }

    um_sbuf_addz(b, "},\"peer\":{");

    for (int i = 0; i < PROXIES; i++) {
        um_sbuf_addf(b,
            "%s\"proxy-%04d.rack-%02d.site.example:5299\":"
            "[{\"range_list\":[[%d,%d]],\"tag\":\"None\"}]",
            i > 0 ? "," : "", i, i % 40, 8192 + 4 * i, 8192 + 4 * i + 3);
    }

    um_sbuf_addz(b,
        "},\"cluster_config\":{\"compression_strategy\":\"disabled\","
        "\"migration_config\":{\"max_migration_time\":10800,"
        "\"max_blocking_time\":10000,\"scan_interval\":500,"
        "\"scan_count\":16}}}");
}

static const char *
base64_make(const unsigned char *s, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = calloc(1, len / 3 * 4 + 5), *o = text;

    if (text == NULL) {
        abort();
    }

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t) s[i] << 16;

        v |= i + 1 < len ? (uint32_t) s[i + 1] << 8 : 0;
        v |= i + 2 < len ? s[i + 2] : 0;
        *o++ = digits[v >> 18];
        *o++ = digits[v >> 12 & 63];
        *o++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
        *o++ = i + 2 < len ? digits[v & 63] : '=';
    }

    return text;
}

static void
packed_make(void)
{
    um_sbuf_t json = { 0 };
    z_stream z = { 0 };
    unsigned char *gz;
    size_t room;

    json_make(&json);
    if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        abort();
    }

    room = deflateBound(&z, json.len);
    gz = malloc(room);
    z.next_in = (unsigned char *) json.data;
    z.avail_in = (uInt) json.len;
    z.next_out = gz;
    z.avail_out = (uInt) room;
    if (gz == NULL || deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    packed[0] = um_lit("v2");
    packed[1] = um_lit("1");
    packed[2] = um_lit("FORCE,COMPRESS");
    packed[3] = um_str_of(base64_make(gz, z.total_out));
    printf("# %zu bytes of JSON, packed to %zu characters\n", json.len,
        packed[3].len);

    deflateEnd(&z);
    free(gz);
    um_sbuf_deinit(&json);
}

typedef struct {
    const um_str_t *argv;
    uint32_t argc;
} message_t;

static uint64_t
decode(void *ctx, uint64_t n)
{
    const message_t *m = ctx;
    um_setcluster_t out;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        if (um_setcluster_decode(
                m->argv, m->argc, um_lit("127.0.0.1"), &topo, &out)
            != UM_OK)
        {
            fprintf(stderr, "%s\n", out.error);
            abort();
        }

        sum += topo.addr_count;
    }

    return sum;
}

static uint64_t
publish(void *ctx, uint64_t n)
{
    uint64_t *gen = ctx;

    for (uint64_t i = 0; i < n; i++) {
        if (um_topo_publish(&board, &topo, true, gen) != UM_OK) {
            abort();
        }
    }

    return *gen;
}

static uint64_t
refresh(void *ctx, uint64_t n)
{
    uint64_t *gen = ctx;

    for (uint64_t i = 0; i < n; i++) {
        *gen = 0;
        if (um_topo_refresh(&board, &mine, gen) != UM_OK) {
            abort();
        }
    }

    return mine.epoch;
}

static uint64_t
check(void *ctx, uint64_t n)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        sum += um_topo_check(ctx);
    }

    return sum;
}

int
main(void)
{
    um_sbuf_t text = { 0 };
    uint64_t gen = 0;
    message_t plain = { words, words_make(&text) };
    message_t small = { packed, um_countof(packed) };

    packed_make();
    if (um_topo_sh_init(&board) != UM_OK) {
        return EXIT_FAILURE;
    }

    um_bench_run(
        "setcluster: decode 4,000 nodes + 2,000 peers", decode, &plain);
    um_bench_run("setcluster: the same compressed", decode, &small);
    um_bench_run("setcluster: publish it", publish, &gen);
    um_bench_run("setcluster: take it", refresh, &gen);
    um_bench_run("setcluster: check it", check, &topo);

    free((char *) (uintptr_t) packed[3].data);
    um_sbuf_deinit(&text);
    return EXIT_SUCCESS;
}
