/*
 * check_store_dump.c -- a store out of a text: whatever is wrong with it is
 * found, and named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"
#include "um_store_script.h"

#include <stdio.h>
#include <string.h>

#define PROXY(name, cluster)                                                   \
    "\"" name ":1\":{\"proxy_address\":\"" name                                \
    ":1\",\"node_addresses\":[\"" name ":2\",\"" name ":3\"],\"host\":\"" name \
    "\",\"index\":0,"                                                          \
    "\"cluster\":" cluster "}"

#define META                                                                   \
    "\"meta\":{\"epoch\":7,\"src_chunk_index\":0,\"src_chunk_part\":0,"        \
    "\"dst_chunk_index\":1,\"dst_chunk_part\":0}"

/* Two chunks, one task, a failure of each kind, something of ours. */
static const char good[] =
    "{\"version\":\"mem-broker-0.2\",\"global_epoch\":9,\"clusters\":{"
    "\"c\":{\"epoch\":8,\"name\":\"c\",\"chunks\":["
    "{\"role_position\":\"Normal\",\"stable_slots\":["
    "{\"range_list\":[[0,4095]],\"tag\":\"None\"},"
    "{\"range_list\":[[8192,16383]],\"tag\":\"None\"}],"
    "\"migrating_slots\":[[{\"range_list\":[[4096,8191]],"
    "\"is_migrating\":true," META "}],[]],"
    "\"proxy_addresses\":[\"p0:1\",\"p1:1\"],\"hosts\":[\"p0\",\"p1\"],"
    "\"node_addresses\":[\"p0:2\",\"p0:3\",\"p1:2\",\"p1:3\"]},"
    "{\"role_position\":\"FirstChunkMaster\",\"stable_slots\":[null,null],"
    "\"migrating_slots\":[[{\"range_list\":[[4096,8191]],"
    "\"is_migrating\":false," META "}],[]],"
    "\"proxy_addresses\":[\"p2:1\",\"p3:1\"],\"hosts\":[\"p2\",\"p3\"],"
    "\"node_addresses\":[\"p2:2\",\"p2:3\",\"p3:2\",\"p3:3\"]}],"
    "\"config\":{\"compression_strategy\":\"allow_all\","
    "\"migration_config\":{\"max_migration_time\":1,\"max_blocking_time\":2,"
    "\"scan_interval\":3,\"scan_count\":4}}}},"
    "\"all_proxies\":{" PROXY("p0", "\"c\"") "," PROXY("p1", "\"c\"") "," PROXY(
        "p2", "\"c\"") "," PROXY("p3", "\"c\"") "," PROXY("p4",
        "null") "},\"failed_proxies\":[\"p3:1\"],"
                "\"failures\":{\"p3:1\":{\"r1\":100,\"r2\":200},\"x:1\":{"
                "\"r1\":300}},"
                "\"enable_ordered_proxy\":false,"
                "\"undermoon\":{\"protocols\":{\"p0:1\":1},"
                "\"scaling_errors\":{\"c\":\"no\"},"
                "\"started\":{\"c\":[0]},\"cancelling\":{\"c\":["
                "{\"task\":0,\"source\":false,\"destination\":true}]}}}";

static const store_env_t env = { .migration_limit = 1 };

