/*
 * Where values come from -- files that include files, the environment, -g --
 * and where they go: the dump, and the list of what needs a restart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_shop.h"

#include "core/um_str.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- environment --- */

static char *
var(const char *text)
{
    return (char *) (uintptr_t) text;
}

static const struct {
    const char *text;
    const char *role;
    const char *env[3];
    const char *said; /* the shop's number and pause, or the error */
} envs[] = {
    { "shop { number 4; }", NULL, { "UNDERMOON_NUMBER=5" }, "5 1000" },
    { "shop { number 4; }", NULL, { "UNDERMOON_NUMBER=" }, "4 1000" },
    { "shop { number 4; }", NULL, { "UNDERMOON_NUMBERS=5" }, "4 1000" },
    { "shop { number 4; }", NULL, { "XUNDERMOON_NUMBER=5" }, "4 1000" },
    { "shop { }", NULL, { "UNDERMOON_NUMBER=5", "UNDERMOON_PAUSE=50" },
        "5 50" },
    { "shop { }", NULL, { "UNDERMOON_PAUSE=50s" }, "3 50000" },
    { "shop { }", NULL, { "UNDERMOON_NUMBER=x" },
        "UNDERMOON_NUMBER: number: \"x\" is not a number" },
    { "env off; shop { }", NULL, { "UNDERMOON_NUMBER=x" }, "3 1000" },
    { "env on; shop { }", NULL, { "UNDERMOON_NUMBER=5" }, "5 1000" },
    { "shop { } yard { gate 1; }", NULL, { "UNDERMOON_NUMBER=5" }, "3 1000" },
    { "shop { } yard { gate 1; }", "shop", { "UNDERMOON_NUMBER=5" }, "5 1000" },
    { "shop { } yard { gate 1; }", "yard", { "UNDERMOON_NUMBER=5" }, "3 1000" },
    { "", "shop", { "UNDERMOON_NUMBER=5" }, "5 1000" },
    { "", "yard", { NULL },
        "command line: block \"yard\" has no gate, which is required" },
    { "", "nowhere", { NULL },
        "command line: module \"nowhere\" cannot be found" },
    { "", "else", { NULL }, "module \"else\" has another block" },
    { "shop { number x; }", NULL, { "UNDERMOON_NUMBER=5" },
        "f.conf:1: number: \"x\" is not a number" },
    { "shop { }", NULL, { "UNDERMOON_HOST=h" },
        "UNDERMOON_PEER: peer needs UNDERMOON_PORT beside UNDERMOON_HOST" },
};

START_TEST(the_environment_replaces_the_file_for_one_role)
{
    um_conf_options_t o = options(envs[_i].text);
    char *env[3] = { var(envs[_i].env[0]), var(envs[_i].env[1]), NULL };
    char said[64] = "";
    um_conf_t *cf;

    o.env = env;
    o.role = envs[_i].role;
    cf = um_conf_load(&o, err);
    if (cf != NULL) {
        snprintf(said, sizeof(said), "%u %lu", shop_of(cf)->number,
            (unsigned long) shop_of(cf)->pause);
    }
    ck_assert_str_eq(cf != NULL ? said : err, envs[_i].said);
    um_conf_free(cf);
}
END_TEST

START_TEST(the_environment_has_its_own_ways_to_write)
{
    um_conf_options_t o = options("shop { peers a:1 b:2; peers c:3; }");
    char *env[] = { var("UNDERMOON_FLAG=true"), var("UNDERMOON_SECONDS=5"),
        var("UNDERMOON_TEXT=a b; \"c"), var("UNDERMOON_PEERS=x:1, y:2,"),
        var("UNDERMOON_HOST=h"), var("UNDERMOON_PORT=9"), NULL };
    um_conf_t *cf;

    o.env = env;
    cf = um_conf_load(&o, err);
    ck_assert(shop_of(cf)->flag);
    ck_assert_uint_eq(shop_of(cf)->seconds, 5000);
    ck_assert_str_eq(shop_of(cf)->text, "a b; \"c");
    ck_assert_uint_eq(shop_of(cf)->peer_count, 2);
    ck_assert_str_eq(shop_of(cf)->peers[1].text, "y:2");
    ck_assert_str_eq(shop_of(cf)->peer.text, "h:9");
    ck_assert(um_conf_is_set(cf, "shop", "flag"));
    um_conf_free(cf);

    env[0] = var("UNDERMOON_FLAG=maybe");
    ck_assert_ptr_null(um_conf_load(&o, err));
    ck_assert_str_eq(
        err, "UNDERMOON_FLAG: flag: \"maybe\" is neither true nor false");
}
END_TEST

START_TEST(a_variable_without_end_is_refused)
{
    um_conf_options_t o = options("shop { }");
    static char text[UM_CONF_WORD_MAX + 64] = "UNDERMOON_TEXT=";
    char *env[] = { text, NULL };

    memset(text + strlen(text), 'x', UM_CONF_WORD_MAX + 1);
    o.env = env;
    ck_assert_ptr_null(um_conf_load(&o, err));
    ck_assert_str_eq(err, "UNDERMOON_TEXT: is too long");
}
END_TEST

