/*
 * beat.c -- is it alive, and what does it have?
 *
 * A proxy of ours is asked for UMCTL BEAT, which says everything in a line.
 * One that does not know it is asked what the reference's coordinator asks.
 * What to make of the answers, or of none, is watch_rule.c's matter.
 *
 * With a beat we vouch for a proxy that has a lease: as long as it has what the
 * broker wants, as of the moment when the newest question to the broker was
 * sent whose answer says that nothing has changed (co->sure_ns).  Who is cut
 * off from the broker has no newer moment, so the lease runs out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coord.h"
#include "core/um_clock.h"
#include "core/um_crc64.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "redis/um_reply.h"

#define TICK_MIN_MS 10
#define TICK_MAX_MS 100

static void beat_look(coord_proxy_t *p);

/* ---- What was heard ----------------------------------------------------- */

static void
beat_note(coord_proxy_t *p, watch_event_t event, bool fresh, const char *why)
{
    coord_t *co = p->co;

    if (why != NULL) {
        snprintf(p->why, sizeof(p->why), "%s", why);
    }

    switch (watch_note(&p->watch, event, fresh, coord_ms(co))) {
    case WATCH_LOOK:
        beat_look(p);
        break;

    case WATCH_LOOK_LATER:
        um_timer_start(p->timer, WATCH_PAUSE_MS);
        break;

    case WATCH_REPORT:
        co->stats.failures++;
        um_log_warn(0, "proxy %s: has failed: %s", p->address, p->why);
        failover_report(p);
        break;

    case WATCH_WITHDRAW:
        um_log_notice(0, "proxy %s: is well again", p->address);
        failover_withdraw(p);
        break;

    default:
        break;
    }
}

static watch_event_t
beat_event(const um_talk_answer_t *a)
{
    if (a->end == UM_TALK_LATE) {
        return WATCH_SILENT;
    }
    if (a->end == UM_TALK_LOST) {
        return WATCH_GONE;
    }
    if (a->ours) {
        return WATCH_BLIND;
    }

    return strstr(a->why, "in time") != NULL || strcmp(a->why, "timed out") == 0
               ? WATCH_SILENT
               : WATCH_GONE;
}

/* No answer came.  A connection without one in time is of no use: what is said
 * over it next would wait behind that. */
static void
beat_vain(coord_proxy_t *p, bool fresh, const um_talk_answer_t *a)
{
    watch_event_t event = beat_event(a);

    if (p->hanging_up) {
        return;
    }
    if (a->end == UM_TALK_LATE && !fresh) {
        beat_hang_up(p, "does not answer");
    }
    beat_note(p, event, fresh, a->why);
}

static void
beat_well(coord_proxy_t *p, bool fresh)
{
    bool sick = p->kind == KIND_OURS && strcmp(p->beat.fault, "none") != 0;
    char why[64];

    p->heard_ns = um_loop_now(p->co->loop);
    if (sick) {
        snprintf(why, sizeof(why), "a master is %s", p->beat.fault);
    }
    beat_note(p, sick ? WATCH_SICK : WATCH_WELL, fresh, sick ? why : NULL);
}

/* A connection that is new, or was thought to be of no use, has answered. */
static void
beat_known(coord_proxy_t *p)
{
    p->beaten = true;
    push_consider(p);
    migrate_consider(p);
    back_consider(p);
}

/* ---- One of ours -------------------------------------------------------- */

/* True: it was a beat. */
static bool
beat_read(coord_proxy_t *p, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STATUS
        || beat_parse(um_reply_text(reply), &p->beat) != UM_OK)
    {
        return false;
    }

    p->kind = KIND_OURS;
    return true;
}

static void beat_ask_theirs(coord_proxy_t *p);

