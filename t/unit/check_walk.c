/* Walks over a worker's clients: everybody once, some in each turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_clock.h"
#include "proxy/um_client_walk.h"
#include "um_check.h"

#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 1000 };

static um_worker_t *w;
static um_client_t *client;

/* Who has been visited, in order; how often a walk has ended. */
static uint64_t seen[2 * CLIENTS];
static size_t seen_count;
static int ended;

static void
comes(um_client_t *c, uint64_t id)
{
    c->w = w;
    c->st.id = id;
    um_list_add_tail(&w->clients, &c->link);
}

static void
leaves(um_client_t *c)
{
    um_client_walk_left(c);
    um_list_del(&c->link);
}

static void
setup(void)
{
    w = calloc(1, sizeof(*w));
    client = calloc(CLIENTS + 1, sizeof(*client));
    ck_assert(w != NULL && client != NULL);
    um_list_init(&w->clients);
    um_list_init(&w->walks);
    for (size_t i = 0; i < CLIENTS; i++) {
        comes(&client[i], 10 * (i + 1));
    }
    seen_count = 0;
    ended = 0;
}

static void
teardown(void)
{
    ck_assert(um_list_is_empty(&w->walks));
    free(client);
    free(w);
}

static void
visit(um_client_t *c, UM_UNUSED void *data)
{
    ck_assert_uint_lt(seen_count, um_countof(seen));
    seen[seen_count++] = c->st.id;
}

/* As dear as formatting it, and more. */
static void
visit_slowly(um_client_t *c, void *data)
{
    uint64_t until = um_clock_ns() + 100000;

    visit(c, data);
    while (um_clock_ns() < until) {
        /* it takes its time */
    }
}

static void
visit_and_kill(um_client_t *c, void *data)
{
    visit_slowly(c, data);
    leaves(c);
}

static void
walked(void *data)
{
    ck_assert_ptr_eq(data, w);
    ended++;
}

START_TEST(everybody_is_visited_once_and_in_order)
{
    ck_assert_int_eq(um_client_walk(w, visit, walked, w), UM_OK);
    ck_assert_uint_eq(seen_count, 0); /* not before the turn ends */
    while (ended == 0) {
        um_client_walk_on(w);
    }

    ck_assert_uint_eq(seen_count, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        ck_assert_uint_eq(seen[i], client[i].st.id);
    }
    um_client_walk_on(w);
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(a_turn_visits_some_of_them)
{
    size_t before = 0;

    ck_assert_int_eq(um_client_walk(w, visit_slowly, walked, w), UM_OK);
    while (ended == 0) {
        um_client_walk_on(w);
        ck_assert_uint_le(seen_count - before, 32);
        ck_assert(ended > 0 || seen_count > before);
        before = seen_count;
    }
    ck_assert_uint_eq(seen_count, CLIENTS);
}
END_TEST

START_TEST(a_walk_without_clients_ends)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        leaves(&client[i]);
    }
    ck_assert_int_eq(um_client_walk(w, visit, walked, w), UM_OK);
    ck_assert_int_eq(ended, 0);
    um_client_walk_on(w);
    ck_assert_int_eq(ended, 1);
    ck_assert_uint_eq(seen_count, 0);
}
END_TEST

/* Around the place where the walk stands, everywhere. */
START_TEST(who_leaves_meanwhile_is_left_out)
{
    size_t left = 0;

    ck_assert_int_eq(um_client_walk(w, visit_slowly, walked, w), UM_OK);
    while (ended == 0) {
        um_client_walk_on(w);
        for (size_t i = seen_count + left; i < CLIENTS && ended == 0; i++) {
            leaves(&client[i]); /* the very next, and one after it */
            left++;
            if (left % 2 == 0) {
                break;
            }
        }
    }
    ck_assert_uint_eq(seen_count + left, CLIENTS);
    ck_assert_uint_gt(left, 10);
}
END_TEST

START_TEST(who_comes_meanwhile_is_not_visited)
{
    ck_assert_int_eq(um_client_walk(w, visit_slowly, walked, w), UM_OK);
    um_client_walk_on(w);
    comes(&client[CLIENTS], 10 * CLIENTS + 1);
    while (ended == 0) {
        um_client_walk_on(w);
    }
    ck_assert_uint_eq(seen_count, CLIENTS);
    ck_assert_uint_eq(seen[CLIENTS - 1], 10 * CLIENTS);
}
END_TEST

START_TEST(a_later_walk_does_not_see_whom_an_earlier_one_killed)
{
    ck_assert_int_eq(um_client_walk(w, visit_and_kill, walked, w), UM_OK);
    ck_assert_int_eq(um_client_walk(w, visit, walked, w), UM_OK);
    while (ended < 2) {
        um_client_walk_on(w);
    }
    ck_assert_uint_eq(seen_count, CLIENTS);
}
END_TEST

START_TEST(walks_under_way_end_with_the_worker)
{
    ck_assert_int_eq(um_client_walk(w, visit_slowly, walked, w), UM_OK);
    ck_assert_int_eq(um_client_walk(w, visit, walked, w), UM_OK);
    um_client_walk_on(w);
    ck_assert_int_eq(ended, 0);
    um_client_walk_end(w);
    ck_assert_int_eq(ended, 2);
    ck_assert_uint_lt(seen_count, CLIENTS);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("walk");
    TCase *tc = tcase_create("walk");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, everybody_is_visited_once_and_in_order);
    tcase_add_test(tc, a_turn_visits_some_of_them);
    tcase_add_test(tc, a_walk_without_clients_ends);
    tcase_add_test(tc, who_leaves_meanwhile_is_left_out);
    tcase_add_test(tc, who_comes_meanwhile_is_not_visited);
    tcase_add_test(tc, a_later_walk_does_not_see_whom_an_earlier_one_killed);
    tcase_add_test(tc, walks_under_way_end_with_the_worker);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