/* --- -g --- */

START_TEST(the_option_replaces_file_and_environment)
{
    um_conf_options_t o = options("shop { number 4; peers a:1; }");
    char *env[] = { var("UNDERMOON_NUMBER=5"), var("UNDERMOON_PAUSE=50"),
        NULL };
    um_conf_t *cf;

    o.env = env;
    o.directives = "shop { number 6; peers b:2; peers c:3; }";
    cf = um_conf_load(&o, err);
    ck_assert_uint_eq(shop_of(cf)->number, 6);
    ck_assert_uint_eq(shop_of(cf)->pause, 50);
    ck_assert_uint_eq(shop_of(cf)->peer_count, 2);
    um_conf_free(cf);

    o.directives = "env off;";
    cf = um_conf_load(&o, err);
    ck_assert_uint_eq(shop_of(cf)->number, 4);
    um_conf_free(cf);

    o.directives = "shop { number 6; number 7; }";
    ck_assert_ptr_null(um_conf_load(&o, err));
    ck_assert_str_eq(
        err, "-g:1: number is duplicate, it stands in -g:1 already");
}
END_TEST

/* --- files --- */

static char dir[] = "/tmp/um-conf-XXXXXX";

static const char *
path(const char *name)
{
    static char out[256];

    snprintf(out, sizeof(out), "%s/%s", dir, name);
    return out;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(mkdir(path("sub"), 0700), 0);
}

static void
drop_dir(void)
{
    static const char *const names[] = { "a", "b", "deep", "big", "sub/x.conf",
        "sub/y.conf", "sub/z", "sub" };

    for (size_t i = 0; i < um_countof(names); i++) {
        remove(path(names[i]));
    }
    rmdir(dir);
}

static um_conf_t *
load_file(const char *name)
{
    um_conf_options_t o = options(NULL);
    char file[256];

    snprintf(file, sizeof(file), "%s", path(name));
    o.file = file;
    o.hermetic = false;
    return um_conf_load(&o, err);
}

static void
ck_error(const char *what)
{
    char *at;

    while ((at = strstr(err, dir)) != NULL) {
        memmove(at, at + sizeof(dir), strlen(at + sizeof(dir)) + 1);
    }
    ck_assert_str_eq(err, what);
}

START_TEST(files_include_files_by_their_own_directory)
{
    um_conf_t *cf;

    put("a", "include sub/z;\ninclude sub/none*;");
    put("sub/z", "shop {\n include *.conf;\n include x.conf; }");
    put("sub/x.conf", "peers a:1;");
    put("sub/y.conf", "peers b:2;\n number 5;");
    cf = load_file("a");
    ck_assert_uint_eq(shop_of(cf)->peer_count, 3);
    ck_assert_uint_eq(shop_of(cf)->number, 5);
    um_conf_free(cf);

    put("sub/y.conf", "peers b:2;\n number x;");
    ck_assert_ptr_null(load_file("a"));
    ck_error("sub/y.conf:2: number: \"x\" is not a number");

    put("sub/y.conf", "peers b:2; }");
    ck_assert_ptr_null(load_file("a"));
    ck_error("sub/y.conf:1: unexpected \"}\"");
}
END_TEST

START_TEST(an_option_includes_by_the_prefix)
{
    um_conf_options_t o = options("shop { }");
    um_conf_t *cf;

    put("b", "shop { number 8; }");
    o.hermetic = false;
    o.prefix = dir;
    o.directives = "include b;";
    cf = um_conf_load(&o, err);
    ck_assert_uint_eq(shop_of(cf)->number, 8);
    um_conf_free(cf);
}
END_TEST

START_TEST(includes_are_bounded)
{
    FILE *f;

    put("a", "\ninclude b;");
    put("b", "include ../none;");
    ck_assert_ptr_null(load_file("a"));
    ck_error("b:1: \"../none\" cannot be opened: No such file or directory");

    put("b", "include sub;");
    ck_assert_ptr_null(load_file("a"));
    ck_error("sub: read failed: Is a directory");

    put("b", "\n\ninclude a;");
    ck_assert_ptr_null(load_file("a"));
    ck_error("b:3: include: \"a\" includes itself");

    put("b", "include deep;");
    f = fopen(path("deep"), "w");
    for (int i = 0; i < 300; i++) {
        fprintf(f, "include sub/z;\n");
    }
    fclose(f);
    put("sub/z", "");
    ck_assert_ptr_null(load_file("a"));
    ck_error("deep:254: too many files are included");

    put("b", "include big;");
    f = fopen(path("big"), "w");
    for (int i = 0; i < 70000; i++) {
        fprintf(f, "# sixteen bytes\n");
    }
    fclose(f);
    ck_assert_ptr_null(load_file("a"));
    ck_error("big: larger than 1 MB");
}
END_TEST

