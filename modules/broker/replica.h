/*
 * replica.h -- what a replica has of this broker's metadata, and what is to be
 * done about it.  Pure: broker_replica.c asks and is told.
 *
 *   UNKNOWN -> SYNCED   [replica_told: it took the metadata]
 *   any     -> AHEAD    [replica_told: its epoch is higher than ours]
 *   any     -> FAILING  [replica_told: it refuses, or does not answer]
 *   AHEAD, FAILING -> SYNCED
 *   SYNCED  -> UNKNOWN  [replica_told: it has lost what it took]
 *
 * What there is to have is told by versions: each change of this process has
 * one, and they only grow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_REPLICA_H
#define BROKER_REPLICA_H

#include "core/um_base.h"

typedef enum {
    REPLICA_UNKNOWN,
    REPLICA_SYNCED, /* when it was asked last, it had all there was */
    REPLICA_AHEAD,
    REPLICA_FAILING,
} replica_state_t;

/* "unknown", "synced" ... */
const char *replica_state_name(replica_state_t state);

typedef enum {
    REPLICA_REST,  /* nothing, this time                             */
    REPLICA_CHECK, /* GET epoch: does it still have what it took?    */
    REPLICA_PUSH,  /* PUT metadata                                   */
} replica_deed_t;

typedef struct {
    uint64_t ms;   /* of a clock that does not jump */
    uint64_t wall; /* seconds */
} replica_now_t;

typedef struct {
    replica_state_t state;
    uint64_t has;       /* the version it took; 0: none that is known   */
    uint64_t lacks_ms;  /* since when it lacks something; 0: nothing    */
    uint64_t synced_at; /* unix seconds when it last took or had it; 0: never */
    uint64_t epoch;     /* as it said, or took, last; 0: not known      */
    char error[120];    /* FAILING, AHEAD: why                          */

    /* A question under way. */
    replica_deed_t deed;
    uint64_t deed_version;
    uint64_t deed_epoch; /* ours, then */
    uint64_t deed_ms;

    uint32_t refusals; /* in a row */
    uint64_t not_before_ms;
} replica_t;

/* There is something to have: `version`. */
void replica_want(replica_t *r, uint64_t version, const replica_now_t *now);

/* What to do now, at our epoch; REST while a question is under way. */
replica_deed_t replica_next(const replica_t *r, uint64_t version,
    uint64_t epoch, const replica_now_t *now);

/* That is being done, with the version and the epoch as they are. */
void replica_asked(replica_t *r, replica_deed_t deed, uint64_t version,
    uint64_t epoch, const replica_now_t *now);

typedef struct {
    unsigned status; /* 0: no answer */
    const char *why; /* then */
    um_str_t body;
} replica_answer_t;

/* What is worth a line in the log. */
typedef enum {
    REPLICA_NO_NEWS,
    REPLICA_CAME, /* it is in sync                        */
    REPLICA_LOST, /* it has lost what it took             */
    REPLICA_LEFT, /* it fails, or is ahead: state, error  */
} replica_news_t;

/*
 * The answer to the question under way, while there is `version` to have by
 * now.  `every` is the pause, in ms, between two questions: who refuses is
 * asked less and less often.
 */
replica_news_t replica_told(replica_t *r, const replica_answer_t *a,
    uint64_t version, uint64_t every, const replica_now_t *now);

/* It could not even be asked. */
replica_news_t replica_unasked(replica_t *r, const char *why);

/* For how long, in s, it has lacked something. */
uint64_t replica_lag(const replica_t *r, const replica_now_t *now);

#endif /* BROKER_REPLICA_H */
