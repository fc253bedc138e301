/*
 * um_conf.h -- the configuration: words, directives, blocks, typed values.
 *
 * A block is described by one table of directives; from it come the parser,
 * defaults, bounds, the dump of -T and the manual.  A loaded configuration
 * owns all it names by one pool and is freed whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CONF_H
#define UM_CONF_H

#include "core/um_addr.h"
#include "core/um_base.h"
#include "core/um_sbuf.h"

typedef struct um_conf_s um_conf_t;
typedef struct um_conf_cx_s um_conf_cx_t;
typedef struct um_directive_s um_directive_t;
typedef struct um_module_s um_module_t; /* conf/um_module.h */
typedef struct um_pool_s um_pool_t;     /* core/um_pool.h   */

#define UM_CONF_ERR_MAX   1024 /* room for any message of um_conf_load() */
#define UM_CONF_WORD_MAX  4096 /* bytes of one word                      */
#define UM_CONF_WORDS_MAX 1024 /* words of one directive                 */
#define UM_CONF_DEPTH_MAX 16   /* includes within includes               */

/*
 * Store the words of one directive in `conf`, the struct of its block.  NULL,
 * or a phrase that follows the word cx->about, the first one unless the
 * setter points it elsewhere: "is not a time".  With about == NULL it follows
 * the directive's name.  Words and conf are borrowed; what is kept must be
 * copied to cx->pool.
 */
typedef const char *um_conf_set_fn(
    um_conf_cx_t *cx, const um_directive_t *d, void *conf);
typedef um_conf_set_fn *um_conf_set_pt;

/*
 * For a directive that takes its words from more than one variable: write
 * them to `out`, separated by spaces and quoted as in a file.  Nothing
 * written: unset.  NULL or a phrase.
 */
typedef const char *(*um_conf_env_pt)(um_conf_cx_t *cx, um_sbuf_t *out);

enum {
    UM_DIR_MULTI = 1 << 0,    /* may be repeated; the setter appends     */
    UM_DIR_RESTART = 1 << 1,  /* a change needs a restart, not a reload  */
    UM_DIR_REQUIRED = 1 << 2, /* its block is wrong without it           */
    UM_DIR_IGNORED = 1 << 3,  /* accepted with a notice, has no effect   */
    UM_DIR_SECRET = 1 << 4,   /* its value appears in no message         */
    UM_DIR_LIST = 1 << 5,     /* the environment separates words by ','  */
    UM_DIR_MODULE = 1 << 6,   /* `module`: opens one, at once            */
    UM_DIR_ENV = 1 << 7,      /* `env`: off and the environment is unread */
    UM_DIR_INCLUDE = 1 << 8,  /* `include`: for the manual, any block    */
};

/* For numbers, sizes and times, in the unit of the field; 0, 0: any. */
typedef struct {
    int64_t min;
    int64_t max;
} um_bounds_t;

/* For um_set_enum(); .name = NULL ends.  The first is no default. */
typedef struct {
    const char *name;
    int32_t value;
} um_enum_t;

struct um_directive_s {
    const char *name; /* NULL ends a table                            */
    const char *args; /* synopsis for the manual: "TIME", "on | off"  */
    uint16_t min;     /* words after the name                         */
    uint16_t max;
    uint32_t flags;
    um_conf_set_pt set;
    size_t offset;    /* of the field in the block's struct           */
    const void *post; /* um_bounds_t or um_enum_t[], as `set` says    */
    uint64_t unit;    /* what a bare number is multiplied by; 0: 1    */
    const char *dflt; /* its words as in a file; NULL: leave it zero  */
    const char *doc;  /* for the manual; blank line: paragraph        */

    const char *env;          /* without UNDERMOON_; NULL: none             */
    const char *env_role;     /* in main: the role that reads it            */
    um_conf_env_pt env_words; /* NULL: the value is the word            */
};

typedef struct {
    const char *name; /* "main" for the file's own level */
    const um_directive_t *directives;
    size_t conf_size; /* allocated zeroed */
    const char *doc;
    bool role;    /* naming this block gives the machine a role        */
    bool env;     /* the reference's environment is read for this role */
    bool restart; /* that it comes or goes needs a restart          */

    /* After all directives and defaults; NULL or what is wrong. */
    const char *(*check)(um_conf_cx_t *cx, void *conf);
} um_block_t;

/*
 * `module NAME;` was read: find and open it.  NULL or a phrase.  The module
 * must stay until the configuration is freed.
 */
typedef const char *(*um_conf_module_pt)(
    void *data, const char *name, const um_module_t **module);

typedef struct {
    const char *file;       /* NULL: none, e.g. environment only           */
    const char *text;       /* instead of a file (tests, fuzzer); NULL     */
    const char *directives; /* -g; replaces what the others say; NULL      */
    const char *prefix;     /* relative paths start here; NULL: as they are*/
    const char *role;       /* by argv[0]: "proxy"; such a block is implied*/
    char *const *env;       /* as environ; NULL: none                      */
    const um_block_t *const *blocks; /* [0] is main; NULL ends             */
    um_conf_module_pt module_open;   /* NULL: `module` is refused          */
    void *module_data;
    bool hermetic; /* no include, no name lookups: `text` and nothing else */
    bool quiet;    /* no notices to the log                                */
} um_conf_options_t;

