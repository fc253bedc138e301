/*
 * check_guests.c -- modules: who is let in, and how their processes are kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "master/um_guests.h"
#include "master/um_host_api.h"
#include "os/um_signal.h"
#include "um_check.h"

/* What the guests' processes tell the test. */
static int story[2];

static void
tell(char c)
{
    ck_assert_int_eq(write(story[1], &c, 1), 1);
}

/* The next thing told; 0 when nothing is within `ms`. */
static char
told(int ms)
{
    struct pollfd p = { .fd = story[0], .events = POLLIN };
    char c = 0;

    if (poll(&p, 1, ms) == 1) {
        ck_assert_int_eq(read(story[0], &c, 1), 1);
    }

    return c;
}

/* --- The guests ------------------------------------------------------------
 */

/* Wait for a word; 0: the master is gone. */
static char
next_word(const um_proc_env_t *env)
{
    struct pollfd p = { .fd = env->channel, .events = POLLIN };
    char word = 0;

    while (poll(&p, 1, -1) != 1) {
    }

    return recv(env->channel, &word, 1, 0) == 1 ? word : 0;
}

/* Tells all it hears, and obeys. */
static int
polite_run(const um_proc_env_t *env)
{
    char word;

    tell(env->conf != NULL && env->size == sizeof(*env) ? 'S' : '!');

    do {
        word = next_word(env);
        tell(word == 0 ? '0' : word);
    } while (word == 'o');

    return 0;
}

/* Hears nothing. */
UM_NORETURN static int
deaf_run(const um_proc_env_t *env UM_UNUSED)
{
    tell('D');
    for (;;) {
        (void) poll(NULL, 0, -1);
    }
}

/* Dies young. */
static int
brief_run(const um_proc_env_t *env UM_UNUSED)
{
    tell('B');
    return 3;
}

static const um_proc_def_t polite_procs[] = {
    { "polite", polite_run },
    { NULL, NULL },
};
static const um_proc_def_t deaf_procs[] = {
    { "deaf", deaf_run },
    { NULL, NULL },
};
static const um_proc_def_t brief_procs[] = {
    { "brief", brief_run },
    { NULL, NULL },
};
static const um_directive_t nothing[] = { { .name = NULL } };

static int opened;

static const char *
count_open(const um_host_api_t *api)
{
    ck_assert_uint_eq(api->abi, UM_MODULE_ABI);
    ck_assert_str_ne(api->version, "");
    opened++;
    return NULL;
}

static const char *
refuse_open(const um_host_api_t *api UM_UNUSED)
{
    return "does not like it here";
}

#define GUEST(n)                                                               \
    UM_MODULE_HEAD, .name = n, .directives = nothing, .conf_size = 8,          \
                    .role = true

static const um_module_t polite = { GUEST("polite"), .open = count_open,
    .procs = polite_procs };
static const um_module_t deaf = { GUEST("deaf"), .procs = deaf_procs };
static const um_module_t brief = { GUEST("brief"), .procs = brief_procs };
static const um_module_t refuses = { GUEST("refuses"), .open = refuse_open };

static const um_module_t old_abi = { .abi = UM_MODULE_ABI + 1,
    .name = "old_abi" };
static const um_module_t too_big = { .abi = UM_MODULE_ABI,
    .size = sizeof(um_module_t) + 8,
    .directive_size = sizeof(um_directive_t),
    .api_size = sizeof(um_host_api_t),
    .name = "too_big" };
static const um_module_t wants_more = { .abi = UM_MODULE_ABI,
    .size = sizeof(um_module_t),
    .directive_size = sizeof(um_directive_t),
    .api_size = sizeof(um_host_api_t) + 8,
    .name = "wants_more" };
static const um_module_t other_table = { .abi = UM_MODULE_ABI,
    .size = sizeof(um_module_t),
    .directive_size = sizeof(um_directive_t) - 8,
    .api_size = sizeof(um_host_api_t),
    .name = "other_table" };

static const um_module_t *const builtin[] = { &polite, &deaf, &brief, &refuses,
    &old_abi, &too_big, &wants_more, &other_table, NULL };