static const struct {
    const char *find;
    const char *put;
    const char *field;
    const char *message;
    store_rc_t rc; /* 0: INVALID_METADATA */
} faults[] = {
    { "{\"version", "x", "", "is not JSON", 0 },
    { "\"version\":\"mem-broker-0.2\",", "", "version", "is missing", 0 },
    { "broker-0.2", "broker-0.1", "version", "is another version",
        STORE_INVALID_META_VERSION },
    { "\"global_epoch\":9,", "", "global_epoch", "is missing", 0 },
    { "\"global_epoch\":9", "\"global_epoch\":\"9\"", "global_epoch",
        "is not a number", 0 },
    { "\"global_epoch\":9", "\"global_epoch\":-1", "global_epoch",
        "is out of range", 0 },
    { "\"global_epoch\":9", "\"global_epoch\":9.5", "global_epoch",
        "is not a whole number", 0 },
    { "\"global_epoch\":9", "\"global_epoch\":1e300", "global_epoch",
        "is out of range", 0 },
    { "\"global_epoch\":9", "\"global_epoch\":7", "clusters.c.epoch",
        "is out of range", 0 },
    { "\"clusters\":{", "\"other\":{", "clusters", "is missing", 0 },
    { "{\"c\":{\"epoch", "{\"a b\":{\"epoch", "clusters.a b",
        "is an impossible name, or there twice", 0 },
    { "\"name\":\"c\"", "\"name\":\"d\"", "clusters.c", "has another name", 0 },
    { "\"Normal\"", "\"Strange\"", "clusters.c.chunks[0].role_position",
        "is unknown", 0 },
    { "[[0,4095]]", "[[1,4095]]", "clusters.c.chunks",
        "leave slots without an owner", 0 },
    { "[[0,4095]]", "[[0,4096]]",
        "clusters.c.chunks[0].migrating_slots[0][0].range_list[0]",
        "has slots that are elsewhere too", 0 },
    { "[[0,4095]]", "[[0,16384]]",
        "clusters.c.chunks[0].stable_slots[0].range_list[0]", "is out of range",
        0 },
    { "[[0,4095]]", "[[0,1,2]]",
        "clusters.c.chunks[0].stable_slots[0].range_list[0]",
        "is not of two elements", 0 },
    { "[null,null]", "[null]", "clusters.c.chunks[1].stable_slots",
        "is not of two elements", 0 },
    { "[\"p0:1\",\"p1:1\"]", "[\"p0:1\",\"p9:1\"]",
        "clusters.c.chunks[0].proxy_addresses[1]", "is not one of all_proxies",
        0 },
    { "[\"p0:1\",\"p1:1\"]", "[\"p0:1\",\"p0:1\"]",
        "clusters.c.chunks[0].proxy_addresses[1]", "is in another chunk", 0 },
    { "[\"p0:1\",\"p1:1\"]", "[\"p0:1\",1]",
        "clusters.c.chunks[0].proxy_addresses[1]", "is not a string", 0 },
    { "[\"p2\",\"p3\"]", "[\"p2\",\"p2\"]", "clusters.c.chunks[1].hosts[1]",
        "is not what the proxy has", 0 },
    { "[\"p2:2\",\"p2:3\",", "[\"p2:3\",\"p2:2\",",
        "clusters.c.chunks[1].node_addresses[0]", "is not what the proxy has",
        0 },
    { "\"is_migrating\":false", "\"is_migrating\":true",
        "clusters.c.chunks[1].migrating_slots[0][0]",
        "is not where its meta says", 0 },
    { "\"is_migrating\":false", "\"is_migrating\":0",
        "clusters.c.chunks[1].migrating_slots[0][0].is_migrating",
        "is not a boolean", 0 },
    { "[[4096,8191]],\"is_migrating\":false",
        "[[4096,8190]],\"is_migrating\":false",
        "clusters.c.chunks[1].migrating_slots[0][0]", "has no source", 0 },
    { "\"is_migrating\":false,\"meta\":{\"epoch\":7",
        "\"is_migrating\":false,\"meta\":{\"epoch\":6",
        "clusters.c.chunks[1].migrating_slots[0][0]", "has no source", 0 },
    { "\"is_migrating\":true,\"meta\":{\"epoch\":7",
        "\"is_migrating\":true,\"meta\":{\"epoch\":9",
        "clusters.c.chunks[0].migrating_slots[0][0].meta.epoch",
        "is out of range", 0 },
    { "\"dst_chunk_index\":1", "\"dst_chunk_index\":2",
        "clusters.c.chunks[0].migrating_slots[0][0].meta.dst_chunk_index",
        "is out of range", 0 },
    { "\"scan_count\":4", "\"scan_count\":0", "clusters.c.config.scan_count",
        "is out of range", 0 },
    { "\"allow_all\"", "\"some\"", "clusters.c.config",
        "has an unknown compression_strategy", 0 },
    { "\"p4:1\":{\"proxy", "\"p5:1\":{\"proxy", "all_proxies.p5:1",
        "has another proxy_address", 0 },
    { "\"node_addresses\":[\"p4:2\",", "\"node_addresses\":[\"\",",
        "all_proxies.p4:1", "has an address or a host that cannot be", 0 },
    { "\"host\":\"p4\",\"index\":0,", "\"host\":\"p4\",",
        "all_proxies.p4:1.index", "is missing", 0 },
    { "\"cluster\":null", "\"cluster\":\"c\"", "all_proxies.p4:1.cluster",
        "is a cluster that does not have the proxy", 0 },
    { "\"index\":0,\"cluster\":\"c\"", "\"index\":0,\"cluster\":null",
        "all_proxies.p0:1.cluster", "is null, but a cluster has the proxy", 0 },
    { "[\"p3:1\"]", "[\"p9:1\"]", "failed_proxies[0]",
        "is not one of all_proxies", 0 },
    { "\"r2\":200", "\"r2\":null", "failures.p3:1.r2", "is not a number", 0 },
    { "\"enable_ordered_proxy\":false,", "", "enable_ordered_proxy",
        "is missing", 0 },
    { "\"task\":0", "\"task\":1", "undermoon.cancelling.c[0].task",
        "is out of range", 0 },
    { "\"started\":{\"c\":[0]}", "\"started\":{\"c\":[1]}",
        "undermoon.started.c[0]", "is out of range", 0 },
    { "\"started\":{\"c\":[0]}", "\"started\":{\"d\":[0]}",
        "undermoon.started.d", "is not one of the clusters", 0 },
    { "\"started\":{\"c\":[0]}", "\"started\":{\"c\":0}", "undermoon.started.c",
        "is not an array", 0 },
    { "\"source\":false", "\"source\":true", "undermoon.cancelling.c[0]",
        "is undone and still there", 0 },
    { "\"protocols\":{\"p0:1\":1}", "\"protocols\":{\"p9:1\":1}",
        "undermoon.protocols.p9:1", "is not one of all_proxies", 0 },
    { "\"scaling_errors\":{\"c\":\"no\"}",
        "\"scaling\":{\"c\":{\"nodes\":8,\"since\":1}}", "undermoon.scaling.c",
        "has tasks already", 0 },
};

