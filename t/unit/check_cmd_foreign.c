/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd_foreign.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "resp/um_put.h"

static um_cmd_foreign_t *set;
static um_sbuf_t reply;

static void
setup(void)
{
    set = um_cmd_foreign_new();
    ck_assert_ptr_nonnull(set);
}

static void
teardown(void)
{
    um_cmd_foreign_free(set);
    um_sbuf_deinit(&reply);
}

static const um_cmd_t *
find(const char *name)
{
    return um_cmd_foreign_find(set, um_str_of(name));
}

/* One entry as Redis 5 gives it: the first six fields. */
static void
put_old(const char *name, const char *flags, int first, int last, int step)
{
    um_put_array(&reply, 6);
    um_put_bulkz(&reply, name);
    um_put_int(&reply, -2);
    um_put_array(&reply, 1);
    um_put_simple(&reply, flags);
    um_put_int(&reply, first);
    um_put_int(&reply, last);
    um_put_int(&reply, step);
}

static void
put_pair(const char *name, const char *value)
{
    um_put_bulkz(&reply, name);
    um_put_bulkz(&reply, value);
}

/* One specification as Redis 7 tells it. */
typedef struct {
    const char *flags;
    const char *key_flag;
    int begin;           /* index, or startfrom of the keyword */
    const char *keyword; /* NULL: none */
    const char *find;
    int a, b, c;
} shape_t;

static void
put_number(const char *name, int n)
{
    um_put_bulkz(&reply, name);
    um_put_int(&reply, n);
}

static void
put_new(const char *name, shape_t s, int proto)
{
    bool range = strcmp(s.find, "range") == 0;

    um_put_array(&reply, 10);
    um_put_bulkz(&reply, name);
    um_put_int(&reply, -2);
    um_put_set(&reply, 1, proto);
    um_put_simple(&reply, s.flags);
    um_put_int(&reply, 0);
    um_put_int(&reply, 0);
    um_put_int(&reply, 0);
    um_put_set(&reply, 0, proto);
    um_put_array(&reply, 0);

    um_put_array(&reply, 1);
    um_put_map(&reply, 4, proto);
    put_pair("notes", "of no interest");
    um_put_bulkz(&reply, "flags");
    um_put_set(&reply, 1, proto);
    um_put_simple(&reply, s.key_flag);

    um_put_bulkz(&reply, "begin_search");
    um_put_map(&reply, 2, proto);
    put_pair("type", s.keyword != NULL ? "keyword" : "index");
    um_put_bulkz(&reply, "spec");
    if (s.keyword != NULL) {
        um_put_map(&reply, 2, proto);
        put_pair("keyword", s.keyword);
        put_number("startfrom", s.begin);
    } else {
        um_put_map(&reply, 1, proto);
        put_number("index", s.begin);
    }

    um_put_bulkz(&reply, "find_keys");
    um_put_map(&reply, 2, proto);
    put_pair("type", s.find);
    um_put_bulkz(&reply, "spec");
    um_put_map(&reply, 3, proto);
    put_number(range ? "lastkey" : "keynumidx", s.a);
    put_number(range ? "keystep" : "firstkey", s.b);
    put_number(range ? "limit" : "keystep", s.c);

    um_put_array(&reply, 0);
}

/* What `nodes` nodes say, all the same. */
static void
learn(uint32_t nodes)
{
    um_cmd_foreign_begin(set);
    for (uint32_t i = 0; i < nodes; i++) {
        ck_assert_int_eq(
            um_cmd_foreign_learn(set, (um_str_t){ reply.data, reply.len }),
            UM_OK);
    }

    um_cmd_foreign_end(set, nodes);
    um_sbuf_clear(&reply);
}

START_TEST(the_operator_names_a_command)
{
    um_str_t argv[] = { um_lit("MY.cmd"), um_lit("x"), um_lit("a"), um_lit("y"),
        um_lit("b") };
    um_keys_t keys = { .key = NULL };
    const um_cmd_t *cmd;
    const char *why;

    ck_assert_int_eq(
        um_cmd_foreign_add(set, um_lit("My.Cmd"), 2, -1, 2, true, &why), UM_OK);
    cmd = find("mY.cMD");
    ck_assert_ptr_nonnull(cmd);
    ck_assert_str_eq(cmd->name, "my.cmd");
    ck_assert_int_eq(cmd->how, UM_HOW_FORWARD);
    ck_assert(cmd->flags & UM_CMD_FOREIGN);
    ck_assert(cmd->flags & UM_CMD_WRITE);
    ck_assert(!um_cmd_arity_ok(cmd, 2));
    ck_assert_int_eq(um_cmd_keys(cmd, argv, 5, &keys), UM_OK);
    ck_assert_uint_eq(keys.count, 2);
    ck_assert_uint_eq(keys.key[0].pos, 2);
    ck_assert_uint_eq(keys.key[1].pos, 4);
    ck_assert(keys.key[1].write && keys.key[1].may_delete);
    um_keys_deinit(&keys);
}
END_TEST

