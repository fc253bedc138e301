/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_setcluster.h"
#include "meta/um_base64.h"
#include "meta/um_gunzip.h"
#include "meta/um_topo_build.h"
#include "meta/um_utf8.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"

#define WORDS_MAX 200000

static um_topo_t *topo, *other;
static um_str_t words[WORDS_MAX];
static um_setcluster_t out;

static void
setup(void)
{
    topo = malloc(sizeof(*topo));
    other = malloc(sizeof(*other));
    ck_assert_ptr_nonnull(topo);
    ck_assert_ptr_nonnull(other);
}

static void
teardown(void)
{
    free(topo);
    free(other);
}

/* Cut `line` at blanks; '' is an empty word. */
static uint32_t
cut(const char *line)
{
    uint32_t n = 0;

    while (*line != '\0') {
        size_t len = strcspn(line, " ");

        ck_assert_uint_lt(n, WORDS_MAX);
        words[n++] = len == 2 && memcmp(line, "''", 2) == 0
                         ? um_lit("")
                         : (um_str_t){ line, len };
        line += len;
        line += strspn(line, " ");
    }

    return n;
}

static um_rc_t
decode(const char *line)
{
    return um_setcluster_decode(
        words, cut(line), um_lit("127.0.0.1"), topo, &out);
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *
base64_of(const unsigned char *s, size_t len)
{
    char *text = calloc(1, len / 3 * 4 + 5), *o = text;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t) s[i] << 16;

        v |= i + 1 < len ? (uint32_t) s[i + 1] << 8 : 0;
        v |= i + 2 < len ? s[i + 2] : 0;
        *o++ = base64_digits[v >> 18];
        *o++ = base64_digits[v >> 12 & 63];
        *o++ = i + 1 < len ? base64_digits[v >> 6 & 63] : '=';
        *o++ = i + 2 < len ? base64_digits[v & 63] : '=';
    }

    return text;
}

