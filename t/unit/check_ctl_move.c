/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_str.h"
#include "ctl/um_ctl_move.h"
#include "um_check.h"

#include <string.h>

static um_pool_t *pool;

static void
before(void)
{
    pool = um_ctl_pool();
}

static void
after(void)
{
    um_pool_free(pool);
}

/* ---- What a source says ------------------------------------------------- */

static const struct {
    const char *words;
    um_ctl_move_t is;
} lines[] = {
    /* One of the reference. */
    { "SCANNING", { .state = "SCANNING" } },
    { "", { .state = NULL } },
    { "SCANNING step: COPY keys: 12 bytes: 3456 dirty: 7 per_mille: 250 "
      "keys_second: 100 held_us: 5 attempts: 2 big: 1 why: a b: c, d",
        { .state = "SCANNING",
            .step = "COPY",
            .keys = 12,
            .bytes = 3456,
            .dirty = 7,
            .per_mille = 250,
            .keys_second = 100,
            .held_us = 5,
            .attempts = 2,
            .big = 1,
            .why = "a b: c, d" } },
    /* In any order, with what nobody knows yet, and with reasons first. */
    { "PRE_CHECK why: the destination says: -WAIT wiping keys: 7 new: x "
      "step: CHECK",
        { .state = "PRE_CHECK",
            .step = "CHECK",
            .keys = 7,
            .why = "the destination says: -WAIT wiping" } },
    { "PRE_CHECK step: CHECK why: -",
        { .state = "PRE_CHECK", .step = "CHECK" } },
    { "PRE_CHECK step: CHECK why:", { .state = "PRE_CHECK", .step = "CHECK" } },
    /* What makes no sense is not known. */
    { "X step: keys: many bytes: -1 per_mille:", { .state = "X" } },
    { ": keys: 3", { .state = ":", .keys = 3 } },
};

static void
same_text(const char *got, const char *want)
{
    ck_assert_str_eq(
        got != NULL ? got : "(none)", want != NULL ? want : "(none)");
}

START_TEST(what_a_source_says_is_taken_apart)
{
    const um_ctl_move_t *is = &lines[_i].is;
    um_ctl_move_t m = { .keys = 0 };

    um_ctl_move_parse(&m, um_str_of(lines[_i].words), pool);
    same_text(m.state, is->state);
    same_text(m.step, is->step);
    same_text(m.why, is->why);
    ck_assert_uint_eq(m.keys, is->keys);
    ck_assert_uint_eq(m.bytes, is->bytes);
    ck_assert_uint_eq(m.dirty, is->dirty);
    ck_assert_uint_eq(m.per_mille, is->per_mille);
    ck_assert_uint_eq(m.keys_second, is->keys_second);
    ck_assert_uint_eq(m.held_us, is->held_us);
    ck_assert_uint_eq(m.attempts, is->attempts);
    ck_assert_uint_eq(m.big, is->big);
}
END_TEST

/* ---- What follows ------------------------------------------------------- */

START_TEST(a_task_gets_on_step_by_step)
{
    static const char *const steps[] = { "NEW", "CHECK", "ATTACH", "COPY",
        "CATCHUP", "FREEZE", "FLIP", "SWEEP", "OVER" };
    uint64_t before_that = 0;

    for (size_t i = 0; i < um_countof(steps); i++) {
        um_ctl_move_t m = { .step = steps[i], .per_mille = 500 };

        ck_assert_uint_ge(um_ctl_move_done(&m), before_that);
        ck_assert_int_eq(um_ctl_move_holds(&m),
            strcmp(steps[i], "NEW") == 0 || strcmp(steps[i], "FREEZE") == 0
                || strcmp(steps[i], "FLIP") == 0);
        before_that = um_ctl_move_done(&m);
    }
    ck_assert_uint_eq(before_that, 1000);
    ck_assert_uint_eq(um_ctl_move_done(&(um_ctl_move_t){ .keys = 1 }), 0);
}
END_TEST

