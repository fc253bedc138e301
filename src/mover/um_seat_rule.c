/* SPDX-License-Identifier: Apache-2.0 */

#include "mover/um_seat_rule.h"

#include <string.h>

static um_seat_next_t
next(um_seat_do_t what, um_repl_state_t state, const char *why)
{
    return (um_seat_next_t){ .what = what, .state = state, .why = why };
}

/* The same, but not for ever. */
static um_seat_next_t
doubt(um_seat_do_t what, um_repl_state_t state, const char *why)
{
    return (um_seat_next_t){
        .what = what, .state = state, .why = why, .doubt = true
    };
}

/* ---- Master wanted ------------------------------------------------------ */

/*
 * It could serve, and nobody has stopped the old master, whose proxy may not
 * have heard: that serves for as long as its lease runs.  `meanwhile` may find
 * one who stops it.
 */
static um_seat_next_t
unfenced(const um_seat_facts_t *f, um_seat_do_t meanwhile, um_seat_next_t go)
{
    return f->lease_runs ? next(meanwhile, UM_REPL_FENCING,
               "the old master cannot be told to stop: its lease is waited for")
                         : go;
}

static bool
is_run(const um_seat_facts_t *f, const char *run_id)
{
    return run_id[0] != '\0' && strcmp(run_id, f->look.run_id) == 0;
}

static bool
has_restarted(const um_seat_facts_t *f)
{
    return f->run_id[0] != '\0' && !is_run(f, f->run_id);
}

/* Neither do we know it, nor has it anything. */
static bool
is_new(const um_seat_facts_t *f)
{
    return f->run_id[0] == '\0' && !is_run(f, f->promoted)
           && um_look_is_blank(&f->look);
}

/*
 * Has this one, which is to follow our node, data that ours does not have?
 * When it has lost its link to ours and is ahead, ours came back empty or old.
 * Where we know that ours did, it need not have noticed yet, nor even have
 * been a replica of late.
 */
static bool
peer_knows_better(const um_seat_facts_t *f, const um_other_facts_t *p)
{
    return p->state == UM_OTHER_SEEN && !p->look.loading
           && um_look_is_ahead(&p->look, &f->look)
           && (has_restarted(f) || (p->follows_us && !p->look.link_up));
}

/* From the worst to the best. */
typedef enum {
    PEERS_TOOK_OVER, /* one of them serves in the place of ours */
    PEERS_OBJECT,
    PEERS_UNASKED,
    PEERS_ASKED,
    PEERS_UNKNOWN, /* not all of them answer, or know their data yet */
    PEERS_AGREE,
} peers_say_t;

static peers_say_t
peer_says(const um_seat_facts_t *f, const um_other_facts_t *p)
{
    switch (p->state) {
    case UM_OTHER_UNASKED:
        return PEERS_UNASKED;

    case UM_OTHER_ASKED:
        return PEERS_ASKED;

    case UM_OTHER_SEEN:
        if (!p->of_before && um_look_took_over(&p->look, &f->look)) {
            return PEERS_TOOK_OVER;
        }
        if (peer_knows_better(f, p)) {
            return PEERS_OBJECT;
        }
        return p->look.loading ? PEERS_UNKNOWN : PEERS_AGREE;

    default:
        return PEERS_UNKNOWN;
    }
}

static peers_say_t
peers_say(const um_seat_facts_t *f)
{
    peers_say_t say = PEERS_AGREE;

    for (uint32_t i = 0; i < f->peers; i++) {
        say = um_min(say, peer_says(f, &f->peer[i]));
    }

    return say;
}

static um_seat_next_t
taken_over(void)
{
    return next(UM_SEAT_WAIT, UM_REPL_FENCED,
        "its replica was made a master: another proxy has taken over");
}

/*
 * Before it may serve: does anybody know better?  `go` is done when nobody
 * does.  Who restarted, as far as we remember, needs to hear that from all, or
 * from nobody for a long time; so does one that has nothing, for then we may
 * be who does not remember.
 */
