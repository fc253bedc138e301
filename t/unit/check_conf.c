/*
 * The parser's messages and the values it stores, with blocks of the tests'
 * own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_shop.h"

#include <stdio.h>

/* --- messages --- */

static const struct {
    const char *text;
    const char *said;
} errors[] = {
    { "", "f.conf: no role configured" },
    { "env on;", "f.conf: no role configured" },
    { "shop {\n number x;\n}", "f.conf:2: number: \"x\" is not a number" },
    { "shop { number -1; }", "f.conf:1: number: \"-1\" is out of bounds, "
                             "1 to 9" },
    { "shop { number ''; }", "f.conf:1: number: \"\" is not a number" },
    { "shop { number 10; }", "f.conf:1: number: \"10\" is out of bounds, "
                             "1 to 9" },
    { "shop { number 99999999999999999999; }",
        "f.conf:1: number: \"99999999999999999999\" is too large" },
    { "shop { number 9999999999999999999; }",
        "f.conf:1: number: \"9999999999999999999\" is too large" },
    { "shop { number 1k; }", "f.conf:1: number: \"1k\" is not a number" },
    { "shop { count 1; }",
        "f.conf:1: count: \"1\" is out of bounds, at least 2" },
    { "shop { flag maybe; }",
        "f.conf:1: flag: \"maybe\" is neither on nor off" },
    { "shop { flag true; }", "f.conf:1: flag: \"true\" is neither on nor off" },
    { "shop { pause 3x; }", "f.conf:1: pause: \"3x\" is not a time" },
    { "shop { pause 1s30; }", "f.conf:1: pause: \"1s30\" is not a time" },
    { "shop { pause s; }", "f.conf:1: pause: \"s\" is not a time" },
    { "shop { pause 5ms; }",
        "f.conf:1: pause: \"5ms\" is out of bounds, 10ms to 1m" },
    { "shop { pause 1500us; }", "f.conf:1: pause: \"1500us\" is not a whole "
                                "number of milliseconds" },
    { "shop { slow 1ns; }", "f.conf:1: slow: \"1ns\" is not a whole number "
                            "of microseconds" },
    { "shop { pause 999999999999d; }",
        "f.conf:1: pause: \"999999999999d\" is too large" },
    { "shop { seconds 9999999999999999; }",
        "f.conf:1: seconds: \"9999999999999999\" is too large" },
    { "shop { fine 100000d100000d; }",
        "f.conf:1: fine: \"100000d100000d\" is too large" },
    { "shop { room 1x; }", "f.conf:1: room: \"1x\" is not a size" },
    { "shop { room 2m; }",
        "f.conf:1: room: \"2m\" is out of bounds, 1k to 1m" },
    { "shop { colour blue; }",
        "f.conf:1: colour: \"blue\" is none of red, green" },
    { "shop { peers 1.2.3.4:5 nowhere; }",
        "f.conf:1: peers: \"nowhere\" has no port" },
    { "shop { secret hunter2; }", "f.conf:1: secret has no port" },
    { "shop { pair a; }", "f.conf:1: pair takes 2 to 3 words, has 1" },
    { "shop { pair a b c d; }", "f.conf:1: pair takes 2 to 3 words, has 4" },
    { "shop { many a; }", "f.conf:1: many takes at least 2 words, has 1" },
    { "shop { flag; }", "f.conf:1: flag takes 1 word, has 0" },
    { "shop { flag on;\n\nflag off; }",
        "f.conf:3: flag is duplicate, it stands in f.conf:1 already" },
    { "shop { }\nshop { }",
        "f.conf:2: block \"shop\" is duplicate, it stands in f.conf:1 "
        "already" },
    { "shop { numbr 1; }",
        "f.conf:1: unknown directive \"numbr\", did you mean \"number\"?" },
    { "shop { entirely different; }",
        "f.conf:1: unknown directive \"entirely\"" },
    { "number 1;", "f.conf:1: unknown directive \"number\" here; it belongs "
                   "into block \"shop\"" },
    { "yard { number 1; }", "f.conf:1: unknown directive \"number\" in block "
                            "\"yard\" here; it belongs into block \"shop\"" },
    { "shop { env off; }", "f.conf:1: unknown directive \"env\" in block "
                           "\"shop\"; it stands outside of any block" },
    { "shoop { }",
        "f.conf:1: unknown block \"shoop\", did you mean \"shop\"?" },
    { "broker { }", "f.conf:1: unknown block \"broker\"; one of a module "
                    "needs \"module NAME;\" before it" },
    { "shop;", "f.conf:1: block \"shop\" needs a \"{\"" },
    { "shop x { }", "f.conf:1: block \"shop\" takes no words" },
    { "shop { yard { } }",
        "f.conf:1: block \"yard\" cannot stand in block \"shop\"" },
    { "env { }",
        "f.conf:1: env is a directive, it needs \";\" instead of \"{\"" },
    { "shop {\n flag on\n}",
        "f.conf:2: flag: \";\" or \"{\" is missing before \"}\"" },
    { "shop {\n flag on",
        "f.conf:2: flag: \";\" or \"{\" is missing before end of file" },
    { "\nshop {\n flag on;\n",
        "f.conf:4: end of file, but the block of line 2 is not closed" },
    { "shop { } }", "f.conf:1: unexpected \"}\"" },
    { "shop { ; }", "f.conf:1: unexpected \";\"" },
    { "{ }", "f.conf:1: unexpected \"{\"" },
    { "shop { text \"a", "f.conf:1: quotes are not closed" },
    { "\nyard { }", "f.conf:2: block \"yard\" has no gate, which is required" },
    { "\n\nshop { number 7; }",
        "f.conf:3: block \"shop\": number 7 is unlucky" },
    { "include x;", "f.conf:1: include is not possible" },
    { "include;", "f.conf:1: include takes 1 word, has 0" },
    { "module nowhere;", "f.conf:1: module \"nowhere\" cannot be found" },
    { "module shop;", "f.conf:1: module \"shop\": there is a block \"shop\" "
                      "already" },
    { "module guest; module again;",
        "f.conf:1: module \"again\": there is a block \"guest\" already" },
    { "module guest; guest { }",
        "f.conf:1: block \"guest\" has no gate, which is required" },
    { "shop { number \"1\n2\a\"; }",
        "f.conf:1: number: \"1?2?\" is not a number" },
    { "shop { number 1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaa; }",
        "f.conf:1: number: \"1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaa...\" is not a number" },
};

