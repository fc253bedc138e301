/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_fds.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "core/um_log.h"

/* Standard streams, logs, epoll, signals, threads' wake-ups, the reserve, what
 * names are looked up with, and what modules may want. */
#define FDS_OWN 32

/* Connections that clients share, to nodes and peers: they are not known when
 * the limit is looked at. */
#define FDS_SHARED 256

/* With fewer for clients nobody is served. */
#define FDS_LEAST 8

static uint64_t
fds_own(const um_proxy_conf_t *conf, uint32_t rows)
{
    return FDS_OWN + (uint64_t) rows + conf->listen_count;
}

uint64_t
um_fds_wanted(const um_proxy_conf_t *conf, uint32_t rows)
{
    return fds_own(conf, rows) + FDS_SHARED + conf->max_clients
           + conf->private_connections;
}

um_rc_t
um_fds_share(
    const um_proxy_conf_t *conf, uint32_t rows, uint64_t limit, um_fds_t *fds)
{
    uint64_t own = fds_own(conf, rows), rest, private;

    fds->limit = limit;
    fds->clients = conf->max_clients;
    fds->private_connections = conf->private_connections;
    if (limit >= um_fds_wanted(conf, rows)) {
        return UM_OK;
    }

    if (limit < own + FDS_LEAST) {
        return UM_ERR;
    }

    /* A quarter at most is shared connections', and of what is left then a
     * quarter that of private ones, or what clients cannot use. */
    rest = limit - own;
    rest -= um_min(FDS_SHARED, rest / 4);
    private =
        um_max(rest / 4, rest - um_min(rest, (uint64_t) conf->max_clients));
    private = um_min(private, (uint64_t) conf->private_connections);
    rest = um_min(rest - private, (uint64_t) conf->max_clients);

    fds->clients = (uint32_t) rest;
    fds->private_connections = (uint32_t) private;
    return UM_DECLINED;
}

um_rc_t
um_fds_of_process(const um_proxy_conf_t *conf, uint32_t rows, um_fds_t *fds)
{
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        um_log_warn(errno, "getrlimit of descriptors failed");
    }

    if (um_fds_share(conf, rows,
            limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur, fds)
        == UM_ERR)
    {
        um_log_error(0, "descriptors: %" PRIu64 " are too few", fds->limit);
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_fds_check(const um_proxy_conf_t *conf, uint32_t rows, uint64_t limit)
{
    uint64_t wanted = um_fds_wanted(conf, rows);
    um_fds_t fds;

    switch (um_fds_share(conf, rows, limit, &fds)) {
    case UM_OK:
        return UM_OK;

    case UM_DECLINED:
        um_log_warn(0,
            "descriptors: a worker may have %" PRIu64 " and could need %" PRIu64
            " (max_clients %" PRIu32 ", private_connections %" PRIu32
            "): it serves %" PRIu32 " clients and opens %" PRIu32
            " private connections at most",
            limit, wanted, conf->max_clients, conf->private_connections,
            fds.clients, fds.private_connections);
        return UM_OK;

    default:
        um_log_error(0,
            "descriptors: a worker may have %" PRIu64
            ", which are too few to serve anybody; it could need %" PRIu64
            " and must have %" PRIu64,
            limit, wanted, fds_own(conf, rows) + FDS_LEAST);
        return UM_ERR;
    }
}
