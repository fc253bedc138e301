/*
 * um_latency_cmd.c -- LATENCY HISTOGRAM; of the monitor of events, which a
 * proxy has none of, as a Redis in which it is turned off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_cmd_stats.h"
#include "proxy/um_subcmd.h"
#include "proxy/um_trace.h"
#include "resp/um_put.h"

/* Whatever was slower than the greatest power of two is below the next. */
static uint64_t
histogram_below(const um_hist_t *h, uint32_t power)
{
    return power < UM_HIST_POWERS ? um_hist_below(h, 1u << power) : h->count;
}

/* Powers of two in us, where something was added. */
static void
put_histogram(um_sbuf_t *o, const um_hist_t *h, int proto)
{
    um_sbuf_t pairs = { 0 };
    uint64_t before = 0;
    size_t n = 0;

    for (uint32_t power = 0; power <= UM_HIST_POWERS; power++) {
        uint64_t below = histogram_below(h, power);

        if (below > before) {
            um_put_int(&pairs, (int64_t) 1 << power);
            um_put_int(&pairs, (int64_t) below);
            n++;
        }
        before = below;
    }

    um_put_map(o, 2, proto);
    um_put_bulkz(o, "calls");
    um_put_int(o, (int64_t) h->count);
    um_put_bulkz(o, "histogram_usec");
    um_put_map(o, n, proto);
    um_sbuf_add(o, pairs.data, pairs.len);
    o->failed |= pairs.failed;
    um_sbuf_deinit(&pairs);
}

/* Command `i`, if it was ever called.  How many were put. */
static size_t
put_command(um_sbuf_t *o, const um_times_sh_t *times, uint32_t i, int proto)
{
    um_hist_t hist;

    if (um_times_call(times, i, UM_TIMES_RECENT).calls == 0) {
        return 0;
    }

    um_times_hist(times, i, UM_TIMES_RECENT, &hist);
    um_put_bulkz(o, times->command[i]);
    put_histogram(o, &hist, proto);
    return 1;
}

/* With those under it; but a subcommand alone. */
static size_t
put_named(
    um_sbuf_t *o, const um_times_sh_t *times, const um_cmd_t *cmd, int proto)
{
    size_t n = put_command(o, times, cmd->index, proto);

    for (uint16_t k = 0; k < cmd->sub_count; k++) {
        n += put_command(o, times, cmd->subs[k].index, proto);
    }

    return n;
}

static void
latency_histogram(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    const um_times_sh_t *times = r->w->shm->times;
    int proto = r->client->st.proto;
    um_sbuf_t text = { 0 };
    size_t n = 0;
    um_sbuf_t *o;

    um_trace_flush(r->w);
    for (uint32_t i = 2; i < argc; i++) {
        const um_cmd_t *cmd = um_cmd_find_name(argv[i]);

        if (cmd != NULL) {
            n += put_named(&text, times, cmd, proto);
        }
    }
    for (uint32_t i = 0; argc == 2 && i < times->commands; i++) {
        n += put_command(&text, times, i, proto);
    }

    o = um_req_begin(r);
    um_put_map(o, n, proto);
    um_sbuf_add(o, text.data, text.len);
    o->failed |= text.failed;
    um_req_end(r);
    um_sbuf_deinit(&text);
}

/* ---- the monitor ------------------------------------------------------- */

static void
latency_doctor(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char text[] =
        "Events are not monitored in this proxy, so there is nothing to "
        "diagnose.  LATENCY HISTOGRAM and INFO latencystats tell how long "
        "commands take, SLOWLOG which ones took long.\n";

    um_put_text(um_req_begin(r), (um_str_t){ text, sizeof(text) - 1 },
        r->client->st.proto);
    um_req_end(r);
}

static void
latency_nothing(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_array(um_req_begin(r), 0);
    um_req_end(r);
}

static void
latency_graph(um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_req_error(r, "ERR No samples available for event '%.*s'",
        (int) um_min(argv[2].len, (size_t) 128), argv[2].data);
}

static void
latency_reset(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_int(um_req_begin(r), 0);
    um_req_end(r);
}

static void
latency_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a "
        "histogram for the specified command names.",
        "    If no commands are specified then all histograms are replied.",
        NULL,
    };

    um_subcmd_help(r, "LATENCY", lines);
}

void
um_self_latency(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const um_subcmd_t subs[] = {
        { "histogram", latency_histogram },
        { "doctor", latency_doctor },
        { "latest", latency_nothing },
        { "history", latency_nothing },
        { "graph", latency_graph },
        { "reset", latency_reset },
        { "help", latency_help },
    };

    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}
