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

/* The kept answer about a:1 .. under this key, perhaps none yet. */
static view_t *
get(view_kind_t kind, const char *name, uint64_t epoch)
{
    store_key_t key = { .epoch = epoch, .stamp = 1 };
    view_t *v = views_get(&views, kind, um_str_of(name), &key);

    ck_assert_ptr_nonnull(v);
    return v;
}

static um_http_page_t *
put(view_t *v, view_form_t form, const char *text)
{
    um_sbuf_t b = { 0 };
    um_http_page_t *p;

    um_sbuf_addz(&b, text);
    p = views_put(&views, v, form, &b);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(b.data);
    return p;
}

static void
keep(view_kind_t kind, const char *name, uint64_t epoch, const char *text)
{
    (void) put(get(kind, name, epoch), VIEW_PLAIN, text);
}

static bool
has(view_kind_t kind, const char *name, uint64_t epoch, const char *text)
{
    um_http_page_t *p = views_page(&views, get(kind, name, epoch), VIEW_PLAIN);

    return p != NULL && um_str_eq(um_http_page_body(p), um_str_of(text));
}

START_TEST(what_is_put_is_found_by_its_name)
{
    keep(VIEW_PROXY, "a:1", 1, "one");
    keep(VIEW_CLUSTER, "a:1", 1, "two");
    ck_assert(has(VIEW_PROXY, "a:1", 1, "one"));
    ck_assert(has(VIEW_CLUSTER, "a:1", 1, "two"));
    ck_assert_ptr_null(
        views_page(&views, get(VIEW_PROXY, "a:2", 1), VIEW_PLAIN));
    ck_assert_ptr_null(
        views_page(&views, get(VIEW_PROXY, "a:1", 1), VIEW_PACKED));
    ck_assert_uint_eq(views.hits, 2);
    ck_assert_uint_eq(views.misses, 2);
}
END_TEST

START_TEST(with_another_key_it_is_another_one)
{
    store_key_t later = { .epoch = 2, .stamp = 2 };
    view_tag_t tag[3];

    keep(VIEW_PROXY, "a:1", 1, "one");
    tag[0] = get(VIEW_PROXY, "a:1", 1)->tag;
    ck_assert(!has(VIEW_PROXY, "a:1", 2, "one"));
    keep(VIEW_PROXY, "a:1", 2, "two");
    tag[1] = get(VIEW_PROXY, "a:1", 2)->tag;
    ck_assert(has(VIEW_PROXY, "a:1", 2, "two"));
    tag[2] = views_get(&views, VIEW_PROXY, um_lit("a:1"), &later)->tag;

    ck_assert_str_ne(tag[0].text, tag[1].text);
    ck_assert_str_ne(tag[1].text, tag[2].text);
}
END_TEST

START_TEST(they_stay_below_their_memory)
{
    char text[4001];
    char name[16];
    int there = 0;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    /* Round and round, with room for two thirds of them. */
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "p%d:1", i % 300);
        if (has(VIEW_PROXY, name, 1, text)) {
            there++;
        } else {
            keep(VIEW_PROXY, name, 1, text);
        }
        ck_assert_uint_le(views.bytes, ROOM);
        ck_assert(has(VIEW_PROXY, name, 1, text));
    }
    ck_assert_int_gt(there, 300);
}
END_TEST

START_TEST(one_that_is_larger_than_all_is_still_lent)
{
    um_http_page_t *p;

    views_deinit(&views);
    views_init(&views, 10);
    p = put(get(VIEW_PROXY, "a:1", 1), VIEW_PLAIN, "more than ten bytes");
    ck_assert_uint_eq(um_http_page_body(p).len, strlen("more than ten bytes"));
    keep(VIEW_PROXY, "b:1", 1, "and another one");
    ck_assert(!has(VIEW_PROXY, "a:1", 1, "more than ten bytes"));
}
END_TEST

