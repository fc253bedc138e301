/*
 * Changes.  One batch at a time:
 *
 *   waiting -> flight    [changes_fetched]  applied to a copy, in order
 *   flight  -> durable   [storage->keep]
 *   durable -> answered  [changes_kept]     the copy is the store now
 *
 * Meanwhile requests that read are answered from the store as it was, and
 * those that change wait for the next batch.
 *
 * Where others write to the storage, too, it is asked for what there is before
 * a batch is applied, and takes a batch only if that is still so.  Else nothing
 * has happened, and the batch is applied again to what there is then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "broker.h"
#include "core/um_clock.h"
#include "core/um_log.h"

/* How often somebody else may be faster before a batch is given up, and the
 * longest pause after the first time, in ms: twice as long after the next. */
#define CHANGES_CONFLICTS 6
#define CHANGES_PAUSE     8

/* ---- One change --------------------------------------------------------- */

/* The server ends before the answer. */
static void
change_on_cancel(um_http_req_t *r UM_UNUSED, void *data)
{
    change_t *c = data;

    c->req = NULL;
    c->cancelled = true;
}

change_t *
change_new(um_http_req_t *r, change_apply_pt apply)
{
    change_t *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        um_log_error(ENOMEM, "a change");
        return NULL;
    }

    um_list_init(&c->link);
    c->req = r;
    c->own = r == NULL;
    c->apply = apply;
    return c;
}

void
change_free(change_t *c)
{
    cJSON_Delete(c->json);
    um_sbuf_deinit(&c->out);
    free(c->ranges);
    free(c->text);
    free(c);
}

/* Those that wait are applied with the next turn, if they may. */
static void
changes_wake(broker_t *b)
{
    if (b->stage == CHANGES_IDLE && !b->held && !um_list_is_empty(&b->waiting))
    {
        um_timer_start(b->turn, 0);
    }
}

void
change_add(broker_t *b, change_t *c)
{
    if (c->req != NULL) {
        um_http_on_cancel(c->req, change_on_cancel, c);
    }

    um_list_add_tail(&b->waiting, &c->link);
    changes_wake(b);
}

void
change_add_first(broker_t *b, change_t *c)
{
    change_add(b, c);
    um_list_del(&c->link);
    um_list_add_head(&b->waiting, &c->link);
}

/* Nothing of the store has changed, but it is for this broker to do what
 * follows from it now, and to tell its replicas. */
static store_rc_t
apply_lead(broker_t *b, store_t *s UM_UNUSED, change_t *c)
{
    c->after = b->next_replica;
    return STORE_OK;
}

void
changes_lead(broker_t *b)
{
    change_t *c = change_new(NULL, apply_lead);

    if (c != NULL) {
        c->own = false;
        change_add(b, c);
    }
}

void
changes_hold(broker_t *b, bool on)
{
    b->held = on;
    changes_wake(b);
}

static void
change_answer(broker_t *b, change_t *c)
{
    um_http_req_t *r = c->req;

    um_list_del(&c->link);
    if (r != NULL) {
        um_http_on_cancel(r, NULL, NULL);
        api_answer(b, r, c->rc, &c->why, &c->out);
    }
    change_free(c);
}

/* ---- A batch ------------------------------------------------------------ */

/* All are answered; those that rest on what is not durable with `rc`. */
static void
changes_answer(broker_t *b, store_rc_t rc)
{
    while (!um_list_is_empty(&b->flight)) {
        change_t *c = um_list_entry(b->flight.next, change_t, link);

        if (rc != STORE_OK && c->after) {
            um_sbuf_deinit(&c->out);
            c->rc = rc;
        }
        change_answer(b, c);
    }
}

/* The copy is the store from now on. */
static void
changes_swap(broker_t *b)
{
    if (b->replica != b->next_replica) {
        um_log_notice(0,
            b->next_replica
                ? "the metadata is another broker's: a replica, until a change "
                  "is asked for here"
                : "a change was asked for here: a replica no more");
    }

    store_free(b->store);
    b->store = b->next;
    b->next = NULL;
    b->replica = b->next_replica;
    b->version++;
    replicas_changed(b);
    if (b->replaced) { /* stamps of another store mean nothing here */
        views_clear(&b->views);
        b->replaced = false;
    }
}

static void
changes_drop(broker_t *b)
{
    store_free(b->next);
    b->next = NULL;
    b->replaced = false;
}

void
changes_adopt(broker_t *b, store_t *s)
{
    um_assert(b->next == NULL);
    store_free(b->store);
    b->store = s;
    b->version++;
    replicas_changed(b);
    views_clear(&b->views);
}

/* What follows from it.  A replica leaves that to its master, or both would do
 * it, and not alike; of brokers with one storage only one can. */
static store_rc_t
changes_follow(broker_t *b, const change_t *c)
{
    b->next_replica = c->whole && !b->storage->shared;
    if (b->next_replica) {
        return STORE_OK;
    }

    /* A chunk that waits for a spare gets one with the change that brings it,
     * and what a higher limit allows starts, if that was not done before. */
    return store_repair(b->next, broker_env(b), NULL) == STORE_NO_MEMORY
                   || store_start(b->next, broker_env(b)) == STORE_NO_MEMORY
               ? STORE_NO_MEMORY
               : STORE_OK;
}

