/*
 * um_setcluster.h -- decode UMCTL SETCLUSTER (dataplane.md §3): words or
 * base64(gzip(JSON)) into a topology.
 *
 * A pure function of its arguments: no I/O, no clock, no globals.  A large
 * message takes milliseconds, so the proxy runs it on a helper thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SETCLUSTER_H
#define UM_SETCLUSTER_H

#include "meta/um_topo.h"

typedef struct {
    bool force;
    bool config_ignored; /* answer "+WARNING: ignored invalid config" */
    const char *error;   /* the text behind '-', static; on UM_DECLINED */
} um_setcluster_t;

/*
 * `argv` are the words after "SETCLUSTER" (from "v2" on); a word that is not
 * UTF-8 is skipped.  `announce_host` is the host part of our announce_address:
 * a local address with another host is ERR_NOT_MY_META.
 *
 * UM_OK: `t` is a finished topology with t->epoch set; the epoch rule is the
 * publisher's business.  UM_DECLINED: out->error says why, `t` is garbage.
 */
UM_MUSTCHECK um_rc_t um_setcluster_decode(const um_str_t *argv, uint32_t argc,
    um_str_t announce_host, um_topo_t *t, um_setcluster_t *out);

#endif /* UM_SETCLUSTER_H */
