/* The words of slow commands: kept, cut, found in what was sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_future.h"
#include "proxy/um_trace.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

static um_chunks_t pool;
static um_sent_t sent;
static um_chain_t out;
static um_slow_t slow;
static um_sbuf_t text;

static void
setup(void)
{
    um_chunks_init(&pool);
    memset(&sent, 0, sizeof(sent));
    memset(&out, 0, sizeof(out));
    memset(&slow, 0, sizeof(slow));
}

static void
teardown(void)
{
    um_chain_free(&out, &pool);
    um_sent_free(&sent, &pool);
    um_sbuf_deinit(&text);
    ck_assert_uint_eq(pool.memory, 0);
    um_chunks_deinit(&pool);
}

static const char *
line_of(const um_slow_t *s)
{
    um_sbuf_clear(&text);
    um_trace_put_line(&text, s);
    return um_sbuf_cstr(&text);
}

static const char *
words_of(const um_slow_t *s)
{
    um_sbuf_clear(&text);
    um_trace_put_words(&text, s);
    return um_sbuf_cstr(&text);
}

/* ---- how words are shown ---- */

#define A90                                                                    \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                            \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A98   A90 "aaaaaaaa"
#define EURO  "\xe2\x82\xac"
#define SMILE "\xf0\x9f\x98\x80"

static const struct {
    const char *word;
    const char *line;
    const char *why;
} lines[] = {
    { "plain", "plain", "as it is" },
    { A98 "aa", A98 "aa", "a hundred bytes are shown" },
    { A98 "aab", A98 "aa(101bytes)", "one more is cut" },
    { A98 EURO, A98 "(101bytes)", "the 100th byte is in a character" },
    { A98 "a" EURO, A98 "a(102bytes)", "likewise, at its beginning" },
    { A90 "aaaaaaa" EURO "x", A90 "aaaaaaa" EURO "(101bytes)", "it just fits" },
    { A98 SMILE, A98 "(102bytes)", "of four bytes" },
    { A98 SMILE A98 EURO, A98 "(203bytes)", "longer than what is kept" },
    { "\xff\xfe", "[255, 254]", "no text: the bytes" },
    { "\xe2\x82", "[226, 130]", "half a character" },
    { "", "", "nothing" },
};

START_TEST(a_word_is_cut_for_the_reference)
{
    um_str_t word = um_str_of(lines[_i].word);

    um_trace_words(&slow, NULL, &word, 1);
    ck_assert_msg(strcmp(line_of(&slow), lines[_i].line) == 0, "%s: %s",
        lines[_i].why, line_of(&slow));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_cut_too)
{
    char bytes[200];
    um_str_t word = { bytes, sizeof(bytes) };

    memset(bytes, 0xff, sizeof(bytes));
    um_trace_words(&slow, NULL, &word, 1);
    ck_assert_str_eq(line_of(&slow),
        "[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, "
        "255, 255, 255, 255, 255, 255, 255,(200bytes)");
}
END_TEST

START_TEST(the_reference_shows_five_words)
{
    um_str_t words[] = { um_lit("MGET"), um_lit("a"), um_lit("b"), um_lit("c"),
        um_lit("d"), um_lit("e") };

    um_trace_words(&slow, NULL, words, um_countof(words));
    ck_assert_str_eq(line_of(&slow), "MGET a b c d");
}
END_TEST

