/*
 * um_fds.h -- how the descriptors of a worker are dealt out.
 *
 * A connection of a client takes one, a client that blocks two.  What the
 * limit of the process does not allow is refused at the door, so that there
 * is always one for the connections that all clients share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_FDS_H
#define UM_FDS_H

#include "proxy/um_proxy_conf.h"

typedef struct {
    uint64_t limit;               /* of open files; UINT64_MAX: not known */
    uint32_t clients;             /* of one worker                        */
    uint32_t private_connections; /* likewise                             */
} um_fds_t;

/* What one worker needs when all clients come to it and all private
 * connections are used.  `rows`: of the noticeboard, each with an inbox. */
uint64_t um_fds_wanted(const um_proxy_conf_t *conf, uint32_t rows);

/*
 * Deal out `limit` descriptors.  UM_OK: there is enough for what the
 * configuration says.  UM_DECLINED: `fds` says for how much less.  UM_ERR: too
 * few to serve anybody.
 */
UM_MUSTCHECK um_rc_t um_fds_share(
    const um_proxy_conf_t *conf, uint32_t rows, uint64_t limit, um_fds_t *fds);

/* The same with the limit of this process; UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_fds_of_process(
    const um_proxy_conf_t *conf, uint32_t rows, um_fds_t *fds);

/* Before workers start: will `limit` do?  Warns when it is short; UM_ERR:
 * logged, nobody could be served. */
UM_MUSTCHECK um_rc_t um_fds_check(
    const um_proxy_conf_t *conf, uint32_t rows, uint64_t limit);

#endif /* UM_FDS_H */
