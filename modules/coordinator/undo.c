/*
 * undo.c -- migrations that are taken back: the proxies of each task are told
 * to undo their halves, and the broker that they have.
 *
 *   source      UMCTL UNDO until +UNDONE  -> PUT clusters/migrations/undone
 *   destination the same
 *   both        the broker takes the tags away, and all are told of that
 *
 * What is to be undone is the broker's to know; it is asked for only while a
 * view says that there is something.  All of it may be said twice and by
 * several coordinators, so nothing is kept here that a restart could lose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "redis/um_reply.h"
#include "undo_rule.h"
#include "undo_text.h"

#define UNDO_TICK_MS 50

/* The list is read again after that, for others work on it, too. */
#define UNDO_LIST_MS 2000

typedef struct {
    um_list_t link;
    uint64_t id;
    undo_task_t task;
    uint64_t list; /* the latest that has it */
    bool telling;  /* the broker has not answered yet */
    uint64_t due_ns;
    undo_says_t says;
    uint32_t times; /* that in a row */
    char text[];
} undo_one_t;

typedef struct undo_s {
    coord_t *co;
    um_timer_t *timer;
    um_list_t all;
    uint64_t ids;
    uint64_t list;
    bool listing; /* the list is under way */
    uint64_t list_due_ns;
    uint64_t turn; /* of the brokers when it was asked for */
    char etag[80]; /* of the list that `all` was made from; "": none */
} undo_t;

static void undo_go(undo_t *u);

/* ---- Tasks -------------------------------------------------------------- */

static void
one_free(undo_one_t *one)
{
    um_list_del(&one->link);
    free(one);
}

static undo_one_t *
one_find(const undo_t *u, uint64_t id)
{
    um_list_each(l, &u->all)
    {
        undo_one_t *one = um_list_entry(l, undo_one_t, link);

        if (one->id == id) {
            return one;
        }
    }

    return NULL;
}

static undo_one_t *
one_of(undo_t *u, const undo_task_t *t)
{
    size_t size = strlen(t->text) + 1;
    undo_one_t *one;

    um_list_each(l, &u->all)
    {
        one = um_list_entry(l, undo_one_t, link);
        if (strcmp(one->text, t->text) == 0) {
            return one;
        }
    }

    one = calloc(1, sizeof(*one) + size);
    if (one == NULL) {
        um_log_error(ENOMEM, "a migration that is taken back");
        return NULL;
    }

    memcpy(one->text, t->text, size);
    one->task = *t;
    one->task.text = one->text;
    one->id = ++u->ids;
    um_list_init(&one->link);
    um_list_add_tail(&u->all, &one->link);
    return one;
}

/* Those that the latest list does not have.  What the broker has yet to answer
 * is why it may not have it: that is waited for, it is to be counted. */
static void
undo_sweep(undo_t *u)
{
    um_list_each_safe(l, &u->all)
    {
        undo_one_t *one = um_list_entry(l, undo_one_t, link);

        if (one->list != u->list && !one->telling) {
            one_free(one);
        }
    }
}

static void
undo_clear(undo_t *u)
{
    u->list++;
    u->etag[0] = '\0';
    undo_sweep(u);
}

static const char *
one_proxy(const undo_one_t *one, unsigned side)
{
    return side == 0 ? one->task.who.src_proxy : one->task.who.dst_proxy;
}

/* ---- The list ----------------------------------------------------------- */

/* Does a view say that there is one? */
static bool
undo_is_wanted(const coord_t *co)
{
    um_list_each(l, &co->views)
    {
        if (um_list_entry(l, view_t, link)->cancelling) {
            return true;
        }
    }

    return false;
}

static bool
undo_on_task(void *data, const undo_task_t *t)
{
    undo_t *u = data;
    undo_one_t *one = one_of(u, t);

    if (one == NULL) {
        return false;
    }

    one->list = u->list;
    memcpy(one->task.undone, t->undone, sizeof(t->undone));
    return true;
}

