/*
 * Every directive of the proxy block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_proxy_conf.h"

static const um_enum_t proxy_batch[] = {
    { "turn", UM_BATCH_TURN },
    { "disabled", UM_BATCH_DISABLED },
    { "fixed", UM_BATCH_FIXED },
    { "dynamic", UM_BATCH_DYNAMIC },
    { NULL, 0 },
};

static const um_enum_t proxy_nodes[] = {
    { "v1", 1 },
    { "v2", 2 },
    { NULL, 0 },
};
static const um_bounds_t proxy_backend_conn_num = { .min = 1, .max = 64 };
static const um_bounds_t proxy_backend_timeout = { .min = 10, .max = 86400000 };
static const um_bounds_t proxy_backend_flush_size = { .min = 1 };
static const um_bounds_t proxy_backend_low_flush_interval = { .min = 1 };
static const um_bounds_t proxy_backend_high_flush_interval = { .min = 1 };
static const um_bounds_t proxy_control_timeout = { .min = 10, .max = 600000 };
static const um_bounds_t proxy_node_timeout = { .min = 1000, .max = 3600000 };
static const um_bounds_t proxy_lease = { .max = 3600000 };
static const um_bounds_t proxy_max_redirections = { .max = 1000 };
static const um_bounds_t proxy_max_clients = { .min = 1, .max = 10000000 };
static const um_bounds_t proxy_client_output_limit = { .min = 65536 };
static const um_bounds_t proxy_buffer_memory = { .min = 1048576 };
static const um_bounds_t proxy_big_request = { .min = 4096 };
static const um_bounds_t proxy_max_request = { .min = 1024 };
static const um_bounds_t proxy_max_bulk = { .min = 1024, .max = 4294967296 };
static const um_bounds_t proxy_max_args = { .min = 16, .max = 2147483647 };
static const um_bounds_t proxy_max_pipeline = { .min = 1, .max = 1048576 };
static const um_bounds_t proxy_private_connections = { .min = 1, .max = 16000 };
static const um_bounds_t proxy_slowlog_len = { .min = 1, .max = 65536 };

static const um_directive_t proxy_directives[] = {
    {
        .name = "listen",
        .args = "ADDRESS [control]",
        .min = 1,
        .max = 2,
        .flags = UM_DIR_MULTI,
        .set = um_proxy_set_listen,
        .dflt = "127.0.0.1:5299",
        .doc = "Where clients come in: IP:PORT, NAME:PORT, [IPv6]:PORT or "
               "unix:PATH. control marks one on which only UMCTL and other "
               "commands of administration are answered.",
        .env = "ADDRESS",
    },
    {
        .name = "announce_address",
        .args = "HOST:PORT",
        .min = 1,
        .max = 1,
        .set = um_set_addr,
        .offset = offsetof(um_proxy_conf_t, announce),
        .doc = "What peers and clients are told, and what the metadata knows "
               "this proxy by. Without it the first listen that is not for "
               "control.",
        .env = "ANNOUNCE_ADDRESS",
    },
    {
        .name = "backend_conn_num",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, backend_conn_num),
        .post = &proxy_backend_conn_num,
        .dflt = "1",
        .doc = "Shared connections of each worker to each Redis node.",
        .env = "BACKEND_CONN_NUM",
    },
    {
        .name = "backend_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_proxy_conf_t, backend_timeout),
        .post = &proxy_backend_timeout,
        .dflt = "3s",
        .doc = "How long a command may stay unanswered by Redis, and a "
               "connection may take to come up. Blocking commands have their "
               "own time added.",
        .env = "BACKEND_TIMEOUT",
    },
    {
        .name = "backend_user",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .set = um_set_str,
        .offset = offsetof(um_proxy_conf_t, backend_user),
        .doc = "The ACL user this proxy is to Redis. Needs backend_password.",
    },
    {
        .name = "backend_password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(um_proxy_conf_t, backend_password),
        .doc = "What this proxy authenticates to Redis with.",
    },
    {
        .name = "backend_batch_strategy",
        .args = "turn | disabled | fixed | dynamic",
        .min = 1,
        .max = 1,
        .set = um_set_enum,
        .offset = offsetof(um_proxy_conf_t, backend_batch_strategy),
        .post = proxy_batch,
        .dflt = "turn",
        .doc = "Accepted for the sake of older configurations. Batches "
               "follow the turns of the loop, whatever it says.",
        .env = "BACKEND_BATCH_STRATEGY",
    },
    {
        .name = "backend_flush_size",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, backend_flush_size),
        .post = &proxy_backend_flush_size,
        .doc = "Accepted, without effect: see backend_batch_strategy.",
        .env = "BACKEND_FLUSH_SIZE",
    },
    {
        .name = "backend_low_flush_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_nsec,
        .offset = offsetof(um_proxy_conf_t, backend_low_flush_interval),
        .post = &proxy_backend_low_flush_interval,
        .doc = "Accepted, without effect: see backend_batch_strategy.",
        .env = "BACKEND_LOW_FLUSH_INTERVAL",
    },
    {
        .name = "backend_high_flush_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_nsec,
        .offset = offsetof(um_proxy_conf_t, backend_high_flush_interval),
        .post = &proxy_backend_high_flush_interval,
        .doc = "Accepted, without effect: see backend_batch_strategy.",
        .env = "BACKEND_HIGH_FLUSH_INTERVAL",
    },
    {
        .name = "password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(um_proxy_conf_t, password),
        .doc = "What clients have to say in AUTH. Without it everything is "
               "open.",
        .env = "PASSWORD",
    },
    {
        .name = "peer_password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(um_proxy_conf_t, peer_password),
        .doc = "What this proxy says in AUTH to its peers. Without it the "
               "same as password.",
    },
    {
        .name = "control_allow",
        .args = "ADDRESS | NETWORK | NAME | unix | none...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_proxy_set_allow,
        .dflt = "127.0.0.0/8 ::1 unix",
        .doc = "When there is a password: from where UMCTL, UMSYNC, "
               "UMFORWARD and CONFIG SET are taken without AUTH. Names are "
               "looked up when the configuration is read.",
    },
    {
        .name = "control_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_proxy_conf_t, control_timeout),
        .post = &proxy_control_timeout,
        .dflt = "1500ms",
        .doc = "How long UMCTL SETCLUSTER waits until all workers route by "
               "the new metadata. Then the answer is TRY_AGAIN.",
    },
    {
        .name = "node_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_proxy_conf_t, node_timeout),
        .post = &proxy_node_timeout,
        .dflt = "10s",
        .doc = "How long a local Redis may be silent before the coordinator "
               "is told that it hangs, so that its replica takes over. Longer "
               "than the longest script, and than a fork takes.",
    },
    {
        .name = "lease",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_proxy_conf_t, lease),
        .post = &proxy_lease,
        .dflt = "0",
        .doc = "For how long this proxy serves without a coordinator of ours "
               "vouching for it anew; then its nodes in a cluster are closed. "
               "Whoever takes over from a master that cannot be told to stop "
               "waits for as long first, so that no two acknowledge writes at "
               "one time. All proxies of a cluster need the same. At least 1s, "
               "better 5s or 10s: a coordinator vouches every beat_interval, "
               "with what the broker said up to sync_interval before, and not "
               "while the broker is away. 0: no lease, and nobody waits.",
    },
    {
        .name = "active_redirection",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(um_proxy_conf_t, active_redirection),
        .dflt = "off",
        .doc = "Forward commands for other proxies' slots to them instead of "
               "answering MOVED. Clients then see one plain Redis.",
        .env = "ACTIVE_REDIRECTION",
    },
    {
        .name = "max_redirections",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, max_redirections),
        .post = &proxy_max_redirections,
        .dflt = "0",
        .doc = "How often one command may be forwarded from proxy to proxy. "
               "0 and more than 4 mean 4.",
        .env = "MAX_REDIRECTIONS",
    },
    {
        .name = "default_redirection_address",
        .args = "HOST:PORT",
        .min = 1,
        .max = 1,
        .set = um_set_addr,
        .offset = offsetof(um_proxy_conf_t, default_redirection),
        .doc = "Without metadata, answer MOVED to this address instead of "
               "CLUSTERDOWN.",
        .env = "DEFAULT_REDIRECTION_ADDRESS",
    },
    {
        .name = "cluster_nodes_version",
        .args = "v1 | v2",
        .min = 1,
        .max = 1,
        .set = um_proxy_set_nodes_version,
        .post = proxy_nodes,
        .dflt = "v2",
        .doc = "The form of CLUSTER NODES. v2 has the port of the cluster "
               "bus, as Redis since 4.0; v1 leaves it out.",
        .env = "CLUSTER_NODES_VERSION",
    },
    {
        .name = "session_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_proxy_conf_t, session_timeout),
        .dflt = "0",
        .doc = "Close a client that has been idle for so long. 0: never.",
        .env = "SESSION_TIMEOUT",
    },
    {
        .name = "max_clients",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, max_clients),
        .post = &proxy_max_clients,
        .dflt = "10000",
        .doc = "Clients of all workers together. One more is told so and "
               "closed.",
    },
    {
        .name = "client_output_limit",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(um_proxy_conf_t, client_output_limit),
        .post = &proxy_client_output_limit,
        .dflt = "256m",
        .doc = "Replies kept for a client that does not read them. From half "
               "of it on (below 32m, or while half of buffer_memory is in use, "
               "from 256k on) it is not read from either; beyond it, it is "
               "closed.",
    },
    {
        .name = "buffer_memory",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(um_proxy_conf_t, buffer_memory),
        .post = &proxy_buffer_memory,
        .dflt = "1g",
        .doc = "The same for all clients of a worker together.",
    },
    {
        .name = "big_request",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(um_proxy_conf_t, big_request),
        .post = &proxy_big_request,
        .dflt = "1m",
        .doc = "Requests larger than this take a private connection, so that "
               "others need not wait behind them.",
    },
    {
        .name = "max_request",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(um_proxy_conf_t, max_request),
        .post = &proxy_max_request,
        .dflt = "1g",
        .doc = "All words of one request together.",
    },
    {
        .name = "max_bulk",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(um_proxy_conf_t, max_bulk),
        .post = &proxy_max_bulk,
        .dflt = "512m",
        .doc = "One word of a request; proto-max-bulk-len of Redis.",
    },
    {
        .name = "max_args",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, max_args),
        .post = &proxy_max_args,
        .dflt = "1048576",
        .doc = "Words of one request.",
    },
    {
        .name = "max_pipeline",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, max_pipeline),
        .post = &proxy_max_pipeline,
        .dflt = "1024",
        .doc = "Commands of one client that may be unanswered. Further ones "
               "wait in its socket.",
    },
    {
        .name = "private_connections",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, private_connections),
        .post = &proxy_private_connections,
        .dflt = "1000",
        .doc = "Connections of each worker to Redis for clients that need "
               "one to themselves: those that block, and big requests, for "
               "which a sixteenth is kept free.",
    },
    {
        .name = "slowlog_len",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_u32,
        .offset = offsetof(um_proxy_conf_t, slowlog_len),
        .post = &proxy_slowlog_len,
        .dflt = "1024",
        .doc = "Commands the slow log keeps. CONFIG SET changes it until the "
               "next start, up to the larger of what is configured and 1024.",
        .env = "SLOWLOG_LEN",
    },
    {
        .name = "slowlog_log_slower_than",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_usec,
        .offset = offsetof(um_proxy_conf_t, slowlog_log_slower_than),
        .dflt = "50000us",
        .doc = "Commands that take as long go to the slow log. A negative "
               "time: none. CONFIG SET changes it until the next start.",
        .env = "SLOWLOG_LOG_SLOWER_THAN",
    },
    {
        .name = "slowlog_sample_rate",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(um_proxy_conf_t, slowlog_sample_rate),
        .dflt = "1",
        .doc = "Of so many slow commands one goes to the slow log: 1 lets "
               "none of them get lost, for all commands are timed anyway. "
               "CONFIG SET changes it until the next start.",
        .env = "SLOWLOG_SAMPLE_RATE",
    },
    {
        .name = "command",
        .args = "NAME FIRST [LAST [STEP]] [write]",
        .min = 2,
        .max = 5,
        .flags = UM_DIR_MULTI,
        .set = um_proxy_set_command,
        .doc = "Forward a command of a Redis module that neither the "
               "built-in table nor COMMAND of the local nodes tells enough "
               "about. Its keys are the arguments from position FIRST to "
               "LAST (without it FIRST; negative counts from the end, -1 is "
               "the last argument), every STEP-th (without it each); the "
               "name is position 0. 0 means it has no keys. write: it "
               "changes data. Example: command JSON.MGET 1 -2 1;",
    },
    { .name = NULL },
};

const um_block_t um_proxy_block = {
    .name = "proxy",
    .directives = proxy_directives,
    .conf_size = sizeof(um_proxy_conf_t),
    .doc = "The proxy itself: clients on one side, local Redis nodes on the "
           "other, peers beside it.",
    .role = true,
    .env = true,
    .check = um_proxy_conf_check,
};
