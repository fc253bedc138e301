/*
 * api.h -- the endpoints: one table, and what its handlers are.
 *
 *   api.c         the table, who may, what is answered to the lost
 *   api_answer.c  answers: codes, views, packed or not
 *   api_in.c      what a request says
 *   api_read.c    endpoints that read
 *   api_write.c   endpoints that change something
 *   api_task.c    a migration task in a body
 *   api_replica.c who gets a copy
 *   api_status.c  /metrics, /status, /healthz
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_API_H
#define BROKER_API_H

#include "broker.h"

/* Answer, or keep the request and do so later. */
typedef void (*api_handler_pt)(broker_t *b, um_http_req_t *r);

/* Read what the request says into `c`.  False: answered. */
typedef bool (*api_parse_pt)(um_http_req_t *r, change_t *c);

/* Of one that reads there is `read`; of one that changes `apply` and, where it
 * says more than a name in its path, `parse`. */
typedef struct {
    const char *path; /* below the base */
    unsigned method;
    api_handler_pt read;
    change_apply_pt apply;
    api_parse_pt parse;
} api_endpoint_t;

/* Endpoints that change something, .path NULL ends. */
extern const api_endpoint_t api_writes[];
extern const api_endpoint_t api_reads[];

/* Append ,"name":"value". */
void api_json_member(um_sbuf_t *out, const char *name, um_str_t value);

/* JSON that may be large: packed when the client takes that. */
void api_json(um_http_req_t *r, um_sbuf_t *body);

/* A kept one, with its ETag; 304 when the client has it. */
void api_view(broker_t *b, um_http_req_t *r, view_kind_t kind, um_str_t name);

#endif /* BROKER_API_H */
