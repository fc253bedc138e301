/* SPDX-License-Identifier: Apache-2.0 */

#include "broker_link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_rule.h"
#include "core/um_list.h"
#include "core/um_log.h"
#include "core/um_str.h"

#define NS_PER_MS UINT64_C(1000000)

static const um_httpc_limits_t link_limits = {
    .connections = 8,
    .queue = 4096,
    .idle_timeout = 30000,
    .header_max = 16384,
    .body_max = (size_t) 64 << 20,
};

typedef struct {
    um_list_t link; /* among those that are asked no more */
    brokers_t *b;
    um_addr_t addr;
    um_httpc_t *http;
    uint32_t id;
    uint32_t calls; /* unanswered */
    broker_health_t health;
    uint32_t lacks;
    bool retired; /* it goes with its last call */
    uint64_t asked;
    uint64_t failed;
    uint64_t answered_ns;
} link_t;

struct brokers_s {
    um_loop_t *loop;
    um_jobs_t *jobs;
    const coord_conf_t *conf;
    um_sbuf_t authorization; /* empty: none is said */
    link_t *link[COORD_BROKERS_MAX];
    uint32_t count;
    uint32_t current;
    uint32_t next_id;
    uint64_t turn;
    um_list_t calls;
    um_list_t retired;
};

typedef struct {
    um_list_t link;
    brokers_t *b;
    link_t *to;
    broker_pt on_answer;
    void *data;
    um_httpc_ask_t ask;
    um_httpc_field_t field[6];
    uint32_t tries; /* that are left */
    bool only_once;
    char about[BROKER_ABOUT_MAX + 1];
    char text[]; /* target, etag, body */
} call_t;

/* ---- Links -------------------------------------------------------------- */

static link_t *
link_new(brokers_t *b, const um_addr_t *addr)
{
    link_t *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return NULL;
    }

    l->http = um_httpc_new(b->loop, b->jobs, addr, &link_limits);
    if (l->http == NULL) {
        free(l);
        return NULL;
    }

    um_list_init(&l->link);
    l->b = b;
    l->addr = *addr;
    l->id = ++b->next_id;
    return l;
}

static void
link_free(link_t *l)
{
    um_list_del(&l->link);
    um_httpc_free(l->http);
    free(l);
}

static void
link_retire(link_t *l)
{
    l->retired = true;
    if (l->calls == 0) {
        link_free(l);
    } else {
        um_list_add_tail(&l->b->retired, &l->link);
    }
}

static void
brokers_choose(brokers_t *b)
{
    broker_health_t health[COORD_BROKERS_MAX];
    uint32_t next;

    for (uint32_t i = 0; i < b->count; i++) {
        health[i] = b->link[i]->health;
    }

    next = broker_rule_choose(
        health, b->count, b->current, um_loop_now(b->loop) / NS_PER_MS + 1);
    if (next != b->current) {
        um_log_notice(0, "broker %s is asked now", b->link[next]->addr.text);
        b->current = next;
        b->turn++;
    }
}

/* ---- Calls -------------------------------------------------------------- */

static void call_on_answer(const um_httpc_answer_t *a, void *data);

static void
call_free(call_t *c)
{
    um_list_del(&c->link);
    free(c);
}

/* UM_ERR: it cannot be asked; `*why`. */
static um_rc_t
call_send(call_t *c, const char **why)
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
call_note(const call_t *c, broker_event_t event, const char *why)
{
    link_t *l = c->to;
    uint64_t now = um_loop_now(c->b->loop);
    bool rested = l->health.rest_until_ms != 0;

    broker_rule_note(&l->health, event, now / NS_PER_MS + 1);
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
call_answer(call_t *c, const um_httpc_answer_t *a, const char *why)
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
    call_free(c);
}

