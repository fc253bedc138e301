/*
 * um_ctl_opt.h -- one table of options, and what was given.
 *
 * Pure: the environment is asked through a function.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_OPT_H
#define UM_CTL_OPT_H

#include "ctl/um_ctl_cmd.h"

#define UM_CTL_ARGS  64
#define UM_CTL_UNSET UINT64_MAX

/* Which commands take an option: bits of um_ctl_cmd_t.takes. */
enum {
    UM_CTL_ANY = 0,
    UM_CTL_NODES = 1u << 0,
    UM_CTL_WAIT = 1u << 1,
    UM_CTL_YES = 1u << 2,
    UM_CTL_CANCEL = 1u << 3,
    UM_CTL_HOST = 1u << 4,
    UM_CTL_COORDINATOR = 1u << 5,
    UM_CTL_NO_WAIT = 1u << 6,
    UM_CTL_STALL = 1u << 7,
};

/* Texts are lent by the arguments and the environment. */
struct um_ctl_opts_s {
    const um_ctl_cmd_t *cmd;
    const char *arg[UM_CTL_ARGS]; /* behind the command's words */
    uint32_t args;
    bool help;

    const char *broker;
    const char *token;
    const char *user; /* NAME:PASSWORD */
    const char *password;
    const char *coordinator;
    const char *host;
    uint64_t timeout; /* ms */
    uint64_t wait_timeout;
    uint64_t stall;
    uint64_t nodes; /* UM_CTL_UNSET: not given */
    uint64_t index;
    bool wait;
    bool yes;
    bool cancel;
    bool watch;
    bool no_wait;
    bool json;
    bool no_colour;
};

typedef enum {
    UM_CTL_FLAG,   /* bool       */
    UM_CTL_TEXT,   /* const char * */
    UM_CTL_NUMBER, /* uint64_t   */
    UM_CTL_TIME,   /* ms: a number of seconds, or with ms, s, m or h */
} um_ctl_kind_t;

typedef struct {
    const char *name; /* without "--"; NULL ends the table */
    const char *arg;  /* what stands behind it, NULL: nothing */
    uint32_t takes;   /* UM_CTL_ANY: every command */
    um_ctl_kind_t kind;
    size_t offset;    /* in um_ctl_opts_t */
    const char *env;  /* its variable, NULL: none */
    const char *dflt; /* NULL: none */
    const char *doc;
} um_ctl_option_t;

extern const um_ctl_option_t um_ctl_options[];

/* Does the command take it? */
bool um_ctl_option_fits(const um_ctl_option_t *o, const um_ctl_cmd_t *cmd);

typedef char *(*um_ctl_env_pt)(const char *name);

/*
 * What argv[1..] and the environment ask for.  False: `wrong` says what is
 * wrong with it, in one line, and `o->cmd` and `o->json` are set as far as
 * they are known.
 */
UM_MUSTCHECK bool um_ctl_opts_parse(um_ctl_opts_t *o, int argc,
    char *const *argv, um_ctl_env_pt env, um_sbuf_t *wrong);

#endif /* UM_CTL_OPT_H */
