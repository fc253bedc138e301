/*
 * um_resolve.h -- the addresses behind one name, asked for on a helper thread
 * and remembered for a while.
 *
 * What is an address already answers at once, and never asks anybody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_RESOLVE_H
#define UM_RESOLVE_H

#include "core/um_addr.h"
#include "net/um_job.h"

/* Addresses of a name that are looked at. */
#define UM_RESOLVE_MAX 8

/* Milliseconds for which they are believed. */
#define UM_RESOLVE_TTL 10000

typedef struct um_resolve_s um_resolve_t;

typedef struct {
    struct sockaddr_storage sa;
    socklen_t len;
} um_resolved_t;

/*
 * A look-up is over.  `why`: NULL, or why there is no address; lent for good.
 * It runs from the loop; or within um_resolve_get(), when there is no thread.
 */
typedef void (*um_resolve_pt)(void *data, const char *why);

/*
 * `a` is copied; `jobs` and `data` are lent until um_resolve_free().  Whoever
 * frees `jobs` gives um_resolve_drop() the data of look-ups.  `a` may not be a
 * UNIX socket; `jobs` may be NULL when it is no name.  NULL: no memory, logged.
 */
UM_MUSTCHECK um_resolve_t *um_resolve_new(um_loop_t *loop, um_jobs_t *jobs,
    const um_addr_t *a, um_resolve_pt on_done, void *data);

/* Also while somebody is asked: on_done will not run. */
void um_resolve_free(um_resolve_t *r);

/*
 * UM_OK: `*list` has `*count` addresses, lent until the next call.  UM_AGAIN:
 * on_done will run, or has run.  UM_ERR: nobody can be asked; logged.
 */
UM_MUSTCHECK um_rc_t um_resolve_get(
    um_resolve_t *r, const um_resolved_t **list, uint32_t *count);

/* None of them can be reached: they are not believed any more. */
void um_resolve_distrust(um_resolve_t *r);

/*
 * For helper threads, it may take seconds: one of the addresses of a name, of
 * `nth` 0, 1, 2.. the first, the next.., behind the last the first again.
 * Returns 0, or an EAI_ number of getaddrinfo().
 */
UM_MUSTCHECK int um_resolve_nth(
    const char *host, const char *port, uint32_t nth, um_resolved_t *out);

/* A look-up's data, of jobs that are freed. */
void um_resolve_drop(void *lookup);

#endif /* UM_RESOLVE_H */
