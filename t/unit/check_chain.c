/* Chunks and chains of them: what goes in comes out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "net/um_chain.h"
#include "um_check.h"

#include <string.h>

static um_chunks_t pool;
static char pattern[3 << 20];

static void
chain_setup(void)
{
    um_chunks_init(&pool);
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (char) ((i * 31) ^ (i >> 8));
    }
}

static void
chain_teardown(void)
{
    ck_assert_uint_eq(pool.memory, 0); /* all lent has come back */
    um_chunks_deinit(&pool);
}

static bool
chain_is(const um_chain_t *c, const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    bool same;

    ck_assert_ptr_nonnull(copy);
    um_chain_peek(c, copy, len);
    same = c->len == len && memcmp(copy, bytes, len) == 0;
    free(copy);

    return same;
}

static const struct {
    size_t piece; /* bytes of each addition */
    size_t total;
    size_t bite; /* bytes of each consumption */
} chains[] = {
    { 1, 3000, 1 },
    { 7, 5000, 511 },
    { 511, 20000, 100000 },
    { 16384, 100000, 4096 },
    { 100000, 300000, 16368 },
    { 3 << 20, 3 << 20, 65536 },
    { 2 << 20, 3 << 20, 3 << 20 },
};

static void
chain_fill_and_eat(size_t piece, size_t total, size_t bite, bool stream)
{
    um_chain_t c = { NULL, NULL, 0 };
    size_t n;

    for (size_t i = 0; i < total; i += n) {
        n = um_min(piece, total - i);
        ck_assert_int_eq(
            um_chain_add(&c, &pool, pattern + i, n, stream), UM_OK);
    }
    ck_assert(chain_is(&c, pattern, total));
    ck_assert_uint_ge(pool.memory, total);

    for (size_t i = 0; i < total; i += n) {
        n = um_min(bite, total - i);
        um_chain_consume(&c, &pool, n);
        ck_assert(
            chain_is(&c, pattern + i + n, total - i - n) || total > 100000);
    }
    ck_assert_uint_eq(c.len, 0);
    ck_assert_ptr_null(c.head);
    ck_assert_ptr_null(c.tail);
}

START_TEST(what_goes_in_comes_out)
{
    chain_fill_and_eat(
        chains[_i].piece, chains[_i].total, chains[_i].bite, false);
    chain_fill_and_eat(
        chains[_i].piece, chains[_i].total, chains[_i].bite, true);
    ck_assert_uint_ge(pool.peak, chains[_i].total);
}
END_TEST

START_TEST(moving_empties_one_and_fills_the_other)
{
    um_chain_t a = { NULL, NULL, 0 }, b = { NULL, NULL, 0 };

    um_chain_move(&a, &b);
    ck_assert_uint_eq(a.len, 0);

    ck_assert_int_eq(um_chain_add(&b, &pool, "world", 5, false), UM_OK);
    um_chain_move(&a, &b);
    ck_assert(chain_is(&a, "world", 5));

    ck_assert_int_eq(um_chain_add(&b, &pool, "hello ", 6, false), UM_OK);
    um_chain_move(&b, &a);
    ck_assert(chain_is(&b, "hello world", 11));
    ck_assert_ptr_null(a.head);

    /* And it can be added to as before. */
    ck_assert_int_eq(um_chain_add(&b, &pool, "!", 1, true), UM_OK);
    ck_assert(chain_is(&b, "hello world!", 12));
    um_chain_free(&b, &pool);
}
END_TEST

START_TEST(small_pieces_appended_become_one)
{
    um_chain_t a = { NULL, NULL, 0 }, b = { NULL, NULL, 0 };
    uint64_t one;

    /* Nothing to copy to: it is moved. */
    ck_assert_int_eq(um_chain_add(&b, &pool, "he", 2, true), UM_OK);
    um_chain_append(&a, &b, &pool);
    ck_assert_uint_eq(b.len, 0);
    one = pool.memory;

    ck_assert_int_eq(um_chain_add(&b, &pool, "xxllo ", 6, false), UM_OK);
    um_chain_consume(&b, &pool, 2);
    um_chain_append(&a, &b, &pool);
    ck_assert_ptr_null(b.head);
    ck_assert_ptr_null(a.head->next);
    ck_assert_uint_eq(pool.memory, one);

    /* A large piece is worth no copy. */
    ck_assert_int_eq(um_chain_add(&b, &pool, "world", 5, true), UM_OK);
    um_chain_append(&a, &b, &pool);
    ck_assert_ptr_nonnull(a.head->next);
    ck_assert(chain_is(&a, "hello world", 11));

    um_chain_append(&a, &b, &pool);
    ck_assert_uint_eq(a.len, 11);
    um_chain_free(&a, &pool);
    ck_assert_uint_eq(pool.memory, 0);
}
END_TEST

