/*
 * For how long a proxy may serve without being told so anew, and what a word
 * that vouches for it has to look like.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "shm/um_lease.h"
#include "um_check.h"

#define MS  UINT64_C(1000000)
#define SEC (1000 * MS)

static const struct {
    uint64_t vouched_ns, lease_ms, now_ns;
    bool out;
    uint64_t left_ms;
    const char *why;
} leases[] = {
    { 0, 0, 90 * SEC, false, 0, "without a lease nothing runs out" },
    { 1 * SEC, 0, 90 * SEC, false, 0, "whoever vouches" },
    { 0, 2000, 1 * SEC, true, 0,
        "nobody has ever vouched, though it is early" },
    { 5 * SEC, 2000, 5 * SEC, false, 2000, "just now" },
    { 5 * SEC, 2000, 7 * SEC - MS, false, 1, "at the last moment" },
    { 5 * SEC, 2000, 7 * SEC - 1, true, 0,
        "in the last millisecond it is out" },
    { 5 * SEC, 2000, 7 * SEC, true, 0, "too late" },
    { 5 * SEC, 2000, 900 * SEC, true, 0, "much too late" },
    { 5 * SEC, 2000, 5 * SEC - 1, false, 2000,
        "another process's clock was read a little later" },
};

START_TEST(a_lease_runs_out)
{
    uint64_t vouched = leases[_i].vouched_ns, ms = leases[_i].lease_ms;

    ck_assert_msg(
        um_lease_is_out(vouched, ms, leases[_i].now_ns) == leases[_i].out, "%s",
        leases[_i].why);
    ck_assert_msg(
        um_lease_left_ms(vouched, ms, leases[_i].now_ns) == leases[_i].left_ms,
        "%s", leases[_i].why);
}
END_TEST

/* Whatever was vouched before we heard is over when we go on, also by a clock
 * that is slow by a hundredth. */
START_TEST(that_of_another_is_waited_for_a_little_longer)
{
    ck_assert(!um_lease_may_run(5 * SEC, 0, 5 * SEC));
    ck_assert(um_lease_may_run(5 * SEC, 2000, 5 * SEC));
    ck_assert(um_lease_may_run(5 * SEC, 2000, 7 * SEC + 20 * MS));
    ck_assert(!um_lease_may_run(5 * SEC, 2000, 7 * SEC + 40 * MS));
    ck_assert(um_lease_may_run(0, 60000, 60 * SEC + 600 * MS));
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    uint64_t ms;
} moments[] = {
    { "5000", true, 5000 },
    { "1", true, 1 },
    { "7000", true, 7000 },
    { "7001", true, 0 }, /* it has not been yet */
    { "0", true, 0 },
    { "18446744073709551615", true, 0 },
    { "18446744073709551616", false, 0 },
    { "99999999999999999999999999999999999999", false, 0 },
    { "-1", false, 0 },
    { "-18446744073709551000", false, 0 },
    { "+5000", false, 0 },
    { " 5000", false, 0 },
    { "5000 ", false, 0 },
    { "5e3", false, 0 },
    { "0x10", false, 0 },
    { "5.0", false, 0 },
    { "", false, 0 },
    { "now", false, 0 },
};

START_TEST(what_a_beat_may_name)
{
    uint64_t moment = 77;
    um_rc_t rc =
        um_lease_parse(um_str_of(moments[_i].text), 7 * SEC + 999999, &moment);

    ck_assert_msg((rc == UM_OK) == moments[_i].ok, "%s", moments[_i].text);
    ck_assert_msg(moment == (moments[_i].ok ? moments[_i].ms * MS : 77), "%s",
        moments[_i].text);
}
END_TEST

START_TEST(a_lease_is_only_ever_extended)
{
    _Atomic uint64_t vouched = 0;

    um_lease_vouch(&vouched, 0);
    ck_assert_uint_eq(vouched, 0);
    um_lease_vouch(&vouched, 5 * SEC);
    ck_assert_uint_eq(vouched, 5 * SEC);
    um_lease_vouch(&vouched, 4 * SEC);
    ck_assert_uint_eq(vouched, 5 * SEC);
    um_lease_vouch(&vouched, 6 * SEC);
    ck_assert_uint_eq(vouched, 6 * SEC);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("lease");
    Suite *s = suite_create("lease");

    tcase_add_loop_test(t, a_lease_runs_out, 0, um_countof(leases));
    tcase_add_test(t, that_of_another_is_waited_for_a_little_longer);
    tcase_add_loop_test(t, what_a_beat_may_name, 0, um_countof(moments));
    tcase_add_test(t, a_lease_is_only_ever_extended);
    suite_add_tcase(s, t);
    return um_check_main(s);
}
