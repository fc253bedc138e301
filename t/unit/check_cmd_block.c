/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd_block.h"
#include "um_check.h"

#include <string.h>

#include "core/um_str.h"

#define WORDS   32
#define MS      UINT64_C(1000000)
#define REFUSED UINT64_MAX

static uint32_t
words_of(const char *line, um_str_t *argv)
{
    uint32_t argc = 0;

    while (*line != '\0') {
        size_t n = strcspn(line, " ");

        ck_assert_uint_lt(argc, WORDS);
        argv[argc++] = (um_str_t){ line, n };
        line += n + (line[n] == ' ');
    }

    return argc;
}

static const struct {
    const char *line;
    uint32_t pos; /* 0: Redis refuses the call */
    bool seconds;
    uint64_t ms; /* 0: for ever */
} places[] = {
    { "BLPOP k 5", 2, true, 5000 },
    { "BLPOP a b c 0", 4, true, 0 },
    { "BLPOP 1 2 0.25", 3, true, 250 },
    { "BRPOP a b 1", 3, true, 1000 },
    { "BZPOPMIN k 0.001", 2, true, 1 },
    { "BZPOPMAX a b 2", 3, true, 2000 },
    { "BRPOPLPUSH 7 8 9", 3, true, 9000 },
    { "BLMOVE a b LEFT RIGHT 1.5", 5, true, 1500 },
    { "BLMPOP 3 2 a b LEFT COUNT 7", 1, true, 3000 },
    { "BZMPOP 0 1 k MIN", 1, true, 0 },
    { "bzmpop x 1 k MIN", 0, true, 0 },
    { "BLPOP k x", 0, true, 0 },
    { "XREAD BLOCK 10 STREAMS s $", 2, false, 10 },
    { "xread count 2 block 0 streams s $", 4, false, 0 },
    { "XREAD COUNT BLOCK BLOCK 7 STREAMS s $", 4, false, 7 },
    { "XREAD BLOCK 7 BLOCK 8 STREAMS s $", 4, false, 8 },
    { "XREAD BLOCK x BLOCK 8 STREAMS s $", 0, false, 0 },
    { "XREAD BLOCK 8 BLOCK x STREAMS s $", 0, false, 0 },
    { "XREAD BLOCK 0.5 STREAMS s $", 0, false, 0 },
    { "XREAD BLOCK STREAMS s $", 0, false, 0 },
    { "XREAD BLOCK 5 s $", 0, false, 0 },
    { "XREAD BLOCK 5 COUNT", 0, false, 0 },
    { "XREAD COUNT 5 BLOCK", 0, false, 0 },
    { "XREADGROUP GROUP g c BLOCK 9 STREAMS s >", 5, false, 9 },
    { "XREADGROUP GROUP block 1 BLOCK 9 NOACK STREAMS s >", 5, false, 9 },
    { "XREADGROUP BLOCK 4 GROUP BLOCK 5 STREAMS s >", 2, false, 4 },
    { "WAIT 1 100", 2, false, 100 },
    { "WAIT 1 0", 2, false, 0 },
    { "WAIT 1 -1", 0, false, 0 },
    { "WAIT 1 0.5", 0, false, 0 },
    { "WAITAOF 1 2 300", 3, false, 300 },
};

START_TEST(the_timeout_is_where_redis_looks_for_it)
{
    um_str_t argv[WORDS];
    uint32_t argc = words_of(places[_i].line, argv);
    const um_cmd_t *cmd = um_cmd_find(argv, argc);
    um_block_time_t t;

    ck_assert_ptr_nonnull(cmd);
    ck_assert_msg(um_cmd_blocks(cmd, argv, argc) || cmd->how == UM_HOW_SELF,
        "%s", places[_i].line);

    if (places[_i].pos == 0) {
        ck_assert_msg(um_cmd_block_timeout(cmd, argv, argc, &t) == UM_DECLINED,
            "%s", places[_i].line);
        return;
    }

    ck_assert_msg(um_cmd_block_timeout(cmd, argv, argc, &t) == UM_OK, "%s",
        places[_i].line);
    ck_assert_msg(t.pos == places[_i].pos && t.seconds == places[_i].seconds
                      && t.forever == (places[_i].ms == 0)
                      && t.ns == places[_i].ms * MS,
        "%s: word %u, %llu ns", places[_i].line, t.pos,
        (unsigned long long) t.ns);
}
END_TEST

