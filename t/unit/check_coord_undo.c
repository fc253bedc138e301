/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_str.h"
#include "um_check.h"
#include "undo_rule.h"
#include "undo_text.h"

static const struct {
    bool error;
    const char *text;
    undo_says_t says;
} undo_answers[] = {
    { false, "UNDONE", UNDO_SAYS_DONE },
    { false, "UNDOING", UNDO_SAYS_GOES_ON },
    { false, "COMMITTED", UNDO_SAYS_TOO_LATE },
    { true, "TASK_NOT_FOUND", UNDO_SAYS_UNKNOWN },
    { true, "UNDONE", UNDO_SAYS_NO },
    { false, "TASK_NOT_FOUND", UNDO_SAYS_NO },
    { false, "OK", UNDO_SAYS_NO },
    { true, "Invalid sub command", UNDO_SAYS_NO },
    { false, "", UNDO_SAYS_NO },
};

START_TEST(an_answer_to_undo_is_read)
{
    ck_assert_int_eq(
        undo_read(undo_answers[_i].error, um_str_of(undo_answers[_i].text)),
        undo_answers[_i].says);
}
END_TEST

START_TEST(the_source_goes_back_first)
{
    ck_assert_uint_eq(undo_turn((const bool[2]){ false, false }), 0);
    ck_assert_uint_eq(undo_turn((const bool[2]){ true, false }), 1);
    ck_assert_uint_eq(undo_turn((const bool[2]){ false, true }), 0);
    ck_assert_uint_eq(undo_turn((const bool[2]){ true, true }), 2);
}
END_TEST

START_TEST(who_undoes_is_asked_less_and_less)
{
    for (int says = UNDO_SAYS_NOTHING; says <= UNDO_SAYS_NO; says++) {
        uint64_t before = 0;

        for (uint32_t times = 1; times < 40; times++) {
            uint64_t ms = undo_pause((undo_says_t) says, times);

            ck_assert_uint_ge(ms, before);
            ck_assert_uint_ge(ms, 50);
            ck_assert_uint_le(ms, 10000);
            before = ms;
        }
        ck_assert_uint_eq(before, undo_pause((undo_says_t) says, UINT32_MAX));
    }
    ck_assert_uint_lt(
        undo_pause(UNDO_SAYS_GOES_ON, 1), undo_pause(UNDO_SAYS_NO, 1));
}
END_TEST

#define UNDO_META(src)                                                         \
    "\"tag\":{\"Migrating\":{\"epoch\":7,\"src_proxy_address\":" src           \
    ",\"src_node_address\":\"a:2\",\"dst_proxy_address\":\"b:1\","             \
    "\"dst_node_address\":\"b:2\"}}}"
#define UNDO_TASK(ranges, src)                                                 \
    "{\"cluster_name\":\"c1\",\"source_undone\":true,"                         \
    "\"destination_undone\":false,\"slot_range\":{\"range_list\":" ranges      \
    "," UNDO_META(src) "}"

static const struct {
    const char *body;
    um_rc_t rc;
    const char *text; /* of all of them */
} undo_lists[] = {
    { "{\"tasks\":[]}", UM_OK, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0,1],[5,5]]", "\"a:1\"") "]}", UM_OK,
        "c1 MIGRATING 2 0-1 5-5 7 a:1 a:2 b:1 b:2 10;" },
    { "{\"tasks\":[" UNDO_TASK("[[0,1]]", "\"a:1\"") "," UNDO_TASK(
          "[[7,9]]", "\"a:1\"") "],\"more\":1}",
        UM_OK,
        "c1 MIGRATING 1 0-1 7 a:1 a:2 b:1 b:2 10;"
        "c1 MIGRATING 1 7-9 7 a:1 a:2 b:1 b:2 10;" },
    { "", UM_DECLINED, "" },
    { "{}", UM_DECLINED, "" },
    { "{\"tasks\":{}}", UM_DECLINED, "" },
    { "{\"tasks\":[7]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[]", "\"a:1\"") "]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0]]", "\"a:1\"") "]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0,-1]]", "\"a:1\"") "]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0,1]]", "\"a :1\"") "]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0,1]]", "\"\"") "]}", UM_DECLINED, "" },
    { "{\"tasks\":[" UNDO_TASK("[[0,1]]", "null") "]}", UM_DECLINED, "" },
};

static bool
undo_collect(void *data, const undo_task_t *t)
{
    um_sbuf_addf(data, "%s %d%d;", t->text, t->undone[0], t->undone[1]);
    return true;
}

START_TEST(a_list_of_what_is_taken_back_is_read)
{
    um_sbuf_t out = { 0 };

    ck_assert_int_eq(
        undo_parse(um_str_of(undo_lists[_i].body), undo_collect, &out),
        undo_lists[_i].rc);
    ck_assert_str_eq(um_sbuf_cstr(&out), undo_lists[_i].text);
    um_sbuf_deinit(&out);
}
END_TEST

static bool
undo_say(void *data, const undo_task_t *t)
{
    for (unsigned side = 0; side < 2; side++) {
        um_sbuf_t body = { 0 };

        undo_command(t, side, data);
        undo_body(t, side, &body);
        um_sbuf_addf(data, ";%s;", um_sbuf_cstr(&body));
        um_sbuf_deinit(&body);
    }
    return false; /* one is enough */
}

START_TEST(each_side_is_told_its_half)
{
    um_sbuf_t out = { 0 };

    ck_assert_int_eq(
        undo_parse(um_str_of(undo_lists[2].body), undo_say, &out), UM_ERR);
    ck_assert_str_eq(um_sbuf_cstr(&out),
        "UMCTL UNDO c1 MIGRATING 1 0-1 7 a:1 a:2 b:1 b:2;"
        "{\"cluster_name\":\"c1\",\"slot_range\":{\"range_list\":[[0,1]],"
        "\"tag\":{\"Migrating\":{\"epoch\":7,\"src_proxy_address\":\"a:1\","
        "\"src_node_address\":\"a:2\",\"dst_proxy_address\":\"b:1\","
        "\"dst_node_address\":\"b:2\"}}}};"
        "UMCTL UNDO c1 IMPORTING 1 0-1 7 a:1 a:2 b:1 b:2;"
        "{\"cluster_name\":\"c1\",\"slot_range\":{\"range_list\":[[0,1]],"
        "\"tag\":{\"Importing\":{\"epoch\":7,\"src_proxy_address\":\"a:1\","
        "\"src_node_address\":\"a:2\",\"dst_proxy_address\":\"b:1\","
        "\"dst_node_address\":\"b:2\"}}}};");
    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("coord_undo");
    TCase *t = tcase_create("undo");

    tcase_add_loop_test(
        t, an_answer_to_undo_is_read, 0, um_countof(undo_answers));
    tcase_add_test(t, the_source_goes_back_first);
    tcase_add_test(t, who_undoes_is_asked_less_and_less);
    tcase_add_loop_test(
        t, a_list_of_what_is_taken_back_is_read, 0, um_countof(undo_lists));
    tcase_add_test(t, each_side_is_told_its_half);
    suite_add_tcase(s, t);

    return um_check_main(s);
}
