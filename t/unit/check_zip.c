/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_zip_text.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

#define WORDS 16
#define LIMIT ((uint64_t) 16 << 20)

static um_zstd_t zstd;
static um_sbuf_t out;

static void
setup(void)
{
    zstd = (um_zstd_t){ NULL, NULL };
    out = (um_sbuf_t){ 0 };
}

static void
teardown(void)
{
    um_zstd_deinit(&zstd);
    um_sbuf_deinit(&out);
}

static um_str_t
bytes_of(const um_sbuf_t *b)
{
    return (um_str_t){ b->data, b->len };
}

/* Bytes that are reproducible; `kind` 0 packs very well, 2 not at all. */
static char *
value_new(size_t len, int kind)
{
    char *v = malloc(len + 1);
    uint32_t x = 2463534242u;

    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        v[i] = kind == 0   ? 'a'
               : kind == 1 ? "{\"name\": 12345,}"[(i + (x & 3)) % 16]
                           : (char) x;
    }

    return v;
}

static void
pack(um_str_t value, um_sbuf_t *to)
{
    const char *why = NULL;

    ck_assert_msg(um_zstd_pack(&zstd, value, to, &why) == UM_OK, "%s", why);
}

#define FRAME "\x28\xb5\x2f\xfd"
#define LIT(s)                                                                 \
    {                                                                          \
        s, sizeof(s) - 1                                                       \
    }

/* What the reference wrote. */
static const struct {
    um_str_t value;
    um_str_t frame;
} golden[] = {
    { LIT(""), LIT(FRAME "\x20\x00\x01\x00\x00") },
    { LIT("x"), LIT(FRAME "\x00\x48\x09\x00\x00x") },
    { LIT("v6"), LIT(FRAME "\x00\x48\x11\x00\x00v6") },
    { LIT("second"), LIT(FRAME "\x00\x48\x31\x00\x00second") },
    { LIT("hello world"), LIT(FRAME "\x00\x48\x59\x00\x00hello world") },
};

START_TEST(a_frame_is_what_the_reference_writes)
{
    uint64_t most;

    /* Twice: the second time with memory that was used. */
    for (int i = 0; i < 2; i++) {
        um_sbuf_clear(&out);
        pack(golden[_i].value, &out);
        ck_assert(um_str_eq(bytes_of(&out), golden[_i].frame));
    }

    ck_assert(um_zstd_is_frame(golden[_i].frame, &most));
    ck_assert_uint_eq(most, golden[_i].value.len);
    um_sbuf_clear(&out);
    ck_assert(um_zstd_unpack(&zstd, golden[_i].frame, most, &out) == UM_OK);
    ck_assert(um_str_eq(bytes_of(&out), golden[_i].value));
}
END_TEST

static const size_t sizes[] = { 1, 2, 9, 64, 1000, 131071, 131072, 131073,
    262144, 524287, 524288, 524289, 1048576, 5000000 };

START_TEST(a_value_comes_back_whatever_its_size)
{
    for (int kind = 0; kind < 3; kind++) {
        um_str_t value = { value_new(sizes[_i], kind), sizes[_i] };
        um_sbuf_t frame = { 0 };
        uint64_t most;

        um_sbuf_clear(&out);
        pack(value, &frame);
        ck_assert_int_eq(memcmp(frame.data, FRAME "\x00\x48", 6), 0);
        ck_assert_uint_le(frame.len, value.len + 9 + 3 * (value.len >> 17));
        ck_assert(um_zstd_is_frame(bytes_of(&frame), &most));
        ck_assert_uint_ge(most, value.len);
        ck_assert(um_zstd_unpack(&zstd, bytes_of(&frame), most, &out) == UM_OK);
        ck_assert(um_str_eq(bytes_of(&out), value));
        um_sbuf_deinit(&frame);
        free((char *) (uintptr_t) value.data);
    }
}
END_TEST