static const struct {
    const char *name;
    int first, last, step;
    const char *why;
} refused[] = {
    { "get", 1, 1, 1, "is known already" },
    { "SHUTDOWN", 1, 1, 1, "is known already" },
    { "", 1, 1, 1, "is no name of a command" },
    { "a b", 1, 1, 1, "is no name of a command" },
    { "a|b", 1, 1, 1, "is no name of a command" },
    { "a\x01", 1, 1, 1, "is no name of a command" },
    { "x", 0, 0, 0, "has no keys" },
    { "x", 1, 1, 0, "has keys that cannot be found" },
    { "x", 3, 2, 1, "has keys that cannot be found" },
    { "x", -1, -1, 1, "has keys that cannot be found" },
    { "x", 1, 100000, 1, "has keys that cannot be found" },
};

START_TEST(some_names_are_refused)
{
    const char *why = NULL;

    ck_assert_int_eq(
        um_cmd_foreign_add(set, um_str_of(refused[_i].name), refused[_i].first,
            refused[_i].last, refused[_i].step, false, &why),
        UM_DECLINED);
    ck_assert_str_eq(why, refused[_i].why);
}
END_TEST

START_TEST(what_an_old_redis_tells_is_learnt)
{
    um_put_array(&reply, 8);
    put_old("json.get", "readonly", 1, 1, 1);
    put_old("json.set", "write", 1, 1, 1);
    put_old("get", "readonly", 1, 1, 1);
    put_old("x.block", "blocking", 1, 1, 1);
    put_old("x.admin", "admin", 1, 1, 1);
    put_old("x.pub", "pubsub", 1, 1, 1);
    put_old("x.keyless", "readonly", 0, 0, 0);
    put_old("x.moving", "movablekeys", 1, 1, 1);
    learn(1);

    ck_assert_ptr_nonnull(find("json.get"));
    ck_assert(!find("json.get")->specs[0].write);
    ck_assert(find("JSON.SET")->specs[0].write);
    ck_assert_ptr_null(find("get"));
    ck_assert_ptr_null(find("x.block"));
    ck_assert_ptr_null(find("x.admin"));
    ck_assert_ptr_null(find("x.pub"));
    ck_assert_ptr_null(find("x.keyless"));
    ck_assert_ptr_null(find("x.moving"));
}
END_TEST

START_TEST(what_a_new_redis_tells_is_learnt)
{
    int proto = _i;
    um_str_t argv[] = { um_lit("x.num"), um_lit("2"), um_lit("a"), um_lit("b"),
        um_lit("c") };
    um_keys_t keys = { .key = NULL };

    um_put_array(&reply, 5);
    put_new("x.get", (shape_t){ "readonly", "RO", 1, NULL, "range", 0, 1, 0 },
        proto);
    put_new("x.num",
        (shape_t){ "movablekeys", "RW", 1, NULL, "keynum", 0, 1, 1 }, proto);
    put_new("x.part",
        (shape_t){ "readonly", "incomplete", 1, NULL, "range", 0, 1, 0 },
        proto);
    put_new("x.odd", (shape_t){ "readonly", "RO", 1, NULL, "unknown", 0, 1, 0 },
        proto);
    put_new("x.moving",
        (shape_t){ "movablekeys", "RO", 1, NULL, "range", 0, 1, 0 }, proto);
    learn(1);

    ck_assert_ptr_nonnull(find("x.get"));
    ck_assert_ptr_null(find("x.part"));
    ck_assert_ptr_null(find("x.odd"));
    ck_assert_ptr_null(find("x.moving"));

    ck_assert_ptr_nonnull(find("x.num"));
    ck_assert_int_eq(um_cmd_keys(find("x.num"), argv, 5, &keys), UM_OK);
    ck_assert_uint_eq(keys.count, 2);
    ck_assert_uint_eq(keys.key[0].pos, 2);
    argv[1] = um_lit("4");
    ck_assert_int_eq(um_cmd_keys(find("x.num"), argv, 5, &keys), UM_DECLINED);
    um_keys_deinit(&keys);
}
END_TEST

/* Of what follows the word, half is keys. */
static const struct {
    int from; /* negative: from the end */
    const char *found;
} keywords[] = { { 1, "3 4" }, { 3, "6" }, { -2, "6" }, { -4, "3 4" } };

START_TEST(keys_behind_a_keyword_are_found)
{
    um_str_t argv[] = { um_lit("x.read"), um_lit("a"), um_lit("streams"),
        um_lit("b"), um_lit("c"), um_lit("STREAMS"), um_lit("d"), um_lit("e") };
    um_keys_t keys = { .key = NULL };
    char text[32] = "";
    size_t at = 0;

    um_put_array(&reply, 1);
    put_new("x.read",
        (shape_t){ "movablekeys", "RW", keywords[_i].from, "STREAMS", "range",
            -1, 1, 2 },
        2);
    learn(1);

    ck_assert_ptr_nonnull(find("x.read"));
    ck_assert_int_eq(um_cmd_keys(find("x.read"), argv, 8, &keys), UM_OK);
    for (uint32_t i = 0; i < keys.count; i++) {
        at += (size_t) snprintf(text + at, sizeof(text) - at, "%s%u",
            i > 0 ? " " : "", keys.key[i].pos);
    }

    ck_assert_str_eq(text, keywords[_i].found);
    um_keys_deinit(&keys);
}
END_TEST

