/* SPDX-License-Identifier: Apache-2.0 */

#include "back_rule.h"
#include "beat_text.h"
#include "broker_rule.h"
#include "core/um_str.h"
#include "migrate_text.h"
#include "push_rule.h"
#include "um_check.h"
#include "watch_rule.h"

#include <string.h>

/* ---- What is heard of a proxy ------------------------------------------- */

#define STEPS 8

typedef struct {
    watch_event_t event;
    bool fresh; /* a look */
    uint64_t at;
    watch_action_t action;
    watch_state_t state;
} step_t;

static const struct {
    const char *why;
    step_t step[STEPS]; /* .at 0 ends */
} lives[] = {
    { "it answers",
        {
            { WATCH_WELL, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_WELL, false, 501, WATCH_NOTHING, WATCH_ALIVE },
        } },
    { "refused, and refused by three looks",
        {
            { WATCH_GONE, false, 1, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_GONE, true, 2, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_GONE, true, 52, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_GONE, true, 102, WATCH_REPORT, WATCH_DEAD },
            { WATCH_GONE, false, 600, WATCH_NOTHING, WATCH_DEAD },
            { WATCH_SILENT, false, 1600, WATCH_NOTHING, WATCH_DEAD },
            { WATCH_WELL, false, 2000, WATCH_WITHDRAW, WATCH_ALIVE },
        } },
    { "a connection that was cut is no death",
        {
            { WATCH_GONE, false, 1, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_GONE, false, 1, WATCH_NOTHING, WATCH_DOUBT },
            { WATCH_WELL, true, 3, WATCH_NOTHING, WATCH_ALIVE },
        } },
    { "a restart within two looks is none either",
        {
            { WATCH_GONE, false, 1, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_GONE, true, 2, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_GONE, true, 52, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_WELL, true, 102, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_GONE, false, 500, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_GONE, true, 501, WATCH_LOOK_LATER, WATCH_DOUBT },
        } },
    { "silent, and silent over a fresh connection",
        {
            { WATCH_SILENT, false, 1000, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_SILENT, true, 2000, WATCH_REPORT, WATCH_DEAD },
        } },
    { "silent once: the network lost something, or we were asleep",
        {
            { WATCH_SILENT, false, 1000, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_SILENT, false, 1001, WATCH_NOTHING, WATCH_DOUBT },
            { WATCH_WELL, true, 1100, WATCH_NOTHING, WATCH_ALIVE },
        } },
    { "we have no descriptors left: that is no news of it",
        {
            { WATCH_BLIND, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_GONE, false, 2, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_BLIND, true, 3, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_BLIND, true, 53, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_BLIND, true, 103, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_BLIND, true, 153, WATCH_LOOK_LATER, WATCH_DOUBT },
            { WATCH_GONE, true, 203, WATCH_LOOK_LATER, WATCH_DOUBT },
        } },
    { "its Redis fails for a while",
        {
            { WATCH_SICK, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 200, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 301, WATCH_REPORT, WATCH_FAULTY },
            { WATCH_SICK, false, 800, WATCH_NOTHING, WATCH_FAULTY },
            { WATCH_WELL, false, 1300, WATCH_WITHDRAW, WATCH_ALIVE },
        } },
    { "its Redis fails for a moment, twice",
        {
            { WATCH_SICK, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_WELL, false, 200, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 400, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 600, WATCH_NOTHING, WATCH_ALIVE },
        } },
    { "first its Redis fails, then it does: one report",
        {
            { WATCH_SICK, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 500, WATCH_REPORT, WATCH_FAULTY },
            { WATCH_SILENT, false, 1500, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_SILENT, true, 2500, WATCH_NOTHING, WATCH_DEAD },
            { WATCH_SICK, false, 3000, WATCH_NOTHING, WATCH_FAULTY },
            { WATCH_WELL, false, 3500, WATCH_WITHDRAW, WATCH_ALIVE },
        } },
    { "reported, doubted and well: the report goes",
        {
            { WATCH_SICK, false, 1, WATCH_NOTHING, WATCH_ALIVE },
            { WATCH_SICK, false, 500, WATCH_REPORT, WATCH_FAULTY },
            { WATCH_GONE, false, 600, WATCH_LOOK, WATCH_DOUBT },
            { WATCH_WELL, true, 601, WATCH_WITHDRAW, WATCH_ALIVE },
        } },
};

