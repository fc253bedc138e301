/*
 * check_coord_text.c -- SETREPL and SETCLUSTER from the view of a cluster: the
 * reference's own (controlplane-transcripts, C), and what a proxy of ours reads
 * out of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "cluster_text.h"
#include "core/um_str.h"
#include "meta/um_repl.h"
#include "meta/um_setcluster.h"
#include "resp/um_scan.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#define P1 "127.0.0.1:22301"
#define P2 "127.0.0.1:22302"
#define P3 "127.0.0.1:22303"
#define P4 "127.0.0.1:22304"

#define STABLE(a, b) "{\"range_list\":[[" #a "," #b "]],\"tag\":\"None\"}"

#define NODE(node, proxy, slots, role, peer_node, peer_proxy)                  \
    "{\"address\":\"127.0.0.1:" node "\",\"proxy_address\":\"" proxy           \
    "\",\"slots\":[" slots "],\"repl\":{\"role\":\"" role                      \
    "\",\"peers\":[{\"node_address\":\"127.0.0.1:" peer_node                   \
    "\",\"proxy_address\":\"" peer_proxy "\"}]}}"

#define CONFIG_JSON                                                            \
    "{\"compression_strategy\":\"disabled\",\"migration_config\":{"            \
    "\"max_migration_time\":10800,\"max_blocking_time\":10000,"                \
    "\"scan_interval\":500,\"scan_count\":16}}"

#define CONFIG_WORDS                                                           \
    " CONFIG compression_strategy disabled migration_max_migration_time 10800" \
    " migration_max_blocking_time 10000 migration_scan_interval 500"           \
    " migration_scan_count 16"

#define VIEW(epoch, nodes)                                                     \
    "{\"cluster\":{\"name\":\"c1\",\"epoch\":" #epoch ",\"nodes\":[" nodes     \
    "],\"config\":" CONFIG_JSON "}}"

/* Four nodes, as created. */
static const char plain[] =
    VIEW(5, NODE("22401", P1, STABLE(0, 8191), "master", "22404", P2) "," NODE(
                "22402", P1, "", "replica", "22403", P2) "," NODE("22403", P2,
                STABLE(8192, 16383), "master", "22402",
                P1) "," NODE("22404", P2, "", "replica", "22401", P1));

#define TASK(tag, a, b, sp, sn, dp, dn)                                        \
    "{\"range_list\":[[" #a "," #b "]],\"tag\":{\"" tag                        \
    "\":{\"epoch\":7,\"src_proxy_address\":\"" sp                              \
    "\",\"src_node_address\":\"127.0.0.1:" sn "\",\"dst_proxy_address\":\"" dp \
    "\",\"dst_node_address\":\"127.0.0.1:" dn "\"}}}"

#define TASK1(tag) TASK(tag, 4096, 8191, P1, "22401", P3, "22405")
#define TASK2(tag) TASK(tag, 12288, 16383, P2, "22403", P4, "22407")

/* Eight nodes, of which four get their slots. */
static const char moving[] = VIEW(7,
    NODE("22401", P1, STABLE(0, 4095) "," TASK1("Migrating"), "master", "22404",
        P2) "," NODE("22402", P1, "", "replica", "22403", P2) "," NODE("22403",
        P2, STABLE(8192, 12287) "," TASK2("Migrating"), "master", "22402",
        P1) "," NODE("22404", P2, "", "replica", "22401", P1) "," NODE("22405",
        P3, TASK1("Importing"), "master", "22408",
        P4) "," NODE("22406", P3, "", "replica", "22407", P4) "," NODE("22407",
        P4, TASK2("Importing"), "master", "22406",
        P3) "," NODE("22408", P4, "", "replica", "22405", P3));

/* One side of a chunk has both masters; the other chunk has no slots. */
static const char lopsided[] =
    VIEW(9, NODE("22401", P1, "", "replica", "22404", P2) "," NODE(
                "22402", P1, "", "replica", "22403", P2) "," NODE("22403", P2,
                STABLE(8192, 16383), "MASTER", "22402", P1) "," NODE("22404",
                P2, STABLE(0, 8191), "master", "22401", P1) "," NODE("22405",
                P3, "", "master", "22408", P4) "," NODE("22406", P3, "",
                "replica", "22407", P4) "," NODE("22407", P4, "", "master",
                "22406", P3) "," NODE("22408", P4, "", "replica", "22405", P3));

