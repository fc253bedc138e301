/* What the commands answered here decide without a connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_client_pick.h"
#include "proxy/um_config_param.h"
#include "proxy/um_info.h"
#include "core/um_procs.h"
#include "um_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 16

/* Cut a line at its blanks. */
static uint32_t
split(const char *line, um_str_t words[WORDS_MAX])
{
    uint32_t n = 0;

    while (*line != '\0') {
        size_t len = strcspn(line, " ");

        ck_assert_uint_lt(n, WORDS_MAX);
        words[n++] = (um_str_t){ line, len };
        line += len + strspn(line + len, " ");
    }

    return n;
}

/* ---- names -------------------------------------------------------------- */

START_TEST(a_name_is_set_replaced_and_taken_away)
{
    char *place = NULL;

    ck_assert_int_eq(um_client_name_set(&place, um_lit("one")), UM_OK);
    ck_assert_str_eq(place, "one");
    ck_assert_int_eq(um_client_name_set(&place, um_lit("two")), UM_OK);
    ck_assert_str_eq(place, "two");
    ck_assert_int_eq(um_client_name_set(&place, um_lit("")), UM_OK);
    ck_assert_ptr_null(place);
}
END_TEST

START_TEST(names_are_printable_and_bounded)
{
    char text[UM_CLIENT_NAME_MAX];

    memset(text, 'x', sizeof(text));
    ck_assert_pstr_eq(
        um_client_name_wrong((um_str_t){ text, UM_CLIENT_NAME_MAX - 1 }), NULL);
    ck_assert_ptr_nonnull(
        um_client_name_wrong((um_str_t){ text, UM_CLIENT_NAME_MAX }));
    ck_assert_ptr_nonnull(um_client_name_wrong(um_lit("a b")));
    ck_assert_ptr_nonnull(um_client_name_wrong(um_lit("a\n")));
    ck_assert_ptr_nonnull(um_client_name_wrong(um_lit("a\x7f")));
    ck_assert_ptr_nonnull(um_client_name_wrong(um_lit("\xc3\xa4")));
}
END_TEST

/* ---- which clients ------------------------------------------------------ */

static const struct {
    const char *line;
    const char *wrong; /* NULL: it picks ... */
    bool me;           /* the client with id 7 from 10.0.0.9:4711, who asks */
    bool other;        /* and one with id 8 from [::1]:4712 */
} picks[] = {
    { "CLIENT LIST", NULL, true, true },
    { "CLIENT LIST TYPE normal", NULL, true, true },
    { "CLIENT LIST type PUBSUB", NULL, false, false },
    { "CLIENT LIST TYPE foo", "ERR Unknown client type 'foo'", 0, 0 },
    { "CLIENT LIST ID 8", NULL, false, true },
    { "CLIENT LIST ID 9 8 7 8", NULL, true, true },
    { "CLIENT LIST ID 9 -8", NULL, false, false },
    { "CLIENT LIST ID x", "ERR Invalid client ID", 0, 0 },
    { "CLIENT LIST ID", "ERR syntax error", 0, 0 },
    { "CLIENT LIST FOO x", "ERR syntax error", 0, 0 },
    { "CLIENT KILL 10.0.0.9:4711", NULL, true, false },
    { "CLIENT KILL [::1]:4712", NULL, false, true },
    { "CLIENT KILL ID 8", NULL, false, true },
    { "CLIENT KILL ID 7", NULL, false, false },
    { "CLIENT KILL ID 7 SKIPME no", NULL, true, false },
    { "CLIENT KILL SKIPME no ID 7 SKIPME yes", NULL, false, false },
    { "CLIENT KILL SKIPME no", NULL, true, true },
    { "CLIENT KILL USER default", NULL, false, true },
    { "CLIENT KILL USER alice", "ERR No such user 'alice'", 0, 0 },
    { "CLIENT KILL ADDR [::1]:4712 ID 8", NULL, false, true },
    { "CLIENT KILL ADDR [::1]:4712 ID 9", NULL, false, false },
    { "CLIENT KILL TYPE master SKIPME no", NULL, false, false },
    { "CLIENT KILL ID 0", "ERR client-id should be greater than 0", 0, 0 },
    { "CLIENT KILL ID 8 ADDR", "ERR syntax error", 0, 0 },
    { "CLIENT KILL SKIPME maybe", "ERR syntax error", 0, 0 },
};

static void
make_client(um_client_t *c, uint64_t id, const char *ip, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *) &c->peer;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &c->peer;

    memset(c, 0, sizeof(*c));
    c->st.id = id;
    c->io.fd = -1;
    if (inet_pton(AF_INET, ip, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        c->peer_len = sizeof(*in);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        c->peer_len = sizeof(*in6);
    }
}

