/*
 * sim_store.c -- the broker's store lives at random.
 *
 * A life is a list of steps; what a step does follows from the seed and its
 * number alone, so that any of them can be left out.  When one fails, steps
 * are left out as long as it still fails, and what remains is told.
 *
 *   UM_TEST_SEED=n    this seed only; UM_TEST_STEPS=n  so many steps
 *   UM_TEST_TRACE=1   tell every step
 *   UM_TEST_SLOW=1    100,000 steps and more, from a seed of the clock
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "sim.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIVES      12
#define STEPS      500
#define LIVES_SLOW 60
#define STEPS_SLOW 2500
#define TRIES      400 /* to make a failing life shorter */

static sim_look_t looks[2];
static sim_t sim;

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);

    return v == NULL || *v == '\0' ? otherwise : strtoull(v, NULL, 10);
}

/* The steps of a life, in order; how many went well. */
static size_t
live(uint64_t seed, const size_t *steps, size_t n, bool trace)
{
    uint64_t r = mix(seed);
    size_t i;

    memset(&sim, 0, sizeof(sim));
    memset(looks, 0, sizeof(looks));
    sim.seed = seed;
    sim.now = &looks[0];
    sim.was = &looks[1];
    sim.trace = trace;
    sim.hosts = 2 + (unsigned) (r % 9);
    sim.proxies = 8 + (unsigned) ((r >> 8) % (SIM_PROXIES - 7));
    sim.announce = (r >> 16) % 4 != 0;
    sim.e.now = 1700000000;
    sim.e.failure_ttl = 60;
    sim.e.failure_quorum = (r >> 24) % 3;
    sim.e.migration_limit = (r >> 32) % 4;
    sim.e.config = store_config_default;
    sim.s = store_new((r >> 40) % 6 == 0);
    if (sim.s == NULL) {
        return 0;
    }

    store_dump(sim.s, &sim.text);
    for (i = 0; i < n; i++) {
        uint64_t four[4];

        for (unsigned j = 0; j < 4; j++) {
            four[j] = mix(r ^ (steps[i] * 4 + j));
        }

        sim.step = steps[i];
        if (!sim_act(&sim, four)) {
            break;
        }
    }

    store_free(sim.s);
    um_sbuf_deinit(&sim.text);
    return i;
}

/* Leave out what is not needed to fail: halves first, then less. */
static size_t
shorten(uint64_t seed, size_t *steps, size_t n)
{
    size_t *less = calloc(n, sizeof(*less));
    unsigned tries = 0;

    ck_assert_ptr_nonnull(less);
    for (size_t part = n / 2; part > 0 && tries < TRIES;) {
        bool shorter = false;

        for (size_t at = 0; at + part <= n && tries < TRIES; tries++) {
            size_t left = n - part, lived;

            memcpy(less, steps, at * sizeof(*less));
            memcpy(less + at, steps + at + part, (left - at) * sizeof(*less));
            lived = live(seed, less, left, false);

            if (lived < left) {
                n = lived + 1;
                memcpy(steps, less, n * sizeof(*less));
                shorter = true;
            } else {
                at += part;
            }
        }

        part = shorter && part <= n ? part : part / 2;
    }

    free(less);
    return n;
}

static void
whole_life(uint64_t seed, size_t n)
{
    size_t *steps = calloc(n, sizeof(*steps));
    size_t lived;

    ck_assert_ptr_nonnull(steps);
    for (size_t i = 0; i < n; i++) {
        steps[i] = i;
    }

    lived = live(seed, steps, n, getenv("UM_TEST_TRACE") != NULL);
    if (lived < n) {
        printf("# seed %llu fails at step %zu: %s\n", (unsigned long long) seed,
            lived, sim.why);
        (void) fflush(stdout);
        n = shorten(seed, steps, lived + 1);
        (void) live(seed, steps, n, true);
        printf("# %u hosts, %u proxies, limit %llu, quorum %llu%s\n", sim.hosts,
            sim.proxies, (unsigned long long) sim.e.migration_limit,
            (unsigned long long) sim.e.failure_quorum,
            sim.announce ? "" : ", none announce");
        (void) fflush(stdout);
        ck_abort_msg("seed %llu, short: %s: %s", (unsigned long long) seed,
            sim.did, sim.why);
    }

    free(steps);
}

static uint64_t first_seed;
static size_t life_steps;

START_TEST(whatever_happens_the_store_is_sound)
{
    whole_life(first_seed + (uint64_t) _i, life_steps);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sim_store");
    TCase *tc = tcase_create("lives");
    bool slow = getenv("UM_TEST_SLOW") != NULL;
    int lives = slow ? LIVES_SLOW : LIVES;

    life_steps = slow ? STEPS_SLOW : STEPS;
    first_seed = slow ? (uint64_t) time(NULL) : 1;
    if (getenv("UM_TEST_SEED") != NULL) {
        first_seed = number("UM_TEST_SEED", 1);
        lives = 1;
    }

    life_steps = number("UM_TEST_STEPS", life_steps);
    lives = (int) number("UM_TEST_LIVES", (uint64_t) lives);
    printf("# seeds %llu to %llu, %zu steps each\n",
        (unsigned long long) first_seed,
        (unsigned long long) first_seed + (unsigned) lives - 1, life_steps);
    (void) fflush(stdout);

    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, whatever_happens_the_store_is_sound, 0, lives);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
