/* undermoonctl's words: arguments, tables, slots, what proxies say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "ctl/um_ctl_code.h"
#include "ctl/um_ctl_doc.h"
#include "ctl/um_ctl_health.h"
#include "ctl/um_ctl_opt.h"
#include "ctl/um_ctl_slots.h"
#include "ctl/um_ctl_table.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

static um_pool_t *pool;

static void
before(void)
{
    um_ctl_mem_hooks();
    pool = um_ctl_pool();
}

static void
after(void)
{
    um_pool_free(pool);
}

/* ---- Arguments ---------------------------------------------------------- */

static const char *env_name;
static const char *env_value;

static char *
env(const char *name)
{
    return env_name != NULL && strcmp(name, env_name) == 0
               ? (char *) (uintptr_t) env_value
               : NULL;
}

static um_ctl_opts_t opts;

/* Words apart by blanks; what is wrong with them, "" nothing. */
static const char *
parse(const char *line)
{
    char *words = um_ctl_strdup(pool, um_str_of(line));
    um_sbuf_t wrong = { 0 };
    static char self[] = "undermoonctl";
    char *argv[96] = { self };
    const char *text;
    int argc = 1;

    for (char *at = words; *at != '\0';) {
        size_t len = strcspn(at, " ");
        bool last = at[len] == '\0';

        argv[argc++] = at;
        at[len] = '\0';
        at += len + (last ? 0 : 1);
    }

    if (um_ctl_opts_parse(&opts, argc, argv, env, &wrong)) {
        ck_assert_uint_eq(wrong.len, 0);
        return "";
    }
    text = um_ctl_printf(pool, "%s", um_ctl_cstr(&wrong));
    um_sbuf_deinit(&wrong);
    ck_assert_str_ne(text, "");
    return text;
}

START_TEST(options_stand_anywhere)
{
    ck_assert_str_eq(parse("--broker a:1 cluster create --nodes=8 mydb --wait "
                           "--wait-timeout 90s --json"),
        "");
    ck_assert_str_eq(opts.cmd->words, "cluster create");
    ck_assert_uint_eq(opts.args, 1);
    ck_assert_str_eq(opts.arg[0], "mydb");
    ck_assert_str_eq(opts.broker, "a:1");
    ck_assert_uint_eq(opts.nodes, 8);
    ck_assert_uint_eq(opts.wait_timeout, 90000);
    ck_assert(opts.wait && opts.json && !opts.yes);
}
END_TEST

START_TEST(what_is_not_said_has_its_default)
{
    ck_assert_str_eq(parse("proxy list"), "");
    ck_assert_str_eq(opts.broker, "127.0.0.1:7799");
    ck_assert_uint_eq(opts.timeout, 5000);
    ck_assert_uint_eq(opts.wait_timeout, 600000);
    ck_assert_uint_eq(opts.nodes, UM_CTL_UNSET);
    ck_assert_ptr_null(opts.token);
    ck_assert(!opts.no_colour);
}
END_TEST

START_TEST(the_environment_is_asked_and_an_option_wins)
{
    env_name = "UNDERMOONCTL_BROKER";
    env_value = "b:2";
    ck_assert_str_eq(parse("epoch"), "");
    ck_assert_str_eq(opts.broker, "b:2");
    ck_assert_str_eq(parse("epoch --broker a:1"), "");
    ck_assert_str_eq(opts.broker, "a:1");
    env_value = "";
    ck_assert_str_eq(parse("epoch"), "");
    ck_assert_str_eq(opts.broker, "127.0.0.1:7799");
    env_name = "NO_COLOR";
    env_value = "1";
    ck_assert_str_eq(parse("epoch"), "");
    ck_assert(opts.no_colour);
    env_name = NULL;
}
END_TEST

START_TEST(the_longest_command_counts)
{
    ck_assert_str_eq(parse("epoch"), "");
    ck_assert_str_eq(opts.cmd->words, "epoch");
    ck_assert_str_eq(parse("epoch recover"), "");
    ck_assert_str_eq(opts.cmd->words, "epoch recover");
    ck_assert_str_eq(parse("cluster show -- --odd"), "");
    ck_assert_str_eq(opts.arg[0], "--odd");
    ck_assert_str_eq(parse("cluster config c a=1 b=2"), "");
    ck_assert_uint_eq(opts.args, 3);
}
END_TEST