START_TEST(includes_have_a_depth)
{
    char name[32], text[32];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "sub/d%d", i);
        snprintf(text, sizeof(text), "include d%d;", i + 1);
        put(name, text);
    }

    ck_assert_ptr_null(load_file("sub/d0"));
    ck_error("sub/d16:1: include is nested too deeply");

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "sub/d%d", i);
        remove(path(name));
    }
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
    ck_assert_ptr_null(load_file("nothing"));
    ck_error("\"nothing\" cannot be opened: No such file or directory");
}
END_TEST

/* --- out again --- */

START_TEST(a_dump_loads_to_the_same_configuration)
{
    um_conf_t *cf = load("module guest; env on; guest { gate 'x y'; }"
                         "shop { text 'a \"b\" \\\\;{}#\n'; slow -3;"
                         "pause 3000; peers a:1 b:2; peers unix:/c;"
                         "pair \"\" #; no pair \n ';'; room 2048; }");
    um_sbuf_t one = { 0 }, two = { 0 };
    um_conf_t *again;

    ck_assert_msg(cf != NULL, "%s", err);
    um_conf_dump(cf, &one);
    again = load(um_sbuf_cstr(&one));
    ck_assert_msg(again != NULL, "%s in %s", err, um_sbuf_cstr(&one));
    um_conf_dump(again, &two);
    ck_assert_str_eq(um_sbuf_cstr(&one), um_sbuf_cstr(&two));
    ck_assert_str_eq(shop_of(again)->text, "a \"b\" \\;{}#\n");
    ck_assert_uint_eq(shop_of(again)->peer_count, 3);
    ck_assert(!um_conf_is_set(again, "shop", "number"));
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    um_conf_free(cf);
    um_conf_free(again);
}
END_TEST

START_TEST(a_dump_says_where_values_come_from)
{
    um_conf_options_t o = options("shop { seconds 4; }");
    char *env[] = { var("UNDERMOON_PAUSE=50"), NULL };
    um_sbuf_t out = { 0 };
    um_conf_t *cf;

    o.env = env;
    o.directives = "shop { flag on; }";
    cf = um_conf_load(&o, err);
    ck_assert_msg(cf != NULL, "%s", err);
    um_conf_dump(cf, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), "\nshop {\n"
                                         "    flag on; # -g\n"
                                         "    # number 3; # default\n"
                                         "    pause 50ms; # UNDERMOON_PAUSE\n"
                                         "    seconds 4s;\n"
                                         "}\n");
    um_sbuf_deinit(&out);
    um_conf_free(cf);
}
END_TEST

static const struct {
    const char *now;
    const char *next;
    const char *said;
} restarts[] = {
    { "shop { }", "shop { number 3; pause 1000; }", "" },
    { "shop { }", "shop { flag on; }", "" },
    { "shop { }", "shop { number 4; }", "shop: number\n" },
    { "shop { pause 1m; }", "shop { number 4; }",
        "shop: number\nshop: pause\n" },
    { "yard { gate 1; }", "shop { number 4; }", "yard\n" },
    { "shop { }", "shop { } yard { gate 1; }", "yard\n" },
};

START_TEST(what_needs_a_restart_is_told)
{
    um_conf_t *now = load(restarts[_i].now);
    um_conf_t *next = load(restarts[_i].next);
    um_sbuf_t out = { 0 };
    uint32_t n = um_conf_restart_needed(now, next, &out);

    ck_assert_str_eq(um_sbuf_cstr(&out), restarts[_i].said);
    ck_assert_int_eq(n > 0, restarts[_i].said[0] != '\0');
    um_sbuf_deinit(&out);
    um_conf_free(now);
    um_conf_free(next);
}
END_TEST

static Suite *
from_suite(void)
{
    Suite *s = suite_create("conf_from");
    TCase *tc = tcase_create("from");
    TCase *files = tcase_create("files");

    tcase_add_loop_test(tc, the_environment_replaces_the_file_for_one_role, 0,
        um_countof(envs));
    tcase_add_test(tc, the_environment_has_its_own_ways_to_write);
    tcase_add_test(tc, a_variable_without_end_is_refused);
    tcase_add_test(tc, the_option_replaces_file_and_environment);
    tcase_add_test(tc, a_dump_loads_to_the_same_configuration);
    tcase_add_test(tc, a_dump_says_where_values_come_from);
    tcase_add_loop_test(
        tc, what_needs_a_restart_is_told, 0, um_countof(restarts));
    suite_add_tcase(s, tc);

    tcase_add_unchecked_fixture(files, make_dir, drop_dir);
    tcase_add_test(files, files_include_files_by_their_own_directory);
    tcase_add_test(files, an_option_includes_by_the_prefix);
    tcase_add_test(files, includes_are_bounded);
    tcase_add_test(files, includes_have_a_depth);
    tcase_add_test(files, a_missing_file_is_an_error);
    suite_add_tcase(s, files);
    return s;
}

int
main(void)
{
    return um_check_main(from_suite());
}
