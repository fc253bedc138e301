/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "net/um_resolve.h"

#define NS_PER_MS UINT64_C(1000000)
#define US_PER_S  UINT64_C(1000000)

/* For all of a question: connecting, sending, the answer. */
#define REPLICA_TIMEOUT_MS 10000

/* Bytes of an answer: an epoch, or why not. */
#define REPLICA_HEAD_MAX 16384
#define REPLICA_BODY_MAX 65536

static void replica_go(replicated_t *p, um_sbuf_t *text);

static replica_now_t
replicas_now(void)
{
    return (replica_now_t){
        .ms = um_clock_ns() / NS_PER_MS,
        .wall = um_clock_wall_us() / US_PER_S,
    };
}

/* ---- Asking ------------------------------------------------------------- */

static void
replica_log(const replicated_t *p, replica_news_t news)
{
    switch (news) {
    case REPLICA_CAME:
        um_log_notice(0, "replica %s: in sync, at epoch %" PRIu64, p->addr.text,
            p->r.epoch);
        break;

    case REPLICA_LOST:
        um_log_warn(0,
            "replica %s: has lost what it had, is at epoch %" PRIu64
            ", and gets it again",
            p->addr.text, p->r.epoch);
        break;

    case REPLICA_LEFT:
        um_log_warn(0, "replica %s: %s: %s", p->addr.text,
            replica_state_name(p->r.state), p->r.error);
        break;

    default:
        break;
    }
}

static void
replica_on_answer(const um_httpc_answer_t *answer, void *data)
{
    replicated_t *p = data;
    broker_t *b = p->b;
    replica_now_t now = replicas_now();
    replica_deed_t deed = p->r.deed;
    replica_answer_t a = { answer->status, answer->why, answer->body };

    b->replicas.failures += a.status != 200;
    replica_log(
        p, replica_told(&p->r, &a, b->version, b->conf->sync_interval, &now));

    /* What was found missing is not left until the next time. */
    if (deed == REPLICA_CHECK && a.status == 200) {
        um_sbuf_t text = { 0 };

        if (replica_next(&p->r, b->version, store_epoch(b->store), &now)
            == REPLICA_PUSH)
        {
            replica_go(p, &text);
        }
        um_sbuf_deinit(&text);
    }
}

/* The whole, made once for all that get it now.  False: it cannot be. */
static bool
replica_text(broker_t *b, um_sbuf_t *text, const char **why)
{
    if (text->len == 0 && !text->failed) {
        store_dump(b->store, text);
    }

    *why = text->failed                          ? "out of memory"
           : text->len > b->conf->metadata_limit ? "the metadata is larger "
                                                   "than metadata_limit"
                                                 : NULL;
    return *why == NULL;
}

static bool
replica_ask(
    replicated_t *p, replica_deed_t deed, um_sbuf_t *text, const char **why)
{
    broker_t *b = p->b;
    um_httpc_field_t fields[4] = {
        { "Content-Type", "application/json" },
        { BROKER_PUSH, "1" },
        { "Authorization", b->replicas.authorization },
    };
    um_httpc_ask_t ask = {
        .method = UM_HTTP_GET,
        .target = "/api/v3/epoch",
        .timeout = REPLICA_TIMEOUT_MS,
        .again = true,
    };

    if (deed == REPLICA_PUSH) {
        if (!replica_text(b, text, why)) {
            return false;
        }
        if (b->replicas.authorization == NULL) {
            fields[2].name = NULL;
        }
        ask.method = UM_HTTP_PUT;
        ask.target = "/api/v3/metadata";
        ask.fields = fields;
        ask.body = (um_str_t){ text->data, text->len };
        b->replicas.pushes++;
    }

    return um_httpc_ask(p->http, &ask, replica_on_answer, p, why) != NULL;
}

/* Whatever is to be done about it now. */
static void
replica_go(replicated_t *p, um_sbuf_t *text)
{
    broker_t *b = p->b;
    replica_now_t now = replicas_now();
    uint64_t epoch = store_epoch(b->store);
    replica_deed_t deed;
    const char *why;

    if (b->replica || epoch == 0) {
        return; /* another has more to say */
    }

    replica_want(&p->r, b->version, &now);
    deed = replica_next(&p->r, b->version, epoch, &now);
    if (deed == REPLICA_REST) {
        return;
    }

    replica_asked(&p->r, deed, b->version, epoch, &now);
    if (!replica_ask(p, deed, text, &why)) {
        b->replicas.failures++;
        replica_log(p, replica_unasked(&p->r, why));
    }
}

static void
replicas_go(broker_t *b)
{
    um_sbuf_t text = { 0 };

    for (uint32_t i = 0; i < b->replicas.count; i++) {
        replica_go(b->replicas.list[i], &text);
    }
    um_sbuf_deinit(&text);
}

static void
replicas_on_tick(void *data)
{
    broker_t *b = data;

    um_timer_start(b->replicas.tick, b->conf->sync_interval);
    replicas_go(b);
}

void
replicas_changed(broker_t *b)
{
    replica_now_t now = replicas_now();

    for (uint32_t i = 0; i < b->replicas.count && !b->replica; i++) {
        replica_want(&b->replicas.list[i]->r, b->version, &now);
    }
}

/* ---- Which ones --------------------------------------------------------- */

static void
replicated_free(replicated_t *p)
{
    if (p->http != NULL) {
        um_httpc_free(p->http);
    }
    free(p);
}

