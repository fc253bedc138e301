/*
 * um_cmd.h -- what we know of each Redis command: arity, flags, where its
 * keys are, and what this proxy does with it.
 *
 * The facts are those that COMMAND of Redis 7.0 tells; um_cmd_table.c is
 * generated from them by contrib/commands/ and committed.  What we do with a
 * command (`how`) is our own column.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CMD_H
#define UM_CMD_H

#include "resp/um_args.h"

/* Flags.  The first group is what COMMAND calls them. */
enum {
    UM_CMD_WRITE = 1u << 0,
    UM_CMD_READONLY = 1u << 1,
    UM_CMD_DENYOOM = 1u << 2,
    UM_CMD_ADMIN = 1u << 3,
    UM_CMD_PUBSUB = 1u << 4,
    UM_CMD_NOSCRIPT = 1u << 5,
    UM_CMD_BLOCKING = 1u << 6, /* may block: always, or by an option */
    UM_CMD_LOADING = 1u << 7,
    UM_CMD_STALE = 1u << 8,
    UM_CMD_FAST = 1u << 9,
    UM_CMD_NO_AUTH = 1u << 10,
    UM_CMD_MAY_REPLICATE = 1u << 11,
    UM_CMD_MOVABLEKEYS = 1u << 12,
    UM_CMD_NO_MULTI = 1u << 13,
    UM_CMD_ALLOW_BUSY = 1u << 14,
    UM_CMD_NO_MANDATORY_KEYS = 1u << 15,
    UM_CMD_SKIP_MONITOR = 1u << 16,
    UM_CMD_SKIP_SLOWLOG = 1u << 17,
    UM_CMD_ASKING = 1u << 18,
    UM_CMD_NO_ASYNC_LOADING = 1u << 19,
    /* Ours. */
    UM_CMD_MAY_DELETE = 1u << 20, /* may remove a key (migration)     */
    UM_CMD_BARRIER = 1u << 21,    /* waits for, and holds up, others  */
    UM_CMD_CONTROL = 1u << 22,    /* needs control rights             */
    UM_CMD_CONTAINER = 1u << 23,  /* has subcommands                  */
    UM_CMD_FOREIGN = 1u << 24,    /* learnt from a Redis or from conf */
    UM_CMD_LIMITED = 1u << 25,    /* has options a cluster has not    */
};

/* What the proxy does with it. */
typedef enum {
    UM_HOW_FORWARD,     /* by the slot of its keys, whole; a call without
                           keys (EVAL s 0) as KEYLESS                      */
    UM_HOW_KEYLESS,     /* has no keys: any node of ours                   */
    UM_HOW_SPLIT,       /* may be split by slot and joined: see `join`     */
    UM_HOW_SELF,        /* answered here: see `self`                       */
    UM_HOW_UNSUPPORTED, /* not yet: an error, never forwarded              */
    UM_HOW_NEVER,       /* controls a Redis: an error, never forwarded     */
} um_how_t;

typedef enum {
    UM_JOIN_NONE,
    UM_JOIN_ARRAY, /* MGET: values in the order of the keys        */
    UM_JOIN_OK,    /* MSET: +OK, or the first error                */
    UM_JOIN_SUM,   /* DEL UNLINK EXISTS TOUCH: integers add up     */
    UM_JOIN_MIN,   /* WAIT, WAITAOF: the least, each by itself     */
} um_join_how_t;

/* Who answers UM_HOW_SELF; one handler each in proxy/. */
typedef enum {
    UM_SELF_NONE,
    UM_SELF_PING,
    UM_SELF_ECHO,
    UM_SELF_QUIT,
    UM_SELF_AUTH,
    UM_SELF_SELECT,
    UM_SELF_RESET,
    UM_SELF_TIME,
    UM_SELF_HELLO,
    UM_SELF_CLIENT,
    UM_SELF_COMMAND,
    UM_SELF_INFO,
    UM_SELF_CONFIG,
    UM_SELF_READONLY,
    UM_SELF_READWRITE,
    UM_SELF_ASKING,
    UM_SELF_CLUSTER,
    UM_SELF_SLOWLOG,
    UM_SELF_LATENCY,
    UM_SELF_WAIT,
    UM_SELF_UMCTL,
    UM_SELF_UMFORWARD,
    UM_SELF_UMSYNC,
    UM_SELF_COUNT,
} um_self_t;

/* Flags of a key specification, in the order in which COMMAND tells them. */
enum {
    UM_KEY_RO = 1u << 0,
    UM_KEY_RW = 1u << 1,
    UM_KEY_OW = 1u << 2,
    UM_KEY_RM = 1u << 3,
    UM_KEY_ACCESS = 1u << 4,
    UM_KEY_UPDATE = 1u << 5,
    UM_KEY_INSERT = 1u << 6,
    UM_KEY_DELETE = 1u << 7,
    UM_KEY_NOT_KEY = 1u << 8,
    UM_KEY_INCOMPLETE = 1u << 9,
    UM_KEY_VARIABLE_FLAGS = 1u << 10, /* the worst that may be done to it */
};

/* Key specification (redis.io/docs/reference/key-specs). */
typedef struct {
    uint8_t begin;   /* um_key_begin_t                                     */
    uint8_t find;    /* um_key_find_t                                      */
    bool read;       /* its value is read, or whether it is there          */
    bool write;      /* it is written, in part or as a whole               */
    bool may_delete; /* it may be gone afterwards, at once or by a TTL     */
    bool not_key;    /* only routed by, as in SSUBSCRIBE                   */
    bool incomplete; /* there may be keys this does not find               */
    int16_t index;   /* begin: position, or where to look from (<0: end)   */
    const char *keyword;
    int16_t a, b, c;   /* range: last, step, limit; keynum: idx, first, step */
    uint16_t flags;    /* UM_KEY_*: what COMMAND tells, to tell it again */
    const char *notes; /* NULL: none */
} um_key_spec_t;

