/*
 * model.h -- what a Redis must answer to a client whose keys nobody else
 * touches.  A key may have several possible values: after a command that was
 * answered with an error.  Whatever contradicts the model ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEYS = 24, /* of a client; the first half are counters */
    COUNTERS = 12,
    POSSIBLE = 64, /* values a key may have; more: anything */
    BIG = 1100000,
};

typedef struct {
    bool present;
    uint64_t n;   /* a counter's value; a string's number */
    uint32_t len; /* of a string, without its head */
} value_t;

typedef struct {
    value_t is[POSSIBLE];
    int count; /* 0: anything */
} slot_t;

typedef struct {
    int id;
    uint64_t serial; /* of the latest string written */
    slot_t slot[KEYS];
} model_t;

/* Say what is wrong and leave. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Pseudo-random, below `below`. */
uint32_t draw(uint32_t below);
void draw_seed(uint64_t seed);

/* Nothing is there; fills the bytes that strings are made of, once. */
void model_init(model_t *m, int id);

/* The bytes of a string: its head into `head` (64 bytes), and where the
 * v->len bytes behind it are. */
size_t value_head(const model_t *m, int key, const value_t *v, char *head);
const char *value_fill(const value_t *v);

/* The key surely is, or may also be, `v`. */
void slot_is(model_t *m, int key, value_t v);
void slot_may_be(model_t *m, int key, value_t v);

/* A read said `len` bytes at `s`, -1 for nil. */
void slot_read(model_t *m, int key, const char *s, long len);

/* INCR said `said`, or failed. */
void slot_incr(model_t *m, int key, bool failed, uint64_t said);

/* How many of `count` keys are there: at least, at most. */
void slots_present(
    const model_t *m, const uint8_t *key, int count, int *least, int *most);

#endif /* MODEL_H */
