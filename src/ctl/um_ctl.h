/*
 * um_ctl.h -- one run of undermoonctl: its loop, its words, its end.
 *
 * It does one thing after the other: who asks somebody runs the loop until the
 * answer is there, or until somebody presses Ctrl-C.  What it has to say comes
 * out at the end, in one piece; only progress and questions go to the terminal
 * meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_H
#define UM_CTL_H

#include "ctl/um_ctl_json.h"
#include "ctl/um_ctl_opt.h"
#include "http/um_httpc.h"
#include "net/um_loop.h"

#define UM_CTL_BROKERS 8

typedef struct {
    um_addr_t addr;
    um_httpc_t *http;
} um_ctl_broker_t;

struct um_ctl_s {
    um_ctl_opts_t opts;
    um_pool_t *pool; /* lives as long as this */
    um_loop_t *loop;
    um_jobs_t *jobs; /* resolve names */
    um_io_t signals;
    bool interrupted;
    bool colour;
    bool terminal; /* stderr is one */
    bool progress; /* lines of it are on the terminal */
    um_ctl_broker_t broker[UM_CTL_BROKERS];
    uint32_t brokers;
    uint32_t at; /* the one that reads go to */
    um_sbuf_t out;
};

/* The whole program.  What main() returns. */
int um_ctl_main(int argc, char **argv);

/* ---- Waiting ------------------------------------------------------------ */

/* Run the loop until `*done`; false: interrupted. */
UM_MUSTCHECK bool um_ctl_until(um_ctl_t *c, const bool *done);

/* Do nothing for so many ms; false: interrupted. */
UM_MUSTCHECK bool um_ctl_pause(um_ctl_t *c, uint64_t ms);

/* ---- Saying ------------------------------------------------------------- */

/* A line of output, cleaned of what is no text. */
void um_ctl_line(um_ctl_t *c, const char *fmt, ...) UM_PRINTF(2, 3);

/* A line beside it, on stderr, at once. */
void um_ctl_note(um_ctl_t *c, const char *fmt, ...) UM_PRINTF(2, 3);

/* How far it is, in lines: takes the place of what was said before, on a
 * terminal. */
void um_ctl_progress(um_ctl_t *c, const char *lines);

/* JSON output, taken; returns UM_CTL_DONE. */
int um_ctl_json(um_ctl_t *c, cJSON *json);

/* It ends like this: a line on stderr, with --json a document, too.  `code` is
 * short and stable, for programs.  Returns `status`. */
int um_ctl_fail(um_ctl_t *c, int status, const char *code, const char *fmt, ...)
    UM_PRINTF(4, 5);

int um_ctl_interrupted(um_ctl_t *c);

/* ---- Asking ------------------------------------------------------------- */

/*
 * May something be done that cannot be undone?  The answer must be `answer`;
 * --yes gives it.  UM_CTL_DONE, or what to return: nobody can be asked, or the
 * answer was another one.
 */
int um_ctl_confirm(um_ctl_t *c, const char *answer, const char *fmt, ...)
    UM_PRINTF(3, 4);

#endif /* UM_CTL_H */
