/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_topo_sh.h"
#include "shm/um_settings.h"
#include "shm/um_shm.h"
#include "shm/um_workers.h"
#include "um_check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static um_topo_sh_t *sh;
static um_topo_t next, mine;

static void *
share(size_t size)
{
    void *p = mmap(
        NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

static void
setup(void)
{
    sh = share(sizeof(*sh));
    ck_assert_int_eq(um_topo_sh_init(sh), UM_OK);
    um_topo_clear(&next);
    um_topo_clear(&mine);
}

static void
teardown(void)
{
    munmap(sh, sizeof(*sh));
}

/*
 * A topology whose every part says its epoch, so that a torn copy shows:
 * `epoch` % 97 ranges and texts, all of them `epoch`.
 */
static void
topo_fill(um_topo_t *t, uint64_t epoch)
{
    uint32_t n = 1 + (uint32_t) (epoch % 97);

    um_topo_clear(t);
    t->epoch = epoch;
    t->scan_count = epoch;
    t->addr_count = n;
    t->local_count = 1;
    t->entry_count = n;
    t->range_count = n;
    t->text_len = n * 8;

    for (uint32_t i = 0; i < n; i++) {
        t->addr[i] = (um_topo_addr_t){ { i * 8, 8 }, i, 1 };
        t->entry[i] = (um_topo_entry_t){ i, 1, UM_TAG_NONE, 0 };
        t->range[i] =
            (um_topo_range_t){ 100 * i, 100 * i + (uint32_t) (epoch % 100) };
        memcpy(t->text + i * 8, &epoch, 8);
    }

    um_topo_own(t);
}

static bool
topo_is_whole(const um_topo_t *t)
{
    static um_topo_t want;

    topo_fill(&want, t->epoch);
    return um_topo_check(t) && t->addr_count == want.addr_count
           && t->scan_count == want.scan_count
           && memcmp(t->range, want.range,
                  want.range_count * sizeof(want.range[0]))
                  == 0
           && memcmp(t->owner, want.owner, sizeof(want.owner)) == 0
           && memcmp(t->text, want.text, want.text_len) == 0;
}

START_TEST(nothing_is_published_at_first)
{
    uint64_t gen = 0;

    ck_assert_int_eq(um_topo_refresh(sh, &mine, &gen), UM_DECLINED);
    ck_assert_uint_eq(gen, 0);
    ck_assert_uint_eq(atomic_load(&sh->epoch), 0);
}
END_TEST

START_TEST(an_old_epoch_is_declined_unless_forced)
{
    uint64_t gen = 0;

    next.epoch = 0;
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_DECLINED);
    ck_assert_uint_eq(gen, 0);

    next.epoch = 7;
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
    ck_assert_uint_eq(gen, 1);
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_DECLINED);
    ck_assert_uint_eq(gen, 1);
    ck_assert_int_eq(um_topo_publish(sh, &next, true, &gen), UM_OK);
    ck_assert_uint_eq(gen, 2);

    next.epoch = 3;
    ck_assert_int_eq(um_topo_publish(sh, &next, true, &gen), UM_OK);
    ck_assert_uint_eq(gen, 3);
    ck_assert_uint_eq(atomic_load(&sh->epoch), 3);

    next.epoch = 4;
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
    ck_assert_uint_eq(gen, 4);
}
END_TEST

START_TEST(a_reader_gets_the_newest_and_only_once)
{
    uint64_t gen = 0, mine_gen = 0;

    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        topo_fill(&next, epoch);
        ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
    }

    ck_assert_int_eq(um_topo_refresh(sh, &mine, &mine_gen), UM_OK);
    ck_assert_uint_eq(mine_gen, gen);
    ck_assert_uint_eq(mine.epoch, 3);
    ck_assert(topo_is_whole(&mine));
    ck_assert_int_eq(um_topo_refresh(sh, &mine, &mine_gen), UM_DECLINED);
}
END_TEST

START_TEST(a_busy_writer_is_not_waited_for)
{
    uint64_t gen;

    next.epoch = 1;
    ck_assert_int_eq(pthread_mutex_lock(&sh->writer), 0);
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_AGAIN);
    ck_assert_int_eq(pthread_mutex_unlock(&sh->writer), 0);
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
}
END_TEST