START_TEST(an_error_names_place_and_reason)
{
    um_conf_t *cf = load(errors[_i].text);

    ck_assert_msg(cf == NULL, "%s: loads", errors[_i].text);
    ck_assert_str_eq(err, errors[_i].said);
}
END_TEST

START_TEST(too_many_words_are_an_error)
{
    um_sbuf_t text = { 0 };

    um_sbuf_addz(&text, "shop { many");
    for (int i = 0; i < UM_CONF_WORDS_MAX; i++) {
        um_sbuf_addz(&text, " x");
    }
    um_sbuf_addz(&text, "; }");
    ck_assert_ptr_null(load(um_sbuf_cstr(&text)));
    ck_assert_str_eq(err, "f.conf:1: many has too many words");
    um_sbuf_deinit(&text);
}
END_TEST

/* --- values --- */

static const struct {
    const char *text;
    uint64_t ms;
    const char *canon;
} times[] = {
    { "10", 10, "10ms" },
    { "1500", 1500, "1500ms" },
    { "3s", 3000, "3s" },
    { "3000ms", 3000, "3s" },
    { "20000us", 20, "20ms" },
    { "30000000ns", 30, "30ms" },
    { "60S", 60000, "1m" },
    { "1s500ms", 1500, "1500ms" },
};

