/*
 * check_store_fail.c -- proxies are lost, replaced, and come back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"
#include "um_store_script.h"

static const um_story_t stories[] = {
    {
        .why = "reports count for a while, one for each reporter",
        .line = {
            { "hosts h1:1", "OK" },
            { "quorum 2", "OK" },
            { "report h1.0:1 r1", "OK" },
            { "report h1.0:1 r1", "OK" },
            { "report x:9 r1", "OK" },
            { "report x:9 r2", "OK" },
            { "?epochs", "4" },
            { "?failures", "{\"addresses\":[]}" },
            { "report h1.0:1 r2", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "at 1059", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "report h1.0:1 r1", "OK" },
            { "?epochs", "5" },
            { "at 1060", "OK" },
            { "?failures", "{\"addresses\":[]}" },
            { "quorum 0", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "at 1119", "OK" },
            { "?failures", "{\"addresses\":[]}" },
            { "report h1.0:1 r1", "OK" },
            { "?epochs", "6" },
            { "proxy h1.0:1", "ALREADY_EXISTED" },
            { "?failures", "{\"addresses\":[]}" },
            { "?epochs", "7" },
            { "proxy h1.0:1", "ALREADY_EXISTED" },
            { "?epochs", "7" },
            { "report a\"b:1 r", "INVALID_PROXY_ADDRESS" },
            { "report a:1 r\"", "INVALID_REPORTER" },
        },
    },
    {
        .why = "who finds it alive takes back what he said, and takes no epoch",
        .line = {
            { "hosts h1:1", "OK" },
            { "alive h1.0:1 r1", "OK" },
            { "alive x:9 r1", "OK" },
            { "?epochs", "1" },
            { "quorum 2", "OK" },
            { "report h1.0:1 r1", "OK" },
            { "report h1.0:1 r2", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "?epochs", "3" },
            { "alive h1.0:1 r3", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "alive h1.0:1 r1", "OK" },
            { "?failures", "{\"addresses\":[]}" },
            { "quorum 1", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "alive h1.0:1 r1", "OK" },
            { "alive h1.0:1 r2", "OK" },
            { "?failures", "{\"addresses\":[]}" },
            { "?epochs", "3" },
            { "report h1.0:1 r1", "OK" },
            { "?epochs", "4" },
            { "report x:9 r1", "OK" },
            { "alive x:9 r1", "OK" },
            { "?epochs", "5" },
            { "alive a\"b:1 r", "INVALID_PROXY_ADDRESS" },
            { "alive a:1 r\"", "INVALID_REPORTER" },
        },
    },
    {
        .why = "both sides down, one is back: no waiting for a report to end",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "create c 4", "OK" },
            { "report h1.0:1 r", "OK" },
            { "report h2.0:1 r", "OK" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "failover h2.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "alive h2.0:1 r", "OK" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c", "h1.0!+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "alive h1.0:1 r", "OK" },
            { "?failed", "{\"addresses\":[\"h1.0:1\"]}" },
            { "repair", "OK 0" },
            { "report h2.0:1 r", "OK" },
            { "hosts h3:1", "OK" },
            { "repair", "OK 0" },
            { "alive h2.0:1 r", "OK" },
            { "repair", "OK 1" },
            { "?chunks c", "h3.0+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "?failed", "{\"addresses\":[\"h1.0:1\"]}" },
        },
    },
    {
        .why = "a clock that steps back expires nothing",
        .line = {
            { "hosts h1:1", "OK" },
            { "report h1.0:1 r1", "OK" },
            { "at 10", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
            { "purge", "OK" },
            { "?failures", "{\"addresses\":[\"h1.0:1\"]}" },
        },
    },
    {
        .why = "masters move, then a spare from the least linked host comes",
        .line = {
            { "hosts h1:2 h2:2 h3:1 h4:2", "OK" },
            { "create c 4", "OK" },
            { "create d 4", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "?chunks d", "h4.0+h1.1 Normal 0-8191 8192-16383" },
            { "?epochs", "9 c=8 d=9" },
            { "failover nobody:1", "PROXY_NOT_FOUND" },
            { "failover h1.0:1", "OK h3.0:1" },
            { "?chunks c",
                "h3.0+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "?epochs", "11 c=11 d=9" },
            { "?failed", "{\"addresses\":[\"h1.0:1\"]}" },
            { "failover h1.0:1", "OK" },
            { "?epochs", "11 c=11 d=9" },
            { "balance c", "OK" },
            { "?chunks c", "h3.0+h2.0 Normal 0-8191 8192-16383" },
            { "proxy h1.0:1", "ALREADY_EXISTED" },
            { "?failed", "{\"addresses\":[]}" },
        },
    },
    {
        .why = "a spare that is lost is no spare until it is registered",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "report h1.0:1 r", "OK" },
            { "failover h1.0:1", "OK" },
            { "?failures", "{\"addresses\":[]}" },
            { "?failed", "{\"addresses\":[\"h1.0:1\"]}" },
            { "failover h1.0:1", "OK" },
            { "create c 4", "NO_AVAILABLE_RESOURCE" },
            { "proxy h1.0:1", "ALREADY_EXISTED" },
            { "create c 4", "OK" },
        },
    },
    {
        .why = "a chunk waits for its spare, whoever else comes and goes",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "create c 4", "OK" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c",
                "h1.0!+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "?epochs", "4 c=4" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?epochs", "4 c=4" },
            { "repair", "OK 0" },
            { "hosts h3:1", "OK" },
            { "repair", "OK 1" },
            { "?chunks c",
                "h3.0+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "?epochs", "6 c=6" },
            { "repair", "OK 0" },
            { "?epochs", "6 c=6" },
        },
    },
    {
        .why = "it comes back before its spare: nothing waits any more",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "create c 4", "OK" },
            { "failover h2.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c", "h1.0+h2.0! FirstChunkMaster 0-8191 8192-16383" },
            { "balance c", "OK" },
            { "?chunks c", "h1.0+h2.0! FirstChunkMaster 0-8191 8192-16383" },
            { "proxy h2.0:1", "ALREADY_EXISTED" },
            { "hosts h3:1", "OK" },
            { "repair", "OK 0" },
            { "balance c", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
        },
    },
    {
        .why = "both sides down: nothing flaps, and no data is given up",
        .line = {
            { "hosts h1:1 h2:1", "OK" },
            { "create c 4", "OK" },
            { "report h1.0:1 r", "OK" },
            { "report h2.0:1 r", "OK" },
            { "?epochs", "5 c=3" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "failover h2.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?epochs", "5 c=3" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "proxy h2.0:1", "ALREADY_EXISTED" },
            { "failover h1.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c",
                "h1.0!+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "failover h2.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?chunks c",
                "h1.0!+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "report h2.0:1 r", "OK" },
            { "hosts h3:1", "OK" },
            { "repair", "OK 0" },
            { "at 1060", "OK" },
            { "repair", "OK 1" },
        },
    },
    {
        .why = "the partner's host is the last to give a replacement",
        .line = {
            { "hosts h1:1 h2:2", "OK" },
            { "create c 4", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "failover h1.0:1", "OK h2.1:1" },
            { "?chunks c", "h2.1+h2.0 SecondChunkMaster 0-8191 8192-16383" },
            { "?check", "{\"hosts_cannot_fail\":[\"h2\"]}" },
            { "hosts h3:1", "OK" },
            { "failover h2.1:1", "OK h3.0:1" },
            { "?chunks c",
                "h3.0+h2.0 SecondChunkMaster 0-8191 8192-16383" },
        },
    },
    {
        .why = "a spare on the lost proxy's own host, when there is no other",
        .line = {
            { "hosts h1:2 h2:1", "OK" },
            { "create c 4", "OK" },
            { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
            { "failover h1.0:1", "OK h1.1:1" },
            { "?chunks c",
                "h1.1+h2.0 SecondChunkMaster 0-8191 8192-16383" },
        },
    },
    {
        .why = "roles may be moved by hand, and back",
        .line = {
            { "hosts h1:2 h2:2 h3:2", "OK" },
            { "create c 4", "OK" },
            { "failover h2.0:1", "OK h3.0:1" },
            { "?chunks c", "h1.0+h3.0 FirstChunkMaster 0-8191 8192-16383" },
            { "failover h1.0:1", "OK h2.1:1" },
            { "?chunks c",
                "h2.1+h3.0 SecondChunkMaster 0-8191 8192-16383" },
        },
    },
    {
        .why = "an ordered store only swaps the roles",
        .ordered = true,
        .line = {
            { "proxy a:1 a 0", "OK" },
            { "proxy b:1 b 1", "OK" },
            { "create c 4", "OK" },
            { "report b:1 r1", "OK" },
            { "failover b:1", "OK" },
            { "?chunks c", "a+b FirstChunkMaster 0-8191 8192-16383" },
            { "?failed", "{\"addresses\":[]}" },
            { "?epochs", "5 c=5" },
            { "failover b:1", "OK" },
            { "failover a:1", "OK" },
            { "?chunks c", "a+b FirstChunkMaster 0-8191 8192-16383" },
            { "?epochs", "5 c=5" },
            { "?check", "{\"hosts_cannot_fail\":[]}" },
        },
    },
    {
        .why = "hosts that could not be lost",
        .line = {
            { "?check", "{\"hosts_cannot_fail\":[]}" },
            { "hosts h1:1 h2:1", "OK" },
            { "?check", "{\"hosts_cannot_fail\":[]}" },
            { "create c 4", "OK" },
            { "?check", "{\"hosts_cannot_fail\":[\"h1\",\"h2\"]}" },
            { "proxy h1.9:1 h1", "OK" },
            { "?check", "{\"hosts_cannot_fail\":[\"h1\"]}" },
            { "hosts h3:1", "OK" },
            { "?check", "{\"hosts_cannot_fail\":[]}" },
            { "?epochs", "5 c=3" },
        },
    },
    {
        .why = "tasks that change hands, and their neighbours, are new ones",
        .line = {
            { "hosts h1:2 h2:2 h3:2", "OK" },
            { "create c 4", "OK" },
            { "add c 8", "OK" },
            { "expand c", "OK" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @9; 0.0>1.1 2731-5460 @9; "
                "0.1>1.1 16383-16383 @9; 0.1>2.0 13653-16382 @9; "
                "0.1>2.1 10923-13652 @9" },
            { "failover h3.0:1", "NO_AVAILABLE_RESOURCE" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @10; 0.0>1.1 2731-5460 @10; "
                "0.1>1.1 16383-16383 @9; 0.1>2.0 13653-16382 @9; "
                "0.1>2.1 10923-13652 @9" },
            { "proxy h3.0:1", "ALREADY_EXISTED" },
            { "failover h1.1:1", "NO_AVAILABLE_RESOURCE" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @12; 0.0>1.1 2731-5460 @12; "
                "0.1>1.1 16383-16383 @12; 0.1>2.0 13653-16382 @12; "
                "0.1>2.1 10923-13652 @12" },
            { "proxy h1.1:1", "ALREADY_EXISTED" },
            { "balance c", "OK" },
            { "?tasks c",
                "0.0>1.0 5461-8191 @14; 0.0>1.1 2731-5460 @14; "
                "0.1>1.1 16383-16383 @14; 0.1>2.0 13653-16382 @14; "
                "0.1>2.1 10923-13652 @14" },
        },
    },
};

START_TEST(what_is_lost_is_replaced)
{
    um_story_play(&stories[_i]);
}
END_TEST

static Suite *
fail_suite(void)
{
    Suite *s = suite_create("store_fail");
    TCase *tc = tcase_create("fail");

    tcase_add_loop_test(tc, what_is_lost_is_replaced, 0, um_countof(stories));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(fail_suite());
}