START_TEST(a_good_dump_comes_back_as_it_was)
{
    store_why_t why;
    store_t *s;
    um_sbuf_t out = { 0 };

    ck_assert_int_eq(
        store_load(um_str_of(good), false, &env, &s, &why), STORE_OK);
    ck_assert_msg(store_audit(s) == NULL, "%s", store_audit(s));
    store_dump(s, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), good);
    um_sbuf_deinit(&out);
    store_free(s);
}
END_TEST

START_TEST(what_is_wrong_with_a_dump_is_named)
{
    char text[8192];
    const char *at = strstr(good, faults[_i].find);
    store_why_t why;
    store_t *s = NULL;
    store_rc_t rc;

    ck_assert_msg(at != NULL, "nothing is %s", faults[_i].find);
    snprintf(text, sizeof(text), "%.*s%s%s", (int) (at - good), good,
        faults[_i].put, at + strlen(faults[_i].find));
    rc = store_load(um_str_of(text), false, &env, &s, &why);
    ck_assert_msg(rc
                      == (faults[_i].rc != STORE_OK ? faults[_i].rc
                                                    : STORE_INVALID_METADATA),
        "%s -> %s: %s", faults[_i].find, faults[_i].put, store_rc_name(rc));
    ck_assert_str_eq(why.field, faults[_i].field);
    ck_assert_str_eq(why.message, faults[_i].message);
    ck_assert_ptr_null(s);
}
END_TEST

/* Every prefix is refused, whatever it looks like. */
START_TEST(half_a_dump_is_none)
{
    store_why_t why;
    store_t *s;
    size_t len = sizeof(good) - 1;

    for (size_t n = 0; n < len; n++) {
        ck_assert_int_eq(
            store_load((um_str_t){ good, n }, false, &env, &s, &why),
            STORE_INVALID_METADATA);
    }
    ck_assert_int_eq(store_load(um_lit("{} x"), false, &env, &s, &why),
        STORE_INVALID_METADATA);
}
END_TEST

START_TEST(the_version_before_is_understood_when_wanted)
{
    static const char old[] =
        "{\"version\":\"mem-broker-0.1\",\"global_epoch\":3,\"clusters\":{},"
        "\"all_proxies\":{\"a:1\":{\"proxy_address\":\"a:1\","
        "\"node_addresses\":[\"a:2\",\"a:3\"],\"host\":\"a\","
        "\"cluster\":null}},\"failed_proxies\":[],\"failures\":{}} \n";
    store_why_t why;
    store_t *s;

    ck_assert_int_eq(store_load(um_str_of(old), false, &env, &s, &why),
        STORE_INVALID_META_VERSION);
    ck_assert_int_eq(
        store_load(um_str_of(old), true, &env, &s, &why), STORE_OK);
    ck_assert_ptr_null(store_audit(s));
    ck_assert_uint_eq(store_epoch(s), 3);
    ck_assert(!store_ordered(s));
    store_free(s);
}
END_TEST

START_TEST(an_older_dump_is_not_newer)
{
    char text[8192];
    store_why_t why;
    store_t *s;

    ck_assert_int_eq(
        store_load_newer(um_str_of(good), 9, &env, &s, &why), STORE_OK);
    store_free(s);
    ck_assert_int_eq(store_load_newer(um_str_of(good), 10, &env, &s, &why),
        STORE_EPOCH_SMALLER_THAN_CURRENT);

    /* Also when the rest does not fit its epoch. */
    snprintf(text, sizeof(text), "%s", good);
    *strchr(strstr(text, "global_epoch"), '9') = '1';
    ck_assert_int_eq(store_load_newer(um_str_of(text), 9, &env, &s, &why),
        STORE_EPOCH_SMALLER_THAN_CURRENT);
}
END_TEST

