/*
 * bench_store.c -- what the broker's store costs in the sizes of issue and
 * reference: 1,000 proxies on 500 hosts, a cluster of 400 nodes; 2,000
 * proxies with 100 clusters.  Each change with the copy it is made to.
 * Beside it what the reference's broker took, over HTTP, to the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <malloc.h>
#include <string.h>

#include "core/um_str.h"
#include "store.h"
#include "um_bench.h"

#define ROUNDS 31

static store_env_t env;
static store_t *base;
static um_sbuf_t out;

static store_t *
proxies(unsigned hosts, unsigned each)
{
    store_t *s = store_new(false);

    for (unsigned i = 0; i < hosts * each; i++) {
        char text[3][64], host[32];
        store_proxy_args_t a;

        for (unsigned k = 0; k < 3; k++) {
            snprintf(text[k], sizeof(text[k]), "10.0.%u.%u:%u", i / 250,
                i % 250, 7000 + k);
        }
        snprintf(host, sizeof(host), "host-%u", i / each);
        a = (store_proxy_args_t){
            .address = um_str_of(text[0]),
            .nodes = { um_str_of(text[1]), um_str_of(text[2]) },
            .host = um_str_of(host),
        };
        if (s == NULL || store_add_proxy(s, &a) != STORE_OK) {
            abort();
        }
    }
    return s;
}

static void
want(store_rc_t rc)
{
    if (rc != STORE_OK) {
        fprintf(stderr, "bench_store: %s\n", store_rc_name(rc));
        abort();
    }
}

/* --- what is measured; `s` is a copy of base --------------------------- */

static void
nothing(store_t *s)
{
    (void) s;
}

static void
create(store_t *s)
{
    want(store_create(s, &env, um_lit("new"), 400));
}

static void
create_small(store_t *s)
{
    want(store_create(s, &env, um_lit("new"), 4));
}

static void
add(store_t *s)
{
    want(store_add_nodes(s, &env, um_lit("c"), 400, NULL));
}

static void
failover(store_t *s)
{
    um_str_t heir;

    want(store_failover(s, &env, um_lit("10.0.0.0:7000"), &heir));
    if (heir.len == 0) {
        abort(); /* it was in no cluster */
    }
}

static void
shrink(store_t *s)
{
    want(store_shrink(s, &env, um_lit("c"), 200));
}

static void
report(store_t *s)
{
    want(store_report(s, &env, um_lit("10.0.0.0:7000"), um_lit("r1")));
}

static void
view(store_t *s)
{
    um_sbuf_clear(&out);
    store_view_proxy(s, um_lit("10.0.0.0:7000"), &out);
}

static void
check(store_t *s)
{
    um_sbuf_clear(&out);
    want(store_check(s, &env, &out));
}

static void
dump(store_t *s)
{
    um_sbuf_clear(&out);
    store_dump(s, &out);
}

static void
load(store_t *s)
{
    store_why_t why;
    store_t *t;

    (void) s;
    want(store_load((um_str_t){ out.data, out.len }, false, &env, &t, &why));
    store_free(t);
}

static void
run(const char *what, const char *reference, void (*fn)(store_t *s))
{
    double us[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = um_bench_cpu_ns();
        store_t *s = store_copy(base);

        fn(s);
        us[i] = (double) (um_bench_cpu_ns() - began) / 1000;
        store_free(s);
    }
    qsort(us, ROUNDS, sizeof(us[0]), um_bench_compare);
    printf("%-34s %9.1f us  (median %.1f)%s%s\n", what, us[0], us[ROUNDS / 2],
        reference[0] != '\0' ? "; reference " : "", reference);
    fflush(stdout);
}

static void
thousand(unsigned hosts, unsigned each)
{
    printf("store: %u proxies on %u hosts\n", hosts * each, hosts);
    base = proxies(hosts, each);
    run("  copy", "", nothing);
    run("  create 400 nodes", each == 2 ? "316 ms" : "175 ms", create);
    want(store_create(base, &env, um_lit("c"), 400));
    run("  create 4 nodes more", each == 2 ? "328 ms" : "161 ms", create_small);
    run("  add 400 nodes", each == 2 ? "320 ms" : "167 ms", add);
    run("  failover", each == 2 ? "331 ms" : "166 ms", failover);
    run("  report", "", report);
    run("  plan a shrink 400 -> 200", "", shrink);
    run("  view of a proxy, 400 nodes", each == 2 ? "1.1 ms" : "1.2 ms", view);
    run("  resources/failures/check",
        each == 2 ? "none in 45 s" : "none in 45 s", check);
    store_free(base);
}

static void
many_clusters(void)
{
    size_t before = mallinfo2().uordblks;

    printf("store: 2000 proxies on 1000 hosts, 100 clusters\n");
    base = proxies(1000, 2);
    for (unsigned i = 0; i < 100; i++) {
        char name[16];

        snprintf(name, sizeof(name), "c%u", i);
        want(store_create(base, &env, um_str_of(name), 36));
    }
    printf(
        "%-34s %9zu KB\n", "  memory", (mallinfo2().uordblks - before) / 1024);
    run("  copy", "", nothing);
    run("  failover", "", failover);
    run("  dump", "", dump);
    run("  load", "", load);
    store_free(base);
}

int
main(void)
{
    env = (store_env_t){
        .now = 1000,
        .failure_ttl = 60,
        .failure_quorum = 1,
        .config = store_config_default,
    };
    thousand(500, 2);
    thousand(50, 20);
    many_clusters();
    um_sbuf_deinit(&out);
    return 0;
}
