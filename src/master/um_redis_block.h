/*
 * um_redis_block.h -- the redis-servers that the master keeps as children.
 *
 * They are as the first configuration says: a change counts after a restart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REDIS_BLOCK_H
#define UM_REDIS_BLOCK_H

#include "master/um_redis_child.h"

typedef struct {
    um_redis_common_t common;
    um_redis_child_t *child;
    uint32_t count;
    char server[4096];
} um_redis_servers_t;

/*
 * Find the program and the data's directory; nothing runs before the first
 * tick.  `conf` and `password` are lent; conf NULL: no servers.  UM_ERR:
 * logged.
 */
UM_MUSTCHECK um_rc_t um_redis_servers_init(um_redis_servers_t *rs,
    const um_redis_conf_t *conf, const char *password, const um_user_t *user);
void um_redis_servers_deinit(um_redis_servers_t *rs);

/* As um_redis_child_tick(), for all. */
uint64_t um_redis_servers_tick(um_redis_servers_t *rs, uint64_t now);

/* Let all stop; nobody is started again. */
void um_redis_servers_stop(um_redis_servers_t *rs);

bool um_redis_servers_are_alive(const um_redis_servers_t *rs);

#endif /* UM_REDIS_BLOCK_H */
