/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd.h"
#include "um_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

#define WORDS 32

/* The words of a line; they point into it. */
static uint32_t
words_of(const char *line, um_str_t *argv)
{
    uint32_t argc = 0;

    while (*line != '\0') {
        size_t n = strcspn(line, " ");

        ck_assert_uint_lt(argc, WORDS);
        argv[argc++] = (um_str_t){ line, n };
        line += n + (line[n] == ' ');
    }

    return argc;
}

static const um_cmd_t *
find(const char *name)
{
    return um_cmd_find_name(um_str_of(name));
}

START_TEST(every_command_is_found_in_any_case)
{
    size_t next = um_cmd_count(); /* subcommands are behind all commands */

    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);
        char name[64];
        size_t len = strlen(cmd->name);

        for (size_t j = 0; j <= len; j++) {
            name[j] = (char) (j % 2 ? toupper(cmd->name[j]) : cmd->name[j]);
        }

        ck_assert_msg(find(cmd->name) == cmd, "%s", cmd->name);
        ck_assert_msg(find(name) == cmd, "%s", name);
        ck_assert_uint_eq(cmd->index, i);

        for (uint16_t j = 0; j < cmd->sub_count; j++) {
            ck_assert_msg(find(cmd->subs[j].name) == &cmd->subs[j], "%s",
                cmd->subs[j].name);
            ck_assert_uint_eq(cmd->subs[j].index, next++);
        }
    }

    ck_assert_ptr_null(um_cmd_at(um_cmd_count()));
    ck_assert_uint_eq(um_cmd_indices(), next);
}
END_TEST

START_TEST(what_only_looks_like_a_command_is_not_found)
{
    static const um_str_t names[] = {
        { "", 0 },
        { "ge", 2 },
        { "gett", 4 },
        { "get\0", 4 },
        { "get ", 4 },
        { "restore\rasking", 14 }, /* differs from '-' by the case bit only */
        { "geosearch_tore", 14 },
        { "bitfield\x7fro", 11 }, /* likewise '_' */
        { "georadiusbymember_rox", 21 },
        { "a-name-longer-than-any-command-has-ever-been", 44 },
        { "config|", 7 },
        { "config|gets", 11 },
        { "|get", 4 },
        { "get|x", 5 },
    };

    for (size_t i = 0; i < um_countof(names); i++) {
        ck_assert_msg(um_cmd_find_name(names[i]) == NULL, "%zu", i);
    }

    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);
        size_t len = strlen(cmd->name);
        char name[64];

        for (size_t j = 0; j < len; j++) {
            memcpy(name, cmd->name, len + 1);
            name[j] ^= 0x40;
            ck_assert_msg(find(name) == NULL, "%s", name);
        }
    }
}
END_TEST

static const struct {
    const char *line;
    const char *name; /* NULL: unknown */
    um_how_t how;
} finds[] = {
    { "GET k", "get", UM_HOW_FORWARD },
    { "mget a b", "mget", UM_HOW_SPLIT },
    { "PING", "ping", UM_HOW_SELF },
    { "BLPOP k 0", "blpop", UM_HOW_FORWARD },
    { "SHUTDOWN", "shutdown", UM_HOW_NEVER },
    { "FLUSHALL ASYNC", "flushall", UM_HOW_UNSUPPORTED },
    { "SWAPDB 0 1", "swapdb", UM_HOW_NEVER },
    { "MOVE k 1", "move", UM_HOW_NEVER },
    { "config get x", "config|get", UM_HOW_SELF },
    { "CONFIG REWRITE", "config|rewrite", UM_HOW_NEVER },
    { "CONFIG NOSUCH", "config", UM_HOW_SELF },
    { "CONFIG", "config", UM_HOW_SELF },
    { "OBJECT ENCODING k", "object|encoding", UM_HOW_FORWARD },
    { "OBJECT HELP", "object|help", UM_HOW_KEYLESS },
    { "OBJECT NOSUCH k", "object", UM_HOW_UNSUPPORTED },
    { "CLIENT SETINFO a b", "client|setinfo", UM_HOW_SELF },
    { "CLIENT REPLY OFF", "client|reply", UM_HOW_SELF },
    { "CLUSTER NODES", "cluster|nodes", UM_HOW_SELF },
    { "CLUSTER MEET a 1", "cluster|meet", UM_HOW_NEVER },
    { "COMMAND", "command", UM_HOW_SELF },
    { "COMMAND DOCS", "command|docs", UM_HOW_SELF },
    { "UMCTL GETEPOCH", "umctl", UM_HOW_SELF },
    { "umforward 1 GET k", "umforward", UM_HOW_SELF },
    { "ASKING", "asking", UM_HOW_SELF },
    { "JSON.GET k", NULL, UM_HOW_NEVER },
};

