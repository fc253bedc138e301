/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_clock.h"
#include "core/um_crc64.h"
#include "core/um_list.h"
#include "core/um_pool.h"
#include "core/um_sbuf.h"
#include "core/um_slab.h"
#include "core/um_slot.h"
#include "core/um_str.h"
#include "core/um_trim.h"
#include "um_check.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

/* ---- slot and CRC-64 ---------------------------------------------------- */

static const struct {
    const char *key;
    uint16_t slot;
    const char *why;
} slots[] = {
    { "", 0, "empty key" },
    { "123456789", 12739, "the CRC's own check value, 0x31c3" },
    { "foo", 12182, "what redis-cli says" },
    { "{foo}.a", 12182, "same tag, same slot" },
    { "x{foo}{bar}", 12182, "the first tag counts" },
    { "foo{}", 5542, "an empty tag is no tag" },
};

START_TEST(slot_of_known_keys)
{
    um_str_t key = um_str_of(slots[_i].key);

    ck_assert_msg(um_slot_of(key) == slots[_i].slot, "%s: %s: got %u",
        slots[_i].key, slots[_i].why, um_slot_of(key));
}
END_TEST

/* One bit at a time: slow and obvious. */
static uint16_t
slot_by_the_book(const unsigned char *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned) p[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
        }
        crc &= 0xffff;
    }

    return (uint16_t) (crc % UM_SLOTS);
}

START_TEST(slot_by_tables_is_slot_by_bits_at_every_length)
{
    unsigned char key[64];
    unsigned seed = 1;

    for (size_t len = 0; len <= sizeof(key); len++) {
        for (int round = 0; round < 50; round++) {
            for (size_t i = 0; i < len; i++) {
                seed = seed * 1103515245 + 12345;
                key[i] = (unsigned char) (seed >> 16);
                key[i] = key[i] == '{' ? 0 : key[i];
            }
            ck_assert_uint_eq(um_slot_of((um_str_t){ (char *) key, len }),
                slot_by_the_book(key, len));
        }
    }
}
END_TEST

static const struct {
    const char *key, *tag;
} tags[] = {
    { "a{b}c", "b" },
    { "{b", "{b" },
    { "b}", "b}" },
    { "}{b}", "b" },
    { "{}{b}", "{}{b}" },
    { "{{b}}", "{b" },
    { "{b}{c}", "b" },
};

START_TEST(a_tag_stands_between_the_first_brace_and_the_next)
{
    const char *tag = tags[_i].tag;

    ck_assert_uint_eq(um_slot_of(um_str_of(tags[_i].key)),
        slot_by_the_book((const unsigned char *) tag, strlen(tag)));
}
END_TEST

static const struct {
    const char *text;
    uint64_t crc;
} crcs[] = {
    { "", 0 },
    { "123456789", 0xe9c6d914c4b8d9ca },
    { "127.0.0.1:5299", 0x9f8fca2805923328 },
    { "127.0.0.1:21601", 0x1812b21e59f37605 },
};

START_TEST(crc64_of_known_texts)
{
    ck_assert_uint_eq(um_crc64(um_str_of(crcs[_i].text)), crcs[_i].crc);
}
END_TEST

/* ---- str ---------------------------------------------------------------- */

START_TEST(slices_compare_by_length_and_bytes)
{
    ck_assert(um_str_eq(um_lit("a\0b"), um_lit("a\0b")));
    ck_assert(!um_str_eq(um_lit("a\0b"), um_lit("a\0c")));
    ck_assert(!um_str_eq(um_lit("a"), um_lit("ab")));
    ck_assert(um_str_eq((um_str_t){ NULL, 0 }, um_lit("")));
    ck_assert(um_str_ieq(um_lit("PiNG"), um_lit("pInG")));
    ck_assert(!um_str_ieq(um_lit("[ping"), um_lit("{ping")));
    ck_assert(!um_str_ieq(um_lit("pin"), um_lit("ping")));
    ck_assert_uint_eq(um_str_of(NULL).len, 0);
}
END_TEST

