/* SPDX-License-Identifier: Apache-2.0 */

#include "replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

/* The longest pause between two questions to who refuses. */
#define REPLICA_PAUSE_MS 60000

const char *
replica_state_name(replica_state_t state)
{
    static const char *const names[] = {
        [REPLICA_UNKNOWN] = "unknown",
        [REPLICA_SYNCED] = "synced",
        [REPLICA_AHEAD] = "ahead",
        [REPLICA_FAILING] = "failing",
    };

    return names[state];
}

void
replica_want(replica_t *r, uint64_t version, const replica_now_t *now)
{
    if (r->has != version && r->lacks_ms == 0) {
        r->lacks_ms = now->ms;
    }
}

replica_deed_t
replica_next(const replica_t *r, uint64_t version, uint64_t epoch,
    const replica_now_t *now)
{
    if (r->deed != REPLICA_REST || now->ms < r->not_before_ms) {
        return REPLICA_REST;
    }

    /* All of it would be refused: is it still ahead? */
    if (r->state == REPLICA_AHEAD && (r->epoch == 0 || r->epoch > epoch)) {
        return REPLICA_CHECK;
    }

    return r->has == version ? REPLICA_CHECK : REPLICA_PUSH;
}

void
replica_asked(replica_t *r, replica_deed_t deed, uint64_t version,
    uint64_t epoch, const replica_now_t *now)
{
    r->deed = deed;
    r->deed_version = version;
    r->deed_epoch = epoch;
    r->deed_ms = now->ms;
}

/* ---- What comes of it --------------------------------------------------- */

static replica_news_t
replica_leaves(replica_t *r, replica_state_t state)
{
    bool news = r->state != state;

    r->state = state;
    return news ? REPLICA_LEFT : REPLICA_NO_NEWS;
}

static replica_news_t
replica_comes(replica_t *r, const replica_now_t *now)
{
    bool news = r->state != REPLICA_SYNCED;

    r->state = REPLICA_SYNCED;
    r->error[0] = '\0';
    r->refusals = 0;
    r->synced_at = now->wall;
    return news ? REPLICA_CAME : REPLICA_NO_NEWS;
}

static replica_news_t
replica_is_ahead(replica_t *r)
{
    snprintf(r->error, sizeof(r->error),
        "its epoch is higher than ours, or it is a broker itself");
    r->has = 0;
    return replica_leaves(r, REPLICA_AHEAD);
}

/* Who does not want it is not to get it each time. */
static void
replica_pause(replica_t *r, uint64_t every, const replica_now_t *now)
{
    uint64_t pause = every << um_min(r->refusals, 10u);

    r->refusals++;
    r->not_before_ms = now->ms + um_min(pause, (uint64_t) REPLICA_PAUSE_MS);
}

/* It answers, but not as it should. */
static replica_news_t
replica_refuses(replica_t *r, const replica_answer_t *a)
{
    snprintf(r->error, sizeof(r->error), "it answers %u: %.*s", a->status,
        (int) um_min(a->body.len, 60), a->body.len > 0 ? a->body.data : "");
    /* What a stranger says is not for a log. */
    for (char *c = r->error; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') {
            *c = '.';
        }
    }
    return replica_leaves(r, REPLICA_FAILING);
}

static replica_news_t
told_of_push(replica_t *r, const replica_answer_t *a, uint64_t version,
    uint64_t every, const replica_now_t *now)
{
    if (a->status != 200) {
        replica_pause(r, every, now);
    }
    if (a->status == 409 && a->body.len > 0
        && memmem(a->body.data, a->body.len, "EPOCH_SMALLER_THAN_CURRENT", 26)
               != NULL)
    {
        r->epoch = 0; /* is to be asked */
        return replica_is_ahead(r);
    }
    if (a->status != 200) {
        return replica_refuses(r, a);
    }

    r->has = r->deed_version;
    r->epoch = r->deed_epoch;
    /* What has come meanwhile is younger than the question. */
    r->lacks_ms = version == r->has ? 0 : r->deed_ms;
    return replica_comes(r, now);
}

static replica_news_t
told_of_check(replica_t *r, const replica_answer_t *a, uint64_t every,
    const replica_now_t *now)
{
    uint64_t epoch;

    if (a->status != 200 || um_str_to_u64(a->body, &epoch) != UM_OK) {
        replica_pause(r, every, now);
        return replica_refuses(r, a);
    }

    r->epoch = epoch;
    if (epoch > r->deed_epoch) {
        return replica_is_ahead(r);
    }

    if (r->has != 0 && epoch == r->deed_epoch) {
        return replica_comes(r, now);
    }

    /* It lacks what it took, or is ahead no more: it is to have all. */
    r->has = 0;
    if (r->lacks_ms == 0) {
        r->lacks_ms = now->ms;
    }
    if (r->state != REPLICA_SYNCED) {
        return REPLICA_NO_NEWS;
    }
    r->state = REPLICA_UNKNOWN;
    return REPLICA_LOST;
}

replica_news_t
replica_told(replica_t *r, const replica_answer_t *a, uint64_t version,
    uint64_t every, const replica_now_t *now)
{
    replica_deed_t deed = r->deed;

    r->deed = REPLICA_REST;
    r->not_before_ms = 0;
    if (a->status == 0) {
        return replica_unasked(r, a->why);
    }

    return deed == REPLICA_PUSH ? told_of_push(r, a, version, every, now)
                                : told_of_check(r, a, every, now);
}

replica_news_t
replica_unasked(replica_t *r, const char *why)
{
    r->deed = REPLICA_REST;
    snprintf(r->error, sizeof(r->error), "%s", why);
    return replica_leaves(r, REPLICA_FAILING);
}

uint64_t
replica_lag(const replica_t *r, const replica_now_t *now)
{
    return r->lacks_ms == 0 || now->ms < r->lacks_ms
               ? 0
               : (now->ms - r->lacks_ms) / 1000;
}
