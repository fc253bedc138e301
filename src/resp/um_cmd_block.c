/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd_block.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "resp/um_put.h"

#define BLOCK_NS_PER_MS UINT64_C(1000000)

/* Redis refuses a number of more digits (MAX_LONG_DOUBLE_CHARS). */
#define BLOCK_WORD_MAX 5120

/* Redis before 7 cuts seconds down to milliseconds, and 0.001 * 1000 is less
 * than 1 there: that would be for ever. */
#define BLOCK_SECONDS_MIN_MS 2

#define BLOCK_LAST    (-1)
#define BLOCK_OPTIONS (-2) /* behind the word BLOCK */

static const struct {
    const char *name;
    int16_t pos;
    bool seconds;
} block_commands[] = {
    { "blpop", BLOCK_LAST, true },
    { "brpop", BLOCK_LAST, true },
    { "blmove", BLOCK_LAST, true },
    { "brpoplpush", BLOCK_LAST, true },
    { "bzpopmin", BLOCK_LAST, true },
    { "bzpopmax", BLOCK_LAST, true },
    { "blmpop", 1, true },
    { "bzmpop", 1, true },
    { "xread", BLOCK_OPTIONS, false },
    { "xreadgroup", BLOCK_OPTIONS, false },
    { "wait", 2, false },
    { "waitaof", 3, false },
};

/* Seconds, as Redis' string2ld() reads them: what strtold() takes as a whole,
 * so also 1e2 and 0x10, but no blanks around it and no NaN. */
static um_rc_t
block_read_seconds(um_str_t word, uint64_t *ms)
{
    char text[BLOCK_WORD_MAX];
    long double value;
    char *end;

    if (word.len == 0 || word.len >= sizeof(text)) {
        return UM_DECLINED;
    }

    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    /* strtold() skips blanks in front. */
    if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) {
        return UM_DECLINED;
    }

    errno = 0;
    value = strtold(text, &end);
    if (end != text + word.len || errno != 0 || isnan(value)) {
        return UM_DECLINED;
    }

    value *= 1000;
    if (value <= -1 || value >= (long double) INT64_MAX) {
        return UM_DECLINED;
    }

    /* Rounded up, so that -0.0001 is 0 and what is not 0 stays so. */
    *ms = value > 0 ? (uint64_t) value : 0;
    if (value > (long double) *ms) {
        (*ms)++;
    }
    return UM_OK;
}

static um_rc_t
block_read_ms(um_str_t word, uint64_t *ms)
{
    int64_t value;

    if (um_str_to_arg(word, &value) != UM_OK || value < 0) {
        return UM_DECLINED;
    }

    *ms = (uint64_t) value;
    return UM_OK;
}

static um_rc_t
block_read(um_block_time_t *t, const um_str_t *argv, uint32_t argc)
{
    um_rc_t rc;
    uint64_t ms;

    if (t->pos >= argc) {
        return UM_DECLINED;
    }

    rc = t->seconds ? block_read_seconds(argv[t->pos], &ms)
                    : block_read_ms(argv[t->pos], &ms);
    if (rc != UM_OK) {
        return rc;
    }

    t->forever = ms == 0;
    t->ns =
        ms < UINT64_MAX / BLOCK_NS_PER_MS ? ms * BLOCK_NS_PER_MS : UINT64_MAX;
    return UM_OK;
}

/* XREAD, XREADGROUP: the last BLOCK before STREAMS counts, and each must be
 * right. */
static um_rc_t
block_read_options(um_block_time_t *t, const um_str_t *argv, uint32_t argc)
{
    um_rc_t rc = UM_DECLINED;

    for (uint32_t i = 1; i < argc; i++) {
        if (um_cmd_word_is(argv[i], um_lit("streams"))) {
            return rc;
        }

        if (um_cmd_word_is(argv[i], um_lit("block"))) {
            t->pos = ++i;
            rc = block_read(t, argv, argc);
            if (rc != UM_OK) {
                return rc;
            }
        } else if (um_cmd_word_is(argv[i], um_lit("count"))) {
            i++;
        } else if (um_cmd_word_is(argv[i], um_lit("group"))) {
            i += 2;
        } else if (!um_cmd_word_is(argv[i], um_lit("noack"))) {
            break; /* a syntax error */
        }
    }

    return UM_DECLINED;
}

um_rc_t
um_cmd_block_timeout(const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc,
    um_block_time_t *t)
{
    *t = (um_block_time_t){ 0 };

    for (size_t i = 0; i < um_countof(block_commands); i++) {
        if (strcmp(cmd->name, block_commands[i].name) != 0) {
            continue;
        }

        t->seconds = block_commands[i].seconds;
        if (block_commands[i].pos == BLOCK_OPTIONS) {
            return block_read_options(t, argv, argc);
        }

        t->pos = block_commands[i].pos == BLOCK_LAST
                     ? argc - 1
                     : (uint32_t) block_commands[i].pos;
        return block_read(t, argv, argc);
    }

    return UM_DECLINED;
}

void
um_cmd_block_format(const um_block_time_t *t, uint64_t left_ns, um_sbuf_t *out)
{
    uint64_t ms = left_ns / BLOCK_NS_PER_MS + (left_ns % BLOCK_NS_PER_MS != 0);

    if (t->forever) {
        um_sbuf_addz(out, "0");
    } else if (t->seconds) {
        ms = um_max(ms, BLOCK_SECONDS_MIN_MS);
        um_sbuf_add_u64(out, ms / 1000);
        um_sbuf_addf(out, ".%03u", (unsigned) (ms % 1000));
    } else {
        um_sbuf_add_u64(out, um_max(ms, 1));
    }
}

void
um_cmd_block_expired(const um_cmd_t *cmd, int proto, um_sbuf_t *out)
{
    if (strcmp(cmd->name, "wait") == 0) {
        um_put_int(out, 0);
    } else if (strcmp(cmd->name, "waitaof") == 0) {
        um_put_array(out, 2);
        um_put_int(out, 0);
        um_put_int(out, 0);
    } else {
        um_put_null_array(out, proto);
    }
}
