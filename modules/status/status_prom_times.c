/* SPDX-License-Identifier: Apache-2.0 */

#include "status_prom_times.h"

#include <errno.h>
#include <stdlib.h>

#include "core/um_log.h"

/* Bounds of histograms, powers of two of a microsecond: of nodes each, of the
 * many commands every second. */
#define TIMES_FIRST        4  /* 16 us */
#define TIMES_LAST         24 /* 17 s  */
#define TIMES_STEP_NODE    1
#define TIMES_STEP_COMMAND 2

/* What the calls of a kind come to. */
static const char *const kind_names[] = {
    [UM_TIMES_OTHER] = "other",
    [UM_TIMES_READ] = "read",
    [UM_TIMES_WRITE] = "write",
};

/* The labels are said before each line and end with the last. */
static void
put_hist(prom_t *p, const um_hist_t *h, uint64_t usec, int step)
{
    for (int k = TIMES_FIRST; k <= TIMES_LAST; k += step) {
        uint64_t le = UINT64_C(1) << k;

        prom_bucket(p, le, um_hist_below(h, (uint32_t) le));
    }

    prom_bucket(p, UINT64_MAX, h->count);
    prom_sum_count(p, usec, h->count);
}

static void
put_kinds(prom_t *p, const um_times_sh_t *t)
{
    uint64_t calls[um_countof(kind_names)] = { 0 };

    for (uint32_t i = 0; i < t->commands; i++) {
        uint32_t kind = um_min(t->kind[i], um_countof(kind_names) - 1);

        calls[kind] += um_times_call(t, i, UM_TIMES_EVER).calls;
    }

    prom_family(p, "commands_by_kind_total", PROM_COUNTER,
        "Calls of commands that write data, read it, or do neither.");
    for (size_t k = 0; k < um_countof(kind_names); k++) {
        prom_label(p, "kind", kind_names[k]);
        prom_value(p, calls[k]);
    }
}

/* Commands that nobody has called are left out. */
static void
put_commands(prom_t *p, const um_times_sh_t *t)
{
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } fields[] = {
        { "command_calls_total", "Calls of a command.",
            offsetof(um_times_call_t, calls) },
        { "command_failed_total", "Calls that were answered with an error.",
            offsetof(um_times_call_t, failed) },
        { "command_rejected_total",
            "Refused before they were executed; no calls.",
            offsetof(um_times_call_t, rejected) },
    };

    for (size_t f = 0; f < um_countof(fields); f++) {
        prom_family(p, fields[f].name, PROM_COUNTER, fields[f].help);

        for (uint32_t i = 0; i < t->commands; i++) {
            um_times_call_t call = um_times_call(t, i, UM_TIMES_EVER);

            if (call.calls > 0 || call.rejected > 0) {
                prom_label(p, "command", t->command[i]);
                prom_value(p,
                    *(uint64_t *) (void *) ((char *) &call + fields[f].offset));
            }
        }
    }
}

static void
put_command_times(prom_t *p, const um_times_sh_t *t)
{
    prom_family(p, "command_duration_seconds", PROM_HISTOGRAM,
        "From a command's words to the end of its reply, without what it "
        "waited for earlier ones or was blocked.");

    for (uint32_t i = 0; i < t->commands; i++) {
        um_times_call_t call = um_times_call(t, i, UM_TIMES_EVER);

        if (call.calls > 0) {
            um_hist_t hist;

            um_times_hist(t, i, UM_TIMES_EVER, &hist);
            prom_label(p, "command", t->command[i]);
            put_hist(p, &hist, call.usec, TIMES_STEP_COMMAND);
        }
    }
}

static void
put_errors(prom_t *p, const um_times_sh_t *t)
{
    um_times_error_t error[UM_TIMES_ERRORS + 1];
    uint32_t count =
        um_times_errors(t, UM_TIMES_EVER, error, um_countof(error));

    prom_family(p, "error_replies_total", PROM_COUNTER,
        "Error replies to clients, by their first word.");
    for (uint32_t i = 0; i < count; i++) {
        prom_label(p, "error", error[i].name);
        prom_value(p, error[i].count);
    }
}

static void
put_nodes(prom_t *p, const um_times_sh_t *t)
{
    uint32_t max = UM_TIMES_NODES + 1;
    um_times_node_t *node = calloc(max, sizeof(*node));
    uint32_t count;

    prom_family(p, "node_latency_seconds", PROM_HISTOGRAM,
        "From a command's bytes on a shared connection to a local Redis or a "
        "peer to the end of its reply.");

    if (node == NULL) {
        um_log_error(ENOMEM, "metrics");
        p->out->failed = true;
        return;
    }

    count = um_times_nodes(t, node, max);
    for (uint32_t i = 0; i < count; i++) {
        prom_label(p, "node", node[i].name);
        put_hist(p, &node[i].hist, node[i].usec, TIMES_STEP_NODE);
    }

    free(node);
}

void
status_prom_times(prom_t *p, const status_view_t *v)
{
    const um_times_sh_t *t = v->shm.times;

    put_kinds(p, t);
    put_commands(p, t);
    put_command_times(p, t);
    put_errors(p, t);
    put_nodes(p, t);
}
