/*
 * um_redis_child.h -- one redis-server of the `redis` block: its settings and
 * its process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REDIS_CHILD_H
#define UM_REDIS_CHILD_H

#include "core/um_sbuf.h"
#include "master/um_redis_conf.h"
#include "os/um_proc.h"
#include "os/um_user.h"

typedef struct {
    const um_redis_conf_t *conf;
    const char *server;   /* the program's path */
    const char *password; /* NULL: none         */
    um_user_t user;
    pid_t master;
    bool stopping;
} um_redis_common_t;

typedef struct {
    um_proc_t proc;
    const um_redis_common_t *common;
    const um_addr_t *addr;
    char *dir;            /* where its data lies; owned */
    uint64_t deadline_ns; /* to have stopped; 0: none   */
    uint64_t again_ns;    /* when it is told once more  */
} um_redis_child_t;

/* What it is to read as redis.conf.  Pure; um_sbuf_t tells of no memory. */
void um_redis_child_conf(const um_redis_child_t *c, um_sbuf_t *out);

/* A place, due at once.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_redis_child_init(um_redis_child_t *c,
    const um_redis_common_t *common, const um_addr_t *addr);
void um_redis_child_deinit(um_redis_child_t *c);

/* Start it when it is due, kill it when it does not stop.  When
 * (um_clock_ns()) there will be something to do; 0: nothing. */
uint64_t um_redis_child_tick(um_redis_child_t *c, uint64_t now);

/* Let it save and stop: it is told once a second until stop_timeout. */
void um_redis_child_stop(um_redis_child_t *c);

#endif /* UM_REDIS_CHILD_H */
