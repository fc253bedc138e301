/*
 * um_store_asks.c -- what can be asked in a story.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_store_play.h"

#include <check.h>
#include <stdlib.h>

const char *
play_arg(const play_t *p, unsigned i)
{
    ck_assert_msg(i < p->words, "'%s' wants more words", p->word[0]);
    return p->word[i];
}

um_str_t
play_text(const play_t *p, unsigned i)
{
    return um_str_of(play_arg(p, i));
}

uint64_t
play_number(const play_t *p, unsigned i)
{
    return strtoull(play_arg(p, i), NULL, 10);
}

/* --- what can be asked ------------------------------------------------ */

static const store_cluster_t *
asked(const play_t *p)
{
    uint32_t place = store_find_cluster(p->s, play_text(p, 1));

    ck_assert_msg(place != STORE_NONE, "no cluster %s", p->word[1]);
    return p->s->cluster[place];
}

static void
tell_ranges(um_sbuf_t *out, const store_ranges_t *r)
{
    if (r == NULL) {
        um_sbuf_addz(out, "none");
    }
    for (uint32_t i = 0; r != NULL && i < r->n; i++) {
        um_sbuf_addf(
            out, "%s%u-%u", i > 0 ? "," : "", r->r[i].start, r->r[i].end);
    }
}

/* A proxy without its ":1". */
static void
tell_proxy(const play_t *p, um_sbuf_t *out, uint32_t place)
{
    um_str_t a = store_address(p->s, place);

    um_sbuf_addf(out, "%.*s%s", (int) a.len - 2, a.data,
        p->s->proxy[place].failed ? "!" : "");
}

static store_rc_t
ask_chunks(play_t *p)
{
    const store_cluster_t *c = asked(p);

    for (uint32_t i = 0; i < c->chunks; i++) {
        const store_chunk_t *ch = &c->chunk[i];

        um_sbuf_addz(&p->out, i > 0 ? "; " : "");
        tell_proxy(p, &p->out, ch->proxy[0]);
        um_sbuf_addz(&p->out, "+");
        tell_proxy(p, &p->out, ch->proxy[1]);
        um_sbuf_addf(&p->out, " %s ", store_role_names[ch->role]);
        tell_ranges(&p->out, ch->stable[0]);
        um_sbuf_addz(&p->out, " ");
        tell_ranges(&p->out, ch->stable[1]);
    }
    return STORE_OK;
}

static store_rc_t
ask_tasks(play_t *p)
{
    const store_cluster_t *c = asked(p);

    for (uint32_t i = 0; i < c->tasks; i++) {
        const store_task_t *t = &c->task[i];

        um_sbuf_addf(&p->out, "%s%u.%u>%u.%u ", i > 0 ? "; " : "", t->chunk[0],
            t->part[0], t->chunk[1], t->part[1]);
        tell_ranges(&p->out, t->ranges);
        um_sbuf_addf(&p->out, " @%llu%s%s%s", (unsigned long long) t->epoch,
            t->cancelling ? " cancelling" : "", t->undone[0] ? " src" : "",
            t->undone[1] ? " dst" : "");
    }
    um_sbuf_addz(&p->out, c->tasks == 0 ? "none" : "");
    return STORE_OK;
}

static store_rc_t
ask_started(play_t *p)
{
    const store_cluster_t *c = asked(p);

    for (uint32_t i = 0; i < c->tasks; i++) {
        if (c->task[i].started) {
            um_sbuf_addf(&p->out, "%s%u", p->out.len > 0 ? " " : "", i);
        }
    }
    um_sbuf_addz(&p->out, p->out.len == 0 ? "none" : "");
    return STORE_OK;
}

static store_rc_t
ask_epochs(play_t *p)
{
    um_sbuf_add_u64(&p->out, store_epoch(p->s));
    for (unsigned i = 0; i < p->s->by_name.n; i++) {
        const store_cluster_t *c = p->s->cluster[p->s->by_name.at[i]];

        um_sbuf_addf(
            &p->out, " %s=%llu", c->name, (unsigned long long) c->epoch);
    }
    return STORE_OK;
}

static store_rc_t
ask_info(play_t *p)
{
    return store_view_info(p->s, play_text(p, 1), &p->out);
}

static store_rc_t
ask_failures(play_t *p)
{
    store_view_failures(p->s, &p->env, &p->out);
    return STORE_OK;
}

static store_rc_t
ask_failed(play_t *p)
{
    store_view_failed(p->s, &p->out);
    return STORE_OK;
}

static store_rc_t
ask_check(play_t *p)
{
    return store_check(p->s, &p->env, &p->out);
}

static store_rc_t
ask_proxy(play_t *p)
{
    store_view_proxy(p->s, play_text(p, 1), &p->out);
    return STORE_OK;
}

static store_rc_t
ask_cluster(play_t *p)
{
    store_view_cluster(p->s, play_text(p, 1), &p->out);
    return STORE_OK;
}

static store_rc_t
ask_names(play_t *p)
{
    store_view_names(p->s, play_number(p, 1), play_number(p, 2), &p->out);
    return STORE_OK;
}

static store_rc_t
ask_addresses(play_t *p)
{
    store_view_addresses(p->s, play_number(p, 1), play_number(p, 2), &p->out);
    return STORE_OK;
}

static store_rc_t
ask_dump(play_t *p)
{
    store_dump(p->s, &p->out);
    return STORE_OK;
}

static store_rc_t
ask_cancelling(play_t *p)
{
    store_view_cancelling(p->s, &p->out);
    return STORE_OK;
}

const play_deed_t play_asks[] = {
    { "?chunks", ask_chunks },
    { "?tasks", ask_tasks },
    { "?started", ask_started },
    { "?epochs", ask_epochs },
    { "?info", ask_info },
    { "?failures", ask_failures },
    { "?failed", ask_failed },
    { "?check", ask_check },
    { "?proxy", ask_proxy },
    { "?cluster", ask_cluster },
    { "?names", ask_names },
    { "?addresses", ask_addresses },
    { "?dump", ask_dump },
    { "?cancelling", ask_cancelling },
};

const size_t play_asks_n = um_countof(play_asks);
