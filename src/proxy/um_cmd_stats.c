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
