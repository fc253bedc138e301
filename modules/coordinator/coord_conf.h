/*
 * coord_conf.h -- the coordinator block of the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef COORD_CONF_H
#define COORD_CONF_H

#include "conf/um_conf.h"

#define COORD_BROKERS_MAX 16

typedef struct {
    um_addr_t *listen;
    uint32_t listen_count; /* behind it, as um_set_addrs() wants */
    um_addr_t *http_listen;
    uint32_t http_listen_count;
    um_cidr_t *allow;
    uint32_t allow_count; /* 0: everybody */
    uint32_t max_clients;
    uint64_t session_timeout; /* ms */

    um_addr_t *broker;
    uint32_t broker_count;
    char *broker_token; /* NULL: none */
    char *broker_user;
    char *broker_password;
    uint64_t broker_timeout; /* ms */
    char *state_file;        /* NULL: none */

    char *reporter_id; /* NULL: the first of `listen` */
    char *proxy_user;
    char *proxy_password;
    uint64_t proxy_timeout; /* ms */
    uint64_t look_timeout;  /* ms */
    uint64_t beat_interval; /* ms */
    uint64_t sync_interval; /* ms */
    bool compression;
    bool disable_failover;
    uint32_t threads; /* read, and of no effect */
} coord_conf_t;

extern const um_directive_t coord_directives[];

#define COORD_DOC                                                              \
    "The coordinator brings what the broker keeps to the proxies, finds out "  \
    "which proxy has failed, has it replaced, and tells the broker of "        \
    "migrations that are done. It keeps nothing itself; several may run side " \
    "by side. It needs module coordinator; before this block."

/* As um_module_t wants them: first `listen`, then `http_listen`. */
const char *coord_conf_check(um_conf_cx_t *cx, void *conf);
const um_addr_t *coord_conf_listen(const void *conf, uint32_t i);

/* "a:1,b:2" to at most COORD_BROKERS_MAX addresses.  How many, or 0: `*wrong`
 * says why. */
uint32_t coord_conf_brokers(um_str_t text, um_addr_t *list, const char **wrong);

#endif /* COORD_CONF_H */
