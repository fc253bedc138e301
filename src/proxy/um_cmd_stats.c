/*
 * um_cmd_stats.c -- see um_cmd_stats.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_cmd_stats.h"

#include "resp/um_cmd.h"

static um_times_kind_t
cmd_kind(const um_cmd_t *cmd)
{
    if (cmd->flags & UM_CMD_WRITE) {
        return UM_TIMES_WRITE;
    }

    return cmd->flags & UM_CMD_READONLY ? UM_TIMES_READ : UM_TIMES_OTHER;
}

void
um_cmd_stats_name(um_times_sh_t *times)
{
    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);

        um_times_name(times, cmd->index, cmd->name, cmd_kind(cmd));
        for (uint16_t k = 0; k < cmd->sub_count; k++) {
            const um_cmd_t *sub = &cmd->subs[k];

            um_times_name(times, sub->index, sub->name, cmd_kind(sub));
        }
    }

    um_times_name(times, (uint32_t) um_cmd_indices(), "other", UM_TIMES_OTHER);
}

void
um_cmd_stats_calls(const um_times_sh_t *times, um_sbuf_t *o)
{
    for (uint32_t i = 0; i < times->commands; i++) {
        um_times_call_t c = um_times_call(times, i, UM_TIMES_RECENT);

        if (c.calls + c.rejected == 0) {
            continue;
        }

        um_sbuf_addf(o,
            "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,"
            "rejected_calls=%llu,failed_calls=%llu\r\n",
            times->command[i], (unsigned long long) c.calls,
            (unsigned long long) c.usec,
            c.calls == 0 ? 0 : (double) c.usec / (double) c.calls,
            (unsigned long long) c.rejected, (unsigned long long) c.failed);
    }
}

void
um_cmd_stats_errors(const um_times_sh_t *times, um_sbuf_t *o)
{
    um_times_error_t error[UM_TIMES_ERRORS + 1];
    uint32_t count =
        um_times_errors(times, UM_TIMES_RECENT, error, um_countof(error));

    for (uint32_t i = 0; i < count; i++) {
        if (error[i].count > 0) {
            um_sbuf_addf(o, "errorstat_%s:count=%llu\r\n", error[i].name,
                (unsigned long long) error[i].count);
        }
    }
}

void
um_cmd_stats_latency(const um_times_sh_t *times, um_sbuf_t *o)
{
    um_hist_t h;

    for (uint32_t i = 0; i < times->commands; i++) {
        if (um_times_call(times, i, UM_TIMES_RECENT).calls == 0) {
            continue;
        }

        um_times_hist(times, i, UM_TIMES_RECENT, &h);
        um_sbuf_addf(o,
            "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f\r\n",
            times->command[i], um_hist_percentile(&h, 0.5),
            um_hist_percentile(&h, 0.99), um_hist_percentile(&h, 0.999));
    }
}