START_TEST(list_and_kill_mean_who_they_say)
{
    static um_client_pick_t p, sent;
    um_str_t words[WORDS_MAX];
    uint32_t n = split(picks[_i].line, words);
    bool kill = um_str_eq(words[1], um_lit("KILL"));
    um_client_t me, other;
    um_sbuf_t err = { 0 };
    um_rc_t rc;

    make_client(&me, 7, "10.0.0.9", 4711);
    make_client(&other, 8, "::1", 4712);

    rc = kill ? um_client_pick_kill(&p, words, n, 7, &err)
              : um_client_pick_list(&p, words, n, &err);
    ck_assert_int_eq(rc == UM_OK, picks[_i].wrong == NULL);
    ck_assert_str_eq(
        um_sbuf_cstr(&err), picks[_i].wrong == NULL ? "" : picks[_i].wrong);
    um_sbuf_deinit(&err);

    if (rc != UM_OK) {
        return;
    }

    /* As another worker sees it, too. */
    ck_assert_int_eq(um_client_pick_take(&sent,
                         (um_str_t){ (char *) &p, um_client_pick_size(&p) }),
        UM_OK);
    ck_assert_msg(um_client_pick_match(&p, &me) == picks[_i].me, "%s: me",
        picks[_i].line);
    ck_assert_msg(um_client_pick_match(&sent, &other) == picks[_i].other,
        "%s: other", picks[_i].line);

    me.dead = true;
    ck_assert(!um_client_pick_match(&sent, &me));
}
END_TEST

START_TEST(bytes_that_are_no_pick_are_not_taken)
{
    static um_client_pick_t p, out;
    um_str_t words[WORDS_MAX];
    uint32_t n = split("CLIENT LIST ID 1 2 3", words);
    um_sbuf_t err = { 0 };
    um_str_t bytes = { (char *) &p, 0 };
    size_t size;

    ck_assert_int_eq(um_client_pick_list(&p, words, n, &err), UM_OK);
    size = um_client_pick_size(&p);

    for (bytes.len = 0; bytes.len < size; bytes.len++) {
        ck_assert_int_eq(um_client_pick_take(&out, bytes), UM_ERR);
    }
    ck_assert_int_eq(um_client_pick_take(&out, bytes), UM_OK);
    bytes.len++;
    ck_assert_int_eq(um_client_pick_take(&out, bytes), UM_ERR);

    bytes.len = size;
    p.id_count = UINT32_MAX;
    ck_assert_int_eq(um_client_pick_take(&out, bytes), UM_ERR);
    p.id_count = 3;
    memset(p.addr, 'x', sizeof(p.addr));
    ck_assert_int_eq(um_client_pick_take(&out, bytes), UM_ERR);
}
END_TEST

START_TEST(too_many_ids_are_refused)
{
    static um_client_pick_t p;
    static um_str_t words[UM_CLIENT_PICK_IDS + 4];
    um_sbuf_t err = { 0 };

    words[2] = um_lit("ID");
    for (size_t i = 3; i < um_countof(words); i++) {
        words[i] = um_lit("5");
    }

    ck_assert_int_eq(
        um_client_pick_list(&p, words, UM_CLIENT_PICK_IDS + 3, &err), UM_OK);
    ck_assert_int_eq(
        um_client_pick_list(&p, words, UM_CLIENT_PICK_IDS + 4, &err),
        UM_DECLINED);
    ck_assert_str_eq(um_sbuf_cstr(&err), "ERR too many client IDs");
    um_sbuf_deinit(&err);
}
END_TEST

START_TEST(a_line_shows_what_there_is)
{
    um_sbuf_t line = { 0 };
    um_client_t c;

    make_client(&c, 5, "10.0.0.9", 4711);
    c.st.proto = 2;
    c.st.readonly = true;
    c.closing = true;
    c.st.name = (char[]){ "me" };
    c.last_ns = 3000000000;
    um_client_line(&line, &c, 9000000000);
    ck_assert_int_eq(
        strncmp(um_sbuf_cstr(&line),
            "id=5 addr=10.0.0.9:4711 laddr=unknown fd=0 name=me ", 51),
        0);
    ck_assert_ptr_nonnull(strstr(line.data, " idle=6 flags=cr db=0 "));
    ck_assert_ptr_nonnull(strstr(line.data, " cmd=NULL user=default "));
    ck_assert_int_eq(line.data[line.len - 1], '\n');
    um_sbuf_deinit(&line);
}
END_TEST

