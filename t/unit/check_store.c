/*
 * check_store.c -- the broker's store: what its results are called.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store.h"
#include "um_check.h"

#include <string.h>

static const struct {
    store_rc_t rc;
    const char *name;
    int status;
} results[] = {
    { STORE_OK, "OK", 200 },
    { STORE_IN_USE, "IN_USE", 409 },
    { STORE_CLUSTER_NOT_FOUND, "CLUSTER_NOT_FOUND", 404 },
    { STORE_INVALID_CONFIG, "INVALID_CONFIG", 400 },
    { STORE_CANCEL_NOT_SUPPORTED, "CANCEL_NOT_SUPPORTED", 409 },
    { STORE_NO_MEMORY, "NO_MEMORY", 500 },
};

START_TEST(results_have_the_names_and_statuses_of_the_api)
{
    ck_assert_str_eq(store_rc_name(results[_i].rc), results[_i].name);
    ck_assert_int_eq(store_rc_status(results[_i].rc), results[_i].status);
}
END_TEST

static Suite *
store_suite(void)
{
    Suite *s = suite_create("store");
    TCase *tc = tcase_create("results");

    tcase_add_loop_test(tc, results_have_the_names_and_statuses_of_the_api, 0,
        um_countof(results));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(store_suite());
}
