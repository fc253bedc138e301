/*
 * um_master.h -- the master process: it reads the configuration, owns the
 * listening sockets and the noticeboard, and keeps the others alive.
 *
 * It runs no event loop and never touches a client's bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MASTER_H
#define UM_MASTER_H

#include "master/um_cycle.h"

/*
 * Life of the master, from reading the configuration to the end of the last
 * child; goes to the background when told so.  The exit code of the program.
 * Everything the options name must stay.
 */
int um_master_run(const um_conf_options_t *o, const um_worker_def_t *def);

#endif /* UM_MASTER_H */
