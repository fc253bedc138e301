/*
 * um_seat_facts.c -- what is known of a node and of those around it, for
 * um_seat_rule.c to judge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_clock.h"
#include "mover/um_seat_priv.h"
#include "shm/um_lease.h"

/* No answer for as long is worth telling. */
#define SILENT_MS 1000

/* How long catching up may stand still, and take. */
#define CATCH_UP_STILL_MS 5000
#define CATCH_UP_MAX_MS   30000

/* A link that is up for as long has passed on what its master held back. */
#define FLOWS_MS 5000

/* A replica that has not read for so long, though there is something. */
#define STALLED_MS 2000

/* An old master that does not answer is waited for as long, when our node's
 * link to it stands. */
#define OLD_TIME_MS 1000

/* A link that is down as long after we have attached it gets another try. */
#define ATTACH_AGAIN_MS 3000

/* Whoever sent to a node that is free now has heard so, and what it had sent
 * has been executed, or its client was told that it may not have been. */
#define CALM_MS 1000

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

/*
 * Was this peer promoted before our wishes came?  One that was a spare has been
 * made a master to be free, out of the history that our node went on writing,
 * and what it deletes for being too old moves its offset: that looks as if it
 * had taken over.  But it has not followed our node since, and left the history
 * before our node was where it was then.  Where we do not know, it may be one
 * that took over.
 */
static bool
seat_is_of_before(const um_seat_t *s, const um_other_facts_t *p, bool followed)
{
    return s->began_known && !followed && p->look.second_offset != 0
           && p->look.second_offset <= s->began_at;
}

/* Does it still follow a master of the cluster that it was in before? */
static bool
seat_is_stray(const um_seat_t *s)
{
    const um_look_t *look = &s->f.look;

    if (!s->f.expendable || look->master || um_look_is_orphan(look)) {
        return false;
    }

    for (uint32_t i = 0; i < s->f.peers; i++) {
        if (is_at(s->peer[i].talk, look->master_host, look->master_port)) {
            return false;
        }
    }

    return true;
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
        s->followed[i] |= p->follows_us && p->look.link_up;
        p->of_before = seat_is_of_before(s, p, s->followed[i]);
    }
    f->stray = seat_is_stray(s);

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
    f->expendable &= !f->flows; /* what it has is its cluster's */
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

void
um_seat_know(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;
    uint64_t timeout = s->m->heritage->conf.node_timeout;

    f->silent = !f->down && um_seat_age(s, s->heard_ns) >= SILENT_MS;
    f->attached =
        s->attached_ns != 0 && um_seat_age(s, s->attached_ns) < ATTACH_AGAIN_MS;
    f->holds = !f->look.master && !s->released;
    f->calm = um_seat_age(s, s->wished_ns) >= CALM_MS;
    f->doubt_is_over =
        s->judged_ns != 0 && um_seat_age(s, s->judged_ns) >= timeout;
    if (f->wanted == UM_REPL_MASTER) {
        seat_facts_of_master(s);
    } else {
        seat_facts_of_replica(s);
    }
}
