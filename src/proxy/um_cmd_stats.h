/*
 * um_cmd_stats.h -- what commands have cost, as INFO tells it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_STATS_H
#define UM_CMD_STATS_H

#include "core/um_sbuf.h"
#include "shm/um_times.h"

/* Name the commands of um_times.h: by um_cmd_t's index, and "other" behind
 * them for those the table does not know. */
void um_cmd_stats_name(um_times_sh_t *times);

/* The lines of INFO's sections, since CONFIG RESETSTAT. */
void um_cmd_stats_calls(const um_times_sh_t *times, um_sbuf_t *o);
void um_cmd_stats_errors(const um_times_sh_t *times, um_sbuf_t *o);
void um_cmd_stats_latency(const um_times_sh_t *times, um_sbuf_t *o);

#endif /* UM_CMD_STATS_H */