START_TEST(a_writer_that_dies_leaves_the_truth_whole)
{
    uint64_t gen = 0, mine_gen = 0;
    pid_t pid;

    topo_fill(&next, 1);
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);

    pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(&sh->writer);
        memset(&sh->half[0], 0xa5, sizeof(sh->half[0])); /* the spare */
        kill(getpid(), SIGKILL);
    }

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(um_topo_refresh(sh, &mine, &mine_gen), UM_OK);
    ck_assert_uint_eq(mine.epoch, 1);

    topo_fill(&next, 2);
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
    ck_assert_int_eq(um_topo_refresh(sh, &mine, &mine_gen), UM_OK);
    ck_assert_uint_eq(mine.epoch, 2);
    ck_assert(topo_is_whole(&mine));
}
END_TEST

START_TEST(a_writer_that_dies_behind_the_flip_has_published)
{
    uint64_t gen = 0;
    pid_t pid = fork();

    if (pid == 0) {
        pthread_mutex_lock(&sh->writer);
        topo_fill(&sh->half[1], 9);
        atomic_store(&sh->gen, 1); /* and not yet the epoch */
        kill(getpid(), SIGKILL);
    }

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

    next.epoch = 9;
    ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_DECLINED);
    ck_assert_uint_eq(gen, 1);
    ck_assert_uint_eq(atomic_load(&sh->epoch), 9);
}
END_TEST

/*
 * Writers publish as fast as they can, and are killed at whatever instruction
 * they are; what is published stays whole and the next one can go on.
 */
START_TEST(writers_killed_anywhere_do_no_harm)
{
    uint64_t mine_gen = 0, epoch = 0;

    for (int round = 0; round < 100; round++) {
        uint64_t gen, start = atomic_load(&sh->gen);
        pid_t pid = fork();

        if (pid == 0) {
            do {
                topo_fill(&next, atomic_load(&sh->gen) + 1);
            } while (um_topo_publish(sh, &next, true, &gen) != UM_ERR);
            _exit(1);
        }

        while (atomic_load(&sh->gen) < start + 3 + (uint64_t) (round % 7)) {
            um_rc_t rc = um_topo_refresh(sh, &mine, &mine_gen);

            ck_assert(rc != UM_OK || topo_is_whole(&mine));
        }

        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

        ck_assert_int_ne(um_topo_refresh(sh, &mine, &mine_gen), UM_AGAIN);
        ck_assert_uint_eq(mine_gen, atomic_load(&sh->gen));
        ck_assert(topo_is_whole(&mine));
        ck_assert_uint_ge(mine.epoch, epoch);
        epoch = mine.epoch;
    }
}
END_TEST

static _Atomic bool stop;

/* NULL, or where it got something that was not whole. */
static void *
reader_main(void *arg)
{
    static char torn[] = "torn";
    um_topo_t *copy = malloc(sizeof(*copy));
    uint64_t gen = 0, last = 0, *taken = arg;

    um_topo_clear(copy);

    while (!atomic_load(&stop)) {
        if (um_topo_refresh(sh, copy, &gen) == UM_OK) {
            *taken += 1;
            if (gen <= last || copy->epoch != gen || !um_topo_check(copy)) {
                free(copy);
                return torn;
            }

            last = gen;
        }
    }

    free(copy);
    return NULL;
}

START_TEST(readers_beside_a_writer_see_whole_topologies)
{
    pthread_t reader[2];
    uint64_t taken[2] = { 0, 0 }, gen;
    void *trouble;

    atomic_store(&stop, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            pthread_create(&reader[i], NULL, reader_main, &taken[i]), 0);
    }

    for (uint64_t epoch = 1; epoch <= 2000; epoch++) {
        topo_fill(&next, epoch);
        ck_assert_int_eq(um_topo_publish(sh, &next, false, &gen), UM_OK);
    }

    /* The last one stays, so each of them gets it in the end. */
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(reader[i], &trouble), 0);
        ck_assert_ptr_null(trouble);
    }

    gen = 0;
    ck_assert_int_eq(um_topo_refresh(sh, &mine, &gen), UM_OK);
    ck_assert_uint_eq(mine.epoch, 2000);
}
END_TEST

