/*
 * um_main_conf.h -- what the file says outside of any block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MAIN_CONF_H
#define UM_MAIN_CONF_H

#include "conf/um_conf.h"
#include "core/um_log.h"

typedef struct {
    uint32_t worker_processes; /* `auto` is resolved here: at least 1 */
    char *pid;                 /* path, prefix applied                */

    char *error_log; /* "stderr", "syslog" or a path, prefix applied       */
    um_log_level_t error_level; /* RUST_LOG considered when not configured */

    char *user;  /* NULL: stay who we are                        */
    char *group; /* `user NAME [GROUP];` NULL: the user's own    */
    bool daemon; /* go to the background                         */
    bool env;    /* off: the environment overrides nothing       */

    uint64_t worker_shutdown_timeout; /* ms; 0: for ever          */
    uint64_t worker_watchdog;         /* ms without a turn; 0: off */
    uint64_t worker_rlimit_nofile;    /* 0: leave it as it is      */
} um_main_conf_t;

extern const um_block_t um_main_block;

#endif /* UM_MAIN_CONF_H */
