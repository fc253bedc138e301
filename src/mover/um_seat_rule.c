/* SPDX-License-Identifier: Apache-2.0 */

#include "mover/um_seat_rule.h"

#include <string.h>

static um_seat_next_t
next(um_seat_do_t what, um_repl_state_t state, const char *why)
{
    return (um_seat_next_t){ what, state, why };
}

/* ---- Master wanted ------------------------------------------------------ */

/* Has it data, and has seen more of the stream of replication?  Which stands
 * at 0 where nothing was written since the replica came. */
static bool
is_ahead(const um_look_t *a, const um_look_t *b)
{
    if (a->offset == b->offset) {
        return a->keys > b->keys && !um_look_is_kin(a, b);
    }

    return a->offset > b->offset && a->keys > 0;
}

static bool
has_restarted(const um_seat_facts_t *f)
{
    return f->run_id[0] != '\0' && strcmp(f->run_id, f->look.run_id) != 0;
}

/*
 * Has this one, which is to follow our node, data that ours does not have?
 * When it has lost its link to ours and is ahead, ours came back empty or old.
 * Where we know that ours did, it need not even have been a replica of late.
 */
static bool
peer_knows_better(const um_seat_facts_t *f, const um_other_facts_t *p)
{
    if (p->state != UM_OTHER_SEEN || !is_ahead(&p->look, &f->look)) {
        return false;
    }

    return p->follows_us ? !p->look.link_up : has_restarted(f);
}

typedef enum {
    PEERS_UNASKED,
    PEERS_ASKED,
    PEERS_UNKNOWN, /* not all of them answer */
    PEERS_AGREE,
    PEERS_OBJECT,
} peers_say_t;

static peers_say_t
peers_say(const um_seat_facts_t *f)
{
    peers_say_t say = PEERS_AGREE;

    for (uint32_t i = 0; i < f->peers; i++) {
        const um_other_facts_t *p = &f->peer[i];

        if (peer_knows_better(f, p)) {
            return PEERS_OBJECT;
        }
        if (p->state == UM_OTHER_UNASKED) {
            say = PEERS_UNASKED;
        } else if (p->state == UM_OTHER_ASKED) {
            say = um_min(say, PEERS_ASKED);
        } else if (p->state != UM_OTHER_SEEN) {
            say = um_min(say, PEERS_UNKNOWN);
        }
    }

    return say;
}

/*
 * Before it may serve: does anybody know better?  `go` is done when nobody
 * does.  Who restarted, as far as we remember, needs to hear that from all, or
 * from nobody for a long time.
 */
static um_seat_next_t
with_consent(const um_seat_facts_t *f, um_seat_do_t go, um_repl_state_t state)
{
    switch (peers_say(f)) {
    case PEERS_UNASKED:
        return next(UM_SEAT_ASK_PEERS, UM_REPL_NEW, "");

    case PEERS_ASKED:
        return next(UM_SEAT_WAIT, UM_REPL_NEW, "");

    case PEERS_OBJECT:
        return next(UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED,
            "it began anew and its replica has what it lost");

    case PEERS_UNKNOWN:
        if (has_restarted(f) && !f->doubt_is_over) {
            return next(UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED,
                "it began anew, and its replica does not say what it has");
        }
        return next(go, state, "");

    default:
        return next(go, state, "");
    }
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
        /* Dead or cut off.  Without a single sync there is nothing to save
         * here, and all may be there. */
        if (f->look.never_linked) {
            return next(UM_SEAT_ASK_OLD, UM_REPL_SYNCING,
                "it never was in sync with its master, which is gone");
        }
        return next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
    }

    if (!f->old.look.master) {
        /* It takes no writes any more. */
        return f->look.never_linked
                   ? next(UM_SEAT_ASK_OLD, UM_REPL_SYNCING,
                       "it never was in sync with its master")
                   : next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
    }

    /* A master that has lost what we have is nobody to wait for. */
    if (!f->look.link_up && !f->look.never_linked
        && is_ahead(&f->look, &f->old.look))
    {
        return next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
    }

    switch (f->fence) {
    case UM_FENCE_NONE:
        return next(UM_SEAT_FENCE, UM_REPL_FENCING, "");

    case UM_FENCE_ASKED:
        return next(UM_SEAT_WAIT, UM_REPL_FENCING, "");

    case UM_FENCE_HOLDS:
        if (f->look.offset >= f->old_offset && !f->look.never_linked) {
            return next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "");
        }
        break;

    case UM_FENCE_FAILED:
        break;
    }

    if (f->look.never_linked) {
        return next(UM_SEAT_WAIT, UM_REPL_SYNCING,
            "it never was in sync with its master");
    }

    return f->no_progress || f->fence == UM_FENCE_FAILED
               ? next(UM_SEAT_PROMOTE, UM_REPL_FENCING, "")
               : next(UM_SEAT_WAIT, UM_REPL_FENCING, "");
}

