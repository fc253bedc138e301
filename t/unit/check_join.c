/* Replies of the parts of a split command, made into one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_client.h"
#include "proxy/um_gens.h"
#include "proxy/um_join.h"
#include "proxy/um_trace.h"
#include "proxy/um_worker.h"
#include "um_check.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 4 };

static um_worker_t *w;
static um_proxy_conf_t conf;
static um_shm_t shm;
static um_heritage_t heritage;
static um_client_t *c;
static um_req_t *parent;
static um_join_t *join;
static um_req_t *part[PARTS];

static void
setup(void)
{
    w = calloc(1, sizeof(*w));
    c = calloc(1, sizeof(*c));
    ck_assert(w != NULL && c != NULL);

    conf.client_output_limit = 1 << 20;
    conf.buffer_memory = 1 << 30;
    w->conf = &conf;
    ck_assert_int_eq(um_shm_create(&shm, 1, 1), UM_OK);
    heritage.shm = w->shm = &shm;
    w->heritage = &heritage;
    w->row = &shm.workers->row[0];
    w->trace = um_trace_new(w);
    w->slow_us = UINT32_MAX;
    w->gens = calloc(1, sizeof(*w->gens));
    w->loop = um_loop_new();
    ck_assert(w->trace != NULL && w->gens != NULL && w->loop != NULL);
    um_list_init(&w->clients);
    um_list_init(&w->walks);
    um_list_init(&w->dirty_clients);
    um_list_init(&w->dead_clients);
    um_list_init(&w->resumed);
    um_chunks_init(&w->chunks);
    um_slab_init(&w->reqs, sizeof(um_req_t), 16);

    c->w = w;
    c->io.fd = -1;
    um_list_init(&c->wait_link);
    um_list_init(&c->dirty_link);
    um_list_init(&c->resume_link);
    um_list_add_tail(&w->clients, &c->link);
    w->client_count = 1;
}

/* Nothing of it may be left: no request, no byte. */
static void
teardown(void)
{
    um_chain_free(&c->out, &w->chunks);
    ck_assert_uint_eq(c->held, 0);
    ck_assert_uint_eq(w->chunks.memory, 0);
    ck_assert_uint_eq(w->reqs.in_use, 0);

    um_chunks_deinit(&w->chunks);
    um_slab_deinit(&w->reqs);
    um_loop_free(w->loop);
    um_trace_free(w->trace);
    um_shm_destroy(&shm);
    free(w->gens);
    free(c);
    free(w);
}

/* `where`: which part each key travels in, "0102". */
static void
split(um_join_how_t how, const char *where)
{
    uint32_t keys = (uint32_t) strlen(where), count[PARTS] = { 0 };

    parent = um_req_new(w, UM_REQ_CLIENT);
    parent->client = c;
    parent->in_client = true;
    c->head = c->tail = parent;
    c->pending = 1;

    join = um_join_new(parent, how, keys);
    ck_assert_ptr_nonnull(join);
    parent->join = join;
    for (uint32_t i = 0; i < keys; i++) {
        join->key_part[i] = (uint32_t) (where[i] - '0');
        count[join->key_part[i]]++;
    }

    while (join->parts < PARTS && count[join->parts] > 0) {
        um_req_t *p = um_req_new(w, UM_REQ_PART);

        p->join = join;
        p->part = join->parts;
        p->client = c;
        p->async = p->in_backend = true;
        p->data = (void *) (uintptr_t) count[join->parts];
        join->part[join->parts] = p;
        part[join->parts++] = p;
    }
    join->left = join->parts;
}

/* A reply comes in pieces of `bite` bytes; then its FIFO lets go of it. */
static void
answer(um_req_t *p, const char *text, size_t bite)
{
    size_t len = strlen(text), n;

    for (size_t i = 0; i < len; i += n) {
        n = um_min(bite, len - i);
        um_req_reply(p, text + i, n, i + n == len);
    }
    um_req_left_backend(p);
}

static void
check_out(const char *text, const char *why)
{
    char got[256] = "";

    ck_assert_uint_lt(c->out.len, sizeof(got));
    um_chain_peek(&c->out, got, c->out.len);
    ck_assert_msg(strcmp(got, text) == 0, "%s: got %s", why, got);
}

#define ODD                                                                    \
    "-ERR a backend answered a part of the command with something "            \
    "unexpected\r\n"

