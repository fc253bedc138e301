/*
 * um_settings.h -- what CONFIG SET changed, for all workers at once.
 *
 * Written by whichever worker executes CONFIG SET, by the master at start
 * and reload; read by everyone, a field at a time.  Values that must agree
 * with each other do not belong here.
 *
 * And what workers learnt of the local Redis nodes when they connected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SETTINGS_H
#define UM_SETTINGS_H

#include <stdatomic.h>

#include "core/um_base.h"

#define UM_SETTINGS_LAYOUT 1

typedef struct {
    uint32_t layout;
    uint32_t size;
    _Atomic int64_t slowlog_log_slower_than; /* us; negative: nothing */
    _Atomic uint64_t slowlog_sample_rate;    /* 1: all are looked at */
    uint32_t slowlog_places;        /* the most it can be; written once */
    _Atomic uint64_t slowlog_len;   /* entries to be told */
    _Atomic uint64_t start_wall_us; /* when the master started      */
    _Atomic uint64_t reloads;
    _Atomic uint64_t reload_errors;
    _Atomic uint64_t last_reload_wall_us;
    _Atomic uint64_t master_ns;     /* when the master was last awake */
    _Atomic uint32_t workers;       /* how many should serve          */
    _Atomic uint32_t redis_version; /* lowest seen: 0x00MMmmpp; 0: none */
} um_settings_sh_t;

void um_settings_init(um_settings_sh_t *sh);

#endif /* UM_SETTINGS_H */
