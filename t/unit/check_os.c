/*
 * check_os.c -- the parts of src/os that can be told by tables, and a child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "os/um_backoff.h"
#include "os/um_pidfile.h"
#include "os/um_proc.h"
#include "os/um_signal.h"
#include "os/um_user.h"
#include "um_check.h"

START_TEST(pauses_grow_while_they_die_young)
{
    static const uint64_t pauses[] = { 0, 100, 200, 400, 800, 1600, 3200, 5000,
        5000 };
    um_backoff_t b = { 0 };
    size_t i;

    for (i = 0; i < um_countof(pauses); i++) {
        ck_assert_uint_eq(um_backoff_pause(&b, 10), pauses[i]);
    }
}
END_TEST

START_TEST(a_long_life_is_forgiven)
{
    um_backoff_t b = { 0 };
    int i;

    for (i = 0; i < 5; i++) {
        (void) um_backoff_pause(&b, 0);
    }

    ck_assert_uint_eq(um_backoff_pause(&b, UM_BACKOFF_YOUNG_MS), 0);
    ck_assert_uint_eq(um_backoff_pause(&b, UM_BACKOFF_YOUNG_MS - 1), 100);
}
END_TEST

static const struct {
    const char *word;
    int signo; /* 0: no such word */
} words[] = {
    { "stop", SIGTERM },
    { "quit", SIGQUIT },
    { "reload", SIGHUP },
    { "reopen", SIGUSR1 },
    { "upgrade", 0 },
    { "", 0 },
    { "STOP", 0 },
};

START_TEST(words_of_signals)
{
    const um_signal_t *s = um_signal_of_word(words[_i].word);

    ck_assert_msg(
        (s == NULL ? 0 : s->signo) == words[_i].signo, "%s", words[_i].word);
}
END_TEST

START_TEST(signals_become_flags)
{
    ck_assert_int_eq(um_signal_start(), UM_OK);
    ck_assert_uint_eq(um_signal_take(), 0);

    raise(SIGHUP);
    raise(SIGUSR1);
    ck_assert_msg(um_signal_take() == 0, "not before we sleep");

    um_signal_sleep(NULL, 0, 1000);
    ck_assert_uint_eq(um_signal_take(), UM_SIGNAL_RELOAD | UM_SIGNAL_REOPEN);
    ck_assert_uint_eq(um_signal_take(), 0);
}
END_TEST

/* --- Children ------------------------------------------------------------ */

static int ended_status;
static int ended_count;

static void
on_ended(um_proc_t *p UM_UNUSED, int status)
{
    ended_status = status;
    ended_count++;
}

static void
reap_one(void)
{
    int before = ended_count;
    uint64_t end = um_clock_ns() + UINT64_C(10000000000);

    while (ended_count == before && um_clock_ns() < end) {
        um_signal_sleep(NULL, 0, 100);
        um_proc_reap();
    }

    ck_assert_int_eq(ended_count, before + 1);
}

static int
exit_with(int channel UM_UNUSED, void *data)
{
    return *(const int *) data;
}

/* Wait for the other end to go, as a worker does. */
static int
wait_for_end(int channel, void *data UM_UNUSED)
{
    char byte;

    while (recv(channel, &byte, 1, MSG_WAITALL) != 0) {
        um_signal_sleep(NULL, 0, 1);
    }

    return 7;
}

/* SIGWINCH is ignored by default: one that comes right after the fork would be
 * lost, and the worker would never retire. */
START_TEST(what_a_worker_is_told_is_kept_from_the_fork_on)
{
    static const int told[] = { SIGTERM, SIGQUIT, SIGUSR1, SIGWINCH };
    sigset_t blocked, pending;

    ck_assert_int_eq(um_signal_start(), UM_OK);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
    for (size_t i = 0; i < um_countof(told); i++) {
        ck_assert_int_eq(sigismember(&blocked, told[i]), 1);
    }

    ck_assert_int_eq(raise(SIGWINCH), 0);
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert_int_eq(sigismember(&pending, SIGWINCH), 1);
}
END_TEST

START_TEST(a_child_ends_and_is_due_again)
{
    int code = 3;
    um_proc_t p;
    char text[96];

    ck_assert_int_eq(um_signal_start(), UM_OK);
    um_proc_init(&p, "child", on_ended);
    ck_assert_int_eq(
        um_proc_start(&p, UM_SIGNAL_CHILD_GUEST, exit_with, &code), UM_OK);
    ck_assert_int_gt(p.pid, 0);
    reap_one();
    ck_assert_int_eq(p.pid, 0);
    ck_assert_int_eq(p.channel, -1);
    ck_assert_uint_eq(p.pause_ms, 0);

    um_proc_status_format(ended_status, text, sizeof(text));
    ck_assert_str_eq(text, "exited with code 3");

    ck_assert_int_eq(
        um_proc_start(&p, UM_SIGNAL_CHILD_GUEST, wait_for_end, NULL), UM_OK);
    um_proc_signal(&p, SIGKILL);
    reap_one();
    ck_assert_uint_eq(p.pause_ms, UM_BACKOFF_FIRST_MS);
    um_proc_status_format(ended_status, text, sizeof(text));
    ck_assert_str_eq(text, "was killed by signal 9 (Killed)");
}
END_TEST

