/*
 * broker_conf.h -- the broker block of the configuration.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_CONF_H
#define BROKER_CONF_H

#include "conf/um_conf.h"

typedef struct {
    um_addr_t *listen;
    uint32_t listen_count; /* behind it, as um_set_addrs() wants */
    um_cidr_t *allow;
    uint32_t allow_count; /* 0: everybody */
    uint32_t max_connections;
    uint64_t request_timeout; /* ms */
    uint64_t idle_timeout;    /* ms */
    uint64_t body_limit;      /* bytes, all but PUT metadata */
    uint64_t metadata_limit;  /* bytes of PUT metadata       */

    char *write_token; /* NULL: no bearer may write */
    char *write_user;  /* NULL: nobody by name      */
    char *write_password;
    um_cidr_t *write_allow;
    uint32_t write_allow_count; /* 0: nobody by where he is */

    char *file; /* NULL: in memory only */
    bool recover;
    uint32_t update_interval; /* read, and of no effect */

    um_addr_t *external; /* NULL: there is no external store */
    char *external_name;
    char *external_password;
    uint64_t storage_timeout;  /* ms */
    uint64_t refresh_interval; /* ms */

    um_addr_t *replicas;
    uint32_t replicas_count; /* behind it, as above  */
    uint64_t sync_interval;  /* ms; 0: never         */
    char *replica_token;     /* NULL: none is said   */

    uint64_t failure_ttl; /* ms */
    uint64_t failure_quorum;
    uint64_t migration_limit;
    bool ordered;
    uint64_t scaling_timeout;  /* ms */
    uint64_t recovery_timeout; /* ms */
    uint64_t view_memory;      /* bytes */

    /* What a new cluster starts with; units as in the reference. */
    int32_t compression;
    uint64_t max_migration_time;
    uint64_t max_blocking_time;
    uint64_t scan_interval;
    uint64_t scan_count;
} broker_conf_t;

/* So many replicas a broker may have. */
#define REPLICAS_MAX 16

/* May the i-th be a replica?  NULL, or why not. */
const char *broker_replica_wrong(const um_addr_t *list, uint32_t i);

extern const um_directive_t broker_directives[];

#define BROKER_DOC                                                             \
    "The broker keeps the metadata of all clusters: proxies, clusters, slots " \
    "and who has failed, and changes it over an HTTP API, that of the "        \
    "reference. It needs module broker; before this block."

/* As um_module_t wants them. */
const char *broker_conf_check(um_conf_cx_t *cx, void *conf);
const um_addr_t *broker_conf_listen(const void *conf, uint32_t i);

#endif /* BROKER_CONF_H */
