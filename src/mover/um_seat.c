/*
 * um_seat.c -- one of our nodes: looked at, judged, told.  What is to be done
 * is um_seat_rule.c's matter; here it is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_mover_priv.h"
#include "redis/um_reply.h"

/* From one look at our node to the next: at rest, and with work to do. */
#define LOOK_REST_MS 250
#define LOOK_WORK_MS 20

/* From one look at another node to the next. */
#define OTHER_WORK_MS 100
#define OTHER_REST_MS 1000

/* No answer for as long is worth telling. */
#define SILENT_MS 1000

/* An answer may come that late and is still one: scripts, forks. */
#define LOOK_TIMEOUT_MS 60000

/* How long catching up may stand still, and take. */
#define CATCH_UP_STILL_MS 1000
#define CATCH_UP_MAX_MS   10000

/* A link that is down as long after we have attached it gets another try. */
#define ATTACH_AGAIN_MS 3000

struct um_seat_s {
    um_mover_t *m;
    um_repl_node_t wanted;
    um_addr_t addr;
    um_talk_t *self;
    um_seat_facts_t f;
    um_other_t peer[UM_REPL_PEERS]; /* master wanted */
    um_other_facts_t peer_facts[UM_REPL_PEERS];
    um_other_t master; /* replica wanted */
    um_elder_t *old;     /* master wanted, and it follows this one */
    um_attach_t *attach;

    um_repl_state_t state;
    const char *why;
    uint64_t since_us;
    uint64_t heard_us;
    uint64_t heard_ns;
    uint64_t asked_ns;   /* of the latest look */
    uint64_t acted_ns;   /* when our latest command was answered */
    uint64_t judged_ns;  /* in this state since, for doubt_is_over */
    uint64_t attached_ns;
    uint64_t caught_ns;  /* catching up: progress since */
    uint64_t fenced_ns;  /* catching up: since */
    uint64_t caught_up;  /* offset then */
    uint64_t lost;
    uint64_t promoted_us;
    bool asking;   /* a look is under way        */
    bool acting;   /* a command is under way     */
    bool confirmed;
};

static void seat_go_on(um_seat_t *s);

static void
seat_on_news(void *data)
{
    seat_go_on(data);
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

static uint64_t
age_ms(um_seat_t *s, uint64_t since_ns)
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
    f->no_progress = age_ms(s, s->caught_ns) >= CATCH_UP_STILL_MS
                     || age_ms(s, s->fenced_ns) >= CATCH_UP_MAX_MS;
}

static void
seat_facts_of_master(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    for (uint32_t i = 0; i < f->peers; i++) {
        um_other_facts_t *p = &s->peer_facts[i];

        *p = s->peer[i].facts;
        p->follows_us = p->state == UM_OTHER_SEEN && !p->look.master
                        && is_at(
                            s->self, p->look.master_host, p->look.master_port);
    }

    f->fence = UM_FENCE_NONE;
    memset(&f->old, 0, sizeof(f->old));
    if (s->old != NULL) {
        f->old = *um_elder_facts(s->old);
        f->fence = um_elder_fenced(s->old, &f->old_offset);
    }
    seat_note_progress(s);
}

static void
seat_facts_of_replica(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    f->master = s->master.facts;
    f->out_of_reach =
        f->master.state == UM_OTHER_SEEN && um_talk_host(s->master.talk) == NULL;
    f->master_is_right =
        s->master.talk != NULL && !f->look.master
        && is_at(s->master.talk, f->look.master_host, f->look.master_port);
    f->attached = s->attached_ns != 0
                  && age_ms(s, s->attached_ns) < ATTACH_AGAIN_MS;
}

static void
seat_facts(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;
    uint64_t timeout = s->m->heritage->conf.node_timeout;

    f->silent = !f->down && age_ms(s, s->heard_ns) >= SILENT_MS;
    f->doubt_is_over =
        s->judged_ns != 0 && age_ms(s, s->judged_ns) >= timeout;
    if (f->wanted == UM_REPL_MASTER) {
        seat_facts_of_master(s);
    } else {
        seat_facts_of_replica(s);
    }
}

/* ---- What is told ------------------------------------------------------- */

