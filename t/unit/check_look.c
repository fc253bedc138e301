/*
 * What INFO says of a Redis, from version 4 to 7, and how two of them compare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "mover/um_look.h"
#include "redis/um_reply.h"
#include "um_check.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccc"
#define ID_0 "0000000000000000000000000000000000000000"

/* ---- Reading ------------------------------------------------------------ */

static const struct {
    const char *info;
    um_look_t look;
    const char *why;
} infos[] = {
    { "# Server\r\nredis_version:7.0.15\r\nrun_id:" ID_A "\r\n"
      "# Persistence\r\nloading:0\r\nasync_loading:0\r\n"
      "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
      "slave0:ip=127.0.0.1,port=7002,state=online,offset=700,lag=0\r\n"
      "master_failover_state:no-failover\r\nmaster_replid:" ID_B "\r\n"
      "master_replid2:" ID_C "\r\nmaster_repl_offset:714\r\n"
      "second_repl_offset:500\r\n# Keyspace\r\n"
      "db0:keys=12,expires=1,avg_ttl=0\r\ndb3:keys=3,expires=0,avg_ttl=0\r\n",
        { .run_id = ID_A,
            .version = 0x07000f,
            .master = true,
            .offset = 714,
            .replid = ID_B,
            .replid2 = ID_C,
            .second_offset = 500,
            .replicas = 1,
            .keys = 15 },
        "a master of version 7" },
    { "redis_version:7.0.15\r\nrun_id:" ID_A "\r\nloading:0\r\nrole:slave\r\n"
      "master_host:10.0.0.1\r\nmaster_port:7001\r\nmaster_link_status:up\r\n"
      "slave_read_repl_offset:720\r\nslave_repl_offset:714\r\n"
      "connected_slaves:0\r\nmaster_replid:" ID_B "\r\nmaster_replid2:" ID_0
      "\r\nmaster_repl_offset:714\r\nsecond_repl_offset:-1\r\n"
      "db0:keys=12,expires=1,avg_ttl=0\r\n",
        { .run_id = ID_A,
            .version = 0x07000f,
            .master_host = "10.0.0.1",
            .master_port = 7001,
            .link_up = true,
            .offset = 714,
            .replid = ID_B,
            .replid2 = ID_0,
            .keys = 12 },
        "its replica" },
    { "redis_version:6.2.14\r\nrun_id:" ID_A "\r\nloading:0\r\nrole:slave\r\n"
      "master_host:::1\r\nmaster_port:7001\r\nmaster_link_status:down\r\n"
      "master_last_io_seconds_ago:-1\r\nmaster_sync_in_progress:0\r\n"
      "slave_repl_offset:1\r\nmaster_link_down_since_seconds:-1\r\n"
      "master_replid:" ID_B "\r\nmaster_replid2:" ID_0 "\r\n",
        { .run_id = ID_A,
            .version = 0x06020e,
            .master_host = "::1",
            .master_port = 7001,
            .never_linked = true,
            .offset = 1,
            .replid = ID_B,
            .replid2 = ID_0 },
        "a replica that never was in sync" },
    { "redis_version:5.0.7\r\nrun_id:" ID_A "\r\nloading:1\r\nrole:slave\r\n"
      "master_host:10.0.0.1\r\nmaster_port:7001\r\nmaster_link_status:down\r\n"
      "slave_repl_offset:714\r\nmaster_link_down_since_seconds:7\r\n"
      "master_replid:" ID_B "\r\nmaster_replid2:" ID_0 "\r\n",
        { .run_id = ID_A,
            .version = 0x050007,
            .loading = true,
            .master_host = "10.0.0.1",
            .master_port = 7001,
            .offset = 714,
            .replid = ID_B,
            .replid2 = ID_0 },
        "one of version 5 that has lost its link and reads its data" },
    { "redis_version:4.0.14\r\nrun_id:" ID_A "\r\nrole:slave\r\n"
      "master_host:10.0.0.1\r\nmaster_port:7001\r\nmaster_link_status:down\r\n"
      "slave_repl_offset:1\r\nmaster_link_down_since_seconds:1796082185\r\n",
        { .run_id = ID_A,
            .version = 0x04000e,
            .master_host = "10.0.0.1",
            .master_port = 7001,
            .never_linked = true,
            .offset = 1 },
        "version 4 counts from 1970 where there never was a link" },
    { "role:slave\nmaster_host:127.0.0.1\nmaster_port:0\n"
      "master_link_status:down\nmaster_link_down_since_seconds:-1\n",
        { .master_host = "127.0.0.1", .never_linked = true },
        "a replica of nobody; lines may end in LF" },
    { "role:slave\r\nmaster_port:70000\r\nrun_id:" ID_A "too long\r\n"
      "redis_version:x.y\r\nslave_repl_offset:-5\r\nloading:yes\r\n",
        { .master_port = 0 }, "what makes no sense is not known" },
    { "role:master\r\ndb0:keys=\r\ndb1:keys=x\r\ndb2:keys=7",
        { .master = true, .keys = 7 }, "cut off in the middle" },
};

