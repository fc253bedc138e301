/*
 * resp_door.c -- clients of the Redis protocol: few, and none of them trusted
 * with much memory or time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "resp_door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "resp/um_put.h"
#include "resp_cmd.h"

/* Bytes of a request, and of answers that nobody reads. */
#define DOOR_IN_MAX  65536
#define DOOR_OUT_MAX ((size_t) 8 << 20)
#define DOOR_READ    4096
#define DOOR_SWEEP   1000 /* ms */

static const um_scan_limits_t door_limits = {
    .max_args = 64,
    .max_bulk = DOOR_IN_MAX / 2,
    .max_inline = DOOR_IN_MAX / 2,
};

typedef struct {
    um_io_t io;
    struct door_s *door;
} listen_t;

struct door_s {
    coord_t *co;
    listen_t *listen;
    uint32_t listens;
    um_list_t clients;
    uint32_t count;
    uint64_t next_id;
    um_timer_t *sweep;
    um_args_t args;
};

static void
client_free(door_client_t *c)
{
    um_list_del(&c->link);
    c->door->count--;
    um_io_close(&c->io);
    um_sbuf_deinit(&c->in);
    um_sbuf_deinit(&c->out);
    free(c);
}

/* ---- Out ---------------------------------------------------------------- */

/* False: it is gone. */
static bool
client_write(door_client_t *c)
{
    while (c->written < c->out.len) {
        ssize_t n = send(c->io.fd, c->out.data + c->written,
            c->out.len - c->written, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n == -1 && errno != EAGAIN) {
            client_free(c);
            return false;
        }
        if (n == -1) {
            break;
        }
        c->written += (size_t) n;
    }

    if (c->written == c->out.len) {
        um_sbuf_clear(&c->out);
        c->written = 0;
        if (c->leaving) {
            client_free(c);
            return false;
        }
    }

    /* Who does not read is not read from either. */
    if (um_io_want_write(&c->io, c->out.len > 0) != UM_OK
        || um_io_want_read(&c->io, c->out.len == 0) != UM_OK)
    {
        client_free(c);
        return false;
    }

    return true;
}

/* ---- In ----------------------------------------------------------------- */

static void
client_drop_in(door_client_t *c, size_t used)
{
    memmove(c->in.data, c->in.data + used, c->in.len - used);
    c->in.len -= used;
}

/* All whole commands that have come. */
static void
client_execute(door_client_t *c)
{
    um_args_t *args = &c->door->args;
    const char *wrong = NULL;
    size_t used;

    while (!c->leaving && c->in.len > 0 && c->out.len < DOOR_OUT_MAX) {
        um_rc_t rc = um_scan_request(
            &c->scan, &door_limits, c->in.data, c->in.len, args, &used, &wrong);

        if (rc == UM_AGAIN) {
            return;
        }
        if (rc != UM_OK) {
            um_put_error(&c->out, "ERR %s", wrong);
            c->leaving = true;
            return;
        }

        if (args->argc > 0) {
            c->commands++;
            c->leaving = !resp_answer(c->door->co, args, &c->out);
        }
        client_drop_in(c, used);
    }
}

static void
client_on_readable(void *data)
{
    door_client_t *c = data;
    char buf[DOOR_READ];
    ssize_t n = recv(c->io.fd, buf, sizeof(buf), 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        client_free(c);
        return;
    }

    c->heard_ns = um_loop_now(c->door->co->loop);
    um_sbuf_add(&c->in, buf, (size_t) n);
    client_execute(c);
    if (!c->leaving && c->in.len > DOOR_IN_MAX) {
        um_put_error(&c->out, "ERR Protocol error: too big a request");
        c->leaving = true;
    }

    if (c->in.failed || c->out.failed) {
        client_free(c);
        return;
    }
    (void) client_write(c);
}

static void
client_on_writable(void *data)
{
    door_client_t *c = data;

    c->heard_ns = um_loop_now(c->door->co->loop);
    if (client_write(c) && c->out.len == 0) {
        client_execute(c); /* what it had sent meanwhile */
        if (c->out.failed) {
            client_free(c);
        } else {
            (void) client_write(c);
        }
    }
}

/* ---- At the door -------------------------------------------------------- */

