/*
 * ask.h -- UMCTL GETEPOCH to many proxies at once.
 *
 * ask_run() blocks, for names to be resolved, too: it is for a helper thread.
 * A proxy has `timeout` to be reached and as long to answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_ASK_H
#define BROKER_ASK_H

#include "core/um_base.h"

typedef struct {
    char *address; /* owned by the list */
    uint64_t epoch;
    bool answered;
    size_t group; /* the caller's */
} ask_one_t;

typedef struct {
    ask_one_t *list;
    size_t count;
    size_t room;
    uint64_t timeout;   /* ms */
    _Atomic bool leave; /* give up soon; set by whoever waits */
} ask_list_t;

/* UM_ERR: out of memory, logged. */
UM_MUSTCHECK um_rc_t ask_add(ask_list_t *l, um_str_t address, size_t group);
void ask_deinit(ask_list_t *l);

void ask_run(ask_list_t *l);

#endif /* BROKER_ASK_H */