static replicated_t *
replicated_new(broker_t *b, const um_addr_t *addr)
{
    static const um_httpc_limits_t limits = {
        .connections = 1,
        .queue = 1,
        .idle_timeout = 60000,
        .header_max = REPLICA_HEAD_MAX,
        .body_max = REPLICA_BODY_MAX,
    };
    replicated_t *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        um_log_error(ENOMEM, "replica %s", addr->text);
        return NULL;
    }

    p->b = b;
    p->addr = *addr;
    p->http = um_httpc_new(b->loop, b->replicas.names, addr, &limits);
    if (p->http == NULL) {
        free(p);
        return NULL;
    }

    return p;
}

static replicated_t *
replicas_find(const replicas_t *rs, const char *address)
{
    for (uint32_t i = 0; i < rs->count; i++) {
        if (strcmp(rs->list[i]->addr.text, address) == 0) {
            return rs->list[i];
        }
    }

    return NULL;
}

um_rc_t
replicas_set(broker_t *b, const um_addr_t *list, uint32_t count)
{
    replicas_t *rs = &b->replicas;
    replicas_t next = { .count = count };

    um_assert(count <= REPLICAS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        next.list[i] = replicas_find(rs, list[i].text);
        if (next.list[i] == NULL) {
            next.list[i] = replicated_new(b, &list[i]);
        }
        if (next.list[i] == NULL) {
            while (i-- > 0) {
                if (replicas_find(rs, list[i].text) == NULL) {
                    replicated_free(next.list[i]);
                }
            }
            return UM_ERR;
        }
    }

    for (uint32_t i = 0; i < rs->count; i++) {
        if (replicas_find(&next, rs->list[i]->addr.text) == NULL) {
            replicated_free(rs->list[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        rs->list[i] = next.list[i];
    }
    rs->count = count;
    return UM_OK;
}

/* ---- What is told of them ----------------------------------------------- */

void
replicas_json(const broker_t *b, um_sbuf_t *out)
{
    um_sbuf_addz(out, "[");
    for (uint32_t i = 0; i < b->replicas.count; i++) {
        um_sbuf_addf(
            out, "%s\"%s\"", i > 0 ? "," : "", b->replicas.list[i]->addr.text);
    }
    um_sbuf_addz(out, "]");
}

void
replicas_status(const broker_t *b, um_sbuf_t *out)
{
    replica_now_t now = replicas_now();

    um_sbuf_addz(out, "[");
    for (uint32_t i = 0; i < b->replicas.count; i++) {
        const replica_t *r = &b->replicas.list[i]->r;

        um_sbuf_addf(out,
            "%s{\"address\":\"%s\",\"state\":\"%s\",\"last_sync\":%" PRIu64
            ",\"lag_seconds\":%" PRIu64 ",\"epoch\":%" PRIu64
            ",\"error\":\"%s\"}",
            i > 0 ? "," : "", b->replicas.list[i]->addr.text,
            replica_state_name(r->state), r->synced_at, replica_lag(r, &now),
            r->epoch, r->error);
    }
    um_sbuf_addz(out, "]");
}

void
replicas_metrics(const broker_t *b, um_sbuf_t *out)
{
    static const struct {
        const char *name;
        const char *help;
    } rows[] = {
        { "synced", "Whether it had all when it was asked last." },
        { "last_sync_timestamp_seconds", "When it last took or had all." },
        { "lag_seconds", "For how long it has lacked something." },
    };
    replica_now_t now = replicas_now();

    for (size_t i = 0; i < um_countof(rows) && b->replicas.count > 0; i++) {
        um_sbuf_addf(out,
            "# HELP undermoon_broker_replica_%s %s\n"
            "# TYPE undermoon_broker_replica_%s gauge\n",
            rows[i].name, rows[i].help, rows[i].name);
        for (uint32_t k = 0; k < b->replicas.count; k++) {
            const replica_t *r = &b->replicas.list[k]->r;
            const uint64_t value[] = { r->state == REPLICA_SYNCED, r->synced_at,
                replica_lag(r, &now) };

            um_sbuf_addf(out,
                "undermoon_broker_replica_%s{replica=\"%s\"} %" PRIu64 "\n",
                rows[i].name, b->replicas.list[k]->addr.text, value[i]);
        }
    }
}

/* ---- Begin and end ------------------------------------------------------ */

static um_rc_t
replicas_authorize(broker_t *b)
{
    um_sbuf_t text = { 0 };

    if (b->conf->replica_token == NULL) {
        return UM_OK;
    }

    um_sbuf_addf(&text, "Bearer %s", b->conf->replica_token);
    (void) um_sbuf_cstr(&text);
    b->replicas.authorization = text.data;
    return text.failed ? UM_ERR : UM_OK;
}

um_rc_t
replicas_init(broker_t *b)
{
    const broker_conf_t *conf = b->conf;
    replicas_t *rs = &b->replicas;

    rs->names = um_jobs_new(b->loop, 2);
    rs->tick = um_timer_new(b->loop, replicas_on_tick, b);
    if (rs->names == NULL || rs->tick == NULL || replicas_authorize(b) != UM_OK)
    {
        um_log_error(ENOMEM, "replicas");
        return UM_ERR;
    }

    if (conf->sync_interval > 0) {
        um_timer_start(rs->tick, conf->sync_interval);
    } else if (conf->replicas_count > 0) {
        um_log_warn(
            0, "sync_meta_interval is 0: replica_addresses get nothing");
    }

    return replicas_set(b, conf->replicas, conf->replicas_count);
}

void
replicas_deinit(broker_t *b)
{
    replicas_t *rs = &b->replicas;

    while (rs->count > 0) {
        replicated_free(rs->list[--rs->count]);
    }
    um_timer_free(rs->tick);
    if (rs->names != NULL) {
        um_jobs_free(rs->names, um_resolve_drop);
    }
    free(rs->authorization);
}
