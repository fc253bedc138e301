/* SPDX-License-Identifier: Apache-2.0 */

#include "um_meta_check.h"

/* Section B of the transcripts first, then what it leaves open. */
static const struct {
    const char *line;
    const char *error;
} refused[] = {
    { "", BAD_ARGS },
    { "v1 1 NOFLAG mydb " LOCAL " 1 0-16383", BAD_VERSION },
    { "v2 x NOFLAG mydb " LOCAL " 1 0-16383", BAD_ARGS },
    { "v2 -1 NOFLAG mydb " LOCAL " 1 0-16383", BAD_ARGS },
    { "v2 1", BAD_ARGS },
    { "v2 1 NOFLAG", BAD_ARGS },
    { "v2 1 NOFLAG my/db " LOCAL " 1 0-16383", BAD_NAME },
    { "v2 1 NOFLAG aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " LOCAL " 1 0-16383",
        BAD_NAME },
    { "v2 1 NOFLAG mydb " LOCAL, BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " x", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 2 0-100", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 a-b", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " migrating 1 0-100 1 a:1", BAD_ARGS },
    { "v2 1 NOFLAG mydb 10.0.0.1:7001 1 0-100", "ERR_NOT_MY_META" },
    { "v2 1 NOFLAG mydb nohostport 1 0-100", "ERR_NOT_MY_META" },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-100 CONFIG nosuch 1", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-100 CONFIG compression_strategy zzz",
        BAD_ARGS },
    { "v2 1 COMPRESS", BAD_ARGS },
    { "v2 1 COMPRESS !!!", BAD_ARGS },
    { "v2 1 COMPRESS bm90Z3ppcA==", BAD_ARGS },
    { "V2 3 NOFLAG mydb " LOCAL " 1 0-8000", BAD_VERSION },
    { "v2 6 NOFLAG mydb " LOCAL " 1 0-100 FOO 1 0-1", "ERR_NOT_MY_META" },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-100 PEER 127.0.0.1:2 1 101-200"
      " CONFIG nosuch 1 compression_strategy disabled",
        BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-100 CONFIG nosuch 1 PEER " PEER
      " 1 101-16383",
        BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-100 PEER CONFIG odd", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 -5", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 5-", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 ''", BAD_ARGS },
    { "v2 1 NOFLAG mydb '' 1 0-1", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 18446744073709551616 0-1", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-18446744073709551616", BAD_ARGS },
    { "v2 18446744073709551616 NOFLAG mydb", BAD_ARGS },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-1 PEER a\nb:1 1 2-3", BAD_ARGS },
};

START_TEST(what_is_wrong_is_refused_with_the_words_of_the_reference)
{
    ck_assert_int_eq(decode(refused[_i].line), UM_DECLINED);
    ck_assert_msg(strcmp(out.error, refused[_i].error) == 0, "%s: %s",
        refused[_i].line, out.error);
}
END_TEST

#define MIGR "127.0.0.1:21601 " LOCAL " " PEER " 127.0.0.1:21702"

static const struct {
    const char *line;
    const char *dump;
} accepted[] = {
    { "v2 2 NOFLAG mydb " LOCAL " 1 0-8000 PEER " PEER " 1 8001-16383",
        "mydb@2: " LOCAL " [0-8000] | " PEER " [8001-16383]" },
    { "v2 3 NOFLAG mydb " LOCAL " 3 300-200 0-100 101-150 " LOCAL
      " 1 5000-5000 PEER " PEER " 1 8001-20000 PEER 127.0.0.1:21603 1 151-199",
        "mydb@3: " LOCAL " [0-150 200-300] [5000-5000] | 127.0.0.1:21603"
        " [151-199]" },
    { "v2 2 FORCE mydb " LOCAL " 0 PEER " PEER " 1 0-16383",
        "mydb@2: " LOCAL " [] | " PEER " [0-16383]" },
    { "v2 5 NOFLAG '' " LOCAL " 1 0-16383", "@5: " LOCAL " [0-16383]" },
    { "v2 7 NOFLAG mydb", "mydb@7:" },
    { "v2 402 NOFLAG mydb " LOCAL " 1 0-8000 " LOCAL
      " migrating 1 8001-16383 402 " MIGR " PEER " PEER
      " Importing 1 8001-16383 402 " MIGR
      " CONFIG migration_scan_interval 10000 migration_scan_count 1",
        "mydb@402: " LOCAL " [0-8000] M[8001-16383;402 " MIGR "] | " PEER
        " I[8001-16383;402 " MIGR "]" },
    { "v2 1 NOFLAG mydb PEER " PEER " 1 0-1 a.b:1 1 2-2 " PEER " 1 5-6-7"
      " a.b:1 2 +9-+8 7-7",
        "mydb@1: | " PEER " [0-1] [5-6] a.b:1 [2-2] [7-9]" },
    { "v2 1 NOFLAG mydb " LOCAL " 3 0-18446744073709551615 5-6 16384-16384",
        "mydb@1: " LOCAL " [0-4294967295]" },
    { "v2 1 NOFLAG mydb " LOCAL " 2 16384-20000 3-3",
        "mydb@1: " LOCAL " [3-3 16384-20000]" },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-16383 127.0.0.1:7 1 0-16383 PEER " PEER
      " 1 0-16383",
        "mydb@1: " LOCAL " [0-16383] 127.0.0.1:7 [0-16383] | " PEER
        " [0-16383]" },
    { "v2 1 NOFLAG mydb " LOCAL " 1 \xff 0-1", "mydb@1: " LOCAL " [0-1]" },
    { "v2 1 NOFLAG mydb unix:/run/a.sock 1 0-1",
        "mydb@1: unix:/run/a.sock [0-1]" },
    { "v2 1 NOFLAG mydb " LOCAL " 1 0-1 PEER " LOCAL " 1 2-2 peer x:1 1 4-4"
      " PEER " LOCAL " 1 3-3",
        "mydb@1: " LOCAL " [0-1] | " LOCAL " [3-3]" },
};