START_TEST(a_proxy_is_found_dead_or_not)
{
    watch_t w = { 0 };

    for (int i = 0; i < STEPS && lives[_i].step[i].at != 0; i++) {
        const step_t *s = &lives[_i].step[i];
        watch_action_t did = watch_note(&w, s->event, s->fresh, s->at);

        ck_assert_msg(did == s->action && w.state == s->state,
            "%s: step %d: action %d, state %s", lives[_i].why, i, did,
            watch_state_name(w.state));
    }
}
END_TEST

/* ---- Which broker ------------------------------------------------------- */

START_TEST(one_broker_is_kept_to_until_it_fails)
{
    broker_health_t h[3] = { 0 };

    ck_assert_uint_eq(broker_rule_choose(h, 3, 1, 1000), 1);

    /* Mute once: it may have been a lost packet. */
    broker_rule_note(&h[1], BROKER_MUTE, 1000);
    ck_assert_uint_eq(broker_rule_choose(h, 3, 1, 1000), 1);
    broker_rule_note(&h[1], BROKER_ANSWERED, 1001);
    broker_rule_note(&h[1], BROKER_MUTE, 1002);
    ck_assert_uint_eq(broker_rule_choose(h, 3, 1, 1002), 1);
    broker_rule_note(&h[1], BROKER_MUTE, 1003);
    ck_assert_uint_eq(broker_rule_choose(h, 3, 1, 1003), 2);

    /* Refused: at once; and it is not gone back to. */
    broker_rule_note(&h[2], BROKER_REFUSED, 1100);
    ck_assert_uint_eq(broker_rule_choose(h, 3, 2, 1100), 0);
    ck_assert_uint_eq(broker_rule_choose(h, 3, 0, 99999), 0);
}
END_TEST

START_TEST(when_all_brokers_rest_the_first_to_have_rested_is_asked)
{
    broker_health_t h[2] = { 0 };

    broker_rule_note(&h[0], BROKER_REFUSED, 1000); /* until 2000 */
    broker_rule_note(&h[1], BROKER_REFUSED, 1100); /* until 2100 */
    ck_assert_uint_eq(broker_rule_choose(h, 2, 1, 1200), 0);
    ck_assert_uint_eq(broker_rule_choose(h, 2, 0, 1200), 0);

    /* It rests for longer each time, within bounds. */
    for (uint64_t now = 3000; now < 200000; now += 10000) {
        broker_rule_note(&h[0], BROKER_REFUSED, now);
        ck_assert_uint_le(h[0].rest_until_ms, now + BROKER_REST_MAX_MS);
    }
    ck_assert_uint_eq(h[0].rest_ms, BROKER_REST_MAX_MS);
    broker_rule_note(&h[0], BROKER_ANSWERED, 300000);
    ck_assert_uint_eq(h[0].rest_until_ms, 0);

    /* With one only there is no choice. */
    broker_rule_note(&h[0], BROKER_REFUSED, 300001);
    ck_assert_uint_eq(broker_rule_choose(h, 1, 0, 300001), 0);
}
END_TEST

START_TEST(what_may_have_been_done_is_asked_again_only_if_that_is_harmless)
{
    ck_assert(broker_rule_again(BROKER_REFUSED, true));
    ck_assert(broker_rule_again(BROKER_REFUSED, false));
    ck_assert(!broker_rule_again(BROKER_MUTE, true));
    ck_assert(broker_rule_again(BROKER_MUTE, false));
    ck_assert(!broker_rule_again(BROKER_ANSWERED, false));
}
END_TEST

/* ---- Who needs metadata ------------------------------------------------- */