START_TEST(redis_cuts_words_at_128_bytes)
{
    char bytes[200];
    um_str_t words[] = { { bytes, 128 }, { bytes, 129 }, { bytes, 200 } };
    const char *got;

    memset(bytes, 'x', sizeof(bytes));
    um_trace_words(&slow, NULL, words, 3);
    got = words_of(&slow);
    ck_assert_int_eq(strncmp(got, "*3\r\n$128\r\nx", 11), 0);
    ck_assert_ptr_nonnull(strstr(got, "x... (1 more bytes)\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "x... (72 more bytes)\r\n"));
}
END_TEST

START_TEST(redis_shows_32_words_at_most)
{
    um_str_t words[40];
    const char *got;

    for (int i = 0; i < 40; i++) {
        words[i] = um_lit("w");
    }

    um_trace_words(&slow, NULL, words, 32);
    got = words_of(&slow);
    ck_assert_int_eq(strncmp(got, "*32\r\n", 5), 0);
    ck_assert_ptr_null(strstr(got, "more"));

    um_trace_words(&slow, NULL, words, 33);
    got = words_of(&slow);
    ck_assert_int_eq(strncmp(got, "*32\r\n", 5), 0);
    ck_assert_ptr_nonnull(strstr(got, "$22\r\n... (2 more arguments)\r\n"));
}
END_TEST

static const struct {
    const char *words;
    const char *line;
} secrets[] = {
    { "AUTH secret", "AUTH (redacted)" },
    { "auth user secret", "auth (redacted) (redacted)" },
    { "HELLO 3 AUTH u p", "HELLO 3 AUTH (redacted) (redacted)" },
    { "HELLO 3 SETNAME me", "HELLO 3 SETNAME me" },
    { "CONFIG SET requirepass x", "CONFIG SET requirepass (redacted)" },
    { "CONFIG SET slowlog_len 7", "CONFIG SET slowlog_len 7" },
    { "CONFIG GET requirepass", "CONFIG GET requirepass" },
    { "GET AUTH secret", "GET AUTH secret" },
};

START_TEST(passwords_are_not_told)
{
    um_str_t words[8];
    const char *p = secrets[_i].words;
    uint32_t n = 0;

    while (*p != '\0') {
        size_t len = strcspn(p, " ");

        words[n++] = (um_str_t){ p, len };
        p += len + (p[len] == ' ');
    }

    um_trace_words(&slow, um_cmd_find(words, n), words, n);
    ck_assert_str_eq(line_of(&slow), secrets[_i].line);
}
END_TEST

/* ---- what was sent ---- */

static uint64_t
put(const char *bytes, size_t len)
{
    ck_assert_int_eq(um_chain_add(&out, &pool, bytes, len, true), UM_OK);
    return len;
}

/* The words of the command at `pos`, with `written` bytes written. */
static const char *
sent_words(uint64_t written, uint64_t pos)
{
    um_sent_at_t at;

    if (um_sent_find(&sent, &out, written, pos, &at) != UM_OK) {
        return "gone";
    }

    return um_trace_read_words(&slow, NULL, &at) == UM_OK ? line_of(&slow)
                                                          : "garbage";
}

START_TEST(words_are_found_until_the_reply_has_come)
{
    static const char get[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    static const char fwd[] = "*4\r\n$9\r\nUMFORWARD\r\n$1\r\n3\r\n"
                              "$3\r\nDEL\r\n$1\r\nx\r\n";
    uint64_t a = 0, b, c, end;

    b = a + put(get, sizeof(get) - 1);
    c = b + put(fwd, sizeof(fwd) - 1);
    ck_assert_str_eq(sent_words(0, a), "GET k");
    ck_assert_str_eq(sent_words(0, b), "DEL x");

    /* A part of the first chunk is written, then all of it. */
    um_sent_add(&sent, &out, &pool, 7, 7, false);
    ck_assert_str_eq(sent_words(7, a), "GET k");
    um_sent_add(&sent, &out, &pool, out.len, c, false);
    ck_assert_str_eq(sent_words(c, a), "GET k");
    ck_assert_str_eq(sent_words(c, b), "DEL x");

    end = c + put(get, sizeof(get) - 1);
    ck_assert_str_eq(sent_words(c, c), "GET k");
    ck_assert_str_eq(sent_words(c, end), "gone");

    um_sent_release(&sent, &pool, b);
    ck_assert_str_eq(sent_words(c, b), "DEL x");
    um_sent_release(&sent, &pool, c);
    ck_assert_str_eq(sent_words(c, b), "gone");
    ck_assert_str_eq(sent_words(c, c), "GET k");
    ck_assert_uint_eq(sent.chain.len, 0);

    /* The connection is lost: what was not written is found as well. */
    um_sent_add_rest(&sent, &out, &pool, c);
    ck_assert_str_eq(sent_words(c, c), "GET k");
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* Random commands, written and answered in pieces of any size. */
START_TEST(words_are_found_whatever_the_pieces)
{
    static uint64_t begin[20000];
    uint64_t written = 0, end = 0, seed = 1;
    uint32_t n = 0, answered = 0;
    char key[32], bytes[40000];

    while (n < um_countof(begin)) {
        uint32_t r =
            (uint32_t) ((seed = seed * 6364136223846793005u + 1) >> 33);
        size_t pad = r % 64 == 0 ? 30000 : r % 100;
        size_t len;

        snprintf(key, sizeof(key), "key%u", n);
        len = (size_t) snprintf(bytes, sizeof(bytes),
            "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n%0*d\r\n", strlen(key),
            key, um_max(pad, 1), (int) um_max(pad, 1), 0);
        begin[n++] = end;
        end += put(bytes, len);

        if (r % 7 == 0) {
            size_t some = out.len - r % um_min(out.len, 3000);

            written += some;
            um_sent_add(&sent, &out, &pool, some, written, false);
        }
        while (answered + 1 < n && begin[answered + 1] <= written
               && (r >> answered % 16 & 3) != 0)
        {
            const char *got = sent_words(written, begin[answered]);

            snprintf(key, sizeof(key), "SET key%u ", answered);
            ck_assert_msg(strncmp(got, key, strlen(key)) == 0, "%s", got);
            um_sent_release(&sent, &pool, begin[++answered]);
        }
    }
}
END_TEST

START_TEST(no_more_is_kept_than_there_is_room_for)
{
    static char big[300000];
    uint64_t written = 0;

    for (int i = 0; i < 40; i++) {
        written += put(big, sizeof(big));
        um_sent_add(&sent, &out, &pool, out.len, written, false);
    }

    ck_assert_uint_le(sent.chain.len, UM_SENT_MAX);
    um_sent_release(&sent, &pool, written);
    ck_assert_uint_eq(pool.memory, 0);

    /* And from here on all is well again. */
    put("*1\r\n$4\r\nPING\r\n", 14);
    um_sent_add(&sent, &out, &pool, 14, written + 14, true);
    ck_assert_str_eq(sent_words(written + 14, written), "PING");
    ck_assert_uint_le(pool.memory, UM_CHUNK_SMALL);
}
END_TEST

static const struct {
    const char *bytes;
    const char *line;
} garbage[] = {
    { "*1\r\n$4\r\nPING\r\n", "PING" },
    { "*2\r\n$3\r\nGET\r\n$5\r\nab", "GET" },
    { "*2\r\n$3\r\nGET\r\n", "GET" },
    { "PING\r\n", "garbage" },
    { "*x\r\n", "garbage" },
    { "*1", "garbage" },
    { "*1\r\n", "garbage" },
    { "*1\n", "garbage" },
    { "*99999999999999999999999999999999999\r\n", "garbage" },
};

START_TEST(bytes_that_are_cut_do_no_harm)
{
    put(garbage[_i].bytes, strlen(garbage[_i].bytes));
    ck_assert_str_eq(sent_words(0, 0), garbage[_i].line);
}
END_TEST

/* ---- UMCTL DEBUG FUTURE ---- */

START_TEST(what_began_first_comes_first)
{
    um_sbuf_t list = { 0 };
    const char *got;

    um_future_put(&list, 2000000000000000, 7, "b");
    um_future_put(&list, 999999999000000, 8, "%s", "a");
    um_future_put(&list, 2000000000000001, 9, "c");
    ck_assert_int_eq(
        um_future_array(&text, (um_str_t){ list.data, list.len }), UM_OK);
    um_sbuf_deinit(&list);

    got = um_sbuf_cstr(&text);
    ck_assert_int_eq(strncmp(got, "*3\r\n$23\r\n8 2001-09-", 19), 0);
    ck_assert_ptr_nonnull(strstr(got, " a\r\n$23\r\n7 2033-05-"));
    ck_assert_ptr_nonnull(strstr(got, " b\r\n$23\r\n9 2033-05-"));

    um_sbuf_clear(&text);
    ck_assert_int_eq(um_future_array(&text, um_lit("")), UM_OK);
    ck_assert_str_eq(um_sbuf_cstr(&text), "*0\r\n");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("trace");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(
        t, a_word_is_cut_for_the_reference, 0, um_countof(lines));
    tcase_add_test(t, bytes_that_are_no_text_are_cut_too);
    tcase_add_test(t, the_reference_shows_five_words);
    tcase_add_test(t, redis_cuts_words_at_128_bytes);
    tcase_add_test(t, redis_shows_32_words_at_most);
    tcase_add_loop_test(t, passwords_are_not_told, 0, um_countof(secrets));
    tcase_add_test(t, words_are_found_until_the_reply_has_come);
    tcase_add_test(t, words_are_found_whatever_the_pieces);
    tcase_add_test(t, no_more_is_kept_than_there_is_room_for);
    tcase_add_loop_test(
        t, bytes_that_are_cut_do_no_harm, 0, um_countof(garbage));
    tcase_add_test(t, what_began_first_comes_first);
    suite_add_tcase(s, t);

    return um_check_main(s);
}
