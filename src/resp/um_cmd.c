/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd.h"

#include <endian.h>
#include <string.h>

#include "core/um_slot.h"
#include "core/um_str.h"
#include "resp/um_cmd_table.h"

#define CMD_LOWER UINT64_C(0x2020202020202020)

/*
 * 1 to 8 bytes as one word, letters in lower case.  The bit that makes them so
 * is set in all bytes: in names of letters only, no other byte becomes one.
 */
static inline uint64_t
cmd_word(const char *p, size_t n)
{
    uint64_t word;

    if (n >= 8) {
        memcpy(&word, p, 8);
        return le64toh(word) | CMD_LOWER;
    }

    if (n >= 4) {
        uint32_t low, high;

        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        word = le32toh(low) | (uint64_t) le32toh(high) << (8 * (n - 4));
    } else {
        word = (uint64_t) (unsigned char) p[0]
               | (uint64_t) (unsigned char) p[n / 2] << (8 * (n / 2))
               | (uint64_t) (unsigned char) p[n - 1] << (8 * (n - 1));
    }

    return word | CMD_LOWER >> (64 - 8 * n);
}

static inline const um_cmd_t *
cmd_find_top(const char *name, size_t len)
{
    uint64_t word, tail = 0;
    uint32_t at;

    if (len == 0 || len > UM_CMD_NAME_MAX) {
        return NULL;
    }

    word = cmd_word(name, len);
    if (len > 8) {
        tail = cmd_word(name + len - 8, 8);
    }

    at = um_cmd_hash(word, tail);
    while (um_cmd_slots[at].len != 0) {
        const um_cmd_slot_t *slot = &um_cmd_slots[at];
        const um_cmd_t *cmd = &um_cmd_table[slot->index];

        if (slot->word == word && slot->len == len
            && (slot->whole
                || um_str_ieq(
                    (um_str_t){ name, len }, (um_str_t){ cmd->name, len })))
        {
            return cmd;
        }

        at = (at + 1) % UM_CMD_HASH_SIZE;
    }

    return NULL;
}

static const um_cmd_t *
cmd_find_sub(const um_cmd_t *cmd, um_str_t sub)
{
    size_t prefix = strlen(cmd->name) + 1;

    for (uint16_t i = 0; i < cmd->sub_count; i++) {
        if (um_str_ieq(sub, um_str_of(cmd->subs[i].name + prefix))) {
            return &cmd->subs[i];
        }
    }

    return NULL;
}

const um_cmd_t *
um_cmd_find(const um_str_t *argv, uint32_t argc)
{
    const um_cmd_t *cmd, *sub;

    if (argc == 0) {
        return NULL;
    }

    cmd = cmd_find_top(argv[0].data, argv[0].len);
    if (cmd == NULL || cmd->sub_count == 0 || argc == 1) {
        return cmd;
    }

    sub = cmd_find_sub(cmd, argv[1]);
    return sub != NULL ? sub : cmd;
}

const um_cmd_t *
um_cmd_find_name(um_str_t name)
{
    const char *bar = name.len > 0 ? memchr(name.data, '|', name.len) : NULL;
    const um_cmd_t *cmd;
    size_t len;

    if (bar == NULL) {
        return cmd_find_top(name.data, name.len);
    }

    len = (size_t) (bar - name.data);
    cmd = cmd_find_top(name.data, len);
    if (cmd == NULL) {
        return NULL;
    }

    return cmd_find_sub(cmd, (um_str_t){ bar + 1, name.len - len - 1 });
}

size_t
um_cmd_count(void)
{
    return um_cmd_table_len;
}

size_t
um_cmd_indices(void)
{
    return um_cmd_table_indices;
}

const um_cmd_t *
um_cmd_at(size_t i)
{
    return i < um_cmd_table_len ? &um_cmd_table[i] : NULL;
}

