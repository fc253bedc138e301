/*
 * check_broker_replica.c -- what is done about a replica, and what is known of
 * it, answer by answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "replica.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#define EVERY 1000

/*
 * A story is of words:  v7/40 there is version 7, our epoch is 40;  t5 five
 * seconds go by;  p, c, r  it is pushed to, checked, left alone;  then what it
 * answers, "-" for nothing, and what is known afterwards:
 * state, lag in s, news.
 */
typedef struct {
    const char *deed; /* what is to be done */
    const char *says; /* "200 body"; NULL: the question stays open */
    const char *then; /* "synced 0 came" */
} step_t;

typedef struct {
    const char *why;
    struct {
        const char *words;
        step_t step;
    } line[12];
} story_t;

#define SMALLER "409 {\"error\":\"EPOCH_SMALLER_THAN_CURRENT\"}"

static const story_t stories[] = {
    {
        .why = "it gets what has changed, once, and is looked after",
        .line = {
            { "v1/10", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "200 10", "synced 0 -" } },
            { "t1 v2/11 t3", { "push", "200 ", "synced 0 -" } },
            { "t1", { "check", "200 11", "synced 0 -" } },
            { "t1 v3/11", { "push", "200 ", "synced 0 -" } },
        },
    },
    {
        .why = "what it has lost it gets again",
        .line = {
            { "v5/10", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "200 0", "unknown 0 lost" } },
            { "t2", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "200 9", "unknown 0 lost" } },
            { "t4", { "push", "-timed out", "failing 4 left" } },
            { "t1", { "push", "200 ", "synced 0 came" } },
        },
    },
    {
        .why = "a change while it is asked is not forgotten",
        .line = {
            { "v1/10", { "push", NULL, "unknown 0 -" } },
            { "t2 v2/11", { "rest", NULL, "unknown 2 -" } },
            { "t1", { "=", "200 ", "synced 3 came" } },
            { "t1", { "push", "200 ", "synced 0 -" } },
            /* Nor is its older epoch taken for a loss. */
            { "t1", { "check", NULL, "synced 0 -" } },
            { "v3/12", { "=", "200 11", "synced 0 -" } },
            { "t1", { "push", "200 ", "synced 0 -" } },
        },
    },
    {
        .why = "one that does not answer is tried each time",
        .line = {
            { "v1/10", { "push", "-connect failed", "failing 0 left" } },
            { "t1", { "push", "-connect failed", "failing 1 -" } },
            { "t1", { "push", "-timed out", "failing 2 -" } },
            { "t1", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "-connect failed", "failing 0 left" } },
            { "t1", { "check", "200 10", "synced 0 came" } },
        },
    },
    {
        .why = "one that refuses is tried less and less often",
        .line = {
            { "v1/10", { "push", "401 who", "failing 0 left" } },
            { "", { "rest", NULL, "failing 0 -" } },
            { "t1", { "push", "500 ", "failing 1 -" } },
            { "t1", { "rest", NULL, "failing 2 -" } },
            { "t1", { "push", "404 ", "failing 3 -" } },
            { "t3", { "rest", NULL, "failing 6 -" } },
            { "t1", { "push", "200 ", "synced 0 came" } },
            { "t1 v2/11", { "push", "401 ", "failing 0 left" } },
            { "t1", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "200 what", "failing 0 left" } },
        },
    },
    {
        .why = "one that is ahead is only asked whether it still is",
        .line = {
            { "v1/10", { "push", SMALLER, "ahead 0 left" } },
            { "t1", { "check", "200 12", "ahead 1 -" } },
            { "t1 v2/11", { "check", "200 12", "ahead 2 -" } },
            { "t1 v3/12", { "push", "200 ", "synced 0 came" } },
            { "t1", { "check", "200 13", "ahead 0 left" } },
            { "t1 v4/20", { "push", "-timed out", "failing 0 left" } },
            { "t1", { "push", "409 no", "failing 1 -" } },
        },
    },
    {
        .why = "two brokers at one epoch do not try for ever, nor tell so",
        .line = {
            { "v1/10", { "push", SMALLER, "ahead 0 left" } },
            { "t1", { "check", "200 10", "ahead 1 -" } },
            { "", { "push", SMALLER, "ahead 1 -" } },
            { "t1", { "rest", NULL, "ahead 2 -" } },
            { "t1", { "check", "200 10", "ahead 3 -" } },
            { "", { "push", SMALLER, "ahead 3 -" } },
            { "t3", { "rest", NULL, "ahead 6 -" } },
            { "t1 v2/11", { "check", "200 10", "ahead 7 -" } },
            { "", { "push", "200 ", "synced 0 came" } },
        },
    },
};

