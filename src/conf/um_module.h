/*
 * um_module.h -- what a guest tells the house, and what the house lends it.
 *
 * A module is a shared object that exports one symbol, `um_module`.  It calls
 * the host only through um_host_api_t and links its own copy of what it needs
 * of core, conf and meta; the daemon exports nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MODULE_H
#define UM_MODULE_H

#include "conf/um_conf.h"
#include "core/um_log.h"

#define UM_MODULE_ABI 1 /* grows with every change that is not an addition */

typedef struct um_cycle_s um_cycle_t;
typedef struct um_worker_s um_worker_t;

/* Valid for the life of the process.  Fields are only ever added at the end. */
typedef struct {
    uint32_t abi;  /* UM_MODULE_ABI of the host             */
    uint32_t size; /* sizeof(um_host_api_t) of the host     */

    const char *version; /* of undermoond */

    /* As in core/um_log.h; `*log_level` first, as the macros do. */
    const um_log_level_t *log_level;
    void (*log_write)(um_log_level_t level, int err, const char *fmt, ...)
        UM_PRINTF(3, 4);

    /* The struct of any block of the cycle's configuration; NULL: none.
     * Only of one's own block is the layout known. */
    void *(*conf_block)(const um_cycle_t *cy, const char *name);

    /* The proxy's main listen address or, where none is, NULL. */
    const um_addr_t *(*proxy_address)(const um_cycle_t *cy);

    /* The read-only mapping of the noticeboard; NULL before it is there. */
    const void *(*noticeboard)(const um_cycle_t *cy, size_t *size);

    /* In a worker: its libevent base (struct event_base *). */
    void *(*worker_event_base)(um_worker_t *w);
    uint32_t (*worker_id)(const um_worker_t *w);

    /* In a process of a module, when its channel says so. */
    um_rc_t (*log_reopen)(void);
} um_host_api_t;

/* A listening, non-blocking socket; the process owns it. */
typedef struct {
    int fd;
    const um_addr_t *addr; /* as configured */
} um_proc_listen_t;

/* What a process of a module is given when it starts. */
typedef struct {
    uint32_t size; /* sizeof(um_proc_env_t) of the host */
    const um_host_api_t *api;
    const um_cycle_t *cycle;
    void *conf; /* the module's block; NULL when it is not configured */

    /*
     * Readable when the master has a word, one byte each: 't' stop now, 'q'
     * finish what you do and leave, 'o' open the log again: api->log_reopen().
     * End of file: the master is gone, leave.
     */
    int channel;

    /* The sockets of what its module's listen() names. */
    const um_proc_listen_t *listen;
    uint32_t listen_count;
} um_proc_env_t;

typedef struct {
    const char *name; /* in log lines and the process' title */

    /* The life of the process, after fork; returns its exit status. */
    int (*run)(const um_proc_env_t *env);
} um_proc_def_t;

/* All members but abi, sizes and name may be left out. */
struct um_module_s {
    uint32_t abi;            /* UM_MODULE_ABI                         */
    uint32_t size;           /* sizeof(um_module_t)                   */
    uint32_t directive_size; /* sizeof(um_directive_t)                */
    uint32_t api_size;       /* least sizeof(um_host_api_t) it needs  */
    const char *name;        /* its block in the configuration        */
    const char *doc;         /* one paragraph for the manual          */
    const um_directive_t *directives; /* ends with .name = NULL       */
    size_t conf_size;
    bool role; /* its block is a role of the machine              */
    bool env;  /* the reference's environment is read for this role */

    /* Once, when it is opened.  NULL or why it cannot live here. */
    const char *(*open)(const um_host_api_t *api);

    /* Is what its block says right?  As um_block_t.check. */
    const char *(*conf_check)(um_conf_cx_t *cx, void *conf);

    /* Master, each cycle, before the commit. */
    um_rc_t (*init_cycle)(um_cycle_t *cy, void *conf);

    /* Processes the master keeps alive for it; .name = NULL ends. */
    const um_proc_def_t *procs;

    /* In every worker, after fork and before it leaves. */
    um_rc_t (*init_worker)(um_worker_t *w, void *conf);
    void (*exit_worker)(um_worker_t *w, void *conf);

    /*
     * The i-th address its processes listen on; NULL: no more.  The master
     * opens them with a new configuration, as root where it is, and keeps
     * those that stay: while one process follows another, clients wait in the
     * queue of the socket instead of being refused.
     */
    const um_addr_t *(*listen)(const void *conf, uint32_t i);
};

#define UM_MODULE_HEAD                                                         \
    .abi = UM_MODULE_ABI, .size = sizeof(um_module_t),                         \
    .directive_size = sizeof(um_directive_t),                                  \
    .api_size = sizeof(um_host_api_t)

/*
 * The definition of a module's one symbol: const um_module_t UM_MODULE(name) =
 * { UM_MODULE_HEAD, ... };  Inside the daemon (--with-modules=static) each
 * needs a name of its own; UM_STATIC_MODULES(M) of config.h lists them.
 */
#ifdef UM_MODULES_STATIC
#define UM_MODULE(modname) um_module_##modname
#else
#define UM_MODULE(modname) um_module __attribute__((visibility("default")))
#endif

#endif /* UM_MODULE_H */