START_TEST(a_command_is_found_by_its_words)
{
    um_str_t argv[WORDS];
    uint32_t argc = words_of(finds[_i].line, argv);
    const um_cmd_t *cmd = um_cmd_find(argv, argc);

    if (finds[_i].name == NULL) {
        ck_assert_ptr_null(cmd);
        return;
    }

    ck_assert_ptr_nonnull(cmd);
    ck_assert_str_eq(cmd->name, finds[_i].name);
    ck_assert_int_eq(cmd->how, (int) finds[_i].how);
}
END_TEST

static void
command_check(const um_cmd_t *cmd, bool is_sub)
{
    bool refused = cmd->how == UM_HOW_UNSUPPORTED || cmd->how == UM_HOW_NEVER;
    bool may_delete = false;

    ck_assert_msg((cmd->why != NULL) == refused, "%s: why", cmd->name);
    ck_assert_msg((cmd->self != UM_SELF_NONE) == (cmd->how == UM_HOW_SELF),
        "%s: self", cmd->name);
    ck_assert_msg((cmd->join != UM_JOIN_NONE) == (cmd->how == UM_HOW_SPLIT),
        "%s: join", cmd->name);
    ck_assert_msg((cmd->spec_count > 0) == (cmd->finder != UM_FINDER_NONE),
        "%s: finder", cmd->name);
    ck_assert_ptr_nonnull(cmd->acl_categories);
    ck_assert_ptr_nonnull(cmd->tips);
    ck_assert_ptr_nonnull(cmd->summary);
    ck_assert_msg(
        (cmd->sub_count > 0) == ((cmd->flags & UM_CMD_CONTAINER) != 0), "%s",
        cmd->name);
    ck_assert_msg((strchr(cmd->name, '|') != NULL) == is_sub, "%s", cmd->name);

    if (cmd->how == UM_HOW_FORWARD || cmd->how == UM_HOW_SPLIT) {
        ck_assert_msg(cmd->spec_count > 0, "%s: without keys", cmd->name);
        ck_assert_msg(!(cmd->flags & (UM_CMD_ADMIN | UM_CMD_PUBSUB)),
            "%s: admin or pubsub", cmd->name);
    }

    for (uint8_t i = 0; i < cmd->spec_count; i++) {
        const um_key_spec_t *s = &cmd->specs[i];

        may_delete = may_delete || s->may_delete;
        ck_assert_msg(!s->may_delete || s->write, "%s: reads", cmd->name);
        ck_assert_msg(!(cmd->flags & UM_CMD_READONLY) || !s->write
                          || strcmp(cmd->name, "pfcount") == 0,
            "%s: reads only", cmd->name);
    }

    ck_assert_msg(
        may_delete == ((cmd->flags & UM_CMD_MAY_DELETE) != 0), "%s", cmd->name);
}

START_TEST(the_table_does_not_contradict_itself)
{
    ck_assert_uint_ge(um_cmd_count(), 240);

    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);

        command_check(cmd, false);
        for (uint16_t j = 0; j < cmd->sub_count; j++) {
            command_check(&cmd->subs[j], true);
        }
    }
}
END_TEST

/*
 * Keys as position and what is done to it: r, w, d (may be gone), f (a fake,
 * to route by).  NULL: the call is malformed.
 */
