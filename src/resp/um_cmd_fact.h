/*
 * um_cmd_fact.h -- one entry of a reply to COMMAND, as a Redis tells it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_FACT_H
#define UM_CMD_FACT_H

#include "resp/um_cmd.h"
#include "resp/um_value.h"

#define UM_CMD_FACT_SPECS   4
#define UM_CMD_FACT_KEYWORD 16

typedef struct {
    um_str_t name; /* borrowed from the reply */
    int64_t arity;
    int64_t first, last, step;
    uint32_t flags; /* UM_CMD_..., those we know */
    uint8_t spec_count;
    bool has_specs; /* Redis 7.0 and later; may be an empty list            */
    bool too_much;  /* more specifications than fit, or one we do not grasp */
    um_key_spec_t spec[UM_CMD_FACT_SPECS]; /* keyword: NULL, see below */
    char keyword[UM_CMD_FACT_SPECS][UM_CMD_FACT_KEYWORD]; /* upper case */
} um_cmd_fact_t;

typedef um_value_reader_t um_cmd_reader_t;

/* The header: how many entries follow.  UM_DECLINED: it is none. */
UM_MUSTCHECK um_rc_t um_cmd_fact_count(um_cmd_reader_t *r, uint64_t *count);

/* The next entry.  UM_DECLINED: it does not look like one. */
UM_MUSTCHECK um_rc_t um_cmd_fact_read(um_cmd_reader_t *r, um_cmd_fact_t *fact);

#endif /* UM_CMD_FACT_H */
