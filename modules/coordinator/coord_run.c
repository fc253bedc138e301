/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "coord.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "net/um_resolve.h"
#include "state_file.h"

enum { WORD_LEAVE = 't', WORD_FINISH = 'q', WORD_REOPEN = 'o' };

#define NAME_THREADS 4

void
coord_target(
    um_sbuf_t *out, const char *prefix, const char *address, const char *end)
{
    um_sbuf_addz(out, prefix);
    um_sbuf_addz(out, address);
    um_sbuf_addz(out, end);
}

/* ---- What the master says ----------------------------------------------- */

/* Nothing is kept here, so there is nothing to finish. */
static void
coord_on_word(void *data)
{
    coord_t *co = data;
    char word;
    ssize_t n = recv(co->channel.fd, &word, 1, MSG_DONTWAIT);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || word == WORD_LEAVE || word == WORD_FINISH) {
        co->leaving = true;
        um_io_close(&co->channel);
    } else if (word == WORD_REOPEN && co->env->api->log_reopen() != UM_OK) {
        um_log_error(0, "the log cannot be opened again");
    }
}

static um_rc_t
coord_listen_to_master(coord_t *co)
{
    if (um_io_open(
            &co->channel, co->loop, co->env->channel, coord_on_word, NULL, co)
        != UM_OK)
    {
        um_log_error(ENOMEM, "coordinator");
        return UM_ERR;
    }

    return um_io_want_read(&co->channel, true);
}

/* ---- Which brokers ------------------------------------------------------ */

static void
coord_configured(const coord_t *co, um_sbuf_t *out)
{
    for (uint32_t i = 0; i < co->conf->broker_count; i++) {
        um_sbuf_addf(out, "%s%s", i > 0 ? "," : "", co->conf->broker[i].text);
    }
}

static void
coord_keep_brokers(coord_t *co)
{
    um_sbuf_t configured = { 0 }, now = { 0 }, text = { 0 };

    coord_configured(co, &configured);
    brokers_list(co->brokers, &now);
    state_format((um_str_t){ configured.data, configured.len },
        (um_str_t){ now.data, now.len }, &text);
    if (configured.failed || now.failed || text.failed
        || state_save(co->conf->state_file, (um_str_t){ text.data, text.len })
               != UM_OK)
    {
        um_log_warn(0, "these brokers are not known after a restart");
    }
    um_sbuf_deinit(&configured);
    um_sbuf_deinit(&now);
    um_sbuf_deinit(&text);
}

um_rc_t
coord_set_brokers(coord_t *co, const um_addr_t *list, uint32_t count)
{
    um_sbuf_t before = { 0 }, after = { 0 };
    bool same;

    brokers_list(co->brokers, &before);
    for (uint32_t i = 0; i < count; i++) {
        um_sbuf_addf(&after, "%s%s", i > 0 ? "," : "", list[i].text);
    }
    same = um_str_eq((um_str_t){ before.data, before.len },
        (um_str_t){ after.data, after.len });
    um_sbuf_deinit(&before);
    um_sbuf_deinit(&after);

    /* Operators say the same again and again. */
    if (same) {
        return UM_OK;
    }

    if (brokers_set(co->brokers, list, count) != UM_OK) {
        return UM_ERR;
    }
    if (co->conf->state_file != NULL) {
        coord_keep_brokers(co);
    }
    um_log_notice(0, "brokers are %s%s now", list[0].text,
        count > 1 ? " and others" : "");
    sync_now(co);
    return UM_OK;
}

