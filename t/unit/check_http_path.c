/* SPDX-License-Identifier: Apache-2.0 */

#include "http/um_http_path.h"

#include "core/um_str.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *target;
    const char *segments; /* joined by '|'; NULL: no path */
    const char *why;
} paths[] = {
    { "/", "", "the root" },
    { "/status", "status", "plain" },
    { "/a/b/c", "a|b|c", "three" },
    { "/a/", "a|", "what ends in a slash is another path" },
    { "/a//b", "a||b", "an empty segment is one" },
    { "/a?x=/y", "a", "the query does not belong to it" },
    { "/a#x", "a", "nor does a fragment" },
    { "/%61b", "ab", "an escaped letter is that letter" },
    { "/a%2Fb/c", "a/b|c", "an escaped slash does not cut" },
    { "/a%2fb", "a/b", "lower case hex" },
    { "/a%20b+c", "a b+c", "plus is plus in a path" },
    { "/%c3%a4", "\xc3\xa4", "UTF-8" },
    { "http://h:1/a/b?c", "a|b", "with scheme and host" },
    { "http://h", NULL, "a host alone" },
    { "http://h?x=/", NULL, "and with a query" },
    { "*", NULL, "of OPTIONS" },
    { "status", NULL, "without a slash" },
    { "", NULL, "nothing" },
    { "/%", NULL, "an escape cut short" },
    { "/%4", NULL, "or a little later" },
    { "/%4g", NULL, "no hex" },
    { "/a%00b", NULL, "a NUL" },
    { "/a%0ab", NULL, "a line's end" },
    { "/%7f", NULL, "DEL" },
};

START_TEST(a_path_is_cut_into_segments)
{
    char target[64], got[64] = "";
    um_http_path_t p;
    bool ok;

    snprintf(target, sizeof(target), "%s", paths[_i].target);
    ok = um_http_path_parse(&p, target);
    ck_assert_msg(ok == (paths[_i].segments != NULL), "%s", paths[_i].why);

    for (uint32_t i = 0; ok && i < p.count; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof(got) - len, "%s%.*s", i > 0 ? "|" : "",
            um_str_fmt(p.seg[i]));
    }
    if (ok) {
        ck_assert_msg(
            strcmp(got, paths[_i].segments) == 0, "%s: %s", paths[_i].why, got);
    }
}
END_TEST

static const struct {
    const char *pattern;
    const char *target;
    const char *params; /* NULL: no match */
} matches[] = {
    { "/", "/", "" },
    { "/", "/a", NULL },
    { "/a", "/", NULL },
    { "/a", "/a", "" },
    { "/a", "/a/", NULL },
    { "/a", "/ab", NULL },
    { "/ab", "/a", NULL },
    { "/a/{}", "/a/b", "b" },
    { "/a/{}", "/a/", NULL },
    { "/a/{}", "/a/b/c", NULL },
    { "/a/{}/c/{}", "/a/1/c/x%2Fy", "1|x/y" },
    { "/a/{}/c", "/a/1/d", NULL },
    { "/{}/{}", "/x/y", "x|y" },
    { "/a", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", NULL },
};

/* As the server looks at them: only with as many segments. */
static bool
fits(const um_http_path_t *p, const char *pattern)
{
    um_http_shape_t path, shape;

    um_http_shape_of_path(&path, p);
    um_http_shape_of_pattern(&shape, pattern);
    return path.count > 0 && path.count == shape.count
           && um_http_shape_fits(&path, &shape);
}

START_TEST(a_pattern_matches_its_paths_only)
{
    char target[64], got[64] = "";
    um_str_t param[UM_HTTP_PARAMS];
    um_http_path_t p;
    bool ok;

    snprintf(target, sizeof(target), "%s", matches[_i].target);
    ck_assert(um_http_path_parse(&p, target));
    ok = um_http_path_match(&p, matches[_i].pattern, param);
    ck_assert_msg(ok == (matches[_i].params != NULL), "%s", matches[_i].target);
    ck_assert_msg(!ok || fits(&p, matches[_i].pattern), "%s from afar",
        matches[_i].target);

    for (uint32_t i = 0; ok && i < UM_HTTP_PARAMS && param[i].len > 0; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof(got) - len, "%s%.*s", i > 0 ? "|" : "",
            um_str_fmt(param[i]));
    }
    if (ok) {
        ck_assert_str_eq(got, matches[_i].params);
    }
}
END_TEST

START_TEST(from_afar_other_words_are_told_apart)
{
    char target[] = "/api/v3/proxies/meta/10.0.0.1:5299";
    um_http_path_t p;

    ck_assert(um_http_path_parse(&p, target));
    ck_assert(fits(&p, "/api/v3/proxies/meta/{}"));
    ck_assert(fits(&p, "/{}/{}/{}/{}/{}"));
    ck_assert(!fits(&p, "/api/v3/clusters/meta/{}"));
    ck_assert(!fits(&p, "/api/v2/proxies/meta/{}"));
    ck_assert(!fits(&p, "/api/v3/proxies/meta/"));
    ck_assert(!fits(&p, "/api/v3/proxies/meta"));
    ck_assert(!fits(&p, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("http");
    TCase *tc = tcase_create("path");

    tcase_add_loop_test(
        tc, a_path_is_cut_into_segments, 0, (int) um_countof(paths));
    tcase_add_loop_test(
        tc, a_pattern_matches_its_paths_only, 0, (int) um_countof(matches));
    tcase_add_test(tc, from_afar_other_words_are_told_apart);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
