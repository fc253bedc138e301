/*
 * um_elder.c -- an old master, from the moment when our node is to take its
 * place until it follows.
 *
 *   LOOKED   -> FENCING   [um_elder_fence]  CLIENT PAUSE ... WRITE, then INFO
 *   FENCING  -> HELD      [elder_on_offset] it takes no writes
 *   FENCING  -> FAILED    [elder_fence_failed] it did not answer, or refused
 *   HELD     -> LOOKED    [um_elder_fenced] too long ago to be sure
 *   FAILED   -> LOOKED    [um_elder_fenced] its lease runs: once more
 *   any      -> TURNING   [um_elder_turn]   our node is the master now
 *   TURNING  -> LEAVING   [elder_step_turn] it follows, or has nothing of ours
 *   any      -> LEAVING   [um_elder_abandon] it need not stop after all
 *   LEAVING  -> LOOKED    [um_elder_new]    it is needed again
 *   LEAVING  -> (gone)    [elder_step_out]  it may write again, if it can
 *
 * All that is said to one old master goes over one connection, so no word of
 * letting it go overtakes a later one of stopping it.
 *
 * Before 6.2 a pause stops everything, us included: there the old one is told
 * to write only while it has more replicas than it can have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_mover_priv.h"
#include "redis/um_reply.h"

/* How long a pause is, how long we rely on it, and when it is renewed. */
#define PAUSE_WRITE   "CLIENT PAUSE 60000 WRITE"
#define PAUSE_SURE_MS 45000
#define PAUSE_MORE_MS 20000

/* How long it may take to answer what stops it: longer than a look, for it has
 * just answered one. */
#define FENCE_MS 1000

/* While its lease is waited for it is told again, from one time to the next. */
#define FENCE_AGAIN_MS 2500

/* From one attempt to turn it to the next; the longer it is silent the longer,
 * up to the second. */
#define AGAIN_MS     100
#define AGAIN_MAX_MS 1000

/* So often we try to set one free that does not answer; a pause ends by itself
 * after a minute. */
#define RELEASES 3

struct um_elder_s {
    um_list_t link; /* in m->elders, while TURNING or LEAVING */
    um_mover_t *m;
    um_other_t other;
    um_io_pt on_news; /* until it is turned */
    void *data;

    um_fence_state_t fence;
    uint64_t offset;    /* HOLDS */
    uint64_t fenced_ns; /* boot time before we said so last */
    bool paused;        /* to be undone: CLIENT UNPAUSE, or ... */
    bool capped;        /* ... min-slaves-to-write, which was: */
    char cap[24];

    um_talk_t *self;             /* TURNING: our node, ... */
    char host[254];              /* ... where it is for the old one, ... */
    um_look_t look;              /* ... how it is, ... */
    char replid[UM_LOOK_ID + 1]; /* ... and the history that it took over */
    um_attach_t *attach;
    uint64_t again_ms; /* from one attempt to the next */
    bool attached;
    bool told;         /* that it does not answer   */
    bool abandoned;    /* it is only to be set free */
    uint32_t releases; /* how often that was tried  */
};

static void
elder_tell_silent(um_elder_t *o)
{
    if (o->other.facts.state == UM_OTHER_SILENT && !o->told) {
        o->told = true;
        um_log_warn(0,
            "old master %s: does not answer; it is told to follow when it does",
            um_talk_addr(o->other.talk)->text);
    }
}

static void
elder_on_seen(void *data)
{
    um_elder_t *o = data;

    if (o->abandoned) {
        return;
    }

    if (o->self == NULL) {
        o->on_news(o->data);
        return;
    }

    elder_tell_silent(o);
    o->again_ms = o->other.facts.state == UM_OTHER_SEEN
                      ? AGAIN_MS
                      : um_min(2 * o->again_ms, AGAIN_MAX_MS);
}

/* One at this address that is only to be set free; NULL: none. */
static um_elder_t *
elder_find_leaving(um_mover_t *m, const char *address)
{
    um_list_each(l, &m->elders)
    {
        um_elder_t *o = um_list_entry(l, um_elder_t, link);

        if (o->abandoned
            && strcmp(um_talk_addr(o->other.talk)->text, address) == 0) {
            return o;
        }
    }

    return NULL;
}

