/*
 * um_lin_load.c -- cluster clients that write down what they see.
 *
 *   um_lin_load -o LOG [options] ADDRESS...
 *
 *   -n CLIENTS   48     -g GROUPS  of each class, 12   -c CLASSES  rnlhsamxx
 *   -d SECONDS   until SIGTERM                          -s SEED    1
 *   -r RATE      operations a second, as many as possible
 *   -t MS        2500   without an answer: unknown
 *   -f NUMBER    of the first groups, 0: others than in an earlier run
 *
 * When the time is over, or at SIGTERM, all keys are read a last time.  Each
 * quarter of a second a line says how far it is.  What each client does
 * follows from the seed; how it meets the others does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MSEC   INT64_C(1000000)
#define SEC    (1000 * MSEC)
#define TELL   (250 * MSEC)
#define EVENTS 256

static volatile sig_atomic_t asked_to_end;

typedef struct {
    const char *log, *classes;
    unsigned clients, groups, first;
    uint64_t seed;
    double seconds, rate;
    int64_t timeout;
} option_t;

static void
on_term(int number)
{
    (void) number;
    asked_to_end = 1;
}

static int
usage(void)
{
    fprintf(stderr,
        "usage: um_lin_load -o LOG [-n CLIENTS] [-g GROUPS] [-c CLASSES] "
        "[-d SECONDS]\n"
        "       [-s SEED] [-r RATE] [-t MS] [-f NUMBER] ADDRESS...\n");
    return 2;
}

static bool
options(option_t *o, int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "o:n:g:c:d:s:r:t:f:")) != -1) {
        switch (c) {
        case 'o':
            o->log = optarg;
            break;
        case 'n':
            o->clients = (unsigned) strtoul(optarg, NULL, 10);
            break;
        case 'g':
            o->groups = (unsigned) strtoul(optarg, NULL, 10);
            break;
        case 'c':
            o->classes = optarg;
            break;
        case 'd':
            o->seconds = strtod(optarg, NULL);
            break;
        case 's':
            o->seed = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            o->rate = strtod(optarg, NULL);
            break;
        case 't':
            o->timeout = strtol(optarg, NULL, 10) * MSEC;
            break;
        case 'f':
            o->first = (unsigned) strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return o->log != NULL && optind < argc && o->clients > 0 && o->groups > 0
           && o->classes[strspn(o->classes, LIN_CLASSES)] == '\0'
           && *o->classes != '\0';
}

static void
init(load_t *l, const option_t *o)
{
    memset(l, 0, sizeof(*l));
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->timeout = o->timeout;
    l->patience = 20 * SEC;
    l->clients = o->clients;
    l->client = lin_alloc(NULL, (o->clients + 1) * sizeof(*l->client));
    memset(l->client, 0, (o->clients + 1) * sizeof(*l->client));
    memset(l->owner, 0xff, sizeof(l->owner));
    load_groups_init(&l->groups, o->classes, o->groups, o->first);
    for (unsigned i = 0; i <= o->clients; i++) {
        load_client_t *c = &l->client[i];

        c->id = i;
        c->gen.client = i;
        c->gen.seed = lin_mix(o->seed * 65537 + i);
        for (unsigned k = 0; k < LOAD_NODES; k++) {
            c->conn[k].fd = -1;
        }
    }
}

static void
tell(const load_t *l, int64_t begin)
{
    printf("at %lld ms: ops %lu unknown %lu retried %lu given-up %lu "
           "old %u half0 %lu half1 %lu\n",
        (long long) ((l->now - begin) / MSEC), l->ops, l->unknown, l->retried,
        l->given_up, l->groups.olds, l->half[0], l->half[1]);
    fflush(stdout);
}

/* Who has time begins an operation, who waited for long enough goes on.  Gives
 * the time at which there is more to do. */
static int64_t
turn(load_t *l, unsigned long allowed)
{
    int64_t next = l->now + TELL;
    static unsigned from;

    from++;
    for (unsigned i = 0; i <= l->clients; i++) {
        load_client_t *c = &l->client[(i + from) % (l->clients + 1)];

        if (c->state == LOAD_IDLE) {
            if (load_is_scout(l, c) || l->ending) {
                load_begin(l, c);
            } else if (allowed > 0) {
                load_begin(l, c);
                allowed -= c->state != LOAD_IDLE;
            }
        } else if (c->until <= l->now) {
            load_due(l, c);
        }
        if (c->state != LOAD_IDLE && c->until < next) {
            next = c->until;
        }
    }
    return next;
}

/* So many more of the rate may begin now. */
static unsigned long
allowed(const load_t *l, const option_t *o, int64_t begin)
{
    double begun = (double) (l->ops + l->unknown);
    double due = o->rate * (double) (l->now - begin) / 1e9;

    if (o->rate <= 0) {
        return l->clients;
    }
    return due > begun ? (unsigned long) (due - begun) : 0;
}

static bool
is_quiet(const load_t *l)
{
    for (unsigned i = 0; i < l->clients; i++) {
        if (l->client[i].state != LOAD_IDLE) {
            return false;
        }
    }
    return true;
}

static void
run(load_t *l, const option_t *o)
{
    struct epoll_event e[EVENTS];
    int64_t begin = load_clock(), told = begin;
    bool stopping = false;

    l->now = begin;
    while (!l->read_all || !is_quiet(l)) {
        int64_t next = turn(l, stopping ? 0 : allowed(l, o, begin));
        int64_t wait = next - l->now;
        int n;

        wait = o->rate > 0 && !stopping && wait > MSEC ? MSEC : wait;
        n = epoll_wait(
            l->epoll, e, EVENTS, wait <= 0 ? 0 : (int) (wait / MSEC) + 1);
        l->now = load_clock();
        for (int i = 0; i < n; i++) {
            load_event(l, &l->client[e[i].data.u64 >> 8],
                (unsigned) (e[i].data.u64 & 0xff), e[i].events);
        }

        stopping |=
            asked_to_end
            || (o->seconds > 0 && (double) (l->now - begin) / 1e9 > o->seconds);
        l->ending |= stopping && is_quiet(l);
        if (l->now - told > TELL) {
            tell(l, begin);
            told = l->now;
        }
    }
    tell(l, begin);
}

int
main(int argc, char **argv)
{
    option_t o = { .classes = LIN_CLASSES "x",
        .clients = 48,
        .groups = 12,
        .seed = 1,
        .timeout = 2500 * MSEC };
    static load_t l;

    if (!options(&o, argc, argv)) {
        return usage();
    }
    signal(SIGTERM, on_term);
    signal(SIGPIPE, SIG_IGN);
    init(&l, &o);
    for (int i = optind; i < argc; i++) {
        if (load_node(&l, argv[i]) == LOAD_NODES) {
            return usage();
        }
    }
    l.log = fopen(o.log, "w");
    if (l.log == NULL || l.epoll < 0) {
        fprintf(stderr, "um_lin_load: %s: %s\n", o.log, strerror(errno));
        return 3;
    }

    fprintf(l.log, "# um_lin_load, seed %llu\n", (unsigned long long) o.seed);
    run(&l, &o);
    if (fclose(l.log) != 0) {
        fprintf(stderr, "um_lin_load: %s: %s\n", o.log, strerror(errno));
        return 3;
    }
    printf("end: ops %lu unknown %lu given-up %lu\n", l.ops, l.unknown,
        l.given_up);
    load_groups_free(&l.groups);
    return 0;
}
