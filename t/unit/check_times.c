/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_slow_ring.h"
#include "shm/um_times.h"
#include "um_check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS   3
#define PLACES 7

static um_times_sh_t *times;
static um_slow_ring_sh_t *ring;
static um_slow_t slow, got;

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
    times = share(um_times_size(ROWS));
    um_times_init(times, ROWS);
    ring = share(um_slow_ring_size(PLACES));
    ck_assert_int_eq(um_slow_ring_init(ring, PLACES), UM_OK);
}

static void
teardown(void)
{
    munmap(times, um_times_size(ROWS));
    munmap(ring, um_slow_ring_size(PLACES));
}

/* ---- the histogram ---- */

static const struct {
    uint32_t us;
    uint32_t index;
    uint32_t end;
} buckets[] = {
    { 0, 0, 1 },
    { 1, 1, 2 },
    { 3, 3, 4 },
    { 4, 4, 5 },
    { 7, 7, 8 },
    { 8, 8, 10 },
    { 9, 8, 10 },
    { 10, 9, 12 },
    { 15, 11, 16 },
    { 16, 12, 20 },
    { 1000, 35, 1024 },
    { 1023, 35, 1024 },
    { 1024, 36, 1280 },
    { (1u << 28) - 1, 107, 1u << 28 },
    { 1u << 28, 107, 1u << 28 },
    { UINT32_MAX, 107, 1u << 28 },
};

START_TEST(a_time_has_its_bucket)
{
    ck_assert_uint_eq(um_hist_index(buckets[_i].us), buckets[_i].index);
    ck_assert_uint_eq(um_hist_end(buckets[_i].index), buckets[_i].end);
}
END_TEST

START_TEST(buckets_are_in_order_and_without_gaps)
{
    ck_assert_uint_eq(UM_HIST_BUCKETS, 108);

    for (uint32_t i = 0; i + 1 < UM_HIST_BUCKETS; i++) {
        uint32_t end = um_hist_end(i);

        ck_assert_uint_eq(um_hist_index(end - 1), i);
        ck_assert_uint_eq(um_hist_index(end), i + 1);
    }
}
END_TEST

START_TEST(percentiles_of_a_hundred_times)
{
    um_hist_sh_t *h = &times->row[0].hist[0];
    um_hist_t sum = { 0 };

    ck_assert_double_eq(um_hist_percentile(&sum, 0.5), 0);

    for (int i = 0; i < 98; i++) {
        um_hist_add(h, 2, 1);
    }
    um_hist_add(h, 100, 1);
    um_hist_add(h, 5000, 1);
    um_hist_sum(&sum, h);

    ck_assert_uint_eq(sum.count, 100);
    ck_assert_double_eq(um_hist_percentile(&sum, 0.5), 3);
    ck_assert_double_eq(um_hist_percentile(&sum, 0.99), 112);
    ck_assert_double_eq(um_hist_percentile(&sum, 0.999), 5120);
    ck_assert_uint_eq(um_hist_below(&sum, 2), 0);
    ck_assert_uint_eq(um_hist_below(&sum, 4), 98);
    ck_assert_uint_eq(um_hist_below(&sum, 128), 99);
    ck_assert_uint_eq(um_hist_below(&sum, 8192), 100);
}
END_TEST

/* ---- sums over rows ---- */

START_TEST(calls_of_all_rows_add_up_and_can_be_forgotten)
{
    um_times_call_t sum;
    um_hist_t hist;

    um_times_name(times, 5, "get", UM_TIMES_READ);
    um_times_add_calls(um_times_row(times, 0), 5, 10, 1);
    um_times_add_calls(um_times_row(times, 2), 5, 30, 1);
    um_hist_count(&times->row[2].call[5].failed, 1);
    um_hist_count(&times->row[1].call[5].rejected, 2);

    sum = um_times_call(times, 5, UM_TIMES_RECENT);
    ck_assert_uint_eq(sum.calls, 2);
    ck_assert_uint_eq(sum.usec, 40);
    ck_assert_uint_eq(sum.failed, 1);
    ck_assert_uint_eq(sum.rejected, 2);

    um_times_forget(times);
    um_times_add_calls(um_times_row(times, 1), 5, 3, 1);

    sum = um_times_call(times, 5, UM_TIMES_RECENT);
    ck_assert_uint_eq(sum.calls, 1);
    ck_assert_uint_eq(sum.usec, 3);
    ck_assert_uint_eq(sum.failed + sum.rejected, 0);
    um_times_hist(times, 5, UM_TIMES_RECENT, &hist);
    ck_assert_uint_eq(hist.count, 1);
    ck_assert_uint_eq(hist.bucket[3], 1);

    sum = um_times_call(times, 5, UM_TIMES_EVER);
    ck_assert_uint_eq(sum.calls, 3);
    um_times_hist(times, 5, UM_TIMES_EVER, &hist);
    ck_assert_uint_eq(hist.count, 3);
}
END_TEST