START_TEST(info_is_understood)
{
    const um_look_t *want = &infos[_i].look;
    um_look_t l;

    ck_assert_int_eq(um_look_parse(um_str_of(infos[_i].info), &l), UM_OK);
    ck_assert_msg(strcmp(l.run_id, want->run_id) == 0, "%s", infos[_i].why);
    ck_assert_msg(
        l.version == want->version, "%s: %x", infos[_i].why, l.version);
    ck_assert_msg(l.master == want->master, "%s", infos[_i].why);
    ck_assert_msg(l.loading == want->loading, "%s", infos[_i].why);
    ck_assert_str_eq(l.master_host, want->master_host);
    ck_assert_uint_eq(l.master_port, want->master_port);
    ck_assert_msg(l.link_up == want->link_up, "%s", infos[_i].why);
    ck_assert_msg(l.never_linked == want->never_linked, "%s", infos[_i].why);
    ck_assert_uint_eq(l.offset, want->offset);
    ck_assert_str_eq(l.replid, want->replid);
    ck_assert_str_eq(l.replid2, want->replid2);
    ck_assert_uint_eq(l.second_offset, want->second_offset);
    ck_assert_uint_eq(l.replicas, want->replicas);
    ck_assert_uint_eq(l.keys, want->keys);
}
END_TEST

START_TEST(what_is_no_info_is_declined)
{
    static const char *const texts[] = { "", "role", "OK", "xrole:master",
        "# Replication\r\nmaster_host:x\r\n", "-NOPERM this user has no" };
    um_look_t l;

    for (size_t i = 0; i < um_countof(texts); i++) {
        ck_assert_msg(um_look_parse(um_str_of(texts[i]), &l) == UM_DECLINED,
            "%s", texts[i]);
    }
}
END_TEST

START_TEST(fields_of_info)
{
    um_str_t info = um_lit("# Replication\r\nrole:slave\r\n"
                           "master_host:10.0.0.1\r\nmaster_repl_offset:77\r\n"
                           "empty:\r\nlast:1");
    um_str_t v;
    uint64_t n;

    ck_assert_int_eq(um_reply_info(info, "role", &v), UM_OK);
    ck_assert(um_str_eq(v, um_lit("slave")));
    ck_assert_int_eq(um_reply_info(info, "empty", &v), UM_OK);
    ck_assert_uint_eq(v.len, 0);
    ck_assert_int_eq(um_reply_info_u64(info, "master_repl_offset", &n), UM_OK);
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(um_reply_info_u64(info, "last", &n), UM_OK);
    ck_assert_int_eq(um_reply_info(info, "offset", &v), UM_DECLINED);
    ck_assert_int_eq(um_reply_info(info, "rol", &v), UM_DECLINED);
    ck_assert_int_eq(um_reply_info_u64(info, "role", &n), UM_DECLINED);
    ck_assert_int_eq(
        um_reply_info((um_str_t){ "", 0 }, "role", &v), UM_DECLINED);
}
END_TEST

/* ---- Comparing ---------------------------------------------------------- */

static const struct {
    um_look_t a, b;
    bool kin, heir, took_over, ahead;
    const char *why;
} pairs[] = {
    { { .replid = "x", .offset = 9, .keys = 1 },
        { .replid = "x", .offset = 8, .keys = 1, .master = true }, true, false,
        false, true, "one history, and further in it" },
    { { .replid = "x", .offset = 9 }, { .replid = "y", .replid2 = "x" }, true,
        false, false, false, "nothing there and nothing here" },
    { { .master = true,
          .replid = "y",
          .replid2 = "x",
          .second_offset = 50,
          .offset = 49,
          .keys = 1 },
        { .master = true, .replid = "x", .offset = 49, .keys = 1 }, true, true,
        false, false, "promoted, and not written to since" },
    { { .master = true,
          .replid = "y",
          .replid2 = "x",
          .second_offset = 50,
          .offset = 60,
          .keys = 1 },
        { .master = true, .replid = "x", .offset = 99, .keys = 1 }, true, true,
        true, false, "written to since, though the old one is further" },
    { { .replid = "y", .replid2 = "x", .second_offset = 50, .offset = 60 },
        { .master = true, .replid = "x", .offset = 49 }, true, false, false,
        false, "a replica has not taken over" },
    { { .master = true, .replid = "x", .offset = 99, .keys = 1 },
        { .master = true,
            .replid = "y",
            .replid2 = "x",
            .second_offset = 50,
            .offset = 60,
            .keys = 1 },
        true, false, false, true, "the old one is not the heir" },
    { { .replid = ID_A, .replid2 = ID_0, .offset = 3, .keys = 1 },
        { .replid = ID_B, .replid2 = ID_0, .offset = 2, .keys = 1 }, false,
        false, false, true, "zeros are no history" },
    { { .replid = "", .offset = 1, .keys = 5 },
        { .replid = "", .master = true, .keys = 4 }, false, false, false, true,
        "without a stream there are only keys to compare" },
    { { .replid = "x", .offset = 1, .keys = 5 },
        { .replid = "x", .master = true, .keys = 4 }, true, false, false, false,
        "not even they, of one history" },
    { { .offset = 1, .keys = 4 }, { .master = true, .keys = 4 }, false, false,
        false, false, "as many keys, and an offset that says nothing" },
    { { .offset = 77 }, { .master = true, .keys = 4 }, false, false, false,
        true, "it knows of the end of keys that the other still has" },
    { { .offset = 1 }, { .master = true, .keys = 4 }, false, false, false,
        false, "it knows nothing" },
};