START_TEST(packed_bytes_are_the_same_bytes)
{
    um_sbuf_t text = { 0 };
    um_http_page_t *packed;
    um_str_t body;
    char *back;
    size_t n;

    for (int i = 0; i < 5000; i++) {
        um_sbuf_addf(&text, "{\"address\":\"10.0.%d.%d:7000\"},", i / 256, i);
    }
    packed = put(get(VIEW_PROXY, "a:1", 1), VIEW_PACKED, um_sbuf_cstr(&text));
    body = um_http_page_body(packed);
    ck_assert_uint_lt(body.len, text.len / 3);
    ck_assert_uint_gt(views.bytes, body.len);
    ck_assert_uint_lt(views.bytes, text.len / 3);
    ck_assert_int_eq(
        um_gunzip((const unsigned char *) body.data, body.len, ROOM, &back, &n),
        UM_OK);
    ck_assert(
        um_str_eq((um_str_t){ back, n }, (um_str_t){ text.data, text.len }));
    ck_assert_ptr_eq(
        views_page(&views, get(VIEW_PROXY, "a:1", 1), VIEW_PACKED), packed);
    free(back);
    um_sbuf_deinit(&text);
}
END_TEST

START_TEST(what_is_small_is_not_packed)
{
    um_http_page_t *p = put(get(VIEW_PROXY, "a:1", 1), VIEW_PACKED, "small");

    ck_assert(um_str_eq(um_http_page_body(p), um_lit("small")));
}
END_TEST

START_TEST(who_has_it_gets_no_body)
{
    view_t *v = get(VIEW_PROXY, "a:1", 1);
    um_sbuf_t none = { 0 };
    um_http_page_t *same = views_put(&views, v, VIEW_SAME, &none);

    ck_assert_ptr_nonnull(same);
    ck_assert_uint_eq(um_http_page_body(same).len, 0);
    ck_assert_ptr_eq(
        views_page(&views, get(VIEW_PROXY, "a:1", 1), VIEW_SAME), same);
}
END_TEST

START_TEST(a_text_that_failed_is_not_kept)
{
    for (int i = 0; i < VIEW_FORMS; i++) {
        um_sbuf_t text = { .failed = true };
        view_t *v = get(VIEW_PROXY, "a:1", 1);

        ck_assert_ptr_null(views_put(&views, v, (view_form_t) i, &text));
        ck_assert_ptr_null(views_page(&views, v, (view_form_t) i));
    }
}
END_TEST

START_TEST(a_tag_tells_key_and_age)
{
    view_tag_t old;
    size_t len;

    views.age = UINT64_MAX - 1;
    old = get(VIEW_PROXY, "a:1", UINT64_MAX)->tag;
    len = strlen(old.text);
    ck_assert_int_eq(memcmp(old.text, "W/\"", 3), 0);
    ck_assert_int_eq(old.text[len - 1], '"');
    views_clear(&views);
    ck_assert_str_ne(old.text, get(VIEW_PROXY, "a:1", UINT64_MAX)->tag.text);
}
END_TEST

START_TEST(what_is_forgotten_does_not_come_back_under_its_tag)
{
    uint64_t age = views.age;

    keep(VIEW_PROXY, "a:1", 1, "one");
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
    tcase_add_test(tc, what_is_put_is_found_by_its_name);
    tcase_add_test(tc, with_another_key_it_is_another_one);
    tcase_add_test(tc, they_stay_below_their_memory);
    tcase_add_test(tc, one_that_is_larger_than_all_is_still_lent);
    tcase_add_test(tc, packed_bytes_are_the_same_bytes);
    tcase_add_test(tc, what_is_small_is_not_packed);
    tcase_add_test(tc, who_has_it_gets_no_body);
    tcase_add_test(tc, a_text_that_failed_is_not_kept);
    tcase_add_test(tc, a_tag_tells_key_and_age);
    tcase_add_test(tc, what_is_forgotten_does_not_come_back_under_its_tag);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