static const struct {
    um_str_t data;
    bool begins;
    const char *why;
} foreign[] = {
    { LIT(""), true, "nothing" },
    { LIT("plain"), false, "a plain value" },
    { LIT(FRAME), true, "the magic number alone" },
    { LIT(FRAME "\x00\x48"), true, "a header without a block" },
    { LIT(FRAME "\x00\x48\x01\x00\x00x"), true, "a byte behind it" },
    { LIT(FRAME "\x00\x48\x08\x00\x00x"), true, "no last block" },
    { LIT(FRAME "\x00\x48\x0f\x00\x00x"), true, "a reserved block" },
    { LIT(FRAME "\x00\x48\xf9\xff\xffx"), true, "a block too long" },
    { LIT(FRAME "\x00\x58\x09\x00\x00x"), false, "another window" },
    { LIT(FRAME "\x04\x48\x09\x00\x00x\x00\x00\x00\x00"), false, "a checksum" },
    { LIT(FRAME "\x20\x01\x09\x00\x00x"), false, "its size is told" },
    { LIT(FRAME "\x20\x00\x01\x00\x00x"), true, "behind the empty one" },
    { LIT("\x27\xb5\x2f\xfd\x00\x48\x09\x00\x00x"), false, "a legacy frame" },
    { LIT("\x50\x2a\x4d\x18\x00\x00\x00\x00"), false, "a skippable frame" },
};

START_TEST(what_is_not_of_our_form_is_no_frame)
{
    uint64_t most;

    ck_assert_msg(
        !um_zstd_is_frame(foreign[_i].data, &most), "%s", foreign[_i].why);
    ck_assert_msg(um_zstd_may_begin(foreign[_i].data) == foreign[_i].begins,
        "%s", foreign[_i].why);
}
END_TEST

/* As um_unzip() answers for a bulk with `body`. */
static void
unzip_bulk(um_str_t body, um_sbuf_t *to)
{
    um_sbuf_t reply = { 0 };
    um_unzip_t u = { .out = to, .limit = LIMIT, .room = UINT64_MAX };

    um_sbuf_addf(&reply, "$%zu\r\n", body.len);
    um_sbuf_add_str(&reply, body);
    um_sbuf_addz(&reply, "\r\n");
    u.in = bytes_of(&reply);
    um_sbuf_clear(to);
    ck_assert(um_unzip(&u, &zstd, UINT64_MAX) == UM_OK);
    um_sbuf_deinit(&reply);
}

static void
assert_bulk(const um_sbuf_t *reply, um_str_t body)
{
    um_sbuf_t want = { 0 };

    um_sbuf_addf(&want, "$%zu\r\n", body.len);
    um_sbuf_add_str(&want, body);
    um_sbuf_addz(&want, "\r\n");
    ck_assert(um_str_eq(bytes_of(reply), bytes_of(&want)));
    um_sbuf_deinit(&want);
}

START_TEST(a_frame_cut_at_any_byte_is_answered_as_stored)
{
    um_str_t value = { value_new(5000, 1), 5000 };
    um_sbuf_t frame = { 0 };
    char *cut;

    pack(value, &frame);
    for (size_t n = 0; n < frame.len; n++) {
        cut = malloc(n + 1); /* exactly so long, for the sanitizer */
        memcpy(cut, frame.data, n);
        unzip_bulk((um_str_t){ cut, n }, &out);
        assert_bulk(&out, (um_str_t){ cut, n });
        free(cut);
    }

    um_sbuf_add(&frame, "+", 1);
    unzip_bulk(bytes_of(&frame), &out);
    assert_bulk(&out, bytes_of(&frame));
    um_sbuf_deinit(&frame);
    free((char *) (uintptr_t) value.data);
}
END_TEST

