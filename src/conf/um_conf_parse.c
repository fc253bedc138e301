/*
 * Statements: `name words ;` and `name { ... }`, by the tables of the blocks.
 *
 * One um_parse_t per text; included texts are parsed by recursion and each
 * has to close the blocks it opens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_lex.h"
#include "conf/um_conf_priv.h"
#include "core/um_str.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct um_parse_s um_parse_t;

struct um_parse_s {
    um_conf_t *cf;
    um_parse_t *up; /* who included this one */
    uint32_t depth;
    const char *name; /* of the text, in the pool */
    dev_t dev;        /* of the file; ino 0: none */
    ino_t ino;
    um_from_t from;
    um_inst_t *in; /* the block we are in */
    bool block;    /* opened in this text, so to be closed in it */
    uint32_t line; /* where the statement began */
    uint32_t argc; /* its words, the name included */
    const char **arg;
    um_lex_t lex;
};

static um_rc_t parse_text(um_parse_t *p);
static um_rc_t parse_file(um_conf_t *cf, um_parse_t *up, const char *path);

static const char *
parse_token_name(um_token_t token)
{
    switch (token) {
    case UM_TOKEN_SEMI:
        return "\";\"";
    case UM_TOKEN_OPEN:
        return "\"{\"";
    case UM_TOKEN_CLOSE:
        return "\"}\"";
    case UM_TOKEN_END:
        return "end of file";
    case UM_TOKEN_WORD:
    case UM_TOKEN_BAD:
        break;
    }

    return "word";
}

/*
 * The words up to ; or { into p->arg.  The token that ended them, or
 * UM_TOKEN_BAD with the error said.
 */
static um_token_t
parse_words(um_parse_t *p)
{
    um_token_t token;
    char *word;

    p->argc = 0;

    while ((token = um_lex_next(&p->lex)) == UM_TOKEN_WORD) {
        if (p->argc == 0) {
            p->line = p->lex.line;
        }

        if (p->argc == UM_CONF_WORDS_MAX) {
            (void) um_conf_fail(
                p->cf, p->name, p->line, "%s has too many words", p->arg[0]);
            return UM_TOKEN_BAD;
        }

        word =
            um_pool_strdup(p->cf->pool, (um_str_t){ p->lex.word, p->lex.len });
        if (word == NULL) {
            (void) um_conf_no_memory(p->cf);
            return UM_TOKEN_BAD;
        }
        p->arg[p->argc++] = word;
    }

    if (token == UM_TOKEN_BAD) {
        (void) um_conf_fail(p->cf, p->name, p->lex.line, "%s", p->lex.word);
        return UM_TOKEN_BAD;
    }

    if (p->argc > 0 && (token == UM_TOKEN_END || token == UM_TOKEN_CLOSE)) {
        (void) um_conf_fail(p->cf, p->name, p->line,
            "%.64s: \";\" or \"{\" is missing before %s", p->arg[0],
            parse_token_name(token));
        return UM_TOKEN_BAD;
    }

    if (p->argc == 0 && (token == UM_TOKEN_SEMI || token == UM_TOKEN_OPEN)) {
        (void) um_conf_fail(p->cf, p->name, p->lex.line, "unexpected %s",
            parse_token_name(token));
        return UM_TOKEN_BAD;
    }

    return token;
}

/* `words` of the statement as an entry of the pool. */
static um_entry_t *
parse_entry(um_parse_t *p)
{
    um_entry_t *e = um_pool_alloc(p->cf->pool, sizeof(*e));
    const char **arg =
        um_pool_array(p->cf->pool, p->argc, sizeof(*arg)); /* NULL at the end */

    if (e == NULL || arg == NULL) {
        return NULL;
    }

    memcpy(arg, p->arg + 1, (p->argc - 1) * sizeof(*arg));
    e->arg = arg;
    e->argc = p->argc - 1;
    e->from = p->from;
    e->file = p->name;
    e->line = p->line;
    return e;
}

