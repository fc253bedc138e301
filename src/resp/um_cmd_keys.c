/*
 * um_cmd_keys.c -- where the keys are in the words of a command.
 *
 * The key specifications say it for most.  For a few they are too coarse, or
 * would take the value of one option for the name of another; their words are
 * read here as the command itself reads them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>

#include "core/um_str.h"
#include "resp/um_cmd.h"

#define KEYS_FIRST 16

/* The words of one call, and where its keys go. */
typedef struct {
    const um_cmd_t *cmd;
    const um_str_t *argv;
    uint32_t argc;
    um_keys_t *keys;
} call_t;

static um_rc_t
keys_grow(um_keys_t *keys)
{
    uint32_t cap = keys->cap == 0 ? KEYS_FIRST : keys->cap * 2;
    um_key_t *key;

    if (cap <= keys->cap) {
        return UM_ERR;
    }

    key = realloc(keys->key, (size_t) cap * sizeof(*key));
    if (key == NULL) {
        return UM_ERR;
    }

    keys->key = key;
    keys->cap = cap;
    return UM_OK;
}

static inline um_rc_t
keys_add(um_keys_t *keys, uint32_t pos, const um_key_spec_t *spec)
{
    if (um_unlikely(keys->count == keys->cap) && keys_grow(keys) != UM_OK) {
        return UM_ERR;
    }

    keys->key[keys->count++] = (um_key_t){
        .pos = pos,
        .read = spec->read,
        .write = spec->write,
        .may_delete = spec->may_delete,
        .not_key = spec->not_key,
        .flags = spec->flags,
    };
    return UM_OK;
}

static bool
call_word_is(const call_t *c, uint32_t i, um_str_t word)
{
    return um_cmd_word_is(c->argv[i], word);
}

