/* SPDX-License-Identifier: Apache-2.0 */

#include <zlib.h>

#include "um_meta_check.h"

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

int
main(void)
{
    Suite *s = suite_create("packed");
    TCase *tc = tcase_create("setcluster");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_compressed_form_says_the_same);
    tcase_add_loop_test(tc, json_is_taken_strictly, 0, um_countof(documents));
    tcase_add_test(tc, a_scan_count_of_nothing_in_json_becomes_one);
    tcase_add_test(tc, a_gzip_bomb_is_put_out);
    tcase_add_test(tc, a_bomb_of_many_values_is_put_out);
    tcase_add_test(tc, nesting_does_not_eat_the_stack);
    tcase_add_test(tc, a_cut_or_spoilt_gzip_is_refused);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