/* The second child must not hold our end of the first one's channel. */
START_TEST(a_child_learns_that_we_let_go)
{
    um_proc_t first;
    um_proc_t second;

    ck_assert_int_eq(um_signal_start(), UM_OK);
    um_proc_init(&first, "first", on_ended);
    um_proc_init(&second, "second", on_ended);
    ck_assert_int_eq(
        um_proc_start(&first, UM_SIGNAL_CHILD_GUEST, wait_for_end, NULL),
        UM_OK);
    ck_assert_int_eq(
        um_proc_start(&second, UM_SIGNAL_CHILD_GUEST, wait_for_end, NULL),
        UM_OK);

    ck_assert_int_eq(shutdown(first.channel, SHUT_WR), 0);
    reap_one();
    ck_assert_int_eq(first.pid, 0);
    ck_assert_int_ne(second.pid, 0);

    um_proc_signal(&second, SIGKILL);
    reap_one();
}
END_TEST

/* --- Files and users ------------------------------------------------------ */

/* The lock is not for ourselves, so another process must look. */
static int
look_for_owner(int channel UM_UNUSED, void *data)
{
    pid_t pid = 0;
    um_rc_t rc = um_pidfile_owner(data, &pid);

    return rc == UM_OK && pid == getppid() ? 1 : rc == UM_DECLINED ? 2 : 3;
}

static int
owner_as_others_see_it(char *path)
{
    um_proc_t p;

    um_proc_init(&p, "looker", on_ended);
    ck_assert_int_eq(
        um_proc_start(&p, UM_SIGNAL_CHILD_GUEST, look_for_owner, path), UM_OK);
    reap_one();
    return WEXITSTATUS(ended_status);
}

START_TEST(a_pid_file_is_true_while_its_master_lives)
{
    char dir[] = "/tmp/um-check-XXXXXX";
    char path[64];
    um_pidfile_t p;

    ck_assert_int_eq(um_signal_start(), UM_OK);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/run/pid", dir);

    ck_assert_msg(owner_as_others_see_it(path) == 2, "there is none");
    ck_assert_int_eq(um_pidfile_write(&p, path), UM_OK);
    ck_assert_msg(owner_as_others_see_it(path) == 1, "it is ours");
    close(p.fd); /* and with it the lock, as if we had been killed */
    free(p.path);
    ck_assert_msg(owner_as_others_see_it(path) == 2, "it is stale");

    ck_assert_int_eq(um_pidfile_write(&p, path), UM_OK);
    ck_assert_msg(owner_as_others_see_it(path) == 1, "it is replaced");
    um_pidfile_remove(&p);
    ck_assert_int_eq(access(path, F_OK), -1);
    um_pidfile_remove(&p); /* once more is harmless */

    snprintf(path, sizeof(path), "%s/run", dir);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_pid_file_without_a_place_is_an_error)
{
    um_pidfile_t p;

    ck_assert_int_eq(um_pidfile_write(&p, "/proc/nowhere/pid"), UM_ERR);
    ck_assert_int_eq(p.fd, -1);
    um_pidfile_remove(&p);
}
END_TEST

START_TEST(users_are_looked_up)
{
    um_user_t u;

    ck_assert_ptr_nonnull(um_user_lookup(&u, "nobody-has-this", NULL));
    ck_assert(!u.set);
    ck_assert_ptr_nonnull(um_user_lookup(&u, "root", "nobody-has-this"));
    ck_assert(!u.set);
    ck_assert_int_eq(um_user_become(&u), UM_OK); /* stays who it is */
    ck_assert_ptr_null(um_user_lookup(&u, "root", NULL));
    ck_assert(u.set);
    ck_assert_uint_eq(u.uid, 0);
}
END_TEST

START_TEST(descriptors_are_raised_as_far_as_allowed)
{
    uint64_t all = um_user_raise_nofile(0);

    ck_assert_uint_gt(all, 0);
    ck_assert_msg(um_user_raise_nofile(100) == 100, "fewer, when wanted");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("os");
    TCase *tc = tcase_create("os");

    tcase_add_test(tc, pauses_grow_while_they_die_young);
    tcase_add_test(tc, a_long_life_is_forgiven);
    tcase_add_loop_test(tc, words_of_signals, 0, um_countof(words));
    tcase_add_test(tc, signals_become_flags);
    tcase_add_test(tc, what_a_worker_is_told_is_kept_from_the_fork_on);
    tcase_add_test(tc, a_child_ends_and_is_due_again);
    tcase_add_test(tc, a_child_learns_that_we_let_go);
    tcase_add_test(tc, a_pid_file_is_true_while_its_master_lives);
    tcase_add_test(tc, a_pid_file_without_a_place_is_an_error);
    tcase_add_test(tc, users_are_looked_up);
    tcase_add_test(tc, descriptors_are_raised_as_far_as_allowed);
    suite_add_tcase(suite, tc);
    return um_check_main(suite);
}
