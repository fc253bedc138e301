/* SPDX-License-Identifier: Apache-2.0 */

#include "broker_link_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"

static const um_httpc_limits_t link_limits = {
    .connections = 8,
    .queue = 4096,
    .idle_timeout = 30000,
    .header_max = 16384,
    .body_max = (size_t) 64 << 20,
};

/* ---- Links -------------------------------------------------------------- */

static broker_link_t *
link_new(brokers_t *b, const um_addr_t *addr)
{
    broker_link_t *l = calloc(1, sizeof(*l));

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

void
broker_link_free(broker_link_t *l)
{
    um_list_del(&l->link);
    um_httpc_free(l->http);
    free(l);
}

static void
link_retire(broker_link_t *l)
{
    l->retired = true;
    if (l->calls == 0) {
        broker_link_free(l);
    } else {
        um_list_add_tail(&l->b->retired, &l->link);
    }
}

void
brokers_choose(brokers_t *b)
{
    broker_health_t health[COORD_BROKERS_MAX];
    uint32_t next;

    for (uint32_t i = 0; i < b->count; i++) {
        health[i] = b->link[i]->health;
    }

    next = broker_rule_choose(health, b->count, b->current,
        um_loop_now(b->loop) / BROKER_NS_PER_MS + 1);
    if (next != b->current) {
        um_log_notice(0, "broker %s is asked now", b->link[next]->addr.text);
        b->current = next;
        b->turn++;
    }
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
    broker_link_t *made[COORD_BROKERS_MAX];

    um_assert(count > 0 && count <= COORD_BROKERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        made[i] = link_new(b, &list[i]);
        if (made[i] == NULL) {
            while (i > 0) {
                broker_link_free(made[--i]);
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
        broker_link_free(b->link[i]);
    }
    um_list_each_safe(l, &b->retired)
    {
        broker_link_free(um_list_entry(l, broker_link_t, link));
    }
    um_list_each_safe(c, &b->calls)
    {
        broker_call_free(um_list_entry(c, broker_call_t, link));
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
    const broker_link_t *l = i < b->count ? b->link[i] : NULL;

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
