/* Descriptors, timers, turns; jobs on helper threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_clock.h"
#include "net/um_job.h"
#include "net/um_loop.h"
#include "um_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* ---- the loop ----------------------------------------------------------- */

static um_loop_t *loop;

static void
loop_setup(void)
{
    loop = um_loop_new();
    ck_assert_ptr_nonnull(loop);
}

static void
loop_teardown(void)
{
    um_loop_free(loop);
}

typedef struct {
    char order[16]; /* who has been called */
    size_t count;
    um_io_t io;
    um_timer_t *timer;
} calls_t;

static void
note(calls_t *calls, char who)
{
    ck_assert_uint_lt(calls->count, sizeof(calls->order) - 1);
    calls->order[calls->count++] = who;
}

static void
on_turn(void *data)
{
    note(data, 't');
}

static void
on_timer(void *data)
{
    note(data, 'a');
}

static void
on_readable(void *data)
{
    calls_t *calls = data;
    char byte;

    ck_assert_int_eq(read(calls->io.fd, &byte, 1), 1);
    note(calls, byte);
}

static void
on_writable(void *data)
{
    calls_t *calls = data;

    note(calls, 'w');
    um_io_close(&calls->io);
}

START_TEST(a_turn_is_begun_before_its_first_callback)
{
    calls_t calls = { .count = 0 };
    um_timer_t *one = um_timer_new(loop, on_timer, &calls);
    um_timer_t *two = um_timer_new(loop, on_timer, &calls);

    um_loop_each_turn(loop, on_turn, &calls);
    um_timer_start(one, 0);
    um_timer_start(two, 0);
    while (calls.count < 3) {
        ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    }
    ck_assert_int_eq(calls.order[0], 't');
    ck_assert_int_eq(calls.order[1], 'a');

    um_timer_free(one);
    um_timer_free(two);
    um_timer_free(NULL);
}
END_TEST

START_TEST(a_timer_runs_once_and_not_before_its_time)
{
    calls_t calls = { .count = 0 };
    um_timer_t *t = um_timer_new(loop, on_timer, &calls);
    um_timer_t *end = um_timer_new(loop, on_timer, &calls);
    uint64_t began = um_clock_ns();

    um_timer_start(t, 20);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_uint_eq(calls.count, 1);
    ck_assert_uint_ge(um_clock_ns() - began, 18000000);

    /* A stopped one does not run; starting again moves it. */
    um_timer_start(t, 0);
    um_timer_stop(t);
    um_timer_start(end, 5);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_uint_eq(calls.count, 2);

    um_timer_free(t);
    um_timer_free(end);
}
END_TEST

START_TEST(the_time_of_a_turn_stands_still)
{
    calls_t calls = { .count = 0 };
    um_timer_t *t = um_timer_new(loop, on_timer, &calls);
    uint64_t now;

    um_timer_start(t, 0);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_uint_eq(um_loop_turn_began(loop), 0); /* nobody has asked */

    now = um_loop_now(loop);
    ck_assert_uint_eq(um_loop_now(loop), now);
    ck_assert_uint_eq(um_loop_turn_began(loop), now);

    um_timer_start(t, 1);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_uint_gt(um_loop_now(loop), now);
    um_timer_free(t);
}
END_TEST

START_TEST(a_descriptor_is_watched_as_far_as_wanted)
{
    calls_t calls = { .count = 0 };
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
    ck_assert_int_eq(
        um_io_open(&calls.io, loop, fd[0], on_readable, NULL, &calls), UM_OK);
    calls.timer = um_timer_new(loop, on_timer, &calls);

    ck_assert_int_eq(write(fd[1], "xy", 2), 2);
    um_timer_start(calls.timer, 0);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_str_eq(calls.order, "a"); /* not yet wanted */

    ck_assert_int_eq(um_io_want_read(&calls.io, true), UM_OK);
    ck_assert_int_eq(um_io_want_read(&calls.io, true), UM_OK);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_str_eq(calls.order, "ax");

    ck_assert_int_eq(um_io_want_read(&calls.io, false), UM_OK);
    um_timer_start(calls.timer, 0);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_str_eq(calls.order, "axa");

    um_io_close(&calls.io);
    um_io_close(&calls.io); /* harmless */
    ck_assert_int_eq(calls.io.fd, -1);
    ck_assert_int_eq(fcntl(fd[0], F_GETFD), -1);
    (void) close(fd[1]);
    um_timer_free(calls.timer);
}
END_TEST

