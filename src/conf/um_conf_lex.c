/* SPDX-License-Identifier: Apache-2.0 */

#include "conf/um_conf_lex.h"

#include <stdio.h>
#include <string.h>

void
um_lex_init(um_lex_t *lx, um_str_t text)
{
    lx->pos = text.data;
    lx->end = text.data + text.len;
    lx->line = lx->at = 1;
    lx->quoted = false;
    lx->len = 0;
    lx->word[0] = '\0';
}

static um_token_t
lex_bad(um_lex_t *lx, const char *what)
{
    snprintf(lx->word, sizeof(lx->word), "%s", what);
    lx->len = strlen(lx->word);
    return UM_TOKEN_BAD;
}

static bool
lex_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
lex_is_mark(char c)
{
    return c == ';' || c == '{' || c == '}';
}

static void
lex_skip(um_lex_t *lx)
{
    while (lx->pos < lx->end) {
        if (*lx->pos == '#') {
            while (lx->pos < lx->end && *lx->pos != '\n') {
                lx->pos++;
            }
            continue;
        }

        if (!lex_is_space(*lx->pos)) {
            return;
        }

        lx->at += *lx->pos++ == '\n';
    }
}

static bool
lex_put(um_lex_t *lx, char c)
{
    if (lx->len == UM_CONF_WORD_MAX) {
        return false;
    }

    lx->at += c == '\n';
    lx->word[lx->len++] = c;
    lx->word[lx->len] = '\0';
    return true;
}

static int
lex_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = (char) (c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * What stands behind a backslash in double quotes, as one character; NULL or
 * what is wrong.
 */
static const char *
lex_escape(um_lex_t *lx, char *out)
{
    int high, low;

    switch (*lx->pos) {
    case 'n':
        *out = '\n';
        break;
    case 'r':
        *out = '\r';
        break;
    case 't':
        *out = '\t';
        break;
    case '"':
    case '\\':
        *out = *lx->pos;
        break;
    case 'x':
        if (lx->end - lx->pos < 3 || (high = lex_hex(lx->pos[1])) < 0
            || (low = lex_hex(lx->pos[2])) < 0 || high + low == 0)
        {
            return "\\x needs two hexadecimal digits, not 00";
        }
        *out = (char) (high << 4 | low);
        lx->pos += 2;
        break;
    default:
        return "unknown escape in quotes; known are \\\" \\\\ \\n \\r \\t "
               "\\xHH";
    }

    lx->pos++;
    return NULL;
}

static um_token_t
lex_quoted(um_lex_t *lx, char quote)
{
    const char *wrong;
    uint32_t line;
    char c;

    lx->quoted = true;

    for (;;) {
        if (lx->pos == lx->end) {
            return lex_bad(lx, "quotes are not closed");
        }

        c = *lx->pos++;
        if (c == quote) {
            break;
        }

        if (c == '\0') {
            return lex_bad(lx, "NUL byte");
        }

        line = lx->at;
        if (c == '\\' && lx->pos < lx->end) {
            if (quote == '"') {
                wrong = lex_escape(lx, &c);
                if (wrong != NULL) {
                    return lex_bad(lx, wrong);
                }

            } else if (*lx->pos == '\'' || *lx->pos == '\\') {
                c = *lx->pos++;
            }
        }

        if (!lex_put(lx, c)) {
            return lex_bad(lx, "word is too long");
        }

        /* An escaped newline is no new line of the text. */
        if (c == '\n' && lx->pos[-1] != '\n') {
            lx->at = line;
        }
    }

    if (lx->pos < lx->end && !lex_is_space(*lx->pos) && !lex_is_mark(*lx->pos))
    {
        return lex_bad(lx, "white space is missing after closing quotes");
    }

    return UM_TOKEN_WORD;
}

static um_token_t
lex_bare(um_lex_t *lx)
{
    char c;

    while (lx->pos < lx->end) {
        c = *lx->pos;
        if (lex_is_space(c) || lex_is_mark(c)) {
            break;
        }

        lx->pos++;
        if (c == '\\') {
            if (lx->pos == lx->end) {
                return lex_bad(lx, "backslash at the end of the file");
            }
            c = *lx->pos++;
        }

        if (c == '\0') {
            return lex_bad(lx, "NUL byte");
        }

        if (!lex_put(lx, c)) {
            return lex_bad(lx, "word is too long");
        }
    }

    return UM_TOKEN_WORD;
}

um_token_t
um_lex_next(um_lex_t *lx)
{
    char c;

    lex_skip(lx);
    lx->line = lx->at;
    lx->quoted = false;
    lx->len = 0;
    lx->word[0] = '\0';

    if (lx->pos == lx->end) {
        return UM_TOKEN_END;
    }

    c = *lx->pos;
    switch (c) {
    case ';':
        lx->pos++;
        return UM_TOKEN_SEMI;
    case '{':
        lx->pos++;
        return UM_TOKEN_OPEN;
    case '}':
        lx->pos++;
        return UM_TOKEN_CLOSE;
    case '"':
    case '\'':
        lx->pos++;
        return lex_quoted(lx, c);
    default:
        return lex_bare(lx);
    }
}

void
um_lex_quote(um_sbuf_t *out, const char *word)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-+.:/,@%=*?[]()<>|&!~^$";

    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        um_sbuf_addz(out, word);
        return;
    }

    um_sbuf_addz(out, "\"");
    for (; *word != '\0'; word++) {
        unsigned char c = (unsigned char) *word;

        if (c == '"' || c == '\\') {
            um_sbuf_addf(out, "\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            um_sbuf_addf(out, "\\x%02x", c);
        } else {
            um_sbuf_add(out, word, 1);
        }
    }
    um_sbuf_addz(out, "\"");
}
