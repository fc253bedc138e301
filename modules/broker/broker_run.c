/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "broker.h"
#include "core/um_clock.h"
#include "core/um_log.h"

#define US_PER_S UINT64_C(1000000)

enum { WORD_LEAVE = 't', WORD_FINISH = 'q', WORD_REOPEN = 'o' };

/* Bytes of a request's head. */
#define BROKER_HEADER_MAX 16384

/* Of PUT metadata so many may come at once, should they be as large as they
 * may be. */
#define BROKER_WHOLES 2

/* Standard streams, the log, what it listens on, epoll, helper threads, the
 * file and its lock; asking proxies makes do with what is left. */
#define BROKER_OWN_FDS 40

const store_env_t *
broker_env(broker_t *b)
{
    b->settings.now = um_clock_wall_us() / US_PER_S;
    return &b->settings;
}

/* ---- What the master says ----------------------------------------------- */

static void
broker_on_done(void *data)
{
    broker_t *b = data;

    b->leaving = true;
}

static void
broker_on_word(void *data)
{
    broker_t *b = data;
    char word;
    ssize_t n = recv(b->channel.fd, &word, 1, MSG_DONTWAIT);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || word == WORD_LEAVE) {
        b->leaving = true;
        um_io_close(&b->channel);
    } else if (word == WORD_FINISH) {
        um_httpd_quit(b->httpd, broker_on_done, b);
    } else if (word == WORD_REOPEN && b->env->api->log_reopen() != UM_OK) {
        um_log_error(0, "the log cannot be opened again");
    }
}

/* ---- What it starts with ------------------------------------------------ */

static void
broker_settings(broker_t *b)
{
    const broker_conf_t *conf = b->conf;

    b->settings = (store_env_t){
        .failure_ttl = conf->failure_ttl / 1000,
        .failure_quorum = conf->failure_quorum,
        .migration_limit = conf->migration_limit,
        .config = {
            .compression = (store_compress_t) conf->compression,
            .max_migration_time = conf->max_migration_time,
            .max_blocking_time = conf->max_blocking_time,
            .scan_interval = conf->scan_interval,
            .scan_count = conf->scan_count,
        },
    };
}

static um_rc_t
broker_load(broker_t *b)
{
    const broker_conf_t *conf = b->conf;

    b->storage = conf->external != NULL ? &storage_http
                 : conf->file != NULL   ? &storage_file
                                        : &storage_memory;
    if (b->storage->open(b) != UM_OK) {
        return UM_ERR;
    }

    if (b->store == NULL) {
        b->store = store_new(conf->ordered);
    }
    if (b->store == NULL) {
        um_log_error(ENOMEM, "the store");
        return UM_ERR;
    }

    return UM_OK;
}

/* ---- Its life ----------------------------------------------------------- */

static um_rc_t
broker_serve(broker_t *b)
{
    const um_proc_env_t *env = b->env;
    const broker_conf_t *conf = b->conf;
    const um_httpd_limits_t limits = {
        .connections = conf->max_connections,
        .request_timeout = conf->request_timeout,
        .idle_timeout = conf->idle_timeout,
        .header_max = BROKER_HEADER_MAX,
        .bodies_max = BROKER_WHOLES * conf->metadata_limit,
        .own_fds = BROKER_OWN_FDS,
        .allow = conf->allow,
        .allow_count = conf->allow_count,
    };

    b->httpd = um_httpd_new(b->loop, b->routes, &limits, b);
    if (b->httpd == NULL) {
        return UM_ERR;
    }

    api_serve(b);
    for (uint32_t i = 0; i < env->listen_count; i++) {
        if (um_httpd_listen(
                b->httpd, env->listen[i].fd, env->listen[i].addr->text)
            != UM_OK)
        {
            return UM_ERR;
        }
    }

    if (um_io_open(&b->channel, b->loop, env->channel, broker_on_word, NULL, b)
        != UM_OK)
    {
        um_log_error(ENOMEM, "broker");
        return UM_ERR;
    }

    return um_io_want_read(&b->channel, true);
}

static um_rc_t
broker_start(broker_t *b)
{
    b->jobs = um_jobs_new(b->loop, 1);
    if (b->jobs == NULL || changes_init(b) != UM_OK || broker_load(b) != UM_OK
        || rounds_init(b) != UM_OK || scale_init(b) != UM_OK
        || replicas_init(b) != UM_OK || api_init(b) != UM_OK
        || broker_serve(b) != UM_OK)
    {
        return UM_ERR;
    }

    /* A replica gets what it lacks from its master, unless it is ahead. */
    if (b->notes & FILE_OLDER && !b->replica && epoch_begin(b) != UM_OK) {
        return UM_ERR;
    }

    if (b->ready) {
        storage_tell(b);
    } else {
        changes_hold(b, true); /* what the broker itself wants to do */
    }
    return UM_OK;
}

/* A save under way is always finished: whoever asked is answered then. */
static int
broker_live(broker_t *b)
{
    while (!b->leaving || b->stage == CHANGES_KEEPING) {
        if (um_loop_turn(b->loop) != UM_OK) {
            return EXIT_FAILURE;
        }
    }

    return EXIT_SUCCESS;
}

static void
broker_drop(void *data UM_UNUSED)
{
    /* A save: all it uses is the broker's. */
}

static void
broker_end(broker_t *b)
{
    replicas_deinit(b);
    scale_deinit(b);
    rounds_deinit(b);
    epoch_deinit(b);
    if (b->jobs != NULL) {
        um_jobs_free(b->jobs, broker_drop);
    }
    changes_deinit(b);
    if (b->httpd != NULL) {
        um_httpd_free(b->httpd);
    }
    um_io_close(&b->channel);
    api_deinit(b);
    views_deinit(&b->views);
    store_free(b->store);
    if (b->storage != NULL) {
        b->storage->close(b);
    }
    um_sbuf_deinit(&b->where);
    um_loop_free(b->loop);
    free(b);
}

int
broker_run(const um_proc_env_t *env)
{
    broker_t *b = calloc(1, sizeof(*b));
    int code = EXIT_FAILURE;

    um_log_lend(*env->api->log_level, env->api->log_write);
    if (b == NULL) {
        um_log_error(ENOMEM, "broker");
        return EXIT_FAILURE;
    }

    b->env = env;
    b->conf = env->conf;
    b->channel.fd = -1;
    b->file.lock = -1;
    b->version = 1;
    um_list_init(&b->waiting);
    um_list_init(&b->flight);
    um_list_init(&b->rounds);
    broker_settings(b);
    views_init(&b->views, b->conf->view_memory);

    b->loop = um_loop_new();
    if (b->loop != NULL) {
        if (broker_start(b) == UM_OK) {
            code = broker_live(b);
        }
        broker_end(b);
    } else {
        free(b);
    }

    return code;
}
