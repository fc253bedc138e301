/*
 * migrate.c -- migrations that are done: the proxy says which, the broker is
 * told, and then the destination gets the news first and the source next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdio.h>

#include "coord.h"
#include "core/um_log.h"
#include "migrate_text.h"
#include "redis/um_reply.h"

/* A proxy names its task until it has been told that it is over. */
#define COMMIT_PAUSE_MS 1000

/* What the broker believes is not known: it is told whatever is so, 0 too. */
#define PROTOCOL_UNTOLD UINT64_MAX

/* Before a broker that did not take it is told a protocol again. */
#define PROTOCOL_PAUSE_MS 5000

/* Tasks of one answer that are looked at. */
#define COMMITS_MAX 64

static void
commit_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);

    if (p != NULL) {
        p->committing -= p->committing > 0;
    }

    /* Not found: somebody has said it before. */
    if ((a->status >= 200 && a->status < 300) || a->status == 404) {
        co->stats.commits++;
        sync_now(co);
    } else if (a->status != 409 && a->status != 0) {
        um_log_error(0, "proxy %s: its migration is not committed: status %u",
            a->about, a->status);
    }
}

static void
commit_hint(coord_t *co, const char *address, push_hint_t hint)
{
    coord_proxy_t *p = proxies_find(co, address);

    if (p != NULL && p->view != NULL) {
        p->hint = hint;
        p->hint_epoch = p->view->epoch;
    }
}

static void
commit_one(coord_proxy_t *p, um_str_t text)
{
    coord_t *co = p->co;
    migrate_task_t task;
    um_sbuf_t body = { 0 };

    if (migrate_parse(text, &task, &body) != UM_OK) {
        um_log_error(0, "proxy %s: names a migration that is none", p->address);
    } else if (!body.failed) {
        const broker_ask_t ask = {
            .method = UM_HTTP_PUT,
            .target = "/clusters/migrations",
            .body = { body.data, body.len },
            .about = p->address,
        };

        commit_hint(co, task.src_proxy, PUSH_HINT_NEXT);
        commit_hint(co, task.dst_proxy, PUSH_HINT_FIRST);
        if (brokers_ask(co->brokers, &ask, commit_on_answer, co) == UM_OK) {
            p->committing++;
        }
    }
    um_sbuf_deinit(&body);
}

void
migrate_take(coord_proxy_t *p, const redisReply *reply)
{
    uint64_t now = um_loop_now(p->co->loop);
    size_t count = um_min(reply->elements, (size_t) COMMITS_MAX);

    if (reply->type != REDIS_REPLY_ARRAY || p->committing > 0
        || now < p->commit_after_ns)
    {
        return;
    }

    p->commit_after_ns = now + COMMIT_PAUSE_MS * NS_PER_MS;
    for (size_t i = 0; i < count; i++) {
        commit_one(p, um_reply_text(um_reply_at(reply, i)));
    }
}

static void
infomgr_on_answer(void *data, const um_talk_answer_t *a)
{
    if (a->end == UM_TALK_ANSWERED) {
        migrate_take(data, a->reply);
    }
}

/* ---- Which protocol of migrations it speaks ----------------------------- */

static void
protocol_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p;

    if ((a->status >= 200 && a->status < 300)
        || ((a->status == 404 || a->status == 405)
            && brokers_lack(co->brokers, a, LACKS_PROTOCOL)))
    {
        return;
    }

    /* It does not know: what the proxy says will be told again. */
    p = proxies_find(co, a->about);
    if (p != NULL) {
        migrate_forget(p);
        p->health_after_ns =
            um_loop_now(co->loop) + PROTOCOL_PAUSE_MS * NS_PER_MS;
    }
}

static void
protocol_say(coord_proxy_t *p, uint64_t version)
{
    um_sbuf_t target = { 0 }, body = { 0 };

    coord_target(&target, "/proxies/protocol/", p->address, "");
    um_sbuf_addf(&body, "{\"version\":%" PRIu64 "}", version);
    if (!target.failed && !body.failed
        && !brokers_lacks(p->co->brokers, LACKS_PROTOCOL))
    {
        const broker_ask_t ask = {
            .method = UM_HTTP_PUT,
            .target = um_sbuf_cstr(&target),
            .body = { body.data, body.len },
            .about = p->address,
        };

        if (brokers_ask(p->co->brokers, &ask, protocol_on_answer, p->co)
            == UM_OK) {
            p->protocol = version;
        }
    }
    um_sbuf_deinit(&target);
    um_sbuf_deinit(&body);
}

static void
health_on_answer(void *data, const um_talk_answer_t *a)
{
    coord_proxy_t *p = data;
    uint64_t version = 0;

    if (a->end != UM_TALK_ANSWERED) {
        return;
    }

    /* One that does not say so has none. */
    (void) um_reply_info_u64(
        um_reply_text(a->reply), "migration_protocol", &version);
    if (version != p->protocol) {
        protocol_say(p, version);
    }
}

void
migrate_forget(coord_proxy_t *p)
{
    p->protocol = PROTOCOL_UNTOLD;
    p->asked_health = false;
}

void
migrate_consider(coord_proxy_t *p)
{
    uint64_t timeout = p->co->conf->proxy_timeout;
    uint64_t now = um_loop_now(p->co->loop);

    if (p->kind != KIND_OURS) {
        if (p->protocol != 0) {
            protocol_say(p, 0); /* it was one of ours, and may be again */
            p->asked_health = false;
        }
        return; /* it is asked with every beat */
    }

    if (!p->asked_health && now >= p->health_after_ns) {
        p->asked_health =
            um_talk_sayz(p->talk, timeout, health_on_answer, p, "UMCTL HEALTH")
            == UM_OK;
    }

    if (p->beat.finished > 0 && p->committing == 0 && now >= p->commit_after_ns
        && um_talk_sayz(p->talk, timeout, infomgr_on_answer, p, "UMCTL INFOMGR")
               != UM_OK)
    {
        um_log_info(0, "proxy %s: too much is unanswered", p->address);
    }
}