/* base64(gzip(text)), to be freed. */
static char *
pack(const void *text, size_t len)
{
    z_stream z = { .next_in = (unsigned char *) (uintptr_t) text };
    size_t room;
    unsigned char *gz;
    char *b64;

    z.avail_in = (uInt) len;
    ck_assert_int_eq(
        deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    room = deflateBound(&z, len);
    gz = malloc(room);
    z.next_out = gz;
    z.avail_out = (uInt) room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    b64 = base64_of(gz, z.total_out);
    deflateEnd(&z);
    free(gz);
    return b64;
}

static um_rc_t
decode_json(const char *json, const char *flags)
{
    char *b64 = pack(json, strlen(json));
    um_str_t argv[] = { um_lit("v2"), um_lit("7"), um_str_of(flags),
        um_str_of(b64), um_lit("ignored") };
    um_rc_t rc = um_setcluster_decode(
        argv, um_countof(argv), um_lit("127.0.0.1"), topo, &out);

    free(b64);
    return rc;
}

static void
dump_text(um_sbuf_t *b, um_topo_text_t ref)
{
    um_sbuf_addz(b, " ");
    um_sbuf_add_str(b, um_topo_str(topo, ref));
}

static void
dump_entry(um_sbuf_t *b, const um_topo_entry_t *e)
{
    static const char *tags[] = { "", "M", "I" };

    um_sbuf_addf(b, " %s[", tags[e->tag]);

    for (uint32_t i = 0; i < e->range_count; i++) {
        const um_topo_range_t *r = &topo->range[e->first_range + i];

        um_sbuf_addf(b, "%s%u-%u", i > 0 ? " " : "", r->start, r->end);
    }

    if (e->tag != UM_TAG_NONE) {
        const um_topo_migr_t *m = &topo->migr[e->migr];

        um_sbuf_addf(b, ";%llu", (unsigned long long) m->epoch);
        dump_text(b, m->src_proxy);
        dump_text(b, m->src_node);
        dump_text(b, m->dst_proxy);
        dump_text(b, m->dst_node);
    }

    um_sbuf_addz(b, "]");
}

/* The whole topology in one line. */
static const char *
dump(void)
{
    static um_sbuf_t b;

    um_sbuf_clear(&b);
    um_sbuf_addf(
        &b, "%s@%llu:", topo->cluster, (unsigned long long) topo->epoch);

    for (uint32_t a = 0; a < topo->addr_count; a++) {
        const um_topo_addr_t *addr = &topo->addr[a];

        um_sbuf_addz(&b, a == topo->local_count ? " |" : "");
        dump_text(&b, addr->name);

        for (uint32_t i = 0; i < addr->entry_count; i++) {
            dump_entry(&b, &topo->entry[addr->first_entry + i]);
        }
    }

    return um_sbuf_cstr(&b);
}

/* What owner[] must say, found the slow and obvious way. */
static uint16_t
owner_of(uint32_t slot)
{
    for (uint32_t a = 0; a < topo->addr_count; a++) {
        for (uint32_t i = 0; i < topo->addr[a].entry_count; i++) {
            const um_topo_entry_t *e =
                &topo->entry[topo->addr[a].first_entry + i];

            for (uint32_t k = 0; k < e->range_count; k++) {
                const um_topo_range_t *r = &topo->range[e->first_range + k];

                if (e->tag != UM_TAG_IMPORTING && r->start <= slot
                    && slot <= r->end) {
                    return (uint16_t) a;
                }
            }
        }
    }

    return UM_TOPO_NO_OWNER;
}

static void
check_owners(void)
{
    for (uint32_t s = 0; s < UM_SLOTS; s++) {
        ck_assert_msg(
            topo->owner[s] == owner_of(s), "slot %u: %u", s, topo->owner[s]);
    }

    ck_assert(um_topo_check(topo));
}

#define BAD_ARGS    "Failed to parse args: InvalidArgs"
#define BAD_NAME    "Failed to parse args: InvalidClusterName"
#define BAD_VERSION "Failed to parse args: InvalidVersion"
#define LOCAL       "127.0.0.1:21701"
#define PEER        "127.0.0.1:21602"

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

/* The compressed line of section B, byte for byte. */
#define GOLDEN                                                                 \
    "v2 8 COMPRESS "                                                           \
    "H4sIAOGJA2sC/4WS3WqEMBCFX0XmWkriUpV9h/YFFgkxmdpQTSTJlhXx3TvRLi7YH7xJZr"   \
    "45nDlxBtVfQ0QvrBwQzhkMk24hz6B3SvZUmIEX1ROjj58LXjFOtcsMXtoORW9CTPcLy7Oa"   \
    "MdY0NBlll4RenUVY8uzAEshXnD/gM7yYzsto7HbD0al3OtVEBK/E6N1tElJrjyEk+UdXJb"   \
    "n65qzT+BtWbZgO8T+54s79LVfAsiwN7Qgjoj+ElXR+CotWL/KMl6f6dAxslbs/inL2zWyB"   \
    "KDeMyYVxVoRISWE3pSltgmx71MnxsEVIxMPgIG9ib0SzPjNnZCJNULOlp/6g3PceW3tBSS"   \
    "uMJR+f65/wvFeVu9q0Cy8pgC+6QLKaRAIAAA=="

START_TEST(the_compressed_form_says_the_same)
{
    ck_assert_msg(decode(GOLDEN) == UM_OK, "%s", out.error);
    ck_assert_str_eq(dump(),
        "mydb@8: " LOCAL " [0-8000] M[8001-8001;8 127.0.0.1:21601 " LOCAL
        " " PEER " 127.0.0.1:21702] | " PEER " [8002-16383]");
    ck_assert(!out.force);
    check_owners();
}
END_TEST

#define CONF                                                                   \
    "\"cluster_config\":{\"compression_strategy\":\"disabled\","               \
    "\"migration_config\":{\"max_migration_time\":1,\"max_blocking_time\":2,"  \
    "\"scan_interval\":3,\"scan_count\":4}}"
#define HEAD "{\"cluster_name\":\"mydb\","
#define RANGES(list)                                                           \
    HEAD CONF ",\"peer\":{},\"local\":{\"" LOCAL                               \
              "\":[{\"tag\":\"None\",\"range_list\":" list "}]}}"
#define TAG(tag)                                                               \
    HEAD CONF ",\"peer\":{},\"local\":{\"" LOCAL                               \
              "\":[{\"range_list\":[[1,2]],\"tag\":" tag "}]}}"
#define CONFIG(config)                                                         \
    HEAD "\"peer\":{},\"local\":{},\"cluster_config\":" config "}"

static const struct {
    const char *json;
    const char *result; /* a dump, or an error */
} documents[] = {
    { RANGES("[[0,8000]]"), "mydb@7: " LOCAL " [0-8000]" },
    { RANGES("[]"), "mydb@7: " LOCAL " []" },
    /* Defect 19 of the reference: it panics on these. */
    { RANGES("[[300,200],[0,100],[101,150],[120,130]]"),
        "mydb@7: " LOCAL " [0-150 200-300]" },
    { RANGES("[[0,18446744073709549568]]"),
        "mydb@7: " LOCAL " [0-4294967295]" },
    { RANGES("[[0,18446744073709551616]]"), BAD_ARGS },
    { RANGES("[[0,1e300]]"), BAD_ARGS },
    { RANGES("[[0,1.5]]"), BAD_ARGS },
    { RANGES("[[-1,5]]"), BAD_ARGS },
    { RANGES("[[1]]"), BAD_ARGS },
    { RANGES("[[1,2,3]]"), BAD_ARGS },
    { RANGES("[1,2]"), BAD_ARGS },
    { RANGES("[[\"1\",2]]"), BAD_ARGS },
    { RANGES("null"), BAD_ARGS },
    { TAG("\"None\""), "mydb@7: " LOCAL " [1-2]" },
    { TAG("\"none\""), BAD_ARGS },
    { TAG("null"), BAD_ARGS },
    { TAG("{}"), BAD_ARGS },
    { TAG("{\"Migrating\":{}}"), BAD_ARGS },
    { TAG("{\"Importing\":{\"epoch\":8,\"src_proxy_address\":\"a:1\","
          "\"src_node_address\":\"b:1\",\"dst_proxy_address\":\"c:1\","
          "\"dst_node_address\":\"d:1\"}}"),
        "mydb@7: " LOCAL " I[1-2;8 a:1 b:1 c:1 d:1]" },
    { TAG("{\"Importing\":{\"epoch\":8,\"src_proxy_address\":\"a:1\","
          "\"src_node_address\":\"b:1\",\"dst_proxy_address\":\"c 1\","
          "\"dst_node_address\":\"d:1\"}}"),
        BAD_ARGS },
    { TAG("{\"Moving\":{}}"), BAD_ARGS },
    { CONFIG("{}"), "mydb@7:" },
    { CONFIG("{\"later\":1}"), "mydb@7:" },
    { CONFIG("null"), BAD_ARGS },
    { CONFIG("{\"compression_strategy\":\"zzz\"}"), BAD_ARGS },
    { CONFIG("{\"migration_config\":{\"scan_count\":4}}"), BAD_ARGS },
    { CONFIG("{\"migration_config\":4}"), BAD_ARGS },
    { "{}", BAD_ARGS },
    { "[]", BAD_ARGS },
    { "", BAD_ARGS },
    { HEAD "\"peer\":{},\"local\":{}}", BAD_ARGS },
    { HEAD CONF ",\"peer\":{}}", BAD_ARGS },
    { HEAD CONF ",\"local\":{}}", BAD_ARGS },
    { "{\"cluster_name\":\"a/b\"," CONF ",\"local\":{},\"peer\":{}}",
        BAD_ARGS },
    { "{" CONF ",\"local\":{},\"peer\":{}}", BAD_ARGS },
    { HEAD CONF ",\"local\":{},\"peer\":{}} x", BAD_ARGS },
    { HEAD CONF ",\"local\":{},\"peer\":{}} \n", "mydb@7:" },
    { HEAD CONF ",\"local\":{},\"peer\":{\"\xff\":[]}}", BAD_ARGS },
    { HEAD CONF ",\"local\":{},\"peer\":{\"a\\nb\":[]}}", BAD_ARGS },
    { HEAD CONF ",\"local\":{\"10.1.1.1:1\":[]},\"peer\":{}}",
        "ERR_NOT_MY_META" },
};

START_TEST(json_is_taken_strictly)
{
    um_rc_t rc = decode_json(documents[_i].json, "COMPRESS");

    ck_assert_msg(
        strcmp(rc == UM_OK ? dump() : out.error, documents[_i].result) == 0,
        "%s: %s", documents[_i].json, rc == UM_OK ? dump() : out.error);

    if (rc == UM_OK) {
        check_owners();
    }
}
END_TEST

START_TEST(a_scan_count_of_nothing_in_json_becomes_one)
{
    ck_assert_int_eq(
        decode_json(CONFIG("{\"migration_config\":{\"max_migration_time\":1,"
                           "\"max_blocking_time\":18446744073709549568,"
                           "\"scan_interval\":3,\"scan_count\":0}}"),
            "FORCE,COMPRESS"),
        UM_OK);
    ck_assert(out.force);
    ck_assert_uint_eq(topo->scan_count, 1);
    ck_assert_uint_eq(topo->max_blocking_time, UINT32_MAX);
}
END_TEST

static void
refuse_packed(const char *b64, const char *error)
{
    um_str_t argv[] = { um_lit("v2"), um_lit("7"), um_lit("COMPRESS"),
        um_str_of(b64) };

    ck_assert_int_eq(um_setcluster_decode(argv, um_countof(argv),
                         um_lit("127.0.0.1"), topo, &out),
        UM_DECLINED);
    ck_assert_str_eq(out.error, error);
}

START_TEST(a_gzip_bomb_is_put_out)
{
    size_t size = 64u << 20;
    char *zeros = calloc(1, size);
    char *b64 = pack(zeros, size);

    ck_assert_uint_lt(strlen(b64), 2u << 20);
    refuse_packed(b64, "Failed to parse args: unpacks to too many bytes");
    free(b64);
    free(zeros);
}
END_TEST

START_TEST(a_bomb_of_many_values_is_put_out)
{
    size_t size = 20u << 20;
    char *commas = malloc(size);
    char *b64;

    memset(commas, ',', size);
    commas[0] = '[';
    b64 = pack(commas, size);
    refuse_packed(b64, "Failed to parse args: too many values");
    free(b64);
    free(commas);
}
END_TEST

START_TEST(nesting_does_not_eat_the_stack)
{
    char *deep = malloc(500001);
    char *b64;

    memset(deep, '[', 500000);
    deep[500000] = '\0';
    b64 = pack(deep, 500000);
    refuse_packed(b64, BAD_ARGS);
    free(b64);
    free(deep);
}
END_TEST

START_TEST(a_cut_or_spoilt_gzip_is_refused)
{
    char *b64 = pack(CONFIG("{}"), sizeof(CONFIG("{}")) - 1);
    size_t len = strlen(b64);
    char keep;

    for (size_t cut_at = 0; cut_at < len; cut_at += 4) {
        keep = b64[cut_at];
        b64[cut_at] = '\0';
        refuse_packed(b64, BAD_ARGS);
        b64[cut_at] = keep;
    }

    /* The check sum lies in the last eight bytes. */
    keep = b64[len - 9];
    b64[len - 9] = keep == 'A' ? 'B' : 'A';
    refuse_packed(b64, BAD_ARGS);
    free(b64);
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

START_TEST(a_copy_has_all_that_means_something)
{
    ck_assert_int_eq(decode(GOLDEN), UM_OK);
    memset(other, 0xa5, sizeof(*other));
    um_topo_copy(other, topo);
    ck_assert(um_topo_check(other));

    memset(topo, 0x5a, sizeof(*topo));
    um_topo_copy(topo, other);
    ck_assert_str_eq(dump(),
        "mydb@8: " LOCAL " [0-8000] M[8001-8001;8 127.0.0.1:21601 " LOCAL
        " " PEER " 127.0.0.1:21702] | " PEER " [8002-16383]");
}
END_TEST

START_TEST(a_copy_of_garbage_stays_inside)
{
    memset(topo, 0xff, sizeof(*topo));
    um_topo_copy(other, topo);
    ck_assert_uint_eq(other->addr_count, UM_TOPO_ADDRS);
    ck_assert_uint_eq(other->text_len, UM_TOPO_TEXT);
    ck_assert(!um_topo_check(other));
}
END_TEST

START_TEST(a_spoilt_topology_is_found_out)
{
    for (int i = 0; i < 14; i++) {
        ck_assert_int_eq(decode(GOLDEN), UM_OK);

        switch (i) {
        case 0:
            topo->owner[5] = 1;
            break;
        case 1:
            topo->addr[1].name.off = UINT32_MAX;
            break;
        case 2:
            topo->addr[1].name.len = UINT32_MAX;
            break;
        case 3:
            topo->addr[0].entry_count = 99;
            break;
        case 4:
            topo->addr[0].first_entry = UINT32_MAX;
            break;
        case 5:
            topo->entry[1].range_count = UINT32_MAX;
            break;
        case 6:
            topo->entry[1].first_range = UINT32_MAX;
            break;
        case 7:
            topo->entry[1].tag = 3;
            break;
        case 8:
            topo->entry[1].migr = 1;
            break;
        case 9:
            topo->range[0].start = 9000;
            break;
        case 10:
            topo->migr[0].dst_node.off = 1u << 30;
            break;
        case 11:
            topo->local_count = 3;
            break;
        case 12:
            memset(topo->cluster, 'a', sizeof(topo->cluster));
            break;
        default:
            topo->compression = 3;
            break;
        }

        ck_assert_msg(!um_topo_check(topo), "case %d", i);
    }
}
END_TEST

/* Any topology: owners as the slow way finds them, invariants kept. */
START_TEST(random_topologies_keep_the_invariants)
{
    uint64_t seed = 88172645463325252u + (uint64_t) _i;

    for (int round = 0; round < 20; round++) {
        um_topo_build_t *b = um_topo_build_new(topo);
        char name[32];

        for (int e = 0; e < 60; e++) {
            um_migr_words_t m = { 1, um_lit("a:1"), um_lit("b:1"),
                um_lit("c:1"), um_lit("d:1") };

            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;

            if (e == 30) {
                um_topo_build_peers(b);
            }

            snprintf(name, sizeof(name), "h:%u", (unsigned) (seed % 7));
            ck_assert_int_eq(um_topo_build_addr(b, um_str_of(name)), UM_OK);
            ck_assert_int_eq(um_topo_build_entry(b), UM_OK);

            for (uint64_t k = seed >> 8 & 7; k > 0; k--) {
                ck_assert_int_eq(um_topo_build_range(b, (seed >> k) % 16500,
                                     (seed >> (k + 20)) % 16500),
                    UM_OK);
            }

            um_topo_build_entry_end(b);
            if (seed >> 60 < 3) {
                ck_assert_int_eq(
                    um_topo_build_tag(b, 1 + (seed >> 50 & 1), &m), UM_OK);
            }
        }

        um_topo_build_finish(b);
        ck_assert_ptr_null(um_topo_build_error(b));
        um_topo_build_free(b);
        check_owners();
    }
}
END_TEST

static const struct {
    const char *text;
    const char *bytes; /* NULL: refused */
} base64s[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "fo" },
    { "Zm9v", "foo" },
    { "Zm9vYmFy", "foobar" },
    { "+/8=", "\xfb\xff" },
    { "Zg=", NULL },
    { "Zg", NULL },
    { "Zh==", NULL },
    { "Zm9=", NULL },
    { "Z===", NULL },
    { "====", NULL },
    { "Zg==Zg==", NULL },
    { "Zm9v\n", NULL },
    { "Zm-v", NULL },
    { "Z=9v", NULL },
};

START_TEST(base64_is_taken_strictly)
{
    unsigned char bytes[16];
    size_t n;
    um_rc_t rc = um_base64_decode(um_str_of(base64s[_i].text), bytes, &n);

    if (base64s[_i].bytes == NULL) {
        ck_assert_int_eq(rc, UM_DECLINED);
        return;
    }

    ck_assert_int_eq(rc, UM_OK);
    ck_assert_uint_eq(n, strlen(base64s[_i].bytes));
    ck_assert_mem_eq(bytes, base64s[_i].bytes, n);
}
END_TEST

static const struct {
    const char *text;
    bool valid;
} texts[] = {
    { "", true },
    { "plain ascii, longer than a word", true },
    { "\xc3\xa4 and \xe2\x82\xac and \xf0\x9f\x90\x98 in a row", true },
    { "\xff", false },
    { "12345678\x80", false },
    { "\xc0\xaf", false },
    { "\xe0\x80\xaf", false },
    { "\xed\xa0\x80", false },
    { "\xf4\x90\x80\x80", false },
    { "\xf0\x80\x80\x80", false },
    { "\xf5\x80\x80\x80", false },
    { "\xc3", false },
    { "\xe2\x82", false },
    { "\xf0\x9f\x90", false },
    { "\xe2\x28\xa1", false },
    { "\xf0\x9f\x28\x98", false },
    { "\xed\x9f\xbf\xf4\x8f\xbf\xbf", true },
};

START_TEST(utf8_is_told_from_other_bytes)
{
    ck_assert_msg(um_utf8_valid(um_str_of(texts[_i].text)) == texts[_i].valid,
        "%s", texts[_i].text);
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
    tcase_add_test(tc, the_compressed_form_says_the_same);
    tcase_add_loop_test(tc, json_is_taken_strictly, 0, um_countof(documents));
    tcase_add_test(tc, a_scan_count_of_nothing_in_json_becomes_one);
    tcase_add_test(tc, a_gzip_bomb_is_put_out);
    tcase_add_test(tc, a_bomb_of_many_values_is_put_out);
    tcase_add_test(tc, nesting_does_not_eat_the_stack);
    tcase_add_test(tc, a_cut_or_spoilt_gzip_is_refused);
    tcase_add_test(tc, a_large_cluster_fits);
    tcase_add_test(tc, too_large_a_cluster_is_refused_with_a_reason);
    tcase_add_test(tc, a_copy_has_all_that_means_something);
    tcase_add_test(tc, a_copy_of_garbage_stays_inside);
    tcase_add_test(tc, a_spoilt_topology_is_found_out);
    tcase_add_loop_test(tc, random_topologies_keep_the_invariants, 0, 5);
    tcase_add_loop_test(tc, base64_is_taken_strictly, 0, um_countof(base64s));
    tcase_add_loop_test(
        tc, utf8_is_told_from_other_bytes, 0, um_countof(texts));
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