static const struct {
    const char *text;
    bool is_u64, is_i64;
    uint64_t u64;
    int64_t i64;
} numbers[] = {
    { "0", true, true, 0, 0 },
    { "007", true, true, 7, 7 },
    { "-1", false, true, 0, -1 },
    { "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
    { "9223372036854775808", true, false, 9223372036854775808u, 0 },
    { "-9223372036854775808", false, true, 0, INT64_MIN },
    { "-9223372036854775809", false, false, 0, 0 },
    { "18446744073709551615", true, false, UINT64_MAX, 0 },
    { "18446744073709551616", false, false, 0, 0 },
    { "184467440737095516150", false, false, 0, 0 },
    { "", false, false, 0, 0 },
    { "-", false, false, 0, 0 },
    { "+1", false, false, 0, 0 },
    { "--1", false, false, 0, 0 },
    { " 1", false, false, 0, 0 },
    { "1 ", false, false, 0, 0 },
    { "0x1", false, false, 0, 0 },
};

START_TEST(numbers_are_decimal_and_whole)
{
    um_str_t s = um_str_of(numbers[_i].text);
    uint64_t u = 4711;
    int64_t i = 4711;

    ck_assert_int_eq(um_str_to_u64(s, &u) == UM_OK, numbers[_i].is_u64);
    ck_assert_uint_eq(u, numbers[_i].is_u64 ? numbers[_i].u64 : 4711);
    ck_assert_int_eq(um_str_to_i64(s, &i) == UM_OK, numbers[_i].is_i64);
    ck_assert_int_eq(i, numbers[_i].is_i64 ? numbers[_i].i64 : 4711);
}
END_TEST

START_TEST(arguments_have_no_leading_zeros)
{
    static const struct {
        const char *text;
        bool ok;
    } some[] = { { "0", true }, { "-1", true }, { "10", true }, { "-0", false },
        { "00", false }, { "01", false }, { "-01", false }, { "", false },
        { "-", false }, { "x", false } };

    for (size_t i = 0; i < um_countof(some); i++) {
        int64_t v;

        ck_assert_msg(
            (um_str_to_arg(um_str_of(some[i].text), &v) == UM_OK) == some[i].ok,
            "%s", some[i].text);
    }
}
END_TEST

START_TEST(numbers_print_as_printf_does)
{
    static const int64_t some[] = { 0, 1, -1, 9, 10, -10, 99, 100, 12345678,
        INT64_MAX, INT64_MIN, INT64_MIN + 1 };

    for (size_t i = 0; i < um_countof(some); i++) {
        char ours[24] = { 0 }, theirs[24];

        snprintf(theirs, sizeof(theirs), "%lld", (long long) some[i]);
        ck_assert_uint_eq(um_i64_format(some[i], ours), strlen(theirs));
        ck_assert_str_eq(ours, theirs);

        memset(ours, 0, sizeof(ours));
        snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long) some[i]);
        ck_assert_uint_eq(
            um_u64_format((uint64_t) some[i], ours), strlen(theirs));
        ck_assert_str_eq(ours, theirs);
    }
}
END_TEST

static const struct {
    const char *pattern, *text;
    bool match, match_nocase;
} globs[] = {
    { "", "", true, true },
    { "", "a", false, false },
    { "*", "", true, true },
    { "*", "abc", true, true },
    { "a*", "abc", true, true },
    { "*c", "abc", true, true },
    { "a*c", "abbbc", true, true },
    { "a*d", "abbbc", false, false },
    { "**a**", "bab", true, true },
    { "a*b*c", "a_b_b_c", true, true },
    { "?", "", false, false },
    { "???", "abc", true, true },
    { "h[ae]llo", "hallo", true, true },
    { "h[ae]llo", "hillo", false, false },
    { "h[^e]llo", "hallo", true, true },
    { "h[^e]llo", "hello", false, false },
    { "h[a-c]llo", "hbllo", true, true },
    { "h[c-a]llo", "hbllo", true, true },
    { "h[a-c]llo", "hdllo", false, false },
    { "h[a-", "ha", true, true },
    { "h[", "h", false, false },
    { "h[abc", "hb", true, true },
    { "[\\]]", "]", true, true },
    { "a\\*c", "a*c", true, true },
    { "a\\*c", "abc", false, false },
    { "a\\", "a\\", true, true },
    { "ABC", "abc", false, true },
    { "a[B-D]", "aC", true, true },
    { "a[B-D]", "ac", false, true },
    { "maxmemory*", "maxmemory-policy", true, true },
    { "*-policy", "maxmemory-policy", true, true },
};

START_TEST(globs_match_as_redis_matches)
{
    um_str_t p = um_str_of(globs[_i].pattern);
    um_str_t t = um_str_of(globs[_i].text);

    ck_assert_msg(um_str_glob(p, t, false) == globs[_i].match, "%s %s",
        globs[_i].pattern, globs[_i].text);
    ck_assert_msg(um_str_glob(p, t, true) == globs[_i].match_nocase,
        "nocase %s %s", globs[_i].pattern, globs[_i].text);
}
END_TEST

