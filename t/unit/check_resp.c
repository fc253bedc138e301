/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_put.h"
#include "resp/um_scan.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

static const um_scan_limits_t redis_limits = {
    .max_args = INT32_MAX,
    .max_bulk = 512u << 20,
    .max_inline = 65536,
};

static um_args_t args;

static void
setup(void)
{
    um_args_init(&args);
}

static void
teardown(void)
{
    um_args_deinit(&args);
}

/*
 * What Redis 7.0.15 makes of these bytes, found out by sending them there.
 * `words` are joined with '|'; NULL: not a request, and `err` is the text.
 */
static const struct {
    const char *bytes;
    size_t len;
    size_t used;
    const char *words;
    const char *err;
} requests[] = {
#define BYTES(s) s, sizeof(s) - 1
#define WHOLE(s) s, sizeof(s) - 1, sizeof(s) - 1
#define WRONG(s) s, sizeof(s) - 1, 0, NULL
#define BAD      "Protocol error: "
    { WHOLE("*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n"), "GET|foo", NULL },
    { BYTES("*1\r\n$4\r\nPING\r\n*1\r\n"), 14, "PING", NULL },
    { WHOLE("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$13\r\n\r\n$3\r\nfoo\r\n\r\n\r\n"),
        "SET||\r\n$3\r\nfoo\r\n\r\n", NULL },
    { WHOLE("*2\r\n$4\r\nECHO\r\n$3\r\na\0b\r\n"), "ECHO|a", NULL },

    { WHOLE("*0\r\n"), "", NULL },
    { WHOLE("*-1\r\n"), "", NULL },
    { WHOLE("*-9223372036854775808\r\n"), "", NULL },
    { WHOLE("\r\n"), "", NULL },
    { WHOLE("\n"), "", NULL },
    { WHOLE("  \t \r\n"), "", NULL },

    /* Behind a CR Redis does not look, nor behind the bytes of a word. */
    { WHOLE("*1\rx$1\rxZxx"), "Z", NULL },

    { WRONG("*01\r\n"), BAD "invalid multibulk length" },
    { WRONG("*+1\r\n"), BAD "invalid multibulk length" },
    { WRONG("* 1\r\n"), BAD "invalid multibulk length" },
    { WRONG("*1 \r\n"), BAD "invalid multibulk length" },
    { WRONG("*\r\n"), BAD "invalid multibulk length" },
    { WRONG("*-\r\n"), BAD "invalid multibulk length" },
    { WRONG("*-0\r\n"), BAD "invalid multibulk length" },
    { WRONG("*2147483648\r\n"), BAD "invalid multibulk length" },
    { WRONG("*9223372036854775808\r\n"), BAD "invalid multibulk length" },
    { WRONG("*1\n$4\r\nPING\r\n"), BAD "invalid multibulk length" },
    { WRONG("*1\r\n$-1\r\n"), BAD "invalid bulk length" },
    { WRONG("*1\r\n$01\r\nZ\r\n"), BAD "invalid bulk length" },
    { WRONG("*1\r\n$\r\nZ\r\n"), BAD "invalid bulk length" },
    { WRONG("*1\r\n$536870913\r\n"), BAD "invalid bulk length" },
    { WRONG("*1\r\n$9223372036854775807\r\n"), BAD "invalid bulk length" },
    { WRONG("*1\r\n:1\r\n"), BAD "expected '$', got ':'" },
    { WRONG("*1\r\n\r\n\r\n"), BAD "expected '$', got ' '" },
    { WRONG("*1\r\n\n$1\r\n"), BAD "expected '$', got ' '" },
    { WRONG("*1\r\n\xff\r\n"), BAD "expected '$', got '\xff'" },
    { WRONG("*2\r\n$1\r\nZ\r\n*1\r\n"), BAD "expected '$', got '*'" },

    { WHOLE("PING\r\n"), "PING", NULL },
    { WHOLE("PING\n"), "PING", NULL },
    { WHOLE("\tset  a\vb   c\r\r\n"), "set|a\vb|c", NULL },
    { BYTES("get a\r\nget b\r\n"), 7, "get|a", NULL },
    { WHOLE("set k \"a b\"\n"), "set|k|a b", NULL },
    { WHOLE("set k \"\\x41\\n\\r\\t\\b\\a\\q\\\"\"\n"), "set|k|A\n\r\t\b\aq\"",
        NULL },
    { WHOLE("set k \"\\xzz\\x4\"\n"), "set|k|xzzx4", NULL },
    { WHOLE("set k 'it\\'s \\n'\n"), "set|k|it's \\n", NULL },
    { WHOLE("set '' \"\"\n"), "set||", NULL },
    { WHOLE("set a\"b c\" d\n"), "set|ab c|d", NULL },
    { WRONG("set k \"ab\n"), BAD "unbalanced quotes in request" },
    { WRONG("set k \"ab\\\n"), BAD "unbalanced quotes in request" },
    { WRONG("set k 'ab\n"), BAD "unbalanced quotes in request" },
    { WRONG("set \"a\"b\n"), BAD "unbalanced quotes in request" },
    { WRONG("set 'a'b\n"), BAD "unbalanced quotes in request" },
#undef BYTES
#undef WHOLE
#undef WRONG
};