START_TEST(all_nodes_must_agree)
{
    const um_cmd_t *both;

    um_cmd_foreign_begin(set);
    um_put_array(&reply, 3);
    put_old("both", "readonly", 1, 1, 1);
    put_old("differs", "readonly", 1, 1, 1);
    put_old("one", "readonly", 1, 1, 1);
    ck_assert_int_eq(
        um_cmd_foreign_learn(set, (um_str_t){ reply.data, reply.len }), UM_OK);
    um_sbuf_clear(&reply);

    /* Twice in one reply does not make two nodes. */
    um_put_array(&reply, 4);
    put_old("both", "readonly", 1, 1, 1);
    put_old("differs", "readonly", 2, 2, 1);
    put_old("twice", "readonly", 1, 1, 1);
    put_old("twice", "readonly", 1, 1, 1);
    ck_assert_int_eq(
        um_cmd_foreign_learn(set, (um_str_t){ reply.data, reply.len }), UM_OK);
    um_sbuf_clear(&reply);
    um_cmd_foreign_end(set, 2);

    both = find("both");
    ck_assert_ptr_nonnull(both);
    ck_assert_ptr_null(find("differs"));
    ck_assert_ptr_null(find("one"));
    ck_assert_ptr_null(find("twice"));
    ck_assert_ptr_eq(um_cmd_foreign_at(set, 0), both);
    ck_assert_ptr_null(um_cmd_foreign_at(set, 1));

    /* Forgotten, remembered: who kept it may use it all the time. */
    um_put_array(&reply, 0);
    learn(2);
    ck_assert_ptr_null(find("both"));
    ck_assert_str_eq(both->name, "both");

    um_put_array(&reply, 1);
    put_old("both", "readonly", 1, 1, 1);
    learn(2);
    ck_assert_ptr_eq(find("both"), both);
}
END_TEST

START_TEST(the_operator_knows_better_than_the_nodes)
{
    const char *why;

    ck_assert_int_eq(
        um_cmd_foreign_add(set, um_lit("x"), 2, 2, 1, true, &why), UM_OK);
    um_put_array(&reply, 1);
    put_old("X", "readonly", 1, 1, 1);
    learn(1);
    ck_assert_int_eq(find("x")->first, 2);
    ck_assert_ptr_null(um_cmd_foreign_at(set, 1));

    um_cmd_foreign_begin(set);
    um_cmd_foreign_end(set, 1);
    ck_assert_int_eq(find("x")->first, 2);
}
END_TEST

START_TEST(what_is_no_reply_to_command_is_declined)
{
    static const char *const texts[] = {
        "",
        "-ERR unknown command\r\n",
        "+OK\r\n",
        "*1\r\n",
        "*1\r\n*1\r\n+x\r\n",
        "*1\r\n*6\r\n+x\r\n+y\r\n*0\r\n:1\r\n:1\r\n:1\r\n",
        "*9223372036854775807\r\n",
        "*1\r\n*6\r\n$99\r\nx\r\n",
        "\r\n",
    };

    for (size_t i = 0; i < um_countof(texts); i++) {
        ck_assert_msg(
            um_cmd_foreign_learn(set, um_str_of(texts[i])) == UM_DECLINED, "%s",
            texts[i]);
    }
}
END_TEST

START_TEST(the_set_has_an_end)
{
    char name[16];

    um_put_array(&reply, UM_CMD_FOREIGN_MAX + 10);
    for (int i = 0; i < UM_CMD_FOREIGN_MAX + 10; i++) {
        snprintf(name, sizeof(name), "x.%d", i);
        put_old(name, "readonly", 1, 1, 1);
    }

    learn(1);
    ck_assert_ptr_nonnull(find("x.0"));
    ck_assert_ptr_nonnull(find("x.511"));
    ck_assert_ptr_null(find("x.512"));
    ck_assert_uint_eq(um_cmd_foreign_dropped(set), 10);
    ck_assert_ptr_null(um_cmd_foreign_find(NULL, um_lit("x.0")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cmd_foreign");
    TCase *tc = tcase_create("foreign");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_operator_names_a_command);
    tcase_add_loop_test(
        tc, some_names_are_refused, 0, (int) um_countof(refused));
    tcase_add_test(tc, what_an_old_redis_tells_is_learnt);
    tcase_add_loop_test(tc, what_a_new_redis_tells_is_learnt, 2, 4);
    tcase_add_loop_test(
        tc, keys_behind_a_keyword_are_found, 0, (int) um_countof(keywords));
    tcase_add_test(tc, all_nodes_must_agree);
    tcase_add_test(tc, the_operator_knows_better_than_the_nodes);
    tcase_add_test(tc, what_is_no_reply_to_command_is_declined);
    tcase_add_test(tc, the_set_has_an_end);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