/* ---- CONFIG ------------------------------------------------------------- */

START_TEST(parameters_have_one_name_each)
{
    for (size_t i = 0; i < um_config_param_count(); i++) {
        const um_config_param_t *p = um_config_param_at(i);

        ck_assert_ptr_eq(um_config_param_find(um_str_of(p->name)), p);
    }

    ck_assert_ptr_null(um_config_param_find(um_lit("password")));
    ck_assert_ptr_null(um_config_param_find(um_lit("requirepass")));
    ck_assert_ptr_nonnull(um_config_param_find(um_lit("MAXCLIENTS")));
}
END_TEST

static const struct {
    const char *name, *value;
    const char *wrong;
    int64_t number;
} values[] = {
    { "slowlog_log_slower_than", "-1", NULL, -1 },
    { "slowlog-log-slower-than", "9223372036854775807", NULL, INT64_MAX },
    { "slowlog_sample_rate", "0", NULL, 0 },
    { "slowlog_sample_rate", "-1",
        "argument must be between 0 and 9223372036854775807 inclusive", 0 },
    { "slowlog_log_slower_than", "-2",
        "argument must be between -1 and 9223372036854775807 inclusive", 0 },
    { "slowlog_log_slower_than", "07",
        "argument couldn't be parsed into an integer", 0 },
    { "slowlog_len", "2000", NULL, 2000 },
    { "slowlog-max-len", "0", NULL, 0 },
    { "slowlog_len", "2001", "argument must be between 0 and 2000 inclusive",
        0 },
    { "slowlog_log_slower_than", "",
        "argument couldn't be parsed into an integer", 0 },
};

START_TEST(live_numbers_have_bounds)
{
    const um_config_param_t *p =
        um_config_param_find(um_str_of(values[_i].name));
    const um_settings_sh_t set = { .slowlog_places = 2000 };
    char err[128];
    int64_t number = 0;
    const char *wrong = um_config_param_parse(
        p, &set, um_str_of(values[_i].value), &number, err, sizeof(err));

    ck_assert_pstr_eq(wrong, values[_i].wrong);
    if (wrong == NULL) {
        ck_assert_int_eq(number, values[_i].number);
    }
}
END_TEST

/* ---- INFO --------------------------------------------------------------- */

START_TEST(the_version_told_is_that_of_the_nodes)
{
    static um_settings_sh_t settings;
    um_shm_t shm = { .settings = &settings };
    um_worker_t w = { .shm = &shm };
    char text[UM_VERSION_TEXT_MAX];

    um_settings_init(&settings);
    um_info_redis_version(&w, text);
    ck_assert_str_eq(text, "7.0.0");
    atomic_store(&settings.redis_version, 0x06020e);
    um_info_redis_version(&w, text);
    ck_assert_str_eq(text, "6.2.14");
}
END_TEST

START_TEST(a_process_costs_time_and_memory)
{
    um_proc_cost_t cost = { 0 }, nobody = { 0 };
    size_t size = 8 << 20;
    char *block = malloc(size);

    ck_assert_ptr_nonnull(block);
    explicit_bzero(block, size); /* not to be left out */

    /* Until the kernel's clock has ticked for us. */
    while (cost.user_us + cost.sys_us == 0) {
        cost.memory = 0;
        for (int i = 0; i < 10; i++) {
            explicit_bzero(block, size);
        }
        um_proc_cost_add(&cost, getpid());
    }
    ck_assert_uint_gt(cost.memory, size);
    free(block);

    um_proc_cost_add(&nobody, 0x7ffffffe);
    ck_assert_uint_eq(nobody.memory + nobody.user_us + nobody.sys_us, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("self");
    TCase *tc = tcase_create("self");

    tcase_add_test(tc, a_name_is_set_replaced_and_taken_away);
    tcase_add_test(tc, names_are_printable_and_bounded);
    tcase_add_loop_test(
        tc, list_and_kill_mean_who_they_say, 0, um_countof(picks));
    tcase_add_test(tc, bytes_that_are_no_pick_are_not_taken);
    tcase_add_test(tc, too_many_ids_are_refused);
    tcase_add_test(tc, a_line_shows_what_there_is);
    tcase_add_test(tc, parameters_have_one_name_each);
    tcase_add_loop_test(tc, live_numbers_have_bounds, 0, um_countof(values));
    tcase_add_test(tc, the_version_told_is_that_of_the_nodes);
    tcase_add_test(tc, a_process_costs_time_and_memory);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
