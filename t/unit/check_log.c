/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_log.h"
#include "core/um_str.h"
#include "um_check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/um-log-XXXXXX";
static char path[64], aside[64], dev[64];

static void
setup(void)
{
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/log", dir);
    snprintf(aside, sizeof(aside), "%s/log.1", dir);
    snprintf(dev, sizeof(dev), "%s/dev", dir);
}

static void
teardown(void)
{
    unlink(path);
    unlink(aside);
    unlink(dev);
    rmdir(dir);
}

static const char *
text_of(const char *file)
{
    static char text[16384];
    FILE *f = fopen(file, "r");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);

    return text;
}

/* Make the reading end of a pipe that is our stderr. */
static int
pipe_on_stderr(void)
{
    int fd[2];

    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_ne(dup2(fd[1], STDERR_FILENO), -1);
    close(fd[1]);

    return fd[0];
}

START_TEST(a_line_has_time_level_pid_name_text_and_reason)
{
    const char *line;
    char tail[128];

    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    um_log_name("worker7");
    errno = EPERM;
    um_log_notice(ECONNREFUSED, "backend %s: connect failed", "10.0.0.3:1");
    ck_assert_int_eq(errno, EPERM);
    um_log_info(0, "not asked for");

    line = text_of(path);
    snprintf(tail, sizeof(tail),
        " [notice] %d worker7: backend 10.0.0.3:1: connect failed: "
        "Connection refused\n",
        (int) getpid());
    ck_assert_str_eq(line + 24, tail);
    ck_assert(line[4] == '-' && line[10] == 'T' && line[19] == '.'
              && line[23] == 'Z');
}
END_TEST

START_TEST(a_file_is_made_for_owner_and_group_only)
{
    struct stat st;

    umask(0);
    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(control_bytes_are_escaped)
{
    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    um_log_notice(0, "a\r\n%cb\xe4", 0x7f);
    ck_assert_ptr_nonnull(strstr(text_of(path), ": a\\x0d\\x0a\\x7fb\\xe4\n"));
}
END_TEST

START_TEST(a_line_is_cut_at_2048_bytes)
{
    static char big[5000];
    const char *line;

    memset(big, 'x', sizeof(big) - 1);
    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    um_log_notice(EPERM, "%s", big);
    um_log_notice(0, "next");

    line = text_of(path);
    ck_assert_uint_eq(strcspn(line, "\n"), 2047);
    ck_assert_ptr_nonnull(strstr(line + 2048, ": next\n"));
}
END_TEST

START_TEST(after_a_rotation_the_name_is_opened_again)
{
    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    um_log_notice(0, "before");
    ck_assert_int_eq(rename(path, aside), 0);
    um_log_notice(0, "between");
    ck_assert_int_eq(um_log_reopen(), UM_OK);
    um_log_notice(0, "after");

    ck_assert_ptr_nonnull(strstr(text_of(aside), ": between\n"));
    ck_assert_ptr_null(strstr(text_of(aside), ": after\n"));
    ck_assert_ptr_nonnull(strstr(text_of(path), ": after\n"));
}
END_TEST

START_TEST(a_sink_that_cannot_be_opened_leaves_the_old_one)
{
    ck_assert_int_eq(um_log_open(path, UM_LOG_NOTICE), UM_OK);
    ck_assert_int_eq(um_log_open("/nowhere/at/all", UM_LOG_DEBUG), UM_ERR);
    ck_assert_int_eq(um_log_open("syslog:/nowhere/dev", UM_LOG_DEBUG), UM_ERR);
    ck_assert_int_eq(um_log_level, UM_LOG_NOTICE);
    ck_assert_ptr_nonnull(strstr(
        text_of(path), "error_log /nowhere/at/all: open failed: No such file"));
    ck_assert_ptr_nonnull(strstr(text_of(path), "syslog: connect to /nowhere"));
}
END_TEST

/* With `by_proc` the pipe is opened anew, without it poll() is asked. */
static void
fill_and_empty(bool by_proc)
{
    int fd = pipe_on_stderr();
    char text[70000];
    uint64_t lost;
    ssize_t n;

    if (by_proc) {
        ck_assert_int_eq(um_log_open("stderr", UM_LOG_NOTICE), UM_OK);
    }

    for (int i = 0; i < 5000; i++) {
        um_log_notice(0, "line %d of too many for a pipe", i);
    }

    lost = um_log_dropped();
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_lt(lost, 5000);
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);

    while ((n = read(fd, text, sizeof(text))) == sizeof(text)) {
    }

    um_log_notice(0, "room again");
    n = read(fd, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "[warn]"));
    ck_assert_ptr_nonnull(strstr(text, " lines lost, sink was full\n"));
    ck_assert_ptr_nonnull(strstr(text, ": room again\n"));
    ck_assert_uint_eq(um_log_dropped(), lost);
    close(fd);
}

