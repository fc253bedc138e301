/*
 * um_seat_step.c -- a node is judged, and told.  What is to be done is
 * um_seat_rule.c's matter; here it is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_seat_priv.h"
#include "redis/um_reply.h"

/* CLIENT REPLY came with 3.2. */
#define VERSION_REPLY_SKIP 0x030200

void
um_seat_on_news(void *data)
{
    um_seat_go_on(data);
}

/* ---- What is told ------------------------------------------------------- */

static void
seat_say(const um_seat_t *s, um_seat_next_t next)
{
    const char *state = um_repl_state_name(next.state);

    if (next.state == UM_REPL_WAITING && next.why[0] != '\0') {
        um_log_notice(0, "node %s: %s: %s", s->addr.text, state, next.why);
    } else if (next.why[0] != '\0') {
        um_log_warn(0, "node %s: %s: %s", s->addr.text, state, next.why);
    } else if (s->state != next.state && next.state != UM_REPL_NEW) {
        um_log_notice(0, "node %s: %s", s->addr.text, state);
    }
}

/* Another state is news for the log and for all who look. */
static void
seat_enter(um_seat_t *s, um_seat_next_t next)
{
    if (!next.doubt) {
        s->judged_ns = 0;
    } else if (s->judged_ns == 0) {
        s->judged_ns = um_mover_now(s->m);
    }

    if (s->state == next.state && strcmp(s->why, next.why) == 0) {
        return;
    }

    seat_say(s, next);
    if (next.state == UM_REPL_FENCED || next.state == UM_REPL_DOUBTED) {
        s->confirmed = false;
    }
    s->f.fenced |= next.state == UM_REPL_FENCED;
    if (s->state != next.state) {
        s->since_us = um_clock_wall_us();
        if (next.state == UM_REPL_DOUBTED) {
            atomic_fetch_add(&s->m->sh->counts.doubts, 1);
        }
    }
    s->state = next.state;
    s->why = next.why;
    um_mover_changed(s->m);
}

/* A command is over: what we knew of our node is old news. */
static void
seat_acted(um_seat_t *s)
{
    s->acting = false;
    s->acted_ns = um_mover_now(s->m);
    s->asked_ns = 0; /* look again at once */
    s->f.seen = false;
}

/* ---- A replica that is stopped ------------------------------------------ */

static void
seat_on_nothing(void *data, const um_talk_answer_t *a)
{
    (void) data;
    (void) a; /* refused: nothing was to be undone; lost: it is done again */
}

static void
seat_on_released(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;

    if (a->end != UM_TALK_ANSWERED) {
        s->freed_ns = 0; /* once more */
    } else if (s->freed_ns != 0) {
        s->released = true;
    }
}

/* Is it still told to write only with more replicas than it can have? */
static void
seat_on_cap(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_str_t cap = um_reply_text(um_reply_at(a->reply, 1));

    seat_on_released(data, a); /* that refuses, it holds nobody */
    if (um_str_eq(cap, um_lit(UM_ELDER_CAP))
        && um_talk_sayz(s->self, UM_MOVER_DO_MS, seat_on_nothing, s,
               "CONFIG SET min-slaves-to-write 0")
               != UM_OK)
    {
        um_log_error(0, "node %s: out of memory", s->addr.text);
    }
}

/*
 * Whoever fenced it as a master may have died before it could undo that, and a
 * replica that is paused does not read on.  Only masters are fenced, so now is
 * the time; a master may be fenced for good reason.  Before it is made a master
 * again it must have done so: writes that are held then were sent to the master
 * that it was, and another may have taken over since.  As a replica it refuses
 * them.
 */
void
um_seat_set_free(um_seat_t *s)
{
    bool pause = s->f.look.version >= UM_ELDER_PAUSE;

    if (um_talk_sayz(s->self, UM_MOVER_DO_MS,
            pause ? seat_on_released : seat_on_cap, s,
            pause ? "CLIENT UNPAUSE" : "CONFIG GET min-slaves-to-write")
        == UM_OK)
    {
        s->freed_ns = um_mover_now(s->m);
    }
}

/* ---- A master ----------------------------------------------------------- */

void
um_seat_drop_old(um_seat_t *s)
{
    um_elder_abandon(s->old);
    s->old = NULL;
}

