/* SPDX-License-Identifier: Apache-2.0 */

#include "master/um_main_conf.h"

#include "core/um_pool.h"
#include "core/um_str.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAIN_WORKERS_MAX 256

static const um_bounds_t main_workers = { .min = 1, .max = MAIN_WORKERS_MAX };
static const um_bounds_t main_watchdog = { .min = 0, .max = 3600000 };
static const um_bounds_t main_nofile = { .min = 64, .max = 1 << 30 };

static uint32_t
main_cores(void)
{
    cpu_set_t set;
    long n;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        n = CPU_COUNT(&set);
    } else {
        n = sysconf(_SC_NPROCESSORS_ONLN);
    }

    return (uint32_t) um_max(1, um_min(n, MAIN_WORKERS_MAX));
}

static const char *
main_set_workers(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    if (strcmp(cx->arg[0], "auto") == 0) {
        *um_conf_field(conf, d, uint32_t) = main_cores();
        return NULL;
    }

    return um_set_u32(cx, d, conf);
}

static const char *
main_set_log(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    um_main_conf_t *main = conf;
    const char *sink = cx->arg[0];

    main->error_level = UM_LOG_NOTICE;
    if (cx->argc == 2
        && um_log_level_parse(um_str_of(cx->arg[1]), &main->error_level)
               != UM_OK)
    {
        cx->about = cx->arg[1];
        return "is none of alert, error, warn, notice, info, debug";
    }

    if (*sink == '\0') {
        return "is no sink";
    }

    return strcmp(sink, "stderr") == 0 || strcmp(sink, "syslog") == 0
               ? um_set_str(cx, d, conf)
               : um_set_path(cx, d, conf);
}

static const char *
main_set_user(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    um_main_conf_t *main = conf;

    main->group = NULL;
    if (cx->argc == 2) {
        main->group = um_pool_strdup(cx->pool, um_str_of(cx->arg[1]));
        if (main->group == NULL) {
            return "cannot be stored: out of memory";
        }
    }

    return um_set_str(cx, d, conf);
}

/* A level of the Rust programs' RUST_LOG; UM_DECLINED: none. */
static um_rc_t
main_rust_level(um_str_t word, um_log_level_t *level)
{
    static const struct {
        const char *name;
        um_log_level_t level;
    } levels[] = {
        { "off", UM_LOG_ALERT },
        { "error", UM_LOG_ERROR },
        { "warn", UM_LOG_WARN },
        { "info", UM_LOG_INFO },
        { "debug", UM_LOG_DEBUG },
        { "trace", UM_LOG_DEBUG },
    };

    for (size_t i = 0; i < um_countof(levels); i++) {
        if (um_str_ieq(word, um_str_of(levels[i].name))) {
            *level = levels[i].level;
            return UM_OK;
        }
    }

    return UM_DECLINED;
}

/* "info", "undermoon=debug", "warn,undermoon=info": the last that is ours. */
static void
main_rust_log(const char *text, um_log_level_t *level)
{
    while (*text != '\0') {
        um_str_t word = { text, strcspn(text, ",") };
        const char *eq = memchr(text, '=', word.len);
        um_str_t target = { text, eq != NULL ? (size_t) (eq - text) : 0 };

        text += word.len + (text[word.len] == ',');
        if (eq != NULL) {
            word.len -= target.len + 1;
            word.data = eq + 1;
        }

        if (target.len == 0 || um_str_eq(target, um_lit("undermoon"))
            || um_str_eq(target, um_lit("server_proxy")))
        {
            (void) main_rust_level(word, level); /* others are not for us */
        }
    }
}

static const char *
main_check(um_conf_cx_t *cx, void *conf)
{
    um_main_conf_t *main = conf;
    const char *rust = um_conf_getenv(cx->cf, "RUST_LOG");

    if (rust != NULL && !um_conf_is_set(cx->cf, "main", "error_log")) {
        main_rust_log(rust, &main->error_level);
    }

    return NULL;
}

static const um_directive_t main_directives[] = {
    {
        .name = "worker_processes",
        .args = "NUMBER | auto",
        .min = 1,
        .max = 1,
        .set = main_set_workers,
        .offset = offsetof(um_main_conf_t, worker_processes),
        .post = &main_workers,
        .dflt = "auto",
        .doc = "How many processes carry the clients' data. auto is one for "
               "each core this machine lends us.",
        .env = "THREAD_NUMBER",
        .env_role = "proxy",
    },
    {
        .name = "pid",
        .args = "FILE",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_path,
        .offset = offsetof(um_main_conf_t, pid),
        .dflt = "/run/undermoond/undermoond.pid",
        .doc = "Where the master writes its process id, once all workers "
               "listen. An empty word: nowhere.",
    },
    {
        .name = "error_log",
        .args = "stderr | syslog | FILE [LEVEL]",
        .min = 1,
        .max = 2,
        .set = main_set_log,
        .offset = offsetof(um_main_conf_t, error_log),
        .dflt = "stderr notice",
        .doc = "Where the log goes, and from which level on: alert, error, "
               "warn, notice, info or debug. Without this directive RUST_LOG "
               "in the environment may choose the level.",
    },
    {
        .name = "user",
        .args = "NAME [GROUP]",
        .min = 1,
        .max = 2,
        .flags = UM_DIR_RESTART,
        .set = main_set_user,
        .offset = offsetof(um_main_conf_t, user),
        .doc = "Who the workers run as when the master was started by root. "
               "Without it they stay who started them.",
    },
    {
        .name = "daemon",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_flag,
        .offset = offsetof(um_main_conf_t, daemon),
        .dflt = "off",
        .doc = "Go to the background once everything is ready.",
    },
    {
        .name = "worker_shutdown_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_main_conf_t, worker_shutdown_timeout),
        .dflt = "10m",
        .doc = "How long a worker that drains, after a reload or SIGQUIT, may "
               "keep its clients. 0: as long as they stay.",
    },
    {
        .name = "worker_watchdog",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(um_main_conf_t, worker_watchdog),
        .post = &main_watchdog,
        .dflt = "5s",
        .doc = "A worker whose loop has not turned for so long is killed and "
               "replaced. Time in which it waited for a processor does not "
               "count. 0: never.",
    },
    {
        .name = "worker_rlimit_nofile",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(um_main_conf_t, worker_rlimit_nofile),
        .post = &main_nofile,
        .doc = "Open files a process may have. Without it as many as its "
               "clients and private connections could need, or the limits "
               "allow. With less a worker serves fewer of them, which the log "
               "says at start and INFO clients later.",
    },
    {
        .name = "module",
        .args = "NAME | FILE",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_MULTI | UM_DIR_MODULE | UM_DIR_RESTART,
        .set = um_set_ignored,
        .doc = "Load a module. A name without a slash is looked for in the "
               "modules' directory. It has to stand before the block of the "
               "module.",
    },
    {
        .name = "env",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_ENV,
        .set = um_set_flag,
        .offset = offsetof(um_main_conf_t, env),
        .dflt = "on",
        .doc = "Whether variables of the environment may replace what the "
               "file says.",
    },
    {
        .name = "include",
        .args = "FILE | PATTERN",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_INCLUDE,
        .doc = "Read other files here, in any block. A relative name starts "
               "at the directory of the file that says so; a pattern that "
               "matches nothing is no error. At most 16 levels and 256 "
               "files.",
    },
    { .name = NULL },
};

const um_block_t um_main_block = {
    .name = "main",
    .directives = main_directives,
    .conf_size = sizeof(um_main_conf_t),
    .doc = "Outside of any block stands what concerns all processes.",
    .check = main_check,
};