#define T1 " 7 " P1 " 127.0.0.1:22401 " P3 " 127.0.0.1:22405"
#define T2 " 7 " P2 " 127.0.0.1:22403 " P4 " 127.0.0.1:22407"

#define PEER1 " " P1 " 1 0-4095 " P1 " MIGRATING 1 4096-8191" T1
#define PEER2 " " P2 " 1 8192-12287 " P2 " MIGRATING 1 12288-16383" T2
#define PEER3 " " P3 " IMPORTING 1 4096-8191" T1
#define PEER4 " " P4 " IMPORTING 1 12288-16383" T2

static const struct {
    const char *view;
    const char *proxy;
    const char *repl;
    const char *cluster;
} texts[] = {
    { plain, P1,
        "UMCTL SETREPL 5 NOFLAG master c1 127.0.0.1:22401 1 127.0.0.1:22404 " P2
        " replica c1 127.0.0.1:22402 1 127.0.0.1:22403 " P2,
        "UMCTL SETCLUSTER v2 5 NOFLAG c1 127.0.0.1:22401 1 0-8191 PEER " P2
        " 1 8192-16383" CONFIG_WORDS },
    { plain, P2,
        "UMCTL SETREPL 5 NOFLAG master c1 127.0.0.1:22403 1 127.0.0.1:22402 " P1
        " replica c1 127.0.0.1:22404 1 127.0.0.1:22401 " P1,
        "UMCTL SETCLUSTER v2 5 NOFLAG c1 127.0.0.1:22403 1 8192-16383 PEER " P1
        " 1 0-8191" CONFIG_WORDS },
    { moving, P1,
        "UMCTL SETREPL 7 NOFLAG master c1 127.0.0.1:22401 1 127.0.0.1:22404 " P2
        " replica c1 127.0.0.1:22402 1 127.0.0.1:22403 " P2,
        "UMCTL SETCLUSTER v2 7 NOFLAG c1 127.0.0.1:22401 1 0-4095 "
        "127.0.0.1:22401 MIGRATING 1 4096-8191" T1
        " PEER" PEER2 PEER3 PEER4 CONFIG_WORDS },
    { moving, P3,
        "UMCTL SETREPL 7 NOFLAG master c1 127.0.0.1:22405 1 127.0.0.1:22408 " P4
        " replica c1 127.0.0.1:22406 1 127.0.0.1:22407 " P4,
        "UMCTL SETCLUSTER v2 7 NOFLAG c1 127.0.0.1:22405 IMPORTING 1 "
        "4096-8191" T1 " PEER" PEER1 PEER2 PEER4 CONFIG_WORDS },
    { moving, P4,
        "UMCTL SETREPL 7 NOFLAG master c1 127.0.0.1:22407 1 127.0.0.1:22406 " P3
        " replica c1 127.0.0.1:22408 1 127.0.0.1:22405 " P3,
        "UMCTL SETCLUSTER v2 7 NOFLAG c1 127.0.0.1:22407 IMPORTING 1 "
        "12288-16383" T2 " PEER" PEER1 PEER2 PEER3 CONFIG_WORDS },
    { lopsided, P1,
        "UMCTL SETREPL 9 NOFLAG replica c1 127.0.0.1:22401 1 "
        "127.0.0.1:22404 " P2
        " replica c1 127.0.0.1:22402 1 127.0.0.1:22403 " P2,
        "UMCTL SETCLUSTER v2 9 NOFLAG c1 PEER " P2 " 1 8192-16383 " P2
        " 1 0-8191" CONFIG_WORDS },
    { lopsided, P2,
        "UMCTL SETREPL 9 NOFLAG master c1 127.0.0.1:22403 1 127.0.0.1:22402 " P1
        " master c1 127.0.0.1:22404 1 127.0.0.1:22401 " P1,
        "UMCTL SETCLUSTER v2 9 NOFLAG c1 127.0.0.1:22403 1 8192-16383 "
        "127.0.0.1:22404 1 0-8191" CONFIG_WORDS },
    { lopsided, P3,
        "UMCTL SETREPL 9 NOFLAG master c1 127.0.0.1:22405 1 127.0.0.1:22408 " P4
        " replica c1 127.0.0.1:22406 1 127.0.0.1:22407 " P4,
        "UMCTL SETCLUSTER v2 9 NOFLAG c1 PEER " P2 " 1 8192-16383 " P2
        " 1 0-8191" CONFIG_WORDS },
};

