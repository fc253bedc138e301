/*
 * broker_call.c -- one question to a broker, and to another one when that does
 * not answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_link_priv.h"
#include "core/um_log.h"

static void call_on_answer(const um_httpc_answer_t *a, void *data);

void
broker_call_free(broker_call_t *c)
{
    um_list_del(&c->link);
    free(c);
}

/* UM_ERR: it cannot be asked; `*why`. */
static um_rc_t
call_send(broker_call_t *c, const char **why)
{
    brokers_t *b = c->b;

    brokers_choose(b);
    c->to = b->link[b->current];
    if (um_httpc_ask(c->to->http, &c->ask, call_on_answer, c, why) == NULL) {
        return UM_ERR;
    }

    c->tries--;
    c->to->calls++;
    c->to->asked++;
    return UM_OK;
}

static broker_event_t
call_event(const um_httpc_answer_t *a)
{
    if (a->status != 0) {
        return BROKER_ANSWERED;
    }

    return a->unsure || strcmp(a->why, "timed out") == 0 ? BROKER_MUTE
                                                         : BROKER_REFUSED;
}

/* Its health before and after tells whether it is news. */
static void
call_note(const broker_call_t *c, broker_event_t event, const char *why)
{
    broker_link_t *l = c->to;
    uint64_t now = um_loop_now(c->b->loop);
    bool rested = l->health.rest_until_ms != 0;

    broker_rule_note(&l->health, event, now / BROKER_NS_PER_MS + 1);
    if (event == BROKER_ANSWERED) {
        l->answered_ns = now;
    } else {
        l->failed++;
    }

    if (!rested && l->health.rest_until_ms != 0) {
        um_log_warn(0, "broker %s does not answer: %s", l->addr.text, why);
    } else if (rested && l->health.rest_until_ms == 0) {
        um_log_notice(0, "broker %s answers again", l->addr.text);
    }
}

static void
call_answer(broker_call_t *c, const um_httpc_answer_t *a, const char *why)
{
    const char *etag = a->status != 0 ? um_httpc_header(a, "ETag") : NULL;
    const broker_answer_t answer = {
        .status = a->status,
        .why = why,
        .body = a->body,
        .etag = etag != NULL ? etag : "",
        .about = c->about,
        .link = c->to->id,
    };

    c->on_answer(c->data, &answer);
    broker_call_free(c);
}

static void
call_on_answer(const um_httpc_answer_t *a, void *data)
{
    broker_call_t *c = data;
    broker_link_t *l = c->to;
    broker_event_t event = call_event(a);
    const char *why = a->why;

    call_note(c, event, why);
    l->calls--;
    if (l->retired && l->calls == 0) {
        um_list_del(&l->link);
    }

    /* From a link that nobody asks any more it is not taken on to others: it
     * was meant for those. */
    if (c->tries > 0 && !l->retired && broker_rule_again(event, c->only_once)
        && call_send(c, &why) == UM_OK)
    {
        return;
    }

    call_answer(c, a, why);
    if (l->retired && l->calls == 0) {
        broker_link_free(l);
    }
}

static char *
call_put(char **at, const void *data, size_t len)
{
    char *begin = *at;

    memcpy(begin, data, len);
    begin[len] = '\0';
    *at += len + 1;
    return begin;
}

static void
call_fields(broker_call_t *c, const broker_ask_t *ask, const char *etag)
{
    const um_sbuf_t *auth = &c->b->authorization;
    um_httpc_field_t *f = c->field;

    *f++ = (um_httpc_field_t){ "Accept-Encoding",
        ask->view && c->b->conf->compression ? "gzip" : "identity" };
    if (ask->body.len > 0) {
        *f++ = (um_httpc_field_t){ "Content-Type", "application/json" };
    }
    if (etag != NULL) {
        *f++ = (um_httpc_field_t){ "If-None-Match", etag };
    }
    if (auth->len > 0) {
        *f++ = (um_httpc_field_t){ "Authorization", auth->data };
    }
    *f = (um_httpc_field_t){ NULL, NULL };
    c->ask.fields = c->field;
}

static broker_call_t *
call_new(brokers_t *b, const broker_ask_t *ask, broker_pt on_answer, void *data)
{
    static const char base[] = "/api/v3";
    size_t target = strlen(ask->target);
    size_t etag = ask->etag != NULL ? strlen(ask->etag) : 0;
    size_t size = sizeof(base) + target + etag + ask->body.len + 3;
    broker_call_t *c = calloc(1, sizeof(*c) + size);
    char *at;

    if (c == NULL) {
        return NULL;
    }

    at = c->text;
    um_list_init(&c->link);
    c->b = b;
    c->on_answer = on_answer;
    c->data = data;
    c->tries = b->count;
    c->only_once = ask->only_once;
    snprintf(
        c->about, sizeof(c->about), "%s", ask->about != NULL ? ask->about : "");

    memcpy(at, base, sizeof(base) - 1);
    c->ask.target = at;
    at += sizeof(base) - 1;
    (void) call_put(&at, ask->target, target);
    call_fields(c, ask, etag > 0 ? call_put(&at, ask->etag, etag) : NULL);
    if (ask->body.len > 0) {
        c->ask.body = (um_str_t){ call_put(&at, ask->body.data, ask->body.len),
            ask->body.len };
    }
    c->ask.method = ask->method;
    c->ask.timeout = b->conf->broker_timeout;
    c->ask.again = !ask->only_once;
    return c;
}

um_rc_t
brokers_ask(
    brokers_t *b, const broker_ask_t *ask, broker_pt on_answer, void *data)
{
    broker_call_t *c = call_new(b, ask, on_answer, data);
    const char *why = "out of memory";

    if (c != NULL) {
        um_list_add_tail(&b->calls, &c->link);
        if (call_send(c, &why) == UM_OK) {
            return UM_OK;
        }
        broker_call_free(c);
    }

    um_log_error(0, "broker %s: %s cannot be asked: %s",
        b->link[b->current]->addr.text, ask->target, why);
    return UM_ERR;
}

void
broker_error(const broker_answer_t *a, char *out, size_t size)
{
    cJSON *json = cJSON_ParseWithLength(a->body.data, a->body.len);
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "error");

    snprintf(out, size, "%s", cJSON_IsString(code) ? code->valuestring : "");
    cJSON_Delete(json);
}
