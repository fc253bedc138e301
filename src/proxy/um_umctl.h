/*
 * um_umctl.h -- what UMCTL keeps in a worker: SETCLUSTERs under way, and the
 * wish to stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_UMCTL_H
#define UM_UMCTL_H

#include "proxy/um_worker.h"

/* NULL: logged. */
um_umctl_t *um_umctl_new(um_worker_t *w);

/* Answers what is under way with TRY_AGAIN.  The decoding jobs must have been
 * freed before.  NULL is fine. */
void um_umctl_free(um_umctl_t *u);

/*
 * UMCTL SETCLUSTER.  Decoded on a helper thread, published, and answered when
 * every living worker routes by it:
 *
 *   +OK, or +WARNING: ignored invalid config
 *   -TRY_AGAIN   not all of them within control_timeout, another writer was
 *                at it all the time, or too many SETCLUSTERs wait
 *   -OLD_EPOCH   as new a one is published, and all route by it
 *   other errors as the reference's (dataplane.md 3.4)
 *
 * One at a time per worker; others wait in order.
 */
void um_umctl_setcluster(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* um_umctl_repl.c.  SETREPL is answered when it is on the noticeboard; whether
 * the nodes are what it says, HEALTH tells. */
void um_umctl_setrepl(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_umctl_inforepl(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_umctl_beat(um_req_t *r, const um_str_t *argv, uint32_t argc);
void um_umctl_health(um_req_t *r, const um_str_t *argv, uint32_t argc);

/* UMCTL SHUTDOWN: +OK, and when that is written, the master is asked to stop
 * everything. */
void um_umctl_shutdown(um_req_t *r);

/* UMCTL SLOWLOG GET [n], RESET; um_slowlog_cmd.c. */
void um_umctl_slowlog(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_UMCTL_H */