/* What a redis-server 7.0.15 said to BLPOP k WORD and XREAD BLOCK WORD. */
static const struct {
    um_str_t word;
    bool seconds;
    uint64_t ms;
} words[] = {
    { um_lit("0.1"), true, 100 },
    { um_lit(".05"), true, 50 },
    { um_lit("5.e-2"), true, 50 },
    { um_lit("+0.05"), true, 50 },
    { um_lit("01"), true, 1000 },
    { um_lit("1e2"), true, 100000 },
    { um_lit("1E2"), true, 100000 },
    { um_lit("0x10"), true, 16000 },
    { um_lit("0x1p-3"), true, 125 },
    { um_lit("0"), true, 0 },
    { um_lit("0.0"), true, 0 },
    { um_lit("-0"), true, 0 },
    { um_lit("-0.0001"), true, 0 },
    { um_lit("0.0001"), true, 1 },
    { um_lit("1e-30"), true, 1 },
    { um_lit("0.0011"), true, 2 },
    { um_lit("-0.001"), true, 0 }, /* -0.99.. is 0 when rounded up */
    { um_lit("-0.0011"), true, REFUSED },
    { um_lit("-1"), true, REFUSED },
    { um_lit("inf"), true, REFUSED },
    { um_lit("-inf"), true, REFUSED },
    { um_lit("nan"), true, REFUSED },
    { um_lit("-nan"), true, REFUSED },
    { um_lit("nan(1)"), true, REFUSED },
    { um_lit("1e16"), true, REFUSED },
    { um_lit("1e400"), true, REFUSED },
    { um_lit("1e5000"), true, REFUSED },
    { um_lit("1e-5000"), true, REFUSED },
    { um_lit(""), true, REFUSED },
    { um_lit(" 1"), true, REFUSED },
    { um_lit("\t1"), true, REFUSED },
    { um_lit("\v1"), true, REFUSED },
    { um_lit("1 "), true, REFUSED },
    { um_lit("1\0"), true, REFUSED },
    { um_lit("\0"), true, REFUSED },
    { um_lit("1,5"), true, REFUSED },
    { um_lit("1f"), true, REFUSED },
    { um_lit("0b1"), true, REFUSED },
    { um_lit("0"), false, 0 },
    { um_lit("1"), false, 1 },
    { um_lit("50"), false, 50 },
    { um_lit("-1"), false, REFUSED },
    { um_lit("-0"), false, REFUSED },
    { um_lit("+5"), false, REFUSED },
    { um_lit("01"), false, REFUSED },
    { um_lit("5.0"), false, REFUSED },
    { um_lit("1e2"), false, REFUSED },
    { um_lit("0x10"), false, REFUSED },
    { um_lit(""), false, REFUSED },
    { um_lit(" 5"), false, REFUSED },
    { um_lit("5 "), false, REFUSED },
    { um_lit("9223372036854775808"), false, REFUSED },
};

static um_rc_t
timeout_of(um_str_t word, bool seconds, um_block_time_t *t)
{
    um_str_t argv[] = { um_lit("XREAD"), um_lit("BLOCK"), word,
        um_lit("STREAMS"), um_lit("s"), um_lit("$") };

    if (seconds) {
        argv[0] = um_lit("BLPOP");
        return um_cmd_block_timeout(um_cmd_find(argv, 3), argv, 3, t);
    }

    return um_cmd_block_timeout(um_cmd_find(argv, 6), argv, 6, t);
}

START_TEST(a_timeout_is_read_as_redis_reads_it)
{
    um_block_time_t t;
    um_rc_t rc = timeout_of(words[_i].word, words[_i].seconds, &t);

    if (words[_i].ms == REFUSED) {
        ck_assert_msg(rc == UM_DECLINED, "'%s'", words[_i].word.data);
        return;
    }

    ck_assert_msg(rc == UM_OK && t.ns == words[_i].ms * MS
                      && t.forever == (words[_i].ms == 0),
        "'%s': %llu ns", words[_i].word.data, (unsigned long long) t.ns);
}
END_TEST

