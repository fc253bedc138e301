/*
 * Epochs that proxies know and this broker does not: its state has gone back.
 * Proxies take no news that are not newer, so it has to go beyond them.
 *
 *   asked for   PUT epoch/recovery asks all proxies once: broker_recover.c
 *   told        whoever hears of a proxy that is ahead says so: epoch_told(),
 *               PUT epoch/seen
 *   by itself   when a damaged file made it start from the state before:
 *
 *       HELD    -> ASKING  [began_on_answers, epoch_on_hold_end]
 *       ASKING  -> (over)  [left_on_answers: all have told]
 *       ASKING  -> (over)  [left_give_up: recovery_timeout]
 *
 *       HELD    changes wait: all proxies are asked for the first time, for
 *               three seconds at most.
 *       ASKING  the epoch is beyond those that have told.  The others are asked
 *               again every second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"

#define NS_PER_MS     UINT64_C(1000000)
#define EPOCH_HOLD_MS 3000

/* Proxies named when it gives up. */
#define EPOCH_NAMED 3

/* There is none beyond it: whoever claims it is no proxy of ours. */
static bool
epoch_is_absurd(broker_t *b, const ask_one_t *p)
{
    if (p->epoch <= STORE_EPOCH_MAX - 2) {
        return false;
    }

    if (!b->epoch_wait.complained) {
        um_log_error(0,
            "proxy %s says that it is at epoch %" PRIu64 ", which nothing can "
            "go beyond: it takes no metadata any more",
            p->address, p->epoch);
    }
    b->epoch_wait.complained = true;
    return true;
}

uint64_t
epoch_highest(broker_t *b, const round_t *r, size_t *told)
{
    uint64_t highest = 0;

    *told = 0;
    for (size_t i = 0; i < r->proxies.count; i++) {
        const ask_one_t *p = &r->proxies.list[i];

        *told += p->answered;
        if (p->answered && !epoch_is_absurd(b, p)) {
            highest = um_max(highest, p->epoch);
        }
    }

    return highest;
}

/* ---- Told by somebody --------------------------------------------------- */

store_rc_t
epoch_apply_seen(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    uint64_t serial = store_serial(s);
    store_rc_t rc = store_seen(s, c->name, c->number);

    if (rc == STORE_OK && store_serial(s) != serial) {
        um_log_warn(0,
            "proxy %.*s is at epoch %" PRIu64 ", of which nothing is known "
            "here: the epoch is %" PRIu64 " now",
            um_str_fmt(c->name), c->number, store_epoch(s));
    }

    return rc;
}

/* Is it at an epoch that it was told? */
static bool
epoch_is_known(const broker_t *b, const ask_one_t *p)
{
    return p->epoch <= store_proxy_key(b->store, um_str_of(p->address)).epoch;
}

void
epoch_told(broker_t *b, const ask_one_t *p)
{
    change_t *c;

    if (!p->answered || epoch_is_known(b, p) || epoch_is_absurd(b, p)) {
        return;
    }

    c = change_new(NULL, epoch_apply_seen);
    if (c == NULL) {
        return;
    }

    c->text = strdup(p->address);
    if (c->text == NULL) {
        um_log_error(ENOMEM, "epochs");
        change_free(c);
        return;
    }

    c->name = um_str_of(c->text);
    c->number = p->epoch;
    change_add(b, c);
}

/* ---- By itself ---------------------------------------------------------- */

/* Keep those of a round that have not told, or were ahead: whether they are
 * caught up with is asked once more.  One that is registered no more has
 * nothing to tell. */
static void
left_keep(broker_t *b, round_t *r)
{
    ask_list_t *left = &b->epoch_wait.left;

    ask_deinit(left);
    for (size_t i = 0; i < r->proxies.count; i++) {
        const ask_one_t *p = &r->proxies.list[i];
        um_str_t address = um_str_of(p->address);

        if ((p->answered && (epoch_is_known(b, p) || epoch_is_absurd(b, p)))
            || store_proxy_key(b->store, address).epoch == 0)
        {
            continue;
        }
        if (ask_add(left, address, 0) != UM_OK) {
            return; /* who is forgotten here tells the coordinator */
        }
    }
}

static void
epoch_over(broker_t *b)
{
    b->epoch_wait.pending = false;
    ask_deinit(&b->epoch_wait.left);
}

