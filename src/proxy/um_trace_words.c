/*
 * um_trace_words.c -- the words of a slow command: which of them are kept, how
 * they are shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "meta/um_utf8.h"
#include "proxy/um_trace.h"
#include "resp/um_put.h"

#define WORD_REDACTED um_lit("(redacted)")

/* The longest line that says how long a word is. */
#define WORD_LINE 24

/* What the reference shows of a command. */
#define LINE_WORDS 5
#define LINE_WORD  100

/* The last place tells how many more there are. */
static uint32_t
words_kept(uint32_t argc)
{
    return argc <= UM_SLOW_WORDS ? argc : UM_SLOW_WORDS - 1;
}

static void
word_add(um_slow_t *out, um_str_t word)
{
    size_t n = um_min(word.len, (size_t) UM_SLOW_WORD);

    memcpy(out->text + out->used, word.data, n);
    out->used += (uint16_t) n;
    out->word_len[out->kept++] = (uint32_t) word.len;
}

static bool
word_contains(um_str_t word, const char *part)
{
    size_t n = strlen(part);

    for (size_t i = 0; i + n <= word.len; i++) {
        if (um_str_ieq((um_str_t){ word.data + i, n }, um_str_of(part))) {
            return true;
        }
    }

    return false;
}

/* Must word `i` not be told?  Only commands that we answer have such words. */
static bool
word_is_secret(const um_cmd_t *cmd, const um_str_t *argv, uint32_t i)
{
    if (cmd == NULL || i == 0) {
        return false;
    }

    switch ((um_self_t) cmd->self) {
    case UM_SELF_AUTH:
        return true;

    case UM_SELF_HELLO:
        return (i >= 2 && um_str_ieq(argv[i - 1], um_lit("AUTH")))
               || (i >= 3 && um_str_ieq(argv[i - 2], um_lit("AUTH")));

    case UM_SELF_CONFIG:
        return i >= 3 && um_str_ieq(argv[1], um_lit("SET")) && i % 2 == 1
               && (word_contains(argv[i - 1], "pass")
                   || word_contains(argv[i - 1], "auth"));

    default:
        return false;
    }
}

void
um_trace_words(
    um_slow_t *out, const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc)
{
    uint32_t kept = words_kept(argc);

    out->argc = argc;
    out->kept = 0;
    out->used = 0;

    for (uint32_t i = 0; i < kept; i++) {
        word_add(out, word_is_secret(cmd, argv, i) ? WORD_REDACTED : argv[i]);
    }
}

/* A line such as "$12\r\n".  UM_DECLINED: it is none. */
static um_rc_t
read_number(um_sent_at_t *at, char type, uint64_t *n)
{
    char line[WORD_LINE];
    size_t len = um_sent_line(at, line, sizeof(line));

    if (len < 4 || line[0] != type || line[len - 2] != '\r') {
        return UM_DECLINED;
    }

    return um_str_to_u64((um_str_t){ line + 1, len - 3 }, n);
}

/* A word, of which `text` gets as much as the slow log keeps. */
static um_rc_t
read_word(um_sent_at_t *at, char text[UM_SLOW_WORD], um_str_t *word)
{
    uint64_t len;
    size_t n;

    if (read_number(at, '$', &len) != UM_OK) {
        return UM_DECLINED;
    }

    n = um_min(len, (uint64_t) UM_SLOW_WORD);
    if (um_sent_read(at, text, n) != n) {
        return UM_DECLINED;
    }

    /* What is behind it may be gone; it is known all the same. */
    (void) um_sent_read(at, NULL, len - n + 2);
    *word = (um_str_t){ text, len };
    return UM_OK;
}

um_rc_t
um_trace_read_words(um_slow_t *out, const um_cmd_t *cmd, um_sent_at_t *at)
{
    char text[UM_SLOW_WORD];
    uint64_t argc;
    um_str_t word;
    uint32_t kept;

    if (read_number(at, '*', &argc) != UM_OK || argc > UINT32_MAX
        || read_word(at, text, &word) != UM_OK)
    {
        return UM_DECLINED;
    }

    /* To a peer: what the client said comes behind two words of ours. */
    if (argc > 2 && um_str_eq(word, um_lit("UMFORWARD"))
        && (cmd == NULL || cmd->self != UM_SELF_UMFORWARD))
    {
        if (read_word(at, text, &word) != UM_OK
            || read_word(at, text, &word) != UM_OK) {
            return UM_DECLINED;
        }
        argc -= 2;
    }

    out->argc = (uint32_t) argc;
    out->kept = 0;
    out->used = 0;
    kept = words_kept(out->argc);

    do {
        word_add(out, word);
    } while (out->kept < kept && read_word(at, text, &word) == UM_OK);

    return UM_OK;
}