typedef struct {
    replica_t r;
    replica_now_t now;
    uint64_t version;
    uint64_t epoch;
    const story_t *story;
} life_t;

static void
words(life_t *l, const char *text)
{
    unsigned long a;
    unsigned long b;

    for (; *text != '\0'; text += strcspn(text, " "), text += *text == ' ') {
        if (sscanf(text, "v%lu/%lu", &a, &b) == 2) {
            l->version = a;
            l->epoch = b;
            replica_want(&l->r, l->version, &l->now);
        } else if (sscanf(text, "t%lu", &a) == 1) {
            l->now.ms += 1000 * a;
            l->now.wall += a;
        }
    }
}

static replica_news_t
answer(life_t *l, const char *says)
{
    replica_answer_t a = { .why = says + 1 };

    if (*says != '-') {
        a.status = (unsigned) atoi(says);
        a.body = um_str_of(says + 4);
    }
    return replica_told(&l->r, &a, l->version, EVERY, &l->now);
}

static void
step(life_t *l, const step_t *s, size_t i)
{
    static const char *const deeds[] = { "rest", "check", "push" };
    static const char *const news[] = { "-", "came", "lost", "left" };
    replica_news_t n = REPLICA_NO_NEWS;
    char then[80];

    if (strcmp(s->deed, "=") != 0) {
        replica_deed_t d = replica_next(&l->r, l->version, l->epoch, &l->now);

        ck_assert_msg(strcmp(deeds[d], s->deed) == 0, "%s: %zu: %s, not %s",
            l->story->why, i, deeds[d], s->deed);
        if (d != REPLICA_REST) {
            replica_asked(&l->r, d, l->version, l->epoch, &l->now);
        }
    }
    if (s->says != NULL) {
        n = answer(l, s->says);
    }

    snprintf(then, sizeof(then), "%s %u %s", replica_state_name(l->r.state),
        (unsigned) replica_lag(&l->r, &l->now), news[n]);
    ck_assert_msg(strcmp(then, s->then) == 0, "%s: %zu: '%s', not '%s'",
        l->story->why, i, then, s->then);
    ck_assert_msg(
        (l->r.error[0] != '\0')
            == (l->r.state == REPLICA_FAILING || l->r.state == REPLICA_AHEAD),
        "%s: %zu: %s", l->story->why, i, l->r.error);
}

START_TEST(each_answer_leads_to_what_is_right)
{
    life_t l = { .now = { 5000, 1000 }, .story = &stories[_i] };

    for (size_t i = 0; l.story->line[i].step.deed != NULL; i++) {
        words(&l, l.story->line[i].words);
        step(&l, &l.story->line[i].step, i);
    }
}
END_TEST

START_TEST(who_refuses_for_ever_is_asked_once_a_minute)
{
    replica_t r = { .state = REPLICA_UNKNOWN };
    replica_now_t now = { 1, 1 };
    replica_answer_t a = { .status = 403 };
    unsigned asked = 0;

    for (unsigned s = 0; s < 3600; s++) {
        now.ms += 1000;
        if (replica_next(&r, 1, 1, &now) == REPLICA_PUSH) {
            replica_asked(&r, REPLICA_PUSH, 1, 1, &now);
            (void) replica_told(&r, &a, 1, 1000, &now);
            asked++;
        }
    }
    ck_assert_uint_ge(asked, 60);
    ck_assert_uint_le(asked, 70);
}
END_TEST

START_TEST(what_a_stranger_says_is_cut_and_harmless)
{
    replica_t r = { .state = REPLICA_UNKNOWN };
    replica_now_t now = { 1, 1 };
    char body[300];
    replica_answer_t a = { .status = 400, .body = { body, sizeof(body) } };

    for (size_t i = 0; i < sizeof(body); i++) {
        body[i] = (char) i;
    }
    replica_asked(&r, REPLICA_PUSH, 1, 1, &now);
    (void) replica_told(&r, &a, 1, 1000, &now);
    ck_assert_uint_lt(strlen(r.error), sizeof(r.error));
    for (const char *c = r.error; *c != '\0'; c++) {
        ck_assert(*c >= ' ' && *c <= '~' && *c != '"' && *c != '\\');
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker replica");
    TCase *tc = tcase_create("replica");

    tcase_add_loop_test(
        tc, each_answer_leads_to_what_is_right, 0, um_countof(stories));
    tcase_add_test(tc, who_refuses_for_ever_is_asked_once_a_minute);
    tcase_add_test(tc, what_a_stranger_says_is_cut_and_harmless);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
