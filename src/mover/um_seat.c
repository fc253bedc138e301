/*
 * um_seat.c -- one of our nodes: what is wanted of it, how it looks, what is
 * shown of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_seat_priv.h"
#include "redis/um_reply.h"

/* From one look at our node to the next: at rest, and with work to do. */
#define LOOK_REST_MS 250
#define LOOK_WORK_MS 20

/* A replica that does not read on is set free again so often. */
#define FREE_MS 2000

/* As it is seen so soon after wishes came, it was when they came. */
#define BEGAN_MS 1000

/* An answer may come that late and is still one: scripts, forks. */
#define LOOK_TIMEOUT_MS 60000

/* ---- Looking ------------------------------------------------------------ */

static void
seat_saw(um_seat_t *s, const um_look_t *look)
{
    um_seat_facts_t *f = &s->f;
    bool was_up = !f->look.master && f->look.link_up;

    if (strcmp(f->look.run_id, look->run_id) != 0) {
        s->freed_ns = 0;
        s->released = false;
        s->attached_ns = 0; /* whatever we told it, it has forgotten */
        s->confirmed &= strcmp(f->run_id, look->run_id) == 0;
        f->expendable = false;
        for (uint32_t i = 0; i < f->peers; i++) {
            um_other_forget(&s->peer[i]);
        }
    }
    if (was_up && !look->link_up) {
        um_other_forget(&s->master); /* how is it, after that? */
    }
    if (s->old != NULL && look->master) {
        /* Our command was executed, though we have not heard so. */
        um_seat_took_over(s);
    } else if (s->old != NULL
               && (look->master_port != f->look.master_port
                   || strcmp(look->master_host, f->look.master_host) != 0))
    {
        um_seat_drop_old(s); /* it is not its master any more */
    }

    if (look->master || look->offset != f->look.offset) {
        s->moved_ns = um_mover_now(s->m);
    }
    s->freed_ns = look->master ? 0 : s->freed_ns;
    s->released &= !look->master;
    f->look = *look;
    f->seen = s->asked_ns >= s->acted_ns;
    if (f->seen && s->renewed) {
        s->renewed = false;
        f->served &= look->master;
        s->began_at = look->offset;
        s->began_known = look->master && !s->remembered
                         && um_seat_age(s, s->acted_ns) < BEGAN_MS;
    }
    s->looked_ns = s->looking_ns;
    um_mover_changed(s->m);
}

/* INFO was refused.  A script that runs for long is no reason to worry. */
static void
seat_refused(um_seat_t *s, const redisReply *reply)
{
    bool busy = um_reply_is_error_of(reply, "BUSY");

    if (um_reply_is_error_of(reply, "LOADING")) {
        s->f.look.loading = true;
    } else if (!busy && !s->refused) {
        um_log_warn(0, "node %s: INFO: %.*s", s->addr.text,
            um_str_fmt(um_reply_text(reply)));
    }
    s->refused = !busy;
}

static void
seat_on_look(void *data, const um_talk_answer_t *a)
{
    um_seat_t *s = data;
    um_look_t look;

    s->asking = false;
    if (a->end == UM_TALK_ANSWERED) {
        s->heard_ns = um_mover_now(s->m);
        s->heard_us = um_clock_wall_us();
        s->f.down = false;
        if (um_look_parse(um_reply_text(a->reply), &look) == UM_OK) {
            s->refused = false;
            seat_saw(s, &look);
        } else {
            seat_refused(s, a->reply);
        }
    } else {
        s->f.down = a->refused;
        s->f.seen = false;
        if (a->end == UM_TALK_LATE) {
            um_talk_hang_up(s->self, "too slow");
        }
    }

    um_seat_go_on(s);
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

static void
seat_look(um_seat_t *s)
{
    s->asked_ns = um_mover_now(s->m);
    s->looking_ns = um_clock_boot_ns();
    s->asking = um_talk_sayz(s->self, LOOK_TIMEOUT_MS, seat_on_look, s, "INFO")
                == UM_OK;
}

/* Those that it has to do with, when all is well. */
static void
seat_look_around(um_seat_t *s)
{
    if (s->state == UM_REPL_IN_SYNC) {
        um_other_ask(&s->master, SEAT_OTHER_REST_MS);
    }

    for (uint32_t i = 0; s->state == UM_REPL_SERVING && i < s->f.peers; i++) {
        if (!s->peer_facts[i].turning) {
            um_other_ask(&s->peer[i], SEAT_OTHER_REST_MS);
        }
    }
}

void
um_seat_tick(um_seat_t *s)
{
    uint64_t pause = um_seat_is_settled(s) || s->f.down || s->f.silent
                         ? LOOK_REST_MS
                         : LOOK_WORK_MS;

    if (!s->asking && um_seat_age(s, s->asked_ns) >= pause) {
        seat_look(s);
    }

    if (s->f.seen && !s->f.look.master
        && (s->freed_ns == 0
            || (s->f.stalled && um_seat_age(s, s->freed_ns) >= FREE_MS)))
    {
        um_seat_set_free(s);
    }

    seat_look_around(s);
    um_seat_go_on(s);
}

void
um_seat_woke(um_seat_t *s)
{
    s->heard_ns = um_mover_now(s->m);
    s->heard_us = um_clock_wall_us();
    s->f.seen = false;
    s->asked_ns = 0;
    for (uint32_t i = 0; i < s->f.peers; i++) {
        um_other_forget(&s->peer[i]);
    }
    um_other_forget(&s->master);
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
                   && um_other_set(&s->master, node) != UM_OK) {
            return;
        }
    }
}