static const um_modules_def_t def = { .dir = "/nowhere", .builtin = builtin };

/* --- Who is let in
 * ------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *says; /* NULL: it is let in */
} doors[] = {
    { "polite", NULL },
    { "deaf", NULL },
    { "refuses", "does not like it here" },
    { "old_abi", "was built for ABI 2" },
    { "too_big", "another version" },
    { "wants_more", "another version" },
    { "other_table", "another version" },
    { "unknown", "/nowhere/unknown.so" },
    { "/etc/passwd", "/etc/passwd" },
};

START_TEST(a_module_must_fit)
{
    um_modules_t *ms = um_modules_new(&def);
    const um_module_t *module = NULL;
    const char *wrong = um_modules_open(ms, doors[_i].name, &module);

    if (doors[_i].says == NULL) {
        ck_assert_ptr_null(wrong);
        ck_assert_str_eq(module->name, doors[_i].name);
    } else {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_msg(strstr(wrong, doors[_i].says) != NULL, "%s: %s",
            doors[_i].name, wrong);
    }

    um_modules_free(ms);
}
END_TEST

START_TEST(a_module_is_opened_once)
{
    um_modules_t *ms = um_modules_new(&def);
    const um_module_t *one;
    const um_module_t *two;

    opened = 0;
    ck_assert_ptr_null(um_modules_open(ms, "polite", &one));
    ck_assert_ptr_null(um_modules_open(ms, "polite", &two));
    ck_assert_ptr_eq(one, two);
    ck_assert_int_eq(opened, 1);
    um_modules_free(ms);
}
END_TEST

/* --- Their processes
 * ------------------------------------------------------------ */

static um_modules_t *modules;
static um_guests_t guests;

static const um_addr_t *
no_listen(
    const void *conf UM_UNUSED, uint32_t i UM_UNUSED, bool *control UM_UNUSED)
{
    return NULL;
}

static const um_worker_def_t worker_def = { .block = "proxy",
    .listen = no_listen };

static um_cycle_t *
cycle_of(const char *text)
{
    static const um_block_t *const blocks[] = { &um_main_block, NULL };
    um_conf_options_t o = { .text = text,
        .blocks = blocks,
        .module_open = um_modules_open,
        .module_data = modules,
        .quiet = true };
    um_cycle_t *cy = um_cycle_load(&o, &worker_def);

    ck_assert_ptr_nonnull(cy);
    return cy;
}

static void
on_fork(void *data)
{
    ck_assert_ptr_eq(data, &guests);
}

static void
setup(void)
{
    ck_assert_int_eq(pipe(story), 0);
    ck_assert_int_eq(um_signal_start(), UM_OK);
    modules = um_modules_new(&def);
    um_guests_init(&guests, on_fork, &guests);
    guests.grace_ms = 100;
}

static void
teardown(void)
{
    um_guests_deinit(&guests);
    um_modules_free(modules);
    close(story[0]);
    close(story[1]);
}

/* Do what the master does until something is told. */
static char
until_told(void)
{
    uint64_t end = um_clock_ns() + UINT64_C(10000000000);
    char c = 0;

    while (c == 0 && um_clock_ns() < end) {
        um_proc_reap();
        (void) um_guests_tick(&guests, um_clock_ns());
        c = told(5);
    }

    return c;
}

static void
until_gone(void)
{
    uint64_t end = um_clock_ns() + UINT64_C(10000000000);

    while (um_guests_are_alive(&guests) && um_clock_ns() < end) {
        um_signal_sleep(NULL, 0, 5);
        um_proc_reap();
        (void) um_guests_tick(&guests, um_clock_ns());
    }

    ck_assert(!um_guests_are_alive(&guests));
}

START_TEST(a_guest_gets_words_and_obeys)
{
    um_cycle_t *cy = cycle_of("module polite; polite { }");

    ck_assert_int_eq(um_guests_invite(&guests, cy), UM_OK);
    ck_assert_int_eq(until_told(), 'S');
    um_guests_reopen_logs(&guests);
    ck_assert_int_eq(until_told(), 'o');
    um_guests_quit(&guests);
    ck_assert_int_eq(until_told(), 'q');
    until_gone();
    um_cycle_free(cy);
}
END_TEST