static void
elder_init(um_elder_t *o, um_io_pt on_news, void *data)
{
    um_list_del(&o->link);
    um_list_init(&o->link);
    o->on_news = on_news;
    o->data = data;
    o->fence = UM_FENCE_NONE;
    o->again_ms = AGAIN_MS;
    o->releases = 0;
    o->attached = o->told = o->abandoned = false;
}

um_elder_t *
um_elder_new(um_mover_t *m, const char *address, um_io_pt on_news, void *data)
{
    um_elder_t *o = elder_find_leaving(m, address);

    if (o != NULL) {
        elder_init(o, on_news, data);
        um_other_forget(&o->other);
        um_talk_free(o->self);
        o->self = NULL;
        return o;
    }

    o = calloc(1, sizeof(*o));
    if (o == NULL) {
        um_log_error(0, "node %s: out of memory", address);
        return NULL;
    }

    o->m = m;
    um_list_init(&o->link);
    elder_init(o, on_news, data);
    um_other_init(&o->other, m, elder_on_seen, o);
    if (um_other_set(&o->other, um_str_of(address)) != UM_OK) {
        free(o);
        return NULL;
    }

    return o;
}

static void
elder_free(um_elder_t *o)
{
    um_attach_cancel(o->attach);
    um_talk_free(o->self);
    um_other_deinit(&o->other);
    um_list_del(&o->link);
    free(o);
}

const um_other_facts_t *
um_elder_facts(const um_elder_t *o)
{
    return &o->other.facts;
}

um_talk_t *
um_elder_talk(const um_elder_t *o)
{
    return o->other.talk;
}

void
um_elder_look(um_elder_t *o, uint64_t pause)
{
    um_other_ask(&o->other, pause);
}

um_fence_state_t
um_elder_fenced(const um_elder_t *o, bool again, uint64_t *offset)
{
    uint64_t age = (um_clock_boot_ns() - o->fenced_ns) / UM_MOVER_MS;
    bool old = o->fence == UM_FENCE_HOLDS ? o->paused && age > PAUSE_SURE_MS
                                          : again && age > FENCE_AGAIN_MS;

    *offset = o->offset;
    return old && o->fence != UM_FENCE_ASKED ? UM_FENCE_NONE : o->fence;
}

/* ---- Told to stop ------------------------------------------------------- */

static void
elder_fence_failed(um_elder_t *o, const um_talk_answer_t *a)
{
    um_str_t why =
        a->reply != NULL ? um_reply_text(a->reply) : um_str_of(a->why);

    if (o->abandoned) {
        return;
    }

    um_log_warn(0, "old master %s: cannot be told to take no writes: %.*s",
        um_talk_addr(o->other.talk)->text, um_str_fmt(why));
    if (a->end == UM_TALK_LATE) {
        um_talk_hang_up(o->other.talk, "too slow");
    }
    atomic_fetch_add(&o->m->sh->counts.fences_failed, 1);
    o->fence = UM_FENCE_FAILED;
    o->on_news(o->data);
}

/* All it has acknowledged is before the offset that it tells now. */
static void
elder_on_offset(void *data, const um_talk_answer_t *a)
{
    um_elder_t *o = data;
    um_look_t look;

    if (a->end != UM_TALK_ANSWERED
        || um_look_parse(um_reply_text(a->reply), &look) != UM_OK)
    {
        elder_fence_failed(o, a);
        return;
    }

    if (o->abandoned) {
        return;
    }

    atomic_fetch_add(&o->m->sh->counts.fences, 1);
    o->other.facts.look = look;
    o->offset = look.offset;
    o->fence = UM_FENCE_HOLDS;
    o->on_news(o->data);
}

static void
elder_no_memory(um_elder_t *o)
{
    um_log_error(
        0, "old master %s: out of memory", um_talk_addr(o->other.talk)->text);
    o->fence = UM_FENCE_FAILED;
}

static void
elder_on_stopped(void *data, const um_talk_answer_t *a)
{
    um_elder_t *o = data;

    if (a->end != UM_TALK_ANSWERED || um_reply_is_error(a->reply)) {
        elder_fence_failed(o, a);
        return;
    }

    if (um_talk_sayz(o->other.talk, FENCE_MS, elder_on_offset, o, "INFO")
        != UM_OK) {
        elder_no_memory(o);
    }
}