static const struct {
    const char *why;
    um_ctl_move_t was, is;
    bool on;
} looks[] = {
    { "nothing", { .step = "COPY", .keys = 1 }, { .step = "COPY", .keys = 1 },
        false },
    { "keys", { .step = "COPY", .keys = 1 }, { .step = "COPY", .keys = 2 },
        true },
    { "the next step", { .step = "COPY" }, { .step = "CATCHUP" }, true },
    { "a step back is none", { .step = "FREEZE" }, { .step = "CATCHUP" },
        false },
    { "nor is an attempt more", { .step = "CHECK", .attempts = 1 },
        { .step = "CHECK", .attempts = 2 }, false },
    { "a state of the reference", { .state = "PRE_CHECK" },
        { .state = "SCANNING" }, true },
    { "it stays", { .state = "SCANNING" }, { .state = "SCANNING" }, false },
    { "its source is gone", { .step = "COPY", .keys = 1 },
        { .deaf = "timed out" }, false },
    { "one half is undone", { .undoing = true },
        { .undoing = true, .undone = { true, false } }, true },
};

START_TEST(what_has_got_on_is_told_from_what_stands_still)
{
    ck_assert_msg(
        um_ctl_move_went_on(&looks[_i].was, &looks[_i].is) == looks[_i].on,
        "%s", looks[_i].why);
}
END_TEST

/* ---- Words -------------------------------------------------------------- */

static const struct {
    void (*put)(um_sbuf_t *out, uint64_t n);
    uint64_t n;
    const char *text;
} numbers[] = {
    { um_ctl_put_bar, 0, "[--------------------]" },
    { um_ctl_put_bar, 499, "[#########-----------]" },
    { um_ctl_put_bar, 1000, "[####################]" },
    { um_ctl_put_count, 0, "0" },
    { um_ctl_put_count, 999, "999" },
    { um_ctl_put_count, 1000, "1,000" },
    { um_ctl_put_count, UINT64_MAX, "18,446,744,073,709,551,615" },
    { um_ctl_put_bytes, 0, "0 B" },
    { um_ctl_put_bytes, 999, "999 B" },
    { um_ctl_put_bytes, 1000, "1.0 kB" },
    { um_ctl_put_bytes, 1234567890, "1.2 GB" },
    { um_ctl_put_bytes, UINT64_MAX, "18.4 EB" },
    { um_ctl_put_seconds, 59, "59 s" },
    { um_ctl_put_seconds, 61, "1 m 1 s" },
    { um_ctl_put_seconds, 7500, "2 h 5 m" },
};

START_TEST(numbers_are_for_people)
{
    um_sbuf_t out = { 0 };

    numbers[_i].put(&out, numbers[_i].n);
    ck_assert_str_eq(um_sbuf_cstr(&out), numbers[_i].text);
    um_sbuf_deinit(&out);
}
END_TEST

static const struct {
    um_ctl_move_t m;
    const char *text;
} told[] = {
    { { .step = "COPY",
          .per_mille = 500,
          .keys = 1234,
          .bytes = 5600,
          .keys_second = 10,
          .why = "slow" },
        "0-7 a:2 -> b:2 COPY 45 %, 1,234 keys, 5.6 kB, 10 keys/s: slow" },
    { { .state = "SCANNING" }, "0-7 a:2 -> b:2 SCANNING" },
    { { .deaf = "timed out" },
        "0-7 a:2 -> b:2: a:1 does not answer: timed out" },
    { { .undoing = true, .step = "UNDO", .why = "wiping" },
        "0-7 a:2 -> b:2 is taken back: wiping" },
};

START_TEST(a_move_is_a_line)
{
    um_ctl_range_t range = { 0, 7 };
    um_ctl_move_t m = told[_i].m;
    um_sbuf_t out = { 0 };

    m.task = (um_ctl_task_t){ .slots = { &range, 1 },
        .src_proxy = "a:1",
        .src_node = "a:2",
        .dst_proxy = "b:1",
        .dst_node = "b:2" };
    um_ctl_put_move(&out, &m);
    ck_assert_str_eq(um_sbuf_cstr(&out), told[_i].text);
    um_sbuf_deinit(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ctl_move");
    TCase *t = tcase_create("move");

    tcase_add_checked_fixture(t, before, after);
    tcase_add_loop_test(
        t, what_a_source_says_is_taken_apart, 0, um_countof(lines));
    tcase_add_test(t, a_task_gets_on_step_by_step);
    tcase_add_loop_test(t, what_has_got_on_is_told_from_what_stands_still, 0,
        um_countof(looks));
    tcase_add_loop_test(t, numbers_are_for_people, 0, um_countof(numbers));
    tcase_add_loop_test(t, a_move_is_a_line, 0, um_countof(told));
    suite_add_tcase(s, t);

    return um_check_main(s);
}