static bool
door_lets_in(const struct door_s *d, const struct sockaddr *sa)
{
    const coord_conf_t *conf = d->co->conf;

    for (uint32_t i = 0; i < conf->allow_count; i++) {
        if (um_cidr_match(&conf->allow[i], sa)) {
            return true;
        }
    }

    return conf->allow_count == 0;
}

static void
door_add(struct door_s *d, int fd, const struct sockaddr *sa, socklen_t len)
{
    door_client_t *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        close(fd);
        return;
    }

    c->door = d;
    c->io.fd = -1;
    um_list_init(&c->link);
    um_list_add_tail(&d->clients, &c->link);
    d->count++;
    c->id = ++d->next_id;
    c->heard_ns = um_loop_now(d->co->loop);
    c->came_us = um_clock_wall_us();
    um_addr_format(sa, len, c->peer, sizeof(c->peer));
    if (um_io_open(
            &c->io, d->co->loop, fd, client_on_readable, client_on_writable, c)
        != UM_OK)
    {
        close(fd);
        client_free(c);
    } else if (um_io_want_read(&c->io, true) != UM_OK) {
        client_free(c);
    }
}

static void
door_on_knock(void *data)
{
    listen_t *l = data;
    struct door_s *d = l->door;
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    int fd = accept4(
        l->io.fd, (struct sockaddr *) &ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd == -1) {
        return;
    }

    if (d->count >= d->co->conf->max_clients) {
        static const char full[] = "-ERR max number of clients reached\r\n";

        (void) send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
        close(fd);
    } else if (!door_lets_in(d, (struct sockaddr *) &ss)) {
        static const char no[] = "-NOPERM this address is not allowed\r\n";

        (void) send(fd, no, sizeof(no) - 1, MSG_NOSIGNAL);
        close(fd);
    } else {
        door_add(d, fd, (struct sockaddr *) &ss, len);
    }
}

static void
door_on_sweep(void *data)
{
    struct door_s *d = data;
    uint64_t now = um_loop_now(d->co->loop);
    uint64_t idle = d->co->conf->session_timeout * NS_PER_MS;

    um_list_each_safe(l, &d->clients)
    {
        door_client_t *c = um_list_entry(l, door_client_t, link);

        if (now - c->heard_ns > idle) {
            client_free(c);
        }
    }
    um_timer_start(d->sweep, DOOR_SWEEP);
}

static um_rc_t
door_open(struct door_s *d)
{
    const um_proc_env_t *env = d->co->env;
    uint32_t count = um_min(d->co->conf->listen_count, env->listen_count);

    d->listen = calloc(count, sizeof(*d->listen));
    if (d->listen == NULL) {
        return UM_ERR;
    }

    for (uint32_t i = 0; i < count; i++) {
        listen_t *l = &d->listen[i];

        l->door = d;
        if (um_io_open(
                &l->io, d->co->loop, env->listen[i].fd, door_on_knock, NULL, l)
            != UM_OK)
        {
            return UM_ERR;
        }
        d->listens++;
        if (um_io_want_read(&l->io, true) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

um_rc_t
door_start(coord_t *co)
{
    struct door_s *d = calloc(1, sizeof(*d));

    if (d == NULL) {
        um_log_error(ENOMEM, "coordinator");
        return UM_ERR;
    }

    co->door = d;
    d->co = co;
    um_list_init(&d->clients);
    um_args_init(&d->args);
    d->sweep = um_timer_new(co->loop, door_on_sweep, d);
    if (d->sweep == NULL || door_open(d) != UM_OK) {
        um_log_error(ENOMEM, "coordinator");
        return UM_ERR;
    }

    um_timer_start(d->sweep, DOOR_SWEEP);
    return UM_OK;
}

void
door_stop(coord_t *co)
{
    struct door_s *d = co->door;

    if (d == NULL) {
        return;
    }

    um_list_each_safe(l, &d->clients)
    {
        client_free(um_list_entry(l, door_client_t, link));
    }
    for (uint32_t i = 0; i < d->listens; i++) {
        um_io_close(&d->listen[i].io);
    }
    um_timer_free(d->sweep);
    um_args_deinit(&d->args);
    free(d->listen);
    free(d);
    co->door = NULL;
}

const um_list_t *
door_clients(const coord_t *co)
{
    return &co->door->clients;
}
