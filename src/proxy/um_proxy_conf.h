/*
 * um_proxy_conf.h -- what the `proxy` block of the configuration says.
 *
 * Filled by the directive table in um_proxy_table.c; owned by its cycle.
 * Times are milliseconds and sizes bytes unless a name says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PROXY_CONF_H
#define UM_PROXY_CONF_H

#include "conf/um_conf.h"
#include "core/um_addr.h"

typedef struct {
    um_addr_t addr;
    bool control; /* `listen ADDRESS control;` */
} um_listen_conf_t;

typedef struct {
    char *name; /* as the operator wrote it */
    int64_t first, last, step;
    bool write;
} um_command_conf_t;

typedef enum {
    UM_BATCH_TURN,
    UM_BATCH_DISABLED,
    UM_BATCH_FIXED,
    UM_BATCH_DYNAMIC,
} um_batch_t;

typedef struct {
    um_listen_conf_t *listen;
    uint32_t listen_count;
    um_addr_t announce; /* announce_address; default: the first listen */

    uint32_t backend_conn_num;
    uint64_t backend_timeout;
    char *backend_user;     /* toward Redis; NULL: none */
    char *backend_password; /* toward Redis; NULL: none */

    char *password;      /* from clients; NULL: none               */
    char *peer_password; /* toward peers; NULL: none               */
    um_cidr_t *control_allow;
    uint32_t control_allow_count;
    uint64_t control_timeout;
    uint64_t node_timeout; /* ms */
    uint64_t lease;        /* ms; 0: none */

    bool active_redirection;
    uint32_t max_redirections;     /* 1 .. 4 */
    um_addr_t default_redirection; /* text empty: none */
    bool nodes_v1;                 /* cluster_nodes_version v1 */

    uint64_t session_timeout; /* 0: never */
    uint32_t max_clients;     /* of all workers together */
    uint64_t client_output_limit;
    uint64_t buffer_memory; /* per worker */
    uint64_t big_request;
    uint64_t max_request;         /* bytes of one request, all words */
    uint64_t max_bulk;            /* bytes of one word: proto-max-bulk-len */
    uint32_t max_args;            /* words of one request */
    uint32_t max_pipeline;        /* unanswered commands of one client */
    uint32_t private_connections; /* per worker */

    uint32_t slowlog_len;
    int64_t slowlog_log_slower_than; /* us */
    uint64_t slowlog_sample_rate;

    um_command_conf_t *command; /* `command NAME ...;` */
    uint32_t command_count;

    /* Of the reference; accepted, without effect: batches follow turns. */
    int32_t backend_batch_strategy; /* um_batch_t */
    uint32_t backend_flush_size;
    uint64_t backend_low_flush_interval;  /* ns */
    uint64_t backend_high_flush_interval; /* ns */
} um_proxy_conf_t;

extern const um_block_t um_proxy_block;

/* For the table in um_proxy_table.c. */
um_conf_set_fn um_proxy_set_listen;
um_conf_set_fn um_proxy_set_allow;
um_conf_set_fn um_proxy_set_command;
um_conf_set_fn um_proxy_set_nodes_version;
const char *um_proxy_conf_check(um_conf_cx_t *cx, void *conf);

#endif /* UM_PROXY_CONF_H */