START_TEST(a_frame_with_any_byte_changed_is_answered_with_something)
{
    um_str_t value = { value_new(600, 1), 600 };
    um_sbuf_t frame = { 0 };

    pack(value, &frame);
    for (size_t i = 0; i < frame.len; i++) {
        frame.data[i] = (char) ~frame.data[i];
        unzip_bulk(bytes_of(&frame), &out);
        ck_assert_uint_gt(out.len, 4);
        frame.data[i] = (char) ~frame.data[i];
    }

    unzip_bulk(bytes_of(&frame), &out);
    assert_bulk(&out, value);
    um_sbuf_deinit(&frame);
    free((char *) (uintptr_t) value.data);
}
END_TEST

/* A frame of `blocks` times 128 KB of the same byte, in 4 bytes each. */
static void
bomb(um_sbuf_t *frame, uint32_t blocks)
{
    um_sbuf_add(frame, FRAME "\x00\x48", 6);
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t head = 131072u << 3 | 1u << 1 | (i + 1 == blocks);
        char block[4] = { (char) head, (char) (head >> 8), (char) (head >> 16),
            'b' };

        um_sbuf_add(frame, block, sizeof(block));
    }
}

START_TEST(a_bomb_is_answered_as_stored_and_costs_nothing)
{
    um_sbuf_t frame = { 0 };
    uint64_t most;

    bomb(&frame, 128); /* just the limit */
    ck_assert(um_zstd_is_frame(bytes_of(&frame), &most));
    ck_assert_uint_eq(most, LIMIT);
    unzip_bulk(bytes_of(&frame), &out);
    ck_assert_uint_eq(out.len, LIMIT + strlen("$16777216\r\n\r\n"));
    um_sbuf_deinit(&out);

    frame.len = 0;
    bomb(&frame, 129);
    unzip_bulk(bytes_of(&frame), &out);
    assert_bulk(&out, bytes_of(&frame));

    /* It has no room: too long, or no value at all? */
    for (uint32_t blocks = 128; blocks <= 129; blocks++) {
        um_unzip_t u = { .out = &out, .limit = LIMIT, .room = LIMIT / 2 };
        um_sbuf_t reply = { 0 };

        um_sbuf_clear(&out);
        um_sbuf_addf(&reply, "*2\r\n$1\r\nx\r\n$%u\r\n", 6 + 4 * blocks);
        bomb(&reply, blocks);
        um_sbuf_addz(&reply, "\r\n");
        u.in = bytes_of(&reply);
        ck_assert(um_unzip(&u, &zstd, UINT64_MAX)
                  == (blocks == 128 ? UM_DECLINED : UM_OK));
        ck_assert(blocks == 128 || um_str_eq(bytes_of(&out), bytes_of(&reply)));
        um_sbuf_deinit(&reply);
    }

    um_sbuf_deinit(&out);
    frame.len = 0;
    bomb(&frame, 1000000); /* 4 MB for 128 GB */
    unzip_bulk(bytes_of(&frame), &out);
    assert_bulk(&out, bytes_of(&frame));
    ck_assert_uint_le(out.cap, 2 * LIMIT);
    um_sbuf_deinit(&frame);
}
END_TEST

#define OLD FRAME "\x00\x48\x59\x00\x00hello world"