static um_seat_next_t
with_consent(const um_seat_facts_t *f, um_seat_do_t go, um_repl_state_t state)
{
    switch (peers_say(f)) {
    case PEERS_TOOK_OVER:
        return taken_over();

    case PEERS_OBJECT:
        return next(UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED,
            "it began anew and its replica has what it lost");

    case PEERS_UNASKED:
        return next(UM_SEAT_ASK_PEERS, UM_REPL_NEW, "");

    case PEERS_ASKED:
        return next(UM_SEAT_WAIT, UM_REPL_NEW, "");

    case PEERS_UNKNOWN:
        if (has_restarted(f) && !f->doubt_is_over) {
            return doubt(UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED,
                "it began anew, and its replica does not say what it has");
        }
        if (is_new(f) && !f->doubt_is_over) {
            return doubt(UM_SEAT_ASK_PEERS, UM_REPL_NEW,
                "it is empty, and its replica does not say what it has");
        }
        break;

    default:
        break;
    }

    return go == UM_SEAT_PROMOTE || f->was_replica
               ? unfenced(f, UM_SEAT_ASK_PEERS, next(go, state, ""))
               : next(go, state, "");
}

/* It serves.  Its peers are looked at now and then: one may be an old master
 * that has not heard of it, or may have taken over, and we have not. */
static um_seat_next_t
serve_on(const um_seat_facts_t *f)
{
    if (peers_say(f) == PEERS_TOOK_OVER) {
        return taken_over();
    }

    for (uint32_t i = 0; i < f->peers; i++) {
        const um_other_facts_t *p = &f->peer[i];

        if (p->state == UM_OTHER_SEEN && !p->turning
            && um_look_is_heir(&f->look, &p->look))
        {
            um_seat_next_t n = next(UM_SEAT_TURN, UM_REPL_SERVING, "");

            n.peer = i;
            return n;
        }
    }

    return next(UM_SEAT_SERVE, UM_REPL_SERVING, "");
}

/* The old master does not answer. */
static um_seat_next_t
promote_without(const um_seat_facts_t *f)
{
    /* Without a single sync there is nothing to save here, and all may be
     * there. */
    if (f->look.never_linked) {
        return next(UM_SEAT_ASK_OLD, UM_REPL_SYNCING,
            "it never was in sync with its master, which is gone");
    }

    /* While the link stands it may just be slow, and more may come. */
    if (f->old.state == UM_OTHER_SILENT && f->look.link_up && !f->old_had_time)
    {
        return next(UM_SEAT_ASK_OLD, UM_REPL_FENCING, "");
    }

    return unfenced(
        f, UM_SEAT_ASK_OLD, next(UM_SEAT_PROMOTE, UM_REPL_FENCING, ""));
}

/* Our node needs a link to its old master, which may not let it in. */
static um_seat_do_t
rejoin_or(const um_seat_facts_t *f, um_seat_do_t what)
{
    return f->look.link_up || f->attached ? what : UM_SEAT_REJOIN;
}

/* It answers, and is to be stopped; until it is. */
static um_seat_next_t
fence(const um_seat_facts_t *f)
{
    um_seat_next_t go = next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");

    switch (f->fence) {
    case UM_FENCE_NONE:
        return next(UM_SEAT_FENCE, UM_REPL_FENCING, "");

    case UM_FENCE_ASKED:
        return next(UM_SEAT_WAIT, UM_REPL_FENCING, "");

    case UM_FENCE_FAILED:
        return unfenced(f, UM_SEAT_ASK_OLD, go);

    default:
        return go;
    }
}

/* The old master answers, and is a master. */
static um_seat_next_t
promote_behind(const um_seat_facts_t *f)
{
    /* One that has lost what we have is nobody to wait for.  But it may be
     * written to. */
    if (!f->look.link_up && !f->look.never_linked
        && um_look_is_ahead(&f->look, &f->old.look))
    {
        return f->lease_runs ? fence(f)
                             : next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
    }

    /* Nor is there anything to stop it for before we have its data. */
    if (f->look.never_linked ? !um_look_has_all(&f->look, &f->old.look)
                             : !um_look_is_kin(&f->look, &f->old.look))
    {
        return next(rejoin_or(f, UM_SEAT_ASK_OLD), UM_REPL_SYNCING,
            "it never was in sync with its master");
    }

    if (f->fence == UM_FENCE_HOLDS && f->look.offset < f->old_offset
        && !f->no_progress)
    {
        return next(rejoin_or(f, UM_SEAT_WAIT), UM_REPL_FENCING, "");
    }

    return fence(f);
}