static void
seat_serve(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    if (s->confirmed && f->served && strcmp(f->run_id, f->look.run_id) == 0) {
        return;
    }

    um_seat_drop_old(s);
    memcpy(f->run_id, f->look.run_id, sizeof(f->run_id));
    f->served = s->confirmed = true;
    f->expendable = f->was_replica = false;
    um_mover_changed(s->m);
}

/* Where others find our node: names are theirs to resolve, for what ours
 * stands for here may be this very machine.  NULL: nowhere. */
static const char *
seat_host(const um_seat_t *s)
{
    return s->addr.kind == UM_ADDR_NAME ? s->addr.host : um_talk_host(s->self);
}

/* What the old master had acknowledged, for all we know, and we have not. */
static uint64_t
seat_behind(const um_seat_facts_t *f)
{
    uint64_t end = 0;

    if (f->old.state == UM_OTHER_SEEN && f->old.look.master) {
        end = f->fence == UM_FENCE_HOLDS ? f->old_offset : f->old.look.offset;
    }

    return end > f->look.offset ? end - f->look.offset : 0;
}

void
um_seat_took_over(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;
    const char *host = seat_host(s);

    if (s->old != NULL && host != NULL) {
        um_elder_turn(s->old, &s->addr, host, &f->look, f->look.replid);
        s->old = NULL;
    } else {
        um_seat_drop_old(s);
    }
}

static void
seat_on_promoted(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_seat_facts_t *f = &s->f;

    seat_acted(s);
    if (a->end != UM_TALK_ANSWERED || um_reply_is_error(a->reply)) {
        um_str_t why =
            a->reply != NULL ? um_reply_text(a->reply) : um_str_of(a->why);

        um_log_warn(0, "node %s: REPLICAOF NO ONE: %.*s", s->addr.text,
            um_str_fmt(why));
        return;
    }

    memcpy(f->promoted, f->look.run_id, sizeof(f->promoted));
    s->promoted_us = um_clock_wall_us();
    s->lost = seat_behind(f);
    atomic_fetch_add(&s->m->sh->counts.promotions, 1);
    atomic_fetch_add(&s->m->sh->counts.bytes_lost, s->lost);
    um_log_notice(0, "node %s: promoted at offset %llu, %llu bytes behind",
        s->addr.text, (unsigned long long) f->look.offset,
        (unsigned long long) s->lost);

    um_seat_took_over(s);
    um_mover_changed(s->m);
}

static void
seat_promote(um_seat_t *s)
{
    s->acting = um_talk_sayz(s->self, UM_MOVER_DO_MS, seat_on_promoted, s,
                    "SLAVEOF NO ONE")
                == UM_OK;
}

static void
seat_ask_old(um_seat_t *s)
{
    const um_look_t *look = &s->f.look;
    bool v6 = strchr(look->master_host, ':') != NULL;
    char address[300];

    if (s->old == NULL) {
        (void) snprintf(address, sizeof(address), v6 ? "[%s]:%u" : "%s:%u",
            look->master_host, look->master_port);
        s->old = um_elder_new(s->m, address, um_seat_on_news, s);
        s->old_ns = um_mover_now(s->m);
    }
    if (s->old != NULL) {
        um_elder_look(s->old, SEAT_OTHER_WORK_MS);
    }
}

/* A peer has not heard that our node took over from it. */
static void
seat_turn(um_seat_t *s, um_other_t *peer)
{
    const char *host = seat_host(s);
    um_elder_t *o;

    if (host == NULL) {
        return;
    }

    o = um_elder_new(s->m, um_talk_addr(peer->talk)->text, um_seat_on_news, s);
    if (o != NULL) {
        um_log_notice(0, "node %s: old master %s has not heard of it",
            s->addr.text, um_talk_addr(peer->talk)->text);
        um_elder_turn(o, &s->addr, host, &s->f.look, s->f.look.replid2);
        um_other_forget(peer); /* it will be another one afterwards */
    }
}

/* ---- A replica ---------------------------------------------------------- */

