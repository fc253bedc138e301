/*
 * Changes.  One batch at a time:
 *
 *   waiting -> flight   [changes_start]   applied to a copy, in order
 *   flight  -> durable  [changes_save]    on a helper thread, with one fsync
 *   durable -> answered [changes_finish]  the copy is the store now
 *
 * Meanwhile requests that read are answered from the store as it was, and
 * those that change wait for the next batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "broker.h"
#include "core/um_log.h"

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
    if (b->next == NULL && !b->held && !um_list_is_empty(&b->waiting)) {
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

static void
changes_save(void *data)
{
    broker_t *b = data;
    um_str_t text = { b->text.data, b->text.len };

    unsigned notes = b->next_replica ? FILE_REPLICA : 0;

    b->saved = file_save(&b->file, text, notes, &b->fault) == UM_OK;
}

static void
changes_finish(void *data)
{
    broker_t *b = data;

    um_sbuf_deinit(&b->text);

    if (b->saved) {
        if (b->complained) {
            um_log_notice(0, "storage file %s: saves work again", b->file.path);
        }
        b->complained = false;
        b->stats.saves++;
        changes_swap(b);
        changes_answer(b, STORE_OK);
    } else {
        if (!b->complained) {
            um_log_error(b->fault.err,
                "storage file %s: %s failed; changes are refused until it "
                "works again",
                b->file.path, b->fault.what);
        }
        b->complained = true;
        b->stats.save_failures++;
        changes_drop(b);
        changes_answer(b, STORE_PERSISTENCE_IO_ERROR);
    }

    changes_wake(b);
}

/* Begin to make `next` durable.  False: that cannot even begin. */
static bool
changes_keep(broker_t *b)
{
    store_dump(b->next, &b->text);
    if (b->text.failed) {
        um_log_error(ENOMEM, "storage file %s", b->file.path);
        um_sbuf_deinit(&b->text);
        return false;
    }

    if (um_jobs_add(b->jobs, changes_save, changes_finish, b) != UM_OK) {
        um_log_error(ENOMEM, "storage file %s", b->file.path);
        um_sbuf_deinit(&b->text);
        return false;
    }

    return true;
}

/* What follows from it.  A replica leaves that to its master, or both would do
 * it, and not alike. */
static store_rc_t
changes_follow(broker_t *b, const change_t *c)
{
    b->next_replica = c->whole;
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
        c->after = true;
        return changes_follow(b, c);
    }

    return STORE_OK;
}

/* Has anything changed?  UM_ERR: out of memory. */
static um_rc_t
changes_apply(broker_t *b)
{
    bool changed = false;

    store_purge(b->next, broker_env(b));

    um_list_each(l, &b->flight)
    {
        change_t *c = um_list_entry(l, change_t, link);

        if (changes_apply_one(b, c) != STORE_OK) {
            return UM_ERR;
        }
        b->stats.changes += c->after;
        changed |= c->after;
        c->after = changed;
    }

    return changed ? UM_OK : UM_DECLINED;
}

static void
changes_fail(broker_t *b, store_rc_t rc)
{
    um_list_each(l, &b->flight)
    {
        um_list_entry(l, change_t, link)->after = true;
    }

    changes_drop(b);
    changes_answer(b, rc);
    changes_wake(b);
}

static void
changes_start(void *data)
{
    broker_t *b = data;

    if (b->next != NULL || b->held || b->leaving
        || um_list_is_empty(&b->waiting)) {
        return;
    }

    while (!um_list_is_empty(&b->waiting)) {
        change_t *c = um_list_entry(b->waiting.next, change_t, link);

        um_list_del(&c->link);
        um_list_add_tail(&b->flight, &c->link);
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
        if (b->file.path != NULL) {
            if (!changes_keep(b)) {
                changes_fail(b, STORE_PERSISTENCE_IO_ERROR);
            }
            return;
        }
        changes_swap(b);
        changes_answer(b, STORE_OK);
        break;

    case UM_DECLINED:
        changes_drop(b);
        changes_answer(b, STORE_OK);
        break;

    default:
        um_log_error(ENOMEM, "a change of the store");
        changes_fail(b, STORE_NO_MEMORY);
        return;
    }
    changes_wake(b);
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
    return b->next == NULL && um_list_is_empty(&b->waiting);
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
    um_sbuf_deinit(&b->text);
    store_free(b->next);
    b->next = NULL;
}