static void
elder_on_cap(void *data, const um_talk_answer_t *a)
{
    um_elder_t *o = data;
    um_str_t cap = um_reply_text(um_reply_at(a->reply, 1));

    if (a->end != UM_TALK_ANSWERED || cap.len == 0 || cap.len >= sizeof(o->cap))
    {
        elder_fence_failed(o, a);
        return;
    }

    /* A mover that died has left it so: what it was nobody knows. */
    if (um_str_eq(cap, um_lit(UM_ELDER_CAP))) {
        cap = um_lit("0");
    }

    memcpy(o->cap, cap.data, cap.len);
    o->cap[cap.len] = '\0';
    o->capped = true;
    if (um_talk_sayz(o->other.talk, FENCE_MS, elder_on_stopped, o,
            "CONFIG SET min-slaves-to-write " UM_ELDER_CAP)
        != UM_OK)
    {
        elder_no_memory(o);
    }
}

void
um_elder_fence(um_elder_t *o)
{
    bool pause = o->other.facts.look.version >= UM_ELDER_PAUSE;

    o->fence = UM_FENCE_ASKED;
    o->fenced_ns = um_clock_boot_ns();
    o->paused |= pause;
    if (um_talk_sayz(o->other.talk, FENCE_MS,
            pause ? elder_on_stopped : elder_on_cap, o,
            pause ? PAUSE_WRITE : "CONFIG GET min-slaves-to-write")
        != UM_OK)
    {
        elder_no_memory(o);
    }
}

static void
elder_on_free(void *data, const um_talk_answer_t *a)
{
    um_elder_t *o = data;

    (void) a; /* it is looked at, and told again */
    um_other_forget(&o->other);
}

void
um_elder_set_free(um_elder_t *o)
{
    if (um_talk_pending(o->other.talk) > 0) {
        return;
    }

    um_log_notice(0, "old master %s: it and its replica follow each other",
        um_talk_addr(o->other.talk)->text);
    if (um_talk_sayz(
            o->other.talk, UM_MOVER_DO_MS, elder_on_free, o, "SLAVEOF NO ONE")
        != UM_OK)
    {
        elder_no_memory(o);
    }
}

/* ---- Told to follow ----------------------------------------------------- */

static void
elder_on_released(void *data, const um_talk_answer_t *a)
{
    um_elder_t *o = data;

    if (a->end == UM_TALK_ANSWERED && o->abandoned) {
        o->paused = o->capped = false;
    }
}

/* What holds its writers may go. */
static void
elder_release(um_elder_t *o)
{
    const um_str_t argv[] = { um_lit("CONFIG"), um_lit("SET"),
        um_lit("min-slaves-to-write"), um_str_of(o->cap) };
    um_rc_t rc = o->capped ? um_talk_say(o->other.talk, UM_MOVER_DO_MS,
                     elder_on_released, o, um_countof(argv), argv)
                           : um_talk_sayz(o->other.talk, UM_MOVER_DO_MS,
                               elder_on_released, o, "CLIENT UNPAUSE");

    o->releases++;
    if (rc != UM_OK) {
        um_log_error(0, "old master %s: out of memory",
            um_talk_addr(o->other.talk)->text);
    }
}

static void
elder_on_attached(void *data, const char *why)
{
    um_elder_t *o = data;

    o->attach = NULL;
    o->attached = why == NULL;
    um_other_forget(&o->other); /* how is it now? */
    if (o->attached) {
        atomic_fetch_add(&o->m->sh->counts.demotions, 1);
        return;
    }

    o->other.asked_ns = um_mover_now(o->m); /* but in a while */
    if (!o->told) {
        o->told = true;
        um_log_warn(0, "old master %s: cannot follow yet: %s",
            um_talk_addr(o->other.talk)->text, why);
    }
}

/* Is it ours to turn?  Only as long as it lives the life that our node took
 * over: afterwards it may be anybody's. */
static bool
elder_is_ours(const um_elder_t *o)
{
    const um_look_t *look = &o->other.facts.look;

    return look->master && strcmp(look->replid, o->replid) == 0;
}

/* Nobody has it stopped any more, or it does not listen: forget it. */
static void
elder_step_out(um_elder_t *o)
{
    if ((o->paused || o->capped) && o->releases < RELEASES) {
        elder_release(o);
        return;
    }

    elder_free(o);
}

