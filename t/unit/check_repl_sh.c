/*
 * Replication on the noticeboard: a writer killed at any instruction leaves
 * what it had published whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/um_repl_sh.h"
#include "um_check.h"

static um_repl_sh_t *sh;
static um_repl_t next, mine;
static um_repl_board_t board, found;

static void
setup(void)
{
    sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(sh, MAP_FAILED);
    ck_assert_int_eq(um_repl_sh_init(sh), UM_OK);
    um_repl_clear(&next);
    um_repl_clear(&mine);
}

static void
teardown(void)
{
    munmap(sh, sizeof(*sh));
}

/* Wishes whose every part says their epoch, so that a torn copy shows. */
static void
repl_fill(um_repl_t *r, uint64_t epoch)
{
    um_repl_clear(r);
    r->epoch = epoch;
    r->count = 1 + (uint32_t) (epoch % UM_REPL_NODES);
    for (uint32_t i = 0; i < r->count; i++) {
        um_repl_node_t *n = &r->node[i];

        memset(n, 0, sizeof(*n));
        n->role = UM_REPL_MASTER;
        n->peer_count = 1;
        snprintf(n->node, sizeof(n->node), "n%llu:%u",
            (unsigned long long) epoch, i);
        snprintf(n->peer[0].node, sizeof(n->peer[0].node), "p%llu:%u",
            (unsigned long long) epoch, i);
    }
}

static bool
repl_is_whole(const um_repl_t *r)
{
    static um_repl_t want;

    repl_fill(&want, r->epoch);
    return r->count == want.count
           && memcmp(r->node, want.node, r->count * sizeof(r->node[0])) == 0;
}

static void
board_fill(um_repl_board_t *b, uint64_t gen)
{
    b->of_gen = gen;
    b->count = 1 + (uint32_t) (gen % UM_REPL_NODES);
    b->pad = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        memset(&b->node[i], (int) (gen % 251), sizeof(b->node[i]));
        b->node[i].offset = gen;
    }
}

static bool
board_is_whole(const um_repl_board_t *b)
{
    static um_repl_board_t want;

    board_fill(&want, b->of_gen);
    return b->count == want.count
           && memcmp(b->node, want.node, b->count * sizeof(b->node[0])) == 0;
}

START_TEST(nothing_is_wanted_at_first)
{
    uint64_t gen = 0;

    ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_DECLINED);
    ck_assert_int_eq(um_repl_refresh_found(sh, &found, &gen), UM_DECLINED);
    ck_assert_uint_eq(gen, 0);
}
END_TEST

START_TEST(an_old_epoch_is_declined_unless_forced)
{
    uint64_t gen = 0, wished;

    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_DECLINED);
    repl_fill(&next, 7);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_OK);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_DECLINED);
    ck_assert_int_eq(um_repl_publish(sh, &next, true), UM_OK);
    repl_fill(&next, 3);
    wished = atomic_load(&sh->wished_ns);
    ck_assert_uint_ne(wished, 0);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_DECLINED);
    ck_assert_uint_eq(atomic_load(&sh->wished_ns), wished);
    ck_assert_int_eq(um_repl_publish(sh, &next, true), UM_OK);
    ck_assert_uint_eq(atomic_load(&sh->epoch), 3);
    ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_OK);
    ck_assert_uint_eq(gen, 3);
    ck_assert_uint_eq(mine.epoch, 3);
    ck_assert(repl_is_whole(&mine));
    ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_DECLINED);
}
END_TEST

START_TEST(a_busy_writer_is_not_waited_for)
{
    next.epoch = 1;
    ck_assert_int_eq(pthread_mutex_lock(&sh->writer), 0);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_AGAIN);
    ck_assert_int_eq(pthread_mutex_unlock(&sh->writer), 0);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_OK);
}
END_TEST

START_TEST(a_writer_that_dies_leaves_the_truth_whole)
{
    uint64_t gen = 0;
    pid_t pid;

    repl_fill(&next, 1);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_OK);

    pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(&sh->writer);
        memset(&sh->wanted[0], 0xa5, sizeof(sh->wanted[0])); /* the spare */
        kill(getpid(), SIGKILL);
    }

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_OK);
    ck_assert_uint_eq(mine.epoch, 1);
    repl_fill(&next, 2);
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_OK);
    ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_OK);
    ck_assert(repl_is_whole(&mine));
}
END_TEST

START_TEST(a_writer_that_dies_behind_the_flip_has_published)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_mutex_lock(&sh->writer);
        repl_fill(&sh->wanted[1], 9);
        atomic_store(&sh->gen, 1); /* and not yet the epoch */
        kill(getpid(), SIGKILL);
    }

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    next.epoch = 9;
    ck_assert_int_eq(um_repl_publish(sh, &next, false), UM_DECLINED);
    ck_assert_uint_eq(atomic_load(&sh->epoch), 9);
}
END_TEST

/* Both halves of the zone, written as fast as can be and killed anywhere. */
START_TEST(writers_killed_anywhere_do_no_harm)
{
    uint64_t gen = 0, found_gen = 0;

    for (int round = 0; round < 100; round++) {
        uint64_t start = atomic_load(&sh->gen);
        pid_t pid = fork();

        if (pid == 0) {
            for (;;) {
                uint64_t now = atomic_load(&sh->gen) + 1;

                repl_fill(&next, now);
                board_fill(&board, now);
                um_repl_show(sh, &board);
                if (um_repl_publish(sh, &next, true) == UM_ERR) {
                    _exit(1);
                }
            }
        }

        while (atomic_load(&sh->gen) < start + 3 + (uint64_t) (round % 7)) {
            um_rc_t rc = um_repl_refresh(sh, &mine, &gen);
            um_rc_t rc2 = um_repl_refresh_found(sh, &found, &found_gen);

            ck_assert(rc != UM_OK || repl_is_whole(&mine));
            ck_assert(rc2 != UM_OK || board_is_whole(&found));
        }

        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

        gen = found_gen = 0;
        ck_assert_int_eq(um_repl_refresh(sh, &mine, &gen), UM_OK);
        ck_assert_int_eq(um_repl_refresh_found(sh, &found, &found_gen), UM_OK);
        ck_assert(repl_is_whole(&mine));
        ck_assert(board_is_whole(&found));
        ck_assert_uint_eq(gen, atomic_load(&sh->gen));
    }
}
END_TEST

START_TEST(every_state_has_a_name)
{
    for (int i = 0; i <= UM_REPL_IN_SYNC; i++) {
        ck_assert_str_ne(um_repl_state_name((um_repl_state_t) i), "unknown");
    }
    ck_assert_str_eq(
        um_repl_state_name((um_repl_state_t) (UM_REPL_IN_SYNC + 1)), "unknown");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("zone");
    Suite *s = suite_create("replication");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_is_wanted_at_first);
    tcase_add_test(t, an_old_epoch_is_declined_unless_forced);
    tcase_add_test(t, a_busy_writer_is_not_waited_for);
    tcase_add_test(t, a_writer_that_dies_leaves_the_truth_whole);
    tcase_add_test(t, a_writer_that_dies_behind_the_flip_has_published);
    tcase_add_test(t, writers_killed_anywhere_do_no_harm);
    tcase_add_test(t, every_state_has_a_name);
    suite_add_tcase(s, t);
    return um_check_main(s);
}
