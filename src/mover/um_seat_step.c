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
#include "shm/um_lease.h"

/* No answer for as long is worth telling. */
#define SILENT_MS 1000

/* How long catching up may stand still, and take. */
#define CATCH_UP_STILL_MS 5000
#define CATCH_UP_MAX_MS   30000

/* A link that is up for as long has passed on what its master held back. */
#define FLOWS_MS 5000

/* CLIENT REPLY came with 3.2. */
#define VERSION_REPLY_SKIP 0x030200

/* A replica that has not read for so long, though there is something. */
#define STALLED_MS 2000

/* An old master that does not answer is waited for as long, when our node's
 * link to it stands. */
#define OLD_TIME_MS 1000

/* A link that is down as long after we have attached it gets another try. */
#define ATTACH_AGAIN_MS 3000

void
um_seat_on_news(void *data)
{
    um_seat_go_on(data);
}

/* ---- What is known ------------------------------------------------------ */

/* Is `host`, `port` where this one is? */
static bool
is_at(const um_talk_t *t, const char *host, uint16_t port)
{
    const um_addr_t *a = um_talk_addr(t);
    const char *digits = um_talk_host(t);

    return a->kind != UM_ADDR_UNIX && a->port == port
           && (strcmp(a->host, host) == 0
               || (digits != NULL && strcmp(digits, host) == 0));
}

uint64_t
um_seat_age(const um_seat_t *s, uint64_t since_ns)
{
    uint64_t now = um_mover_now(s->m);

    return now > since_ns ? (now - since_ns) / UM_MOVER_MS : 0;
}

/* While an old master is held our node comes nearer, or it does not. */
static void
seat_note_progress(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    if (f->fence != UM_FENCE_HOLDS) {
        s->fenced_ns = 0;
        f->no_progress = false;
        return;
    }

    if (s->fenced_ns == 0 || f->look.offset != s->caught_up) {
        s->caught_ns = um_mover_now(s->m);
        s->caught_up = f->look.offset;
    }
    if (s->fenced_ns == 0) {
        s->fenced_ns = s->caught_ns;
    }
    f->no_progress = um_seat_age(s, s->caught_ns) >= CATCH_UP_STILL_MS
                     || um_seat_age(s, s->fenced_ns) >= CATCH_UP_MAX_MS;
}

static bool
seat_is_followed_by(const um_seat_t *s, const um_other_facts_t *o)
{
    return o->state == UM_OTHER_SEEN && !o->look.master
           && is_at(s->self, o->look.master_host, o->look.master_port);
}

/* May the proxy of the one from whom our node takes over still serve, without
 * having heard of it?  One that was free until now takes over from nobody. */
static bool
seat_lease_runs(const um_seat_t *s)
{
    const um_seat_facts_t *f = &s->f;
    uint64_t wished =
        atomic_load_explicit(&s->m->sh->wished_ns, memory_order_acquire);

    return (f->was_replica || !f->expendable)
           && um_lease_may_run(
               wished, s->m->heritage->conf.lease, um_clock_boot_ns());
}

static void
seat_facts_of_master(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    f->lease_runs = seat_lease_runs(s);
    for (uint32_t i = 0; i < f->peers; i++) {
        um_other_facts_t *p = &s->peer_facts[i];

        *p = s->peer[i].facts;
        p->turning = um_elder_is_turning(s->m, s->peer[i].talk);
        p->follows_us = seat_is_followed_by(s, p);
    }

    f->fence = UM_FENCE_NONE;
    memset(&f->old, 0, sizeof(f->old));
    if (s->old != NULL) {
        f->old = *um_elder_facts(s->old);
        f->old.follows_us = seat_is_followed_by(s, &f->old);
        f->old_had_time = um_seat_age(s, s->old_ns) >= OLD_TIME_MS;
        f->fence = um_elder_fenced(s->old, f->lease_runs, &f->old_offset);
    }
    seat_note_progress(s);
}

/*
 * Does what its master writes arrive?  When it gets to an offset that its
 * master had since the link is up, and that is beyond where the link came up.
 * Where nothing moves, for the master does not know WAIT or is paused, time
 * tells.
 */
static void
seat_note_flow(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    if (!f->master_is_right || !f->look.link_up) {
        s->linked_ns = 0;
        f->flows = false;
        return;
    }

    if (s->linked_ns == 0) {
        s->linked_ns = um_mover_now(s->m);
        s->linked_at = f->look.offset;
        s->master.nudged = 0;
    }
    f->flows |=
        (s->master.nudged > s->linked_at && f->look.offset >= s->master.nudged)
        || um_seat_age(s, s->linked_ns) >= FLOWS_MS;
}

static void
seat_facts_of_replica(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    f->master = s->master.facts;
    f->out_of_reach = f->master.state == UM_OTHER_SEEN
                      && um_talk_host(s->master.talk) == NULL;
    f->master_is_right =
        s->master.talk != NULL && !f->look.master
        && is_at(s->master.talk, f->look.master_host, f->look.master_port);
    seat_note_flow(s);
    f->stalled = f->master_is_right && f->look.link_up
                 && f->master.state == UM_OTHER_SEEN
                 && f->master.look.offset > f->look.offset
                 && um_seat_age(s, s->moved_ns) >= STALLED_MS;
}

static void
seat_facts(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;
    uint64_t timeout = s->m->heritage->conf.node_timeout;

    f->silent = !f->down && um_seat_age(s, s->heard_ns) >= SILENT_MS;
    f->attached =
        s->attached_ns != 0 && um_seat_age(s, s->attached_ns) < ATTACH_AGAIN_MS;
    f->doubt_is_over =
        s->judged_ns != 0 && um_seat_age(s, s->judged_ns) >= timeout;
    if (f->wanted == UM_REPL_MASTER) {
        seat_facts_of_master(s);
    } else {
        seat_facts_of_replica(s);
    }
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

/* Is it still told to write only with more replicas than it can have? */
static void
seat_on_cap(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_str_t cap = um_reply_text(um_reply_at(a->reply, 1));

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
 * the time; a master may be fenced for good reason.
 */
void
um_seat_set_free(um_seat_t *s)
{
    bool pause = s->f.look.version >= UM_ELDER_PAUSE;

    if (um_talk_sayz(s->self, UM_MOVER_DO_MS,
            pause ? seat_on_nothing : seat_on_cap, s,
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

    seat_facts(s);
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
