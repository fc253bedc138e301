/*
 * um_lin_check.c -- is what clients saw linearizable?
 *
 *   um_lin_check [-v] [-m MS] [-u PERCENT] LOG
 *   um_lin_check -s SEED [-c CLASSES] [-n GROUPS] [-d DEFECT]
 *
 *   -v  the verdict of each group
 *   -m  clocks may be so far apart (100 ms)
 *   -u  so many of the groups may stay undecided (2 %)
 *   -s  write the log of a simulated store instead
 *
 * Ends with 0: yes, 1: no, 2: cannot be read, 4: too much is undecided.  The
 * log is described in docs/testing.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_gen.h"
#include "lin_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Of many that are not linearizable, so many are told in full. */
#define TOLD 3

typedef struct {
    const char *classes, *defect;
    unsigned long seed, groups;
    double undecided;
    bool simulate, verbose;
} option_t;

static int
usage(void)
{
    fprintf(stderr, "usage: um_lin_check [-v] [-m MS] [-u PERCENT] LOG\n"
                    "       um_lin_check -s SEED [-c CLASSES] [-n GROUPS] "
                    "[-d DEFECT]\n");
    return 2;
}

static int
simulate(const option_t *o)
{
    lin_sim_conf_t conf = { .clients = 6, .ops = 150, .unknown = 5 };
    size_t classes = strlen(o->classes);
    lin_sim_t sim;

    while (conf.defect < SIM_DEFECTS
           && strcmp(o->defect, lin_defects[conf.defect]) != 0)
    {
        conf.defect++;
    }
    if (conf.defect == SIM_DEFECTS) {
        return usage();
    }

    printf("# simulated, seed %lu, defect %s\n", o->seed, o->defect);
    for (unsigned i = 0; i < o->groups; i++) {
        conf.seed = o->seed * 1000003 + i;
        conf.class = o->classes[i % classes];
        lin_sim(&sim, &conf);
        lin_sim_print(&sim, i);
        lin_sim_free(&sim);
    }
    return 0;
}

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int
check(const option_t *o, const char *path)
{
    static const char *const word[] = { "yes", "no", "undecided" };
    unsigned n[3] = { 0 };
    double begin = seconds();
    lin_log_t log;
    const char *wrong = lin_log_read(&log, path);

    if (wrong != NULL) {
        fprintf(stderr, "um_lin_check: %s: %s\n", path, wrong);
        return 2;
    }

    for (uint32_t i = 0; i < log.n; i++) {
        const lin_hist_t *h = &log.hist[i];
        lin_why_t why = { 0 };
        lin_verdict_t v = lin_judge(h, &why);

        if (v == LIN_NO && n[v] < TOLD) {
            lin_tell(h, &why);
        }
        if (o->verbose || v == LIN_UNDECIDED) {
            printf("verdict %.*s %s\n", (int) h->group.len, h->group.data,
                word[v]);
        }
        n[v]++;
    }

    printf("%zu operations, %zu unknown, %u groups: %u linearizable, "
           "%u not, %u undecided, %.1f s\n",
        log.ops, log.open, log.n, n[LIN_YES], n[LIN_NO], n[LIN_UNDECIDED],
        seconds() - begin);
    lin_log_free(&log);
    if (n[LIN_NO] > 0) {
        return 1;
    }
    return n[LIN_UNDECIDED] * 100.0 > o->undecided * log.n ? 4 : 0;
}

int
main(int argc, char **argv)
{
    option_t o = {
        .classes = LIN_CLASSES, .defect = "sound", .groups = 80, .undecided = 2
    };
    int c;

    while ((c = getopt(argc, argv, "vm:u:s:c:n:d:")) != -1) {
        switch (c) {
        case 'v':
            o.verbose = true;
            break;
        case 'm':
            lin_margin = strtol(optarg, NULL, 10) * 1000000;
            break;
        case 'u':
            o.undecided = strtod(optarg, NULL);
            break;
        case 's':
            o.seed = strtoul(optarg, NULL, 10);
            o.simulate = true;
            break;
        case 'c':
            o.classes = optarg;
            break;
        case 'n':
            o.groups = strtoul(optarg, NULL, 10);
            break;
        case 'd':
            o.defect = optarg;
            break;
        default:
            return usage();
        }
    }

    if (o.simulate && *o.classes != '\0') {
        return simulate(&o);
    }
    return argc - optind == 1 ? check(&o, argv[optind]) : usage();
}
