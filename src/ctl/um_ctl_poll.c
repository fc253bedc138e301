/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_poll.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/um_str.h"
#include "redis/um_reply.h"

#define POLL_AT_ONCE   200
#define POLL_REPLY_MAX (8 * 1024 * 1024)

typedef struct poll_s poll_t;

typedef struct {
    poll_t *poll;
    size_t i;
    um_talk_t *talk;
} one_t;

struct poll_s {
    um_ctl_t *c;
    const char *const *address;
    const char *first;
    um_ctl_reply_pt on_reply;
    void *data;
    um_talk_conf_t conf;
    one_t *one;
    size_t n;
    size_t begun;
    size_t ended;
    bool done;
};

static void poll_begin(poll_t *p);

/* There was no way to ask it. */
static void
poll_unsent(poll_t *p, size_t i, const char *why)
{
    const um_talk_answer_t a = { .end = UM_TALK_UNSENT, .why = why };

    (void) p->on_reply(p->data, i, &a);
    p->ended++;
}

static void
on_said(void *data, const um_talk_answer_t *a)
{
    one_t *one = data;
    poll_t *p = one->poll;
    const char *next = p->on_reply(p->data, one->i, a);

    if (next != NULL) {
        if (um_talk_sayz(one->talk, p->c->opts.timeout, on_said, one, next)
            == UM_OK) {
            return;
        }
        poll_unsent(p, one->i, "out of memory");
    } else {
        p->ended++;
    }

    um_talk_free(one->talk);
    one->talk = NULL;
    poll_begin(p);
}

static void
one_begin(poll_t *p, size_t i)
{
    one_t *one = &p->one[i];
    um_addr_t addr;
    const char *why = um_addr_parse(&addr, um_str_of(p->address[i]));

    *one = (one_t){ .poll = p, .i = i };
    if (why != NULL) {
        poll_unsent(p, i, why);
        return;
    }

    one->talk = um_talk_new(p->c->loop, &addr, &p->conf);
    if (one->talk == NULL
        || um_talk_sayz(one->talk, p->c->opts.timeout, on_said, one, p->first)
               != UM_OK)
    {
        um_talk_free(one->talk);
        one->talk = NULL;
        poll_unsent(p, i, "out of memory");
    }
}

/* As many as there may be. */
static void
poll_begin(poll_t *p)
{
    while (p->begun < p->n && p->begun - p->ended < POLL_AT_ONCE) {
        one_begin(p, p->begun++);
    }
    p->done = p->ended == p->n;
}

bool
um_ctl_poll(um_ctl_t *c, const char *const *address, size_t n,
    const char *first, um_ctl_reply_pt on_reply, void *data)
{
    um_pool_t *pool = um_ctl_pool();
    poll_t p = {
        .c = c,
        .address = address,
        .first = first,
        .on_reply = on_reply,
        .data = data,
        .conf = {
            .password = c->opts.password,
            .connect_timeout = c->opts.timeout,
            .reply_max = POLL_REPLY_MAX,
            .commands_max = 2,
            .names = c->jobs,
        },
        .one = um_ctl_array(pool, n, sizeof(one_t)),
        .n = n,
    };
    bool went_on;

    poll_begin(&p);
    went_on = um_ctl_until(c, &p.done);
    for (size_t i = 0; i < p.begun; i++) {
        um_talk_free(p.one[i].talk);
    }
    um_pool_free(pool);
    return went_on;
}

const char *
um_ctl_poll_why(um_pool_t *p, const um_talk_answer_t *a)
{
    um_str_t text;

    if (a->end != UM_TALK_ANSWERED) {
        return um_ctl_printf(p, "%s", a->why);
    }
    if (um_reply_is_error_of(a->reply, "NOAUTH")) {
        return "it wants a password: set UNDERMOONCTL_PASSWORD";
    }
    if (!um_reply_is_error(a->reply)) {
        return NULL;
    }
    text = um_reply_text(a->reply);
    return um_ctl_printf(p, "%.*s", (int) um_min(text.len, 200u), text.data);
}

/* ---- How they are ------------------------------------------------------- */

typedef enum { ASK_HEALTH, ASK_EPOCH, ASK_TIME } step_t;

typedef struct {
    um_pool_t *pool;
    um_ctl_probe_t *probe;
    step_t *step;
} probes_t;

static const char *
step_next(probes_t *all, size_t i, step_t step)
{
    static const char *const words[] = {
        [ASK_HEALTH] = "UMCTL HEALTH",
        [ASK_EPOCH] = "UMCTL GETEPOCH",
        [ASK_TIME] = "TIME",
    };

    all->step[i] = step;
    return step == ASK_TIME && !all->probe[i].with_time ? NULL : words[step];
}

static const char *
on_health(probes_t *all, size_t i, const um_talk_answer_t *a)
{
    um_ctl_probe_t *p = &all->probe[i];

    if (a->end == UM_TALK_ANSWERED && um_reply_is_error(a->reply)
        && !um_reply_is_error_of(a->reply, "NOAUTH"))
    {
        return step_next(all, i, ASK_EPOCH);
    }

    p->why = um_ctl_poll_why(all->pool, a);
    if (p->why == NULL
        && !um_ctl_health_parse(&p->health, um_reply_text(a->reply), all->pool))
    {
        p->why = "its answer makes no sense: is it a proxy?";
    }
    return p->why == NULL ? step_next(all, i, ASK_TIME) : NULL;
}

static const char *
on_epoch(probes_t *all, size_t i, const um_talk_answer_t *a)
{
    um_ctl_probe_t *p = &all->probe[i];

    p->why = um_ctl_poll_why(all->pool, a);
    if (p->why == NULL && um_reply_u64(a->reply, &p->health.epoch) != UM_OK) {
        p->why = "its answer makes no sense: is it a proxy?";
    }
    return p->why == NULL ? step_next(all, i, ASK_TIME) : NULL;
}

/* Those that have no TIME have no skew. */
static const char *
on_time(probes_t *all, size_t i, const um_talk_answer_t *a)
{
    um_ctl_probe_t *p = &all->probe[i];
    const redisReply *seconds =
        a->end == UM_TALK_ANSWERED ? um_reply_at(a->reply, 0) : NULL;
    uint64_t n;

    if (seconds != NULL && um_reply_u64(seconds, &n) == UM_OK) {
        p->has_skew = true;
        p->skew = (int64_t) n - (int64_t) time(NULL);
    }
    return NULL;
}

static const char *
on_step(void *data, size_t i, const um_talk_answer_t *a)
{
    probes_t *all = data;

    switch (all->step[i]) {
    case ASK_HEALTH:
        return on_health(all, i, a);

    case ASK_EPOCH:
        return on_epoch(all, i, a);

    default:
        return on_time(all, i, a);
    }
}

bool
um_ctl_probe(um_ctl_t *c, um_pool_t *p, um_ctl_probe_t *probe, size_t n)
{
    const char **address = um_ctl_array(p, n, sizeof(*address));
    probes_t all = { p, probe, um_ctl_array(p, n, sizeof(step_t)) };

    for (size_t i = 0; i < n; i++) {
        address[i] = probe[i].address;
        probe[i].why = "was not asked";
        memset(&probe[i].health, 0, sizeof(probe[i].health));
    }
    return um_ctl_poll(c, address, n, "UMCTL HEALTH", on_step, &all);
}

const um_ctl_probe_t *
um_ctl_probe_of(const um_ctl_probe_t *probe, size_t n, const char *address)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(probe[i].address, address) == 0) {
            return &probe[i];
        }
    }

    return NULL;
}
