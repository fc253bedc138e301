/*
 * Memory ends at each allocation in turn: a configuration is then refused
 * with a message, and nothing leaks or crashes.
 *
 * The linker sends malloc and its kin here (--wrap).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"

#include "core/um_str.h"
#include "master/um_main_conf.h"
#include "master/um_redis_conf.h"
#include "proxy/um_proxy_conf.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long left = -1; /* allocations until one fails; -1: none does */

static bool
is_due(void)
{
    return left >= 0 && left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
    return is_due() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return is_due() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return is_due() ? NULL : __real_realloc(old, size);
}

static const um_block_t *const blocks[] = { &um_main_block, &um_proxy_block,
    &um_redis_block, NULL };

static const char *const texts[] = {
    "worker_processes 2; pid x; user a b; proxy { listen h:1; listen h:2"
    " control; control_allow 10.0.0.0/8 ::1; command X 1; command Y 1;"
    " password p; } error_log a/b debug;",
    "redis { listen 127.0.0.1:1 127.0.0.1:2; set save ''; dir d; }",
    "proxy { backend_timeout x; }",
    "proxy { cluster_nodes_version x; }",
    "proxy { include /dev/null; include /dev/nul[l]; }",
};

static um_conf_t *
load(const char *text, char *err)
{
    char number[] = "UNDERMOON_THREAD_NUMBER=3";
    char *env[] = { number, NULL };
    um_conf_options_t o = { .file = "f.conf",
        .text = text,
        .prefix = "/p",
        .directives = "daemon off;",
        .env = env,
        .blocks = blocks,
        .quiet = true };

    return um_conf_load(&o, err);
}

START_TEST(no_memory_is_a_refusal)
{
    char err[UM_CONF_ERR_MAX], wrong[UM_CONF_ERR_MAX];
    um_conf_t *cf = load(texts[_i], wrong);
    bool right = cf != NULL;
    long n;

    um_conf_free(cf);

    for (n = 0; n < 10000; n++) {
        left = n;
        cf = load(texts[_i], err);
        if (left >= 0) {
            break; /* there was enough this time */
        }

        left = -1;
        ck_assert_msg(cf == NULL, "allocation %ld is not missed", n);
        ck_assert_msg(strstr(err, "out of memory") != NULL
                          || strcmp(err, wrong) == 0
                          || strstr(err, "is none of"),
            "allocation %ld: %s", n, err);
    }

    left = -1;
    ck_assert_int_gt(n, 3);
    ck_assert_int_eq(cf != NULL, right);
    um_conf_free(cf);
}
END_TEST

START_TEST(no_memory_leaves_a_dump_failed)
{
    char err[UM_CONF_ERR_MAX];
    um_conf_t *cf = load(texts[0], err);
    um_sbuf_t out = { 0 };

    ck_assert_msg(cf != NULL, "%s", err);
    left = 0;
    um_conf_dump(cf, &out);
    left = -1;
    ck_assert(out.failed);
    um_sbuf_deinit(&out);
    um_conf_free(cf);
}
END_TEST

static Suite *
nomem_suite(void)
{
    Suite *s = suite_create("conf_nomem");
    TCase *tc = tcase_create("nomem");

    tcase_add_loop_test(tc, no_memory_is_a_refusal, 0, um_countof(texts));
    tcase_add_test(tc, no_memory_leaves_a_dump_failed);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(nomem_suite());
}