START_TEST(a_full_pipe_loses_lines_and_says_so_later)
{
    fill_and_empty(true);
}
END_TEST

START_TEST(before_it_is_opened_stderr_does_not_block_either)
{
    fill_and_empty(false);
}
END_TEST

START_TEST(a_socket_on_stderr_does_not_block)
{
    char text[4096];
    int fd[2];
    ssize_t n;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_ne(dup2(fd[1], STDERR_FILENO), -1);
    ck_assert_int_eq(um_log_open("stderr", UM_LOG_NOTICE), UM_OK);
    um_log_notice(0, "first");

    n = read(fd[0], text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_ptr_nonnull(strstr(text, ": first\n"));

    for (int i = 0; i < 100000 && um_log_dropped() == 0; i++) {
        um_log_notice(0, "line %d", i);
    }
    ck_assert_uint_gt(um_log_dropped(), 0);
}
END_TEST

static int
syslogd(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    unlink(dev);
    memcpy(un.sun_path, dev, strlen(dev) + 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &un, sizeof(un)), 0);

    return fd;
}

START_TEST(syslog_gets_facility_ident_and_text_also_after_its_restart)
{
    char sink[80], text[4096], ident[64];
    int fd = syslogd();
    ssize_t n;

    snprintf(sink, sizeof(sink), "syslog:%s", dev);
    ck_assert_int_eq(um_log_open(sink, UM_LOG_NOTICE), UM_OK);
    um_log_error(0, "hello");

    n = read(fd, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_int_eq(memcmp(text, "<27>", 4), 0); /* daemon.err */
    snprintf(ident, sizeof(ident), " undermoond[%d]: [error] ", getpid());
    ck_assert_ptr_nonnull(strstr(text, ident));
    ck_assert_str_eq(text + n - 7, ": hello");

    close(fd);
    um_log_error(0, "nobody there");
    ck_assert_uint_eq(um_log_dropped(), 1);

    fd = syslogd();
    um_log_error(0, "again");
    n = read(fd, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "[warn]"));
    n = read(fd, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text + n - 7, ": again");
    close(fd);
}
END_TEST

START_TEST(levels_have_names)
{
    um_log_level_t level = UM_LOG_ALERT;

    ck_assert_int_eq(um_log_level_parse(um_lit("debug"), &level), UM_OK);
    ck_assert_int_eq(level, UM_LOG_DEBUG);
    ck_assert_int_eq(um_log_level_parse(um_lit("loud"), &level), UM_DECLINED);
    ck_assert_str_eq(um_log_level_name(UM_LOG_WARN), "warn");
    ck_assert_str_eq(um_log_level_name((um_log_level_t) 17), "unknown");
}
END_TEST

START_TEST(a_failed_assertion_aborts)
{
    um_assert(um_log_level > UM_LOG_DEBUG);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_line_has_time_level_pid_name_text_and_reason);
    tcase_add_test(tc, a_file_is_made_for_owner_and_group_only);
    tcase_add_test(tc, control_bytes_are_escaped);
    tcase_add_test(tc, a_line_is_cut_at_2048_bytes);
    tcase_add_test(tc, after_a_rotation_the_name_is_opened_again);
    tcase_add_test(tc, a_sink_that_cannot_be_opened_leaves_the_old_one);
    tcase_add_test(tc, a_full_pipe_loses_lines_and_says_so_later);
    tcase_add_test(tc, before_it_is_opened_stderr_does_not_block_either);
    tcase_add_test(tc, a_socket_on_stderr_does_not_block);
    tcase_add_test(
        tc, syslog_gets_facility_ident_and_text_also_after_its_restart);
    tcase_add_test(tc, levels_have_names);
    suite_add_tcase(s, tc);

    /* It dies before any teardown, so it gets no directory. */
    tc = tcase_create("assertion");
    tcase_add_test_raise_signal(tc, a_failed_assertion_aborts, SIGABRT);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
