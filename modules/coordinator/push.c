/*
 * push.c -- every proxy gets what the broker wants it to have: SETREPL, then
 * SETCLUSTER, both with the epoch of its cluster.
 *
 *   NONE    -> REPL     [push_begin]
 *   REPL    -> CLUSTER  [push_on_repl]
 *   CLUSTER -> NONE     [push_on_cluster]
 *   any     -> NONE     [push_fail]
 *
 * Few begin at once, for a text is as long as its cluster is large; one that
 * has been under way for a moment no longer counts, so that nobody who is slow
 * is in the way of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster_text.h"
#include "coord.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "redis/um_reply.h"

#define PUSH_FRESH_MAX 64
#define PUSH_FRESH_MS  200

/* ---- Who needs what ----------------------------------------------------- */

/* False: what it should have is not known. */
static bool
push_facts(const coord_proxy_t *p, push_facts_t *f)
{
    bool spare = p->view == NULL;

    if (!p->beaten || (spare && p->spare != SPARE_KNOWN)) {
        return false;
    }

    *f = (push_facts_t){
        .ours = p->kind == KIND_OURS,
        .epoch = p->beat.epoch,
        .repl_epoch = p->beat.repl_epoch,
        .target = spare ? p->spare_epoch : p->view->epoch,
        .taken = p->taken,
        .spare = spare,
        .same = p->taken_spare,
    };
    f->unsure = p->unsure != 0 && p->unsure == f->target;
    return true;
}

static bool
push_is_needed(const coord_proxy_t *p)
{
    push_facts_t f;

    return push_facts(p, &f) && push_need(&f) == PUSH_NEEDS_IT;
}

bool
push_is_done(coord_proxy_t *p)
{
    push_facts_t f;

    return push_facts(p, &f) && push_need(&f) == PUSH_HAS_IT;
}

static bool
push_is_reachable(const coord_proxy_t *p)
{
    return p->watch.state == WATCH_ALIVE || p->watch.state == WATCH_FAULTY;
}

/* ---- Whose turn it is --------------------------------------------------- */

static uint32_t
push_wave_of(const view_t *v, uint32_t i)
{
    const view_proxy_t *vp = &v->proxy[i];

    return push_wave(vp->imports, vp->has_empty_master,
        vp->who != NULL ? vp->who->hint : PUSH_HINT_NONE);
}

static bool
push_wave_is_open(const view_t *v)
{
    for (uint32_t i = 0; i < v->proxies; i++) {
        const coord_proxy_t *p = v->proxy[i].who;

        if (p != NULL && p->view == v && push_wave_of(v, i) == v->wave
            && push_is_reachable(p) && push_is_needed(p))
        {
            return true;
        }
    }

    return false;
}

static void
push_next_wave(coord_t *co, view_t *v)
{
    uint64_t now = um_loop_now(co->loop);

    while (v->ordered && v->wave + 1 < PUSH_WAVES
           && (now >= v->wave_until_ns || !push_wave_is_open(v)))
    {
        v->wave++;
        v->wave_until_ns = now + PUSH_WAVE_MS * NS_PER_MS;
    }
}

/* ---- How it ends -------------------------------------------------------- */

static void
push_leave(coord_proxy_t *p)
{
    p->stage = STAGE_NONE;
    if (p->fresh) {
        p->fresh = false;
        p->co->pushing--;
    }
}

/* What does it say against it?  The same is told once. */
static void
push_complain(coord_proxy_t *p, const char *command, um_str_t why)
{
    char text[sizeof(p->complaint)];

    snprintf(text, sizeof(text), "%s: %.*s", command, um_str_fmt(why));
    if (strcmp(text, p->complaint) != 0) {
        um_log_error(0, "proxy %s: refuses %s", p->address, text);
        memcpy(p->complaint, text, sizeof(text));
    }
}

static void
push_fail(coord_proxy_t *p, push_verdict_t verdict)
{
    uint64_t pause;

    p->unsure = p->push_epoch;
    p->push_vain += verdict == PUSH_REFUSED;
    pause = push_pause(verdict, p->push_vain);
    p->push_after_ns = um_loop_now(p->co->loop) + pause * NS_PER_MS;
    push_leave(p);
    push_scan(p->co);
}

static void
push_done(coord_proxy_t *p)
{
    coord_t *co = p->co;

    um_log_info(0, "proxy %s: has epoch %" PRIu64, p->address, p->push_epoch);
    p->taken = p->push_epoch;
    p->taken_spare = p->push_spare;
    p->beat.epoch = um_max(p->beat.epoch, p->taken);
    p->beat.repl_epoch = um_max(p->beat.repl_epoch, p->taken);
    p->unsure = 0;
    p->push_vain = 0;
    p->push_after_ns = 0;
    p->complaint[0] = '\0';
    if (p->taken > p->hint_epoch) {
        p->hint = PUSH_HINT_NONE;
    }

    push_leave(p);
    beat_soon(p);
    push_scan(co);
}

