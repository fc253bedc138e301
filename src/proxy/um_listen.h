/*
 * um_listen.h -- accept clients, within limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LISTEN_H
#define UM_LISTEN_H

#include "proxy/um_worker.h"

/* Watch the listening sockets of our heritage.  NULL: logged. */
um_listen_t *um_listen_new(um_worker_t *w);

/* Accept nobody any more: close them, the master has its own. */
void um_listen_stop(um_listen_t *l);

void um_listen_free(um_listen_t *l);

#endif /* UM_LISTEN_H */
