/*
 * um_loop.h -- the event loop of one process: descriptors, timers, turns.
 *
 * A turn is one wait for events and the callbacks of what it found.  All
 * callbacks run on the thread that calls um_loop_turn().  libevent is below;
 * no other room includes its headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LOOP_H
#define UM_LOOP_H

#include "core/um_base.h"

typedef struct um_loop_s um_loop_t;
typedef struct um_timer_s um_timer_t;
struct event;
struct event_base;

/* After fork(), never before.  NULL: logged. */
um_loop_t *um_loop_new(void);

/* All um_io_t and timers of the loop must be closed before. */
void um_loop_free(um_loop_t *loop);

/* For modules that bring events of their own. */
struct event_base *um_loop_base(um_loop_t *loop);

/* Wait for something to happen, at most until the nearest timer, and run its
 * callbacks.  UM_ERR: the loop is broken, logged. */
UM_MUSTCHECK um_rc_t um_loop_turn(um_loop_t *loop);

/*
 * Look once more, without waiting, within the same turn.  Not from a
 * callback.
 */
UM_MUSTCHECK um_rc_t um_loop_poll(um_loop_t *loop);

/* Run `on_turn` in every turn that has something to do, before the first
 * callback of it. */
void um_loop_each_turn(um_loop_t *loop, void (*on_turn)(void *), void *data);

/* um_clock_ns(), read at most once per turn. */
uint64_t um_loop_now(um_loop_t *loop);

/* The kernel's wait is over since: start of this turn's callbacks; 0 before
 * the first callback of a turn asked for the time. */
uint64_t um_loop_turn_began(const um_loop_t *loop);

/*
 * A descriptor watched for reading and, when asked, for writing.  The
 * callbacks may close it.
 */
typedef void (*um_io_pt)(void *data);

typedef struct {
    int fd; /* -1: closed */
    bool reading;
    bool writing;
    um_loop_t *loop;
    um_io_pt on_readable;
    um_io_pt on_writable;
    void *data;
    struct event *read_ev;
    struct event *write_ev; /* made when first wanted */
} um_io_t;

/* Watch `fd` (non-blocking, taken).  Nothing is wanted yet.  UM_ERR: out of
 * memory, `fd` is still the caller's. */
UM_MUSTCHECK um_rc_t um_io_open(um_io_t *io, um_loop_t *loop, int fd,
    um_io_pt on_readable, um_io_pt on_writable, void *data);

/* UM_ERR: the kernel refused (out of memory); logged. */
UM_MUSTCHECK um_rc_t um_io_want_read(um_io_t *io, bool on);
UM_MUSTCHECK um_rc_t um_io_want_write(um_io_t *io, bool on);

/* Run on_readable in the next turn, whatever the descriptor says. */
void um_io_wake(um_io_t *io);

/* Forget the descriptor and close it; harmless when closed already. */
void um_io_close(um_io_t *io);

/* Watch it no more, and leave it open: somebody else uses it. */
void um_io_abandon(um_io_t *io);

/* A timer that runs once per um_timer_start(). */
um_timer_t *um_timer_new(um_loop_t *loop, um_io_pt on_time, void *data);
void um_timer_start(um_timer_t *t, uint64_t msec);
void um_timer_stop(um_timer_t *t);
void um_timer_free(um_timer_t *t); /* NULL is fine */

#endif /* UM_LOOP_H */