static store_rc_t
changes_apply_one(broker_t *b, change_t *c)
{
    uint64_t serial = store_serial(b->next);

    um_sbuf_deinit(&c->out); /* of an attempt before */
    c->after = c->changed = c->whole = false;
    c->rc = STORE_OK;

    /* What was asked went with who asked; what nobody asked is not a
     * replica's to do. */
    if (c->cancelled || (c->own && b->next_replica)) {
        return STORE_OK;
    }

    c->rc = c->apply(b, b->next, c);
    if (c->rc == STORE_NO_MEMORY) {
        return STORE_NO_MEMORY;
    }

    if (c->after || store_serial(b->next) != serial) {
        c->after = c->changed = true;
        return changes_follow(b, c);
    }

    return STORE_OK;
}

/* Has anything changed?  UM_ERR: out of memory. */
static um_rc_t
changes_apply(broker_t *b)
{
    bool changed = false;
    uint64_t serial = store_serial(b->next);

    store_purge(b->next, broker_env(b));
    b->purged = store_serial(b->next) != serial;

    um_list_each(l, &b->flight)
    {
        change_t *c = um_list_entry(l, change_t, link);

        if (changes_apply_one(b, c) != STORE_OK) {
            return UM_ERR;
        }
        changed |= c->after;
        c->after = changed;
    }

    return changed ? UM_OK : UM_DECLINED;
}

/* The batch is over. */
static void
changes_end(broker_t *b, store_rc_t rc)
{
    changes_drop(b);
    b->stage = CHANGES_IDLE;
    changes_answer(b, rc);
    changes_wake(b);
}

static void
changes_fail(broker_t *b, store_rc_t rc)
{
    um_list_each(l, &b->flight)
    {
        um_list_entry(l, change_t, link)->after = true;
    }

    changes_end(b, rc);
}

static void
changes_start(void *data)
{
    broker_t *b = data;

    if (b->held || b->leaving
        || (b->stage == CHANGES_IDLE && um_list_is_empty(&b->waiting)))
    {
        return;
    }

    if (b->stage == CHANGES_IDLE) {
        b->conflicts = 0;
    }
    b->stage = CHANGES_FETCHING;
    b->storage->fetch(b);
}

void
changes_fetched(broker_t *b, store_rc_t rc)
{
    /* With those that came meanwhile. */
    um_list_join(&b->flight, &b->waiting);
    if (rc != STORE_OK) {
        changes_fail(b, rc);
        return;
    }

    b->next_replica = b->replica;
    b->next = store_copy(b->store);
    if (b->next == NULL) {
        um_log_error(ENOMEM, "a copy of the store");
        changes_fail(b, STORE_NO_MEMORY);
        return;
    }

    switch (changes_apply(b)) {
    case UM_OK:
        b->stage = CHANGES_KEEPING;
        b->storage->keep(b);
        break;

    case UM_DECLINED:
        changes_end(b, STORE_OK);
        break;

    default:
        um_log_error(ENOMEM, "a change of the store");
        changes_fail(b, STORE_NO_MEMORY);
        break;
    }
}

/* Not all at the same time again: a pause of any length. */
static void
changes_pause(broker_t *b)
{
    uint64_t longest = (uint64_t) CHANGES_PAUSE << (b->conflicts - 1);

    changes_drop(b);
    b->stage = CHANGES_PAUSING;
    um_timer_start(b->turn, um_clock_ns() / 1000 % (longest + 1));
}

void
changes_kept(broker_t *b, store_rc_t rc)
{
    if (rc == STORE_RETRY && ++b->conflicts < CHANGES_CONFLICTS && !b->leaving)
    {
        changes_pause(b);
        return;
    }

    if (rc == STORE_OK) {
        um_list_each(l, &b->flight)
        {
            b->stats.changes += um_list_entry(l, change_t, link)->changed;
        }
        changes_swap(b);
    }
    changes_end(b, rc);
}

/* ---- Begin and end ------------------------------------------------------ */

um_rc_t
changes_init(broker_t *b)
{
    um_list_init(&b->waiting);
    um_list_init(&b->flight);
    b->turn = um_timer_new(b->loop, changes_start, b);
    if (b->turn == NULL) {
        um_log_error(ENOMEM, "broker");
        return UM_ERR;
    }

    return UM_OK;
}

bool
changes_are_idle(const broker_t *b)
{
    return b->stage == CHANGES_IDLE && um_list_is_empty(&b->waiting);
}

static void
changes_forget(um_list_t *list)
{
    um_list_each_safe(l, list)
    {
        change_t *c = um_list_entry(l, change_t, link);

        if (c->req != NULL) {
            um_http_req_t *r = c->req;

            um_http_on_cancel(r, NULL, NULL);
            um_http_text(r, 503, "the broker stops");
        }
        um_list_del(l);
        change_free(c);
    }
}

void
changes_deinit(broker_t *b)
{
    changes_forget(&b->waiting);
    changes_forget(&b->flight);
    um_timer_free(b->turn);
    store_free(b->next);
    b->next = NULL;
}