static const struct {
    const char *line;
    const char *wrong;
} lines[] = {
    { "", "which command?" },
    { "--json", "which command?" },
    { "clutser list", "there is no command \"clutser\"" },
    { "cluster", "cluster needs a second word" },
    { "cluster lst", "there is no command \"cluster lst\"" },
    { "clusterlist", "there is no command \"clusterlist\"" },
    { "cluster list x", "cluster list wants nothing more" },
    { "cluster show", "cluster show wants NAME" },
    { "proxy add a b", "proxy add wants ADDRESS NODE NODE" },
    { "cluster list --wait", "cluster list takes no --wait" },
    { "cluster list --yes", "cluster list takes no --yes" },
    { "cluster list --nope", "there is no option --nope" },
    { "cluster list -j", "there is no option -j" },
    { "cluster list --broker", "--broker wants HOST:PORT[,...]" },
    { "cluster list --json=1", "--json takes no value" },
    { "cluster list --broker=", "--broker: \"\" is empty" },
    { "cluster create x --nodes many", "--nodes: \"many\" is not a number" },
    { "cluster create x --nodes -4", "--nodes: \"-4\" is not a number" },
    { "cluster create x --nodes 18446744073709551615",
        "--nodes: \"18446744073709551615\" is not a number" },
    { "epoch --timeout 0",
        "--timeout: \"0\" is not a time such as 500ms, 5s or 10m" },
    { "epoch --timeout 5d",
        "--timeout: \"5d\" is not a time such as 500ms, 5s or 10m" },
    { "epoch --timeout 99999999h",
        "--timeout: \"99999999h\" is not a time such as 500ms, 5s or 10m" },
    { "epoch --timeout s",
        "--timeout: \"s\" is not a time such as 500ms, 5s or 10m" },
};

START_TEST(wrong_words_are_named)
{
    ck_assert_str_eq(parse(lines[_i].line), lines[_i].wrong);
}
END_TEST

static const struct {
    const char *text;
    uint64_t ms;
} times[] = {
    { "1", 1000 },
    { "500ms", 500 },
    { "5s", 5000 },
    { "2m", 120000 },
    { "1h", 3600000 },
};

START_TEST(times_have_units)
{
    ck_assert_str_eq(
        parse(um_ctl_printf(pool, "epoch --timeout %s", times[_i].text)), "");
    ck_assert_uint_eq(opts.timeout, times[_i].ms);
}
END_TEST

START_TEST(too_many_arguments_are_refused)
{
    um_sbuf_t line = { 0 };

    um_sbuf_addz(&line, "cluster config c");
    for (int i = 0; i < 70; i++) {
        um_sbuf_addf(&line, " a%d=1", i);
    }
    ck_assert_str_eq(parse(um_ctl_cstr(&line)), "too many arguments");
    um_sbuf_deinit(&line);
}
END_TEST

START_TEST(help_needs_nothing_else)
{
    ck_assert_str_eq(parse("cluster create --help"), "");
    ck_assert(opts.help);
    ck_assert_str_eq(parse("-h"), "");
    ck_assert_str_eq(opts.cmd->words, "help");
    ck_assert_str_eq(parse("cluster -h"), "");
    ck_assert_str_eq(opts.cmd->words, "help");
}
END_TEST

/* Each row of the table can be found, and says what it is. */
START_TEST(every_command_is_found_and_told_of)
{
    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        um_sbuf_t help = { 0 };
        const char *text;

        ck_assert_str_eq(
            parse(um_ctl_printf(pool, "%s --help", cmd->words)), "");
        ck_assert_ptr_eq(opts.cmd, cmd);
        ck_assert_ptr_nonnull(cmd->run);
        ck_assert_uint_le(cmd->min, cmd->max);
        ck_assert_int_eq(cmd->doc[strlen(cmd->doc) - 1], '.');

        um_ctl_doc_cmd(&help, cmd);
        text = um_ctl_cstr(&help);
        ck_assert_ptr_nonnull(strstr(text, cmd->words));
        for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
            ck_assert_msg(
                (strstr(text, um_ctl_printf(pool, "  --%s", o->name)) != NULL)
                    == um_ctl_option_fits(o, cmd),
                "%s --%s", cmd->words, o->name);
        }
        for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
            ck_assert_uint_le(strcspn(text, "\n"), 78);
        }
        um_sbuf_deinit(&help);
    }
}
END_TEST