START_TEST(good_metadata_becomes_a_topology)
{
    ck_assert_msg(decode(accepted[_i].line) == UM_OK, "%s: %s",
        accepted[_i].line, out.error);
    ck_assert_str_eq(dump(), accepted[_i].dump);
    check_owners();
}
END_TEST

START_TEST(the_source_of_a_migration_owns_its_slots)
{
    ck_assert_int_eq(decode("v2 1 NOFLAG mydb " LOCAL " importing 1 5-9 1 " MIGR
                            " PEER " PEER " migrating 1 0-16383 1 " MIGR),
        UM_OK);
    ck_assert_uint_eq(topo->owner[7], 1);

    ck_assert_int_eq(
        decode("v2 1 NOFLAG mydb " LOCAL " importing 1 5-9 1 " MIGR), UM_OK);
    ck_assert_uint_eq(topo->owner[7], UM_TOPO_NO_OWNER);
}
END_TEST

START_TEST(flags_are_taken_in_any_case_and_unknown_ones_ignored)
{
    static const struct {
        const char *line;
        bool force;
    } flags[] = {
        { "v2 1 NOFLAG mydb", false },
        { "v2 1 force mydb", true },
        { "v2 1 whatever,FORCE mydb", true },
        { "v2 1 ,,Force, mydb", true },
        { "v2 1 FORCED mydb", false },
        { "v2 1 '' mydb", false },
    };

    for (size_t i = 0; i < um_countof(flags); i++) {
        ck_assert_int_eq(decode(flags[i].line), UM_OK);
        ck_assert_msg(out.force == flags[i].force, "%s", flags[i].line);
    }
}
END_TEST

#define BOTH "v2 1 NOFLAG mydb " LOCAL " 1 0-8000 PEER " PEER " 1 8001-16383 "

static const struct {
    const char *line;
    bool ignored;
    uint32_t compression;
    uint64_t time, blocking, interval, count;
} configs[] = {
    { BOTH, false, 0, 10800, 10000, 500, 16 },
    { BOTH "CONFIG", false, 0, 10800, 10000, 500, 16 },
    { BOTH "config Compression_Strategy ALLOW_ALL", false, UM_COMPRESS_ALL,
        10800, 10000, 500, 16 },
    { BOTH "CONFIG migration_max_migration_time 1 migration_max_blocking_time 2"
           " migration_scan_interval 0 MIGRATION_SCAN_COUNT 32"
           " compression_strategy set_get_only",
        false, UM_COMPRESS_SET_GET, 1, 2, 0, 32 },
    { BOTH "CONFIG migration_scan_count 32 CONFIG migration_scan_interval 7",
        false, 0, 10800, 10000, 7, 16 },
    { BOTH "CONFIG migration_scan_count 18446744073709551615"
           " migration_max_migration_time 18446744073709551615",
        false, 0, UINT32_MAX, 10000, 500, 65536 },
    { BOTH "CONFIG nosuch 1", true, 0, 10800, 10000, 500, 16 },
    { BOTH "CONFIG odd", true, 0, 10800, 10000, 500, 16 },
    { BOTH "CONFIG migration_scan_interval 9 nosuch 1", true, 0, 10800, 10000,
        500, 16 },
    { BOTH "config migration_scan_interval 9 migration_scan_count 0", true, 0,
        10800, 10000, 500, 16 },
};

