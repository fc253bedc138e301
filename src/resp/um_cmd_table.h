/*
 * um_cmd_table.h -- what contrib/commands/gen-table.pl writes, for um_cmd.c.
 *
 * The hash table is open addressing with linear probing, made by the
 * generator: um_cmd_hash() and its Perl twin there must agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_TABLE_H
#define UM_CMD_TABLE_H

#include "resp/um_cmd.h"

#define UM_CMD_NAME_MAX  20 /* "georadiusbymember_ro" */
#define UM_CMD_HASH_BITS 9
#define UM_CMD_HASH_SIZE (1u << UM_CMD_HASH_BITS)
#define UM_CMD_HASH_MUL  UINT64_C(0x9e3779b97f4a7c15)

typedef struct {
    uint64_t word; /* first 8 bytes of the name, lower case, little endian   */
    uint8_t len;   /* of the name; 0: free                                   */
    bool whole;    /* `word` and `len` are all there is to compare           */
    uint16_t index;
} um_cmd_slot_t;

extern const um_cmd_t um_cmd_table[];
extern const uint16_t um_cmd_table_len;
extern const uint16_t um_cmd_table_indices; /* subcommands counted, too */
extern const um_cmd_slot_t um_cmd_slots[UM_CMD_HASH_SIZE];

/* `tail`: the last 8 bytes of a name longer than 8, or 0. */
static inline uint32_t
um_cmd_hash(uint64_t word, uint64_t tail)
{
    return (uint32_t) (((word ^ (tail << 1)) * UM_CMD_HASH_MUL)
                       >> (64 - UM_CMD_HASH_BITS));
}

#endif /* UM_CMD_TABLE_H */
