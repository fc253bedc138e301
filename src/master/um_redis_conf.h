/*
 * um_redis_conf.h -- what the `redis` block says: redis-servers that the
 * master keeps running as children.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REDIS_CONF_H
#define UM_REDIS_CONF_H

#include "conf/um_conf.h"

/* `set NAME VALUE...;`: a line of redis.conf of each child. */
typedef struct {
    char *name;
    char *value; /* the words, quoted for redis.conf */
} um_redis_set_t;

typedef struct {
    um_addr_t *listen; /* one redis-server each; IP or unix: */
    uint32_t listen_count;

    char *server; /* NULL: the first of valkey-server, redis-server,
                     keydb-server in PATH                             */
    char *dir;    /* each child gets <dir>/<port or socket's name>    */
    bool appendonly;
    uint64_t maxmemory; /* bytes; 0: no limit */
    char *maxmemory_policy;
    char *password; /* requirepass; NULL: proxy's backend_password, if any */

    uint64_t stop_timeout; /* ms from SIGTERM to SIGKILL */

    um_redis_set_t *set;
    uint32_t set_count;
} um_redis_conf_t;

extern const um_block_t um_redis_block;

#endif /* UM_REDIS_CONF_H */