START_TEST(workers_that_route_are_waited_for_and_others_not)
{
    static const struct {
        uint32_t state;
        int32_t pid;
        bool waited;
    } rows[] = {
        { UM_ROW_FREE, 0, false },
        { UM_ROW_STARTING, 0, false },
        { UM_ROW_STARTING, 5, true },
        { UM_ROW_RUNNING, 5, true },
        { UM_ROW_DRAINING, 5, true },
        { UM_ROW_DEAD, 5, false },
    };
    um_workers_sh_t *w = share(um_workers_size(3));

    um_workers_init(w, 3);
    ck_assert_uint_eq(w->rows, 3);
    ck_assert(um_workers_saw(w, 9));

    for (size_t i = 0; i < um_countof(rows); i++) {
        um_row_sh_t *row = &w->row[1];

        atomic_store(&row->pid, rows[i].pid);
        atomic_store(&row->state, rows[i].state);

        atomic_store(&row->gen_seen, 8);
        atomic_store(&row->gen_done, 7);
        ck_assert_int_eq(um_workers_saw(w, 9), !rows[i].waited);
        ck_assert_int_eq(um_workers_done(w, 8), !rows[i].waited);
        ck_assert(um_workers_saw(w, 8));
        ck_assert(um_workers_done(w, 7));
    }

    /* The dead one's bytes may still be executed. */
    atomic_store(&w->row[1].conns, 8);
    atomic_store(&w->row[1].conn[7].id, 99);
    ck_assert(um_workers_saw(w, 9));
    ck_assert(!um_workers_done(w, 8));
    atomic_store(&w->row[1].conn[7].id, 0);
    ck_assert(um_workers_done(w, 8));

    munmap(w, um_workers_size(3));
}
END_TEST

START_TEST(counters_of_dead_workers_still_count)
{
    um_workers_sh_t *w = share(um_workers_size(2));

    um_workers_init(w, 2);
    um_stat_add(&w->row[0], UM_STAT_COMMANDS, 5);
    um_stat_add(&w->row[1], UM_STAT_COMMANDS, 6);
    um_stat_add(&w->row[1], UM_STAT_COMMANDS, 1);
    atomic_store(&w->row[1].state, UM_ROW_DEAD);
    ck_assert_uint_eq(um_workers_sum(w, UM_STAT_COMMANDS), 12);
    ck_assert_uint_eq(um_workers_sum(w, UM_STAT_TURNS), 0);

    um_workers_forget(w);
    ck_assert_uint_eq(um_workers_recent(w, UM_STAT_COMMANDS), 0);
    um_stat_add(&w->row[0], UM_STAT_COMMANDS, 3);
    ck_assert_uint_eq(um_workers_recent(w, UM_STAT_COMMANDS), 3);
    ck_assert_uint_eq(um_workers_sum(w, UM_STAT_COMMANDS), 15);
    munmap(w, um_workers_size(2));
}
END_TEST

START_TEST(every_counter_has_a_name_a_unit_and_a_sentence)
{
    for (int i = 0; i < UM_STAT_MAX; i++) {
        const um_stat_info_t *info = um_stat_info((um_stat_t) i);

        ck_assert_uint_gt(strlen(info->name), 3);
        ck_assert_uint_eq(strspn(info->name, "abcdefghijklmnopqrstuvwxyz_"),
            strlen(info->name));
        ck_assert_uint_gt(strlen(info->unit), 0);
        ck_assert_int_eq(info->doc[strlen(info->doc) - 1], '.');
    }

    ck_assert_str_eq(
        um_stat_info(UM_STAT_CLIENTS_ACCEPTED)->name, "clients_accepted");
}
END_TEST

