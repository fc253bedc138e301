/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_topo_build.h"
#include "meta/um_base64.h"
#include "meta/um_utf8.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

static um_topo_t *topo, *other;

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

/* One local node with two entries, the second migrating; one peer. */
static void
sample(void)
{
    um_topo_build_t *b = um_topo_build_new(topo);
    um_migr_words_t m = { 8, um_lit("a:1"), um_lit("l:1"), um_lit("p:1"),
        um_lit("d:1") };

    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(um_topo_build_addr(b, um_lit("l:1")), UM_OK);
    ck_assert_int_eq(um_topo_build_entry(b), UM_OK);
    ck_assert_int_eq(um_topo_build_range(b, 0, 8000), UM_OK);
    um_topo_build_entry_end(b);
    ck_assert_int_eq(um_topo_build_entry(b), UM_OK);
    ck_assert_int_eq(um_topo_build_range(b, 8001, 8001), UM_OK);
    um_topo_build_entry_end(b);
    ck_assert_int_eq(um_topo_build_tag(b, UM_TAG_MIGRATING, &m), UM_OK);

    um_topo_build_peers(b);
    ck_assert_int_eq(um_topo_build_addr(b, um_lit("p:1")), UM_OK);
    ck_assert_int_eq(um_topo_build_entry(b), UM_OK);
    ck_assert_int_eq(um_topo_build_range(b, 8002, 16383), UM_OK);
    um_topo_build_entry_end(b);
    um_topo_build_finish(b);
    ck_assert_ptr_null(um_topo_build_error(b));
    um_topo_build_free(b);

    memcpy(topo->cluster, "mydb", 4);
    topo->epoch = 8;
    ck_assert(um_topo_check(topo));
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

START_TEST(a_copy_has_all_that_means_something)
{
    sample();
    memset(other, 0xa5, sizeof(*other));
    um_topo_copy(other, topo);
    ck_assert(um_topo_check(other));

    memset(topo, 0x5a, sizeof(*topo));
    um_topo_copy(topo, other);
    check_owners();
    ck_assert_uint_eq(topo->epoch, 8);
    ck_assert_str_eq(topo->cluster, "mydb");
    ck_assert_uint_eq(topo->addr_count, 2);
    ck_assert_uint_eq(topo->entry_count, 3);
    ck_assert(
        um_str_eq(um_topo_str(topo, topo->migr[0].dst_node), um_lit("d:1")));
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
        sample();

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
    Suite *s = suite_create("topo");
    TCase *tc = tcase_create("topo");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
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