START_TEST(a_module_without_its_block_has_no_process)
{
    um_cycle_t *cy = cycle_of("module polite; module deaf; deaf { }");

    ck_assert_int_eq(um_guests_invite(&guests, cy), UM_OK);
    ck_assert_int_eq(until_told(), 'D');
    ck_assert_int_eq(told(20), 0);
    um_guests_stop(&guests);
    until_gone(); /* deaf: by SIGKILL */
    um_cycle_free(cy);
}
END_TEST

START_TEST(one_that_dies_is_started_again)
{
    um_cycle_t *cy = cycle_of("module brief; brief { }");
    uint64_t begin = um_clock_ns();

    ck_assert_int_eq(um_guests_invite(&guests, cy), UM_OK);
    ck_assert_int_eq(until_told(), 'B');
    ck_assert_int_eq(until_told(), 'B');
    ck_assert_int_eq(until_told(), 'B');
    ck_assert_uint_ge(um_clock_ns() - begin, UINT64_C(100000000));
    um_guests_stop(&guests);
    until_gone();
    ck_assert_int_eq(told(150), 0);
    um_cycle_free(cy);
}
END_TEST

START_TEST(with_a_new_cycle_the_old_leave_before_the_new_come)
{
    um_cycle_t *old = cycle_of("module polite; polite { }");
    um_cycle_t *cy;

    ck_assert_int_eq(um_guests_invite(&guests, old), UM_OK);
    ck_assert_int_eq(until_told(), 'S');

    cy = cycle_of("module polite; polite { }");
    ck_assert_int_eq(um_guests_invite(&guests, cy), UM_OK);
    um_cycle_free(old);
    ck_assert_int_eq(until_told(), 'q');
    ck_assert_int_eq(until_told(), 'S');

    /* And with one that does not name it, it goes. */
    old = cy;
    cy = cycle_of("module polite; module deaf; deaf { }");
    ck_assert_int_eq(um_guests_invite(&guests, cy), UM_OK);
    um_cycle_free(old);
    ck_assert_int_eq(until_told() + until_told(), 'q' + 'D');
    um_guests_quit(&guests);
    until_gone();
    um_cycle_free(cy);
}
END_TEST

START_TEST(a_guest_learns_of_the_house)
{
    const um_host_api_t *api = um_host_api();
    um_cycle_t *cy = cycle_of("module polite; polite { }");
    um_shm_t shm;
    size_t size = 0;

    ck_assert_ptr_nonnull(api->conf_block(cy, "polite"));
    ck_assert_ptr_null(api->conf_block(cy, "deaf"));
    ck_assert_ptr_null(api->proxy_address(cy));
    ck_assert_ptr_null(api->noticeboard(cy, &size));

    ck_assert_int_eq(um_shm_create(&shm, 2, 16), UM_OK);
    cy->shm = &shm;
    ck_assert_ptr_nonnull(api->noticeboard(cy, &size));
    ck_assert_uint_eq(size, shm.size);
    ck_assert_int_eq(memcmp(api->noticeboard(cy, &size), shm.base, 64), 0);
    um_shm_destroy(&shm);
    um_cycle_free(cy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("guests");
    TCase *doors_tc = tcase_create("doors");
    TCase *tc = tcase_create("guests");

    tcase_add_loop_test(doors_tc, a_module_must_fit, 0, um_countof(doors));
    tcase_add_test(doors_tc, a_module_is_opened_once);
    suite_add_tcase(suite, doors_tc);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_guest_gets_words_and_obeys);
    tcase_add_test(tc, a_module_without_its_block_has_no_process);
    tcase_add_test(tc, one_that_dies_is_started_again);
    tcase_add_test(tc, with_a_new_cycle_the_old_leave_before_the_new_come);
    tcase_add_test(tc, a_guest_learns_of_the_house);
    suite_add_tcase(suite, tc);
    return um_check_main(suite);
}
