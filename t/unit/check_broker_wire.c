/* What an external store tells, and what it is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "storage_wire.h"
#include "um_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    const char *store;   /* or what is wrong */
    const char *version; /* NULL: it is wrong */
} said[] = {
    { "{}", "", "" },
    { " \r\n\t{ } \n", "", "" },
    { "{\"store\":null}", "", "" },
    { "{\"store\":null,\"version\":null}", "", "" },
    { "{\"version\":\"7\",\"store\":null}", "", "\"7\"" },
    { "{\"store\":{\"a\":1},\"version\":\"x y\"}", "{\"a\":1}", "\"x y\"" },
    { "{ \"store\" : [ 1 , {} ] , \"version\" : \"\" }", "[ 1 , {} ]", "\"\"" },
    { "{\"version\":\"a\\\"}\\\\\",\"store\":{}}", "{}", "\"a\\\"}\\\\\"" },
    { "{\"store\":{\"}\\\"{\":[\"]\\\\\"]}}", "{\"}\\\"{\":[\"]\\\\\"]}", "" },
    { "{\"more\":{\"store\":1},\"store\":{},\"x\":-1.5e3,\"y\":true}", "{}",
        "" },
    { "{\"store\":\"text\"}", "\"text\"", "" },

    { "", "is no JSON object", NULL },
    { "null", "is no JSON object", NULL },
    { "[]", "is no JSON object", NULL },
    { "<html></html>", "is no JSON object", NULL },
    { "{", "is broken JSON", NULL },
    { "{]", "is broken JSON", NULL },
    { "{\"store\"", "is broken JSON", NULL },
    { "{\"store\":", "is broken JSON", NULL },
    { "{\"store\":}", "is broken JSON", NULL },
    { "{\"store\":{}", "is broken JSON", NULL },
    { "{\"store\":{},", "is broken JSON", NULL },
    { "{\"store\":{},}", "is broken JSON", NULL },
    { "{\"store\":{}{}}", "is broken JSON", NULL },
    { "{\"store\":{\"a", "is broken JSON", NULL },
    { "{\"store\":{\"a\\", "is broken JSON", NULL },
    { "{\"store\":{\"a\\\"", "is broken JSON", NULL },
    { "{\"store\":[[[[", "is broken JSON", NULL },
    { "{\"sto\nre\":{}}", "is broken JSON", NULL },
    { "{store:{}}", "is broken JSON", NULL },
    { "{\"store\":{}}}", "has something behind its end", NULL },
    { "{\"store\":{}} x", "has something behind its end", NULL },
    { "{\"store\":{},\"store\":{}}", "has a member twice", NULL },
    { "{\"version\":null,\"version\":\"1\"}", "has a member twice", NULL },
    { "{\"version\":1}", "has a version that is no string", NULL },
    { "{\"version\":{}}", "has a version that is no string", NULL },
    { "{\"version\":nul}", "has a version that is no string", NULL },
};

START_TEST(a_store_is_understood_or_refused)
{
    size_t len = strlen(said[_i].text);
    char *exact = malloc(len + 1); /* nothing behind it may be looked at */
    const char *wrong;
    wire_t w;

    memcpy(exact, said[_i].text, len);
    exact = realloc(exact, len > 0 ? len : 1);
    wrong = wire_read((um_str_t){ exact, len }, &w);
    if (said[_i].version == NULL) {
        ck_assert_msg(wrong != NULL, "%s", said[_i].text);
        ck_assert_str_eq(wrong, said[_i].store);
    } else {
        ck_assert_msg(wrong == NULL, "%s: %s", said[_i].text, wrong);
        ck_assert_msg(um_str_eq(w.store, um_str_of(said[_i].store)), "%s: %.*s",
            said[_i].text, um_str_fmt(w.store));
        ck_assert_msg(um_str_eq(w.version, um_str_of(said[_i].version)),
            "%s: %.*s", said[_i].text, um_str_fmt(w.version));
    }
    free(exact);
}
END_TEST

START_TEST(a_version_has_an_end)
{
    char text[WIRE_VERSION_MAX + 64];
    wire_t w;
    int n = snprintf(text, sizeof(text), "{\"version\":\"%0*d\"}",
        WIRE_VERSION_MAX - 2 + _i, 7);

    ck_assert(
        (wire_read((um_str_t){ text, (size_t) n }, &w) == NULL) == (_i == 0));
}
END_TEST

START_TEST(what_is_said_is_understood)
{
    um_sbuf_t out = { 0 };
    wire_t w;

    wire_write(um_lit("{\"a\":[]}"), um_lit("\"7\""), &out);
    ck_assert_str_eq(
        um_sbuf_cstr(&out), "{\"store\":{\"a\":[]},\"version\":\"7\"}");
    ck_assert_ptr_null(wire_read((um_str_t){ out.data, out.len }, &w));
    ck_assert(um_str_eq(w.version, um_lit("\"7\"")));

    um_sbuf_clear(&out);
    wire_write(um_lit("{}"), um_lit(""), &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), "{\"store\":{},\"version\":null}");
    um_sbuf_deinit(&out);
}
END_TEST

static const struct {
    const char *name;
    const char *path;
} paths[] = {
    { "my_storage_name", "/api/v1/store/my_storage_name" },
    { "cr@ns", "/api/v1/store/cr@ns" },
    { "a b/c?d#e%f", "/api/v1/store/a%20b%2Fc%3Fd%23e%25f" },
    { "\xc3\xa9\r\n", "/api/v1/store/%C3%A9%0D%0A" },
};

START_TEST(a_name_is_one_segment)
{
    um_sbuf_t out = { 0 };

    wire_path(um_str_of(paths[_i].name), &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), paths[_i].path);
    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("broker_wire");
    TCase *tc = tcase_create("wire");

    tcase_add_loop_test(
        tc, a_store_is_understood_or_refused, 0, (int) um_countof(said));
    tcase_add_loop_test(tc, a_version_has_an_end, 0, 2);
    tcase_add_test(tc, what_is_said_is_understood);
    tcase_add_loop_test(tc, a_name_is_one_segment, 0, (int) um_countof(paths));
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