/*
 * Read and check everything.  NULL: `err` (UM_CONF_ERR_MAX bytes) says where
 * and what; nothing was logged.  Options are borrowed, their tables lent
 * until um_conf_free().
 */
UM_MUSTCHECK um_conf_t *um_conf_load(const um_conf_options_t *o, char *err);
void um_conf_free(um_conf_t *cf);

/* The struct of a block; NULL when the configuration has no such block. */
void *um_conf_block(const um_conf_t *cf, const char *name);

/* Does any block give this machine a role? */
bool um_conf_has_role(const um_conf_t *cf);

/* Was the directive written (file, -g or environment), not defaulted? */
bool um_conf_is_set(
    const um_conf_t *cf, const char *block, const char *directive);

/* Modules in the order of their `module` lines. */
uint32_t um_conf_modules(const um_conf_t *cf, const um_module_t *const **list);

um_pool_t *um_conf_pool(const um_conf_t *cf);

/* All of it as a file that loads to the same configuration (-T). */
void um_conf_dump(const um_conf_t *cf, um_sbuf_t *out);

/*
 * What differs between two configurations and only counts after a restart:
 * one line each, "proxy: slowlog_len" or "redis", to `out`.  How many.
 */
uint32_t um_conf_restart_needed(
    const um_conf_t *now, const um_conf_t *next, um_sbuf_t *out);

/* The directives' part of undermoond.conf(5), in man macros. */
void um_conf_manual(const um_block_t *const *blocks, um_sbuf_t *out);

/* --- For setters and checks --- */

struct um_conf_cx_s {
    um_conf_t *cf;
    um_pool_t *pool;
    const char *const *arg; /* words after the name, NUL-terminated        */
    uint32_t argc;
    const char *about;  /* the word the phrase is about                    */
    const char *prefix; /* of relative paths; "" none                      */
    const char *file;   /* where the directive stands; "environment", "-g" */
    uint32_t line;
    bool from_env;    /* flags are true and false there                    */
    bool hermetic;    /* no name lookups                                   */
    bool trial;       /* only looks whether it is right; no notices        */
    char canon[128];  /* a scalar's one way of writing; "" as written      */
    char phrase[512]; /* um_conf_phrase()                                  */
};

/* Format a phrase; valid until the next one. */
const char *um_conf_phrase(um_conf_cx_t *cx, const char *fmt, ...)
    UM_PRINTF(2, 3);

/* Tell the operator something that is no error: FILE:LINE: text. */
void um_conf_notice(um_conf_cx_t *cx, const char *fmt, ...) UM_PRINTF(2, 3);

/* A variable by its full name; NULL when unset, empty or `env off;`. */
const char *um_conf_getenv(const um_conf_t *cf, const char *name);

/* The field at d->offset. */
#define um_conf_field(conf, d, type)                                           \
    ((type *) (void *) ((char *) (conf) + (d)->offset))

/*
 * Ready-made setters, by the field they fill and what `post` points to:
 *
 *   flag     on | off            bool
 *   u32 u64 i64  a number        of that type; um_bounds_t
 *   msec     10ms 3s 5m 1h 2d    uint64_t, milliseconds; um_bounds_t
 *   usec     as msec, and us     int64_t, microseconds, may be negative
 *   nsec     as usec, and ns     uint64_t, nanoseconds
 *   size     4096 64k 512m 2g    uint64_t, bytes; um_bounds_t
 *   str      a word              char *, copied; "" gives NULL
 *   enum     one of some words   int32_t; um_enum_t[]
 *   addr     host:port, unix:..  um_addr_t; "" leaves it empty
 *   addrs    one or more of them um_addr_t *, followed by uint32_t count;
 *                                appends
 *   cidrs    networks, addresses um_cidr_t *, followed by uint32_t count;
 *                                appends
 *   path     a file's name       char *, prefix applied; "" gives NULL
 *   login    a name, a password  char *, followed by char *; copied
 *   ignored  anything            nothing
 */
um_conf_set_fn um_set_flag;
um_conf_set_fn um_set_u32;
um_conf_set_fn um_set_u64;
um_conf_set_fn um_set_i64;
um_conf_set_fn um_set_msec;
um_conf_set_fn um_set_usec;
um_conf_set_fn um_set_nsec;
um_conf_set_fn um_set_size;
um_conf_set_fn um_set_str;
um_conf_set_fn um_set_enum;
um_conf_set_fn um_set_addr;
um_conf_set_fn um_set_addrs;
um_conf_set_fn um_set_cidrs;
um_conf_set_fn um_set_path;
um_conf_set_fn um_set_login;
um_conf_set_fn um_set_ignored;

/* For checks of a whole block: what is wrong with the ports of the addresses
 * of directive `what`; NULL: nothing. */
const char *um_conf_check_ports(
    um_conf_cx_t *cx, const char *what, const um_addr_t *list, uint32_t count);

#endif /* UM_CONF_H */
