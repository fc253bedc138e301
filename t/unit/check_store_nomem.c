/*
 * Memory ends at each allocation in turn: an operation on a copy then says
 * so, and what it was copied from is as it was.
 *
 * The linker sends malloc and its kin here (--wrap).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"
#include "um_store_script.h"

#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long left = -1; /* allocations until one fails; -1: none does */

static bool
is_due(void)
{
    return left >= 0 && left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
    return is_due() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return is_due() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return is_due() ? NULL : __real_realloc(old, size);
}

static store_env_t env;
static um_sbuf_t text; /* a dump of what is copied */

static store_rc_t
op_add_proxy(store_t *s)
{
    store_proxy_args_t a = {
        .address = um_lit("n:1"),
        .nodes = { um_lit("n:2"), um_lit("n:3") },
    };

    return store_add_proxy(s, &a);
}

static store_rc_t
op_create(store_t *s)
{
    return store_create(s, &env, um_lit("d"), 8);
}

static store_rc_t
op_remove(store_t *s)
{
    return store_remove(s, um_lit("c"));
}

static store_rc_t
op_add_nodes(store_t *s)
{
    um_sbuf_t out = { 0 };
    store_rc_t rc = store_add_nodes(s, &env, um_lit("c"), 4, &out);

    um_sbuf_deinit(&out);
    return rc;
}

static store_rc_t
op_free_nodes(store_t *s)
{
    return store_free_nodes(s, um_lit("e"));
}

static store_rc_t
op_shrink(store_t *s)
{
    return store_shrink(s, &env, um_lit("c"), 4);
}

static store_rc_t
op_expand(store_t *s)
{
    return store_expand(s, &env, um_lit("e"));
}

static store_rc_t
op_auto(store_t *s)
{
    return store_auto(s, &env, um_lit("e"), 12);
}

static store_rc_t
op_commit(store_t *s)
{
    const store_task_t *t =
        s->cluster[store_find_cluster(s, um_lit("m"))]->task;
    store_range_t r = t->ranges->r[0];
    store_task_args_t a = { um_lit("m"), STORE_TAG_MIGRATING, t->epoch, &r, 1 };

    return store_commit(s, &env, &a);
}

static store_rc_t
op_start(store_t *s)
{
    store_env_t all = env;

    all.migration_limit = 0;
    return store_start(s, &all);
}

static store_rc_t
op_cancel(store_t *s)
{
    return store_cancel(s, um_lit("m"));
}

static store_rc_t
op_failover(store_t *s)
{
    um_str_t heir;

    return store_failover(s, &env, um_lit("h1.0:1"), &heir);
}

static store_rc_t
op_repair(store_t *s)
{
    return store_repair(s, &env, NULL);
}

static store_rc_t
op_balance(store_t *s)
{
    return store_balance(s, &env, um_lit("c"));
}

static store_rc_t
op_report(store_t *s)
{
    return store_report(s, &env, um_lit("h1.0:1"), um_lit("r"));
}

static store_rc_t
op_set_epoch(store_t *s)
{
    return store_set_epoch(s, 1000);
}

static store_rc_t
op_check(store_t *s)
{
    um_sbuf_t out = { 0 };
    store_rc_t rc = store_check(s, &env, &out);

    um_sbuf_deinit(&out);
    return rc;
}

static store_rc_t
op_views(store_t *s)
{
    um_sbuf_t out = { 0 };
    bool failed;

    store_view_cluster(s, um_lit("m"), &out);
    store_view_proxy(s, um_lit("h1.0:1"), &out);
    store_view_failures(s, &env, &out);
    store_dump(s, &out);
    failed = out.failed;
    um_sbuf_deinit(&out);
    return failed ? STORE_NO_MEMORY : STORE_OK;
}

static store_rc_t
op_load(store_t *s)
{
    store_t *t = NULL;
    store_why_t why;
    store_rc_t rc =
        store_load((um_str_t){ text.data, text.len }, false, &env, &t, &why);

    (void) s;
    store_free(t);
    return rc;
}