static const struct {
    um_str_t reply;
    um_str_t want;
    bool may;
    const char *why;
} replies[] = {
    { LIT("+OK\r\n"), LIT("+OK\r\n"), false, "SET" },
    { LIT("-ERR x\r\n"), LIT("-ERR x\r\n"), false, "an error" },
    { LIT(":1\r\n"), LIT(":1\r\n"), false, "SETNX" },
    { LIT("$-1\r\n"), LIT("$-1\r\n"), false, "nil" },
    { LIT("_\r\n"), LIT("_\r\n"), false, "nil of RESP3" },
    { LIT("$0\r\n\r\n"), LIT("$0\r\n\r\n"), false, "an empty plain value" },
    { LIT("$9\r\nplain val\r\n"), LIT("$9\r\nplain val\r\n"), false, "plain" },
    { LIT("$20\r\n" OLD "\r\n"), LIT("$11\r\nhello world\r\n"), true, "GET" },
    { LIT("$9\r\n" FRAME "\x20\x00\x01\x00\x00\r\n"), LIT("$0\r\n\r\n"), true,
        "an empty value" },
    { LIT("$20\r\n" FRAME "\x00\x48\x5d\x00\x00hello world\r\n"),
        LIT("$20\r\n" FRAME "\x00\x48\x5d\x00\x00hello world\r\n"), true,
        "rubbish in a packed block" },
    { LIT("*0\r\n"), LIT("*0\r\n"), true, "an empty array" },
    { LIT("*-1\r\n"), LIT("*-1\r\n"), true, "a nil array" },
    { LIT("*5\r\n$20\r\n" OLD "\r\n$-1\r\n_\r\n$1\r\nx\r\n$20\r\n" OLD "\r\n"),
        LIT("*5\r\n$11\r\nhello world\r\n$-1\r\n_\r\n$1\r\nx\r\n"
            "$11\r\nhello world\r\n"),
        true, "MGET" },
    { LIT("*2\r\n*1\r\n$20\r\n" OLD "\r\n:5\r\n"),
        LIT("*2\r\n*1\r\n$20\r\n" OLD "\r\n:5\r\n"), true,
        "an array in an array is no reply of ours" },
};

START_TEST(values_of_a_reply_are_unpacked_and_nothing_else)
{
    um_str_t reply = replies[_i].reply;
    um_unzip_t u = {
        .in = reply, .out = &out, .limit = LIMIT, .room = UINT64_MAX
    };

    ck_assert_msg(
        um_unzip(&u, &zstd, UINT64_MAX) == UM_OK, "%s", replies[_i].why);
    ck_assert_msg(um_str_eq(bytes_of(&out), replies[_i].want), "%s: %.*s",
        replies[_i].why, (int) out.len, out.data);
    ck_assert_msg(
        um_unzip_may(reply) == replies[_i].may, "%s", replies[_i].why);

    /* The first bytes may not say no to what all of it say yes to. */
    for (size_t n = 0; n < reply.len; n++) {
        ck_assert(
            !replies[_i].may || um_unzip_may((um_str_t){ reply.data, n }));
    }
}
END_TEST

START_TEST(a_budget_interrupts_between_values)
{
    um_str_t value = { value_new(200000, 1), 200000 };
    um_sbuf_t frame = { 0 }, reply = { 0 }, whole = { 0 };
    um_unzip_t u = { .out = &out, .limit = LIMIT, .room = UINT64_MAX };
    uint32_t turns = 0;
    um_rc_t rc;

    pack(value, &frame);
    um_sbuf_addz(&reply, "*20\r\n");
    for (int i = 0; i < 10; i++) {
        um_sbuf_addf(&reply, "$1\r\nx\r\n$%zu\r\n", frame.len);
        um_sbuf_add_str(&reply, bytes_of(&frame));
        um_sbuf_addz(&reply, "\r\n");
    }

    u.in = bytes_of(&reply);
    while ((rc = um_unzip(&u, &zstd, 500000)) == UM_AGAIN) {
        ck_assert_uint_lt(++turns, 10);
    }
    ck_assert(rc == UM_OK);
    ck_assert_uint_ge(turns, 3);
    ck_assert_uint_eq(u.unpacked, 10);
    ck_assert_uint_eq(u.refused, 0);

    u = (um_unzip_t){ .in = bytes_of(&reply),
        .out = &whole,
        .limit = LIMIT,
        .room = UINT64_MAX };
    ck_assert(um_unzip(&u, &zstd, UINT64_MAX) == UM_OK);
    ck_assert(um_str_eq(bytes_of(&out), bytes_of(&whole)));

    um_sbuf_deinit(&frame);
    um_sbuf_deinit(&reply);
    um_sbuf_deinit(&whole);
    free((char *) (uintptr_t) value.data);
}
END_TEST