/* ---- Tables ------------------------------------------------------------- */

static const char *
table_text(const um_ctl_table_t *t, bool colour)
{
    um_sbuf_t out = { 0 };
    const char *text;

    um_ctl_table_put(t, colour, &out);
    text = um_ctl_printf(pool, "%s", um_ctl_cstr(&out));
    um_sbuf_deinit(&out);
    return text;
}

START_TEST(columns_are_as_wide_as_what_is_in_them)
{
    um_ctl_table_t *t = um_ctl_table_new(pool, "A COUNT> LAST");

    um_ctl_cell(t, UM_CTL_PLAIN, "a long one");
    um_ctl_cellf(t, UM_CTL_PLAIN, "%d", 7);
    um_ctl_cell(t, UM_CTL_PLAIN, "x");
    um_ctl_cell(t, UM_CTL_PLAIN, NULL);
    um_ctl_cell(t, UM_CTL_PLAIN, "1234567");
    um_ctl_cell(t, UM_CTL_PLAIN, "");
    ck_assert_str_eq(table_text(t, false), "A             COUNT  LAST\n"
                                           "a long one        7  x\n"
                                           "-           1234567  -\n");
}
END_TEST

START_TEST(widths_are_counted_in_characters_and_colours_have_none)
{
    um_ctl_table_t *t = um_ctl_table_new(pool, "A B");

    um_ctl_cell(t, UM_CTL_BAD, "\xc3\xa4\xc3\xb6");
    um_ctl_cell(t, UM_CTL_PLAIN, "x");
    um_ctl_cell(t, UM_CTL_LOOK, "abc");
    um_ctl_cell(t, UM_CTL_PLAIN, "y");
    ck_assert_str_eq(table_text(t, false), "A    B\n"
                                           "\xc3\xa4\xc3\xb6   x\n"
                                           "abc  y\n");
    ck_assert_str_eq(table_text(t, true),
        "A    B\n"
        "\033[31m\xc3\xa4\xc3\xb6\033[0m   x\n"
        "\033[33mabc\033[0m  y\n");
}
END_TEST

static const struct {
    const char *text;
    const char *clean;
} texts[] = {
    { "plain", "plain" },
    { "\033[2J\a\r\n\t\x7f", "?[2J?????" },
    { "\xc2\x9b"
      "2J",
        "?2J" },
    { "caf\xc3\xa9", "caf\xc3\xa9" },
    { "caf\xe9", "caf?" },
    { "\xff\xfe", "??" },
};

START_TEST(nothing_reaches_a_terminal_but_text)
{
    um_sbuf_t out = { 0 };

    um_ctl_clean(&out, texts[_i].text);
    ck_assert_str_eq(um_ctl_cstr(&out), texts[_i].clean);
    um_sbuf_deinit(&out);
}
END_TEST

START_TEST(many_rows_are_no_matter)
{
    um_ctl_table_t *t = um_ctl_table_new(pool, "N>");
    const char *text;

    for (int i = 0; i < 1000; i++) {
        um_ctl_cellf(t, UM_CTL_PLAIN, "%d", i);
    }
    text = table_text(t, false);
    ck_assert_str_eq(text + strlen(text) - 8, "998\n999\n");
    ck_assert_ptr_nonnull(strstr(text, "\n  0\n"));
}
END_TEST

/* ---- Slots -------------------------------------------------------------- */

static um_ctl_slots_t
slots_of(const char *list)
{
    um_ctl_slots_t s;
    const char *text = um_ctl_printf(pool, "{\"range_list\":%s}", list);

    ck_assert(
        um_ctl_slots_parse(&s, um_ctl_json_parse(pool, um_str_of(text)), pool));
    return s;
}

static const struct {
    const char *list;
    const char *text;
    uint32_t count;
} slots[] = {
    { "[]", "", 0 },
    { "[[0,16383]]", "0-16383", 16384 },
    { "[[7,7]]", "7", 1 },
    { "[[0,1],[3,3],[5,9]]", "0-1,3,5-9", 8 },
    { "[[0,1],[3,3],[5,9],[11,12]]", "0-1,3,... (4 ranges)", 10 },
};