static void
undo_on_list(void *data, const broker_answer_t *a)
{
    undo_t *u = data;

    u->listing = false;
    if (a->status == 304 || !undo_is_wanted(u->co)) {
        return;
    }

    if (a->status != 200) {
        um_log_info(0, "broker: no list of what is taken back: %u %s",
            a->status, a->why);
        return;
    }

    u->list++;
    u->etag[0] = '\0';
    switch (undo_parse(a->body, undo_on_task, u)) {
    case UM_OK:
        snprintf(u->etag, sizeof(u->etag), "%s",
            strlen(a->etag) < sizeof(u->etag) ? a->etag : "");
        undo_sweep(u);
        break;

    case UM_DECLINED:
        um_log_error(0, "broker: what is taken back is no list of tasks");
        break;

    default:
        break;
    }

    undo_go(u);
}

static void
undo_ask_list(undo_t *u, uint64_t now)
{
    uint64_t turn = brokers_turn(u->co->brokers);
    const broker_ask_t ask = {
        .method = UM_HTTP_GET,
        .target = "/clusters/migrations/cancelling",
        .view = true,
        /* Another broker's tags may mean something else. */
        .etag = turn == u->turn ? u->etag : NULL,
    };

    u->list_due_ns = now + UNDO_LIST_MS * NS_PER_MS;
    u->turn = turn;
    u->listing = brokers_ask(u->co->brokers, &ask, undo_on_list, u) == UM_OK;
}

/* ---- The broker is told ------------------------------------------------- */

static void
one_wait(undo_one_t *one, undo_says_t says, uint64_t now)
{
    one->times = one->says == says ? one->times + 1 : 1;
    one->says = says;
    one->due_ns = now + undo_pause(says, one->times) * NS_PER_MS;
}

static void
one_settled(coord_t *co, const undo_one_t *one)
{
    co->stats.undone++;
    um_log_notice(0, "taken back: %.120s", one->text); /* ranges may be many */
    sync_now(co);
}

static void
undo_on_told(void *data, const broker_answer_t *a)
{
    undo_t *u = data;
    uint64_t now = um_loop_now(u->co->loop);
    unsigned long long id = 0;
    unsigned side = 0;
    undo_one_t *one;

    (void) sscanf(a->about, "%llu %u", &id, &side);
    one = one_find(u, id);
    if (one == NULL) {
        return;
    }

    one->telling = false;
    if (a->status == 200) {
        one->task.undone[side == 1] = true;
        one->due_ns = now;
        one->says = UNDO_SAYS_NOTHING;
        if (undo_turn(one->task.undone) == 2) {
            one_settled(u->co, one);
        }
        undo_sweep(u);
        undo_go(u);
        return;
    }

    one_wait(one, UNDO_SAYS_DONE, now);
    if (a->status == 404) {
        /* Another coordinator was first, or it is a new task since. */
        u->list_due_ns = now;
        sync_now(u->co);
    } else if (a->status != 409 && a->status != 0) {
        um_log_error(
            0, "the broker does not take a migration back: %u", a->status);
    }
    undo_sweep(u);
}

static void
one_tell(undo_t *u, undo_one_t *one, unsigned side)
{
    um_sbuf_t body = { 0 };
    char about[32];

    snprintf(about, sizeof(about), "%" PRIu64 " %u", one->id, side);
    undo_body(&one->task, side, &body);
    if (!body.failed) {
        const broker_ask_t ask = {
            .method = UM_HTTP_PUT,
            .target = "/clusters/migrations/undone",
            .body = { body.data, body.len },
            .about = about,
        };

        one->telling =
            brokers_ask(u->co->brokers, &ask, undo_on_told, u) == UM_OK;
    }
    um_sbuf_deinit(&body);
}

/* ---- The proxies are told ----------------------------------------------- */

/* What the log should have, once. */
static void
one_log(const undo_one_t *one, const coord_proxy_t *p, undo_says_t says,
    um_str_t text)
{
    if (says == one->says) {
        return;
    }

    if (says == UNDO_SAYS_TOO_LATE) {
        um_log_notice(0, "proxy %s: too late to take back, it is done: %.120s",
            p->address, one->text);
    } else if (says == UNDO_SAYS_NO) {
        um_log_error(0, "proxy %s: does not take back %.120s: %.*s", p->address,
            one->text, (int) um_min(text.len, 80u), text.data);
    }
}