static const char *
args_joined(void)
{
    static char text[512];
    size_t at = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < args.argc; i++) {
        at += (size_t) snprintf(text + at, sizeof(text) - at, "%s%.*s",
            i == 0 ? "" : "|", um_str_fmt(args.argv[i]));
    }

    return text;
}

/*
 * Give the bytes in steps, each time in memory of just their size, so that a
 * sanitizer sees every byte that is read too much.
 */
static um_rc_t
scan_in_steps(const um_scan_limits_t *lim, const char *bytes, size_t len,
    size_t first, size_t step, size_t *used, const char **err)
{
    static char *copy;
    um_scan_t s = { .pos = 0 };
    um_rc_t rc;

    for (size_t have = first;; have = um_min(have + step, len)) {
        free(copy);
        copy = malloc(have + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes, have);

        rc = um_scan_request(&s, lim, copy, have, &args, used, err);
        if (rc != UM_AGAIN || have == len) {
            break;
        }

        ck_assert_uint_ge(s.need, 1);
    }

    if (rc != UM_AGAIN) {
        um_scan_t zero = { .pos = 0 };

        ck_assert_mem_eq(&s, &zero, sizeof(s));
    }

    return rc;
}

static void
request_check(size_t i, size_t first, size_t step)
{
    const char *err = NULL;
    size_t used = 0;
    um_rc_t rc;

    rc = scan_in_steps(&redis_limits, requests[i].bytes, requests[i].len, first,
        step, &used, &err);

    if (requests[i].words != NULL) {
        ck_assert_msg(rc == UM_OK, "%s: rc %d, %s", requests[i].bytes, rc, err);
        ck_assert_str_eq(args_joined(), requests[i].words);
        ck_assert_uint_eq(used, requests[i].used);
        ck_assert(args.is_inline == (requests[i].bytes[0] != '*'));
    } else {
        ck_assert_msg(rc == UM_ERR, "%s: rc %d", requests[i].bytes, rc);
        ck_assert_str_eq(err, requests[i].err);
    }
}

START_TEST(a_request_is_what_redis_takes_it_for)
{
    request_check((size_t) _i, requests[_i].len, 1);
}
END_TEST

START_TEST(a_request_may_be_cut_at_every_byte)
{
    for (size_t cut = 0; cut < requests[_i].len; cut++) {
        request_check((size_t) _i, cut, requests[_i].len);
    }

    for (size_t step = 1; step < 4; step++) {
        request_check((size_t) _i, 0, step);
    }
}
END_TEST

START_TEST(a_beginning_is_no_request_yet)
{
    static const char *const texts[] = {
        "",
        "*",
        "*1\r",
        "*1\r\n$",
        "*1\r\n$4\r\nPING",
        "*1\r\n$4\r\nPING\r",
        "*1\r\n\n",
        "PING",
        "PING\r",
        "*2147483647\r\n$536870912\r\n",
    };

    for (size_t i = 0; i < um_countof(texts); i++) {
        size_t used;
        const char *err;

        ck_assert_int_eq(scan_in_steps(&redis_limits, texts[i],
                             strlen(texts[i]), 0, 1, &used, &err),
            UM_AGAIN);
    }
}
END_TEST

START_TEST(a_nul_hides_the_end_of_a_line)
{
    static const char texts[][16] = { "PI\0NG\r\n",
        "*\0"
        "1\r\n",
        "*1\r\n$\0"
        "1\r\n" };
    size_t used;
    const char *err;

    for (size_t i = 0; i < um_countof(texts); i++) {
        ck_assert_int_eq(scan_in_steps(&redis_limits, texts[i],
                             sizeof(texts[i]), 0, 1, &used, &err),
            UM_AGAIN);
    }
}
END_TEST

