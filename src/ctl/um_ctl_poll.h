/*
 * um_ctl_poll.h -- questions to many proxies at once, each with its deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_POLL_H
#define UM_CTL_POLL_H

#include "ctl/um_ctl.h"
#include "ctl/um_ctl_health.h"
#include "redis/um_talk.h"

/* What the i-th says, lent.  Returns the next command for it, in words apart
 * by single spaces; NULL: that was all. */
typedef const char *(*um_ctl_reply_pt)(
    void *data, size_t i, const um_talk_answer_t *a);

/*
 * Say `first` to all of them; --timeout is for each command of each.  False:
 * interrupted, and on_reply has not run for all.
 */
UM_MUSTCHECK bool um_ctl_poll(um_ctl_t *c, const char *const *address, size_t n,
    const char *first, um_ctl_reply_pt on_reply, void *data);

/* Why there is no answer, or none of use; NULL: there is one.  In the pool. */
const char *um_ctl_poll_why(um_pool_t *p, const um_talk_answer_t *a);

/* ---- How they are ------------------------------------------------------- */

typedef struct {
    const char *address; /* set by the caller, as the next */
    bool with_time;
    const char *why; /* NULL: it has answered */
    um_ctl_health_t health;
    bool has_skew;
    int64_t skew; /* its clock is so many seconds before (-) ours */
} um_ctl_probe_t;

/* UMCTL HEALTH; of proxies that do not know that UMCTL GETEPOCH, so only the
 * epoch.  False: interrupted. */
UM_MUSTCHECK bool um_ctl_probe(
    um_ctl_t *c, um_pool_t *p, um_ctl_probe_t *probe, size_t n);

/* Of those that have been asked; NULL: it is not among them. */
const um_ctl_probe_t *um_ctl_probe_of(
    const um_ctl_probe_t *probe, size_t n, const char *address);

#endif /* UM_CTL_POLL_H */
