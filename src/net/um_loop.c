/* SPDX-License-Identifier: Apache-2.0 */

#include "net/um_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"

/* A turn of very many callbacks ends after this time; looked at now and then,
 * for the first time when few could not have taken it. */
#define TURN_NS    5000000
#define TURN_CHECK 32

struct um_loop_s {
    struct event_base *base;
    uint64_t now; /* 0: not asked for in this turn */
    bool began;   /* this turn has run a callback  */
    uint32_t ran; /* how many, and when they began, to end a long turn */
    uint64_t began_ns;
    void (*on_turn)(void *data);
    void *data;
};

struct um_timer_s {
    um_loop_t *loop;
    struct event *ev;
    um_io_pt on_time;
    void *data;
};

um_loop_t *
um_loop_new(void)
{
    um_loop_t *loop = calloc(1, sizeof(*loop));
    struct event_config *cfg = event_config_new();

    if (loop == NULL || cfg == NULL) {
        goto fail;
    }

    /* One thread: libevent's locks would only cost. */
    if (event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) != 0) {
        goto fail;
    }

    loop->base = event_base_new_with_config(cfg);
    if (loop->base == NULL) {
        goto fail;
    }

    event_config_free(cfg);
    return loop;

fail:
    um_log_error(errno, "event loop: cannot be made");
    if (cfg != NULL) {
        event_config_free(cfg);
    }
    free(loop);
    return NULL;
}

void
um_loop_free(um_loop_t *loop)
{
    event_base_free(loop->base);
    free(loop);
}

struct event_base *
um_loop_base(um_loop_t *loop)
{
    return loop->base;
}

um_rc_t
um_loop_turn(um_loop_t *loop)
{
    loop->now = 0;
    loop->began = false;
    loop->ran = 0;
    loop->began_ns = 0;

    /* 1: no events are left to wait for, which cannot be in a server. */
    if (event_base_loop(loop->base, EVLOOP_ONCE) != 0) {
        um_log_error(errno, "event loop: broken");
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_loop_poll(um_loop_t *loop)
{
    if (event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK) < 0) {
        um_log_error(errno, "event loop: broken");
        return UM_ERR;
    }

    return UM_OK;
}

uint64_t
um_loop_now(um_loop_t *loop)
{
    if (loop->now == 0) {
        loop->now = um_clock_ns();
    }

    return loop->now;
}

uint64_t
um_loop_turn_began(const um_loop_t *loop)
{
    return loop->now;
}

void
um_loop_each_turn(um_loop_t *loop, void (*on_turn)(void *), void *data)
{
    loop->on_turn = on_turn;
    loop->data = data;
}

/* What is left of too many events at once (thousands of clients leave) is for
 * the turns behind this one, before anything newer. */
static void
loop_check_length(um_loop_t *loop)
{
    uint64_t now = um_clock_ns();

    if (loop->began_ns == 0) {
        loop->began_ns = now;
    } else if (now - loop->began_ns > TURN_NS) {
        (void) event_base_loopbreak(loop->base);
    }
}

static inline void
loop_begin(um_loop_t *loop)
{
    if (um_unlikely(++loop->ran % TURN_CHECK == 0)) {
        loop_check_length(loop);
    }
    if (um_unlikely(!loop->began)) {
        loop->began = true;
        if (loop->on_turn != NULL) {
            loop->on_turn(loop->data);
        }
    }
}

static void
io_on_event(evutil_socket_t fd, short what, void *data)
{
    um_io_t *io = data;

    (void) fd;
    loop_begin(io->loop);
    if (io->fd == -1) {
        return; /* what begins a turn has closed it */
    }

    /* Each event is for one direction, so one callback and no use after. */
    if (what & EV_READ) {
        io->on_readable(io->data);
    } else if (what & EV_WRITE) {
        io->on_writable(io->data);
    }
}

um_rc_t
um_io_open(um_io_t *io, um_loop_t *loop, int fd, um_io_pt on_readable,
    um_io_pt on_writable, void *data)
{
    *io = (um_io_t){
        .fd = fd,
        .loop = loop,
        .on_readable = on_readable,
        .on_writable = on_writable,
        .data = data,
    };

    io->read_ev =
        event_new(loop->base, fd, EV_READ | EV_PERSIST, io_on_event, io);
    if (io->read_ev == NULL) {
        io->fd = -1;
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_io_want_read(um_io_t *io, bool on)
{
    if (io->reading == on) {
        return UM_OK;
    }

    if ((on ? event_add(io->read_ev, NULL) : event_del(io->read_ev)) != 0) {
        um_log_error(errno, "event loop: descriptor %d refused", io->fd);
        return UM_ERR;
    }

    io->reading = on;
    return UM_OK;
}

um_rc_t
um_io_want_write(um_io_t *io, bool on)
{
    if (io->writing == on) {
        return UM_OK;
    }

    if (io->write_ev == NULL) {
        io->write_ev = event_new(
            io->loop->base, io->fd, EV_WRITE | EV_PERSIST, io_on_event, io);
        if (io->write_ev == NULL) {
            um_log_error(errno, "event loop: out of memory");
            return UM_ERR;
        }
    }

    if ((on ? event_add(io->write_ev, NULL) : event_del(io->write_ev)) != 0) {
        um_log_error(errno, "event loop: descriptor %d refused", io->fd);
        return UM_ERR;
    }

    io->writing = on;
    return UM_OK;
}

void
um_io_abandon(um_io_t *io)
{
    if (io->read_ev != NULL) {
        event_free(io->read_ev);
        io->read_ev = NULL;
    }
    if (io->write_ev != NULL) {
        event_free(io->write_ev);
        io->write_ev = NULL;
    }

    io->reading = io->writing = false;
}

void
um_io_wake(um_io_t *io)
{
    event_active(io->read_ev, EV_READ, 0);
}

void
um_io_close(um_io_t *io)
{
    if (io->fd == -1) {
        return;
    }

    um_io_abandon(io);
    (void) close(io->fd);
    io->fd = -1;
}

static void
timer_on_event(evutil_socket_t fd, short what, void *data)
{
    um_timer_t *t = data;

    (void) fd;
    (void) what;
    loop_begin(t->loop);
    t->on_time(t->data);
}

um_timer_t *
um_timer_new(um_loop_t *loop, um_io_pt on_time, void *data)
{
    um_timer_t *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }

    t->loop = loop;
    t->on_time = on_time;
    t->data = data;
    t->ev = event_new(loop->base, -1, 0, timer_on_event, t);
    if (t->ev == NULL) {
        free(t);
        return NULL;
    }

    return t;
}

void
um_timer_start(um_timer_t *t, uint64_t msec)
{
    struct timeval tv = {
        .tv_sec = (time_t) (msec / 1000),
        .tv_usec = (suseconds_t) (msec % 1000 * 1000),
    };

    /* Only a negative time or no memory for the heap can fail; the heap's
     * place of this timer was reserved by its first start. */
    if (evtimer_add(t->ev, &tv) != 0) {
        um_log_alert(errno, "event loop: timer refused");
    }
}

void
um_timer_stop(um_timer_t *t)
{
    (void) evtimer_del(t->ev);
}

void
um_timer_free(um_timer_t *t)
{
    if (t != NULL) {
        event_free(t->ev);
        free(t);
    }
}
