/*
 * undermoon.c -- main().  The only file that knows every room of the house.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "master/um_master.h"
#include "master/um_modules.h"
#include "master/um_restart.h"
#include "mover/um_mover.h"
#include "os/um_pidfile.h"
#include "os/um_proc.h"
#include "os/um_signal.h"
#include "proxy/um_fds.h"
#include "proxy/um_cmd_stats.h"
#include "proxy/um_proxy_conf.h"
#include "proxy/um_worker.h"

#define DEFAULT_CONF UM_SYSCONFDIR "/undermoond/undermoond.conf"

/* What the command line says. */
typedef struct {
    const char *file;
    const char *directives;
    const char *prefix;
    const char *word; /* of -s; NULL: none */
    bool test;
    bool dump;
    bool version;
    bool build;
    bool help;
} options_t;

/* --- The data plane, for the master -------------------------------------- */

static const um_addr_t *
proxy_listen(const void *conf, uint32_t i, bool *control)
{
    const um_proxy_conf_t *proxy = conf;

    if (i >= proxy->listen_count) {
        return NULL;
    }

    *control = proxy->listen[i].control;
    return &proxy->listen[i].addr;
}

/* As many as are asked for, and room for some more by CONFIG SET. */
static uint32_t
proxy_slow_places(const void *conf)
{
    return um_max(((const um_proxy_conf_t *) conf)->slowlog_len, 1024u);
}

static void
proxy_furnish(um_shm_t *shm)
{
    um_cmd_stats_name(shm->times);
}

static void
proxy_publish(const void *conf, um_settings_sh_t *settings)
{
    const um_proxy_conf_t *proxy = conf;

    atomic_store(
        &settings->slowlog_log_slower_than, proxy->slowlog_log_slower_than);
    atomic_store(&settings->slowlog_sample_rate, proxy->slowlog_sample_rate);
    atomic_store(&settings->slowlog_len, proxy->slowlog_len);
}

static uint64_t
proxy_descriptors(const void *conf, uint32_t rows)
{
    return um_fds_wanted(conf, rows);
}

static um_rc_t
proxy_check_descriptors(const void *conf, uint32_t rows, uint64_t limit)
{
    return um_fds_check(conf, rows, limit);
}

static const char *
proxy_redis_password(const void *conf)
{
    return ((const um_proxy_conf_t *) conf)->backend_password;
}

static int
proxy_run_mover(int channel, um_shm_t *shm, int wake_fd, const int *bus_out,
    const void *conf)
{
    const um_proxy_conf_t *proxy = conf;
    const um_mover_heritage_t h = {
        .shm = shm,
        .master_fd = channel,
        .wake_fd = wake_fd,
        .bus_out = bus_out,
        .conf = {
            .user = proxy->backend_user,
            .password = proxy->backend_password,
            .node_timeout = proxy->node_timeout,
            .lease = proxy->lease,
        },
    };

    return um_mover_run(&h);
}

static const um_worker_def_t worker_def = {
    .block = "proxy",
    .run = um_worker_run,
    .run_mover = proxy_run_mover,
    .listen = proxy_listen,
    .slow_places = proxy_slow_places,
    .furnish = proxy_furnish,
    .publish = proxy_publish,
    .descriptors = proxy_descriptors,
    .check_descriptors = proxy_check_descriptors,
    .redis_password = proxy_redis_password,
};

static void *
worker_event_base(um_worker_t *w)
{
    return um_loop_base(w->loop);
}

static uint32_t
worker_id(const um_worker_t *w)
{
    return w->heritage->index;
}

#ifdef UM_MODULES_STATIC
#define EXTERN(name) extern const um_module_t UM_MODULE(name);
UM_STATIC_MODULES(EXTERN)
#define LISTED(name) &UM_MODULE(name),
#else
#define UM_STATIC_MODULES(M)
#endif

static const um_module_t *const builtin[] = { UM_STATIC_MODULES(LISTED) NULL };

static const um_modules_def_t modules_def = {
    .dir = UM_MODULEDIR,
    .builtin = builtin,
    .worker_event_base = worker_event_base,
    .worker_id = worker_id,
};

static const um_block_t *const blocks[] = {
    &um_main_block,
    &um_proxy_block,
    &um_redis_block,
    NULL,
};

/* --- The command line ---------------------------------------------------- */

static void
usage(FILE *out)
{
    const um_signal_t *s;

    fprintf(out,
        "usage: undermoond [-tTvVh] [-c FILE] [-g 'DIRECTIVES'] [-p PREFIX]"
        " [-s WORD]\n"
        "  -c FILE        configuration (default: %s)\n"
        "  -g DIRECTIVES  more of it, in place of what the file says\n"
        "  -p PREFIX      where relative paths start\n"
        "  -t             test the configuration and leave\n"
        "  -T             test it, print all of it and leave\n"
        "  -v, -V         version; and how it was built\n"
        "  -s WORD        tell the running master:\n",
        DEFAULT_CONF);

    for (s = um_signals; s->signo != 0; s++) {
        if (s->word != NULL) {
            fprintf(out, "       %-9s %s\n", s->word, s->doc);
        }
    }
}

/* False: said what is wrong. */
static bool
options_parse(options_t *o, int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "c:g:p:s:tTvVh")) != -1) {
        switch (c) {
        case 'c':
            o->file = optarg;
            break;

        case 'g':
            o->directives = optarg;
            break;

        case 'p':
            o->prefix = optarg;
            break;

        case 's':
            o->word = optarg;
            break;

        case 'T':
            o->dump = true;
            o->test = true;
            break;

        case 't':
            o->test = true;
            break;

        case 'V':
            o->build = true;
            o->version = true;
            break;

        case 'v':
            o->version = true;
            break;

        case 'h':
            o->help = true;
            break;

        default:
            usage(stderr);
            return false;
        }
    }

    if (optind < argc) {
        fprintf(stderr, "undermoond: what is \"%s\"?\n", argv[optind]);
        usage(stderr);
        return false;
    }

    return true;
}