START_TEST(a_callback_may_close_its_descriptor)
{
    calls_t calls = { .count = 0 };
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
    ck_assert_int_eq(
        um_io_open(&calls.io, loop, fd[1], NULL, on_writable, &calls), UM_OK);
    ck_assert_int_eq(um_io_want_write(&calls.io, false), UM_OK);
    ck_assert_int_eq(um_io_want_write(&calls.io, true), UM_OK);
    ck_assert(calls.io.writing);
    ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    ck_assert_str_eq(calls.order, "w");
    ck_assert(!calls.io.writing);
    (void) close(fd[0]);
}
END_TEST

static void
on_timer_slowly(void *data)
{
    uint64_t until = um_clock_ns() + 300000;
    int *ran = data;

    (*ran)++;
    while (um_clock_ns() < until) {
        /* it takes its time */
    }
}

START_TEST(too_many_events_at_once_are_spread_over_turns)
{
    enum { EVENTS = 200 };
    um_timer_t *t[EVENTS];
    uint64_t began = um_clock_ns();
    int ran = 0, turns = 0;

    for (int i = 0; i < EVENTS; i++) {
        t[i] = um_timer_new(loop, on_timer_slowly, &ran);
        um_timer_start(t[i], 1);
    }
    while (um_clock_ns() - began < 3000000) {
        /* until all are due */
    }

    while (ran < EVENTS) {
        int before = ran;

        ck_assert_int_eq(um_loop_turn(loop), UM_OK);
        ck_assert_int_le(ran - before, 64);
        turns++;
    }
    ck_assert_int_eq(ran, EVENTS);
    ck_assert_int_le(turns, EVENTS / 8);

    for (int i = 0; i < EVENTS; i++) {
        um_timer_free(t[i]);
    }
}
END_TEST

static void
on_always_readable(void *data)
{
    note(data, 'r'); /* and reads nothing */
}

START_TEST(a_second_look_ends_though_there_is_more)
{
    calls_t calls = { .count = 0 };
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
    ck_assert_int_eq(
        um_io_open(&calls.io, loop, fd[0], on_always_readable, NULL, &calls),
        UM_OK);
    ck_assert_int_eq(um_io_want_read(&calls.io, true), UM_OK);
    ck_assert_int_eq(um_loop_poll(loop), UM_OK); /* nor waits */
    ck_assert_uint_eq(calls.count, 0);

    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    ck_assert_int_eq(um_loop_poll(loop), UM_OK);
    ck_assert_uint_eq(calls.count, 1);
    um_io_close(&calls.io);
    (void) close(fd[1]);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused)
{
    calls_t calls = { .count = 0 };
    char name[] = "check_net_XXXXXX";
    int fd = mkstemp(name); /* epoll takes no plain files */

    ck_assert_int_ne(fd, -1);
    (void) unlink(name);
    ck_assert_int_eq(
        um_io_open(&calls.io, loop, fd, on_readable, on_writable, &calls),
        UM_OK);
    ck_assert_int_eq(um_io_want_read(&calls.io, true), UM_ERR);
    ck_assert_int_eq(um_io_want_write(&calls.io, true), UM_ERR);
    ck_assert(!calls.io.reading && !calls.io.writing);
    um_io_close(&calls.io);
}
END_TEST

/* ---- jobs --------------------------------------------------------------- */

typedef struct {
    _Atomic int *at_once;
    int seen; /* jobs under way when this one was */
    int worked, done, dropped;
    int gate; /* read from before the work is done; -1: none */
} work_t;