static const struct {
    const char *prefix;
    char fill;
    size_t most; /* bytes of the line that are not too many yet */
    const char *err;
} lines[] = {
    { "", 'x', 65536, "Protocol error: too big inline request" },
    { "*", '1', 65536, "Protocol error: too big mbulk count string" },
    { "*1\r\n$", '1', 65540, "Protocol error: too big bulk count string" },
    { "*1\r\n$\0", '\0', 65540, "Protocol error: too big bulk count string" },
};

START_TEST(a_line_without_end_is_an_error)
{
    static char text[70000];
    const char *err = NULL;
    size_t used;

    memset(text, lines[_i].fill, sizeof(text));
    memcpy(text, lines[_i].prefix, strlen(lines[_i].prefix));

    for (size_t step = 1; step < 70000; step = step * 40 + 3) {
        ck_assert_int_eq(scan_in_steps(&redis_limits, text, lines[_i].most,
                             lines[_i].most % step, step, &used, &err),
            UM_AGAIN);
        ck_assert_int_eq(scan_in_steps(&redis_limits, text, lines[_i].most + 1,
                             lines[_i].most % step, step, &used, &err),
            UM_ERR);
        ck_assert_str_eq(err, lines[_i].err);

        /* An end that comes later changes nothing. */
        text[lines[_i].most + 1] = '\n';
        ck_assert_int_eq(scan_in_steps(&redis_limits, text, sizeof(text),
                             sizeof(text), step, &used, &err),
            UM_ERR);
        text[lines[_i].most + 1] = lines[_i].fill;
    }
}
END_TEST

START_TEST(the_longest_line_is_taken)
{
    static char text[65537];
    const char *err = NULL;
    size_t used;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    ck_assert_int_eq(
        scan_in_steps(&redis_limits, text, sizeof(text), 0, 9999, &used, &err),
        UM_OK);
    ck_assert_uint_eq(args.argv[0].len, 65536);
    ck_assert_uint_eq(used, sizeof(text));
}
END_TEST

static const struct {
    const char *bytes;
    const char *err; /* NULL: goes on */
} strangers[] = {
    { "*10\r\n", NULL },
    { "*11\r\n", "Protocol error: unauthenticated multibulk length" },
    { "*1\r\n$16384\r\n", NULL },
    { "*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length" },
};

START_TEST(a_stranger_may_say_less)
{
    um_scan_limits_t lim = redis_limits;
    const char *err = NULL;
    size_t used, len = strlen(strangers[_i].bytes);

    lim.unauthenticated = true;
    ck_assert_int_eq(
        scan_in_steps(&lim, strangers[_i].bytes, len, len, 1, &used, &err),
        strangers[_i].err == NULL ? UM_AGAIN : UM_ERR);
    ck_assert_pstr_eq(err, strangers[_i].err);
}
END_TEST

START_TEST(limits_of_the_operator_hold)
{
    um_scan_limits_t lim = { .max_args = 2, .max_bulk = 3, .max_inline = 9 };
    const char *err = NULL;
    size_t used;
    um_str_t ok = um_lit("*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n");
    um_str_t more = um_lit("*3\r\n$3\r\nSET\r\n");
    um_str_t longer = um_lit("*2\r\n$3\r\nGET\r\n$4\r\nfood\r\n");

    ck_assert_int_eq(
        scan_in_steps(&lim, ok.data, ok.len, ok.len, 1, &used, &err), UM_OK);
    ck_assert_int_eq(
        scan_in_steps(&lim, more.data, more.len, more.len, 1, &used, &err),
        UM_ERR);
    ck_assert_str_eq(err, "Protocol error: invalid multibulk length");
    ck_assert_int_eq(scan_in_steps(&lim, longer.data, longer.len, longer.len, 1,
                         &used, &err),
        UM_ERR);
    ck_assert_str_eq(err, "Protocol error: invalid bulk length");
}
END_TEST

START_TEST(need_says_how_much_of_a_word_is_missing)
{
    um_str_t text = um_lit("*2\r\n$3\r\nGET\r\n$1000000\r\nabc");
    um_scan_t s = { .pos = 0 };
    const char *err;
    size_t used;

    ck_assert_int_eq(um_scan_request(&s, &redis_limits, text.data, text.len,
                         &args, &used, &err),
        UM_AGAIN);
    ck_assert_uint_eq(s.need, 1000000 + 2 - 3);
}
END_TEST

START_TEST(many_words_come_in_order_and_their_memory_goes)
{
    um_sbuf_t b = { .data = NULL };
    const char *err;
    size_t used;

    um_put_array(&b, 100000);
    for (int i = 0; i < 100000; i++) {
        um_put_bulkf(&b, "%d", i);
    }

    ck_assert_int_eq(scan_in_steps(&redis_limits, b.data, b.len, b.len - 1,
                         b.len, &used, &err),
        UM_OK);
    ck_assert_uint_eq(args.argc, 100000);
    for (int i = 0; i < 100000; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d", i);
        ck_assert(um_str_eq(args.argv[i], um_str_of(text)));
    }

    um_args_trim(&args);
    ck_assert_uint_le(args.cap, 4096);
    um_sbuf_deinit(&b);
}
END_TEST