static const struct {
    const char *why;
    push_facts_t facts;
    push_need_t need;
} needs[] = {
    { "a fresh one", { .ours = true, .target = 5 }, PUSH_NEEDS_IT },
    { "one that has it, whoever gave it",
        { .ours = true, .epoch = 5, .repl_epoch = 5, .target = 5 },
        PUSH_HAS_IT },
    { "one that has the one half",
        { .ours = true, .epoch = 5, .repl_epoch = 4, .target = 5 },
        PUSH_NEEDS_IT },
    { "and the other",
        { .ours = true, .epoch = 4, .repl_epoch = 5, .target = 5 },
        PUSH_NEEDS_IT },
    { "published, but not said by all of its workers",
        { .ours = true,
            .epoch = 5,
            .repl_epoch = 5,
            .target = 5,
            .unsure = true },
        PUSH_NEEDS_IT },
    { "it knows more than the broker",
        { .ours = true, .epoch = 9, .repl_epoch = 5, .target = 5 },
        PUSH_AHEAD },
    { "of replication",
        { .ours = true, .epoch = 5, .repl_epoch = 9, .target = 5 },
        PUSH_AHEAD },
    { "a spare, when the epoch has risen for others",
        { .ours = true,
            .epoch = 5,
            .repl_epoch = 5,
            .target = 9,
            .taken = 5,
            .spare = true,
            .same = true },
        PUSH_HAS_IT },
    { "a spare that was in a cluster before",
        { .ours = true,
            .epoch = 5,
            .repl_epoch = 5,
            .target = 9,
            .taken = 5,
            .spare = true },
        PUSH_NEEDS_IT },
    { "a spare that was started anew",
        { .ours = true, .target = 9, .taken = 5, .spare = true, .same = true },
        PUSH_NEEDS_IT },
    { "a spare that somebody else has told something",
        { .ours = true,
            .epoch = 8,
            .repl_epoch = 8,
            .target = 9,
            .taken = 5,
            .spare = true,
            .same = true },
        PUSH_NEEDS_IT },
    { "a spare that nothing is known of",
        { .ours = true,
            .epoch = 5,
            .repl_epoch = 5,
            .target = 9,
            .spare = true },
        PUSH_NEEDS_IT },
    { "a spare whose answer is older than what it took",
        { .ours = true,
            .epoch = 9,
            .repl_epoch = 9,
            .target = 7,
            .taken = 9,
            .spare = true,
            .same = true },
        PUSH_HAS_IT },
    { "theirs has it by epoch, but nobody knows about replication",
        { .epoch = 5, .target = 5 }, PUSH_NEEDS_IT },
    { "theirs has taken it", { .epoch = 5, .target = 5, .taken = 5 },
        PUSH_HAS_IT },
    { "theirs has lost it again", { .epoch = 0, .target = 5, .taken = 5 },
        PUSH_NEEDS_IT },
    { "theirs is behind", { .epoch = 5, .target = 6, .taken = 5 },
        PUSH_NEEDS_IT },
    { "theirs is ahead", { .epoch = 7, .target = 6, .taken = 5 }, PUSH_AHEAD },
    { "theirs is a spare and has been told so",
        { .epoch = 5, .target = 9, .taken = 5, .spare = true, .same = true },
        PUSH_HAS_IT },
};

START_TEST(who_needs_metadata_gets_them)
{
    push_need_t need = push_need(&needs[_i].facts);

    ck_assert_msg(need == needs[_i].need, "%s: %d", needs[_i].why, need);
}
END_TEST

START_TEST(what_a_proxy_says_to_metadata)
{
    ck_assert_int_eq(push_verdict((um_str_t){ NULL, 0 }), PUSH_TAKEN);
    ck_assert_int_eq(push_verdict(um_lit("OLD_EPOCH")), PUSH_TAKEN);
    ck_assert_int_eq(push_verdict(um_lit("TRY_AGAIN")), PUSH_SOON);
    ck_assert_int_eq(push_verdict(um_lit("ERR_NOT_MY_META")), PUSH_REFUSED);
    ck_assert_int_eq(push_verdict(um_lit("")), PUSH_REFUSED);

    ck_assert_uint_lt(push_pause(PUSH_SOON, 0), push_pause(PUSH_REFUSED, 1));
    ck_assert_uint_lt(push_pause(PUSH_REFUSED, 1), push_pause(PUSH_REFUSED, 2));
    ck_assert_uint_eq(
        push_pause(PUSH_REFUSED, 10), push_pause(PUSH_REFUSED, 1000000));
}
END_TEST

START_TEST(destinations_know_before_sources)
{
    ck_assert_uint_eq(push_wave(true, true, PUSH_HINT_NONE), 0);
    ck_assert_uint_eq(push_wave(true, false, PUSH_HINT_NONE), 0);
    ck_assert_uint_eq(push_wave(false, true, PUSH_HINT_NONE), 1);
    ck_assert_uint_eq(push_wave(false, false, PUSH_HINT_NONE), 2);

    /* After a commit it is those two, whatever else they do. */
    ck_assert_uint_eq(push_wave(false, false, PUSH_HINT_FIRST), 0);
    ck_assert_uint_eq(push_wave(true, false, PUSH_HINT_NEXT), 1);
}
END_TEST

/* ---- Taking back -------------------------------------------------------- */

