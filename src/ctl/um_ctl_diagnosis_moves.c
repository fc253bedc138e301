/*
 * um_ctl_diagnosis_moves.c -- findings about slots that are on the move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <string.h>

#include "ctl/um_ctl_diagnosis.h"

static const char *
slots_of(um_pool_t *p, const um_ctl_task_t *t)
{
    um_sbuf_t text = { 0 };
    const char *kept;

    um_ctl_slots_put(&text, &t->slots, 3);
    kept = um_ctl_strdup(p, (um_str_t){ um_ctl_cstr(&text), text.len });
    um_sbuf_deinit(&text);
    return kept;
}

/* NULL: it does not answer, or is not known. */
static const um_ctl_health_t *
health_of(const um_ctl_facts_t *f, const char *proxy)
{
    const um_ctl_probe_t *probe =
        um_ctl_probe_of(f->probe, f->store.proxies, proxy);

    return probe != NULL && probe->why == NULL ? &probe->health : NULL;
}

/* ---- Two programs, or two versions -------------------------------------- */

/* As far as both answer; `of` has what they know. */
static bool
protocols_differ(
    const um_ctl_facts_t *f, const um_ctl_task_t *t, uint64_t of[2])
{
    const um_ctl_health_t *src = health_of(f, t->src_proxy);
    const um_ctl_health_t *dst = health_of(f, t->dst_proxy);

    if (src == NULL || dst == NULL) {
        return false;
    }
    of[0] = src->protocol;
    of[1] = dst->protocol;
    return of[0] != of[1];
}

static void
look_protocols(
    const um_ctl_facts_t *f, const um_ctl_view_t *v, um_ctl_findings_t *out)
{
    const char *who = um_ctl_printf(out->pool, "cluster %s", v->name);

    for (size_t i = 0; i < v->tasks; i++) {
        const um_ctl_task_t *t = &v->task[i];
        uint64_t of[2];

        if (protocols_differ(f, t, of)) {
            um_ctl_find(out, UM_CTL_WARNING, "migration_protocols_differ", who,
                "Run the same program, in the same version, at both.",
                "slots %s cannot move: %s knows migration protocol %" PRIu64
                ", %s knows %" PRIu64,
                slots_of(out->pool, t), t->src_proxy, of[0], t->dst_proxy,
                of[1]);
        }
    }
}

/* ---- What does not get on ----------------------------------------------- */

/* When its source does not say why itself. */
static const char *
step_reason(const um_ctl_move_t *m)
{
    static const struct {
        const char *step;
        const char *reason;
    } known[] = {
        { "NEW", "its source does not know whether it has handed them over" },
        { "CHECK", "its destination does not take part" },
        { "ATTACH", "its source does not hear what is written to its Redis" },
        { "COPY", "no key is copied" },
        { "CATCHUP", "more is written than can be copied" },
        { "FREEZE", "commands that are under way do not end" },
        { "FLIP", "its destination does not say whether it has them" },
        { "SWEEP", "its coordinator does not commit it" },
        { "OVER", "its coordinator does not commit it" },
    };

    for (size_t i = 0; i < um_countof(known) && m->step != NULL; i++) {
        if (strcmp(m->step, known[i].step) == 0) {
            return known[i].reason;
        }
    }
    return "nobody tells why";
}

static void
look_stuck(const um_ctl_facts_t *f, const um_ctl_still_t *s, const char *who,
    um_ctl_findings_t *out)
{
    const um_ctl_move_t *m = &s->move;
    bool holds = m->deaf == NULL && um_ctl_move_holds(m);
    const char *why = m->deaf != NULL  ? um_ctl_printf(out->pool,
                           "%s does not answer: %s", m->task.src_proxy, m->deaf)
                      : m->why != NULL ? m->why
                                       : step_reason(m);

    um_ctl_find(out, holds ? UM_CTL_ERROR : UM_CTL_WARNING,
        "migration_stands_still", who,
        "\"undermoonctl cluster migrations NAME\" shows how it is; with "
        "--cancel it is taken back.",
        "slots %s, on their way from %s to %s, stand still for %" PRIu64
        " s (%s)%s: %s",
        slots_of(out->pool, &m->task), m->task.src_proxy, m->task.dst_proxy,
        f->stall / 1000,
        um_ctl_move_state(m) != NULL ? um_ctl_move_state(m) : "unknown",
        holds ? ", and clients wait for them" : "", why);
}

static void
look_undo(const um_ctl_facts_t *f, const um_ctl_still_t *s, const char *who,
    um_ctl_findings_t *out)
{
    const um_ctl_task_t *t = &s->move.task;
    const char *proxy = s->move.undone[0] ? t->dst_proxy : t->src_proxy;
    const um_ctl_probe_t *probe =
        um_ctl_probe_of(f->probe, f->store.proxies, proxy);
    const char *why = "does a coordinator run?";

    if (probe != NULL && probe->why != NULL) {
        why = um_ctl_printf(out->pool, "it does not answer: %s", probe->why);
    } else if (probe != NULL && probe->health.protocol == 0) {
        why = "it has no migration protocol of ours";
    } else if (s->move.why != NULL) {
        why = s->move.why;
    } else if (s->move.step != NULL && strcmp(s->move.step, "UNDO") == 0) {
        why = "it is at it";
    }

    um_ctl_find(out, UM_CTL_WARNING, "migration_not_undone", who,
        "Until it has, nothing else of this cluster can be changed.",
        "slots %s are taken back, and %s has not undone its half: %s",
        slots_of(out->pool, t), proxy, why);
}

void
um_ctl_diagnose_moves(const um_ctl_facts_t *f, um_ctl_findings_t *out)
{
    for (size_t i = 0; i < f->clusters; i++) {
        look_protocols(f, &f->cluster[i].view, out);
    }

    for (size_t i = 0; i < f->stills; i++) {
        const um_ctl_still_t *s = &f->still[i];
        const char *who = um_ctl_printf(out->pool, "cluster %s", s->cluster);
        uint64_t of[2];

        if (s->move.undoing) {
            look_undo(f, s, who, out);
        } else if (!protocols_differ(f, &s->move.task, of)) {
            look_stuck(f, s, who, out);
        }
    }
}