static void
seat_on_attached(void *data, const char *why)
{
    um_seat_t *s = data;

    s->attach = NULL;
    seat_acted(s);
    s->attached_ns = um_mover_now(s->m);
    if (why == NULL) {
        um_log_notice(0, "node %s: is told to follow %s", s->addr.text,
            um_talk_addr(s->master.talk)->text);
        s->f.expendable = false;
    } else {
        um_log_warn(0, "node %s: cannot follow: %s", s->addr.text, why);
    }
}

static void
seat_follow(um_seat_t *s)
{
    const char *host = um_talk_host(s->master.talk);
    uint16_t port = um_talk_addr(s->master.talk)->port;

    s->attach = um_attach_new(s->m, s->self, s->master.talk,
        &s->master.facts.look, host, port, "", seat_on_attached, s);
    s->acting = s->attach != NULL;
}

/*
 * Have our node tell its master that the data have arrived: it did when they
 * had, but a master that had not seen its child end by then waits for the next
 * time, which is a second later.  REPLCONF has no answer, whatever it says, so
 * PING has one.
 */
static void
seat_acknowledge(um_seat_t *s)
{
    static const um_str_t words =
        um_lit("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n"
               "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
               "*1\r\n$4\r\nPING\r\n");

    if (s->f.look.version >= VERSION_REPLY_SKIP
        && um_talk_say_pieces(
               s->self, UM_MOVER_DO_MS, seat_on_nothing, s, &words, 1)
               != UM_OK)
    {
        um_log_error(0, "node %s: out of memory", s->addr.text);
    }
}

static void
seat_on_rejoined(void *data, const char *why)
{
    um_seat_t *s = data;

    s->attach = NULL;
    seat_acted(s);
    s->attached_ns = um_mover_now(s->m);
    if (why != NULL) {
        um_log_warn(0,
            "node %s: has no link to its old master, and cannot get one: %s",
            s->addr.text, why);
    }
}

/* It is to take over, and has no link to the one from whom: perhaps it is not
 * let in. */
static void
seat_rejoin(um_seat_t *s)
{
    const um_look_t *look = &s->f.look;

    s->attach =
        um_attach_new(s->m, s->self, um_elder_talk(s->old), &s->f.old.look,
            look->master_host, look->master_port, "", seat_on_rejoined, s);
    s->acting = s->attach != NULL;
}

/* ---- Step by step ------------------------------------------------------- */

static void
seat_do(um_seat_t *s, um_seat_next_t next)
{
    switch (next.what) {
    case UM_SEAT_WAIT:
        break;

    case UM_SEAT_SERVE:
        seat_serve(s);
        break;

    case UM_SEAT_ASK_PEERS:
        for (uint32_t i = 0; i < s->f.peers; i++) {
            um_other_ask(&s->peer[i], SEAT_OTHER_WORK_MS);
        }
        break;

    case UM_SEAT_ASK_OLD:
        seat_ask_old(s);
        break;

    case UM_SEAT_FENCE:
        um_elder_fence(s->old);
        break;

    case UM_SEAT_REJOIN:
        seat_rejoin(s);
        break;

    case UM_SEAT_FREE_OLD:
        um_elder_set_free(s->old);
        break;

    case UM_SEAT_PROMOTE:
        seat_promote(s);
        break;

    case UM_SEAT_TURN:
        seat_serve(s);
        seat_turn(s, &s->peer[next.peer]);
        break;

    case UM_SEAT_ASK_MASTER:
        um_other_ask(&s->master, SEAT_OTHER_WORK_MS);
        break;

    case UM_SEAT_FOLLOW:
        seat_follow(s);
        break;

    case UM_SEAT_NUDGE:
        if (um_other_nudge(&s->master, SEAT_NUDGE_MS)) {
            seat_acknowledge(s);
        }
        break;
    }
}

void
um_seat_go_on(um_seat_t *s)
{
    um_seat_next_t next;

    if (s->acting) {
        return;
    }

    um_seat_know(s);
    next = um_seat_next(&s->f);

    /* After a command of ours nothing is known for a moment. */
    if (next.state == UM_REPL_NEW && next.what == UM_SEAT_WAIT
        && s->state != UM_REPL_DOWN && s->state != UM_REPL_SILENT)
    {
        return;
    }

    seat_enter(s, next);
    seat_do(s, next);
}
