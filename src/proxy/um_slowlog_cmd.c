/*
 * um_slowlog_cmd.c -- SLOWLOG in Redis' form, UMCTL SLOWLOG in the reference's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>
#include <time.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_subcmd.h"
#include "proxy/um_trace.h"
#include "proxy/um_umctl.h"
#include "resp/um_put.h"

#define SLOWLOG_DEFAULT 10

static uint32_t
slowlog_len(const um_worker_t *w)
{
    uint64_t len = atomic_load_explicit(
        &w->shm->settings->slowlog_len, memory_order_relaxed);

    return (uint32_t) um_min(len, (uint64_t) w->shm->slow->places);
}

/* How long it took, as Redis counts: not while it was blocked, nor while its
 * answer waited for those of earlier commands. */
static uint64_t
slow_total(const um_slow_t *s)
{
    return (uint64_t) s->queue_us + s->backend_us + s->reply_us;
}

static void
put_redis(um_sbuf_t *o, const um_slow_t *s)
{
    um_put_array(o, 6);
    um_put_int(o, (int64_t) s->id);
    um_put_int(o, (int64_t) (s->wall_us / 1000000));
    um_put_int(o, (int64_t) slow_total(s));
    um_trace_put_words(o, s);
    um_put_bulk(o, (um_str_t){ s->addr, strnlen(s->addr, sizeof(s->addr)) });
    um_put_bulk(o, (um_str_t){ s->name, strnlen(s->name, sizeof(s->name)) });
}

static void
put_created(um_sbuf_t *o, uint64_t wall_us)
{
    time_t sec = (time_t) (wall_us / 1000000);
    char text[32] = "";
    struct tm tm;

    if (gmtime_r(&sec, &tm) != NULL) {
        (void) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    um_put_bulkf(
        o, "created: %s.%06u000+00:00", text, (unsigned) (wall_us % 1000000));
}

/* The reference's stamps: ns since it came, 0 where it never was. */
static void
put_stamp(um_sbuf_t *o, const char *name, bool reached, uint64_t us)
{
    uint64_t ns = !reached ? 0 : us == 0 ? 1 : us * 1000;

    um_put_bulkf(o, "%s: %llu", name, (unsigned long long) ns);
}

static void
put_reference(um_sbuf_t *o, const um_slow_t *s)
{
    bool sent = s->forwarded;
    uint64_t at = s->queue_us;
    um_sbuf_t line = { 0 };

    um_put_array(o, 10);
    um_put_bulkf(o, "session_id: %llu", (unsigned long long) s->client);
    put_created(o, s->wall_us);
    put_stamp(o, "sent_to_migration_backend", false, 0);
    put_stamp(o, "sent_to_cluster", sent, 0);
    put_stamp(o, "sent_to_queue", sent, 0);
    put_stamp(o, "queue_received", sent, at);
    put_stamp(o, "sent_to_backend", sent, at);
    at += (uint64_t) s->backend_us + s->blocked_us;
    put_stamp(o, "received_from_backend", sent, at);
    at += (uint64_t) s->reply_us + s->order_us;
    put_stamp(o, "wait_done", true, at);

    um_sbuf_addz(&line, "command: ");
    um_trace_put_line(&line, s);
    o->failed |= line.failed;
    um_put_bulk(o, (um_str_t){ line.data, line.len });
    um_sbuf_deinit(&line);
}

/* The newest first. */
static void
slowlog_answer(
    um_req_t *r, uint64_t count, void (*put)(um_sbuf_t *o, const um_slow_t *s))
{
    static um_slow_t slow;
    um_sbuf_t text = { 0 };
    uint64_t at = UINT64_MAX, n = 0;
    um_sbuf_t *o;

    while (n < count
           && um_slow_ring_next(r->w->shm->slow, slowlog_len(r->w), &at, &slow)
                  == UM_OK)
    {
        put(&text, &slow);
        n++;
    }

    o = um_req_begin(r);
    um_put_array(o, n);
    um_sbuf_add(o, text.data, text.len);
    o->failed |= text.failed;
    um_req_end(r);
    um_sbuf_deinit(&text);
}

/* ---- SLOWLOG ----------------------------------------------------------- */

static void
slowlog_get(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    int64_t count = SLOWLOG_DEFAULT;

    if (argc > 3) {
        um_req_error(r,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. "
            "Try SLOWLOG HELP.",
            um_str_fmt(argv[1]));
        return;
    }

    if (argc == 3 && (um_str_to_arg(argv[2], &count) != UM_OK || count < -1)) {
        um_req_error(r, "ERR count should be greater than or equal to -1");
        return;
    }

    slowlog_answer(r, count < 0 ? UINT64_MAX : (uint64_t) count, put_redis);
}

static void
slowlog_count(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_int(um_req_begin(r),
        um_slow_ring_count(r->w->shm->slow, slowlog_len(r->w)));
    um_req_end(r);
}

static void
slowlog_reset(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_slow_ring_reset(r->w->shm->slow);
    um_req_ok(r);
}

static void
slowlog_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean "
        "all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP "
        "and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
        NULL,
    };

    um_subcmd_help(r, "SLOWLOG", lines);
}

void
um_self_slowlog(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const um_subcmd_t subs[] = {
        { "get", slowlog_get },
        { "len", slowlog_count },
        { "reset", slowlog_reset },
        { "help", slowlog_help },
    };

    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}

/* ---- UMCTL SLOWLOG ----------------------------------------------------- */

/* The number a word begins with; without one, all. */
static uint64_t
umctl_count(um_str_t word)
{
    uint64_t n = 0;
    size_t i = 0;

    while (i < word.len && word.data[i] >= '0' && word.data[i] <= '9'
           && n < UINT32_MAX)
    {
        n = n * 10 + (uint64_t) (word.data[i++] - '0');
    }

    return i == 0 ? UINT64_MAX : n;
}

void
um_umctl_slowlog(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    if (argc < 3) {
        um_req_error(r, "Missing sub command");
    } else if (um_str_ieq(argv[2], um_lit("GET"))) {
        slowlog_answer(
            r, argc > 3 ? umctl_count(argv[3]) : UINT64_MAX, put_reference);
    } else if (um_str_ieq(argv[2], um_lit("RESET"))) {
        slowlog_reset(r, argv, argc);
    } else {
        um_req_error(r, "invalid slowlog sub-command");
    }
}