START_TEST(times_have_units)
{
    char text[64];
    um_conf_t *cf;
    um_sbuf_t out = { 0 };

    snprintf(text, sizeof(text), "shop { pause %s; }", times[_i].text);
    cf = load(text);
    ck_assert_uint_eq(shop_of(cf)->pause, times[_i].ms);
    um_conf_dump(cf, &out);
    snprintf(text, sizeof(text), "\n    pause %s;\n", times[_i].canon);
    ck_assert_msg(strstr(um_sbuf_cstr(&out), text) != NULL, "%s in %s", text,
        um_sbuf_cstr(&out));
    um_sbuf_deinit(&out);
    um_conf_free(cf);
}
END_TEST

START_TEST(every_kind_of_value_is_stored)
{
    um_conf_options_t o = options(
        "shop { flag on; number 4; count 18446744073; balance -5; seconds 2;"
        " slow -1; fine 3us; room 64K; text 'a b'; file x/y; colour Green;"
        " peer h:1; peers 1.2.3.4:5 [::1]:6; peers unix:/z; }");
    um_conf_t *cf;
    const shop_conf_t *shop;

    o.prefix = "/pre";
    cf = um_conf_load(&o, err);
    shop = shop_of(cf);
    ck_assert(shop->flag);
    ck_assert_uint_eq(shop->number, 4);
    ck_assert_uint_eq(shop->count, 18446744073);
    ck_assert_int_eq(shop->balance, -5);
    ck_assert_uint_eq(shop->seconds, 2000);
    ck_assert_int_eq(shop->slow, -1);
    ck_assert_uint_eq(shop->fine, 3000);
    ck_assert_uint_eq(shop->room, 65536);
    ck_assert_str_eq(shop->text, "a b");
    ck_assert_str_eq(shop->file, "/pre/x/y");
    ck_assert_int_eq(shop->colour, 2);
    ck_assert_str_eq(shop->peer.text, "h:1");
    ck_assert_uint_eq(shop->peer_count, 3);
    ck_assert_uint_eq(shop->peers[1].port, 6);
    ck_assert_int_eq(shop->peers[2].kind, UM_ADDR_UNIX);
    ck_assert_uint_eq(shop->checked, 1);
    um_conf_free(cf);
}
END_TEST

START_TEST(an_empty_word_unsets)
{
    um_conf_t *cf = load("shop { text ''; file \"\"; peer ''; }");

    ck_assert_ptr_null(shop_of(cf)->text);
    ck_assert_ptr_null(shop_of(cf)->file);
    ck_assert_int_eq(shop_of(cf)->peer.text[0], '\0');
    um_conf_free(cf);
}
END_TEST

START_TEST(what_is_not_said_has_its_default)
{
    um_conf_t *cf = load("shop { }");

    ck_assert_uint_eq(shop_of(cf)->number, 3);
    ck_assert_uint_eq(shop_of(cf)->pause, 1000);
    ck_assert(!um_conf_is_set(cf, "shop", "number"));
    ck_assert(!um_conf_is_set(cf, "yard", "gate"));
    ck_assert_ptr_null(um_conf_block(cf, "yard"));
    um_conf_free(cf);
}
END_TEST

START_TEST(a_module_brings_its_block)
{
    um_conf_t *cf = load("module guest; guest { gate 1; }");
    const um_module_t *const *list;

    ck_assert_msg(cf != NULL, "%s", err);
    ck_assert_uint_eq(um_conf_modules(cf, &list), 1);
    ck_assert_ptr_eq(list[0], &guest);
    ck_assert_ptr_nonnull(um_conf_block(cf, "guest"));
    ck_assert_ptr_nonnull(um_conf_pool(cf));
    um_conf_free(cf);
}
END_TEST

static Suite *
conf_suite(void)
{
    Suite *s = suite_create("conf");
    TCase *tc = tcase_create("conf");

    tcase_add_loop_test(
        tc, an_error_names_place_and_reason, 0, um_countof(errors));
    tcase_add_test(tc, too_many_words_are_an_error);
    tcase_add_loop_test(tc, times_have_units, 0, um_countof(times));
    tcase_add_test(tc, every_kind_of_value_is_stored);
    tcase_add_test(tc, an_empty_word_unsets);
    tcase_add_test(tc, what_is_not_said_has_its_default);
    tcase_add_test(tc, a_module_brings_its_block);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(conf_suite());
}
