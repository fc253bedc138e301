/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_reply_scan.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *bytes;
    char type;
    const char *why;
} replies[] = {
    { "+OK\r\n", '+', "a status" },
    { "+\r\n", '+', "an empty status" },
    { "-ERR no\nsuch thing\r\n", '-', "a lone LF is part of the line" },
    { ":-12\r\n", ':', "a number" },
    { "$3\r\nfoo\r\n", '$', "a bulk" },
    { "$0\r\n\r\n", '$', "an empty bulk" },
    { "$6\r\n\r\n+OK\r\r\n", '$', "a bulk with line ends" },
    { "$1234567890\r", 0, "a header that goes on" },
    { "$-1\r\n", '$', "nil" },
    { "*-1\r\n", '*', "nil array" },
    { "*0\r\n", '*', "an empty array" },
    { "*3\r\n:1\r\n$-1\r\n$3\r\nabc\r\n", '*', "an array" },
    { "*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n*1\r\n+x\r\n", '*', "arrays in it" },
    { "_\r\n", '_', "RESP3 null" },
    { "#t\r\n", '#', "RESP3 boolean" },
    { ",3.14\r\n", ',', "RESP3 double" },
    { "(3492890328409238509324850943850943825024385\r\n", '(', "big number" },
    { "!5\r\nERR x\r\n", '!', "blob error" },
    { "=7\r\ntxt:abc\r\n", '=', "verbatim string" },
    { "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", '%', "a map" },
    { "%0\r\n", '%', "an empty map" },
    { "~2\r\n+a\r\n+b\r\n", '~', "a set" },
    { ">3\r\n+message\r\n+c\r\n$1\r\nx\r\n", '>', "a push" },
    { "|1\r\n+ttl\r\n:3\r\n+OK\r\n", '+', "an attribute before a status" },
    { "|0\r\n:1\r\n", ':', "an empty attribute" },
    { "|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n*1\r\n:3\r\n", '*', "two of them" },
    { "|1\r\n*1\r\n+k\r\n%1\r\n+a\r\n:1\r\n$2\r\nhi\r\n", '$',
        "an attribute of arrays" },
    { "*2\r\n|1\r\n+a\r\n:1\r\n:5\r\n:6\r\n", '*', "one within an array" },
    { "*1\r\n*1\r\n|1\r\n+a\r\n*0\r\n:5\r\n", '*', "and a level deeper" },
};

/* Bytes in steps; how many the reply took, or -1 for an error. */
static long
scan_in_steps(um_reply_scan_t *s, const char *bytes, size_t len, size_t first,
    size_t step)
{
    size_t at = 0, n = first;

    while (at < len || n == 0) {
        size_t used = SIZE_MAX;
        char *copy = malloc(n + 1);
        um_rc_t rc;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes + at, n);
        rc = um_reply_scan(s, copy, n, &used);
        free(copy);

        if (rc == UM_OK) {
            ck_assert_uint_ge(used, 1);
            ck_assert_uint_le(used, n);
            return (long) (at + used);
        }

        if (rc == UM_ERR) {
            return -1;
        }

        at += n;
        n = um_min(step, len - at);
        if (n == 0) {
            break;
        }
    }

    return 0;
}

START_TEST(a_reply_ends_where_it_ends)
{
    char text[256];
    size_t len = strlen(replies[_i].bytes);
    long want = replies[_i].type != 0 ? (long) len : 0;

    /* Something else may follow. */
    snprintf(text, sizeof(text), "%s%s", replies[_i].bytes,
        replies[_i].type != 0 ? "+next\r\n" : "");

    for (size_t first = 0; first <= len; first++) {
        for (size_t step = 1; step < 300; step = step * 4 - 1) {
            um_reply_scan_t s = { .type = 0 };
            long used;

            used = scan_in_steps(&s, text, strlen(text), first, step);
            ck_assert_msg(used == want, "%s: first %zu step %zu: %ld",
                replies[_i].why, first, step, used);

            if (want > 0) {
                ck_assert_int_eq(s.type, replies[_i].type);
                ck_assert_int_eq(scan_in_steps(&s, "+next\r\n", 7, 7, 1), 7);
                ck_assert_int_eq(s.type, '+');
            }

            if (step == 1) {
                step = 2;
            }
        }
    }
}
END_TEST

static const char *const no_replies[] = {
    "x\r\n",
    "\r\n",
    "\n",
    "+OK\rx",
    "$3\r\nfooxx",
    "$3\r\nfoo\rx",
    "$3\nfoo\r\n",
    "$\r\n",
    "$-\r\n",
    "$-2\r\n",
    "$--1\r\n",
    "$+3\r\n",
    "$ 3\r\n",
    "$3 \r\n",
    "$1-\r\n",
    "$?\r\n",
    "*?\r\n",
    "%?\r\n",
    "%-1\r\n",
    "~-1\r\n",
    ">-1\r\n",
    "|-1\r\n",
    "!-1\r\n",
    "=-1\r\n",
    ".\r\n",
    ";4\r\n",
    "$281474976710657\r\n",
    "$9223372036854775807\r\n",
    "$99999999999999999999\r\n",
    "*4294967297\r\n",
    "*9223372036854775807\r\n",
    "*1\r\n*1\r\nx",
};

START_TEST(what_is_no_resp_is_refused)
{
    const char *text = no_replies[_i];

    for (size_t step = 1; step <= strlen(text); step++) {
        um_reply_scan_t s = { .type = 0 };

        ck_assert_msg(scan_in_steps(&s, text, strlen(text), step, step) == -1,
            "%s", text);
    }
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char text[(UM_REPLY_DEPTH + 1) * 4 + 8] = "";
    um_reply_scan_t s = { .type = 0 };
    size_t at = 0;

    for (int i = 0; i < UM_REPLY_DEPTH; i++, at += 4) {
        memcpy(text + at, "*1\r\n", 4);
    }

    memcpy(text + at, ":1\r\n", 4);
    ck_assert_int_eq(
        scan_in_steps(&s, text, at + 4, at + 4, 1), (long) (at + 4));

    memcpy(text + at, "*1\r\n", 4);
    ck_assert_int_eq(scan_in_steps(&s, text, at + 4, at + 4, 1), -1);
}
END_TEST

START_TEST(num_says_how_much_of_a_bulk_is_missing)
{
    um_reply_scan_t s = { .type = 0 };
    size_t used;

    ck_assert_int_eq(um_reply_scan(&s, "$1000\r\nabc", 10, &used), UM_AGAIN);
    ck_assert_uint_eq(s.num, 1000 + 2 - 3);
}
END_TEST

START_TEST(a_huge_array_takes_no_memory_and_no_time)
{
    um_reply_scan_t s = { .type = 0 };
    size_t used;

    ck_assert_int_eq(
        um_reply_scan(&s, "*4294967296\r\n:1\r\n", 17, &used), UM_AGAIN);
    ck_assert_uint_eq(s.left[0], UINT64_C(4294967295));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("reply");
    TCase *tc = tcase_create("reply");

    tcase_add_loop_test(
        tc, a_reply_ends_where_it_ends, 0, (int) um_countof(replies));
    tcase_add_loop_test(
        tc, what_is_no_resp_is_refused, 0, (int) um_countof(no_replies));
    tcase_add_test(tc, nesting_is_bounded);
    tcase_add_test(tc, num_says_how_much_of_a_bulk_is_missing);
    tcase_add_test(tc, a_huge_array_takes_no_memory_and_no_time);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
