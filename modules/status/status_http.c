/* SPDX-License-Identifier: Apache-2.0 */

#include "status_http.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "http/um_httpd.h"
#include "status_conf.h"
#include "status_json.h"
#include "status_prom.h"

#define NS_PER_MS UINT64_C(1000000)

#define JSON_TYPE "application/json"

enum { WORD_LEAVE = 't', WORD_FINISH = 'q', WORD_REOPEN = 'o' };

/* Bytes of a request's head that are enough for any scraper. */
#define STATUS_HEADER_MAX 16384

/* Standard streams, the log, what it listens on, epoll, the noticeboard. */
#define STATUS_OWN_FDS 32

typedef struct {
    const um_proc_env_t *env;
    um_loop_t *loop;
    um_httpd_t *httpd;
    um_io_t channel;
    status_view_t view;
    um_topo_t *spare; /* filled while view.topo stays whole */
    const char *roles[8];
    bool leaving;
} status_t;

/* ---- Answers ------------------------------------------------------------ */

/* The topology is copied only when there is a newer one. */
static void
status_refresh_topology(status_t *st)
{
    um_topo_t *old = st->view.topo;

    if (um_topo_refresh(st->view.shm.topo, st->spare, &st->view.gen) == UM_OK
        && um_topo_check(st->spare))
    {
        st->view.topo = st->spare;
        st->spare = old;
    }
}

static const status_view_t *
status_look(status_t *st)
{
    st->view.now_ns = um_clock_ns();
    st->view.wall_us = um_clock_wall_us();
    st->view.master = (int) getppid();
    status_refresh_topology(st);
    status_view_copy(&st->view);
    return &st->view;
}

static void
on_status(um_http_req_t *r, void *data)
{
    um_sbuf_t body = { 0 };

    status_json(status_look(data), &body);
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, JSON_TYPE, &body);
}

static void
on_metrics(um_http_req_t *r, void *data)
{
    bool open = status_prom_is_open(um_http_header(r, "Accept"));
    um_sbuf_t body = { 0 };

    status_prom(status_look(data), open, &body);
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, 200, open ? STATUS_OPEN_TYPE : STATUS_PROM_TYPE, &body);
}

static void
answer_verdict(um_http_req_t *r, const char *const *reasons)
{
    um_sbuf_t body = { 0 };

    status_json_verdict(reasons, &body);
    um_http_set(r, "Cache-Control", "no-store");
    um_http_reply(r, *reasons == NULL ? 200 : 503, JSON_TYPE, &body);
}

static void
on_healthz(um_http_req_t *r, void *data)
{
    status_verdict_t verdict;

    status_judge(status_look(data), &verdict);
    answer_verdict(r, verdict.unhealthy);
}

static void
on_readyz(um_http_req_t *r, void *data)
{
    status_verdict_t verdict;

    status_judge(status_look(data), &verdict);
    answer_verdict(r, verdict.unready);
}

static void
on_index(um_http_req_t *r, void *data)
{
    const status_t *st = data;
    um_sbuf_t body = { 0 };

    um_sbuf_addf(&body,
        "<!DOCTYPE html>\n"
        "<html lang=\"en\"><head><title>undermoond</title></head><body>\n"
        "<h1>undermoond %s</h1>\n"
        "<ul>\n"
        "<li><a href=\"/status\">/status</a> everything, as JSON</li>\n"
        "<li><a href=\"/metrics\">/metrics</a> for Prometheus</li>\n"
        "<li><a href=\"/healthz\">/healthz</a> 200 while it lives</li>\n"
        "<li><a href=\"/readyz\">/readyz</a> 200 while it can serve</li>\n"
        "</ul>\n"
        "</body></html>\n",
        st->view.version);
    um_http_reply(r, 200, "text/html; charset=utf-8", &body);
}

static const um_http_route_t status_routes[] = {
    { "/", UM_HTTP_GET, 0, on_index },
    { "/status", UM_HTTP_GET, 0, on_status },
    { "/metrics", UM_HTTP_GET, 0, on_metrics },
    { "/healthz", UM_HTTP_GET, 0, on_healthz },
    { "/readyz", UM_HTTP_GET, 0, on_readyz },
    { NULL, 0, 0, NULL },
};

/* ---- The process -------------------------------------------------------- */