static um_seat_next_t
want_master(const um_seat_facts_t *f)
{
    if (f->spare) {
        return f->look.master ? next(UM_SEAT_WAIT, UM_REPL_SERVING, "")
                              : next(UM_SEAT_PROMOTE, UM_REPL_NEW, "");
    }

    if (f->look.master) {
        return f->served && strcmp(f->run_id, f->look.run_id) == 0
                   ? next(UM_SEAT_SERVE, UM_REPL_SERVING, "")
                   : with_consent(f, UM_SEAT_SERVE, UM_REPL_SERVING);
    }

    /* It served under these wishes and was made a replica since: somebody
     * with newer ones was here.  Ours are old (design.md 5). */
    if (f->served) {
        return next(UM_SEAT_WAIT, UM_REPL_FENCED,
            "it was made a replica: another proxy has taken over");
    }

    return promote(f);
}

/* ---- Replica wanted ----------------------------------------------------- */

/*
 * Would a sync with its master cost data that only our node has?  Yes, when it
 * was ahead as the link broke: its master came back empty or old.  Perhaps,
 * when our node was no replica before, for whoever decided may not know yet
 * what its master has lost: that is worth a while.
 */
static bool
sync_would_lose(const um_seat_facts_t *f)
{
    if (f->expendable || !is_ahead(&f->look, &f->master.look)) {
        return false;
    }

    if (f->master_is_right) {
        return !f->look.never_linked;
    }

    return f->look.master && !f->doubt_is_over
           && !um_look_is_kin(&f->look, &f->master.look);
}

static um_seat_next_t
want_replica(const um_seat_facts_t *f)
{
    if (f->master_is_right && f->look.link_up) {
        return next(UM_SEAT_WAIT, UM_REPL_IN_SYNC, "");
    }

    switch (f->master.state) {
    case UM_OTHER_UNASKED:
        return next(UM_SEAT_ASK_MASTER,
            f->master_is_right ? UM_REPL_SYNCING : UM_REPL_WAITING, "");

    case UM_OTHER_ASKED:
        return next(UM_SEAT_WAIT,
            f->master_is_right ? UM_REPL_SYNCING : UM_REPL_WAITING, "");

    case UM_OTHER_SILENT:
    case UM_OTHER_REFUSED:
        return next(UM_SEAT_ASK_MASTER, UM_REPL_WAITING,
            "its master does not answer");

    default:
        break;
    }

    if (f->out_of_reach) {
        return next(UM_SEAT_WAIT, UM_REPL_WAITING,
            "its master is at a UNIX socket, where it cannot be followed");
    }

    if (!f->master.look.master) {
        return next(UM_SEAT_ASK_MASTER, UM_REPL_WAITING,
            "its master is no master yet");
    }

    if (sync_would_lose(f)) {
        return next(UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED,
            "its master began anew and this one has what it lost");
    }

    return f->master_is_right && f->attached
               ? next(UM_SEAT_ASK_MASTER, UM_REPL_SYNCING, "")
               : next(UM_SEAT_FOLLOW, UM_REPL_SYNCING, "");
}

um_seat_next_t
um_seat_next(const um_seat_facts_t *f)
{
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

    return f->wanted == UM_REPL_MASTER ? want_master(f) : want_replica(f);
}
