/* SPDX-License-Identifier: Apache-2.0 */

#include "um_check.h"

#include "conf/um_conf_lex.h"
#include "core/um_str.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    const char *said; /* words in <>, marks as they are */
} words[] = {
    { "", "." },
    { " \t\r\n", "." },
    { "# all a comment", "." },
    { "a b;c", "<a><b>;<c>." },
    { "a{b;}", "<a>{<b>;}." },
    { "a#b # c\nd", "<a#b><d>." },
    { "\"a b\" 'c d'", "<a b><c d>." },
    { "\"\" ''", "<><>." },
    { "\"a\\\"b\\\\c\\n\\r\\t\\x41\"", "<a\"b\\c\n\r\tA>." },
    { "'a\\'b\\\\c\\n\"'", "<a'b\\c\\n\">." },
    { "a\\ b\\;\\{\\#", "<a b;{#>." },
    { "a\"b c'd", "<a\"b><c'd>." },
    { "\"two\nlines\" x", "<two\nlines><x>." },
    { "\"a", "!quotes are not closed" },
    { "'a", "!quotes are not closed" },
    { "\"a\"b", "!white space is missing after closing quotes" },
    { "\"a\";", "<a>;." },
    { "\"\\q\"", "!unknown escape in quotes; known are "
                 "\\\" \\\\ \\n \\r \\t \\xHH" },
    { "\"\\x4\"", "!\\x needs two hexadecimal digits, not 00" },
    { "\"\\x00\"", "!\\x needs two hexadecimal digits, not 00" },
    { "\"\\xg1\"", "!\\x needs two hexadecimal digits, not 00" },
    { "a\\", "!backslash at the end of the file" },
};

static void
lex_all(um_str_t text, um_sbuf_t *out)
{
    static um_lex_t lex;

    um_lex_init(&lex, text);
    for (;;) {
        switch (um_lex_next(&lex)) {
        case UM_TOKEN_WORD:
            um_sbuf_addf(out, "<%s>", lex.word);
            continue;
        case UM_TOKEN_SEMI:
            um_sbuf_addz(out, ";");
            continue;
        case UM_TOKEN_OPEN:
            um_sbuf_addz(out, "{");
            continue;
        case UM_TOKEN_CLOSE:
            um_sbuf_addz(out, "}");
            continue;
        case UM_TOKEN_END:
            um_sbuf_addz(out, ".");
            return;
        case UM_TOKEN_BAD:
            um_sbuf_addf(out, "!%s", lex.word);
            return;
        }
    }
}

START_TEST(a_text_falls_into_words)
{
    um_sbuf_t out = { 0 };

    lex_all(um_str_of(words[_i].text), &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), words[_i].said);
    um_sbuf_deinit(&out);
}
END_TEST

START_TEST(bytes_that_no_word_has_are_refused)
{
    static char big[UM_CONF_WORD_MAX + 8];
    um_sbuf_t out = { 0 };

    lex_all((um_str_t){ "a\0b", 3 }, &out);
    lex_all((um_str_t){ "'a\0b'", 5 }, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), "!NUL byte!NUL byte");
    um_sbuf_clear(&out);

    memset(big, 'x', sizeof(big));
    lex_all((um_str_t){ big, UM_CONF_WORD_MAX + 1 }, &out);
    big[0] = '"';
    lex_all((um_str_t){ big, sizeof(big) }, &out);
    ck_assert_str_eq(um_sbuf_cstr(&out), "!word is too long!word is too long");
    um_sbuf_deinit(&out);
}
END_TEST

START_TEST(any_word_survives_being_quoted)
{
    char word[4] = { 'a', (char) (_i + 1), (char) (255 - _i), '\0' };
    um_sbuf_t quoted = { 0 }, again = { 0 };
    char want[16];

    if (word[2] == '\0') {
        word[2] = 'z';
    }

    um_lex_quote(&quoted, word);
    lex_all(um_str_of(um_sbuf_cstr(&quoted)), &again);
    snprintf(want, sizeof(want), "<%s>.", word);
    ck_assert_str_eq(um_sbuf_cstr(&again), want);
    um_sbuf_deinit(&quoted);
    um_sbuf_deinit(&again);
}
END_TEST

START_TEST(lines_are_counted_through_quotes_and_comments)
{
    static um_lex_t lex;

    um_lex_init(&lex, um_lit("a \"b\n\\n\" # c\n\n'd\n' e"));
    ck_assert_int_eq(um_lex_next(&lex), UM_TOKEN_WORD);
    ck_assert_uint_eq(lex.line, 1);
    ck_assert_int_eq(um_lex_next(&lex), UM_TOKEN_WORD);
    ck_assert_uint_eq(lex.line, 1);
    ck_assert_int_eq(um_lex_next(&lex), UM_TOKEN_WORD);
    ck_assert_uint_eq(lex.line, 4);
    ck_assert_int_eq(um_lex_next(&lex), UM_TOKEN_WORD);
    ck_assert_uint_eq(lex.line, 5);
}
END_TEST

static Suite *
lex_suite(void)
{
    Suite *s = suite_create("conf_lex");
    TCase *tc = tcase_create("lex");

    tcase_add_loop_test(tc, a_text_falls_into_words, 0, um_countof(words));
    tcase_add_test(tc, bytes_that_no_word_has_are_refused);
    tcase_add_loop_test(tc, any_word_survives_being_quoted, 0, 255);
    tcase_add_test(tc, lines_are_counted_through_quotes_and_comments);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(lex_suite());
}
