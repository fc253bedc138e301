/* COMMAND DOCS: what a node said, told again; and what our table says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_docs_text.h"
#include "um_check.h"

#include <stdlib.h>
#include <string.h>

#define B(len, s) "$" #len "\r\n" s "\r\n"

/* Said of "get" and "config"; '|' stands for CR LF in what is expected. */
static const struct {
    const char *why;
    const char *names; /* divided by blanks */
    const char *reply;
    int proto;
    const char *told; /* NULL: it is strange */
} cases[] = {
    { "nothing", "", "*0\r\n", 3, "%0|" },
    { "texts", "get", "*2\r\n" B(3, "get") "*2\r\n" B(5, "since") B(1, "1"), 2,
        "*2|$3|get|*2|$5|since|$1|1|" },
    { "a map in RESP3", "get",
        "*2\r\n" B(3, "get") "*2\r\n" B(5, "since") B(1, "1"), 3,
        "%1|$3|get|%1|$5|since|$1|1|" },
    { "asked twice", "get get",
        "*4\r\n" B(3, "get") "*0\r\n" B(3, "get") "*0\r\n", 3,
        "%2|$3|get|%0|$3|get|%0|" },
    { "from RESP3", "get", "%1\r\n" B(3, "get") "%1\r\n" B(1, "x") ":1\r\n", 2,
        "*2|$3|get|*2|$1|x|:1|" },
    { "sets", "get",
        "*2\r\n" B(3, "get") "*4\r\n" B(7, "history") "*1\r\n*2\r\n" B(1, "1")
            B(1, "y") B(9, "doc_flags") "*1\r\n+deprecated\r\n",
        3,
        "%1|$3|get|%2|$7|history|~1|*2|$1|1|$1|y|$9|doc_flags|~1|"
        "+deprecated|" },
    { "arguments in arguments", "get",
        "*2\r\n" B(3, "get") "*2\r\n" B(9, "arguments") "*1\r\n*4\r\n" B(
            5, "flags") "*1\r\n+multiple\r\n" B(9,
            "arguments") "*1\r\n*2\r\n" B(4, "name") B(1, "a"),
        3,
        "%1|$3|get|%1|$9|arguments|*1|%2|$5|flags|~1|+multiple|$9|arguments|"
        "*1|%1|$4|name|$1|a|" },
    { "what is not known is told as it is", "get",
        "*2\r\n" B(3, "get") "*2\r\n" B(1, "x") "*2\r\n:1\r\n*1\r\n+y\r\n", 3,
        "%1|$3|get|%1|$1|x|*2|:1|*1|+y|" },
    { "subcommands that we have not", "xinfo",
        "*2\r\n" B(5, "xinfo") "*2\r\n" B(11, "subcommands") "*4\r\n" B(
            9, "xinfo|new") "*0\r\n" B(12, "xinfo|stream") "*0\r\n",
        3, "?xinfo|new" },

    { "a number", "get", ":1\r\n", 2, NULL },
    { "an error", "get", "-ERR\r\n", 2, NULL },
    { "half a pair", "get", "*1\r\n" B(3, "get"), 2, NULL },
    { "half a field", "get", "*2\r\n" B(3, "get") "*1\r\n" B(1, "x"), 2, NULL },
    { "no map", "get", "*2\r\n" B(3, "get") "+x\r\n", 2, NULL },
    { "what was not asked", "get", "*2\r\n" B(3, "set") "*0\r\n", 2, NULL },
    { "more than was asked", "get",
        "*4\r\n" B(3, "get") "*0\r\n" B(3, "set") "*0\r\n", 2, NULL },
    { "a name that is none", "get", "*2\r\n:1\r\n*0\r\n", 2, NULL },
    { "a set that is none", "get",
        "*2\r\n" B(3, "get") "*2\r\n" B(5, "flags") ":1\r\n", 2, NULL },
    { "a negative count", "get", "*-2\r\n", 2, NULL },
    { "more than can be", "get", "*2\r\n" B(3, "get") "*99999998\r\n", 2,
        NULL },
    { "a null", "get", "*2\r\n" B(3, "get") "*2\r\n" B(1, "x") "$-1\r\n", 2,
        NULL },
};

