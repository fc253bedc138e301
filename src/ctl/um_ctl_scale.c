/*
 * um_ctl_scale.c -- cluster scale.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>

#include "core/um_str.h"
#include "ctl/um_ctl_load.h"
#include "ctl/um_ctl_wait.h"

/* A reference broker answers when the slots begin to move. */
#define SCALE_TIMEOUT 60000 /* ms */

/* Nodes whose slots have left become spare; there may be none. */
static int
release(um_ctl_t *c, const char *name)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_DELETE,
        .path = um_ctl_printf(
            c->pool, "/clusters/free_nodes/%s", um_ctl_escape(c->pool, name)),
    };
    um_ctl_said_t said;

    um_ctl_ask(c, &ask, c->pool, &said);
    return said.status == 404 ? UM_CTL_DONE : um_ctl_judge(c, &ask, &said);
}

/* All has been planned: say what happens now. */
static int
scale_told(um_ctl_t *c, const char *name, uint64_t nodes)
{
    um_ctl_info_t info;
    int status = um_ctl_load_info(c, c->pool, name, &info);

    if (status != UM_CTL_DONE) {
        return status;
    }
    if (!info.migrating) {
        return um_ctl_wait_told(
            c, name, "%s: has %" PRIu64 " nodes", name, info.nodes);
    }
    if (info.nodes > nodes) {
        return um_ctl_wait_told(c, name,
            "%s: slots leave %" PRIu64 " nodes; when they have, scale it to "
            "%" PRIu64 " again to make those spare",
            name, info.nodes - nodes, nodes);
    }
    return um_ctl_wait_told(c, name,
        "%s: has %" PRIu64 " nodes; the slots move when all proxies know them",
        name, info.nodes);
}

int
um_ctl_cluster_scale(um_ctl_t *c)
{
    const char *name = c->opts.arg[0];
    um_ctl_ask_t ask = {
        .method = UM_HTTP_POST,
        .timeout = um_max(c->opts.timeout, (uint64_t) SCALE_TIMEOUT),
    };
    um_ctl_info_t info;
    um_ctl_said_t said;
    uint64_t nodes;
    int status;

    if (um_str_to_u64(um_str_of(c->opts.arg[1]), &nodes) != UM_OK) {
        return um_ctl_fail(c, UM_CTL_USAGE, "USAGE",
            "\"%s\" is no number of nodes", c->opts.arg[1]);
    }

    ask.path = um_ctl_printf(c->pool, "/clusters/migrations/auto/%s/%" PRIu64,
        um_ctl_escape(c->pool, name), nodes);
    um_ctl_ask(c, &ask, c->pool, &said);
    status = um_ctl_judge(c, &ask, &said);
    if (status != UM_CTL_DONE) {
        return status;
    }
    if (c->opts.no_wait) {
        return scale_told(c, name, nodes);
    }

    /* What makes no sense now will not in ten minutes either. */
    status = um_ctl_load_info(c, c->pool, name, &info);
    if (status == UM_CTL_DONE) {
        status = um_ctl_wait_scaled(c, name, nodes);
    }
    if (status == UM_CTL_DONE) {
        status = release(c, name);
    }
    return status != UM_CTL_DONE ? status
                                 : um_ctl_wait_told(c, name,
                                     "%s: has %" PRIu64 " nodes", name, nodes);
}