static um_rc_t
parse_include(um_parse_t *p)
{
    um_conf_t *cf = p->cf;
    const char *slash = strrchr(p->name, '/');
    const char *arg = p->arg[1];
    um_sbuf_t path = { 0 };
    glob_t found = { 0 };
    um_rc_t rc = UM_OK;
    int err;

    if (p->argc != 2) {
        return um_conf_fail(
            cf, p->name, p->line, "include takes 1 word, has %u", p->argc - 1);
    }

    if (cf->o->hermetic) {
        return um_conf_fail(cf, p->name, p->line, "include is not possible");
    }

    if (arg[0] != '/' && p->ino != 0 && slash != NULL) {
        um_sbuf_add(&path, p->name, (size_t) (slash - p->name) + 1);
    } else if (arg[0] != '/' && p->ino == 0 && cf->prefix[0] != '\0') {
        um_sbuf_addf(&path, "%s/", cf->prefix);
    }
    um_sbuf_addz(&path, arg);
    arg = um_sbuf_cstr(&path);

    if (path.failed) {
        rc = um_conf_no_memory(cf);
    } else if (strpbrk(arg, "*?[") == NULL) {
        rc = parse_file(cf, p, arg);
    } else if ((err = glob(arg, 0, NULL, &found)) == 0) {
        for (size_t i = 0; i < found.gl_pathc && rc == UM_OK; i++) {
            rc = parse_file(cf, p, found.gl_pathv[i]);
        }
        globfree(&found);
    } else if (err != GLOB_NOMATCH) {
        rc = um_conf_fail(cf, p->name, p->line,
            "include: \"%.200s\" cannot be expanded", arg);
    }

    um_sbuf_deinit(&path);
    return rc;
}

static um_rc_t
parse_unknown(um_parse_t *p)
{
    const char *name = p->arg[0];
    char hint[200];

    if (um_conf_known(p->cf, name) == NULL || p->in != p->cf->main) {
        um_conf_hint(p->cf, p->in, name, hint, sizeof(hint));
        return um_conf_fail(p->cf, p->name, p->line,
            "unknown directive \"%.64s\"%s", name, hint);
    }

    return um_conf_fail(
        p->cf, p->name, p->line, "block \"%.64s\" needs a \"{\"", name);
}

static um_rc_t
parse_directive(um_parse_t *p)
{
    const um_directive_t *d;
    um_entry_t *e;
    um_rc_t rc;

    if (strcmp(p->arg[0], "include") == 0) {
        return parse_include(p);
    }

    d = um_conf_directive(p->in->block, p->arg[0]);
    if (d == NULL) {
        return parse_unknown(p);
    }

    e = parse_entry(p);
    if (e == NULL) {
        return um_conf_no_memory(p->cf);
    }

    e->d = d;
    rc = um_conf_keep(p->cf, p->in, e);
    if (rc == UM_OK && d->flags & UM_DIR_MODULE) {
        rc = um_conf_module_add(p->cf, e->arg[0], e);
    }

    return rc;
}

static um_rc_t
parse_block(um_parse_t *p)
{
    const um_block_t *b = um_conf_known(p->cf, p->arg[0]);
    um_inst_t *in = um_conf_inst(p->cf, p->arg[0]);
    const char *name = p->arg[0];
    um_entry_t at = { .from = p->from, .file = p->name, .line = p->line };
    char hint[200];
    um_rc_t rc;

    if (um_conf_directive(p->in->block, name) != NULL) {
        return um_conf_fail(p->cf, p->name, p->line,
            "%s is a directive, it needs \";\" instead of \"{\"", name);
    }

    if (b == NULL) {
        um_conf_hint(p->cf, p->in, name, hint, sizeof(hint));
        return um_conf_fail(
            p->cf, p->name, p->line, "unknown block \"%.64s\"%s", name, hint);
    }

    if (p->in != p->cf->main) {
        return um_conf_fail(p->cf, p->name, p->line,
            "block \"%s\" cannot stand in block \"%s\"", name,
            p->in->block->name);
    }

    if (p->argc > 1) {
        return um_conf_fail(
            p->cf, p->name, p->line, "block \"%s\" takes no words", name);
    }

    if (in != NULL && in->from == p->from) {
        return um_conf_fail(p->cf, p->name, p->line,
            "block \"%s\" is duplicate, it stands in %.200s:%u already", name,
            in->file, in->line);
    }

    if (in == NULL) {
        in = um_conf_inst_add(p->cf, b, &at);
    }

    if (in == NULL) {
        return um_conf_no_memory(p->cf);
    }

    p->in = in;
    p->block = true;
    rc = parse_text(p);
    p->in = p->cf->main;
    p->block = false;
    return rc;
}

