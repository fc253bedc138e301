/*
 * bench_route.c -- from the words of a command to where it goes: what each
 * command costs between the scanner and the backend's queue.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_route.h"

#include "um_bench.h"

#define COMMANDS 256 /* several, so that no branch learns one by heart */
#define LOCALS   2   /* our nodes; a peer has the last third of the slots */

typedef struct {
    um_topo_t *topo;
    um_str_t argv[COMMANDS][12];
    char text[COMMANDS][12][32];
    uint32_t argc;
    um_keys_t keys;
    uint16_t slot[COMMANDS];
} stage_t;

static const um_route_conf_t conf = { .active = true };

static void
topo_make(um_topo_t *t)
{
    um_topo_clear(t);
    t->epoch = 1;
    t->cluster[0] = 'b';
    t->local_count = LOCALS;
    t->addr_count = LOCALS + 1;

    for (uint32_t i = 0; i < UM_SLOTS; i++) {
        t->owner[i] = (uint16_t) (i * (LOCALS + 1) / UM_SLOTS);
    }
}

/* `name` and as many words as asked for; the first is a key of its own. */
static void
commands_make(stage_t *s, const char *name, uint32_t argc)
{
    s->argc = argc;

    for (int i = 0; i < COMMANDS; i++) {
        for (uint32_t j = 0; j < argc; j++) {
            char *text = s->text[i][j];
            int len = j == 0 ? snprintf(text, sizeof(s->text[i][j]), "%s", name)
                             : snprintf(text, sizeof(s->text[i][j]),
                                 "{%06d}:%08u", i * 7919, j);

            s->argv[i][j] = (um_str_t){ text, (size_t) len };
        }

        if (argc > 1) {
            s->slot[i] = um_slot_of(s->argv[i][1]);
        }
    }
}

static uint64_t
route_by_slot(void *ctx, uint64_t n)
{
    const stage_t *s = ctx;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        um_verdict_t v = um_route(s->topo, s->slot[i % COMMANDS], 0, &conf);

        sum += v.addr + (unsigned) v.go;
    }

    return sum;
}

static uint64_t
command_find(void *ctx, uint64_t n)
{
    const stage_t *s = ctx;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        sum += um_cmd_find(s->argv[i % COMMANDS], s->argc)->index;
    }

    return sum;
}

/* All of it: which command, which keys, which slot, which node. */
static uint64_t
command_route(void *ctx, uint64_t n)
{
    stage_t *s = ctx;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const um_str_t *argv = s->argv[i % COMMANDS];
        const um_cmd_t *cmd = um_cmd_find(argv, s->argc);
        um_verdict_t v;
        uint16_t slot;

        if (!um_cmd_arity_ok(cmd, s->argc)
            || um_cmd_keys(cmd, argv, s->argc, &s->keys) != UM_OK
            || um_route_slot(argv, &s->keys, &slot) != UM_OK)
        {
            abort();
        }

        v = um_route(s->topo, slot, 0, &conf);
        sum += v.addr + (unsigned) v.go;
    }

    return sum;
}

int
main(void)
{
    static stage_t s;

    s.topo = malloc(sizeof(*s.topo));
    if (s.topo == NULL) {
        return EXIT_FAILURE;
    }

    topo_make(s.topo);

    commands_make(&s, "GET", 2);
    um_bench_run("route: by a known slot", route_by_slot, &s);
    um_bench_run("route: find GET in the command table", command_find, &s);
    um_bench_run("route: GET, from words to node", command_route, &s);
    commands_make(&s, "SET", 3);
    um_bench_run("route: SET, from words to node", command_route, &s);
    commands_make(&s, "ZRANGEBYSCORE", 4);
    um_bench_run("route: ZRANGEBYSCORE, from words to node", command_route, &s);
    commands_make(&s, "MGET", 11);
    um_bench_run("route: MGET of 10 keys, one slot", command_route, &s);

    um_keys_deinit(&s.keys);
    free(s.topo);
    return EXIT_SUCCESS;
}
