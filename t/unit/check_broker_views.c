/* SPDX-License-Identifier: Apache-2.0 */

#include "../../modules/broker/views.h"
#include "core/um_str.h"
#include "meta/um_gunzip.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#define ROOM ((size_t) 1 << 20)

static views_t views;

static void
setup(void)
{
    views_init(&views, ROOM);
}

static void
teardown(void)
{
    views_deinit(&views);
    ck_assert_uint_eq(views.bytes, 0);
}

static view_t *
put(view_kind_t kind, const char *name, uint64_t epoch, const char *text)
{
    store_key_t key = { .epoch = epoch, .stamp = 1 };
    um_sbuf_t b = { 0 };
    view_t *v;

    um_sbuf_addz(&b, text);
    v = views_put(&views, kind, um_str_of(name), &key, &b);
    ck_assert_ptr_nonnull(v);
    ck_assert_ptr_null(b.data);
    return v;
}

static bool
has(view_kind_t kind, const char *name, uint64_t epoch, const char *text)
{
    store_key_t key = { .epoch = epoch, .stamp = 1 };
    view_t *v = views_find(&views, kind, um_str_of(name), &key);

    return v != NULL
           && um_str_eq(um_http_page_body(views_page(&views, v, VIEW_PLAIN)),
               um_str_of(text));
}

START_TEST(what_is_put_is_found_by_its_key_only)
{
    store_key_t other = { .epoch = 1, .stamp = 2 };

    put(VIEW_PROXY, "a:1", 1, "one");
    put(VIEW_CLUSTER, "a:1", 1, "two");
    ck_assert(has(VIEW_PROXY, "a:1", 1, "one"));
    ck_assert(has(VIEW_CLUSTER, "a:1", 1, "two"));
    ck_assert(!has(VIEW_PROXY, "a:1", 2, "one"));
    ck_assert(!has(VIEW_PROXY, "a:2", 1, "one"));
    ck_assert_ptr_null(views_find(&views, VIEW_PROXY, um_lit("a:1"), &other));
    ck_assert_uint_eq(views.hits, 2);
    ck_assert_uint_eq(views.misses, 3);
}
END_TEST

START_TEST(a_new_one_takes_the_place_of_the_old)
{
    put(VIEW_PROXY, "a:1", 1, "one");
    put(VIEW_PROXY, "a:1", 2, "two");
    ck_assert(!has(VIEW_PROXY, "a:1", 1, "one"));
    ck_assert(has(VIEW_PROXY, "a:1", 2, "two"));
}
END_TEST

START_TEST(they_stay_below_their_memory)
{
    char text[4001];
    char name[16];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "p%d:1", i);
        put(VIEW_PROXY, name, 1, text);
        ck_assert_uint_le(views.bytes, ROOM);
        ck_assert(has(VIEW_PROXY, name, 1, text));
    }
}
END_TEST

START_TEST(one_that_is_larger_than_all_is_still_lent)
{
    view_t *v;

    views_deinit(&views);
    views_init(&views, 10);
    v = put(VIEW_PROXY, "a:1", 1, "more than ten bytes");
    ck_assert_uint_eq(um_http_page_body(views_page(&views, v, VIEW_PLAIN)).len,
        strlen("more than ten bytes"));
    put(VIEW_PROXY, "b:1", 1, "and another one");
    ck_assert(!has(VIEW_PROXY, "a:1", 1, "more than ten bytes"));
}
END_TEST

START_TEST(packed_bytes_are_the_same_bytes)
{
    um_sbuf_t text = { 0 };
    um_http_page_t *packed;
    um_str_t plain, body;
    view_t *v;
    char *back;
    size_t n, bytes;

    for (int i = 0; i < 5000; i++) {
        um_sbuf_addf(&text, "{\"address\":\"10.0.%d.%d:7000\"},", i / 256, i);
    }
    v = put(VIEW_PROXY, "a:1", 1, um_sbuf_cstr(&text));
    bytes = views.bytes;
    packed = views_page(&views, v, VIEW_PACKED);
    ck_assert_ptr_nonnull(packed);
    body = um_http_page_body(packed);
    ck_assert_uint_lt(body.len, text.len / 3);
    ck_assert_uint_gt(views.bytes, bytes + body.len);
    ck_assert_int_eq(
        um_gunzip((const unsigned char *) body.data, body.len, ROOM, &back, &n),
        UM_OK);
    plain = um_http_page_body(views_page(&views, v, VIEW_PLAIN));
    ck_assert(um_str_eq((um_str_t){ back, n }, plain));
    ck_assert_ptr_eq(views_page(&views, v, VIEW_PACKED), packed);
    free(back);
    um_sbuf_deinit(&text);
}
END_TEST

START_TEST(a_tag_tells_key_and_age)
{
    store_key_t key = { .epoch = UINT64_MAX, .stamp = UINT64_MAX };
    view_tag_t longest, other, old;
    size_t len;

    views.age = UINT64_MAX - 1;
    longest = views_tag(&views, &key);
    len = strlen(longest.text);
    ck_assert_int_eq(memcmp(longest.text, "W/\"", 3), 0);
    ck_assert_int_eq(longest.text[len - 1], '"');
    key.stamp--;
    other = views_tag(&views, &key);
    ck_assert_str_ne(longest.text, other.text);
    views_clear(&views);
    old = views_tag(&views, &key);
    ck_assert_str_ne(other.text, old.text);
}
END_TEST

START_TEST(who_has_it_gets_no_body)
{
    view_t *v = put(VIEW_PROXY, "a:1", 1, "one");
    um_http_page_t *same = views_page(&views, v, VIEW_SAME);

    ck_assert_ptr_nonnull(same);
    ck_assert_uint_eq(um_http_page_body(same).len, 0);
    ck_assert_ptr_eq(views_page(&views, v, VIEW_SAME), same);
}
END_TEST

START_TEST(what_is_forgotten_does_not_come_back_under_its_tag)
{
    uint64_t age = views.age;

    put(VIEW_PROXY, "a:1", 1, "one");
    views_clear(&views);
    ck_assert(!has(VIEW_PROXY, "a:1", 1, "one"));
    ck_assert_uint_gt(views.age, age);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker views");
    TCase *tc = tcase_create("views");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_put_is_found_by_its_key_only);
    tcase_add_test(tc, a_new_one_takes_the_place_of_the_old);
    tcase_add_test(tc, they_stay_below_their_memory);
    tcase_add_test(tc, one_that_is_larger_than_all_is_still_lent);
    tcase_add_test(tc, packed_bytes_are_the_same_bytes);
    tcase_add_test(tc, a_tag_tells_key_and_age);
    tcase_add_test(tc, who_has_it_gets_no_body);
    tcase_add_test(tc, what_is_forgotten_does_not_come_back_under_its_tag);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
