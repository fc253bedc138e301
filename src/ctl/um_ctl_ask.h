/*
 * um_ctl_ask.h -- requests to the broker, one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_ASK_H
#define UM_CTL_ASK_H

#include "ctl/um_ctl.h"

typedef struct {
    unsigned method;
    const char *path;  /* escaped; below the API's base unless `root` */
    const cJSON *body; /* NULL: none */
    uint64_t timeout;  /* ms; 0: --timeout */
    bool root;
} um_ctl_ask_t;

/* All of it is in the pool that was given. */
typedef struct {
    const char *broker;
    unsigned status; /* 0: no answer */
    const char *why; /* then */
    bool unsure;     /* and: it may have been done */
    um_str_t text;
    const cJSON *json; /* NULL: the text is none */
    bool has_skew;     /* what the answer's Date says ... */
    int64_t skew;      /* ... is so many seconds before (-) our clock */
} um_ctl_said_t;

/* One broker.  Interrupted: no answer. */
void um_ctl_ask_at(um_ctl_t *c, uint32_t broker, const um_ctl_ask_t *ask,
    um_pool_t *p, um_ctl_said_t *said);

/*
 * The broker.  What only reads goes to the first that answers, with a note
 * when that is not the first of all; what changes something to the first
 * alone, for another may not know its latest changes.
 */
void um_ctl_ask(
    um_ctl_t *c, const um_ctl_ask_t *ask, um_pool_t *p, um_ctl_said_t *said);

/* UM_CTL_DONE for an answer of 200, else what to return; it has been said. */
int um_ctl_judge(
    um_ctl_t *c, const um_ctl_ask_t *ask, const um_ctl_said_t *said);

/* Read a path: as um_ctl_judge(), and there is JSON. */
int um_ctl_get(um_ctl_t *c, um_pool_t *p, const char *path, const cJSON **json);

/* Change something: as um_ctl_judge(). */
int um_ctl_change(um_ctl_t *c, unsigned method, const char *path,
    const cJSON *body, um_ctl_said_t *said);

/* The JSON makes no sense: what to return, after it has been said. */
int um_ctl_nonsense(um_ctl_t *c, const char *path, const char *what);

/* A name as a segment of a path. */
const char *um_ctl_escape(um_pool_t *p, const char *name);

#endif /* UM_CTL_ASK_H */