START_TEST(appended_bytes_keep_their_order_whatever_their_sizes)
{
    um_chain_t a = { NULL, NULL, 0 }, b = { NULL, NULL, 0 };
    size_t sum = 0;

    for (size_t len = 1; sum + len < 40000; len += 7) {
        ck_assert_int_eq(
            um_chain_add(&b, &pool, pattern + sum, len, len % 3 == 0), UM_OK);
        um_chain_append(&a, &b, &pool);
        sum += len;
    }

    ck_assert(chain_is(&a, pattern, sum));
    um_chain_free(&a, &pool);
}
END_TEST

START_TEST(vectors_cover_the_bytes_and_no_more)
{
    um_chain_t c = { NULL, NULL, 0 };
    struct iovec iov[4];
    size_t sum = 0;
    int n;

    ck_assert_int_eq(um_chain_iov(&c, iov, 4), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(
            um_chain_add(&c, &pool, pattern + i * 400, 400, false), UM_OK);
    }
    um_chain_consume(&c, &pool, 13);

    n = um_chain_iov(&c, iov, 4);
    ck_assert_int_eq(n, 4);
    for (int i = 0; i < n; i++) {
        ck_assert_mem_eq(iov[i].iov_base, pattern + 13 + sum, iov[i].iov_len);
        sum += iov[i].iov_len;
    }
    ck_assert_uint_lt(sum, c.len);
    um_chain_free(&c, &pool);
}
END_TEST

START_TEST(unwanted_chunks_are_given_back)
{
    um_chain_t c = { NULL, NULL, 0 };
    size_t given = 0;

    ck_assert_int_eq(um_chain_add(&c, &pool, pattern, 100, false), UM_OK);
    um_chain_free(&c, &pool);

    /* Not at once: they may be wanted again. */
    for (int i = 0; i < 3; i++) {
        given += um_chunks_trim(&pool);
    }
    ck_assert_uint_gt(given, 0);
    ck_assert_uint_eq(um_chunks_trim(&pool), 0);
}
END_TEST

START_TEST(what_a_thread_has_lent_is_ours_when_it_is_done)
{
    um_chunks_t other;
    um_chain_t c = { NULL, NULL, 0 };

    um_chunks_init(&other);
    ck_assert_int_eq(um_chain_add(&c, &other, pattern, 100, false), UM_OK);
    ck_assert_int_eq(um_chain_add(&c, &other, pattern, 20000, true), UM_OK);
    ck_assert_int_eq(um_chain_add(&c, &other, pattern, 100, true), UM_OK);
    ck_assert_uint_gt(other.memory, 20200);

    um_chunks_adopt(&pool, &other);
    ck_assert_uint_eq(other.memory, 0);
    ck_assert_uint_gt(pool.memory, 20200);
    um_chain_free(&c, &pool);
    ck_assert_uint_eq(pool.memory, 0);
    ck_assert_uint_eq(pool.small.in_use + pool.large.in_use, 0);
    um_chunks_deinit(&other);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("chain");
    TCase *chain = tcase_create("chain");

    tcase_add_checked_fixture(chain, chain_setup, chain_teardown);
    tcase_set_timeout(chain, 60);
    tcase_add_loop_test(chain, what_goes_in_comes_out, 0, um_countof(chains));
    tcase_add_test(chain, moving_empties_one_and_fills_the_other);
    tcase_add_test(chain, small_pieces_appended_become_one);
    tcase_add_test(chain, appended_bytes_keep_their_order_whatever_their_sizes);
    tcase_add_test(chain, vectors_cover_the_bytes_and_no_more);
    tcase_add_test(chain, unwanted_chunks_are_given_back);
    tcase_add_test(chain, what_a_thread_has_lent_is_ours_when_it_is_done);
    suite_add_tcase(s, chain);

    return um_check_main(s);
}