static const struct {
    const char *line;
    const char *keys;
} calls[] = {
    { "GET k", "1r" },
    { "SET k v", "1wd" },
    { "SET k v EX 10 GET", "1rwd" },
    { "INCR k", "1rw" },
    { "DEL a b c", "1wd 2wd 3wd" },
    { "EXISTS a", "1r" },
    { "MSET a 1 b 2", "1w 3w" },
    { "MSETNX a 1 b", "1w 3w" },
    { "RENAME a b", "1rwd 2wd" },
    { "LMOVE a b LEFT LEFT", "1rwd 2rw" },
    { "BITOP AND d a b", "2wd 3r 4r" },
    { "PFMERGE d", "1rw" },
    { "PFMERGE d a b", "1rw 2r 3r" },
    { "SINTERSTORE d a b", "1rwd 2r 3r" },
    { "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "1wd 3r 4r" },
    { "ZUNIONSTORE d 3 a b", NULL },
    { "ZUNIONSTORE d x a b", NULL },
    { "ZUNIONSTORE d -1 a b", NULL },
    { "ZUNIONSTORE d 02 a b", NULL },
    { "ZUNIONSTORE d 9223372036854775807 a b", NULL },
    { "ZUNION 0 a", "" },
    { "LMPOP 2 a b LEFT", "2rwd 3rwd" },
    { "LMPOP 4 a b LEFT", NULL },
    { "EVAL s 0", "" },
    { "EVAL s 0 arg", "" },
    { "EVAL s 2 a b arg", "3rwd 4rwd" },
    { "EVAL s 1", NULL },
    { "EVAL_RO s 1 a", "3r" },
    { "FCALL f 1 a", "3rwd" },
    { "XREAD STREAMS a b 0 0", "2r 3r" },
    { "XREAD COUNT 1 BLOCK 5 STREAMS a 0", "6r" },
    { "XREAD COUNT 1 STREAMS a", "" },
    { "XREAD NONSENSE STREAMS a 0", "" },
    { "XREADGROUP GROUP g STREAMS STREAMS a >", "5r" },
    { "XGROUP CREATE s g $", "2rw" },
    { "OBJECT ENCODING k", "2r" },
    { "MEMORY USAGE k SAMPLES 5", "2r" },
    { "SORT l", "1r" },
    { "SORT l BY store GET STORE LIMIT 0 STORE", "1r" },
    { "SORT l STORE d ALPHA", "1r 3wd" },
    { "SORT l STORE d STORE e", "1r 5wd" },
    { "SORT_RO l BY p", "1r" },
    { "GEORADIUS g 1 2 3 km STORE d", "1r 7wd" },
    { "GEORADIUS g 1 2 3 km COUNT 1 STOREDIST d", "1r 9wd" },
    { "GEORADIUSBYMEMBER g store 3 km", "1r" },
    { "GEOSEARCHSTORE d g FROMMEMBER m BYRADIUS 1 m", "1wd 2r" },
    { "BITFIELD k GET u8 0", "1r" },
    { "BITFIELD k OVERFLOW SAT GET u8 0 INCRBY u8 0 1", "1rw" },
    { "COPY a b DB 1", "1r 2wd" },
    { "MIGRATE h 1 k 0 9", "3rwd" },
    { "MIGRATE h 1 k 0 9 AUTH2 u KEYS COPY", "3rwd" },
    { "XDEL s 1-1", "1rw" },
    { "SSUBSCRIBE a b", "1f 2f" },
    { "LCS a b", "1r 2r" },
    { "BLPOP a b 0", "1rwd 2rwd" },
    { "PING", "" },
};

START_TEST(the_keys_of_a_call_are_found)
{
    um_keys_t keys = { .key = NULL };
    um_str_t argv[WORDS];
    uint32_t argc = words_of(calls[_i].line, argv);
    const um_cmd_t *cmd = um_cmd_find(argv, argc);
    char text[128] = "";
    size_t at = 0;
    um_rc_t rc;

    ck_assert_ptr_nonnull(cmd);
    ck_assert(um_cmd_arity_ok(cmd, argc));
    rc = um_cmd_keys(cmd, argv, argc, &keys);
    ck_assert_int_eq(rc, calls[_i].keys != NULL ? UM_OK : UM_DECLINED);

    for (uint32_t i = 0; rc == UM_OK && i < keys.count; i++) {
        const um_key_t *k = &keys.key[i];

        at += (size_t) snprintf(text + at, sizeof(text) - at, "%s%u%s%s%s%s",
            i > 0 ? " " : "", k->pos, k->read && !k->not_key ? "r" : "",
            k->write ? "w" : "", k->may_delete ? "d" : "",
            k->not_key ? "f" : "");
    }

    if (rc == UM_OK) {
        ck_assert_str_eq(text, calls[_i].keys);
    }

    um_keys_deinit(&keys);
}
END_TEST

START_TEST(many_keys_are_found)
{
    enum { MANY = 10000 };
    static um_str_t argv[MANY];
    um_keys_t keys = { .key = NULL };

    argv[0] = um_lit("mget");
    for (uint32_t i = 1; i < MANY; i++) {
        argv[i] = um_lit("k");
    }

    ck_assert_int_eq(
        um_cmd_keys(um_cmd_find(argv, MANY), argv, MANY, &keys), UM_OK);
    ck_assert_uint_eq(keys.count, MANY - 1);
    ck_assert_uint_eq(keys.key[MANY - 2].pos, MANY - 1);
    um_keys_deinit(&keys);
}
END_TEST

START_TEST(only_some_calls_block)
{
    static const struct {
        const char *line;
        bool blocks;
    } t[] = {
        { "GET k", false },
        { "BLPOP k 0", true },
        { "BZMPOP 0 1 k MIN", true },
        { "XREAD STREAMS s 0", false },
        { "XREAD COUNT 5 STREAMS s 0", false },
        { "XREAD COUNT 5 block 0 STREAMS s 0", true },
        { "XREAD COUNT BLOCK STREAMS s 0", false },
        { "XREAD STREAMS BLOCK 0", false },
        { "XREADGROUP GROUP BLOCK BLOCK NOACK STREAMS s >", false },
        { "XREADGROUP GROUP g c NOACK BLOCK 1 STREAMS s >", true },
        { "XREADGROUP GROUP g", false },
    };
    um_str_t argv[WORDS];

    for (size_t i = 0; i < um_countof(t); i++) {
        uint32_t argc = words_of(t[i].line, argv);

        ck_assert_msg(
            um_cmd_blocks(um_cmd_find(argv, argc), argv, argc) == t[i].blocks,
            "%s", t[i].line);
    }
}
END_TEST

START_TEST(options_that_a_cluster_has_not_are_refused)
{
    static const struct {
        const char *line;
        bool refused;
    } t[] = {
        { "COPY a b", false },
        { "COPY a b REPLACE", false },
        { "COPY a b DB 0", false },
        { "COPY a b db 1", true },
        { "COPY a b REPLACE DB 15", true },
        { "COPY a b DB 0 DB 15", true },
        { "COPY a b DB x", false },
        { "COPY a b DB", false },
        { "COPY DB 1", false },
        { "GET DB", false },

        { "SORT l", false },
        { "SORT l BY nosort GET #", false },
        { "SORT l BY w_*", true },
        { "sort l limit 0 by by w_*", true },
        { "SORT_RO l GET w_*", true },
        { "SORT l GET # GET w", true },
        { "SORT l STORE by LIMIT get 1 ALPHA", false },
        { "SORT l BY", false },
        { "SORT {l}x BY w_{l}* GET {l}*->f", false },
        { "SORT {l}x BY w_*{l}", true },
        { "SORT {l}x BY {}{l}*", true },
        { "SORT {l}x BY {m}*", true },
        { "SORT {l}x GET {l*}", true },
    };
    um_str_t argv[WORDS];

    for (size_t i = 0; i < um_countof(t); i++) {
        uint32_t argc = words_of(t[i].line, argv);

        ck_assert_msg(
            (um_cmd_refused(um_cmd_find(argv, argc), argv, argc) != NULL)
                == t[i].refused,
            "%s", t[i].line);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cmd");
    TCase *tc = tcase_create("table");

    tcase_add_test(tc, every_command_is_found_in_any_case);
    tcase_add_test(tc, what_only_looks_like_a_command_is_not_found);
    tcase_add_loop_test(
        tc, a_command_is_found_by_its_words, 0, (int) um_countof(finds));
    tcase_add_test(tc, the_table_does_not_contradict_itself);
    suite_add_tcase(s, tc);

    tc = tcase_create("keys");
    tcase_add_loop_test(
        tc, the_keys_of_a_call_are_found, 0, (int) um_countof(calls));
    tcase_add_test(tc, many_keys_are_found);
    tcase_add_test(tc, only_some_calls_block);
    tcase_add_test(tc, options_that_a_cluster_has_not_are_refused);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