static void
say_version(bool build)
{
    printf("undermoond %s\n", PACKAGE_VERSION);

    if (build) {
        printf("compiler       %s\n"
               "configuration  %s\n"
               "modules        %s\n",
            __VERSION__, DEFAULT_CONF, UM_MODULEDIR);
    }
}

/* The links of the reference's names choose the role. */
static const char *
role_of(const char *program)
{
    static const char *const roles[][2] = {
        { "server_proxy", "proxy" },
        { "mem_broker", "broker" },
        { "coordinator", "coordinator" },
    };
    const char *slash = strrchr(program, '/');
    const char *name = slash == NULL ? program : slash + 1;
    size_t i;

    for (i = 0; i < um_countof(roles); i++) {
        if (strcmp(name, roles[i][0]) == 0) {
            return roles[i][1];
        }
    }

    return NULL;
}

/* Such a program stays in the foreground and needs neither file nor pid file.
 */
static void
conf_of_role(um_conf_options_t *conf, const options_t *o)
{
    if (conf->role == NULL) {
        return;
    }

    if (o->file == NULL) {
        conf->file = NULL;
    }

    if (o->directives == NULL) {
        conf->directives =
            o->file == NULL ? "daemon off; pid \"\";" : "daemon off;";
    }
}

/* --- What it does instead of running ------------------------------------- */

/* Where a master runs with this pid file: what will a reload not do? */
static void
compare_with_master(const um_conf_options_t *conf, const um_cycle_t *cy)
{
    um_conf_t *now;
    pid_t pid;

    if (cy->main->pid == NULL || um_pidfile_owner(cy->main->pid, &pid) != UM_OK)
    {
        return;
    }

    now = um_restart_load(pid, conf);
    if (now != NULL) {
        um_restart_tell(now, cy->conf);
        um_conf_free(now);
    }
}

static int
conf_test(const um_conf_options_t *conf, bool dump)
{
    um_cycle_t *cy = um_cycle_load(conf, &worker_def);
    um_sbuf_t text = { 0 };

    if (cy == NULL) {
        return EXIT_FAILURE;
    }

    if (dump) {
        um_conf_dump(cy->conf, &text);
        fputs(um_sbuf_cstr(&text), stdout);
        um_sbuf_deinit(&text);
    }

    fprintf(stderr, "undermoond: the configuration is right\n");
    compare_with_master(conf, cy);
    um_cycle_free(cy);
    return EXIT_SUCCESS;
}

static int
tell_master(const um_conf_options_t *conf, const char *word)
{
    const um_signal_t *s = um_signal_of_word(word);
    int code = EXIT_FAILURE;
    um_cycle_t *cy;
    pid_t pid;

    if (s == NULL) {
        bool later =
            strcmp(word, "upgrade") == 0 || strcmp(word, "rollback") == 0;

        um_log_error(0, "-s %s: %s", word,
            later ? "this version cannot do it, start the new one by hand"
                  : "no such word, see undermoond -h");
        return EXIT_FAILURE;
    }

    cy = um_cycle_load(conf, &worker_def);
    if (cy == NULL) {
        return EXIT_FAILURE;
    }

    if (cy->main->pid == NULL) {
        um_log_error(0, "-s %s: the configuration has no pid file", word);
        goto done;
    }

    switch (um_pidfile_owner(cy->main->pid, &pid)) {
    case UM_OK:
        break;

    case UM_DECLINED:
        um_log_error(0, "-s %s: no undermoond runs, says pid file %s", word,
            cy->main->pid);
        goto done;

    default:
        goto done;
    }

    if (kill(pid, s->signo) == -1) {
        um_log_error(errno, "-s %s: kill(%d) failed", word, (int) pid);
        goto done;
    }

    code = EXIT_SUCCESS;

done:
    um_cycle_free(cy);
    return code;
}

static int
run(const um_conf_options_t *conf, const options_t *o)
{
    if (o->word != NULL) {
        return tell_master(conf, o->word);
    }

    if (o->test) {
        return conf_test(conf, o->dump);
    }

    return um_master_run(conf, &worker_def);
}

int
main(int argc, char **argv)
{
    options_t o = { 0 };
    um_conf_options_t conf;
    um_modules_t *modules;
    int code;

    um_proc_title_init(argc, argv);
    um_log_name("undermoond");

    if (!options_parse(&o, argc, argv)) {
        return EXIT_FAILURE;
    }

    if (o.help) {
        usage(stdout);
        return EXIT_SUCCESS;
    }

    if (o.version) {
        say_version(o.build);
        return EXIT_SUCCESS;
    }

    conf = (um_conf_options_t){
        .file = o.file == NULL ? DEFAULT_CONF : o.file,
        .directives = o.directives,
        .prefix = o.prefix,
        .role = role_of(argv[0]),
        .env = environ,
        .blocks = blocks,
        .quiet = o.word != NULL,
    };
    conf_of_role(&conf, &o);

    modules = um_modules_new(&modules_def);
    if (modules == NULL) {
        return EXIT_FAILURE;
    }

    conf.module_open = um_modules_open;
    conf.module_data = modules;
    code = run(&conf, &o);
    um_modules_free(modules);
    return code;
}