static const struct {
    um_join_how_t how;
    const char *where;
    const char *reply[PARTS];
    const char *out;
    const char *why;
} joins[] = {
    { UM_JOIN_ARRAY, "010",
        { "*2\r\n$1\r\na\r\n$1\r\nc\r\n", "*1\r\n$1\r\nb\r\n" },
        "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", "the order of the keys" },
    { UM_JOIN_ARRAY, "01", { "*1\r\n$-1\r\n", "*1\r\n$0\r\n\r\n" },
        "*2\r\n$-1\r\n$0\r\n\r\n", "no value, and an empty one" },
    { UM_JOIN_ARRAY, "00", { "*2\r\n$2\r\n\r\n\r\n$1\r\n*\r\n" },
        "*2\r\n$2\r\n\r\n\r\n$1\r\n*\r\n", "values that look like protocol" },
    { UM_JOIN_ARRAY, "012",
        { "*1\r\n$1\r\na\r\n", "-ERR two\r\n", "-ERR three\r\n" },
        "-ERR two\r\n", "the first error" },
    { UM_JOIN_ARRAY, "01", { "*1\r\n$1\r\na\r\n", "*2\r\n+b\r\n+c\r\n" }, ODD,
        "more values than keys" },
    { UM_JOIN_ARRAY, "00", { "*1\r\n$1\r\na\r\n" }, ODD, "fewer" },
    { UM_JOIN_ARRAY, "01", { "*1\r\n$1\r\na\r\n", ":1\r\n" }, ODD, "no array" },
    { UM_JOIN_SUM, "0120", { ":2\r\n", ":0\r\n", ":1\r\n" }, ":3\r\n",
        "numbers add up" },
    { UM_JOIN_SUM, "01", { ":-1\r\n", ":1\r\n" }, ":0\r\n", "below zero" },
    { UM_JOIN_SUM, "01", { ":1\r\n", "-LOADING x\r\n" }, "-LOADING x\r\n",
        "an error" },
    { UM_JOIN_SUM, "01", { ":1\r\n", "+OK\r\n" }, ODD, "no number" },
    { UM_JOIN_SUM, "0", { ":99999999999999999999999\r\n" }, ODD,
        "too large a number" },
    { UM_JOIN_OK, "0123", { "+OK\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n" },
        "+OK\r\n", "all is well" },
    { UM_JOIN_OK, "10", { "-ERR zero\r\n", "-ERR one\r\n" }, "-ERR one\r\n",
        "the first in the order of the keys" },
    { UM_JOIN_NONE, "0", { "+OK\r\n" }, ODD, "nothing to be joined" },
};

START_TEST(parts_become_one_reply)
{
    for (size_t bite = 1; bite < 40; bite = bite * 2 + 1) {
        split(joins[_i].how, joins[_i].where);
        for (uint32_t i = join->parts; i-- > 1;) { /* as they may come */
            answer(part[i], joins[_i].reply[i], bite);
            ck_assert_uint_eq(c->out.len, 0);
        }
        answer(part[0], joins[_i].reply[0], bite);

        check_out(joins[_i].out, joins[_i].why);
        ck_assert_ptr_null(c->head);
        um_chain_free(&c->out, &w->chunks);
    }
}
END_TEST

START_TEST(a_part_that_fails_fails_the_whole)
{
    split(UM_JOIN_SUM, "01");
    answer(part[0], ":1\r\n", 9);
    um_req_fail(part[1], "ERR lost %d", 7);
    um_req_left_backend(part[1]);
    check_out("-ERR lost 7\r\n", "what the part says");
}
END_TEST

START_TEST(parts_of_a_client_that_left_are_thrown_away)
{
    split(UM_JOIN_ARRAY, "012");
    answer(part[0], "*1\r\n$1\r\na\r\n", 99);
    um_req_reply(part[1], "*1\r\n$1", 6, false);
    um_client_kill(c);
    ck_assert_uint_eq(w->reqs.in_use, 2); /* those in a FIFO */

    um_req_reply(part[1], "\r\nb\r\n", 5, true);
    um_req_left_backend(part[1]);
    answer(part[2], "*1\r\n$1\r\nc\r\n", 1);
}
END_TEST

START_TEST(parts_too_large_together_close_the_client)
{
    static char big[600 << 10];

    memset(big, 'x', sizeof(big));
    split(UM_JOIN_ARRAY, "01");
    um_req_reply(part[0], "*1\r\n$614400\r\n", 14, false);
    um_req_reply(part[0], big, sizeof(big), false);
    um_req_reply(part[1], "*1\r\n$614400\r\n", 14, false);
    ck_assert(!c->dead);
    um_req_reply(part[1], big, sizeof(big), false);
    ck_assert(c->dead);

    for (int i = 0; i < 2; i++) {
        um_req_reply(part[i], "\r\n", 2, true);
        um_req_left_backend(part[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("join");
    TCase *tc = tcase_create("join");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, parts_become_one_reply, 0, um_countof(joins));
    tcase_add_test(tc, a_part_that_fails_fails_the_whole);
    tcase_add_test(tc, parts_of_a_client_that_left_are_thrown_away);
    tcase_add_test(tc, parts_too_large_together_close_the_client);
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