bool
um_cmd_word_is(um_str_t word, um_str_t option)
{
    if (um_likely(word.len < option.len)) {
        return false;
    }

    if (um_unlikely(word.len > option.len)) {
        if (word.data[option.len] != '\0') {
            return false;
        }
        word.len = option.len;
    }

    return um_str_ieq(word, option);
}

/* Options of XREAD and XREADGROUP, read as Redis does. */
static bool
cmd_xread_blocks(const um_str_t *argv, uint32_t argc)
{
    for (uint32_t i = 1; i < argc; i++) {
        if (um_cmd_word_is(argv[i], um_lit("block"))) {
            return true;
        }

        if (um_cmd_word_is(argv[i], um_lit("count"))) {
            i++;
        } else if (um_cmd_word_is(argv[i], um_lit("group"))) {
            i += 2;
        } else if (!um_cmd_word_is(argv[i], um_lit("noack"))) {
            return false; /* STREAMS, or a syntax error */
        }
    }

    return false;
}

bool
um_cmd_blocks(const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc)
{
    if (um_likely(!(cmd->flags & UM_CMD_BLOCKING))) {
        return false;
    }

    return cmd->finder != UM_FINDER_XREAD || cmd_xread_blocks(argv, argc);
}

/* COPY src dst [DB n] [REPLACE] */
static const char *
cmd_copy_refused(const um_str_t *argv, uint32_t argc)
{
    int64_t db;

    for (uint32_t i = 3; i + 1 < argc; i++) {
        if (um_cmd_word_is(argv[i], um_lit("db"))) {
            i++;
            /* What is no number Redis refuses itself. */
            if (um_str_to_arg(argv[i], &db) == UM_OK && db != 0) {
                return "ERR DB index is out of range";
            }
        }
    }

    return NULL;
}

/* Are the keys that `pattern` makes up, whatever takes the place of its *, in
 * the slot of `key`?  They are when a {tag} before the * says so. */
static bool
pattern_is_near(um_str_t pattern, um_str_t key)
{
    const char *open = NULL, *end = pattern.data + pattern.len;

    for (const char *p = pattern.data; p < end && *p != '*'; p++) {
        if (*p == '{' && open == NULL) {
            open = p;
        } else if (*p == '}' && open != NULL) {
            /* {} is no tag, and no later one counts. */
            return p > open + 1 && um_slot_of(pattern) == um_slot_of(key);
        }
    }

    return false;
}

/*
 * SORT key [BY pattern] [LIMIT o n] [GET pattern ...] ...: a Redis of a cluster
 * knows that the keys of a pattern may be with others.  Ours do not: they would
 * sort by what they have.
 */
static const char *
cmd_sort_refused(const um_str_t *argv, uint32_t argc)
{
    for (uint32_t i = 2; i + 1 < argc; i++) {
        if (um_cmd_word_is(argv[i], um_lit("limit"))) {
            i += 2;
        } else if (um_cmd_word_is(argv[i], um_lit("store"))) {
            i++;
        } else if (um_cmd_word_is(argv[i], um_lit("by"))) {
            i++;
            if (argv[i].len > 0 && memchr(argv[i].data, '*', argv[i].len)
                && !pattern_is_near(argv[i], argv[1]))
            {
                return "ERR BY option of SORT denied in Cluster mode.";
            }
        } else if (um_cmd_word_is(argv[i], um_lit("get"))) {
            i++;
            if (!um_str_eq(argv[i], um_lit("#"))
                && !pattern_is_near(argv[i], argv[1])) {
                return "ERR GET option of SORT denied in Cluster mode.";
            }
        }
    }

    return NULL;
}

const char *
um_cmd_refused(const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc)
{
    if (um_likely(!(cmd->flags & UM_CMD_LIMITED))) {
        return NULL;
    }

    return cmd->finder == UM_FINDER_SORT ? cmd_sort_refused(argv, argc)
                                         : cmd_copy_refused(argv, argc);
}