static void
elder_step_turn(um_elder_t *o)
{
    const char *name = um_talk_addr(o->other.talk)->text;

    switch (o->other.facts.state) {
    case UM_OTHER_SEEN:
        if (elder_is_ours(o)) {
            o->attach =
                um_attach_new(o->m, o->other.talk, o->self, &o->look, o->host,
                    um_talk_addr(o->self)->port, ":old", elder_on_attached, o);
            return;
        }

        um_log_notice(0, "old master %s: %s", name,
            o->attached ? "follows" : "needs not be told to follow");
        o->abandoned = true;
        return;

    case UM_OTHER_REFUSED:
        /* Nobody lives there, and who comes back has another life. */
        um_log_notice(0, "old master %s: is dead", name);
        elder_free(o);
        return;

    default:
        return;
    }
}

static void
elder_on_renewed(void *data, const um_talk_answer_t *a)
{
    (void) data;
    (void) a; /* it is tried again as long as it does not follow */
}

/* Whoever is stopped stays so until it follows, however long that takes. */
static bool
elder_renew(um_elder_t *o)
{
    uint64_t now = um_clock_boot_ns();

    if (!o->paused || now - o->fenced_ns < PAUSE_MORE_MS * UM_MOVER_MS) {
        return false;
    }

    o->fenced_ns = now;
    return um_talk_sayz(
               o->other.talk, FENCE_MS, elder_on_renewed, o, PAUSE_WRITE)
           == UM_OK;
}

static void
elder_step(um_elder_t *o)
{
    if (o->attach != NULL || um_talk_pending(o->other.talk) > 0) {
        return;
    }

    if (o->abandoned) {
        elder_step_out(o);
    } else if (!elder_renew(o)) {
        um_other_ask(&o->other, o->again_ms);
        if (um_talk_pending(o->other.talk) == 0) {
            elder_step_turn(o);
        }
    }
}

bool
um_elder_tick(um_mover_t *m)
{
    bool busy = false;

    um_list_each_safe(l, &m->elders)
    {
        um_elder_t *o = um_list_entry(l, um_elder_t, link);

        busy |= o->again_ms < AGAIN_MAX_MS;
        elder_step(o);
    }

    return busy;
}

/* Do both speak with the same Redis, as far as their addresses say? */
static bool
is_same_place(const um_talk_t *a, const um_talk_t *b)
{
    const um_addr_t *of_a = um_talk_addr(a), *of_b = um_talk_addr(b);

    if (strcmp(of_a->text, of_b->text) == 0) {
        return true;
    }

    return um_talk_host(a) != NULL && um_talk_host(b) != NULL
           && strcmp(um_talk_host(a), um_talk_host(b)) == 0
           && of_a->port == of_b->port;
}

bool
um_elder_is_turning(um_mover_t *m, const um_talk_t *t)
{
    um_list_each(l, &m->elders)
    {
        um_elder_t *o = um_list_entry(l, um_elder_t, link);

        if (!o->abandoned && is_same_place(o->other.talk, t)) {
            return true;
        }
    }

    return false;
}

void
um_elder_abandon(um_elder_t *o)
{
    if (o != NULL) {
        o->abandoned = true;
        um_list_del(&o->link);
        um_list_add_tail(&o->m->elders, &o->link);
    }
}

void
um_elder_abandon_all(um_mover_t *m, const um_addr_t *self)
{
    um_list_each(l, &m->elders)
    {
        um_elder_t *o = um_list_entry(l, um_elder_t, link);

        if (o->self != NULL
            && strcmp(um_talk_addr(o->self)->text, self->text) == 0) {
            um_attach_cancel(o->attach);
            o->attach = NULL;
            o->abandoned = true;
        }
    }
}

void
um_elder_free_all(um_mover_t *m)
{
    um_list_each_safe(l, &m->elders)
    {
        elder_free(um_list_entry(l, um_elder_t, link));
    }
}

void
um_elder_turn(um_elder_t *o, const um_addr_t *self, const char *host,
    const um_look_t *look, const char *replid)
{
    um_mover_t *m = o->m;

    o->self = um_mover_talk(m, self);
    if (o->self == NULL) {
        um_elder_abandon(o);
        return;
    }

    (void) snprintf(o->host, sizeof(o->host), "%s", host);
    (void) snprintf(o->replid, sizeof(o->replid), "%s", replid);
    o->look = *look;
    um_list_add_tail(&m->elders, &o->link);
    elder_tell_silent(o);
}
