/*
 * lin_load.h -- what the parts of um_lin_load share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_LOAD_H
#define LIN_LOAD_H

#include "lin_gen.h"

#include <netinet/in.h>
#include <stdio.h>

#define LOAD_NODES 32
#define LOAD_SLOTS 16384
#define LOAD_NAME  24
#define LOAD_LINE  256

/* --- lin_resp.c ----------------------------------------------------------- */

typedef struct {
    char *data;
    size_t len, cap;
} load_buf_t;

char *load_buf_room(load_buf_t *b, size_t n);

/* A command as it goes over the wire; scripts as EVAL. */
void load_put_command(load_buf_t *b, const lin_op_t *op);

/*
 * One reply at the beginning of these bytes, as it stands in a log, to `text`.
 * The bytes it takes; 0: it is not whole; -1: that is no reply.
 */
long load_get_reply(const char *data, size_t len, load_buf_t *text);

unsigned load_slot_of(lin_str_t tag);

/* --- lin_groups.c --------------------------------------------------------- */

/*
 * Key groups.  One that has too many unknown operations is retired: a new one
 * takes its place, and the old one is only read from then on, so that what is
 * executed late is seen.
 */
typedef struct {
    char name[LOAD_NAME]; /* r5.0 */
    uint8_t len;
    char class;
    uint16_t slot;
    uint32_t number, generation;
    uint32_t under_way, unknown, ops;
    char hint[LOAD_NAME]; /* a value that may be there */
} load_group_t;

typedef struct {
    load_group_t *live, *old;
    uint32_t lives, olds, cap;
} load_groups_t;

void load_groups_init(
    load_groups_t *g, const char *classes, unsigned each, unsigned first);
void load_groups_free(load_groups_t *g);

/* One for an operation; *old: it may only be read.  A client keeps to one half
 * of the slots, so that some go on when the other is not served. */
load_group_t *load_groups_pick(load_groups_t *g, lin_gen_t *gen, bool *old);

/* An operation on it is over.  `name`: as it was when it began. */
void load_groups_done(load_groups_t *g, load_group_t *group, const char *name,
    bool unknown, const lin_op_t *op);

/* --- lin_client.c --------------------------------------------------------- */

typedef struct {
    char addr[64];
    struct sockaddr_in to;
} load_node_t;

typedef struct {
    int fd;
    bool ready; /* connected */
} load_conn_t;

typedef enum {
    LOAD_IDLE,
    LOAD_LATER,    /* tries again at `until` */
    LOAD_CONNECTS, /* nothing has been sent */
    LOAD_ASKED
} load_state_t;

typedef struct {
    load_state_t state;
    lin_gen_t gen;
    uint32_t id;
    load_conn_t conn[LOAD_NODES];
    uint8_t node; /* asked */
    int64_t until;
    int64_t first; /* try of this operation */
    load_group_t *group;
    bool old;
    uint16_t slot;
    char name[LOAD_NAME]; /* of the group */
    lin_op_t op;
    lin_str_t argv[LIN_ARGS];
    char line[LOAD_LINE];
    load_buf_t in, out;
} load_client_t;

typedef struct {
    int epoll;
    unsigned clients;
    load_client_t *client; /* the last one, beside them, is the scout */
    load_node_t node[LOAD_NODES];
    unsigned nodes;
    uint8_t owner[LOAD_SLOTS];
    load_groups_t groups;
    FILE *log;
    load_buf_t text; /* of a reply */
    int64_t now;
    int64_t timeout, patience;
    bool ending;
    unsigned long ops, unknown, retried, given_up, half[2];
    unsigned last_read; /* group, and reads of it, that were read at the end */
    unsigned last_read_k;
    bool read_all;
} load_t;

int64_t load_clock(void);

/* A node by its address; LOAD_NODES: there are too many. */
unsigned load_node(load_t *l, const char *addr);

/* Begin an operation, or ask for slots; nothing to do: it stays idle. */
void load_begin(load_t *l, load_client_t *c);

/* Something happened at its connection to a node. */
void load_event(load_t *l, load_client_t *c, unsigned node, uint32_t events);

/* Its time has come. */
void load_due(load_t *l, load_client_t *c);

static inline bool
load_is_scout(const load_t *l, const load_client_t *c)
{
    return c == &l->client[l->clients];
}

#endif /* LIN_LOAD_H */