START_TEST(a_failed_proxy_has_to_be_well_for_a_while)
{
    back_t b = { 0 };

    ck_assert(!back_note(&b, true, 1000));
    ck_assert(!back_note(&b, true, 1500));
    ck_assert(!back_note(&b, true, 2000));
    ck_assert(back_note(&b, true, 3000));
    back_done(&b, 3000);

    /* It has failed again: twice as long. */
    ck_assert(!back_note(&b, true, 5000));
    ck_assert(!back_note(&b, true, 6000));
    ck_assert(!back_note(&b, false, 6500));
    ck_assert(!back_note(&b, true, 7000));
    ck_assert(!back_note(&b, true, 9500));
    ck_assert(!back_note(&b, true, 10999));
    ck_assert(back_note(&b, true, 11000));
    back_done(&b, 11000);

    /* A long life is forgiven. */
    ck_assert_uint_eq(b.times, 2);
    back_done(&b, 11000 + BACK_FORGIVE_MS + 1);
    ck_assert_uint_eq(b.times, 1);

    for (int i = 0; i < 100; i++) {
        back_done(&b, 11000 + BACK_FORGIVE_MS + 2);
    }
    ck_assert_uint_eq(b.times, BACK_TIMES_MAX);
}
END_TEST

START_TEST(two_looks_are_not_enough_however_far_apart)
{
    back_t b = { 0 };

    ck_assert(!back_note(&b, true, 1000));
    ck_assert(!back_note(&b, true, 90000));
    ck_assert(back_note(&b, true, 90001));
}
END_TEST

/* ---- Texts -------------------------------------------------------------- */

static const struct {
    const char *text;
    bool ok;
    beat_t beat;
} beats[] = {
    { "7 8 none 1 0", true, { 7, 8, "none", true, 0, 0 } },
    { "0 0 down 0 12", true, { 0, 0, "down", false, 12, 0 } },
    { "7 8 none 1 0 and more some day", true, { 7, 8, "none", true, 0, 0 } },
    { "7 8 none 1 0 123", true, { 7, 8, "none", true, 0, 123 } },
    { "7 8 none 1 0 123 more", true, { 7, 8, "none", true, 0, 123 } },
    { "7 8 none 1 0 -1", true, { 7, 8, "none", true, 0, 0 } },
    { "7 8 none 1 0 99999999999999999999", true, { 7, 8, "none", true, 0, 0 } },
    { "", false, { 0 } },
    { "PONG", false, { 0 } },
    { "7 8 none 1", false, { 0 } },
    { "7 8  1 0", false, { 0 } },
    { "7 -8 none 1 0", false, { 0 } },
    { "7 8 n\"ne 1 0", false, { 0 } },
    { "7 8 a-fault-with-far-too-long-a-name-to-be-one 1 0", false, { 0 } },
    { "99999999999999999999 8 none 1 0", false, { 0 } },
};

START_TEST(a_beat_is_read)
{
    beat_t b = { 0 };
    um_rc_t rc = beat_parse(um_str_of(beats[_i].text), &b);

    ck_assert_int_eq(rc, beats[_i].ok ? UM_OK : UM_DECLINED);
    ck_assert_uint_eq(b.epoch, beats[_i].beat.epoch);
    ck_assert_uint_eq(b.repl_epoch, beats[_i].beat.repl_epoch);
    ck_assert_str_eq(b.fault, beats[_i].beat.fault);
    ck_assert(b.in_sync == beats[_i].beat.in_sync);
    ck_assert_uint_eq(b.finished, beats[_i].beat.finished);
    ck_assert_uint_eq(b.clock_ms, beats[_i].beat.clock_ms);
}
END_TEST

#define MS UINT64_C(1000000)

static const struct {
    uint64_t clock_ms, heard_ns, sure_ns, moment;
    const char *why;
} vouches[] = {
    { 5000, 70 * MS, 70 * MS, 5000, "the same moment by two clocks" },
    { 5000, 70 * MS, 90 * MS, 5020, "sure since it was heard" },
    { 5000, 70 * MS, 91 * MS - 1, 5020, "or a little less" },
    { 5000, 70 * MS, 50 * MS, 4980, "sure before that" },
    { 5000, 70 * MS, 50 * MS - 1, 4979, "or a little longer ago" },
    { 5000, 6000 * MS, 1000 * MS, 0, "before its machine was started" },
    { 5000, 9000 * MS, 1 * MS, 0, "or long before" },
    { 5000, 70 * MS, 0, 0, "nothing is known" },
    { 0, 70 * MS, 70 * MS, 0, "it has no lease" },
};