/* Statements up to the end of the text or of the block opened in it. */
static um_rc_t
parse_text(um_parse_t *p)
{
    bool block = p->block;
    uint32_t opened = p->line;
    um_rc_t rc = UM_OK;

    while (rc == UM_OK) {
        switch (parse_words(p)) {
        case UM_TOKEN_SEMI:
            rc = parse_directive(p);
            break;

        case UM_TOKEN_OPEN:
            rc = parse_block(p);
            break;

        case UM_TOKEN_CLOSE:
            if (block) {
                return UM_OK;
            }
            return um_conf_fail(
                p->cf, p->name, p->lex.line, "unexpected \"}\"");

        case UM_TOKEN_END:
            if (!block) {
                return UM_OK;
            }
            return um_conf_fail(p->cf, p->name, p->lex.line,
                "end of file, but the block of line %u is not closed", opened);

        case UM_TOKEN_WORD:
        case UM_TOKEN_BAD:
            return UM_ERR;
        }
    }

    return rc;
}

static um_rc_t
parse_run(um_parse_t *p, um_str_t text)
{
    um_rc_t rc;

    p->arg = calloc(UM_CONF_WORDS_MAX, sizeof(*p->arg));
    if (p->arg == NULL) {
        return um_conf_no_memory(p->cf);
    }

    um_lex_init(&p->lex, text);
    rc = parse_text(p);
    free(p->arg);
    return rc;
}

um_rc_t
um_conf_read_text(
    um_conf_t *cf, const char *name, um_str_t text, um_from_t from)
{
    um_parse_t *p = calloc(1, sizeof(*p));
    um_rc_t rc;

    if (p == NULL) {
        return um_conf_no_memory(cf);
    }

    p->cf = cf;
    p->from = from;
    p->in = cf->main;
    p->name = um_pool_strdup(cf->pool, um_str_of(name));
    rc = p->name != NULL ? parse_run(p, text) : um_conf_no_memory(cf);
    free(p);
    return rc;
}

/* All of a file, at most UM_CONF_FILE_MAX bytes, to `out`. */
static um_rc_t
parse_slurp(um_parse_t *p, int fd, um_sbuf_t *out)
{
    struct stat st;
    ssize_t n;
    char *to;

    if (fstat(fd, &st) == -1) {
        return um_conf_fail(
            p->cf, p->name, 0, "stat failed: %s", strerror(errno));
    }

    p->dev = st.st_dev;
    p->ino = st.st_ino;
    for (um_parse_t *up = p->up; up != NULL; up = up->up) {
        if (up->ino == p->ino && up->dev == p->dev) {
            return um_conf_fail(p->cf, p->up->name, p->up->line,
                "include: \"%.200s\" includes itself", p->name);
        }
    }

    do {
        to = um_sbuf_room(out, 65536);
        if (to == NULL) {
            return um_conf_no_memory(p->cf);
        }

        n = read(fd, to, 65536);
        if (n == -1 && errno != EINTR) {
            return um_conf_fail(
                p->cf, p->name, 0, "read failed: %s", strerror(errno));
        }

        out->len += n > 0 ? (size_t) n : 0;
        if (out->len > UM_CONF_FILE_MAX) {
            return um_conf_fail(p->cf, p->name, 0, "larger than 1 MB");
        }
    } while (n != 0);

    return UM_OK;
}

static um_rc_t
parse_fd(um_parse_t *p, int fd)
{
    um_sbuf_t text = { 0 };
    um_rc_t rc = parse_slurp(p, fd, &text);

    if (rc == UM_OK) {
        rc = parse_run(p, (um_str_t){ um_sbuf_cstr(&text), text.len });
    }

    um_sbuf_deinit(&text);
    return rc;
}

static um_rc_t
parse_file(um_conf_t *cf, um_parse_t *up, const char *path)
{
    const char *file = up != NULL ? up->name : NULL;
    uint32_t line = up != NULL ? up->line : 0;
    um_parse_t *p;
    um_rc_t rc;
    int fd;

    if (up != NULL && up->depth == UM_CONF_DEPTH_MAX) {
        return um_conf_fail(cf, file, line, "include is nested too deeply");
    }

    if (cf->files++ == UM_CONF_FILES_MAX) {
        return um_conf_fail(cf, file, line, "too many files are included");
    }

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return um_conf_fail(cf, file, line, "\"%.400s\" cannot be opened: %s",
            path, strerror(errno));
    }

    p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->cf = cf;
        p->up = up;
        p->depth = up != NULL ? up->depth + 1 : 0;
        p->from = up != NULL ? up->from : UM_FROM_FILE;
        p->in = up != NULL ? up->in : cf->main;
        p->name = um_pool_strdup(cf->pool, um_str_of(path));
    }

    rc = p != NULL && p->name != NULL ? parse_fd(p, fd) : um_conf_no_memory(cf);
    free(p);
    close(fd);
    return rc;
}

um_rc_t
um_conf_read_file(um_conf_t *cf, const char *path)
{
    return parse_file(cf, NULL, path);
}