/* Another state is news for the log and for all who look. */
static void
seat_enter(um_seat_t *s, um_seat_next_t next)
{
    if (s->state == next.state && strcmp(s->why, next.why) == 0) {
        return;
    }

    if (next.why[0] != '\0') {
        um_log_warn(0, "node %s: %s: %s", s->addr.text,
            um_repl_state_name(next.state), next.why);
    } else if (s->state != next.state) {
        um_log_notice(0, "node %s: %s", s->addr.text,
            um_repl_state_name(next.state));
    }

    if (next.state == UM_REPL_FENCED) {
        s->confirmed = false;
    }
    if (next.state == UM_REPL_DOUBTED && s->state != UM_REPL_DOUBTED) {
        atomic_fetch_add(&s->m->sh->counts.doubts, 1);
        s->judged_ns = um_mover_now(s->m);
    } else if (next.state != UM_REPL_DOUBTED) {
        s->judged_ns = 0;
    }
    if (s->state != next.state) {
        s->since_us = um_clock_wall_us();
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

/* ---- A master ----------------------------------------------------------- */

static void
seat_serve(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    if (s->confirmed && f->served && strcmp(f->run_id, f->look.run_id) == 0) {
        return;
    }

    um_elder_abandon(s->old);
    s->old = NULL;
    memcpy(f->run_id, f->look.run_id, sizeof(f->run_id));
    f->served = s->confirmed = true;
    f->expendable = false;
    um_mover_changed(s->m);
}

static void
seat_on_promoted(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_seat_facts_t *f = &s->f;
    const char *host = um_talk_host(s->self);

    seat_acted(s);
    if (a->end != UM_TALK_ANSWERED || um_reply_is_error(a->reply)) {
        um_str_t why =
            a->reply != NULL ? um_reply_text(a->reply) : um_str_of(a->why);

        um_log_warn(0, "node %s: REPLICAOF NO ONE: %.*s", s->addr.text,
            um_str_fmt(why));
        return;
    }

    s->promoted_us = um_clock_wall_us();
    s->lost = 0;
    if (f->old.state == UM_OTHER_SEEN && f->old.look.master) {
        uint64_t end = f->fence == UM_FENCE_HOLDS ? f->old_offset
                                                  : f->old.look.offset;

        s->lost = end > f->look.offset ? end - f->look.offset : 0;
    }
    atomic_fetch_add(&s->m->sh->counts.promotions, 1);
    atomic_fetch_add(&s->m->sh->counts.bytes_lost, s->lost);
    um_log_notice(0, "node %s: promoted at offset %llu, %llu bytes behind",
        s->addr.text, (unsigned long long) f->look.offset,
        (unsigned long long) s->lost);

    if (s->old != NULL && s->addr.kind != UM_ADDR_UNIX && host != NULL) {
        um_elder_turn(s->old, &s->addr, host, &f->look);
    } else {
        um_elder_abandon(s->old);
    }
    s->old = NULL;
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
    if (s->old == NULL) {
        s->old = um_elder_new(s->m, &s->f.look, seat_on_news, s);
    }
    if (s->old != NULL) {
        um_elder_look(s->old, OTHER_WORK_MS);
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
        &s->master.facts.look, host, port, seat_on_attached, s);
    s->acting = s->attach != NULL;
}

/* ---- Step by step ------------------------------------------------------- */

static void
seat_do(um_seat_t *s, um_seat_do_t what)
{
    switch (what) {
    case UM_SEAT_WAIT:
        break;

    case UM_SEAT_SERVE:
        seat_serve(s);
        break;

    case UM_SEAT_ASK_PEERS:
        for (uint32_t i = 0; i < s->f.peers; i++) {
            um_other_ask(&s->peer[i], OTHER_WORK_MS);
        }
        break;

    case UM_SEAT_ASK_OLD:
        seat_ask_old(s);
        break;

    case UM_SEAT_FENCE:
        um_elder_fence(s->old);
        break;

    case UM_SEAT_PROMOTE:
        seat_promote(s);
        break;

    case UM_SEAT_ASK_MASTER:
        um_other_ask(&s->master, OTHER_WORK_MS);
        break;

    case UM_SEAT_FOLLOW:
        seat_follow(s);
        break;
    }
}

static void
seat_go_on(um_seat_t *s)
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
    seat_do(s, next.what);
}

/* ---- Looking ------------------------------------------------------------ */

static void
seat_saw(um_seat_t *s, const um_look_t *look)
{
    um_seat_facts_t *f = &s->f;
    bool was_up = !f->look.master && f->look.link_up;

    s->heard_us = um_clock_wall_us();
    f->down = false;
    if (strcmp(f->look.run_id, look->run_id) != 0) {
        s->attached_ns = 0; /* whatever we told it, it has forgotten */
        f->expendable = false;
        for (uint32_t i = 0; i < f->peers; i++) {
            um_other_forget(&s->peer[i]);
        }
    }
    if (was_up && !look->link_up) {
        um_other_forget(&s->master); /* how is it, after that? */
    }
    if (s->old != NULL
        && (look->master || look->master_port != f->look.master_port
            || strcmp(look->master_host, f->look.master_host) != 0))
    {
        um_elder_abandon(s->old); /* it is not its master any more */
        s->old = NULL;
    }

    f->look = *look;
    f->seen = s->asked_ns >= s->acted_ns;
    um_mover_changed(s->m);
}

static void
seat_on_look(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_look_t look;

    s->asking = false;
    if (a->end == UM_TALK_ANSWERED) {
        s->heard_ns = um_mover_now(s->m);
        s->f.down = false;
        if (um_look_parse(um_reply_text(a->reply), &look) == UM_OK) {
            seat_saw(s, &look);
        } else if (um_reply_is_error_of(a->reply, "LOADING")) {
            s->f.look.loading = true;
        } else if (!um_reply_is_error_of(a->reply, "BUSY")) {
            um_log_warn(0, "node %s: INFO: %.*s", s->addr.text,
                um_str_fmt(um_reply_text(a->reply)));
        }
    } else {
        s->f.down = a->refused;
        s->f.seen = false;
    }

    seat_go_on(s);
}

/* The connection broke: find out at once whether there is another. */
static void
seat_on_end(void *data)
{
    um_seat_t *s = data;

    s->f.seen = false;
    s->asked_ns = 0;
    um_seat_tick(s);
}

bool
um_seat_is_settled(const um_seat_t *s)
{
    return !s->acting && s->why[0] == '\0'
           && (s->state == UM_REPL_SERVING || s->state == UM_REPL_IN_SYNC);
}

void
um_seat_tick(um_seat_t *s)
{
    uint64_t pause = um_seat_is_settled(s) || s->f.down || s->f.silent
                         ? LOOK_REST_MS
                         : LOOK_WORK_MS;

    if (!s->asking && age_ms(s, s->asked_ns) >= pause) {
        s->asked_ns = um_mover_now(s->m);
        s->asking = um_talk_sayz(s->self, LOOK_TIMEOUT_MS, seat_on_look, s,
                        "INFO")
                    == UM_OK;
    }

    if (s->f.wanted == UM_REPL_REPLICA && s->state == UM_REPL_IN_SYNC) {
        um_other_ask(&s->master, OTHER_REST_MS);
    }

    seat_go_on(s);
}

/* ---- Wishes ------------------------------------------------------------- */

const um_repl_node_t *
um_seat_wanted(const um_seat_t *s)
{
    return &s->wanted;
}

/* Whom these wishes are about besides our node. */
static void
seat_set_others(um_seat_t *s)
{
    um_seat_facts_t *f = &s->f;

    f->peers = 0;
    f->peer = s->peer_facts;
    for (uint32_t i = 0; i < UM_REPL_PEERS; i++) {
        um_other_deinit(&s->peer[i]);
    }
    um_other_deinit(&s->master);

    for (uint32_t i = 0; i < s->wanted.peer_count; i++) {
        um_str_t node = um_str_of(s->wanted.peer[i].node);

        if (f->wanted == UM_REPL_MASTER) {
            f->peers += um_other_set(&s->peer[f->peers], node) == UM_OK;
        } else if (s->master.talk == NULL
                   && um_other_set(&s->master, node) != UM_OK)
        {
            return;
        }
    }
}

void
um_seat_want(um_seat_t *s, const um_repl_node_t *wanted)
{
    um_seat_facts_t *f = &s->f;

    if (um_repl_is_same(&s->wanted, wanted)) {
        /* Newer wishes, though they say the same: who was fenced under the old
         * ones is meant to take over. */
        f->served &= s->state != UM_REPL_FENCED;
        return;
    }

    um_attach_cancel(s->attach);
    um_talk_disown(s->self, s);
    um_elder_abandon(s->old);
    um_elder_abandon_all(s->m, &s->addr);
    s->attach = NULL;
    s->old = NULL;
    s->asking = s->acting = false;
    s->attached_ns = s->judged_ns = 0;

    s->wanted = *wanted;
    f->expendable |= f->spare;
    f->wanted = (um_repl_role_t) wanted->role;
    f->spare = wanted->cluster[0] == '\0';
    if (f->wanted != UM_REPL_MASTER || f->spare) {
        f->run_id[0] = '\0';
        s->confirmed = false;
    }
    f->served = false;
    seat_set_others(s);
    s->state = UM_REPL_NEW;
    s->why = "";
    f->seen = false;
    s->asked_ns = 0;
    um_mover_changed(s->m);
}

static void
seat_recall(um_seat_t *s, const um_repl_found_t *had)
{
    memcpy(s->f.run_id, had->run_id, sizeof(had->run_id));
    s->f.run_id[sizeof(had->run_id)] = '\0';
    s->confirmed = had->confirmed;
    s->f.served = had->confirmed;
    s->promoted_us = had->promoted_us;
    s->lost = had->lost;
}

um_seat_t *
um_seat_new(um_mover_t *m, const um_repl_node_t *wanted,
    const um_repl_found_t *had)
{
    um_seat_t *s = calloc(1, sizeof(*s));
    const char *wrong;

    if (s == NULL) {
        um_log_error(ENOMEM, "node %s", wanted->node);
        return NULL;
    }

    wrong = um_addr_parse(&s->addr, um_str_of(wanted->node));
    if (wrong != NULL) {
        um_log_error(0, "node %s: address %s", wanted->node, wrong);
        free(s);
        return NULL;
    }

    s->m = m;
    s->self = um_mover_talk(m, &s->addr);
    if (s->self == NULL) {
        free(s);
        return NULL;
    }

    um_talk_on_end(s->self, seat_on_end, s);
    for (uint32_t i = 0; i < UM_REPL_PEERS; i++) {
        um_other_init(&s->peer[i], m, seat_on_news, s);
    }
    um_other_init(&s->master, m, seat_on_news, s);
    s->why = "";
    s->heard_ns = um_mover_now(m);
    s->since_us = um_clock_wall_us();
    um_seat_want(s, wanted);
    if (had != NULL && had->confirmed && s->f.wanted == UM_REPL_MASTER) {
        seat_recall(s, had);
    }
    return s;
}

void
um_seat_free(um_seat_t *s)
{
    if (s == NULL) {
        return;
    }

    um_attach_cancel(s->attach);
    um_elder_abandon(s->old);
    for (uint32_t i = 0; i < UM_REPL_PEERS; i++) {
        um_other_deinit(&s->peer[i]);
    }
    um_other_deinit(&s->master);
    um_talk_free(s->self);
    free(s);
}

/* ---- Shown -------------------------------------------------------------- */

void
um_seat_show(const um_seat_t *s, um_repl_found_t *f)
{
    const um_look_t *look = &s->f.look;
    const um_look_t *master = &s->master.facts.look;

    memset(f, 0, sizeof(*f));
    memcpy(f->node, s->wanted.node, sizeof(f->node));
    memcpy(f->cluster, s->wanted.cluster, sizeof(f->cluster));
    memcpy(f->why, s->why, um_min(strlen(s->why), sizeof(f->why) - 1));
    f->role = s->wanted.role;
    f->state = s->state;
    f->confirmed = s->confirmed;
    memcpy(f->run_id, s->confirmed ? s->f.run_id : look->run_id,
        sizeof(f->run_id));
    f->link_up = !look->master && look->link_up;
    f->replicas = look->replicas;
    f->offset = look->offset;
    if (s->wanted.role == UM_REPL_REPLICA
        && s->master.facts.state == UM_OTHER_SEEN
        && master->offset > look->offset)
    {
        f->lag = master->offset - look->offset;
    }
    f->since_us = s->since_us;
    f->heard_us = s->heard_us;
    f->lost = s->lost;
    f->promoted_us = s->promoted_us;
}