typedef enum {
    UM_KEY_BEGIN_UNKNOWN,
    UM_KEY_BEGIN_INDEX,
    UM_KEY_BEGIN_KEYWORD,
} um_key_begin_t;

typedef enum {
    UM_KEY_FIND_UNKNOWN,
    UM_KEY_FIND_RANGE,
    UM_KEY_FIND_KEYNUM,
} um_key_find_t;

/* Which code of um_cmd_keys() finds the keys. */
typedef enum {
    UM_FINDER_NONE,  /* there are none                      */
    UM_FINDER_RANGE, /* one specification: index and range  */
    UM_FINDER_SPECS, /* whatever the specifications say     */
    UM_FINDER_SET,
    UM_FINDER_BITFIELD,
    UM_FINDER_SORT,
    UM_FINDER_GEORADIUS,
    UM_FINDER_XREAD,
    UM_FINDER_MIGRATE,
} um_finder_t;

typedef struct um_cmd_s um_cmd_t;

struct um_cmd_s {
    const char *name; /* lower case; "xgroup|create" for a subcommand       */
    int16_t arity;    /* as in COMMAND: -n is "at least n"                  */
    uint8_t how;      /* um_how_t */
    uint8_t join;     /* um_join_how_t */
    uint8_t self;     /* um_self_t */
    uint8_t finder;   /* um_finder_t */
    uint8_t spec_count;
    int16_t first, last, step; /* as in COMMAND; first 0: none or movable   */
    uint16_t sub_count;
    uint16_t index; /* 0 .. um_cmd_indices()-1, for statistics, subcommands
                       behind all commands; foreign ones have
                       um_cmd_indices()                                     */
    uint32_t flags;
    const um_key_spec_t *specs;
    const um_cmd_t *subs;
    const char *const *acl_categories; /* NULL-terminated, without '@'      */
    const char *const *tips;
    const char *why; /* UNSUPPORTED, NEVER: half a sentence for the error   */
    const char *summary; /* what Redis' documentation says it does          */
    const char *since;   /* the first Redis that had it; "": it is ours     */
    const char *group;   /* foreign ones have none of these three           */
};

/*
 * The command named by argv[0], and by argv[1] where the command has
 * subcommands.  NULL: not in the table.  For a container with an unknown or
 * missing subcommand the container itself is returned; except for COMMAND,
 * which is a command of its own, that call is an error (arity -2 says so for
 * the missing one, "unknown subcommand 'x'. Try NAME HELP." is Redis' text for
 * the other).
 */
const um_cmd_t *um_cmd_find(const um_str_t *argv, uint32_t argc);
const um_cmd_t *um_cmd_find_name(um_str_t name); /* also "config|get" */

/* All commands, in the table's order; subcommands through `subs`. */
size_t um_cmd_count(void);
const um_cmd_t *um_cmd_at(size_t i);

/* How many there are with their subcommands: `index` counts them. */
size_t um_cmd_indices(void);

/* Is argc right for it? */
static inline bool
um_cmd_arity_ok(const um_cmd_t *cmd, uint32_t argc)
{
    return cmd->arity >= 0 ? argc == (uint32_t) cmd->arity
                           : argc >= (uint32_t) -cmd->arity;
}

/* One key found: its position in argv and what is done to it. */
typedef struct {
    uint32_t pos;
    bool read;
    bool write;
    bool may_delete;
    bool not_key;
    uint16_t flags; /* UM_KEY_..., for COMMAND GETKEYSANDFLAGS */
} um_key_t;

typedef struct {
    um_key_t *key; /* owned; grows */
    uint32_t count;
    uint32_t cap;
} um_keys_t;

/*
 * Find the keys of a command with enough arguments (um_cmd_arity_ok), those
 * that Redis would touch in executing it.  UM_OK: keys->count of them, may be
 * 0.  UM_DECLINED: the arguments are malformed (a numkeys that is no number or
 * too large): Redis' COMMAND GETKEYS says "Invalid arguments specified for
 * command"; forwarding is not safe.  UM_ERR: out of memory.
 */
UM_MUSTCHECK um_rc_t um_cmd_keys(
    const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc, um_keys_t *keys);

/*
 * Does Redis take `word` for the name of an option, as BLOCK or STORE?  It
 * compares C strings: in any case, and whatever follows a NUL does not count.
 * An option that we overlook is a key that we overlook, or a shared connection
 * that blocks.
 */
bool um_cmd_word_is(um_str_t word, um_str_t option);

/* Is argv[1] its only key, always?  Most commands are like that, and nothing
 * need be looked for. */
static inline bool
um_cmd_has_one_key(const um_cmd_t *cmd)
{
    return cmd->first == 1 && cmd->last == 1
           && (cmd->finder == UM_FINDER_RANGE || cmd->finder == UM_FINDER_SET
               || cmd->finder == UM_FINDER_BITFIELD);
}

/* Does this call block (BLPOP always, XREAD only with BLOCK)? */
bool um_cmd_blocks(const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc);

/*
 * Must this call be refused, although the command is not?  NULL, or the text
 * of the error, with its "ERR ": COPY into another database, which a cluster
 * does not have; SORT by keys made up from the elements, which may be anywhere.
 */
const char *um_cmd_refused(
    const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc);

void um_keys_deinit(um_keys_t *keys);

#endif /* UM_CMD_H */
