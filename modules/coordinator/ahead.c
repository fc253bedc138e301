/*
 * ahead.c -- a proxy knows of a later epoch than the broker: that has gone
 * back in time, and no proxy takes anything from it until its epoch has caught
 * up.  So it is told, once it is sure that what is known of it is not old.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdio.h>

#include "coord.h"
#include "core/um_log.h"

/* Doubles with every time that it does not help. */
#define AHEAD_PAUSE_MS  1000
#define AHEAD_TIMES_MAX 6u

#define RECOVERY_PAUSE_MS 10000

static void ahead_say(coord_proxy_t *p);

static void
recovery_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;

    if (a->status == 200) {
        um_log_notice(0, "the broker has gone beyond all epochs");
    } else {
        um_log_error(0,
            "the broker does not go beyond the epochs of proxies: "
            "%u %s",
            a->status, a->why);
    }
    sync_now(co);
}

static void
ahead_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p;

    if ((a->status == 404 || a->status == 405)
        && brokers_lack(co->brokers, a, LACKS_SEEN))
    {
        p = proxies_find(co, a->about);
        if (p != NULL) {
            ahead_say(p);
        }
        return;
    }

    sync_now(co);
}

/* A broker of the reference can only be made to ask everybody. */
static void
ahead_say(coord_proxy_t *p)
{
    coord_t *co = p->co;
    uint64_t now = um_loop_now(co->loop);
    uint64_t epoch = um_max(p->beat.epoch, p->beat.repl_epoch);
    um_sbuf_t target = { 0 };
    char end[32];
    broker_ask_t ask = { .method = UM_HTTP_PUT, .about = p->address };
    broker_pt on_answer = ahead_on_answer;

    if (brokers_lacks(co->brokers, LACKS_SEEN)) {
        if (co->recovery_ns != 0
            && now - co->recovery_ns < RECOVERY_PAUSE_MS * NS_PER_MS)
        {
            return;
        }
        co->recovery_ns = now;
        um_sbuf_addz(&target, "/epoch/recovery");
        on_answer = recovery_on_answer;
    } else {
        snprintf(end, sizeof(end), "/%" PRIu64, epoch);
        coord_target(&target, "/epoch/seen/", p->address, end);
    }

    ask.target = um_sbuf_cstr(&target);
    if (!target.failed
        && brokers_ask(co->brokers, &ask, on_answer, co) == UM_OK) {
        co->stats.ahead++;
    }
    um_sbuf_deinit(&target);
}

void
ahead_note(coord_proxy_t *p, bool ahead)
{
    coord_t *co = p->co;
    uint64_t now = um_loop_now(co->loop);
    bool spare = p->view == NULL;

    if (!ahead) {
        p->ahead_ns = 0;
        p->ahead_times = 0;
        return;
    }

    /* What we know may be old: somebody else has told it. */
    if (p->ahead_ns == 0) {
        p->ahead_ns = now;
        p->spare = SPARE_UNKNOWN;
        p->spare_after_ns = 0;
        sync_now(co);
        return;
    }

    if (spare ? p->spare_asked_ns <= p->ahead_ns
              : !sync_is_newer(co, p->ahead_ns)) {
        return;
    }

    if (p->ahead_said_ns == 0
        || now - p->ahead_said_ns >= (AHEAD_PAUSE_MS * NS_PER_MS)
                                         << p->ahead_times)
    {
        p->ahead_times = um_min(p->ahead_times + 1, AHEAD_TIMES_MAX);
        um_log_warn(0,
            "proxy %s: has epoch %" PRIu64 ", the broker's is %" PRIu64,
            p->address, um_max(p->beat.epoch, p->beat.repl_epoch),
            spare ? p->spare_epoch : p->view->epoch);
        p->ahead_said_ns = now;
        p->ahead_ns = 0; /* look anew, then */
        ahead_say(p);
        for (uint32_t i = 0; i < co->proxies; i++) {
            migrate_forget(co->proxy[i]); /* it may have lost that, too */
        }
    }
}