/* Was it taken?  If not the push has ended. */
static bool
push_answered(coord_proxy_t *p, const char *command, const um_talk_answer_t *a)
{
    push_verdict_t v = PUSH_REFUSED;
    um_str_t error = { NULL, 0 };

    if (a->end != UM_TALK_ANSWERED) {
        if (a->end == UM_TALK_LATE) {
            beat_hang_up(p, "does not answer");
        }
        push_fail(p, PUSH_REFUSED);
        return false;
    }

    if (um_reply_is_error(a->reply)) {
        error = um_reply_text(a->reply);
    }
    v = push_verdict(error);
    if (v == PUSH_TAKEN) {
        return true;
    }

    p->co->stats.pushes_refused++;
    if (v == PUSH_REFUSED) {
        push_complain(p, command, error);
    }
    push_fail(p, v);
    return false;
}

/* ---- Its course --------------------------------------------------------- */

static um_rc_t
push_say(coord_proxy_t *p, text_t *t, um_talk_pt on_answer)
{
    um_rc_t rc = UM_ERR;

    if (t->pieces > 0) {
        p->co->stats.push_bytes += text_len(t);
        p->pushed_ns = um_loop_now(p->co->loop);
        rc = um_talk_say_pieces(p->talk, p->co->conf->proxy_timeout, on_answer,
            p, t->piece, t->pieces);
    }

    text_deinit(t);
    return rc;
}

static void
push_on_cluster(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;

    if (push_answered(p, "SETCLUSTER", a)) {
        push_done(p);
    }
}

static um_rc_t
push_cluster(coord_proxy_t *p)
{
    text_t t = { 0 };

    p->stage = STAGE_CLUSTER;
    if (p->push_spare) {
        text_spare_setcluster(p->push_epoch, &t);
    } else if (p->co->conf->compression) {
        text_setcluster_packed(p->view, p->index, &t);
    } else {
        text_setcluster(p->view, p->index, &t);
    }

    return push_say(p, &t, push_on_cluster);
}

static void
push_on_repl(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;
    push_facts_t f;

    if (!push_answered(p, "SETREPL", a)) {
        return;
    }

    /* Meanwhile it may be that it should have something else. */
    if (!push_facts(p, &f) || f.spare != p->push_spare
        || f.target != p->push_epoch) {
        p->unsure = p->push_epoch;
        push_leave(p);
        push_scan(p->co);
    } else if (push_cluster(p) != UM_OK) {
        push_fail(p, PUSH_REFUSED);
    }
}

static um_rc_t
push_repl(coord_proxy_t *p)
{
    const char *node[COORD_NODES];
    text_t t = { 0 };

    p->stage = STAGE_REPL;
    if (p->push_spare) {
        for (uint32_t i = 0; i < p->nodes; i++) {
            node[i] = p->node[i];
        }
        text_spare_setrepl(p->push_epoch, node, p->nodes, &t);
    } else {
        text_setrepl(p->view, p->index, &t);
    }

    return push_say(p, &t, push_on_repl);
}

static void
push_begin(coord_proxy_t *p, const push_facts_t *f)
{
    p->push_epoch = f->target;
    p->push_spare = f->spare;
    p->co->stats.pushes++;
    p->co->pushing++;
    p->fresh = true;
    if (push_repl(p) != UM_OK) {
        p->push_after_ns =
            um_loop_now(p->co->loop) + push_pause(PUSH_SOON, 0) * NS_PER_MS;
        push_leave(p);
    }
}

/* ---- From outside ------------------------------------------------------- */

void
push_consider(coord_proxy_t *p)
{
    coord_t *co = p->co;
    push_facts_t f;
    push_need_t need;

    if (p->stage != STAGE_NONE || !push_facts(p, &f)) {
        return;
    }

    need = push_need(&f);
    ahead_note(p, need == PUSH_AHEAD);
    if (need != PUSH_NEEDS_IT || !push_is_reachable(p)
        || co->pushing >= PUSH_FRESH_MAX
        || p->push_after_ns > um_loop_now(co->loop))
    {
        return;
    }

    if (p->view != NULL && p->view->ordered
        && push_wave_of(p->view, p->index) > p->view->wave)
    {
        return;
    }

    push_begin(p, &f);
}

void
push_scan(coord_t *co)
{
    um_list_each(l, &co->views)
    {
        push_next_wave(co, um_list_entry(l, view_t, link));
    }

    for (uint32_t i = 0; i < co->proxies && co->pushing < PUSH_FRESH_MAX; i++) {
        push_consider(co->proxy[co->push_at++ % co->proxies]);
    }
}

void
push_tick(coord_t *co)
{
    uint64_t now = um_loop_now(co->loop);

    for (uint32_t i = 0; i < co->proxies; i++) {
        coord_proxy_t *p = co->proxy[i];

        if (p->fresh && now - p->pushed_ns > PUSH_FRESH_MS * NS_PER_MS) {
            p->fresh = false;
            co->pushing--;
        }
    }

    push_scan(co);
}