um_str_t
um_trace_word(const um_slow_t *slow, uint32_t i, uint32_t *len)
{
    size_t off = 0, n;

    for (uint32_t k = 0; k < i; k++) {
        off += um_min(slow->word_len[k], (uint32_t) UM_SLOW_WORD);
    }

    *len = slow->word_len[i];
    n = um_min(*len, (uint32_t) UM_SLOW_WORD);
    if (off + n > sizeof(slow->text)) { /* read while it was written */
        return um_lit("");
    }
    return (um_str_t){ slow->text + off, n };
}

void
um_trace_put_words(um_sbuf_t *o, const um_slow_t *slow)
{
    uint32_t shown = slow->kept + (slow->kept < slow->argc);

    um_put_array(o, shown);
    for (uint32_t i = 0; i < slow->kept; i++) {
        uint32_t len;
        um_str_t word = um_trace_word(slow, i, &len);
        um_sbuf_t cut = { 0 };

        if (len <= UM_SLOW_WORD) {
            um_put_bulk(o, word);
            continue;
        }

        um_sbuf_add_str(&cut, word);
        um_sbuf_addf(&cut, "... (%u more bytes)", len - UM_SLOW_WORD);
        o->failed |= cut.failed;
        um_put_bulk(o, (um_str_t){ cut.data, cut.len });
        um_sbuf_deinit(&cut);
    }

    if (slow->kept < slow->argc) {
        um_put_bulkf(o, "... (%u more arguments)", slow->argc - slow->kept);
    }
}

/* Without the piece of a character that `len` bytes end with. */
static size_t
utf8_cut(const char *s, size_t len)
{
    size_t n = len;

    while (n > 0 && len - n < 3 && ((unsigned char) s[n - 1] & 0xc0) == 0x80) {
        n--;
    }

    /* s[n - 1] begins the last character: is all of it there? */
    if (n > 0) {
        unsigned char c = (unsigned char) s[n - 1];
        size_t want = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (n - 1 + want > len) {
            return n - 1;
        }
    }

    return len;
}

/* Bytes that are no text, as the reference shows them: [255, 254]. */
static void
line_bytes(um_sbuf_t *o, um_str_t word)
{
    um_sbuf_addz(o, "[");
    for (size_t i = 0; i < word.len; i++) {
        um_sbuf_addf(o, "%s%u", i > 0 ? ", " : "",
            (unsigned) (unsigned char) word.data[i]);
    }
    um_sbuf_addz(o, "]");
}

static void
line_word(um_sbuf_t *o, um_str_t word, uint32_t len)
{
    um_sbuf_t bytes = { 0 };
    um_str_t shown = word;

    if (len > word.len) {
        shown.len = utf8_cut(word.data, word.len);
    }
    if (!um_utf8_valid(shown)) {
        line_bytes(&bytes, word);
        o->failed |= bytes.failed;
        shown = (um_str_t){ bytes.data, bytes.len };
    }

    if (shown.len <= LINE_WORD && len <= word.len) {
        um_sbuf_add_str(o, shown);
    } else {
        shown.len = um_min(shown.len, (size_t) LINE_WORD);
        shown.len = utf8_cut(shown.data, shown.len);
        um_sbuf_add_str(o, shown);
        um_sbuf_addf(o, "(%ubytes)", len);
    }

    um_sbuf_deinit(&bytes);
}

void
um_trace_put_line(um_sbuf_t *o, const um_slow_t *slow)
{
    uint32_t shown = um_min(slow->kept, (uint32_t) LINE_WORDS);

    for (uint32_t i = 0; i < shown; i++) {
        uint32_t len;
        um_str_t word = um_trace_word(slow, i, &len);

        if (i > 0) {
            um_sbuf_addz(o, " ");
        }
        line_word(o, word, len);
    }
}
