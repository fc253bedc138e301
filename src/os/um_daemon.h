/*
 * um_daemon.h -- go to the background, and say when we are ready.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_DAEMON_H
#define UM_DAEMON_H

#include "core/um_base.h"

/*
 * Fork into the background.  The caller goes on as the child, in a session of
 * its own, without a terminal; `*ready` is to be given to um_daemon_ready().
 * The parent waits: it exits with 0 when the child is ready, with 1 when it
 * ends before.  UM_ERR: logged, nothing has changed.
 */
UM_MUSTCHECK um_rc_t um_daemon_start(int *ready);

/*
 * We serve.  Lets the waiting parent go (`*ready` becomes -1; may be -1) and
 * gives up standard input and output; standard error too unless `keep_stderr`.
 */
void um_daemon_ready(int *ready, bool keep_stderr);

/*
 * Tell the service manager, when there is one (NOTIFY_SOCKET): "READY=1",
 * "STOPPING=1".
 */
void um_daemon_notify(const char *state);

#endif /* UM_DAEMON_H */
