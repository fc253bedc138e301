/*
 * um_mover_priv.h -- what the files of the mover share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MOVER_PRIV_H
#define UM_MOVER_PRIV_H

#include "core/um_list.h"
#include "mover/um_mover.h"
#include "mover/um_seat_rule.h"
#include "net/um_job.h"
#include "net/um_loop.h"
#include "redis/um_talk.h"

#define UM_MOVER_MS UINT64_C(1000000) /* in ns */

/* How long another Redis may take to answer before a step goes on without. */
#define UM_MOVER_OTHER_MS 300

/* How long a command that changes something may take. */
#define UM_MOVER_DO_MS 2000

typedef struct um_mover_s um_mover_t;
typedef struct um_seat_s um_seat_t;
typedef struct um_elder_s um_elder_t;

struct um_mover_s {
    const um_mover_heritage_t *heritage;
    um_loop_t *loop;
    um_jobs_t *names;
    um_io_t master;
    um_io_t wake;
    um_io_t signals;
    um_timer_t *tick;
    um_repl_sh_t *sh;
    um_repl_t wanted; /* a private copy, of ... */
    uint64_t gen;     /* ... this generation    */
    um_repl_board_t board;
    um_seat_t *seat[UM_REPL_NODES]; /* as wanted.node[] */
    um_list_t elders;               /* old masters yet to be turned   */
    uint64_t awake_ns;              /* um_clock_boot_ns() of the tick */
    uint64_t woke_ns;               /* since then not all was seen; 0 */
    bool changed;                   /* `board` is to be shown         */
    bool lease_out;                 /* and that was told              */
    bool leaving;
};

/* A conversation with a Redis at `addr`; NULL: logged. */
um_talk_t *um_mover_talk(um_mover_t *m, const um_addr_t *addr);

/* What is shown has changed. */
static inline void
um_mover_changed(um_mover_t *m)
{
    m->changed = true;
}

static inline uint64_t
um_mover_now(um_mover_t *m)
{
    return um_loop_now(m->loop);
}

/* ---- um_other.c: a Redis that is not ours ------------------------------- */

typedef struct {
    um_mover_t *m;
    um_talk_t *talk; /* NULL: no address yet */
    um_other_facts_t facts;
    uint64_t asked_ns;
    uint64_t nudged;  /* its offset after a nudge; 0: none was answered */
    um_io_pt on_seen; /* its state has changed from ASKED */
    void *data;
} um_other_t;

void um_other_init(um_other_t *o, um_mover_t *m, um_io_pt on_seen, void *data);
void um_other_deinit(um_other_t *o);

/* Whom to ask; another address forgets what is known.  UM_ERR: that is none,
 * or no memory; logged, nobody is asked. */
UM_MUSTCHECK um_rc_t um_other_set(um_other_t *o, um_str_t address);

/* Look at it, unless that is under way or was `pause` ms ago.  What is known
 * stays known until the answer; a first look makes it ASKED. */
void um_other_ask(um_other_t *o, uint64_t pause);

/* The same, and before that it sends all its replicas something, so that their
 * offsets move even where nobody writes: `nudged`.  False: not now. */
bool um_other_nudge(um_other_t *o, uint64_t pause);

/* As if it had never been asked. */
void um_other_forget(um_other_t *o);

/* ---- um_attach.c: let one Redis follow another -------------------------- */

typedef struct um_attach_s um_attach_t;

/* `why` NULL: it was told to, and said yes; else static, what went wrong. */
typedef void (*um_attach_pt)(void *data, const char *why);

/*
 * Have `follower` follow the Redis that `master` speaks with, which is at
 * `host`, `port` for it.  Both are lent until `done`, which is not called from
 * within.
 *
 * Where the master knows users (ACL) the follower gets one of its own there,
 * with a fresh password that lives in its memory only.  So a master that was
 * restarted, perhaps empty, does not let it in, and its data is not thrown
 * away for nothing before we have looked.  `who` is part of that user's name:
 * our node and its new master's proxy may both be at it.  NULL: out of memory,
 * logged.
 */
UM_MUSTCHECK um_attach_t *um_attach_new(um_mover_t *m, um_talk_t *follower,
    um_talk_t *master, const um_look_t *master_look, const char *host,
    uint16_t port, const char *who, um_attach_pt done, void *data);

/* Forget it; `done` will not be called.  NULL is fine. */
void um_attach_cancel(um_attach_t *a);

/* ---- um_elder.c: the old master ----------------------------------------- */

/* The version that knows CLIENT PAUSE ... WRITE.  One before is stopped by a
 * min-slaves-to-write that is never reached. */
#define UM_ELDER_PAUSE 0x060200
#define UM_ELDER_CAP   "1000000"

/* The one at `address`; NULL: logged. */
um_elder_t *um_elder_new(
    um_mover_t *m, const char *address, um_io_pt on_news, void *data);

/* It is not needed: when it was told to stop it may go on.  Taken; NULL is
 * fine. */
void um_elder_abandon(um_elder_t *o);

const um_other_facts_t *um_elder_facts(const um_elder_t *o);
void um_elder_look(um_elder_t *o, uint64_t pause);
um_talk_t *um_elder_talk(const um_elder_t *o); /* lent */

/* Tell it to take no writes, and how far it is then. */
void um_elder_fence(um_elder_t *o);

/* How far that is.  `again`: one that failed a while ago is to be tried anew,
 * and counts as none. */
um_fence_state_t um_elder_fenced(
    const um_elder_t *o, bool again, uint64_t *offset);

/* It follows our node, which follows it: have it follow nobody. */
void um_elder_set_free(um_elder_t *o);

/*
 * Our node at `self`, which is at `host` for others, is a master now and has
 * taken over the history `replid`: have the old one follow it, tried until it
 * holds or the old one has begun a life of its own.  `o` is taken.  `look` is
 * how our node is.
 */
void um_elder_turn(um_elder_t *o, const um_addr_t *self, const char *host,
    const um_look_t *look, const char *replid);

/* Some of them may have something to do.  False: none of it is urgent. */
bool um_elder_tick(um_mover_t *m);

/* Is the one that `t` speaks with being told to follow? */
bool um_elder_is_turning(um_mover_t *m, const um_talk_t *t);

/* Our node is not to be their master any more. */
void um_elder_abandon_all(um_mover_t *m, const um_addr_t *self);

void um_elder_free_all(um_mover_t *m);

/* ---- um_seat.c: one of our nodes ---------------------------------------- */

/* `had`: what an earlier mover has shown of it; NULL: nothing.  NULL: out of
 * memory or no address; logged. */
UM_MUSTCHECK um_seat_t *um_seat_new(
    um_mover_t *m, const um_repl_node_t *wanted, const um_repl_found_t *had);
void um_seat_free(um_seat_t *s); /* NULL is fine */

/* New wishes for the same node. */
void um_seat_want(um_seat_t *s, const um_repl_node_t *wanted);

const um_repl_node_t *um_seat_wanted(const um_seat_t *s);

/* Time has passed. */
void um_seat_tick(um_seat_t *s);

/* We ourselves were away: what we knew is old, and nobody was silent. */
void um_seat_woke(um_seat_t *s);

/* What is shown of it. */
void um_seat_show(const um_seat_t *s, um_repl_found_t *f);

/* Is it as it should be, so that it need not be looked at often? */
bool um_seat_is_settled(const um_seat_t *s);

#endif /* UM_MOVER_PRIV_H */