static void
left_give_up(broker_t *b)
{
    const ask_list_t *left = &b->epoch_wait.left;

    for (size_t i = 0; i < left->count && i < EPOCH_NAMED; i++) {
        um_log_warn(0,
            "proxy %s has not told its epoch: should it come back at a higher "
            "one, PUT epoch/seen or epoch/recovery is needed",
            left->list[i].address);
    }
    um_log_warn(0, "proxies that are not asked for their epoch any more: %zu",
        left->count);
    epoch_over(b);
}

static void
left_on_answers(round_t *r)
{
    broker_t *b = r->b;

    b->epoch_wait.asking = false;
    for (size_t i = 0; i < r->proxies.count; i++) {
        epoch_told(b, &r->proxies.list[i]);
    }

    left_keep(b, r);
    if (b->epoch_wait.left.count == 0) {
        um_log_notice(0, "all proxies have told their epoch");
        epoch_over(b);
    } else if (um_clock_ns() >= b->epoch_wait.until_ns) {
        left_give_up(b);
    }
}

/* Changes may come now. */
static void
epoch_release(broker_t *b)
{
    um_timer_stop(b->epoch_wait.hold);
    changes_hold(b, false);
}

static store_rc_t
apply_beyond(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    return store_recover_epoch(s, c->number);
}

static void
began_on_answers(round_t *r)
{
    broker_t *b = r->b;
    size_t told;
    uint64_t highest = epoch_highest(b, r, &told);
    change_t *c = change_new(NULL, apply_beyond);

    b->epoch_wait.asking = false;
    um_log_notice(0,
        "%zu of %zu proxies have told their epoch, the highest is %" PRIu64
        ": going beyond it",
        told, r->proxies.count, highest);
    if (c != NULL) {
        /* Beyond our own, too: somebody may have seen what is lost. */
        c->number = um_max(highest, store_epoch(b->store));
        change_add_first(b, c);
    }

    left_keep(b, r);
    epoch_release(b);
}

static void
epoch_on_hold_end(void *data)
{
    broker_t *b = data;

    um_log_warn(0, "proxies take long to tell their epoch: changes go on");
    epoch_release(b);
}

static void
round_on_free(round_t *r)
{
    free(r);
}

/* Ask those that are left, or all.  False: not this time. */
static bool
epoch_ask(broker_t *b, round_pt on_answers, bool all)
{
    round_t *r = calloc(1, sizeof(*r));
    um_rc_t rc = UM_OK;

    if (r == NULL) {
        um_log_error(ENOMEM, "epochs");
        return false;
    }

    round_init(r, b, on_answers, round_on_free);
    if (all) {
        rc = round_add_all(r);
    }
    for (size_t i = 0; !all && rc == UM_OK && i < b->epoch_wait.left.count; i++)
    {
        rc = ask_add(
            &r->proxies, um_str_of(b->epoch_wait.left.list[i].address), 0);
    }

    if (rc != UM_OK || round_start(r) != UM_OK) {
        round_free(r);
        return false;
    }

    b->epoch_wait.asking = true;
    return true;
}

um_rc_t
epoch_begin(broker_t *b)
{
    store_counts_t n;

    store_count(b->store, &n);
    if (n.proxies == 0) {
        return UM_OK; /* nobody knows better */
    }

    um_log_notice(0, "the last change is lost: proxies are asked which epoch "
                     "they are at, and changes wait");
    b->epoch_wait.pending = true;
    b->epoch_wait.until_ns =
        um_clock_ns() + b->conf->recovery_timeout * NS_PER_MS;
    b->epoch_wait.hold = um_timer_new(b->loop, epoch_on_hold_end, b);
    if (b->epoch_wait.hold == NULL) {
        um_log_error(ENOMEM, "broker");
        return UM_ERR;
    }

    changes_hold(b, true);
    um_timer_start(b->epoch_wait.hold, EPOCH_HOLD_MS);
    return epoch_ask(b, began_on_answers, true) ? UM_OK : UM_ERR;
}

void
epoch_on_tick(broker_t *b)
{
    if (b->epoch_wait.pending && !b->epoch_wait.asking) {
        (void) epoch_ask(b, left_on_answers, false);
    }
}

void
epoch_deinit(broker_t *b)
{
    um_timer_free(b->epoch_wait.hold);
    ask_deinit(&b->epoch_wait.left);
}