static uint64_t
errors_of(const char *name, um_times_since_t since, uint32_t *count)
{
    um_times_error_t e[UM_TIMES_ERRORS + 1];

    *count = um_times_errors(times, since, e, um_countof(e));
    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(e[i].name, name) == 0) {
            return e[i].count;
        }
    }

    return 0;
}

START_TEST(errors_are_counted_by_their_first_word)
{
    uint32_t count;
    char word[16];

    um_times_add_error(um_times_row(times, 0), um_lit("ERR"));
    um_times_add_error(um_times_row(times, 0), um_lit("MOVED"));
    um_times_add_error(um_times_row(times, 1), um_lit("ERR"));
    ck_assert_uint_eq(errors_of("ERR", UM_TIMES_RECENT, &count), 2);
    ck_assert_uint_eq(errors_of("MOVED", UM_TIMES_RECENT, &count), 1);
    ck_assert_uint_eq(count, 2);

    um_times_forget(times);
    um_times_add_error(um_times_row(times, 1), um_lit("ERR"));
    ck_assert_uint_eq(errors_of("ERR", UM_TIMES_RECENT, &count), 1);
    ck_assert_uint_eq(errors_of("ERR", UM_TIMES_EVER, &count), 3);

    for (int i = 0; i < 100; i++) {
        int n = snprintf(word, sizeof(word), "E%d", i);

        um_times_add_error(
            um_times_row(times, 2), (um_str_t){ word, (size_t) n });
    }
    ck_assert_uint_eq(errors_of("E63", UM_TIMES_EVER, &count), 0);
    ck_assert_uint_eq(errors_of("E10", UM_TIMES_EVER, &count), 1);
    ck_assert_uint_eq(errors_of("other", UM_TIMES_EVER, &count), 38);
    ck_assert_uint_eq(count, UM_TIMES_ERRORS + 1);
}
END_TEST

static um_times_node_t nodes[UM_TIMES_NODES + 1];

static const um_times_node_t *
node_of(const char *name, uint32_t *count)
{
    *count = um_times_nodes(times, nodes, um_countof(nodes));
    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(nodes[i].name, name) == 0) {
            return &nodes[i];
        }
    }

    return NULL;
}