static void
beat_on_answer(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;

    p->beating = 0;
    if (a->end != UM_TALK_ANSWERED) {
        beat_vain(p, false, a);
        return;
    }

    if (beat_read(p, a->reply)) {
        bool first = p->clock_ms == 0;

        p->clock_ms = p->beat.clock_ms;
        p->clock_ns = um_clock_boot_ns();
        beat_well(p, false);
        beat_known(p);
        if (first) {
            beat_soon(p); /* now we can */
        }
        return;
    }

    /* Any answer is a sign of life; who it is will be seen. */
    p->kind = KIND_THEIRS;
    beat_well(p, false);
    beat_ask_theirs(p);
}

/* ---- One of the reference's --------------------------------------------- */

static void
beat_on_ping(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;

    p->beating -= p->beating > 0;
    if (a->end == UM_TALK_ANSWERED) {
        beat_well(p, false);
    } else {
        beat_vain(p, false, a);
    }
}

static void
beat_on_epoch(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;

    p->beating -= p->beating > 0;
    if (a->end != UM_TALK_ANSWERED) {
        beat_vain(p, false, a);
        return;
    }

    if (a->reply->type == REDIS_REPLY_INTEGER
        && um_reply_u64(a->reply, &p->beat.epoch) == UM_OK)
    {
        p->beat.repl_epoch = p->beat.epoch;
    }
    snprintf(p->beat.fault, sizeof(p->beat.fault), "none");
    beat_known(p);
}

static void
beat_on_infomgr(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;

    p->beating -= p->beating > 0;
    if (a->end != UM_TALK_ANSWERED) {
        beat_vain(p, false, a);
        return;
    }

    p->beat.finished =
        a->reply->type == REDIS_REPLY_ARRAY ? a->reply->elements : 0;
    if (p->beat.finished > 0) {
        migrate_take(p, a->reply);
    }
}

static void
beat_ask_theirs(coord_proxy_t *p)
{
    static const struct {
        const char *words;
        um_talk_pt on_answer;
    } asks[] = {
        { "PING", beat_on_ping },
        { "UMCTL GETEPOCH", beat_on_epoch },
        { "UMCTL INFOMGR", beat_on_infomgr },
    };

    for (size_t i = 0; i < um_countof(asks); i++) {
        if (um_talk_sayz(p->talk, p->co->conf->look_timeout, asks[i].on_answer,
                p, asks[i].words)
            == UM_OK)
        {
            p->beating++;
        }
    }
}

/* ---- A look, over a connection of its own ------------------------------- */

static void
look_on_answer(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;
    um_talk_t *look = p->look;

    /* So that another one may begin from here. */
    p->look = NULL;
    if (a->end != UM_TALK_ANSWERED) {
        beat_vain(p, true, a);
    } else {
        if (!beat_read(p, a->reply)) {
            p->kind = KIND_THEIRS;
        }
        p->beat_due_ns = um_loop_now(p->co->loop);
        beat_well(p, true);
    }
    proxy_end_talk(p, &look);
}

static void
beat_look(coord_proxy_t *p)
{
    p->co->stats.looks++;
    if (p->look == NULL) {
        p->look = proxy_new_talk(p);
    }
    if (p->look == NULL
        || um_talk_sayz(p->look, p->co->conf->look_timeout, look_on_answer, p,
               "UMCTL BEAT")
               != UM_OK)
    {
        um_timer_start(p->timer, WATCH_PAUSE_MS);
    }
}

static void
beat_on_pause(void *data)
{
    coord_proxy_t *p = data;

    if (p->watch.state == WATCH_DOUBT) {
        beat_look(p);
    }
}

/* ---- The connection that stays ------------------------------------------ */

/* Whoever answers next may be somebody else. */
static void
beat_forget(coord_proxy_t *p)
{
    p->beaten = false;
    p->clock_ms = 0;
    p->beating = 0;
    p->asked_health = false;
    p->back.looks = 0;
    if (p->kind == KIND_THEIRS) {
        p->taken = 0;
    }
    p->kind = KIND_UNKNOWN;
    if (p->spare == SPARE_KNOWN) {
        p->spare = SPARE_UNKNOWN;
    }
}