START_TEST(a_timeout_of_ages_is_no_short_one)
{
    um_block_time_t t;

    ck_assert_int_eq(timeout_of(um_lit("9223372036854775"), true, &t), UM_OK);
    ck_assert(!t.forever && t.ns == UINT64_MAX);
    ck_assert_int_eq(
        timeout_of(um_lit("9223372036854775807"), false, &t), UM_OK);
    ck_assert(!t.forever && t.ns == UINT64_MAX);
}
END_TEST

START_TEST(a_number_of_too_many_digits_is_refused)
{
    char text[6000];
    um_block_time_t t;

    memset(text, '0', sizeof(text));
    text[5118] = '1';
    ck_assert_int_eq(timeout_of((um_str_t){ text, 5119 }, true, &t), UM_OK);
    ck_assert_uint_eq(t.ns, 1000 * MS);
    ck_assert_int_eq(
        timeout_of((um_str_t){ text, 5120 }, true, &t), UM_DECLINED);
    ck_assert_int_eq(
        timeout_of((um_str_t){ text, sizeof(text) }, true, &t), UM_DECLINED);
}
END_TEST

static const struct {
    bool seconds;
    bool forever;
    uint64_t left;
    const char *word;
} lefts[] = {
    { true, false, 1500 * MS, "1.500" },
    { true, false, 1500 * MS + 1, "1.501" },
    { true, false, 60000 * MS, "60.000" },
    { true, false, 50 * MS, "0.050" },
    { true, false, 1, "0.002" },
    { true, false, 0, "0.002" },
    { true, false, UINT64_MAX, "18446744073.710" },
    { true, true, 5 * MS, "0" },
    { false, false, 1500 * MS, "1500" },
    { false, false, 1500 * MS + 1, "1501" },
    { false, false, 1, "1" },
    { false, false, 0, "1" },
    { false, false, UINT64_MAX, "18446744073710" },
    { false, true, 0, "0" },
};

START_TEST(what_is_left_is_never_told_as_for_ever)
{
    um_block_time_t t = { .seconds = lefts[_i].seconds,
        .forever = lefts[_i].forever };
    um_sbuf_t out = { 0 };

    um_cmd_block_format(&t, lefts[_i].left, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), lefts[_i].word);

    if (!lefts[_i].forever) {
        um_block_time_t again;

        ck_assert_int_eq(timeout_of((um_str_t){ out.data, out.len },
                             lefts[_i].seconds, &again),
            UM_OK);
        ck_assert(!again.forever);
        ck_assert(again.ns >= lefts[_i].left);
    }

    um_sbuf_deinit(&out);
}
END_TEST

/* As redis-server 7.0.15 answers, in RESP2 and RESP3. */
static const struct {
    const char *name;
    const char *two;
    const char *three;
} expired[] = {
    { "blpop", "*-1\r\n", "_\r\n" },
    { "brpop", "*-1\r\n", "_\r\n" },
    { "blmove", "*-1\r\n", "_\r\n" },
    { "brpoplpush", "*-1\r\n", "_\r\n" },
    { "blmpop", "*-1\r\n", "_\r\n" },
    { "bzpopmin", "*-1\r\n", "_\r\n" },
    { "bzpopmax", "*-1\r\n", "_\r\n" },
    { "bzmpop", "*-1\r\n", "_\r\n" },
    { "xread", "*-1\r\n", "_\r\n" },
    { "xreadgroup", "*-1\r\n", "_\r\n" },
    { "wait", ":0\r\n", ":0\r\n" },
    { "waitaof", "*2\r\n:0\r\n:0\r\n", "*2\r\n:0\r\n:0\r\n" },
};

START_TEST(the_end_of_the_time_is_answered_as_redis_does)
{
    const um_cmd_t *cmd = um_cmd_find_name(um_str_of(expired[_i].name));
    um_sbuf_t out = { 0 };

    um_cmd_block_expired(cmd, 2, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), expired[_i].two);
    um_sbuf_clear(&out);
    um_cmd_block_expired(cmd, 3, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), expired[_i].three);
    um_sbuf_deinit(&out);
}
END_TEST