/* The reference keeps no note of what it shows: its rule says it, and takes no
 * epoch, since proxies have seen it under this one. */
START_TEST(a_plan_of_the_reference_has_started_as_its_limit_says)
{
    static const struct {
        uint64_t limit;
        const char *started;
    } rows[] = {
        { 0, "\"undermoon\":{\"started\":{\"c\":[0,1,2,3,4]}}" },
        { 1, "\"undermoon\":{\"started\":{\"c\":[0]}}" },
        { 2, "\"undermoon\":{\"started\":{\"c\":[0,2]}}" },
        { 9, "\"undermoon\":{\"started\":{\"c\":[0,2]}}" },
    };
    store_env_t e = um_story_env();
    store_t *s = store_new(false);
    um_sbuf_t text = { 0 };
    char *ours;

    um_story_host(s, "h1", 3);
    um_story_host(s, "h2", 3);
    ck_assert_int_eq(store_create(s, &e, um_lit("c"), 4), STORE_OK);
    ck_assert_int_eq(store_add_nodes(s, &e, um_lit("c"), 8, NULL), STORE_OK);
    ck_assert_int_eq(store_expand(s, &e, um_lit("c")), STORE_OK);
    store_dump(s, &text);
    ours = strstr(um_sbuf_cstr(&text), ",\"undermoon\"");
    ck_assert_ptr_nonnull(ours);
    strcpy(ours, "}");

    for (size_t i = 0; i < um_countof(rows); i++) {
        um_sbuf_t out = { 0 };
        store_t *back;
        store_why_t why;

        e.migration_limit = rows[i].limit;
        ck_assert_int_eq(
            store_load(um_str_of(text.data), false, &e, &back, &why), STORE_OK);
        ck_assert_ptr_null(store_audit(back));
        ck_assert_uint_eq(store_epoch(back), store_epoch(s));
        store_dump(back, &out);
        ck_assert_msg(strstr(um_sbuf_cstr(&out), rows[i].started) != NULL,
            "limit %u: %s", (unsigned) rows[i].limit, out.data);
        um_sbuf_deinit(&out);
        store_free(back);
    }
    um_sbuf_deinit(&text);
    store_free(s);
}
END_TEST

/* Texts of others may hold whatever JSON can say. */
START_TEST(a_host_may_be_called_anything)
{
    store_t *s = store_new(false);
    store_t *back;
    store_why_t why;
    um_sbuf_t one = { 0 };
    um_sbuf_t two = { 0 };
    store_proxy_args_t a = {
        .address = um_lit("a:1"),
        .nodes = { um_lit("a:2"), um_lit("a:3") },
        .host = um_lit("rack \"7\\8\" \xc3\xbc"),
    };

    ck_assert_int_eq(store_add_proxy(s, &a), STORE_OK);
    store_dump(s, &one);
    ck_assert_int_eq(
        store_load((um_str_t){ one.data, one.len }, false, &env, &back, &why),
        STORE_OK);
    store_dump(back, &two);
    ck_assert_str_eq(um_sbuf_cstr(&one), um_sbuf_cstr(&two));

    a.address = um_lit("b:1");
    a.host = um_lit("\xff");
    ck_assert_int_eq(store_add_proxy(s, &a), STORE_INVALID_PROXY_ADDRESS);
    a.host = um_lit("two\nlines");
    ck_assert_int_eq(store_add_proxy(s, &a), STORE_INVALID_PROXY_ADDRESS);
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    store_free(s);
    store_free(back);
}
END_TEST

static Suite *
dump_suite(void)
{
    Suite *s = suite_create("store_dump");
    TCase *tc = tcase_create("dump");

    tcase_add_test(tc, a_good_dump_comes_back_as_it_was);
    tcase_add_loop_test(
        tc, what_is_wrong_with_a_dump_is_named, 0, um_countof(faults));
    tcase_add_test(tc, half_a_dump_is_none);
    tcase_add_test(tc, the_version_before_is_understood_when_wanted);
    tcase_add_test(tc, an_older_dump_is_not_newer);
    tcase_add_test(tc, a_plan_of_the_reference_has_started_as_its_limit_says);
    tcase_add_test(tc, a_host_may_be_called_anything);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(dump_suite());
}