/* ---- A text as its words ------------------------------------------------ */

typedef struct {
    um_sbuf_t bytes;
    um_args_t args;
} request_t;

static void
request_read(const text_t *t, request_t *r)
{
    const um_scan_limits_t limits = {
        .max_args = 1 << 20, .max_bulk = 1 << 28, .max_inline = 1024
    };
    um_scan_t scan = { 0 };
    const char *err = NULL;
    size_t used;

    *r = (request_t){ 0 };
    um_args_init(&r->args);
    ck_assert_uint_gt(t->pieces, 0);
    for (uint32_t i = 0; i < t->pieces; i++) {
        um_sbuf_add_str(&r->bytes, t->piece[i]);
    }
    ck_assert_uint_eq(r->bytes.len, text_len(t));
    ck_assert_int_eq(um_scan_request(&scan, &limits, r->bytes.data,
                         r->bytes.len, &r->args, &used, &err),
        UM_OK);
    ck_assert_uint_eq(used, r->bytes.len);
}

static void
request_drop(request_t *r)
{
    um_args_deinit(&r->args);
    um_sbuf_deinit(&r->bytes);
}

static void
expect(const text_t *t, const char *words)
{
    um_sbuf_t said = { 0 };
    request_t r;

    request_read(t, &r);
    for (uint32_t i = 0; i < r.args.argc; i++) {
        um_sbuf_addf(
            &said, "%s%.*s", i > 0 ? " " : "", um_str_fmt(r.args.argv[i]));
    }
    ck_assert_str_eq(um_sbuf_cstr(&said), words);
    um_sbuf_deinit(&said);
    request_drop(&r);
}

static view_t *
view_of(const char *text)
{
    const char *wrong = NULL;
    view_t *v = NULL;

    ck_assert_int_eq(view_parse(um_str_of(text), &v, &wrong), UM_OK);
    ck_assert_ptr_null(wrong);
    return v;
}

START_TEST(the_words_are_those_of_the_reference)
{
    view_t *v = view_of(texts[_i].view);
    uint32_t i = view_find_proxy(v, texts[_i].proxy);
    text_t t = { 0 };

    ck_assert_uint_ne(i, VIEW_NONE);
    text_setrepl(v, i, &t);
    expect(&t, texts[_i].repl);
    text_setcluster(v, i, &t);
    expect(&t, texts[_i].cluster);
    text_deinit(&t);
    view_free(v);
}
END_TEST

START_TEST(a_spare_is_told_that_it_owns_nothing)
{
    const char *const node[] = { "127.0.0.1:22405", "127.0.0.1:22406" };
    text_t t = { 0 };

    text_spare_setrepl(4, node, 2, &t);
    expect(&t, "UMCTL SETREPL 4 NOFLAG master  127.0.0.1:22405 0 master  "
               "127.0.0.1:22406 0");
    text_spare_setcluster(4, &t);
    expect(&t, "UMCTL SETCLUSTER v2 4 NOFLAG " CONFIG_WORDS);
    text_deinit(&t);
}
END_TEST

/* ---- What a proxy reads out of it --------------------------------------- */

static um_topo_t topo[2];

START_TEST(packed_or_not_a_proxy_reads_the_same)
{
    view_t *v = view_of(texts[_i].view);
    uint32_t i = view_find_proxy(v, texts[_i].proxy);
    um_setcluster_t out = { 0 };
    text_t t = { 0 };
    request_t r;

    for (int packed = 0; packed < 2; packed++) {
        (packed ? text_setcluster_packed : text_setcluster)(v, i, &t);
        request_read(&t, &r);
        ck_assert_msg(um_setcluster_decode(r.args.argv + 2, r.args.argc - 2,
                          um_lit("127.0.0.1"), &topo[packed], &out)
                          == UM_OK,
            "%s", out.error);
        request_drop(&r);
    }

    ck_assert_uint_eq(topo[0].epoch, v->epoch);
    ck_assert_str_eq(topo[0].cluster, "c1");
    ck_assert_uint_eq(topo[0].epoch, topo[1].epoch);
    for (uint32_t s = 0; s < um_countof(topo[0].owner); s++) {
        const um_topo_t *a = &topo[0], *b = &topo[1];

        ck_assert_uint_ne(a->owner[s], UM_TOPO_NO_OWNER);
        ck_assert(um_str_eq(um_topo_str(a, a->addr[a->owner[s]].name),
            um_topo_str(b, b->addr[b->owner[s]].name)));
    }
    text_deinit(&t);
    view_free(v);
}
END_TEST