/* Positions first .. last, as far as there are words. */
static um_rc_t
call_range(
    call_t *c, const um_key_spec_t *spec, int64_t first, int64_t last, int step)
{
    last = um_min(last, (int64_t) c->argc - 1);

    for (int64_t i = first; i <= last; i += step) {
        if (keys_add(c->keys, (uint32_t) i, spec) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

/* Where a specification begins; 0: not in this call. */
static int64_t
call_begin(const call_t *c, const um_key_spec_t *spec)
{
    int64_t from = spec->index;

    if (spec->begin == UM_KEY_BEGIN_INDEX) {
        return from;
    }

    if (spec->begin != UM_KEY_BEGIN_KEYWORD) {
        return 0;
    }

    if (from > 0) {
        for (int64_t i = from; i < (int64_t) c->argc - 1; i++) {
            if (call_word_is(c, (uint32_t) i, um_str_of(spec->keyword))) {
                return i + 1;
            }
        }
    } else {
        for (int64_t i = (int64_t) c->argc + from; i > 1; i--) {
            if (call_word_is(c, (uint32_t) i, um_str_of(spec->keyword))) {
                return i + 1;
            }
        }
    }

    return 0;
}

static um_rc_t
call_keynum(call_t *c, const um_key_spec_t *spec, int64_t first)
{
    int64_t at = first + spec->a, n;

    if (at >= (int64_t) c->argc) {
        return UM_DECLINED;
    }

    first += spec->b;
    if (um_str_to_arg(c->argv[at], &n) != UM_OK || n < 0
        || n > ((int64_t) c->argc - first + spec->c - 1) / spec->c)
    {
        return UM_DECLINED;
    }

    return call_range(c, spec, first, first + (n - 1) * spec->c, spec->c);
}

static um_rc_t
call_spec(call_t *c, const um_key_spec_t *spec)
{
    int64_t first = call_begin(c, spec), last;

    if (first == 0) {
        return UM_OK;
    }

    switch (spec->find) {
    case UM_KEY_FIND_RANGE:
        if (spec->a >= 0) {
            last = first + spec->a;
        } else if (spec->c == 0) {
            last = (int64_t) c->argc + spec->a;
        } else {
            last = first + ((int64_t) c->argc - first) / spec->c + spec->a;
        }

        return call_range(c, spec, first, last, spec->b);

    case UM_KEY_FIND_KEYNUM:
        return call_keynum(c, spec, first);

    default:
        return UM_OK;
    }
}

static um_rc_t
call_specs(call_t *c)
{
    for (uint8_t i = 0; i < c->cmd->spec_count; i++) {
        um_rc_t rc = call_spec(c, &c->cmd->specs[i]);

        if (rc != UM_OK) {
            return rc;
        }
    }

    return UM_OK;
}

/* SET key value [GET ...]: reads only with GET. */
static um_rc_t
call_set(call_t *c)
{
    um_key_spec_t spec = c->cmd->specs[0];

    spec.read = false;
    for (uint32_t i = 3; i < c->argc && !spec.read; i++) {
        spec.read = call_word_is(c, i, um_lit("get"));
    }

    spec.flags = spec.read ? UM_KEY_RW | UM_KEY_ACCESS : UM_KEY_OW;
    spec.flags |= UM_KEY_UPDATE;
    return keys_add(c->keys, 1, &spec);
}

/* BITFIELD key [GET t o | OVERFLOW b | SET t o v | INCRBY t o v ...] */
static um_rc_t
call_bitfield(call_t *c)
{
    um_key_spec_t spec = c->cmd->specs[0];
    uint32_t i = 2;

    spec.write = false;
    while (i < c->argc && !spec.write) {
        if (call_word_is(c, i, um_lit("get"))) {
            i += 3;
        } else if (call_word_is(c, i, um_lit("overflow"))) {
            i += 2;
        } else {
            spec.write = true; /* SET, INCRBY, or a syntax error */
        }
    }

    spec.flags = spec.write ? UM_KEY_RW | UM_KEY_UPDATE : UM_KEY_RO;
    spec.flags |= UM_KEY_ACCESS;
    return keys_add(c->keys, 1, &spec);
}

/*
 * SORT key [BY p] [LIMIT o n] [GET p ...] [ASC|DESC] [ALPHA] [STORE dst].  The
 * keys that BY and GET make up from the elements are Redis' affair.
 */
static um_rc_t
call_sort(call_t *c)
{
    uint32_t store = 0;
    um_rc_t rc = keys_add(c->keys, 1, &c->cmd->specs[0]);

    for (uint32_t i = 2; i < c->argc; i++) {
        if (call_word_is(c, i, um_lit("limit"))) {
            i += 2;
        } else if (call_word_is(c, i, um_lit("by"))
                   || call_word_is(c, i, um_lit("get")))
        {
            i++;
        } else if (call_word_is(c, i, um_lit("store")) && i + 1 < c->argc
                   && c->cmd->spec_count == 3)
        {
            store = ++i; /* the last one counts */
        }
    }

    if (rc == UM_OK && store > 0) {
        rc = keys_add(c->keys, store, &c->cmd->specs[2]);
    }

    return rc;
}

/*
 * GEORADIUS key x y radius unit, GEORADIUSBYMEMBER key member radius unit,
 * and [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT n [ANY]] [ASC|DESC]
 * [STORE|STOREDIST dst].
 */
static um_rc_t
call_georadius(call_t *c)
{
    um_rc_t rc = keys_add(c->keys, 1, &c->cmd->specs[0]);

    for (uint32_t i = (uint32_t) c->cmd->specs[1].index; i < c->argc; i++) {
        if (call_word_is(c, i, um_lit("count"))) {
            i++;
        } else if ((call_word_is(c, i, um_lit("store"))
                       || call_word_is(c, i, um_lit("storedist")))
                   && i + 1 < c->argc)
        {
            /* The last one is written; as in Redis, all are told. */
            if (keys_add(c->keys, ++i, &c->cmd->specs[1]) != UM_OK) {
                return UM_ERR;
            }
        }
    }

    return rc;
}

/* XREAD, XREADGROUP: [GROUP g c] [COUNT n] [BLOCK ms] [NOACK] STREAMS k.. i..
 */
static um_rc_t
call_xread(call_t *c)
{
    for (uint32_t i = 1; i < c->argc; i++) {
        if (call_word_is(c, i, um_lit("streams"))) {
            uint32_t n = c->argc - i - 1; /* as many IDs as keys */

            return n % 2 != 0
                       ? UM_OK
                       : call_range(c, &c->cmd->specs[0], i + 1, i + n / 2, 1);
        }

        if (call_word_is(c, i, um_lit("count"))
            || call_word_is(c, i, um_lit("block"))) {
            i++;
        } else if (call_word_is(c, i, um_lit("group"))) {
            i += 2;
        } else if (!call_word_is(c, i, um_lit("noack"))) {
            break; /* a syntax error: Redis will say so */
        }
    }

    return UM_OK;
}

/*
 * MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH p] [AUTH2 u p]
 * [KEYS key ...].  Never forwarded; COMMAND GETKEYS wants to know.
 */
static um_rc_t
call_migrate(call_t *c)
{
    const um_key_spec_t *spec = &c->cmd->specs[0];

    for (uint32_t i = 6; i < c->argc; i++) {
        if (call_word_is(c, i, um_lit("keys"))) {
            return c->argv[3].len > 0
                       ? UM_OK
                       : call_range(c, spec, i + 1, c->argc - 1, 1);
        }

        if (call_word_is(c, i, um_lit("auth"))) {
            i++;
        } else if (call_word_is(c, i, um_lit("auth2"))) {
            i += 2;
        }
    }

    return keys_add(c->keys, 3, spec);
}

/* One specification of index and range, as nearly all commands have. */
static inline um_rc_t
call_one_range(call_t *c)
{
    const um_key_spec_t *spec = &c->cmd->specs[0];
    int64_t last;

    if (um_likely(spec->a == 0)) {
        return (uint32_t) spec->index < c->argc
                   ? keys_add(c->keys, (uint32_t) spec->index, spec)
                   : UM_OK;
    }

    last = spec->a > 0 ? spec->index + spec->a : (int64_t) c->argc + spec->a;
    return call_range(c, spec, spec->index, last, spec->b);
}

um_rc_t
um_cmd_keys(
    const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc, um_keys_t *keys)
{
    call_t c = { cmd, argv, argc, keys };

    keys->count = 0;

    switch ((um_finder_t) cmd->finder) {
    case UM_FINDER_RANGE:
        return call_one_range(&c);
    case UM_FINDER_SPECS:
        return call_specs(&c);
    case UM_FINDER_SET:
        return call_set(&c);
    case UM_FINDER_BITFIELD:
        return call_bitfield(&c);
    case UM_FINDER_SORT:
        return call_sort(&c);
    case UM_FINDER_GEORADIUS:
        return call_georadius(&c);
    case UM_FINDER_XREAD:
        return call_xread(&c);
    case UM_FINDER_MIGRATE:
        return call_migrate(&c);
    case UM_FINDER_NONE:
        break;
    }

    return UM_OK;
}

void
um_keys_deinit(um_keys_t *keys)
{
    free(keys->key);
    *keys = (um_keys_t){ .key = NULL };
}