static void
status_on_done(void *data)
{
    status_t *st = data;

    st->leaving = true;
}

static void
status_on_word(void *data)
{
    status_t *st = data;
    char word;
    ssize_t n = recv(st->channel.fd, &word, 1, MSG_DONTWAIT);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || word == WORD_LEAVE) {
        st->leaving = true;
    } else if (word == WORD_FINISH) {
        um_httpd_quit(st->httpd, status_on_done, st);
    } else if (word == WORD_REOPEN && st->env->api->log_reopen() != UM_OK) {
        um_log_error(0, "the log cannot be opened again");
    }
}

/* Blocks that give a machine its roles. */
static void
status_find_roles(status_t *st)
{
    static const char *const blocks[] = { "proxy", "redis", "broker",
        "coordinator", "status" };
    const um_proc_env_t *env = st->env;
    size_t n = 0;

    for (size_t i = 0; i < um_countof(blocks); i++) {
        if (env->api->conf_block(env->cycle, blocks[i]) != NULL) {
            st->roles[n++] = blocks[i];
        }
    }

    st->view.roles = st->roles;
    st->view.proxy = env->api->conf_block(env->cycle, "proxy") != NULL;
}

static um_rc_t
status_open_view(status_t *st)
{
    const um_proc_env_t *env = st->env;
    const status_conf_t *conf = env->conf;
    size_t size;
    const void *board = env->api->noticeboard(env->cycle, &size);
    const char *wrong = board == NULL ? "is not there"
                                      : um_shm_view(&st->view.shm, board, size);

    if (wrong != NULL) {
        um_log_error(0, "the noticeboard %s", wrong);
        return UM_ERR;
    }

    st->view.topo = calloc(1, sizeof(*st->view.topo));
    st->spare = calloc(1, sizeof(*st->spare));
    if (st->view.topo == NULL || st->spare == NULL) {
        um_log_error(ENOMEM, "topology");
        return UM_ERR;
    }

    um_topo_clear(st->view.topo);
    st->view.version = env->api->version;
    st->view.per_worker = conf->per_worker;
    st->view.turn_limit_ns = conf->turn_limit * NS_PER_MS;
    st->view.cost = um_proc_cost_add;
    status_find_roles(st);
    return status_view_init(&st->view);
}

static um_rc_t
status_serve(status_t *st)
{
    const um_proc_env_t *env = st->env;
    const status_conf_t *conf = env->conf;
    const um_httpd_limits_t limits = {
        .connections = conf->max_connections,
        .request_timeout = conf->request_timeout,
        .idle_timeout = conf->idle_timeout,
        .header_max = STATUS_HEADER_MAX,
        .own_fds = STATUS_OWN_FDS,
        .allow = conf->allow,
        .allow_count = conf->allow_count,
    };

    st->httpd = um_httpd_new(st->loop, status_routes, &limits, st);
    if (st->httpd == NULL) {
        return UM_ERR;
    }

    for (uint32_t i = 0; i < env->listen_count; i++) {
        if (um_httpd_listen(
                st->httpd, env->listen[i].fd, env->listen[i].addr->text)
            != UM_OK)
        {
            return UM_ERR;
        }
    }

    if (um_io_open(
            &st->channel, st->loop, env->channel, status_on_word, NULL, st)
        != UM_OK)
    {
        um_log_error(ENOMEM, "status");
        return UM_ERR;
    }

    return um_io_want_read(&st->channel, true);
}

int
status_run(const um_proc_env_t *env)
{
    status_t st = { .env = env, .channel.fd = -1 };
    int code = EXIT_FAILURE;

    um_log_lend(*env->api->log_level, env->api->log_write);

    st.loop = um_loop_new();
    if (st.loop == NULL) {
        return EXIT_FAILURE;
    }

    if (status_open_view(&st) != UM_OK || status_serve(&st) != UM_OK) {
        goto done;
    }

    um_log_info(0, "serves");
    while (!st.leaving) {
        if (um_loop_turn(st.loop) != UM_OK) {
            goto done;
        }
    }
    code = EXIT_SUCCESS;

done:
    if (st.httpd != NULL) {
        um_httpd_free(st.httpd);
    }
    um_io_close(&st.channel);
    um_loop_free(st.loop);
    status_view_deinit(&st.view);
    free(st.view.topo);
    free(st.spare);
    return code;
}