static const struct {
    const char *line;
    const char *strict; /* p<n>[+<step>] packs, u unpacks, - refused */
    const char *all;
} rules[] = {
    { "SET k v", "p2", "p2" },
    { "set k v EX 10 NX", "p2", "p2" },
    { "SET k v GET", "p2u", "p2u" },
    { "SET k v EX 10 get", "p2u", "p2u" },
    { "SET k v EX GET", "p2", "p2" },
    { "SET k GET", "p2", "p2" },
    { "SET k v IFEQ w", "-p2", "p2" },
    { "SET k v IFEQ GET", "-p2", "p2" },
    { "SET k v ifne w GET", "-p2u", "p2u" },
    { "SET k", "", "" },
    { "GETSET k v", "p2u", "p2u" },
    { "SETNX k v", "p2", "p2" },
    { "SETEX k 10 v", "p3", "p3" },
    { "PSETEX k 10 v", "p3", "p3" },
    { "SETEX k 10", "", "" },
    { "MSET a 1 b 2", "p2+2", "p2+2" },
    { "MSET a 1 b", "p2+2", "p2+2" },
    { "MSETNX a 1", "p2+2", "p2+2" },
    { "GET k", "u", "u" },
    { "GETEX k PERSIST", "u", "u" },
    { "GETDEL k", "u", "u" },
    { "MGET a b c", "u", "u" },
    { "APPEND k v", "-", "" },
    { "BITCOUNT k", "-", "" },
    { "BITFIELD k GET u8 0", "-", "" },
    { "BITFIELD_RO k GET u8 0", "-", "" },
    { "BITOP NOT d k", "-", "" },
    { "BITPOS k 1", "-", "" },
    { "DECR k", "-", "" },
    { "DECRBY k 1", "-", "" },
    { "GETBIT k 0", "-", "" },
    { "GETRANGE k 0 1", "-", "" },
    { "SUBSTR k 0 1", "-", "" },
    { "INCR k", "-", "" },
    { "INCRBY k 1", "-", "" },
    { "INCRBYFLOAT k 1", "-", "" },
    { "SETBIT k 0 1", "-", "" },
    { "SETRANGE k 0 v", "-", "" },
    { "STRLEN k", "-", "" },
    { "LCS a b", "-", "" },
    { "DEL k", "", "" },
    { "EVAL s 1 k", "", "" },
    { "LPUSH k v", "", "" },
    { "HSET k f v", "", "" },
    { "DUMP k", "", "" },
    { "RESTORE k 0 v", "", "" },
    { "PFADD k v", "", "" },
    { "RENAME k v", "", "" },
};

static void
rule_text(um_zip_rule_t r, char *text, size_t size)
{
    char packed[16] = "";

    if (r.first != 0) {
        snprintf(packed, sizeof(packed), r.step != 0 ? "p%u+%u" : "p%u",
            r.first, r.step);
    }
    snprintf(
        text, size, "%s%s%s", r.refuse ? "-" : "", packed, r.unpack ? "u" : "");
}

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

START_TEST(each_command_has_its_rule)
{
    um_str_t argv[WORDS];
    uint32_t argc = words_of(rules[_i].line, argv);
    const um_cmd_t *cmd = um_cmd_find(argv, argc);
    char text[32];

    ck_assert_msg(cmd != NULL, "%s", rules[_i].line);
    rule_text(um_zip_rule(cmd, argv, argc, true), text, sizeof(text));
    ck_assert_msg(
        strcmp(text, rules[_i].strict) == 0, "%s: %s", rules[_i].line, text);
    rule_text(um_zip_rule(cmd, argv, argc, false), text, sizeof(text));
    ck_assert_msg(strcmp(text, rules[_i].all) == 0, "%s, allow_all: %s",
        rules[_i].line, text);
    ck_assert(um_zip_may_pack(cmd) || strchr(text, 'p') == NULL);
}
END_TEST