/* The linker sends calls of pthread_create() here. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *data);

static bool no_threads;

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *data)
{
    return no_threads ? EAGAIN
                      : __real_pthread_create(thread, attr, start, data);
}

static void
job_work(void *data)
{
    work_t *j = data;
    char byte;

    j->seen = atomic_fetch_add(j->at_once, 1) + 1;
    if (j->gate != -1) {
        j->worked += read(j->gate, &byte, 1) == 1;
    } else {
        j->worked++;
    }
    atomic_fetch_sub(j->at_once, 1);
}

static void
job_done(void *data)
{
    work_t *j = data;

    ck_assert_int_eq(j->worked, 1);
    j->done++;
}

static void
job_drop(void *data)
{
    work_t *j = data;

    j->dropped++;
}

START_TEST(every_job_is_worked_on_and_done_once)
{
    enum { JOBS = 50, THREADS = 3 };
    _Atomic int at_once = 0;
    work_t job[JOBS];
    um_jobs_t *jobs = um_jobs_new(loop, THREADS);
    int done = 0;

    ck_assert_ptr_nonnull(jobs);
    for (int i = 0; i < JOBS; i++) {
        job[i] = (work_t){ .at_once = &at_once, .gate = -1 };
        ck_assert_int_eq(um_jobs_add(jobs, job_work, job_done, &job[i]), UM_OK);
        ck_assert_int_eq(job[i].done, 0); /* never before the loop turns */
    }

    while (done < JOBS) {
        ck_assert_int_eq(um_loop_turn(loop), UM_OK);
        done = 0;
        for (int i = 0; i < JOBS; i++) {
            done += job[i].done;
        }
    }

    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(job[i].done, 1);
        ck_assert_int_le(job[i].seen, THREADS);
    }
    um_jobs_free(jobs, job_drop);
}
END_TEST

START_TEST(without_threads_the_loop_does_the_jobs_itself)
{
    _Atomic int at_once = 0;
    work_t job[2] = {
        { .at_once = &at_once, .gate = -1 },
        { .at_once = &at_once, .gate = -1 },
    };
    um_jobs_t *jobs = um_jobs_new(loop, 1);

    no_threads = true;
    ck_assert_int_eq(um_jobs_add(jobs, job_work, job_done, &job[0]), UM_OK);
    ck_assert_int_eq(job[0].done, 1);

    no_threads = false;
    ck_assert_int_eq(um_jobs_add(jobs, job_work, job_done, &job[1]), UM_OK);
    while (job[1].done == 0) {
        ck_assert_int_eq(um_loop_turn(loop), UM_OK);
    }
    um_jobs_free(jobs, job_drop);
    ck_assert_int_eq(job[0].dropped + job[1].dropped, 0);
}
END_TEST

START_TEST(too_many_that_wait_are_refused_and_the_rest_is_dropped)
{
    static work_t job[UM_JOBS_MAX + 2];
    _Atomic int at_once = 0;
    um_jobs_t *jobs = um_jobs_new(loop, 1);
    int gate[2];
    uint32_t added = 0;

    ck_assert_int_eq(pipe(gate), 0);
    for (size_t i = 0; i < um_countof(job); i++) {
        job[i] = (work_t){ .at_once = &at_once, .gate = gate[0] };
        if (um_jobs_add(jobs, job_work, job_done, &job[i]) != UM_OK) {
            break;
        }
        added++;
    }
    ck_assert_uint_eq(added, UM_JOBS_MAX + 1); /* one is worked on */

    /* The one under way is waited for; all are the caller's again. */
    ck_assert_int_eq(write(gate[1], "x", 1), 1);
    um_jobs_free(jobs, job_drop);
    ck_assert_int_eq(job[0].worked, 1);
    for (uint32_t i = 0; i < added; i++) {
        ck_assert_int_eq(job[i].done, 0);
        ck_assert_int_eq(job[i].dropped, 1);
    }
    (void) close(gate[0]);
    (void) close(gate[1]);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("net");
    TCase *turns = tcase_create("loop");
    TCase *jobs = tcase_create("job");

    tcase_add_checked_fixture(turns, loop_setup, loop_teardown);
    tcase_add_test(turns, a_turn_is_begun_before_its_first_callback);
    tcase_add_test(turns, a_timer_runs_once_and_not_before_its_time);
    tcase_add_test(turns, the_time_of_a_turn_stands_still);
    tcase_add_test(turns, a_descriptor_is_watched_as_far_as_wanted);
    tcase_add_test(turns, a_callback_may_close_its_descriptor);
    tcase_add_test(turns, too_many_events_at_once_are_spread_over_turns);
    tcase_add_test(turns, a_second_look_ends_though_there_is_more);
    tcase_add_test(turns, what_cannot_be_watched_is_refused);
    suite_add_tcase(s, turns);

    tcase_add_checked_fixture(jobs, loop_setup, loop_teardown);
    tcase_set_timeout(jobs, 60);
    tcase_add_test(jobs, every_job_is_worked_on_and_done_once);
    tcase_add_test(jobs, without_threads_the_loop_does_the_jobs_itself);
    tcase_add_test(
        jobs, too_many_that_wait_are_refused_and_the_rest_is_dropped);
    suite_add_tcase(s, jobs);

    return um_check_main(s);
}