START_TEST(a_node_keeps_its_place_from_worker_to_worker)
{
    um_times_row_sh_t *row = um_times_row(times, 0);
    um_times_node_sh_t *a = um_times_node_enter(row, "127.0.0.1:7001");
    uint32_t count;

    um_times_add_replies(a, 5, 1);
    um_times_row_begin(row); /* another process has the row */
    ck_assert_ptr_ne(um_times_node_enter(row, "127.0.0.1:7002"), a);
    ck_assert_ptr_eq(um_times_node_enter(row, "127.0.0.1:7001"), a);
    um_times_add_replies(a, 7, 1);
    um_times_add_replies(
        um_times_node_enter(um_times_row(times, 1), "127.0.0.1:7001"), 8, 1);

    ck_assert_ptr_nonnull(node_of("127.0.0.1:7001", &count));
    ck_assert_uint_eq(node_of("127.0.0.1:7001", &count)->usec, 20);
    ck_assert_uint_eq(node_of("127.0.0.1:7001", &count)->hist.count, 3);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(nodes_without_a_place_are_counted_together)
{
    um_times_row_sh_t *row = um_times_row(times, 0);
    um_times_node_sh_t *place[70];
    uint32_t count;

    for (int i = 0; i < 70; i++) {
        char name[16];

        snprintf(name, sizeof(name), "node%d", i);
        place[i] = um_times_node_enter(row, name);
        um_times_add_replies(place[i], 1, 1);
    }

    ck_assert_ptr_eq(place[64], place[69]);
    ck_assert_uint_eq(node_of("other", &count)->hist.count, 6);
    ck_assert_uint_eq(count, UM_TIMES_NODES + 1);

    /* One that has left makes room; what it counted is not lost. */
    um_times_node_leave(row, place[3]);
    ck_assert_ptr_eq(um_times_node_enter(row, "late"), place[3]);
    ck_assert_ptr_null(node_of("node3", &count));
    ck_assert_uint_eq(node_of("late", &count)->hist.count, 0);
    ck_assert_uint_eq(node_of("other", &count)->hist.count, 7);
    ck_assert_uint_eq(node_of("other", &count)->usec, 7);
}
END_TEST

/* ---- the slow log ---- */

/* An entry whose every part says `n`, so that a torn one shows. */
static void
slow_fill(um_slow_t *s, uint64_t n)
{
    s->client = n;
    s->queue_us = (uint32_t) n;
    s->argc = (uint32_t) n;
    s->kept = 1;
    s->used = (uint16_t) (1 + n % sizeof(s->text));
    memset(s->text, (int) (n % 251), s->used);
}

static bool
slow_is_whole(const um_slow_t *s)
{
    uint64_t n = s->client;

    if (s->queue_us != (uint32_t) n || s->argc != (uint32_t) n
        || s->used != 1 + n % sizeof(s->text))
    {
        return false;
    }

    for (uint32_t i = 0; i < s->used; i++) {
        if ((unsigned char) s->text[i] != n % 251) {
            return false;
        }
    }

    return true;
}

static void
slow_add(uint64_t n)
{
    slow_fill(&slow, n);
    ck_assert_int_eq(um_slow_ring_add(ring, &slow), UM_OK);
}

/* Ids of the newest `len`, as "9 8 7 ". */
static const char *
slow_ids(uint32_t len)
{
    static char out[256];
    uint64_t at = UINT64_MAX;
    size_t n = 0;

    out[0] = '\0';
    while (um_slow_ring_next(ring, len, &at, &got) == UM_OK) {
        ck_assert(slow_is_whole(&got));
        n += (size_t) snprintf(
            out + n, sizeof(out) - n, "%u ", (unsigned) got.id);
    }

    return out;
}

START_TEST(the_newest_come_first_and_the_oldest_go)
{
    ck_assert_str_eq(slow_ids(100), "");
    for (uint64_t n = 0; n < 10; n++) {
        slow_add(n);
    }

    ck_assert_str_eq(slow_ids(100), "9 8 7 6 5 4 3 ");
    ck_assert_str_eq(slow_ids(2), "9 8 ");
    ck_assert_uint_eq(um_slow_ring_count(ring, 100), 7);
    ck_assert_uint_eq(um_slow_ring_count(ring, 2), 2);

    um_slow_ring_reset(ring);
    ck_assert_str_eq(slow_ids(100), "");
    ck_assert_uint_eq(um_slow_ring_count(ring, 100), 0);

    slow_add(10);
    ck_assert_str_eq(slow_ids(100), "10 ");
}
END_TEST

START_TEST(a_killed_writer_costs_one_entry_until_the_ring_comes_round)
{
    pid_t pid;

    for (uint64_t n = 0; n < 7; n++) {
        slow_add(n);
    }

    pid = fork();
    if (pid == 0) {
        um_slow_place_sh_t *p =
            &ring->place[atomic_fetch_add(&ring->next, 1) % PLACES];

        pthread_mutex_lock(&p->writer);
        atomic_fetch_add(&p->seq, 1);
        memset(&p->slow, 0xa5, sizeof(p->slow));
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

    ck_assert_str_eq(slow_ids(100), "6 5 4 3 2 1 ");
    ck_assert_uint_eq(um_slow_ring_count(ring, 100), 6);
    for (uint64_t n = 8; n < 15; n++) {
        slow_add(n);
    }
    ck_assert_str_eq(slow_ids(100), "14 13 12 11 10 9 8 ");
    ck_assert_uint_eq(atomic_load(&ring->dropped), 0);
}
END_TEST

START_TEST(writers_killed_anywhere_do_no_harm)
{
    for (uint64_t round = 0; round < 60; round++) {
        uint64_t start = atomic_load(&ring->next), at;
        pid_t pid[2];

        for (int i = 0; i < 2; i++) {
            pid[i] = fork();
            for (uint64_t n = round; pid[i] == 0; n++) {
                slow_fill(&slow, n * 37 % 5000);
                (void) um_slow_ring_add(ring, &slow);
            }
        }

        while (atomic_load(&ring->next) < start + 50 + round) {
            for (at = UINT64_MAX;
                 um_slow_ring_next(ring, 100, &at, &got) == UM_OK;) {
                ck_assert(slow_is_whole(&got));
            }
        }

        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(kill(pid[i], SIGKILL), 0);
            ck_assert_int_eq(waitpid(pid[i], NULL, 0), pid[i]);
        }

        for (uint64_t n = 0; n < PLACES; n++) {
            slow_add(n);
        }
        ck_assert_uint_eq(um_slow_ring_count(ring, PLACES), PLACES);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("times");
    TCase *t = tcase_create("times");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_time_has_its_bucket, 0, um_countof(buckets));
    tcase_add_test(t, buckets_are_in_order_and_without_gaps);
    tcase_add_test(t, percentiles_of_a_hundred_times);
    tcase_add_test(t, calls_of_all_rows_add_up_and_can_be_forgotten);
    tcase_add_test(t, errors_are_counted_by_their_first_word);
    tcase_add_test(t, a_node_keeps_its_place_from_worker_to_worker);
    tcase_add_test(t, nodes_without_a_place_are_counted_together);
    tcase_add_test(t, the_newest_come_first_and_the_oldest_go);
    tcase_add_test(
        t, a_killed_writer_costs_one_entry_until_the_ring_comes_round);
    tcase_add_test(t, writers_killed_anywhere_do_no_harm);
    suite_add_tcase(s, t);

    return um_check_main(s);
}