START_TEST(two_are_compared)
{
    const um_look_t *a = &pairs[_i].a, *b = &pairs[_i].b;

    ck_assert_msg(um_look_is_kin(a, b) == pairs[_i].kin, "%s", pairs[_i].why);
    ck_assert_msg(um_look_is_kin(b, a) == pairs[_i].kin, "%s", pairs[_i].why);
    ck_assert_msg(um_look_is_heir(a, b) == pairs[_i].heir, "%s", pairs[_i].why);
    ck_assert_msg(
        um_look_took_over(a, b) == pairs[_i].took_over, "%s", pairs[_i].why);
    ck_assert_msg(
        um_look_is_ahead(a, b) == pairs[_i].ahead, "%s", pairs[_i].why);
}
END_TEST

static const struct {
    um_look_t a, b;
    bool all;
    const char *why;
} wholes[] = {
    { { .replid = "x", .offset = 9 }, { .replid = "x", .offset = 9 }, true,
        "one history, as far" },
    { { .replid = "x", .offset = 8 }, { .replid = "x", .offset = 9 }, false,
        "not as far" },
    { { .replid = "x", .offset = 9 }, { .replid = "y", .offset = 2 }, false,
        "another history" },
    { { .replid = "x", .offset = 60 },
        { .replid = "y", .replid2 = "x", .second_offset = 50, .offset = 49 },
        true, "the other was promoted out of it and not written to" },
    { { .replid = "x", .offset = 60 },
        { .replid = "y", .replid2 = "x", .second_offset = 50, .offset = 55 },
        false, "it was written to: further is not more" },
    { { .replid = "y", .replid2 = "x", .second_offset = 50, .offset = 70 },
        { .replid = "x", .offset = 49 }, true, "promoted out of the other" },
    { { .replid = "y", .replid2 = "x", .second_offset = 50, .offset = 70 },
        { .replid = "x", .offset = 60 }, false, "which was written to since" },
    { { .replid = "y", .replid2 = ID_0, .second_offset = 0, .offset = 70 },
        { .replid = ID_0, .offset = 60 }, false, "zeros are no history" },
};

START_TEST(one_has_all_of_the_other)
{
    ck_assert_msg(
        um_look_has_all(&wholes[_i].a, &wholes[_i].b) == wholes[_i].all, "%s",
        wholes[_i].why);
}
END_TEST

START_TEST(nobodys_replica_and_nobodys_data)
{
    const um_look_t orphan = { .master_host = "127.0.0.1" };
    const um_look_t replica = { .master_host = "h", .master_port = 1 };
    const um_look_t fresh = { .master = true }, used = { .keys = 1 };
    const um_look_t emptied = { .master = true, .offset = 50 };

    ck_assert(um_look_is_orphan(&orphan));
    ck_assert(!um_look_is_orphan(&replica));
    ck_assert(!um_look_is_orphan(&fresh));
    ck_assert(um_look_is_blank(&fresh));
    ck_assert(!um_look_is_blank(&used));
    ck_assert(!um_look_is_blank(&emptied));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("look");
    Suite *s = suite_create("mover");

    tcase_add_loop_test(t, info_is_understood, 0, um_countof(infos));
    tcase_add_test(t, what_is_no_info_is_declined);
    tcase_add_test(t, fields_of_info);
    tcase_add_loop_test(t, two_are_compared, 0, um_countof(pairs));
    tcase_add_loop_test(t, one_has_all_of_the_other, 0, um_countof(wholes));
    tcase_add_test(t, nobodys_replica_and_nobodys_data);
    suite_add_tcase(s, t);
    return um_check_main(s);
}
