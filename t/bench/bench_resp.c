/*
 * bench_resp.c -- what the protocol costs per command: find a request, find
 * its command and keys, and find the end of a reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "resp/um_cmd.h"
#include "resp/um_put.h"
#include "resp/um_reply_scan.h"
#include "resp/um_scan.h"
#include "um_bench.h"

#define COPIES 64 /* with other keys, so that no branch learns one by heart */

typedef struct {
    const char *what;
    const char *words; /* #: a number that differs */
} call_t;

typedef struct {
    um_sbuf_t bytes[COPIES];
    um_args_t args[COPIES];
    um_args_t scratch;
    um_keys_t keys;
} ctx_t;

static const um_scan_limits_t limits = {
    .max_args = 1048576,
    .max_bulk = 512u << 20,
    .max_inline = 65536,
};

static uint64_t
scan_requests(void *data, uint64_t n)
{
    ctx_t *c = data;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const um_sbuf_t *b = &c->bytes[i % COPIES];
        um_scan_t s = { .pos = 0 };
        const char *err;
        size_t used = 0;

        if (um_scan_request(
                &s, &limits, b->data, b->len, &c->scratch, &used, &err)
            != UM_OK)
        {
            abort();
        }

        sum += used + c->scratch.argc;
    }

    return sum;
}

/* The first half of the bytes, then all: as if a read had ended midway. */
static uint64_t
scan_halves(void *data, uint64_t n)
{
    ctx_t *c = data;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const um_sbuf_t *b = &c->bytes[i % COPIES];
        um_scan_t s = { .pos = 0 };
        const char *err;
        size_t used = 0;

        if (um_scan_request(
                &s, &limits, b->data, b->len / 2, &c->scratch, &used, &err)
                != UM_AGAIN
            || um_scan_request(
                   &s, &limits, b->data, b->len, &c->scratch, &used, &err)
                   != UM_OK)
        {
            abort();
        }

        sum += used + c->scratch.argc;
    }

    return sum;
}

static uint64_t
find_commands(void *data, uint64_t n)
{
    ctx_t *c = data;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const um_args_t *a = &c->args[i % COPIES];

        sum += um_cmd_find(a->argv, a->argc)->index;
    }

    return sum;
}

static uint64_t
find_keys(void *data, uint64_t n)
{
    ctx_t *c = data;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        const um_args_t *a = &c->args[i % COPIES];
        const um_cmd_t *cmd = um_cmd_find(a->argv, a->argc);

        if (um_cmd_keys(cmd, a->argv, a->argc, &c->keys) != UM_OK) {
            abort();
        }

        sum += c->keys.key[c->keys.count - 1].pos;
    }

    return sum;
}

/* The same call with COPIES numbers, as bytes and as words. */
static void
calls_make(ctx_t *c, const char *format)
{
    for (int i = 0; i < COPIES; i++) {
        um_sbuf_t line = { .data = NULL };
        um_scan_t s = { .pos = 0 };
        um_args_t words;
        const char *err;
        size_t used;

        for (const char *p = format; *p != '\0'; p++) {
            if (*p == '#') {
                um_sbuf_addf(&line, "%012d", i * 7919);
            } else {
                um_sbuf_add(&line, p, 1);
            }
        }

        um_sbuf_add(&line, "\n", 1);
        um_args_init(&words);
        um_sbuf_clear(&c->bytes[i]);
        if (um_scan_request(
                &s, &limits, line.data, line.len, &words, &used, &err)
            != UM_OK)
        {
            abort();
        }

        um_put_args(&c->bytes[i], words.argv, words.argc);
        um_args_deinit(&words);
        um_sbuf_deinit(&line);

        if (um_scan_request(&s, &limits, c->bytes[i].data, c->bytes[i].len,
                &c->args[i], &used, &err)
            != UM_OK)
        {
            abort();
        }
    }
}

static uint64_t
scan_replies(void *data, uint64_t n)
{
    const um_str_t *reply = data;
    um_reply_scan_t s = { .type = 0 };
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        size_t used = 0;

        if (um_reply_scan(&s, reply->data, reply->len, &used) != UM_OK) {
            abort();
        }

        sum += used;
    }

    return sum;
}

static void
bench_calls(ctx_t *c)
{
    static const call_t calls[] = {
        { "GET", "GET key:#" },
        { "SET of 64 bytes", "SET key:# xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
        { "MGET of 10", "MGET k:# k:# k:# k:# k:# k:# k:# k:# k:# k:#" },
        { "ZUNIONSTORE of 2", "ZUNIONSTORE d:# 2 k:# k:# WEIGHTS 1 2" },
        { "GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER k:# m 1 km STORE d:#" },
    };
    char what[64];

    for (size_t i = 0; i < um_countof(calls); i++) {
        calls_make(c, calls[i].words);
        snprintf(what, sizeof(what), "request: %s", calls[i].what);
        um_bench_run(what, scan_requests, c);
        snprintf(what, sizeof(what), "request: %s in two reads", calls[i].what);
        um_bench_run(what, scan_halves, c);
        snprintf(what, sizeof(what), "command: %s", calls[i].what);
        um_bench_run(what, find_commands, c);
        snprintf(what, sizeof(what), "command and keys: %s", calls[i].what);
        um_bench_run(what, find_keys, c);
    }
}

int
main(void)
{
    static ctx_t ctx;
    um_str_t ok = um_lit("+OK\r\n"), number = um_lit(":12345\r\n");
    um_sbuf_t bulk = { .data = NULL }, array = { .data = NULL };
    um_str_t text;

    bench_calls(&ctx);

    um_bench_run("reply: +OK", scan_replies, &ok);
    um_bench_run("reply: a number", scan_replies, &number);

    um_put_bulkf(&bulk, "%064d", 7);
    text = (um_str_t){ bulk.data, bulk.len };
    um_bench_run("reply: a bulk of 64 bytes", scan_replies, &text);

    um_put_array(&array, 100);
    for (int i = 0; i < 100; i++) {
        um_put_bulkf(&array, "%064d", i);
    }

    text = (um_str_t){ array.data, array.len };
    um_bench_run("reply: an array of 100 of them", scan_replies, &text);

    for (int i = 0; i < COPIES; i++) {
        um_sbuf_deinit(&ctx.bytes[i]);
        um_args_deinit(&ctx.args[i]);
    }

    um_args_deinit(&ctx.scratch);
    um_keys_deinit(&ctx.keys);
    um_sbuf_deinit(&bulk);
    um_sbuf_deinit(&array);
    return EXIT_SUCCESS;
}
