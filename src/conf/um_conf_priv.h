/*
 * um_conf_priv.h -- how a configuration is kept; for src/conf only.
 *
 * A directive is applied twice: to a trial struct when it is read, so that
 * errors come in the order of the file, and to the real one when it is known
 * what the environment and -g replace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CONF_PRIV_H
#define UM_CONF_PRIV_H

#include "conf/um_conf.h"
#include "conf/um_module.h"
#include "core/um_pool.h"

#define UM_CONF_FILE_MAX  (1u << 20) /* bytes of one file               */
#define UM_CONF_FILES_MAX 256u       /* files of one configuration      */
#define UM_CONF_KNOWN_MAX 32u        /* kinds of blocks, of modules too */

/* Later ones replace earlier ones. */
typedef enum {
    UM_FROM_DEFAULT,
    UM_FROM_FILE,
    UM_FROM_ENV,
    UM_FROM_OPTION, /* -g */
} um_from_t;

/* One directive as it is in force. */
typedef struct um_entry_s um_entry_t;

struct um_entry_s {
    um_entry_t *next;
    const um_directive_t *d;
    const char *const *arg; /* NULL-terminated */
    uint32_t argc;
    um_from_t from;
    const char *file;
    uint32_t line;
    char *canon; /* NULL: as written */
};

/* One block as it is configured. */
typedef struct um_inst_s um_inst_t;

struct um_inst_s {
    um_inst_t *next;
    const um_block_t *block;
    void *conf;
    void *trial;
    um_entry_t *first;
    um_entry_t **last;
    um_from_t from;
    const char *file;
    uint32_t line;
};

struct um_conf_s {
    um_pool_t *pool;
    const um_conf_options_t *o; /* during um_conf_load() only */
    char *const *env;           /* likewise; NULL: nothing may be read */
    char *err;                  /* likewise */
    const char *prefix;
    const um_block_t *known[UM_CONF_KNOWN_MAX];
    uint32_t known_count;
    const um_module_t *module[UM_CONF_KNOWN_MAX];
    uint32_t module_count;
    um_inst_t *main; /* first of the list */
    uint32_t files;  /* read so far */
};

/* Say where and what; UM_ERR.  file NULL: no position; line 0: only file. */
um_rc_t um_conf_fail(um_conf_t *cf, const char *file, uint32_t line,
    const char *fmt, ...) UM_PRINTF(4, 5);
um_rc_t um_conf_no_memory(um_conf_t *cf);

/* Blocks and their instances. */
const um_block_t *um_conf_known(const um_conf_t *cf, const char *name);
um_inst_t *um_conf_inst(const um_conf_t *cf, const char *name);
um_inst_t *um_conf_inst_add(um_conf_t *cf, const um_block_t *b, um_entry_t *at);
um_rc_t um_conf_module_add(um_conf_t *cf, const char *name, um_entry_t *at);

const um_directive_t *um_conf_directive(const um_block_t *b, const char *name);

/*
 * Try `e`, a pool's object, on `in` and keep it there, in place of what comes
 * from weaker sources.
 */
um_rc_t um_conf_keep(um_conf_t *cf, um_inst_t *in, um_entry_t *e);

/* What a setter, or the check of a block, gets to see. */
void um_conf_cx_init(um_conf_cx_t *cx, um_conf_t *cf, const um_entry_t *e);

/* Run the setter of `e` on `conf`. */
um_rc_t um_conf_apply(um_conf_t *cf, um_entry_t *e, void *conf, bool trial);

/* The parts of loading, each in a file of its own. */
um_rc_t um_conf_read_file(um_conf_t *cf, const char *path);
um_rc_t um_conf_read_text(
    um_conf_t *cf, const char *name, um_str_t text, um_from_t from);
um_rc_t um_conf_read_env(um_conf_t *cf);
um_rc_t um_conf_words(um_conf_t *cf, const char *text, um_entry_t *e);
void um_conf_hint(const um_conf_t *cf, const um_inst_t *in, const char *name,
    char *out, size_t size);

/* "1 to 9." for the manual; false: it has no bounds. */
bool um_conf_bounds(const um_directive_t *d, char *out, size_t size);

#endif /* UM_CONF_PRIV_H */
