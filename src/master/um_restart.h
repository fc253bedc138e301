/*
 * um_restart.h -- what of a new configuration counts only after a restart.
 *
 * The master keeps what it started with readable for `undermoond -t`, as the
 * text of -T in a memfd: no file, and only for who may look into the master.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_RESTART_H
#define UM_RESTART_H

#include <sys/types.h>

#include "conf/um_conf.h"

/* Log what differs between the two and counts only after a restart. */
void um_restart_tell(const um_conf_t *now, const um_conf_t *next);

/* In the master: keep `conf` readable for our whole life.  A descriptor, or
 * -1: logged, and nobody will be told. */
int um_restart_keep(const um_conf_t *conf);

/*
 * In another process: what the master `pid` started with, read with the
 * blocks and modules of `o`.  NULL: it cannot be read; logged if that is
 * strange.
 */
UM_MUSTCHECK um_conf_t *um_restart_load(pid_t pid, const um_conf_options_t *o);

#endif /* UM_RESTART_H */