static const struct {
    const char *name;
    store_rc_t (*fn)(store_t *s);
} ops[] = {
    { "add proxy", op_add_proxy },
    { "create", op_create },
    { "remove", op_remove },
    { "add nodes", op_add_nodes },
    { "free nodes", op_free_nodes },
    { "shrink", op_shrink },
    { "expand", op_expand },
    { "auto", op_auto },
    { "commit", op_commit },
    { "start", op_start },
    { "cancel", op_cancel },
    { "failover", op_failover },
    { "repair", op_repair },
    { "balance", op_balance },
    { "report", op_report },
    { "set epoch", op_set_epoch },
    { "check", op_check },
    { "views", op_views },
    { "load", op_load },
};

/* A cluster at rest, one with free nodes, one with tasks; a proxy that waits
 * for its spare. */
static store_t *
prepare(void)
{
    store_t *s = store_new(false);
    um_str_t heir;

    env = um_story_env();
    env.migration_limit = 1;
    for (char host[] = "h1"; host[1] <= '9'; host[1]++) {
        um_story_host(s, host, 4);
    }
    for (uint32_t i = 0; i < s->by_address.n; i++) {
        ck_assert_int_eq(store_announce(s, store_address(s, i), 1), STORE_OK);
    }
    ck_assert_int_eq(store_create(s, &env, um_lit("c"), 8), STORE_OK);
    ck_assert_int_eq(store_create(s, &env, um_lit("e"), 4), STORE_OK);
    ck_assert_int_eq(store_add_nodes(s, &env, um_lit("e"), 4, NULL), STORE_OK);
    ck_assert_int_eq(store_create(s, &env, um_lit("m"), 4), STORE_OK);
    ck_assert_int_eq(store_add_nodes(s, &env, um_lit("m"), 8, NULL), STORE_OK);
    ck_assert_int_eq(store_expand(s, &env, um_lit("m")), STORE_OK);
    ck_assert_int_eq(
        store_report(s, &env, um_lit("h9.3:1"), um_lit("r")), STORE_OK);
    ck_assert_int_eq(
        store_failover(s, &env, um_lit("h2.0:1"), &heir), STORE_OK);
    s->proxy[s->cluster[0]->chunk[1].proxy[0]].failed = true;
    s->cluster[0]->chunk[1].role = STORE_ROLE_SECOND;
    store_dump(s, &text);
    return s;
}

START_TEST(without_memory_nothing_is_half_done)
{
    store_t *s = prepare();
    um_sbuf_t now = { 0 };
    store_rc_t rc = STORE_NO_MEMORY;
    long n;

    for (n = 0; rc == STORE_NO_MEMORY; n++) {
        store_t *copy;

        left = n;
        copy = store_copy(s);
        rc = copy != NULL ? ops[_i].fn(copy) : STORE_NO_MEMORY;
        left = -1;
        if (rc != STORE_NO_MEMORY) {
            ck_assert_ptr_null(store_audit(copy));
        }
        store_free(copy);
        ck_assert_ptr_null(store_audit(s));
        um_sbuf_clear(&now);
        store_dump(s, &now);
        ck_assert_str_eq(um_sbuf_cstr(&now), um_sbuf_cstr(&text));
    }
    ck_assert_msg(rc == STORE_OK, "%s: %s", ops[_i].name, store_rc_name(rc));
    ck_assert_int_gt(n, 1);
    um_sbuf_deinit(&now);
    um_sbuf_deinit(&text);
    store_free(s);
}
END_TEST

static Suite *
nomem_suite(void)
{
    Suite *s = suite_create("store_nomem");
    TCase *tc = tcase_create("nomem");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(
        tc, without_memory_nothing_is_half_done, 0, um_countof(ops));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(nomem_suite());
}