START_TEST(ranges_of_slots_are_told_shortly)
{
    um_ctl_slots_t s = slots_of(slots[_i].list);
    um_sbuf_t out = { 0 };
    char *json;
    cJSON *back = um_ctl_slots_json(&s);

    um_ctl_slots_put(&out, &s, 3);
    ck_assert_str_eq(um_ctl_cstr(&out), slots[_i].text);
    ck_assert_uint_eq(um_ctl_slots_count(&s), slots[_i].count);
    json = cJSON_PrintUnformatted(back);
    ck_assert_str_eq(json, slots[_i].list);
    cJSON_free(json);
    cJSON_Delete(back);
    um_sbuf_deinit(&out);
}
END_TEST

static const char *const no_slots[] = {
    "{}",
    "{\"range_list\":7}",
    "{\"range_list\":[7]}",
    "{\"range_list\":[[1]]}",
    "{\"range_list\":[[1,2,3]]}",
    "{\"range_list\":[[2,1]]}",
    "{\"range_list\":[[-1,1]]}",
    "{\"range_list\":[[0,16384]]}",
    "{\"range_list\":[[0,1.5]]}",
    "{\"range_list\":[[0,1e300]]}",
    "{\"range_list\":[[\"0\",1]]}",
};

START_TEST(what_are_no_slots_is_refused)
{
    um_ctl_slots_t s;

    ck_assert(!um_ctl_slots_parse(
        &s, um_ctl_json_parse(pool, um_str_of(no_slots[_i])), pool));
}
END_TEST

START_TEST(slots_without_owner_and_with_two_are_found)
{
    um_ctl_slots_t a = slots_of("[[0,100],[200,16383]]");
    um_ctl_slots_t b = slots_of("[[50,60],[99,101]]");
    um_ctl_cover_t cover = { { 0 } };
    um_ctl_slots_t s;
    um_sbuf_t out = { 0 };

    um_ctl_cover_add(&cover, &a);
    um_ctl_cover_add(&cover, &b);
    um_ctl_cover_add(&cover, &b);
    um_ctl_cover_having(&cover, 0, &s, pool);
    um_ctl_slots_put(&out, &s, 9);
    um_sbuf_addz(&out, " ");
    um_ctl_cover_having(&cover, 2, &s, pool);
    um_ctl_slots_put(&out, &s, 9);
    ck_assert_str_eq(um_ctl_cstr(&out), "102-199 50-60,99-101");
    um_sbuf_deinit(&out);
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

static const char *const no_json[] = {
    "",
    "{",
    "{} x",
    "nope",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\\u0000\"}",
    "<html></html>",
};

START_TEST(what_is_no_json_is_none)
{
    ck_assert_ptr_null(um_ctl_json_parse(pool, um_str_of(no_json[_i])));
}
END_TEST

START_TEST(numbers_are_whole_and_not_too_large)
{
    const cJSON *o = um_ctl_json_parse(
        pool, um_lit("{\"a\":7,\"b\":-1,\"c\":1.5,\"d\":1e30,\"e\":\"7\",\"f\":"
                     "9007199254740991} \n"));
    uint64_t n = 0;

    ck_assert(um_ctl_json_u64(o, "a", &n));
    ck_assert_uint_eq(n, 7);
    ck_assert(um_ctl_json_u64(o, "f", &n));
    ck_assert_uint_eq(n, 9007199254740991);
    ck_assert(!um_ctl_json_u64(o, "b", &n));
    ck_assert(!um_ctl_json_u64(o, "c", &n));
    ck_assert(!um_ctl_json_u64(o, "d", &n));
    ck_assert(!um_ctl_json_u64(o, "e", &n));
    ck_assert(!um_ctl_json_u64(o, "x", &n));
}
END_TEST

/* ---- UMCTL HEALTH ------------------------------------------------------- */

#define SEAT                                                                   \
    "node0:addr=127.0.0.1:7001,role=master,state=serving,fault=none,"          \
    "confirmed=1,link=0,offset=77,lag=0,lost=5\r\n"

START_TEST(health_is_taken_apart)
{
    um_ctl_health_t h = { 0 };
    const um_ctl_seat_t *s;

    ck_assert(um_ctl_health_parse(&h,
        um_lit("epoch:7\r\nrepl_epoch:6\r\ncluster:mydb\r\nfault:down\r\n"
               "in_sync:0\r\nnodes:2\r\nnews:x\r\n" SEAT
               "node1:addr=[::1]:2,role=replica,state=in_sync,fault=down,"
               "link=1,lag=9,more=1\n"),
        pool));
    ck_assert(h.detailed && !h.in_sync);
    ck_assert_uint_eq(h.epoch, 7);
    ck_assert_uint_eq(h.repl_epoch, 6);
    ck_assert_str_eq(h.cluster, "mydb");
    ck_assert_str_eq(h.fault, "down");
    ck_assert_uint_eq(h.seats, 2);
    ck_assert_uint_eq(h.seat[0].lost, 5);
    s = um_ctl_health_of(&h, "[::1]:2");
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->role, "replica");
    ck_assert_str_eq(s->state, "in_sync");
    ck_assert_str_eq(um_ctl_fault_words(s->fault), "its Redis does not run");
    ck_assert(s->link);
    ck_assert_uint_eq(s->lag, 9);
    ck_assert_ptr_null(um_ctl_health_of(&h, "other:1"));
    ck_assert_ptr_null(um_ctl_fault_words("none"));
    ck_assert_str_eq(um_ctl_fault_words("novel"), "novel");
}
END_TEST