START_TEST(a_hostile_glob_ends_in_time)
{
    char pattern[200], text[20000];

    for (size_t i = 0; i < sizeof(pattern); i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[sizeof(pattern) - 1] = 'b';
    memset(text, 'a', sizeof(text));

    ck_assert(!um_str_glob((um_str_t){ pattern, sizeof(pattern) },
        (um_str_t){ text, sizeof(text) }, false));
}
END_TEST

/* ---- sbuf, slab, pool, list --------------------------------------------- */

START_TEST(a_buffer_grows_as_texts_come)
{
    um_sbuf_t b = { 0 };

    ck_assert_str_eq(um_sbuf_cstr(&b), "");
    um_sbuf_add_str(&b, um_lit("a"));
    um_sbuf_addz(&b, "bc ");
    um_sbuf_add_u64(&b, UINT64_MAX);
    um_sbuf_addz(&b, " ");
    um_sbuf_add_i64(&b, INT64_MIN);
    um_sbuf_addf(&b, " %s %d", "x", 7);
    ck_assert_str_eq(
        um_sbuf_cstr(&b), "abc 18446744073709551615 -9223372036854775808 x 7");
    ck_assert_uint_eq(b.len, strlen(b.data));

    um_sbuf_clear(&b);
    um_sbuf_addf(&b, "%1000d", 5);
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_int_eq(um_sbuf_cstr(&b)[999], '5');
    ck_assert(!b.failed);

    um_sbuf_deinit(&b);
    ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(a_buffer_that_failed_stays_so_until_it_is_cleared)
{
    um_sbuf_t b = { 0 };

    um_sbuf_addz(&b, "kept");
    ck_assert_ptr_null(um_sbuf_room(&b, SIZE_MAX - 2));
    ck_assert(b.failed);
    um_sbuf_addz(&b, "not added");
    um_sbuf_addf(&b, "%d", 1);
    ck_assert_uint_eq(b.len, 4);
    ck_assert_str_eq(um_sbuf_cstr(&b), "");

    um_sbuf_clear(&b);
    um_sbuf_addz(&b, "again");
    ck_assert_str_eq(um_sbuf_cstr(&b), "again");
    um_sbuf_deinit(&b);
}
END_TEST

START_TEST(a_slab_gives_back_what_it_got)
{
    um_slab_t s;
    void *a, *b, *c;

    um_slab_init(&s, 1, 2);
    a = um_slab_get(&s);
    b = um_slab_get(&s);
    c = um_slab_get(&s);
    ck_assert(a != NULL && b != NULL && c != NULL);
    ck_assert_uint_eq(s.in_use, 3);

    um_slab_put(&s, a);
    um_slab_put(&s, b);
    um_slab_put(&s, c); /* one too many to keep */
    ck_assert_uint_eq(s.in_use, 0);
    ck_assert_uint_eq(s.spare, 2);

    ck_assert_ptr_eq(um_slab_get(&s), b);
    ck_assert_uint_eq(s.spare, 1);

    um_slab_deinit(&s);
    ck_assert_uint_eq(s.spare, 0);
    um_slab_put(&s, b); /* still in use then: to the heap */
    ck_assert_uint_eq(s.spare, 0);
}
END_TEST

static char cleanup_order[8];

static void
note_cleanup(void *data)
{
    strncat(cleanup_order, data, 1);
}

START_TEST(a_pool_frees_all_after_its_cleanups_last_one_first)
{
    um_pool_t *p = um_pool_new();
    char *small[100], *big, *text;
    char one[] = "1", two[] = "2";

    ck_assert_ptr_nonnull(p);
    cleanup_order[0] = '\0';
    ck_assert_int_eq(um_pool_on_free(p, note_cleanup, one), UM_OK);
    ck_assert_int_eq(um_pool_on_free(p, note_cleanup, two), UM_OK);

    big = um_pool_alloc(p, 100000);
    ck_assert_ptr_nonnull(big);
    ck_assert_int_eq(big[99999], 0);
    memset(big, 1, 100000);

    for (size_t i = 0; i < um_countof(small); i++) {
        small[i] = um_pool_alloc(p, 1 + i);
        ck_assert_ptr_nonnull(small[i]);
        ck_assert_uint_eq((uintptr_t) small[i] % _Alignof(max_align_t), 0);
        ck_assert_int_eq(small[i][i], 0);
        memset(small[i], (int) i, 1 + i);
    }

    for (size_t i = 0; i < um_countof(small); i++) {
        ck_assert_int_eq(small[i][0], (int) i);
        ck_assert_int_eq(small[i][i], (int) i);
    }

    text = um_pool_strdup(p, um_lit("text"));
    ck_assert_str_eq(text, "text");
    ck_assert_ptr_nonnull(um_pool_alloc(p, 0));
    ck_assert_ptr_null(um_pool_alloc(p, SIZE_MAX - 1));
    ck_assert_ptr_null(um_pool_array(p, SIZE_MAX / 2, 3));
    ck_assert_ptr_nonnull(um_pool_array(p, 3, 5));

    um_pool_free(p);
    ck_assert_str_eq(cleanup_order, "21");
    um_pool_free(NULL);
}
END_TEST

typedef struct {
    int n;
    um_list_t link;
} thing_t;

START_TEST(a_list_keeps_its_order_and_forgives_a_second_removal)
{
    thing_t t[3] = { { .n = 1 }, { .n = 2 }, { .n = 3 } };
    um_list_t head;
    int sum = 0;

    um_list_init(&head);
    ck_assert(um_list_is_empty(&head));

    for (size_t i = 0; i < um_countof(t); i++) {
        um_list_add_tail(&head, &t[i].link);
    }
    um_list_del(&t[1].link);
    um_list_del(&t[1].link);

    um_list_each(l, &head)
    {
        sum = sum * 10 + um_list_entry(l, thing_t, link)->n;
    }
    ck_assert_int_eq(sum, 13);

    um_list_each_safe(l, &head)
    {
        um_list_del(l);
    }
    ck_assert(um_list_is_empty(&head));
}
END_TEST

START_TEST(the_clock_runs_forward)
{
    uint64_t ns = um_clock_ns();

    ck_assert_uint_ge(um_clock_ns(), ns);
    ck_assert_uint_gt(um_clock_wall_us(), 1600000000000000u);
}
END_TEST

static size_t
resident_mb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    size_t pages = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%*u %zu", &pages), 1);
    fclose(f);
    return pages * 4096 >> 20;
}

/* The last piece stands on top of all that falls free below it. */
START_TEST(memory_goes_back_after_a_peak)
{
    enum { PIECES = 64 << 10, SIZE = 1024 };
    static char *piece[PIECES];
    size_t before = resident_mb();
    um_trim_t trim = { 0 };
    bool is_libc;
    void *top;

    for (int i = 0; i < PIECES; i++) {
        piece[i] = calloc(1, SIZE);
        ck_assert_ptr_nonnull(piece[i]);
        memset(piece[i], i, SIZE);
    }
    top = malloc(SIZE);
    ck_assert_uint_ge(resident_mb(), before + 60);
    is_libc = mallinfo2().uordblks > (size_t) PIECES * SIZE;
    um_trim(&trim); /* all of it is used */

    for (int i = 0; i < PIECES; i++) {
        free(piece[i]);
    }
    um_trim(&trim);
    if (is_libc) { /* and not the heap of a sanitizer */
        ck_assert_uint_le(resident_mb(), before + 6);
    }
    free(top);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("core");
    TCase *tc = tcase_create("core");

    tcase_add_loop_test(tc, slot_of_known_keys, 0, um_countof(slots));
    tcase_add_test(tc, slot_by_tables_is_slot_by_bits_at_every_length);
    tcase_add_loop_test(tc, a_tag_stands_between_the_first_brace_and_the_next,
        0, um_countof(tags));
    tcase_add_loop_test(tc, crc64_of_known_texts, 0, um_countof(crcs));
    tcase_add_test(tc, slices_compare_by_length_and_bytes);
    tcase_add_loop_test(
        tc, numbers_are_decimal_and_whole, 0, um_countof(numbers));
    tcase_add_test(tc, arguments_have_no_leading_zeros);
    tcase_add_test(tc, numbers_print_as_printf_does);
    tcase_add_loop_test(tc, globs_match_as_redis_matches, 0, um_countof(globs));
    tcase_add_test(tc, a_hostile_glob_ends_in_time);
    tcase_add_test(tc, a_buffer_grows_as_texts_come);
    tcase_add_test(tc, a_buffer_that_failed_stays_so_until_it_is_cleared);
    tcase_add_test(tc, a_slab_gives_back_what_it_got);
    tcase_add_test(tc, a_pool_frees_all_after_its_cleanups_last_one_first);
    tcase_add_test(tc, a_list_keeps_its_order_and_forgives_a_second_removal);
    tcase_add_test(tc, the_clock_runs_forward);
    tcase_add_test(tc, memory_goes_back_after_a_peak);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
