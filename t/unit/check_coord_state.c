/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_str.h"
#include "state_file.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "undermoon coordinator 1\n"

static const struct {
    const char *text;
    um_rc_t rc;
} files[] = {
    { HEAD "configured a:1\nbrokers b:1,c:1\n", UM_OK },
    { HEAD "configured z:1\nbrokers b:1,c:1\n", UM_DECLINED },
    { "", UM_ERR },
    { HEAD, UM_ERR },
    { "undermoon coordinator 2\nconfigured a:1\nbrokers b:1\n", UM_ERR },
    { HEAD "configured a:1\nbrokers b:1", UM_ERR },
    { HEAD "configured a:1\nbrokers \n", UM_OK },
    { HEAD "configured a:1\nbrokers b:1\nmore\n", UM_ERR },
    { HEAD "brokers b:1\nconfigured a:1\n", UM_ERR },
};

START_TEST(brokers_count_while_the_configuration_says_the_same)
{
    um_sbuf_t out = { 0 };

    ck_assert_int_eq(
        state_parse(um_str_of(files[_i].text), um_lit("a:1"), &out),
        files[_i].rc);
    um_sbuf_deinit(&out);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    char dir[] = "coord-state-XXXXXX";
    char path[64], folder[48];
    um_sbuf_t text = { 0 }, back = { 0 }, brokers = { 0 };

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(folder, sizeof(folder), "%s/new", dir);
    snprintf(path, sizeof(path), "%s/state", folder);
    ck_assert_int_eq(state_load(path, &back), UM_DECLINED);

    for (int round = 0; round < 2; round++) {
        um_sbuf_clear(&text);
        um_sbuf_clear(&back);
        um_sbuf_clear(&brokers);
        state_format(
            um_lit("a:1"), round == 0 ? um_lit("b:1") : um_lit("c:1"), &text);
        ck_assert_int_eq(
            state_save(path, (um_str_t){ text.data, text.len }), UM_OK);
        ck_assert_int_eq(state_load(path, &back), UM_OK);
        ck_assert_int_eq(state_parse((um_str_t){ back.data, back.len },
                             um_lit("a:1"), &brokers),
            UM_OK);
        ck_assert_str_eq(um_sbuf_cstr(&brokers), round == 0 ? "b:1" : "c:1");
    }

    /* Nothing else is left behind. */
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    um_sbuf_deinit(&text);
    um_sbuf_deinit(&back);
    um_sbuf_deinit(&brokers);
}
END_TEST

START_TEST(where_nothing_can_be_written_it_says_so)
{
    ck_assert_int_eq(state_save("/dev/null/no/state", um_lit("x")), UM_ERR);
    ck_assert_int_eq(state_save("/proc/no-such/state", um_lit("x")), UM_ERR);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("coord_state");
    TCase *t = tcase_create("state");

    tcase_add_loop_test(t, brokers_count_while_the_configuration_says_the_same,
        0, um_countof(files));
    tcase_add_test(t, what_is_written_is_read);
    tcase_add_test(t, where_nothing_can_be_written_it_says_so);
    suite_add_tcase(s, t);

    return um_check_main(s);
}