void
beat_hang_up(coord_proxy_t *p, const char *why)
{
    p->hanging_up = true;
    um_talk_hang_up(p->talk, why);
    p->hanging_up = false;
    beat_forget(p);
}

static void
beat_on_end(void *data)
{
    coord_proxy_t *p = data;

    beat_forget(p);
    beat_note(p, WATCH_GONE, false, "connection closed");
}

void
beat_soon(coord_proxy_t *p)
{
    if (p->clock_ms != 0) {
        p->beat_due_ns = um_loop_now(p->co->loop);
    }
}

/* UM_ERR: it cannot be said. */
static um_rc_t
beat_ask_ours(coord_proxy_t *p)
{
    uint64_t moment =
        push_is_done(p) ? beat_moment(p->clock_ms, p->clock_ns, p->co->sure_ns)
                        : 0;
    char words[48] = "UMCTL BEAT";

    if (moment != 0) {
        snprintf(words, sizeof(words), "UMCTL BEAT %" PRIu64, moment);
    }

    return um_talk_sayz(
        p->talk, p->co->conf->look_timeout, beat_on_answer, p, words);
}

static void
beat_send(coord_proxy_t *p, uint64_t now)
{
    uint64_t silent = p->co->conf->look_timeout * NS_PER_MS;

    p->co->stats.beats++;
    if (p->stage != STAGE_NONE) {
        /* Its answer is a sign of life, too, unless that is late. */
        if (now - p->pushed_ns > silent) {
            beat_note(p, WATCH_SILENT, false, "does not answer");
        }
        return;
    }

    /* A look is under way, or answers to the last beat are. */
    if (p->watch.state == WATCH_DOUBT || p->beating > 0) {
        return;
    }

    if (p->kind == KIND_THEIRS) {
        beat_ask_theirs(p);
    } else if (beat_ask_ours(p) == UM_OK) {
        p->beating = 1;
    }
}

um_rc_t
beat_init(coord_proxy_t *p)
{
    p->timer = um_timer_new(p->co->loop, beat_on_pause, p);
    if (p->timer == NULL) {
        return UM_ERR;
    }

    um_talk_on_end(p->talk, beat_on_end, p);
    return UM_OK;
}

void
beat_deinit(coord_proxy_t *p)
{
    um_timer_free(p->timer);
    p->timer = NULL;
    if (p->fresh) {
        p->co->pushing--;
    }
}

/* ---- All of them -------------------------------------------------------- */

/* The first is due at once, the next at a time that is its own. */
static void
beat_next(coord_proxy_t *p, uint64_t now, uint64_t interval)
{
    if (p->beat_due_ns == 0) {
        uint64_t spread = um_crc64(um_str_of(p->address)) % interval;

        p->beat_due_ns = now + interval / 2 + spread / 2;
        return;
    }

    p->beat_due_ns += interval;
    if (p->beat_due_ns <= now) {
        p->beat_due_ns = now + interval; /* we were asleep */
    }
}

static void
beat_on_tick(void *data)
{
    coord_t *co = data;
    uint64_t now = um_loop_now(co->loop);
    uint64_t interval = co->conf->beat_interval * NS_PER_MS;
    uint64_t pause = co->conf->beat_interval / (co->proxies + 1);

    for (uint32_t i = 0; i < co->proxies; i++) {
        coord_proxy_t *p = co->proxy[i];

        if (p->beat_due_ns <= now) {
            beat_next(p, now, interval);
            beat_send(p, now);
        }
    }

    push_tick(co);
    um_timer_start(
        co->tick, um_max(um_min(pause, TICK_MAX_MS), (uint64_t) TICK_MIN_MS));
}

um_rc_t
beat_start(coord_t *co)
{
    co->tick = um_timer_new(co->loop, beat_on_tick, co);
    if (co->tick == NULL) {
        return UM_ERR;
    }

    um_timer_start(co->tick, 0);
    return UM_OK;
}
