/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_fds.h"
#include "um_check.h"

#define ROWS 12 /* of one worker */

static const struct {
    uint64_t limit;
    uint32_t max_clients, private_connections;
    um_rc_t rc;
    uint32_t clients, private; /* that there are descriptors for */
    const char *why;
} shares[] = {
    { 20000, 10000, 1000, UM_OK, 10000, 1000, "plenty" },
    { UINT64_MAX, 10000, 1000, UM_OK, 10000, 1000, "not known" },
    { 11301, 10000, 1000, UM_OK, 10000, 1000, "exactly enough" },
    { 11300, 10000, 1000, UM_DECLINED, 9999, 1000, "one is missing" },
    { 4096, 10000, 1000, UM_DECLINED, 2847, 948, "clients give way first" },
    { 1024, 10000, 1000, UM_DECLINED, 552, 183, "what a shell has" },
    { 1024, 100, 1000, UM_DECLINED, 100, 635, "few clients leave more" },
    { 1024, 700, 100, UM_DECLINED, 635, 100, "few private ones too" },
    { 100, 1000, 1000, UM_DECLINED, 32, 10, "hardly any" },
    { 53, 1000, 1000, UM_DECLINED, 5, 1, "the least" },
    { 52, 1000, 1000, UM_ERR, 0, 0, "too few" },
    { 0, 1000, 1000, UM_ERR, 0, 0, "none" },
};

START_TEST(descriptors_are_dealt_out)
{
    um_proxy_conf_t conf = { .listen_count = 1,
        .max_clients = shares[_i].max_clients,
        .private_connections = shares[_i].private_connections };
    um_fds_t fds;

    ck_assert_msg(
        um_fds_share(&conf, ROWS, shares[_i].limit, &fds) == shares[_i].rc,
        "%s", shares[_i].why);
    if (shares[_i].rc != UM_ERR) {
        ck_assert_msg(fds.clients == shares[_i].clients
                          && fds.private_connections == shares[_i].private,
            "%s: %u and %u", shares[_i].why, fds.clients,
            fds.private_connections);
    }
}
END_TEST

START_TEST(no_limit_deals_out_more_than_it_is)
{
    for (uint32_t max = 1; max <= 100000; max *= 10) {
        for (uint32_t private = 1; private <= 100000; private *= 10) {
            um_proxy_conf_t conf = { .listen_count = 2,
                .max_clients = max,
                .private_connections = private };

            for (uint64_t limit = 0; limit < 3000; limit++) {
                um_fds_t fds;

                if (um_fds_share(&conf, ROWS, limit, &fds) == UM_ERR) {
                    continue;
                }
                ck_assert(fds.clients > 0 && fds.clients <= max);
                ck_assert(fds.private_connections > 0
                          && fds.private_connections <= private);
                ck_assert(fds.clients + fds.private_connections < limit);
            }
        }
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fds");
    TCase *tc = tcase_create("fds");

    tcase_add_loop_test(
        tc, descriptors_are_dealt_out, 0, (int) um_countof(shares));
    tcase_add_test(tc, no_limit_deals_out_more_than_it_is);
    suite_add_tcase(s, tc);
    return um_check_main(s);
}
