/*
 * broker_replica.h -- other brokers that get the whole metadata from this one.
 *
 * Each is asked by itself: one that is slow or gone holds up nobody.  While
 * this broker is a replica itself, or has nothing yet, none is asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_REPLICA_EFFECTS_H
#define BROKER_REPLICA_EFFECTS_H

#include "broker_conf.h"
#include "core/um_addr.h"
#include "core/um_sbuf.h"
#include "http/um_httpc.h"
#include "replica.h"

struct broker_s;

typedef struct {
    replica_t r;
    struct broker_s *b;
    um_addr_t addr;
    um_httpc_t *http;
} replicated_t;

typedef struct {
    replicated_t *list[REPLICAS_MAX]; /* owned */
    uint32_t count;
    um_timer_t *tick;
    um_jobs_t *names;    /* to resolve */
    char *authorization; /* NULL: none is said */
    uint64_t pushes;
    uint64_t failures; /* answers that are none, or refuse */
} replicas_t;

/* With those of the configuration. */
um_rc_t replicas_init(struct broker_s *b);
void replicas_deinit(struct broker_s *b);

/* These from now on; what is known of those that stay is kept.  At most
 * REPLICAS_MAX, with a host and a port.  UM_ERR: no memory, logged, and
 * nothing has changed. */
UM_MUSTCHECK um_rc_t replicas_set(
    struct broker_s *b, const um_addr_t *list, uint32_t count);

/* There is another store. */
void replicas_changed(struct broker_s *b);

/* ["address",..], and what is known of each: for GET config and /status. */
void replicas_json(const struct broker_s *b, um_sbuf_t *out);
void replicas_status(const struct broker_s *b, um_sbuf_t *out);

/* The same for Prometheus. */
void replicas_metrics(const struct broker_s *b, um_sbuf_t *out);

#endif /* BROKER_REPLICA_EFFECTS_H */