START_TEST(every_number_has_a_metric_that_prometheus_takes)
{
    for (int i = 0; i < UM_STAT_MAX + UM_GAUGE_MAX; i++) {
        bool grows = i < UM_STAT_MAX;
        const um_stat_info_t *info =
            grows ? um_stat_info((um_stat_t) i)
                  : um_gauge_info((um_gauge_t) (i - UM_STAT_MAX));
        size_t len = strlen(info->metric);

        ck_assert_msg(
            strspn(info->metric, "abcdefghijklmnopqrstuvwxyz_0123456789")
                == len,
            "%s", info->metric);
        ck_assert_msg(
            (len > 6 && strcmp(info->metric + len - 6, "_total") == 0) == grows,
            "%s", info->metric);
        ck_assert_msg(
            (info->labels != NULL) == (um_stat_family(info->metric) != NULL),
            "%s: labels are for families, and families have them",
            info->metric);
    }
}
END_TEST

START_TEST(a_gauge_counts_while_its_worker_lives)
{
    um_workers_sh_t *ws = share(um_workers_size(3));

    um_workers_init(ws, 3);
    for (int i = 0; i < 3; i++) {
        um_gauge_set(&ws->row[i], UM_GAUGE_CONNS_PEER, 10 + (unsigned) i);
    }
    atomic_store(&ws->row[0].state, UM_ROW_RUNNING);
    atomic_store(&ws->row[1].state, UM_ROW_DEAD);
    atomic_store(&ws->row[2].state, UM_ROW_DRAINING);

    ck_assert_uint_eq(um_workers_now(ws, UM_GAUGE_CONNS_PEER), 22);
    munmap(ws, um_workers_size(3));
}
END_TEST

START_TEST(who_only_reads_looks_before_it_trusts)
{
    um_shm_t shm;
    um_shm_view_t v;
    um_shm_head_sh_t *head;

    ck_assert_int_eq(um_shm_create(&shm, 5, 16), UM_OK);
    head = shm.base;

    ck_assert_ptr_null(um_shm_view(&v, shm.base, shm.size));
    ck_assert_ptr_eq(v.topo, shm.topo);
    ck_assert_ptr_eq(v.workers, shm.workers);
    ck_assert_ptr_eq(v.settings, shm.settings);

    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, 16));
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size - 4096));

    shm.workers->rows++;
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size));
    shm.workers->rows--;
    shm.settings->layout++;
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size));
    shm.settings->layout--;
    head->zone[UM_SHM_TOPO].offset += 8;
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size));
    head->zone[UM_SHM_TOPO].offset = UINT64_MAX - 4095;
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size));
    head->magic = 0;
    ck_assert_ptr_nonnull(um_shm_view(&v, shm.base, shm.size));
    um_shm_destroy(&shm);
}
END_TEST

START_TEST(settings_begin_with_the_defaults)
{
    um_settings_sh_t *s = share(sizeof(*s));

    um_settings_init(s);
    ck_assert_int_eq(atomic_load(&s->slowlog_log_slower_than), 50000);
    ck_assert_uint_eq(atomic_load(&s->slowlog_sample_rate), 1);
    ck_assert_uint_eq(atomic_load(&s->redis_version), 0);
    ck_assert_uint_eq(s->size, sizeof(*s));
    munmap(s, sizeof(*s));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("shm");
    TCase *tc = tcase_create("topo");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, nothing_is_published_at_first);
    tcase_add_test(tc, an_old_epoch_is_declined_unless_forced);
    tcase_add_test(tc, a_reader_gets_the_newest_and_only_once);
    tcase_add_test(tc, a_busy_writer_is_not_waited_for);
    tcase_add_test(tc, a_writer_that_dies_leaves_the_truth_whole);
    tcase_add_test(tc, a_writer_that_dies_behind_the_flip_has_published);
    tcase_add_test(tc, writers_killed_anywhere_do_no_harm);
    tcase_add_test(tc, readers_beside_a_writer_see_whole_topologies);
    suite_add_tcase(s, tc);

    tc = tcase_create("rows");
    tcase_add_test(tc, workers_that_route_are_waited_for_and_others_not);
    tcase_add_test(tc, counters_of_dead_workers_still_count);
    tcase_add_test(tc, every_counter_has_a_name_a_unit_and_a_sentence);
    tcase_add_test(tc, every_number_has_a_metric_that_prometheus_takes);
    tcase_add_test(tc, a_gauge_counts_while_its_worker_lives);
    tcase_add_test(tc, who_only_reads_looks_before_it_trusts);
    tcase_add_test(tc, settings_begin_with_the_defaults);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