START_TEST(the_cluster_config_is_read_or_ignored_as_a_whole)
{
    ck_assert_int_eq(decode(configs[_i].line), UM_OK);
    ck_assert_int_eq(out.config_ignored, configs[_i].ignored);
    ck_assert_uint_eq(topo->compression, configs[_i].compression);
    ck_assert_uint_eq(topo->max_migration_time, configs[_i].time);
    ck_assert_uint_eq(topo->max_blocking_time, configs[_i].blocking);
    ck_assert_uint_eq(topo->scan_interval, configs[_i].interval);
    ck_assert_uint_eq(topo->scan_count, configs[_i].count);
}
END_TEST

/* A cluster of 2,000 proxies and 4,000 local entries, in words. */
static void
big_words(um_sbuf_t *b, uint32_t locals, uint32_t peers)
{
    um_sbuf_addz(b, "v2 9 NOFLAG mydb");

    for (uint32_t i = 0; i < locals; i++) {
        um_sbuf_addf(b, " 127.0.0.1:%u 1 %u-%u", 1 + i, 2 * i, 2 * i);
    }

    um_sbuf_addz(b, " PEER");

    for (uint32_t i = 0; i < peers; i++) {
        um_sbuf_addf(b,
            " proxy-%u.of.a.rather.long.domain.example:5299 2 "
            "%u-%u %u-%u",
            i, 8192 + 3 * i, 8192 + 3 * i, 2 * i + 1, 2 * i + 1);
    }
}

START_TEST(a_large_cluster_fits)
{
    um_sbuf_t b = { 0 };

    big_words(&b, 4000, 2000);
    ck_assert_msg(decode(um_sbuf_cstr(&b)) == UM_OK, "%s", out.error);
    ck_assert_uint_eq(topo->local_count, 4000);
    ck_assert_uint_eq(topo->addr_count, 6000);
    ck_assert_uint_eq(topo->entry_count, 6000);
    ck_assert_uint_eq(topo->range_count, 8000);
    check_owners();
    um_sbuf_deinit(&b);
}
END_TEST

START_TEST(too_large_a_cluster_is_refused_with_a_reason)
{
    um_sbuf_t b = { 0 };

    big_words(&b, 4000, 2145);
    ck_assert_int_eq(decode(um_sbuf_cstr(&b)), UM_DECLINED);
    ck_assert_str_eq(out.error, "Failed to parse args: too many addresses");

    um_sbuf_clear(&b);
    um_sbuf_addz(&b, "v2 9 NOFLAG mydb");
    for (int i = 0; i <= UM_TOPO_ENTRIES; i++) {
        um_sbuf_addz(&b, " 127.0.0.1:1 0");
    }
    ck_assert_int_eq(decode(um_sbuf_cstr(&b)), UM_DECLINED);
    ck_assert_str_eq(out.error, "Failed to parse args: too many entries");

    um_sbuf_clear(&b);
    um_sbuf_addf(&b, "v2 9 NOFLAG mydb 127.0.0.1:1 %u", UM_TOPO_RANGES + 1);
    for (int i = 0; i <= UM_TOPO_RANGES; i++) {
        um_sbuf_addf(&b, " %d-%d", 2 * i, 2 * i);
    }
    ck_assert_int_eq(decode(um_sbuf_cstr(&b)), UM_DECLINED);
    ck_assert_str_eq(out.error, "Failed to parse args: too many slot ranges");

    um_sbuf_clear(&b);
    um_sbuf_addz(&b, "v2 9 NOFLAG mydb");
    for (int i = 0; i <= UM_TOPO_MIGRS; i++) {
        um_sbuf_addz(&b, " 127.0.0.1:1 migrating 0 1 a:1 b:1 c:1 d:1");
    }
    ck_assert_int_eq(decode(um_sbuf_cstr(&b)), UM_DECLINED);
    ck_assert_str_eq(out.error, "Failed to parse args: too many migrations");
    um_sbuf_deinit(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("meta");
    TCase *tc = tcase_create("setcluster");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc,
        what_is_wrong_is_refused_with_the_words_of_the_reference, 0,
        um_countof(refused));
    tcase_add_loop_test(
        tc, good_metadata_becomes_a_topology, 0, um_countof(accepted));
    tcase_add_test(tc, the_source_of_a_migration_owns_its_slots);
    tcase_add_test(tc, flags_are_taken_in_any_case_and_unknown_ones_ignored);
    tcase_add_loop_test(tc, the_cluster_config_is_read_or_ignored_as_a_whole, 0,
        um_countof(configs));
    tcase_add_test(tc, a_large_cluster_fits);
    tcase_add_test(tc, too_large_a_cluster_is_refused_with_a_reason);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
