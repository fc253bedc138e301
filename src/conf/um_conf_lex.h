/*
 * um_conf_lex.h -- words, braces and semicolons out of a text.
 *
 *   word     runs to white space or one of { } ; -- a backslash takes the
 *            next character as it is
 *   "word"   knows \" \\ \n \r \t \xHH
 *   'word'   knows \' \\
 *   # ...    a comment to the end of the line, where a word could begin
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CONF_LEX_H
#define UM_CONF_LEX_H

#include "conf/um_conf.h"

typedef enum {
    UM_TOKEN_WORD, /* lx->word[0..len), NUL-terminated           */
    UM_TOKEN_SEMI,
    UM_TOKEN_OPEN,
    UM_TOKEN_CLOSE,
    UM_TOKEN_END,
    UM_TOKEN_BAD, /* lx->word says what is wrong, at lx->line    */
} um_token_t;

typedef struct {
    const char *pos;
    const char *end;
    uint32_t line; /* of the token that was returned last: its first line */
    uint32_t at;   /* of `pos` */
    bool quoted;   /* the word stood in quotes */
    size_t len;
    char word[UM_CONF_WORD_MAX + 1];
} um_lex_t;

/* `text` is lent until the last um_lex_next(). */
void um_lex_init(um_lex_t *lx, um_str_t text);

um_token_t um_lex_next(um_lex_t *lx);

/* Append `word` so that it is read back as the same bytes. */
void um_lex_quote(um_sbuf_t *out, const char *word);

#endif /* UM_CONF_LEX_H */
