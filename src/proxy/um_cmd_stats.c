/*
 * um_cmd_stats.c -- see um_cmd_stats.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_cmd_stats.h"

#include "resp/um_cmd.h"

void
um_cmd_stats_name(um_times_sh_t *times)
{
    for (size_t i = 0; i < um_cmd_count(); i++) {
        const um_cmd_t *cmd = um_cmd_at(i);

        um_times_name(times, cmd->index, cmd->name);
        for (uint16_t k = 0; k < cmd->sub_count; k++) {
            um_times_name(times, cmd->subs[k].index, cmd->subs[k].name);
        }
    }

    um_times_name(times, (uint32_t) um_cmd_indices(), "other");
}