static void
undo_on_answer(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;
    undo_t *u = p->co->undo;
    uint64_t now = um_loop_now(p->co->loop);
    undo_one_t *one = u != NULL ? one_find(u, p->undo_id) : NULL;
    undo_says_t says = UNDO_SAYS_NOTHING;
    um_str_t text = { "", 0 };
    unsigned side;

    p->undo_id = 0;
    if (one == NULL) {
        return;
    }

    if (a->end == UM_TALK_ANSWERED) {
        text = um_reply_text(a->reply);
        says = undo_read(um_reply_is_error(a->reply), text);
    }
    one_log(one, p, says, text);
    one_wait(one, says, now);

    /* Only if it is still the one whose turn it is. */
    side = undo_turn(one->task.undone);
    if (says == UNDO_SAYS_DONE && side < 2 && !one->telling
        && strcmp(one_proxy(one, side), p->address) == 0)
    {
        one_tell(u, one, side);
    }
}

static void
one_ask(undo_one_t *one, coord_proxy_t *p, unsigned side)
{
    um_sbuf_t words = { 0 };

    undo_command(&one->task, side, &words);
    if (!words.failed
        && um_talk_sayz(p->talk, p->co->conf->proxy_timeout, undo_on_answer, p,
               um_sbuf_cstr(&words))
               == UM_OK)
    {
        p->undo_id = one->id;
    }
    um_sbuf_deinit(&words);
}

static void
one_step(undo_t *u, undo_one_t *one, uint64_t now)
{
    unsigned side = undo_turn(one->task.undone);
    coord_proxy_t *p;

    if (side == 2 || one->telling || one->due_ns > now) {
        return;
    }

    /* One question at a time to each, and only to who answers. */
    p = proxies_find(u->co, one_proxy(one, side));
    if (p != NULL && p->beaten && p->kind == KIND_OURS && p->undo_id == 0) {
        one_ask(one, p, side);
    }
}

/* ---- Its course --------------------------------------------------------- */

static void
undo_go(undo_t *u)
{
    uint64_t now = um_loop_now(u->co->loop);

    if (!u->listing && u->list_due_ns <= now) {
        undo_ask_list(u, now);
    }

    um_list_each(l, &u->all)
    {
        one_step(u, um_list_entry(l, undo_one_t, link), now);
    }
}

static void
undo_on_tick(void *data)
{
    undo_t *u = data;

    if (!undo_is_wanted(u->co)) {
        undo_clear(u);
        return;
    }

    undo_go(u);
    um_timer_start(u->timer, UNDO_TICK_MS);
}

/* ---- From outside ------------------------------------------------------- */

void
undo_consider(coord_t *co)
{
    if (undo_is_wanted(co)) {
        co->undo->list_due_ns = 0;
        um_timer_start(co->undo->timer, 0);
    }
}

uint32_t
undo_count(const coord_t *co)
{
    uint32_t n = 0;

    um_list_each(l, &co->undo->all)
    {
        n += undo_turn(um_list_entry(l, undo_one_t, link)->task.undone) < 2;
    }

    return n;
}

um_rc_t
undo_start(coord_t *co)
{
    undo_t *u = calloc(1, sizeof(*u));

    if (u != NULL) {
        u->timer = um_timer_new(co->loop, undo_on_tick, u);
    }
    if (u == NULL || u->timer == NULL) {
        um_log_error(ENOMEM, "coordinator");
        free(u);
        return UM_ERR;
    }

    u->co = co;
    um_list_init(&u->all);
    co->undo = u;
    return UM_OK;
}

void
undo_stop(coord_t *co)
{
    undo_t *u = co->undo;

    if (u == NULL) {
        return;
    }

    um_timer_free(u->timer);
    um_list_each_safe(l, &u->all)
    {
        one_free(um_list_entry(l, undo_one_t, link));
    }
    free(u);
    co->undo = NULL;
}