START_TEST(a_proxy_is_vouched_for_by_its_own_clock)
{
    uint64_t got = beat_moment(
        vouches[_i].clock_ms, vouches[_i].heard_ns, vouches[_i].sure_ns);

    ck_assert_msg(got == vouches[_i].moment, "%s: %llu", vouches[_i].why,
        (unsigned long long) got);
}
END_TEST

static const struct {
    const char *text;
    const char *body; /* NULL: it is no task */
} tasks[] = {
    { "c1 MIGRATING 1 4096-8191 7 a:1 a:2 b:1 b:2",
        "{\"cluster_name\":\"c1\",\"slot_range\":{\"range_list\":[[4096,8191]]"
        ",\"tag\":{\"Migrating\":{\"epoch\":7,\"src_proxy_address\":\"a:1\","
        "\"src_node_address\":\"a:2\",\"dst_proxy_address\":\"b:1\","
        "\"dst_node_address\":\"b:2\"}}}}" },
    { "c1 importing 2 0-1 5-5 7 a:1 a:2 b:1 b:2",
        "{\"cluster_name\":\"c1\",\"slot_range\":{\"range_list\":[[0,1],[5,5]]"
        ",\"tag\":{\"Importing\":{\"epoch\":7,\"src_proxy_address\":\"a:1\","
        "\"src_node_address\":\"a:2\",\"dst_proxy_address\":\"b:1\","
        "\"dst_node_address\":\"b:2\"}}}}" },
    { "", NULL },
    { "c1", NULL },
    { "c1 MIGRATING 0 7 a:1 a:2 b:1 b:2", NULL },
    { "c1 MIGRATING 2 0-1 7 a:1 a:2 b:1 b:2", NULL },
    { "c1 MIGRATING 1 0-1 7 a:1 a:2 b:1", NULL },
    { "c1 MIGRATING 1 0-1 7 a:1 a:2 b:1 b:2 more", NULL },
    { "c1 MIGRATING 1 0-1 x a:1 a:2 b:1 b:2", NULL },
    { "c1 STABLE 1 0-1 7 a:1 a:2 b:1 b:2", NULL },
    { "c1 MIGRATING 1 01 7 a:1 a:2 b:1 b:2", NULL },
    { "c\"1 MIGRATING 1 0-1 7 a:1 a:2 b:1 b:2", NULL },
    { "c1 MIGRATING 1 0-1 7 a:1 a\\:2 b:1 b:2", NULL },
};

START_TEST(a_finished_migration_is_read)
{
    migrate_task_t task;
    um_sbuf_t body = { 0 };
    um_rc_t rc = migrate_parse(um_str_of(tasks[_i].text), &task, &body);

    if (tasks[_i].body == NULL) {
        ck_assert_int_eq(rc, UM_DECLINED);
    } else {
        ck_assert_int_eq(rc, UM_OK);
        ck_assert_str_eq(um_sbuf_cstr(&body), tasks[_i].body);
        ck_assert_str_eq(task.src_proxy, "a:1");
        ck_assert_str_eq(task.dst_proxy, "b:1");
    }
    um_sbuf_deinit(&body);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("coord_rules");
    TCase *t = tcase_create("rules");

    tcase_add_loop_test(t, a_proxy_is_found_dead_or_not, 0, um_countof(lives));
    tcase_add_test(t, one_broker_is_kept_to_until_it_fails);
    tcase_add_test(t, when_all_brokers_rest_the_first_to_have_rested_is_asked);
    tcase_add_test(
        t, what_may_have_been_done_is_asked_again_only_if_that_is_harmless);
    tcase_add_loop_test(t, who_needs_metadata_gets_them, 0, um_countof(needs));
    tcase_add_test(t, what_a_proxy_says_to_metadata);
    tcase_add_test(t, destinations_know_before_sources);
    tcase_add_test(t, a_failed_proxy_has_to_be_well_for_a_while);
    tcase_add_test(t, two_looks_are_not_enough_however_far_apart);
    tcase_add_loop_test(t, a_beat_is_read, 0, um_countof(beats));
    tcase_add_loop_test(
        t, a_proxy_is_vouched_for_by_its_own_clock, 0, um_countof(vouches));
    tcase_add_loop_test(t, a_finished_migration_is_read, 0, um_countof(tasks));
    suite_add_tcase(s, t);

    return um_check_main(s);
}
