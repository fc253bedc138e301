/*
 * model.c -- possible values of keys, and what a read tells about them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILL = 3 << 20 };

static char fill[FILL];
static uint64_t state = 88172645463325252u;

void
die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("wrong: ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    exit(1);
}

uint32_t
draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t) (state >> 20) % below;
}

void
draw_seed(uint64_t seed)
{
    state ^= seed * 0x9e3779b97f4a7c15u;
}

void
model_init(model_t *m, int id)
{
    memset(m, 0, sizeof(*m));
    m->id = id;
    for (int i = 0; i < KEYS; i++) {
        m->slot[i].count = 1;
    }

    if (fill[0] == 0) {
        for (size_t i = 0; i < FILL; i++) {
            fill[i] = (char) (1 + draw(255));
        }
    }
}

/* A string: who wrote it when, then bytes that depend on it. */
size_t
value_head(const model_t *m, int key, const value_t *v, char *head)
{
    return (size_t) sprintf(
        head, "%d.%d.%llu.", m->id, key, (unsigned long long) v->n);
}

const char *
value_fill(const value_t *v)
{
    return fill + v->n * 7919 % (FILL - 2 * (size_t) BIG);
}

static bool
value_is(const model_t *m, int key, const value_t *v, const char *s, long len)
{
    char text[64];
    size_t n;

    if (!v->present || len < 0) {
        return !v->present && len < 0;
    }
    if (key < COUNTERS) {
        n = (size_t) sprintf(text, "%llu", (unsigned long long) v->n);
        return (size_t) len == n && memcmp(s, text, n) == 0;
    }

    n = value_head(m, key, v, text);
    return (size_t) len == n + v->len && memcmp(s, text, n) == 0
           && memcmp(s + n, value_fill(v), v->len) == 0;
}

/* Learn from bytes that may be anything this key ever was. */
static value_t
value_learn(const model_t *m, int key, const char *s, long len)
{
    value_t v = { .present = len >= 0 };
    char text[64], again[64];
    unsigned long long n = 0;
    int id = m->id, k = key;

    if (!v.present) {
        return v;
    }

    snprintf(text, sizeof(text), "%.*s", (int) (len < 60 ? len : 60), s);
    if (key < COUNTERS) {
        n = strtoull(text, NULL, 10);
    } else if (sscanf(text, "%d.%d.%llu.", &id, &k, &n) != 3) {
        die("client %d key %d: a value nobody wrote: %s", m->id, key, text);
    }

    v.n = n;
    if (key >= COUNTERS) {
        v.len = (uint32_t) ((size_t) len - value_head(m, key, &v, again));
    }
    if (id != m->id || k != key || (key >= COUNTERS && n > m->serial)
        || !value_is(m, key, &v, s, len))
    {
        die("client %d key %d: another's value: %s", m->id, key, text);
    }

    return v;
}

void
slot_is(model_t *m, int key, value_t v)
{
    m->slot[key].count = 1;
    m->slot[key].is[0] = v;
}

void
slot_may_be(model_t *m, int key, value_t v)
{
    slot_t *s = &m->slot[key];

    if (s->count == 0) {
        return;
    }
    for (int i = 0; i < s->count; i++) {
        if (s->is[i].present == v.present
            && (!v.present || (s->is[i].n == v.n && s->is[i].len == v.len)))
        {
            return;
        }
    }

    if (s->count == POSSIBLE) {
        s->count = 0;
        return;
    }
    s->is[s->count++] = v;
}

void
slot_read(model_t *m, int key, const char *s, long len)
{
    const slot_t *slot = &m->slot[key];
    const value_t *v = slot->is;

    if (slot->count == 0) {
        slot_is(m, key, value_learn(m, key, s, len));
        return;
    }

    for (int i = 0; i < slot->count; i++) {
        if (value_is(m, key, &v[i], s, len)) {
            slot_is(m, key, v[i]);
            return;
        }
    }

    die("client %d key %d: read %ld bytes: %.*s, expected %s%llu + %u bytes, "
        "first of %d",
        m->id, key, len,
        (int) (len > 40  ? 40
               : len < 0 ? 0
                         : len),
        s, v->present ? "" : "nil, not ", (unsigned long long) v->n, v->len,
        slot->count);
}

void
slot_incr(model_t *m, int key, bool failed, uint64_t said)
{
    const slot_t *slot = &m->slot[key];
    int count = slot->count;
    bool lawful = count == 0;

    for (int i = 0; i < count; i++) {
        const value_t *v = &slot->is[i];
        uint64_t n = v->present ? v->n + 1 : 1;

        lawful |= n == said;
        if (failed) {
            slot_may_be(m, key, (value_t){ .present = true, .n = n });
        }
    }

    if (failed) {
        return;
    }
    if (!lawful) {
        die("client %d key %d: INCR says %llu, the value was %llu, first of %d",
            m->id, key, (unsigned long long) said,
            (unsigned long long) slot->is[0].n, count);
    }
    slot_is(m, key, (value_t){ .present = true, .n = said });
}

void
slots_present(
    const model_t *m, const uint8_t *key, int count, int *least, int *most)
{
    *least = *most = 0;
    for (int i = 0; i < count; i++) {
        const slot_t *s = &m->slot[key[i]];
        bool some = s->count == 0, all = s->count != 0;

        for (int j = 0; j < s->count; j++) {
            some |= s->is[j].present;
            all &= s->is[j].present;
        }
        *least += all;
        *most += some;
    }
}
