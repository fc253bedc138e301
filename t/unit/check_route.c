/* Where a command goes, and which generations still have unanswered ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_gens.h"
#include "proxy/um_route.h"
#include "um_check.h"

#include <stdlib.h>
#include <string.h>

/* Slots of the topology all routes are asked in. */
enum { SLOT_OURS = 100, SLOT_THEIRS = 200, SLOT_NOBODY = 300 };

static um_topo_t *topo;

/* One local node, one peer, and a slot nobody owns. */
static void
topo_setup(void)
{
    topo = malloc(sizeof(*topo));
    ck_assert_ptr_nonnull(topo);
    um_topo_clear(topo);
    memcpy(topo->cluster, "mine", 5);
    topo->local_count = 1;
    topo->addr_count = 2;
    topo->owner[SLOT_OURS] = 0;
    topo->owner[SLOT_THEIRS] = 1;
}

static void
topo_teardown(void)
{
    free(topo);
}

/* ---- where to ----------------------------------------------------------- */

static const struct {
    uint16_t slot;
    uint8_t hops; /* of the command that came */
    um_route_conf_t conf;
    um_go_t go;
    uint8_t left; /* PEER: the counter it is sent on with */
    const char *why;
} routes[] = {
    { SLOT_OURS, 0, { false, false, 0 }, UM_GO_LOCAL, 0, "ours" },
    { SLOT_OURS, 0, { true, false, 1 }, UM_GO_LOCAL, 0, "ours needs no hop" },
    { SLOT_OURS, 1, { true, false, 1 }, UM_GO_LOCAL, 0, "the last hop ends" },
    { SLOT_THEIRS, 0, { false, false, 0 }, UM_GO_MOVED, 0, "told whose it is" },
    { SLOT_THEIRS, 0, { false, true, 0 }, UM_GO_MOVED, 0,
        "the default is for when there is no metadata" },
    { SLOT_THEIRS, 0, { true, false, 0 }, UM_GO_PEER, UM_REDIRECTIONS_MAX - 2,
        "as many hops as there may be" },
    { SLOT_THEIRS, 0, { true, false, 2 }, UM_GO_PEER, 0, "two of two" },
    { SLOT_THEIRS, 0, { true, false, 1 }, UM_GO_TOO_FAR, 0,
        "one redirection is none" },
    { SLOT_THEIRS, 3, { true, false, 1 }, UM_GO_PEER, 1,
        "a forwarded one brings its own counter" },
    { SLOT_THEIRS, 2, { true, false, 0 }, UM_GO_PEER, 0, "its last hop" },
    { SLOT_THEIRS, 1, { true, false, 0 }, UM_GO_TOO_FAR, 0, "no hop left" },
    { SLOT_THEIRS, 2, { false, false, 0 }, UM_GO_PEER, 0,
        "who forwarded wants an answer, no redirection" },
    { SLOT_THEIRS, 1, { false, false, 0 }, UM_GO_TOO_FAR, 0, "nor a MOVED" },
    { SLOT_NOBODY, 0, { true, true, 0 }, UM_GO_NOWHERE, 0, "nobody's" },
    { SLOT_NOBODY, 2, { false, false, 0 }, UM_GO_NOWHERE, 0, "nobody's" },
};

START_TEST(a_slot_goes_where_it_is_owned)
{
    um_verdict_t v =
        um_route(topo, routes[_i].slot, routes[_i].hops, &routes[_i].conf);

    ck_assert_msg(v.go == routes[_i].go, "%s: got %d", routes[_i].why, v.go);
    if (v.go == UM_GO_PEER) {
        ck_assert_msg(v.hops == routes[_i].left, "%s: got %u hops",
            routes[_i].why, v.hops);
    }
    if (v.go == UM_GO_PEER || v.go == UM_GO_MOVED || v.go == UM_GO_LOCAL) {
        ck_assert_uint_eq(v.addr, topo->owner[routes[_i].slot]);
    }
}
END_TEST

START_TEST(without_metadata_all_is_down_or_elsewhere)
{
    um_route_conf_t conf = { .active = true };

    topo->cluster[0] = '\0';
    ck_assert_int_eq(um_route(topo, SLOT_OURS, 0, &conf).go, UM_GO_DOWN);
    ck_assert_int_eq(um_route(topo, SLOT_THEIRS, 3, &conf).go, UM_GO_DOWN);

    conf.default_redirection = true;
    ck_assert_int_eq(um_route(topo, SLOT_OURS, 0, &conf).go, UM_GO_ELSEWHERE);
}
END_TEST

/* However it is configured, a command comes to its end. */
START_TEST(hops_only_become_less)
{
    for (unsigned max = 0; max < 256; max++) {
        um_route_conf_t conf = { true, false, (uint8_t) max };
        uint8_t hops = 0;
        unsigned way = 0;
        um_verdict_t v;

        for (;;) {
            v = um_route(topo, SLOT_THEIRS, hops, &conf);
            if (v.go != UM_GO_PEER) {
                break;
            }
            ck_assert_uint_lt(++way, 256);
            ck_assert(hops == 0 || v.hops + 1 < hops);
            hops = (uint8_t) (v.hops + 1);
        }
        ck_assert_int_eq(v.go, UM_GO_TOO_FAR);
    }
}
END_TEST