/* It is a replica of somebody, and is to be a master. */
static um_seat_next_t
promote(const um_seat_facts_t *f)
{
    if (um_look_is_orphan(&f->look)) {
        return with_consent(f, UM_SEAT_PROMOTE, UM_REPL_FENCING);
    }

    switch (f->old.state) {
    case UM_OTHER_UNASKED:
        return next(UM_SEAT_ASK_OLD, UM_REPL_FENCING, "");

    case UM_OTHER_ASKED:
        return next(UM_SEAT_WAIT, UM_REPL_FENCING, "");

    case UM_OTHER_SEEN:
        break;

    default:
        return promote_without(f);
    }

    if (f->old.look.loading) {
        /* It takes no writes yet; what it has it does not know itself. */
        return promote_without(f);
    }

    if (f->old.look.master) {
        return promote_behind(f);
    }

    if (f->old.follows_us) {
        /* A circle, in which nobody can sync.  One of them has all. */
        return um_look_has_all(&f->look, &f->old.look)
                   ? next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "")
                   : next(UM_SEAT_FREE_OLD, UM_REPL_FENCING, "");
    }

    /* It takes no writes any more. */
    return f->look.never_linked ? next(UM_SEAT_ASK_OLD, UM_REPL_SYNCING,
               "it never was in sync with its master")
                                : next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
}

/* Is there nothing anywhere that it could have missed? */
static bool
all_are_blank(const um_seat_facts_t *f)
{
    bool blank = um_look_is_blank(&f->look);

    for (uint32_t i = 0; blank && i < f->peers; i++) {
        blank = f->peer[i].state == UM_OTHER_SEEN
                && um_look_is_blank(&f->peer[i].look);
    }

    return blank;
}

/*
 * It has no part in the cluster of its master any more.  Its proxy may have
 * sent it writes a moment ago, while it was the master there; whatever comes of
 * that must find a replica, which refuses it.
 */
static um_seat_next_t
leave(const um_seat_facts_t *f)
{
    return next(
        f->calm || um_look_is_orphan(&f->look) ? UM_SEAT_PROMOTE : UM_SEAT_WAIT,
        UM_REPL_NEW, "");
}

static um_seat_next_t
want_master(const um_seat_facts_t *f)
{
    if (f->spare && f->look.master) {
        return next(UM_SEAT_WAIT, UM_REPL_SERVING, "");
    }

    if (f->stray || f->spare) {
        return leave(f);
    }

    if (f->fenced) {
        return f->look.master ? taken_over()
                              : next(UM_SEAT_WAIT, UM_REPL_FENCED,
                                  "it was made a replica: another proxy has "
                                  "taken over");
    }

    if (f->look.master) {
        if (f->served && is_run(f, f->run_id)) {
            return serve_on(f);
        }
        /* A master, but of an earlier life: it was to follow and did not get
         * to it.  What it has would pass for what the cluster had. */
        if (f->was_replica && f->expendable && !all_are_blank(f)) {
            return next(UM_SEAT_ASK_PEERS, UM_REPL_SYNCING,
                "it never was in sync with its master");
        }
        return is_run(f, f->promoted)
                   ? next(UM_SEAT_SERVE, UM_REPL_SERVING, "")
                   : with_consent(f, UM_SEAT_SERVE, UM_REPL_SERVING);
    }

    /* It served under these wishes and was made a replica since: somebody
     * with newer ones was here.  Ours are old (design.md 5).  Unless it began
     * anew, and begins as a replica of nobody. */
    if (f->served && !(has_restarted(f) && um_look_is_orphan(&f->look))) {
        return next(UM_SEAT_WAIT, UM_REPL_FENCED,
            "it was made a replica: another proxy has taken over");
    }

    return promote(f);
}

/* ---- Replica wanted ----------------------------------------------------- */

/*
 * Would a sync with its master cost data that only our node has?  Yes, when it
 * was ahead as the link broke: its master came back empty or old.  Yes, when it
 * has taken over from this very master and was written to since: whoever
 * decided did not know.  Perhaps, when our node was no replica before and is
 * ahead: that is worth a while.
 */