static size_t
find_all(const char *names, const um_cmd_t **cmds)
{
    size_t n = 0;

    while (*names != '\0') {
        size_t len = strcspn(names, " ");

        cmds[n] = um_cmd_find_name((um_str_t){ names, len });
        ck_assert_ptr_nonnull(cmds[n]);
        n++;
        names += len + strspn(names + len, " ");
    }

    return n;
}

static um_rc_t
tell(um_sbuf_t *o, size_t i, const char *reply, size_t len)
{
    const um_cmd_t *cmds[8];
    size_t count = find_all(cases[i].names, cmds);
    char *exact = malloc(len + 1); /* so that a sanitizer sees its end */
    um_rc_t rc;

    ck_assert_ptr_nonnull(exact);
    exact = realloc(exact, len > 0 ? len : 1);
    memcpy(exact, reply, len);
    rc = um_docs_put_from(
        o, cmds, count, (um_str_t){ exact, len }, cases[i].proto);
    free(exact);

    return rc;
}

START_TEST(a_node_is_quoted_in_the_protocol_wanted)
{
    um_sbuf_t o = { 0 };
    um_rc_t rc = tell(&o, _i, cases[_i].reply, strlen(cases[_i].reply));
    const char *want = cases[_i].told;

    ck_assert_msg((rc == UM_OK) == (want != NULL), "%s: %d", cases[_i].why, rc);

    if (want != NULL && want[0] == '?') {
        ck_assert_msg(
            strstr(um_sbuf_cstr(&o), want + 1) == NULL, "%s", cases[_i].why);
        ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&o), "xinfo|stream"));
    } else if (want != NULL) {
        char *got = strdup(um_sbuf_cstr(&o)), *to = got;

        for (const char *p = um_sbuf_cstr(&o); *p != '\0'; p++) {
            if (*p != '\n') {
                *to++ = *p == '\r' ? '|' : *p;
            }
        }
        *to = '\0';
        ck_assert_str_eq(got, want);
        free(got);
    }

    um_sbuf_deinit(&o);
}
END_TEST

START_TEST(what_is_cut_short_is_strange)
{
    size_t len = strlen(cases[_i].reply);

    for (size_t cut = 0; cut < len; cut++) {
        um_sbuf_t o = { 0 };

        ck_assert_int_eq(tell(&o, _i, cases[_i].reply, cut), UM_DECLINED);
        um_sbuf_deinit(&o);
    }
}
END_TEST

START_TEST(depth_is_bounded)
{
    um_sbuf_t reply = { 0 }, o = { 0 };
    const um_cmd_t *get = um_cmd_find_name(um_lit("get"));

    um_sbuf_addz(&reply, "*2\r\n$3\r\nget\r\n*2\r\n");
    for (int i = 0; i < 100000; i++) {
        um_sbuf_addz(&reply, "$9\r\narguments\r\n*1\r\n*2\r\n");
    }
    ck_assert_int_eq(
        um_docs_put_from(&o, &get, 1, (um_str_t){ reply.data, reply.len }, 3),
        UM_DECLINED);
    um_sbuf_deinit(&o);
    um_sbuf_deinit(&reply);
}
END_TEST

START_TEST(the_table_tells_what_it_knows)
{
    const um_cmd_t *get = um_cmd_find_name(um_lit("get"));
    um_sbuf_t o = { 0 };

    um_docs_put(&o, &get, 1, 3);
    ck_assert_str_eq(um_sbuf_cstr(&o),
        "%1\r\n$3\r\nget\r\n%3\r\n$7\r\nsummary\r\n$22\r\nGet the value of a "
        "key\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nstring\r\n");
    um_sbuf_deinit(&o);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("docs");
    TCase *tc = tcase_create("docs");

    tcase_add_loop_test(
        tc, a_node_is_quoted_in_the_protocol_wanted, 0, um_countof(cases));
    tcase_add_loop_test(tc, what_is_cut_short_is_strange, 0, um_countof(cases));
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_test(tc, the_table_tells_what_it_knows);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
