/*
 * um_ctl_cmd.h -- the table of commands.  Parsing, help, manual and completion
 * come from it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_CMD_H
#define UM_CTL_CMD_H

#include "core/um_sbuf.h"

/* How undermoonctl ends. */
enum {
    UM_CTL_DONE = 0,
    UM_CTL_REFUSED = 1,   /* by the broker, or by whoever was asked */
    UM_CTL_USAGE = 2,     /* wrong words                            */
    UM_CTL_UNREACHED = 3, /* no answer, or none that makes sense    */
    UM_CTL_LATE = 4,      /* --wait was in vain                     */
    UM_CTL_INTERRUPTED = 130,
};

typedef struct um_ctl_s um_ctl_t;
typedef struct um_ctl_opts_s um_ctl_opts_t;

/* One of the above; what there was to say has been said. */
typedef int (*um_ctl_run_pt)(um_ctl_t *c);

typedef struct {
    const char *words; /* "cluster create"; NULL ends the table */
    const char *args;  /* "NAME", "" */
    uint32_t min, max; /* how many */
    uint32_t takes;    /* options besides those of every command */
    um_ctl_run_pt run;
    const char *doc; /* the first sentence alone says what it is for */
} um_ctl_cmd_t;

extern const um_ctl_cmd_t um_ctl_cmds[];

/* The command that the first of `n` words name, and how many they are; NULL:
 * none. */
const um_ctl_cmd_t *um_ctl_cmd_find(
    const char *const *word, uint32_t n, uint32_t *used);

/* Is it the first of two words of commands ("cluster")? */
bool um_ctl_cmd_is_group(const char *word);

/* ---- Handlers ----------------------------------------------------------- */

int um_ctl_cluster_create(um_ctl_t *c);
int um_ctl_cluster_list(um_ctl_t *c);
int um_ctl_cluster_show(um_ctl_t *c);
int um_ctl_cluster_scale(um_ctl_t *c);
int um_ctl_cluster_delete(um_ctl_t *c);
int um_ctl_cluster_config(um_ctl_t *c);
int um_ctl_cluster_balance(um_ctl_t *c);
int um_ctl_cluster_migrations(um_ctl_t *c);
int um_ctl_proxy_add(um_ctl_t *c);
int um_ctl_proxy_list(um_ctl_t *c);
int um_ctl_proxy_show(um_ctl_t *c);
int um_ctl_proxy_remove(um_ctl_t *c);
int um_ctl_failover(um_ctl_t *c);
int um_ctl_doctor(um_ctl_t *c);
int um_ctl_epoch(um_ctl_t *c);
int um_ctl_epoch_recover(um_ctl_t *c);
int um_ctl_version(um_ctl_t *c);
int um_ctl_help(um_ctl_t *c);

#endif /* UM_CTL_CMD_H */