/* What was set before a restart, if it still counts. */
static um_rc_t
coord_load_brokers(coord_t *co)
{
    um_sbuf_t file = { 0 }, configured = { 0 }, text = { 0 };
    um_addr_t list[COORD_BROKERS_MAX];
    const char *wrong = "is not one of ours";
    uint32_t count = 0;
    um_rc_t rc = state_load(co->conf->state_file, &file);

    coord_configured(co, &configured);
    if (rc == UM_OK) {
        rc = state_parse((um_str_t){ file.data, file.len },
            (um_str_t){ configured.data, configured.len }, &text);
        if (rc == UM_OK) {
            count = coord_conf_brokers(
                (um_str_t){ text.data, text.len }, list, &wrong);
        }
        if (rc == UM_ERR || (rc == UM_OK && count == 0)) {
            um_log_error(0, "state_file %s: %s; broker_address counts",
                co->conf->state_file, wrong);
        }
    }
    um_sbuf_deinit(&file);
    um_sbuf_deinit(&configured);
    um_sbuf_deinit(&text);

    if (count == 0) {
        return UM_OK;
    }

    um_log_notice(0, "brokers are those of state_file %s: %s%s",
        co->conf->state_file, list[0].text, count > 1 ? " and others" : "");
    return brokers_set(co->brokers, list, count);
}

/* ---- Its life ----------------------------------------------------------- */

/* A connection for each proxy, and another one while it is doubted. */
static void
coord_raise_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* Its address, unless told otherwise; in a path of the broker. */
static um_rc_t
coord_name(coord_t *co)
{
    char *name =
        strdup(co->conf->reporter_id != NULL ? co->conf->reporter_id
                                             : co->conf->listen[0].text);

    if (name == NULL) {
        um_log_error(ENOMEM, "coordinator");
        return UM_ERR;
    }

    for (char *p = name; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("/?#%\"\\", *p) != NULL) {
            *p = '_';
        }
    }
    co->reporter = name;
    return UM_OK;
}

static um_rc_t
coord_start(coord_t *co)
{
    coord_raise_descriptors();
    co->names = um_jobs_new(co->loop, NAME_THREADS);
    co->broker_names = um_jobs_new(co->loop, 1);
    if (co->names == NULL || co->broker_names == NULL
        || coord_name(co) != UM_OK) {
        return UM_ERR;
    }

    co->brokers = brokers_new(co->loop, co->broker_names, co->conf);
    if (co->brokers == NULL
        || (co->conf->state_file != NULL && coord_load_brokers(co) != UM_OK)
        || failover_start(co) != UM_OK || undo_start(co) != UM_OK
        || sync_start(co) != UM_OK || beat_start(co) != UM_OK
        || door_start(co) != UM_OK || status_start(co) != UM_OK
        || coord_listen_to_master(co) != UM_OK)
    {
        return UM_ERR;
    }

    um_log_notice(0, "reports as %s", co->reporter);
    return UM_OK;
}

static int
coord_live(coord_t *co)
{
    while (!co->leaving) {
        if (um_loop_turn(co->loop) != UM_OK) {
            return EXIT_FAILURE;
        }
    }

    return EXIT_SUCCESS;
}

static void
coord_end(coord_t *co)
{
    um_io_close(&co->channel);
    door_stop(co);
    status_stop(co);
    um_timer_free(co->tick);
    failover_stop(co);
    proxies_free(co);
    sync_stop(co);
    undo_stop(co);
    if (co->brokers != NULL) {
        brokers_free(co->brokers);
    }
    if (co->names != NULL) {
        um_jobs_free(co->names, free);
    }
    if (co->broker_names != NULL) {
        um_jobs_free(co->broker_names, um_resolve_drop);
    }
    um_loop_free(co->loop);
    free(co->reporter);
    free(co);
}

int
coord_run(const um_proc_env_t *env)
{
    coord_t *co = calloc(1, sizeof(*co));
    int code = EXIT_FAILURE;

    um_log_lend(*env->api->log_level, env->api->log_write);
    if (co == NULL) {
        um_log_error(ENOMEM, "coordinator");
        return EXIT_FAILURE;
    }

    co->env = env;
    co->conf = env->conf;
    co->channel.fd = -1;
    um_list_init(&co->views);
    co->loop = um_loop_new();
    if (co->loop == NULL) {
        free(co);
        return EXIT_FAILURE;
    }

    co->started_ns = um_loop_now(co->loop);
    if (coord_start(co) == UM_OK) {
        code = coord_live(co);
    }
    coord_end(co);
    return code;
}