START_TEST(every_command_that_may_block_is_known_here)
{
    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);
        bool known = false;

        for (size_t j = 0; j < um_countof(expired); j++) {
            known = known || strcmp(cmd->name, expired[j].name) == 0;
        }
        ck_assert_msg(known
                          == ((cmd->flags & UM_CMD_BLOCKING)
                              || cmd->self == UM_SELF_WAIT),
            "%s", cmd->name);
    }
}
END_TEST

static const struct {
    const char *line;
    bool blocks;
} calls[] = {
    { "BLPOP k 0", true },
    { "BLPOP", true },
    { "LPOP k", false },
    { "LMOVE a b LEFT LEFT", false },
    { "XREAD STREAMS s 0", false },
    { "XREAD COUNT 1 STREAMS s 0", false },
    { "XREAD COUNT BLOCK STREAMS s 0", false },
    { "XREAD STREAMS BLOCK 0", false },
    { "XREAD BLOCK 0 STREAMS s 0", true },
    { "XREAD COUNT 1 BLOCK 0 STREAMS s 0", true },
    { "XREADGROUP GROUP block block STREAMS s >", false },
    { "XREADGROUP GROUP g c NOACK STREAMS block >", false },
    { "XREADGROUP GROUP g c NOACK BLOCK 1 STREAMS s >", true },
    { "XREAD NONSENSE BLOCK 0 STREAMS s 0", false },
    { "XREAD", false },
};

START_TEST(a_call_blocks_when_redis_would)
{
    um_str_t argv[WORDS];
    uint32_t argc = words_of(calls[_i].line, argv);

    ck_assert_msg(
        um_cmd_blocks(um_cmd_find(argv, argc), argv, argc) == calls[_i].blocks,
        "%s", calls[_i].line);
}
END_TEST

START_TEST(an_option_with_a_nul_in_it_is_what_redis_takes_it_for)
{
    um_str_t argv[] = { um_lit("XREAD"), um_lit("BLOCK\0x"), um_lit("5"),
        um_lit("STREAMS\0y"), um_lit("s"), um_lit("$") };
    const um_cmd_t *cmd = um_cmd_find(argv, 6);
    um_keys_t keys = { 0 };
    um_block_time_t t;

    ck_assert(um_cmd_blocks(cmd, argv, 6));
    ck_assert_int_eq(um_cmd_block_timeout(cmd, argv, 6, &t), UM_OK);
    ck_assert_uint_eq(t.ns, 5 * MS);
    ck_assert_int_eq(um_cmd_keys(cmd, argv, 6, &keys), UM_OK);
    ck_assert_uint_eq(keys.count, 1);
    ck_assert_uint_eq(keys.key[0].pos, 4);
    um_keys_deinit(&keys);

    ck_assert(um_cmd_word_is(um_lit("Block"), um_lit("block")));
    ck_assert(!um_cmd_word_is(um_lit("blocks"), um_lit("block")));
    ck_assert(!um_cmd_word_is(um_lit("bloc"), um_lit("block")));
    ck_assert(!um_cmd_word_is(um_lit("bloc\0"), um_lit("block")));
    ck_assert(!um_cmd_word_is(um_lit(""), um_lit("block")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cmd_block");
    TCase *tc = tcase_create("cmd_block");

    tcase_add_loop_test(tc, the_timeout_is_where_redis_looks_for_it, 0,
        (int) um_countof(places));
    tcase_add_loop_test(
        tc, a_timeout_is_read_as_redis_reads_it, 0, (int) um_countof(words));
    tcase_add_test(tc, a_timeout_of_ages_is_no_short_one);
    tcase_add_test(tc, a_number_of_too_many_digits_is_refused);
    tcase_add_loop_test(
        tc, what_is_left_is_never_told_as_for_ever, 0, (int) um_countof(lefts));
    tcase_add_loop_test(tc, the_end_of_the_time_is_answered_as_redis_does, 0,
        (int) um_countof(expired));
    tcase_add_test(tc, every_command_that_may_block_is_known_here);
    tcase_add_loop_test(
        tc, a_call_blocks_when_redis_would, 0, (int) um_countof(calls));
    tcase_add_test(tc, an_option_with_a_nul_in_it_is_what_redis_takes_it_for);
    suite_add_tcase(s, tc);
    return um_check_main(s);
}