static void
call_on_answer(const um_httpc_answer_t *a, void *data)
{
    call_t *c = data;
    link_t *l = c->to;
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
        link_free(l);
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
call_fields(call_t *c, const broker_ask_t *ask, const char *etag)
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

static call_t *
call_new(brokers_t *b, const broker_ask_t *ask, broker_pt on_answer, void *data)
{
    static const char base[] = "/api/v3";
    size_t target = strlen(ask->target);
    size_t etag = ask->etag != NULL ? strlen(ask->etag) : 0;
    size_t size = sizeof(base) + target + etag + ask->body.len + 3;
    call_t *c = calloc(1, sizeof(*c) + size);
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
    call_t *c = call_new(b, ask, on_answer, data);
    const char *why = "out of memory";

    if (c != NULL) {
        um_list_add_tail(&b->calls, &c->link);
        if (call_send(c, &why) == UM_OK) {
            return UM_OK;
        }
        call_free(c);
    }

    um_log_error(0, "broker %s: %s cannot be asked: %s",
        b->link[b->current]->addr.text, ask->target, why);
    return UM_ERR;
}

/* ---- All of them -------------------------------------------------------- */

static void
brokers_authorize(brokers_t *b)
{
    const coord_conf_t *conf = b->conf;

    if (conf->broker_token != NULL) {
        um_sbuf_addf(&b->authorization, "Bearer %s", conf->broker_token);
    } else if (conf->broker_user != NULL) {
        um_httpc_basic(&b->authorization, um_str_of(conf->broker_user),
            um_str_of(conf->broker_password));
    } else {
        return;
    }
    (void) um_sbuf_cstr(&b->authorization);
}

brokers_t *
brokers_new(um_loop_t *loop, um_jobs_t *jobs, const coord_conf_t *conf)
{
    brokers_t *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        um_log_error(ENOMEM, "brokers");
        return NULL;
    }

    b->loop = loop;
    b->jobs = jobs;
    b->conf = conf;
    um_list_init(&b->calls);
    um_list_init(&b->retired);
    brokers_authorize(b);
    if (b->authorization.failed
        || brokers_set(b, conf->broker, conf->broker_count) != UM_OK)
    {
        brokers_free(b);
        return NULL;
    }

    return b;
}

um_rc_t
brokers_set(brokers_t *b, const um_addr_t *list, uint32_t count)
{
    link_t *made[COORD_BROKERS_MAX];

    um_assert(count > 0 && count <= COORD_BROKERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        made[i] = link_new(b, &list[i]);
        if (made[i] == NULL) {
            while (i > 0) {
                link_free(made[--i]);
            }
            um_log_error(ENOMEM, "brokers");
            return UM_ERR;
        }
    }

    for (uint32_t i = 0; i < b->count; i++) {
        link_retire(b->link[i]);
    }
    memcpy(b->link, made, count * sizeof(*made));
    b->count = count;
    b->current = 0;
    b->turn++;
    return UM_OK;
}

void
brokers_free(brokers_t *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        link_free(b->link[i]);
    }
    um_list_each_safe(l, &b->retired)
    {
        link_free(um_list_entry(l, link_t, link));
    }
    um_list_each_safe(c, &b->calls)
    {
        call_free(um_list_entry(c, call_t, link));
    }
    um_sbuf_deinit(&b->authorization);
    free(b);
}

uint64_t
brokers_turn(const brokers_t *b)
{
    return b->turn;
}

bool
brokers_lacks(const brokers_t *b, lack_t what)
{
    return (b->link[b->current]->lacks & what) != 0;
}

void
broker_error(const broker_answer_t *a, char *out, size_t size)
{
    cJSON *json = cJSON_ParseWithLength(a->body.data, a->body.len);
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "error");

    snprintf(out, size, "%s", cJSON_IsString(code) ? code->valuestring : "");
    cJSON_Delete(json);
}

bool
brokers_lack(brokers_t *b, const broker_answer_t *a, lack_t what)
{
    char code[48];

    broker_error(a, code, sizeof(code));
    if (a->status != 405 && (a->status != 404 || code[0] != '\0')) {
        return false;
    }

    for (uint32_t i = 0; i < b->count; i++) {
        if (b->link[i]->id == a->link) {
            b->link[i]->lacks |= what;
        }
    }

    return true;
}

void
brokers_list(const brokers_t *b, um_sbuf_t *out)
{
    for (uint32_t i = 0; i < b->count; i++) {
        um_sbuf_addf(out, "%s%s", i > 0 ? "," : "", b->link[i]->addr.text);
    }
}

bool
brokers_state(const brokers_t *b, uint32_t i, broker_state_t *out)
{
    const link_t *l = i < b->count ? b->link[i] : NULL;

    if (l == NULL) {
        return false;
    }

    *out = (broker_state_t){
        .address = l->addr.text,
        .current = i == b->current,
        .resting = l->health.rest_until_ms != 0,
        .asked = l->asked,
        .failed = l->failed,
        .answered_ns = l->answered_ns,
    };
    return true;
}