/* It is to be a master as before, perhaps with other replicas: what is under
 * way goes on. */
static bool
seat_stays_master(const um_seat_t *s, const um_repl_node_t *wanted)
{
    return s->wanted.role == UM_REPL_MASTER && wanted->role == UM_REPL_MASTER
           && !s->f.spare && strcmp(s->wanted.cluster, wanted->cluster) == 0;
}

/* Whatever is under way was for another purpose. */
static void
seat_begin_anew(um_seat_t *s)
{
    um_attach_cancel(s->attach);
    um_talk_disown(s->self, s);
    um_seat_drop_old(s);
    um_elder_abandon_all(s->m, &s->addr);
    s->attach = NULL;
    s->asking = s->acting = false;
    s->freed_ns = s->released ? s->freed_ns : 0; /* its answer is nobody's */
    s->attached_ns = 0;
    s->f.promoted[0] = '\0';
    s->state = UM_REPL_NEW;
    s->why = "";
}

/*
 * Newer wishes, though they may say the same: who was fenced under the old ones
 * is meant to take over, and one that is a replica by then is promoted.
 */
void
um_seat_want(um_seat_t *s, const um_repl_node_t *wanted)
{
    um_seat_facts_t *f = &s->f;

    f->served &= !f->fenced;
    f->fenced = f->seen = false;
    s->renewed = true;
    s->remembered = false;
    s->acted_ns = um_mover_now(s->m);
    s->asked_ns = 0;
    if (um_repl_is_same(&s->wanted, wanted)) {
        return;
    }

    f->was_replica |= f->wanted == UM_REPL_REPLICA;
    if (!seat_stays_master(s, wanted)) {
        seat_begin_anew(s);
        f->served = false;
    }

    f->expendable |= f->spare;
    s->wanted = *wanted;
    f->wanted = (um_repl_role_t) wanted->role;
    f->spare = wanted->cluster[0] == '\0';
    f->was_replica &= !f->spare;
    if (f->wanted != UM_REPL_MASTER || f->spare) {
        f->run_id[0] = '\0';
        s->confirmed = false;
    }
    s->judged_ns = 0;
    s->wished_ns = um_mover_now(s->m);
    memset(s->followed, 0, sizeof(s->followed));
    seat_set_others(s);
    um_mover_changed(s->m);
}

static void
recall_id(char *id, const char *had)
{
    memcpy(id, had, UM_REPL_RUN_ID);
    id[UM_REPL_RUN_ID] = '\0';
}

/* What an earlier mover knew of it, if it was about the same. */
static void
seat_recall(um_seat_t *s, const um_repl_found_t *had)
{
    um_seat_facts_t *f = &s->f;

    f->was_replica = had->role == UM_REPL_REPLICA;
    if (had->role != UM_REPL_MASTER || f->wanted != UM_REPL_MASTER
        || strcmp(had->cluster, s->wanted.cluster) != 0)
    {
        return;
    }

    recall_id(f->run_id, had->served_id);
    f->served = had->served;
    f->fenced = had->state == UM_REPL_FENCED;
    s->confirmed = had->confirmed;
    s->promoted_us = had->promoted_us;
    s->lost = had->lost;
    if (f->fenced) {
        s->state = UM_REPL_FENCED;
    }
}

um_seat_t *
um_seat_new(
    um_mover_t *m, const um_repl_node_t *wanted, const um_repl_found_t *had)
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
        um_other_init(&s->peer[i], m, um_seat_on_news, s);
    }
    um_other_init(&s->master, m, um_seat_on_news, s);
    s->why = "";
    s->heard_ns = um_mover_now(m);
    s->since_us = um_clock_wall_us();
    um_seat_want(s, wanted);
    if (had != NULL) {
        s->remembered = true;
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
    um_elder_abandon_all(s->m, &s->addr);
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
    f->served = s->f.served;
    f->confirmed = s->confirmed;
    f->looked_ns = s->looked_ns;
    memcpy(f->run_id, look->run_id, sizeof(f->run_id));
    memcpy(f->served_id, s->f.run_id, sizeof(f->served_id));
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
