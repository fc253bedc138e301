/*
 * fuzz_store.c -- any text as the broker's metadata: refused with a place, or
 * a sound store that comes back from its own dump and can be worked with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
store_again(const store_t *s, const store_env_t *env)
{
    um_sbuf_t one = { 0 };
    um_sbuf_t two = { 0 };
    store_t *back = NULL;
    store_why_t why;

    store_dump(s, &one);
    um_assert(!one.failed);
    um_assert(
        store_load((um_str_t){ one.data, one.len }, false, env, &back, &why)
        == STORE_OK);
    store_dump(back, &two);
    um_assert(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
    store_free(back);
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
}

static void
store_work(store_t *s, store_env_t *env)
{
    um_str_t name = um_lit("c");
    um_str_t address = um_lit("");
    um_str_t heir;
    um_sbuf_t out = { 0 };

    (void) store_cluster_proxy(s, name, 0, &address);
    store_view_cluster(s, name, &out);
    store_view_proxy(s, address, &out);
    (void) store_view_info(s, name, &out);
    (void) store_failover(s, env, address, &heir);
    (void) store_repair(s, env, NULL);
    env->migration_limit = 2;
    (void) store_start(s, env);
    (void) store_cancel(s, name);
    (void) store_auto(s, env, name, 4);
    (void) store_expand(s, env, name);
    (void) store_check(s, env, &out);
    um_assert(!out.failed);
    um_sbuf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    store_env_t env = { .now = 1000,
        .failure_ttl = 60,
        .failure_quorum = 1,
        .migration_limit = 1,
        .config = store_config_default };
    store_t *s = NULL;
    store_why_t why;

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);

    if (store_load((um_str_t){ text, size }, true, &env, &s, &why) == STORE_OK)
    {
        um_assert(store_audit(s) == NULL);
        store_again(s, &env);
        store_work(s, &env);
        um_assert(store_audit(s) == NULL);
        store_again(s, &env);
    } else {
        um_assert(s == NULL && why.message != NULL);
    }
    store_free(s);
    free(text);
    return 0;
}
