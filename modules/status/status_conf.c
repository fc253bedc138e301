/* SPDX-License-Identifier: Apache-2.0 */

#include "status_conf.h"

#include <string.h>

#include "core/um_pool.h"
#include "core/um_str.h"

static const um_bounds_t conf_connections = { .min = 4, .max = 10000 };
static const um_bounds_t conf_time = { .min = 100, .max = 3600000 };

const um_directive_t status_directives[] = {
    {
        .name = "listen",
        .args = "ADDRESS...",
        .min = 1,
        .max = 16,
        .flags = UM_DIR_MULTI,
        .set = um_set_addrs,
        .offset = offsetof(status_conf_t, listen),
        .dflt = "127.0.0.1:5298",
        .doc = "Where it answers: host:port, [IPv6]:port or unix:/path. What "
               "it tells is not secret, but nobody else's business either: "
               "outside of this machine use allow, too.",
    },
    {
        .name = "allow",
        .args = "ADDRESS | NETWORK | unix...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_set_cidrs,
        .offset = offsetof(status_conf_t, allow),
        .doc = "Who may ask; others are answered with 403. Without it "
               "everybody who can reach the address.",
    },
    {
        .name = "per_worker",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(status_conf_t, per_worker),
        .dflt = "on",
        .doc = "Whether /metrics tells the numbers of each worker beside their "
               "sums. The two have different names, so that nothing is counted "
               "twice.",
    },
    {
        .name = "turn_limit",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(status_conf_t, turn_limit),
        .post = &conf_time,
        .dflt = "3s",
        .doc = "A worker, or the master, whose loop has not turned for so long "
               "does not count for /healthz and /readyz.",
    },
    {
        .name = "max_connections",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(status_conf_t, max_connections),
        .post = &conf_connections,
        .dflt = "100",
        .doc = "Connections at once. When they are used up the one idle for "
               "longest, or a silent one, is closed; where none is, new ones "
               "wait.",
    },
    {
        .name = "request_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(status_conf_t, request_timeout),
        .post = &conf_time,
        .dflt = "10s",
        .doc = "How long a request may take to come in, and an answer to be "
               "read.",
    },
    {
        .name = "idle_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(status_conf_t, idle_timeout),
        .post = &conf_time,
        .dflt = "75s",
        .doc = "How long a connection may be idle between two requests.",
    },
    { .name = NULL },
};

const char *
status_conf_check(um_conf_cx_t *cx, void *conf)
{
    const status_conf_t *st = conf;

    if (st->listen_count > 16) {
        return "has more than 16 addresses to listen on";
    }

    return um_conf_check_ports(cx, "listen", st->listen, st->listen_count);
}

const um_addr_t *
status_conf_listen(const void *conf, uint32_t i)
{
    const status_conf_t *st = conf;

    return i < st->listen_count ? &st->listen[i] : NULL;
}