/* ---- the slot of a command ---------------------------------------------- */

static const struct {
    const char *key[4]; /* NULL ends */
    bool one;
    const char *why;
} commands[] = {
    { { "a" }, true, "one key is in one slot" },
    { { "{t}a", "{t}b", "{t}" }, true, "a tag puts them together" },
    { { "a", "b" }, false, "two slots" },
    { { "{t}a", "{t}b", "c" }, false, "the last one is elsewhere" },
    { { "a", "a", "a" }, true, "the same key" },
};

START_TEST(keys_of_one_slot_are_told_from_others)
{
    um_str_t argv[4];
    um_key_t key[4] = { { 0 } };
    um_keys_t keys = { .key = key };
    uint16_t slot = 0;
    um_rc_t rc;

    while (keys.count < 4 && commands[_i].key[keys.count] != NULL) {
        const char *text = commands[_i].key[keys.count];

        argv[keys.count] = (um_str_t){ text, strlen(text) };
        key[keys.count].pos = keys.count;
        keys.count++;
    }

    rc = um_route_slot(argv, &keys, &slot);
    ck_assert_msg((rc == UM_OK) == commands[_i].one, "%s", commands[_i].why);
    if (rc == UM_OK) {
        ck_assert_uint_eq(slot, um_slot_of(argv[0]));
    }
}
END_TEST

/* ---- generations -------------------------------------------------------- */

START_TEST(what_is_unanswered_holds_its_generation)
{
    um_gens_t g;
    uint8_t a, b;

    um_gens_init(&g, 7);
    ck_assert_uint_eq(um_gens_done(&g), 7);

    a = um_gens_in(&g);
    um_gens_advance(&g, 8);
    ck_assert_uint_eq(um_gens_done(&g), 7);

    b = um_gens_in(&g);
    um_gens_advance(&g, 9);
    um_gens_out(&g, b);
    ck_assert_uint_eq(um_gens_done(&g), 7);

    um_gens_out(&g, a);
    ck_assert_uint_eq(um_gens_done(&g), 9);
}
END_TEST

START_TEST(the_newer_of_two_may_be_answered_last)
{
    um_gens_t g;
    uint8_t a, b;

    um_gens_init(&g, 1);
    a = um_gens_in(&g);
    um_gens_advance(&g, 2);
    b = um_gens_in(&g);
    um_gens_advance(&g, 3);

    um_gens_out(&g, a);
    ck_assert_uint_eq(um_gens_done(&g), 2);
    um_gens_out(&g, b);
    ck_assert_uint_eq(um_gens_done(&g), 3);
}
END_TEST

START_TEST(a_quiet_worker_is_done_with_all_it_knows)
{
    um_gens_t g;

    um_gens_init(&g, 0);
    for (uint64_t gen = 1; gen < 1000; gen++) {
        um_gens_advance(&g, gen);
        ck_assert_uint_eq(um_gens_done(&g), gen);
        um_gens_out(&g, um_gens_in(&g));
    }
}
END_TEST

START_TEST(a_full_ring_lags_but_never_says_too_much)
{
    enum { GENS = 3 * UM_GENS_MAX };
    uint8_t place[GENS];
    um_gens_t g;

    um_gens_init(&g, 0);
    for (uint64_t gen = 0; gen < GENS; gen++) {
        um_gens_advance(&g, gen);
        place[gen] = um_gens_in(&g);
        ck_assert_uint_eq(um_gens_done(&g), 0);
    }

    /* Those that are answered in order free theirs, and no newer ones. */
    for (uint64_t gen = 0; gen < GENS; gen++) {
        ck_assert_uint_le(um_gens_done(&g), gen);
        um_gens_out(&g, place[gen]);
    }
    ck_assert_uint_eq(um_gens_done(&g), GENS - 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("route");
    TCase *tc = tcase_create("route");

    tcase_add_checked_fixture(tc, topo_setup, topo_teardown);
    tcase_add_loop_test(
        tc, a_slot_goes_where_it_is_owned, 0, um_countof(routes));
    tcase_add_test(tc, without_metadata_all_is_down_or_elsewhere);
    tcase_add_test(tc, hops_only_become_less);
    tcase_add_loop_test(
        tc, keys_of_one_slot_are_told_from_others, 0, um_countof(commands));
    tcase_add_test(tc, what_is_unanswered_holds_its_generation);
    tcase_add_test(tc, the_newer_of_two_may_be_answered_last);
    tcase_add_test(tc, a_quiet_worker_is_done_with_all_it_knows);
    tcase_add_test(tc, a_full_ring_lags_but_never_says_too_much);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