/* --- um_put --- */

static um_sbuf_t out;

#define ck_put(text)                                                           \
    do {                                                                       \
        ck_assert_str_eq(um_sbuf_cstr(&out), text);                            \
        um_sbuf_clear(&out);                                                   \
    } while (0)

START_TEST(values_are_written_as_resp)
{
    um_str_t words[] = { um_lit("SET"), um_lit(""), um_lit("a\r\n") };

    um_put_simple(&out, "OK");
    ck_put("+OK\r\n");
    um_put_int(&out, INT64_MIN);
    ck_put(":-9223372036854775808\r\n");
    um_put_bulk(&out, um_lit("a\r\nb"));
    ck_put("$4\r\na\r\nb\r\n");
    um_put_bulkz(&out, "");
    ck_put("$0\r\n\r\n");
    um_put_bulkf(&out, "%s-%d", "node", 12);
    ck_put("$7\r\nnode-12\r\n");
    um_put_array(&out, 0);
    ck_put("*0\r\n");
    um_put_args(&out, words, 3);
    ck_put("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na\r\n\r\n");
    um_put_args(&out, NULL, 0);
    ck_put("*0\r\n");
}
END_TEST

START_TEST(both_protocols_have_their_forms)
{
    um_put_null(&out, 2);
    um_put_null_array(&out, 2);
    um_put_map(&out, 2, 2);
    um_put_set(&out, 3, 2);
    um_put_bool(&out, true, 2);
    um_put_text(&out, um_lit("a:1"), 2);
    ck_put("$-1\r\n*-1\r\n*4\r\n*3\r\n:1\r\n$3\r\na:1\r\n");

    um_put_null(&out, 3);
    um_put_null_array(&out, 3);
    um_put_map(&out, 2, 3);
    um_put_set(&out, 3, 3);
    um_put_bool(&out, true, 3);
    um_put_bool(&out, false, 3);
    um_put_text(&out, um_lit("a:1"), 3);
    ck_put("_\r\n_\r\n%2\r\n~3\r\n#t\r\n#f\r\n=7\r\ntxt:a:1\r\n");
}
END_TEST

START_TEST(an_error_is_one_line)
{
    um_put_error(&out, "ERR unknown command '%s'", "a\r\n+OK\r\n\x1b[2J");
    ck_put("-ERR unknown command 'a  +OK   [2J'\r\n");
}
END_TEST

START_TEST(what_was_put_is_what_is_scanned)
{
    um_str_t words[] = { um_lit("MSET"), um_lit("a"), um_lit(""),
        um_lit("\r\n$1\r\n"), um_lit("x") };
    const char *err;
    size_t used;

    um_put_args(&out, words, 5);
    ck_assert_int_eq(
        scan_in_steps(&redis_limits, out.data, out.len, 0, 1, &used, &err),
        UM_OK);
    ck_assert_uint_eq(used, out.len);
    ck_assert_uint_eq(args.argc, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert(um_str_eq(args.argv[i], words[i]));
    }

    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("resp");
    TCase *tc = tcase_create("scan");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_request_is_what_redis_takes_it_for, 0,
        (int) um_countof(requests));
    tcase_add_loop_test(
        tc, a_request_may_be_cut_at_every_byte, 0, (int) um_countof(requests));
    tcase_add_test(tc, a_beginning_is_no_request_yet);
    tcase_add_test(tc, a_nul_hides_the_end_of_a_line);
    tcase_add_loop_test(
        tc, a_line_without_end_is_an_error, 0, (int) um_countof(lines));
    tcase_add_test(tc, the_longest_line_is_taken);
    tcase_add_loop_test(
        tc, a_stranger_may_say_less, 0, (int) um_countof(strangers));
    tcase_add_test(tc, limits_of_the_operator_hold);
    tcase_add_test(tc, need_says_how_much_of_a_word_is_missing);
    tcase_add_test(tc, many_words_come_in_order_and_their_memory_goes);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);

    tc = tcase_create("put");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, values_are_written_as_resp);
    tcase_add_test(tc, both_protocols_have_their_forms);
    tcase_add_test(tc, an_error_is_one_line);
    tcase_add_test(tc, what_was_put_is_what_is_scanned);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
