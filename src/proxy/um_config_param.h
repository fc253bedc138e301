/*
 * um_config_param.h -- what CONFIG GET tells and CONFIG SET changes: our own
 * settings by the names of the configuration file, and those of Redis' that
 * clients ask for, with values that are true of this proxy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CONFIG_PARAM_H
#define UM_CONFIG_PARAM_H

#include "proxy/um_worker.h"

/* One number that CONFIG SET may change, for all workers at once. */
typedef enum {
    UM_LIVE_NONE,
    UM_LIVE_SLOWER_THAN,
    UM_LIVE_SAMPLE_RATE,
    UM_LIVE_SLOWLOG_LEN,
    UM_LIVE_COUNT,
} um_live_t;

typedef struct {
    const char *name;
    uint8_t kind;  /* private to um_config_param.c */
    uint8_t live;  /* um_live_t                    */
    size_t offset; /* into um_proxy_conf_t         */
    const char *text;
} um_config_param_t;

size_t um_config_param_count(void);
const um_config_param_t *um_config_param_at(size_t i);

/* By its whole name, in any case; NULL: there is none. */
const um_config_param_t *um_config_param_find(um_str_t name);

/* Append its value as it is now. */
void um_config_param_value(
    const um_config_param_t *p, const um_worker_t *w, um_sbuf_t *o);

/*
 * Could `value` be set?  NULL and the number, or Redis' phrase about what is
 * wrong, at `err` (a buffer of `size`).
 */
const char *um_config_param_parse(const um_config_param_t *p,
    const um_settings_sh_t *sh, um_str_t value, int64_t *number, char *err,
    size_t size);

/* Make it so, for everyone.  `p` has been parsed. */
void um_config_param_store(
    const um_config_param_t *p, um_settings_sh_t *sh, int64_t number);

#endif /* UM_CONFIG_PARAM_H */