typedef enum { SYNC_IS_FINE, SYNC_MAY_LOSE, SYNC_LOSES } sync_t;

static sync_t
sync_costs(const um_seat_facts_t *f)
{
    const um_look_t *master = &f->master.look;

    if (f->expendable) {
        return SYNC_IS_FINE;
    }

    if (um_look_took_over(&f->look, master)) {
        return SYNC_LOSES;
    }

    if (!um_look_is_ahead(&f->look, master)) {
        return SYNC_IS_FINE;
    }

    if (f->master_is_right) {
        return f->look.never_linked ? SYNC_IS_FINE : SYNC_LOSES;
    }

    return f->look.master && !um_look_is_kin(&f->look, master) ? SYNC_MAY_LOSE
                                                               : SYNC_IS_FINE;
}

static um_seat_next_t
follow(const um_seat_facts_t *f)
{
    switch (sync_costs(f)) {
    case SYNC_LOSES:
        return next(UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED,
            "its master has less than this one: a sync would lose that");

    case SYNC_MAY_LOSE:
        if (!f->doubt_is_over) {
            return doubt(UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED,
                "it has more than its master, which a sync will overwrite");
        }
        break;

    case SYNC_IS_FINE:
        break;
    }

    return f->master_is_right && f->attached
               ? next(UM_SEAT_ASK_MASTER, UM_REPL_SYNCING, "")
               : next(UM_SEAT_FOLLOW, UM_REPL_SYNCING, "");
}

/*
 * Its link is up: it has read its master's data.  That does not say that it
 * gets what has been written since.  A master holds that back until it knows
 * that the data have arrived, which may take it a second, and who dies
 * meanwhile takes it along.
 */
static um_seat_next_t
linked(const um_seat_facts_t *f)
{
    if (!f->flows) {
        return next(UM_SEAT_NUDGE, UM_REPL_SYNCING, "");
    }

    return f->stalled ? next(UM_SEAT_WAIT, UM_REPL_SYNCING,
               "it does not read what its master sends")
                      : next(UM_SEAT_WAIT, UM_REPL_IN_SYNC, "");
}

static um_seat_next_t
want_replica(const um_seat_facts_t *f)
{
    um_repl_state_t meanwhile =
        f->master_is_right ? UM_REPL_SYNCING : UM_REPL_WAITING;

    if (f->master_is_right && f->look.link_up) {
        return linked(f);
    }

    switch (f->master.state) {
    case UM_OTHER_UNASKED:
        return next(UM_SEAT_ASK_MASTER, meanwhile, "");

    case UM_OTHER_ASKED:
        return next(UM_SEAT_WAIT, meanwhile, "");

    case UM_OTHER_SILENT:
    case UM_OTHER_REFUSED:
        return next(
            UM_SEAT_ASK_MASTER, UM_REPL_WAITING, "its master does not answer");

    default:
        break;
    }

    if (f->out_of_reach) {
        return next(UM_SEAT_WAIT, UM_REPL_WAITING,
            "its master is at a UNIX socket, where it cannot be followed");
    }

    if (f->master.look.loading) {
        return next(
            UM_SEAT_ASK_MASTER, UM_REPL_WAITING, "its master reads its data");
    }

    if (!f->master.look.master) {
        return next(
            UM_SEAT_ASK_MASTER, UM_REPL_WAITING, "its master is no master yet");
    }

    return follow(f);
}

um_seat_next_t
um_seat_next(const um_seat_facts_t *f)
{
    um_seat_next_t n;

    if (f->down) {
        return next(UM_SEAT_WAIT, UM_REPL_DOWN, "nobody listens there");
    }

    if (f->silent) {
        return next(UM_SEAT_WAIT, UM_REPL_SILENT, "it does not answer");
    }

    if (!f->seen) {
        return next(UM_SEAT_WAIT, UM_REPL_NEW, "");
    }

    if (f->look.loading) {
        return next(UM_SEAT_WAIT, UM_REPL_LOADING, "it reads its data");
    }

    if (f->wanted != UM_REPL_MASTER) {
        return want_replica(f);
    }

    n = want_master(f);
    if (n.what == UM_SEAT_PROMOTE && f->holds) {
        n.what = UM_SEAT_WAIT;
    }
    return n;
}