/* Whoever adds a command to the table has to think of it here. */
START_TEST(every_command_on_strings_has_a_rule)
{
    static const char *const untouched[] = { "pfadd", "pfcount", "pfmerge",
        "pfdebug", "pfselftest" };

    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);
        um_zip_rule_t r = um_zip_rule(cmd, NULL, 1, true);
        bool is_string = false, known = r.unpack || r.refuse;

        for (const char *const *c = cmd->acl_categories; c != NULL && *c; c++) {
            is_string |= strcmp(*c, "string") == 0 || strcmp(*c, "bitmap") == 0;
        }
        for (size_t k = 0; k < um_countof(untouched); k++) {
            known |= strcmp(cmd->name, untouched[k]) == 0;
        }

        ck_assert_msg(
            !is_string || known || um_zip_may_pack(cmd), "%s", cmd->name);
    }
}
END_TEST

START_TEST(only_values_of_a_command_are_packed)
{
    um_str_t argv[WORDS];
    uint32_t argc = words_of("MSET a x b second c", argv);
    um_zip_rule_t rule = { .first = 2, .step = 2 };
    const char *why = NULL;

    ck_assert(
        um_zip_words(&zstd, argv, argc, rule, false, &out, &why) == UM_OK);
    ck_assert(um_str_eq(bytes_of(&out),
        (um_str_t) LIT("$4\r\nMSET\r\n$1\r\na\r\n"
                       "$10\r\n" FRAME "\x00\x48\x09\x00\x00x\r\n$1\r\nb\r\n"
                       "$15\r\n" FRAME "\x00\x48\x31\x00\x00second\r\n"
                       "$1\r\nc\r\n")));
}
END_TEST

START_TEST(what_may_be_packed_already_is_not_packed_again)
{
    um_str_t argv[3] = { LIT("SET"), LIT("k"), LIT(OLD) };
    um_zip_rule_t rule = { .first = 2 };
    um_sbuf_t twice = { 0 };
    const char *why = NULL;
    uint64_t most;

    ck_assert(um_zip_words(&zstd, argv, 3, rule, true, &out, &why) == UM_OK);
    ck_assert(um_str_eq(bytes_of(&out),
        (um_str_t) LIT("$3\r\nSET\r\n$1\r\nk\r\n$20\r\n" OLD "\r\n")));

    /* A client that has packed it itself means just these bytes. */
    um_sbuf_clear(&out);
    ck_assert(um_zip_words(&zstd, argv, 3, rule, false, &out, &why) == UM_OK);
    ck_assert_uint_eq(out.len, 9 + 7 + 5 + 29 + 2);
    um_sbuf_deinit(&out);
    pack(argv[2], &twice);
    ck_assert(um_zstd_is_frame(bytes_of(&twice), &most));
    unzip_bulk(bytes_of(&twice), &out);
    assert_bulk(&out, argv[2]);
    um_sbuf_deinit(&twice);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("zip");
    TCase *tc = tcase_create("zip");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(
        tc, a_frame_is_what_the_reference_writes, 0, um_countof(golden));
    tcase_add_loop_test(
        tc, a_value_comes_back_whatever_its_size, 0, um_countof(sizes));
    tcase_add_loop_test(
        tc, what_is_not_of_our_form_is_no_frame, 0, um_countof(foreign));
    tcase_add_test(tc, a_frame_cut_at_any_byte_is_answered_as_stored);
    tcase_add_test(
        tc, a_frame_with_any_byte_changed_is_answered_with_something);
    tcase_add_test(tc, a_bomb_is_answered_as_stored_and_costs_nothing);
    tcase_add_loop_test(tc, values_of_a_reply_are_unpacked_and_nothing_else, 0,
        um_countof(replies));
    tcase_add_test(tc, a_budget_interrupts_between_values);
    tcase_add_loop_test(tc, each_command_has_its_rule, 0, um_countof(rules));
    tcase_add_test(tc, every_command_on_strings_has_a_rule);
    tcase_add_test(tc, only_values_of_a_command_are_packed);
    tcase_add_test(tc, what_may_be_packed_already_is_not_packed_again);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