static const char *const no_health[] = {
    "",
    "PONG",
    "epoch:7",
    "in_sync:1\r\n",
    "epoch:x\r\nin_sync:1\r\n",
    "epoch:-1\r\nin_sync:1\r\n",
    "epoch:7\r\nin_sync:yes\r\n",
    "epoch:7\r\nin_sync:1\r\nrepl_epoch:\r\n",
    "epoch:7\r\nin_sync:1\r\nnode0:\r\n",
    "epoch:7\r\nin_sync:1\r\nnode0:addr=a:1,role=master\r\n",
    "epoch:7\r\nin_sync:1\r\nnode0:addr=a:1,role=master,state=serving,"
    "link=x,lag=0\r\n",
    "epoch:7\r\nin_sync:1\r\nnode0:addr=a:1,role=master,state=serving,"
    "link=1,lag=0,lost=x\r\n",
    "epoch:7\r\nin_sync:1\r\nnode0:role=master,state=serving,link=1,lag=0\r\n",
};

START_TEST(what_is_no_health_is_refused)
{
    um_ctl_health_t h = { .epoch = 99 };

    ck_assert(!um_ctl_health_parse(&h, um_str_of(no_health[_i]), pool));
    ck_assert_uint_eq(h.epoch, 99);
}
END_TEST

START_TEST(codes_have_words)
{
    ck_assert_ptr_nonnull(um_ctl_code_words("MIGRATION_RUNNING"));
    ck_assert_ptr_null(um_ctl_code_words("NOVELTY"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ctl");
    TCase *tc = tcase_create("ctl");

    tcase_add_checked_fixture(tc, before, after);
    tcase_add_test(tc, options_stand_anywhere);
    tcase_add_test(tc, what_is_not_said_has_its_default);
    tcase_add_test(tc, the_environment_is_asked_and_an_option_wins);
    tcase_add_test(tc, the_longest_command_counts);
    tcase_add_loop_test(tc, wrong_words_are_named, 0, (int) um_countof(lines));
    tcase_add_loop_test(tc, times_have_units, 0, (int) um_countof(times));
    tcase_add_test(tc, too_many_arguments_are_refused);
    tcase_add_test(tc, help_needs_nothing_else);
    tcase_add_test(tc, every_command_is_found_and_told_of);
    tcase_add_test(tc, columns_are_as_wide_as_what_is_in_them);
    tcase_add_test(tc, widths_are_counted_in_characters_and_colours_have_none);
    tcase_add_loop_test(
        tc, nothing_reaches_a_terminal_but_text, 0, (int) um_countof(texts));
    tcase_add_test(tc, many_rows_are_no_matter);
    tcase_add_loop_test(
        tc, ranges_of_slots_are_told_shortly, 0, (int) um_countof(slots));
    tcase_add_loop_test(
        tc, what_are_no_slots_is_refused, 0, (int) um_countof(no_slots));
    tcase_add_test(tc, slots_without_owner_and_with_two_are_found);
    tcase_add_loop_test(
        tc, what_is_no_json_is_none, 0, (int) um_countof(no_json));
    tcase_add_test(tc, numbers_are_whole_and_not_too_large);
    tcase_add_test(tc, health_is_taken_apart);
    tcase_add_loop_test(
        tc, what_is_no_health_is_refused, 0, (int) um_countof(no_health));
    tcase_add_test(tc, codes_have_words);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
