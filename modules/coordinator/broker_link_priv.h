/*
 * broker_link_priv.h -- what broker_link.c and broker_call.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_LINK_PRIV_H
#define BROKER_LINK_PRIV_H

#include "broker_link.h"
#include "broker_rule.h"
#include "core/um_list.h"

#define BROKER_NS_PER_MS UINT64_C(1000000)

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
} broker_link_t;

struct brokers_s {
    um_loop_t *loop;
    um_jobs_t *jobs;
    const coord_conf_t *conf;
    um_sbuf_t authorization; /* empty: none is said */
    broker_link_t *link[COORD_BROKERS_MAX];
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
    broker_link_t *to;
    broker_pt on_answer;
    void *data;
    um_httpc_ask_t ask;
    um_httpc_field_t field[6];
    uint32_t tries; /* that are left */
    bool only_once;
    char about[BROKER_ABOUT_MAX + 1];
    char text[]; /* target, etag, body */
} broker_call_t;

/* Is it still the turn of b->current? */
void brokers_choose(brokers_t *b);

void broker_link_free(broker_link_t *l);
void broker_call_free(broker_call_t *c);

#endif /* BROKER_LINK_PRIV_H */
