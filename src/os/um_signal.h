/*
 * um_signal.h -- signals: one table, and handlers that only set flags.
 *
 * The master keeps all of them blocked but while it sleeps in
 * um_signal_sleep(), so what it does is never interrupted half way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SIGNAL_H
#define UM_SIGNAL_H

#include <poll.h>
#include <sys/types.h>

#include "core/um_base.h"

/* What a signal asks for; a set of them is an unsigned. */
enum {
    UM_SIGNAL_STOP = 1 << 0,
    UM_SIGNAL_QUIT = 1 << 1,
    UM_SIGNAL_RELOAD = 1 << 2,
    UM_SIGNAL_REOPEN = 1 << 3,
    UM_SIGNAL_CHILD = 1 << 4,
};

typedef struct {
    int signo;
    unsigned asks;    /* UM_SIGNAL_*                              */
    const char *word; /* of `undermoond -s WORD`; NULL: has none  */
    const char *doc;  /* what the master does, for the help text  */
} um_signal_t;

extern const um_signal_t um_signals[]; /* ends with .signo = 0 */

/* The signal that -s WORD sends, or NULL. */
const um_signal_t *um_signal_of_word(const char *word);

/* Install the handlers and block the signals of the table; SIGPIPE is
 * ignored from now on.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t um_signal_start(void);

/*
 * Sleep until a signal comes, one of `fds` has news or `timeout_ms` is over.
 * What came is in um_signal_take() and the revents; errors are logged.
 */
void um_signal_sleep(struct pollfd *fds, nfds_t count, uint64_t timeout_ms);

/* What has been asked for since the last call. */
unsigned um_signal_take(void);

/* What becomes of the signals in a child, after the fork. */
typedef enum {
    /* Ours, with handlers of its own: TERM, QUIT, USR1 and WINCH stay blocked
     * until it has them; the terminal's INT and HUP are for the master. */
    UM_SIGNAL_CHILD_WORKER,
    /* Ours, told what to do by its channel: as usual, without INT and HUP. */
    UM_SIGNAL_CHILD_GUEST,
    /* About to execute another program: everything as it was before us. */
    UM_SIGNAL_CHILD_FOREIGN,
} um_signal_child_t;

void um_signal_child(um_signal_child_t kind);

#endif /* UM_SIGNAL_H */