START_TEST(a_proxy_takes_its_replication)
{
    static um_repl_t wanted;
    view_t *v = view_of(texts[_i].view);
    text_t t = { 0 };
    bool force = false;
    request_t r;

    text_setrepl(v, view_find_proxy(v, texts[_i].proxy), &t);
    request_read(&t, &r);
    ck_assert_ptr_null(um_repl_decode(r.args.argv + 2, r.args.argc - 2,
        um_lit("127.0.0.1"), &wanted, &force));
    ck_assert_uint_eq(wanted.epoch, v->epoch);
    ck_assert_uint_eq(wanted.count, 2);
    request_drop(&r);
    text_deinit(&t);
    view_free(v);
}
END_TEST

/* ---- Views -------------------------------------------------------------- */

START_TEST(a_view_knows_who_imports)
{
    view_t *v = view_of(moving);

    ck_assert_uint_eq(v->proxies, 4);
    ck_assert_uint_eq(v->nodes, 8);
    ck_assert(v->moving);
    ck_assert(!v->proxy[0].imports && !v->proxy[0].has_empty_master);
    ck_assert(v->proxy[2].imports);
    view_free(v);

    v = view_of(lopsided);
    ck_assert(!v->moving);
    ck_assert(!v->proxy[0].has_empty_master && v->proxy[2].has_empty_master);
    ck_assert_uint_eq(view_find_proxy(v, "127.0.0.1:1"), VIEW_NONE);
    view_free(v);
}
END_TEST

static const char *const no_views[] = {
    "",
    "{}",
    "[]",
    "{\"cluster\":{}}",
    "{\"cluster\":{\"name\":\"c1\",\"epoch\":-1,\"nodes\":[]}}",
    "{\"cluster\":{\"name\":\"c1\",\"epoch\":1.5,\"nodes\":[]}}",
    "{\"cluster\":{\"name\":\"c 1\",\"epoch\":1,\"nodes\":[]}}",
    "{\"cluster\":{\"name\":\"c1\",\"epoch\":1,\"nodes\":[{}]}}",
    VIEW(1, NODE("1 2", P1, "", "master", "3", P2)),
    VIEW(1, NODE("1", P1, "{}", "master", "3", P2)),
    VIEW(1, NODE("1", P1, STABLE(0, 16384), "master", "3", P2)),
    VIEW(1, NODE("1", P1, STABLE(-1, 5), "master", "3", P2)),
    VIEW(1, NODE("1", P1, "{\"range_list\":[[1]],\"tag\":\"None\"}", "master",
                "3", P2)),
    VIEW(1, NODE("1", P1, "{\"range_list\":[[1,2]],\"tag\":\"Some\"}", "master",
                "3", P2)),
    VIEW(
        1, NODE("1", P1,
               "{\"range_list\":[[1,2]],\"tag\":{\"Migrating\":{\"epoch\":1}}}",
               "master", "3", P2)),
};

START_TEST(what_is_no_view_is_refused)
{
    const char *wrong = NULL;
    view_t *v = NULL;

    ck_assert_int_eq(
        view_parse(um_str_of(no_views[_i]), &v, &wrong), UM_DECLINED);
    ck_assert_ptr_nonnull(wrong);
}
END_TEST

START_TEST(a_cluster_that_is_gone)
{
    const char *wrong = NULL;
    view_t *v = NULL;

    ck_assert_int_eq(
        view_parse(um_lit("{\"cluster\":null}"), &v, &wrong), UM_DONE);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("coord_text");
    TCase *t = tcase_create("text");

    tcase_add_loop_test(
        t, the_words_are_those_of_the_reference, 0, um_countof(texts));
    tcase_add_test(t, a_spare_is_told_that_it_owns_nothing);
    tcase_add_loop_test(
        t, packed_or_not_a_proxy_reads_the_same, 0, um_countof(texts));
    tcase_add_loop_test(t, a_proxy_takes_its_replication, 0, um_countof(texts));
    tcase_add_test(t, a_view_knows_who_imports);
    tcase_add_loop_test(t, what_is_no_view_is_refused, 0, um_countof(no_views));
    tcase_add_test(t, a_cluster_that_is_gone);
    suite_add_tcase(s, t);

    return um_check_main(s);
}
