/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_gen.h"

#include <stdio.h>
#include <string.h>

/*
 * How often, and what: a b c are keys, K is one at random, J another one, V a
 * new value, O one that may be there, D a number, T a time to live in ms,
 * F a field, N one of a number, M a member.
 */
static const struct {
    char class;
    uint8_t weight;
    const char *form;
} forms[] = {
    { 'r', 30, "GET a" },
    { 'r', 20, "SET a V" },
    { 'r', 16, "CAS a O V" },
    { 'r', 8, "GETSET a V" },
    { 'r', 8, "SET a V NX" },
    { 'r', 5, "GETDEL a" },
    { 'r', 4, "DEL a" },
    { 'r', 4, "EXISTS a" },

    { 'n', 25, "INCR a" },
    { 'n', 20, "INCRBY a D" },
    { 'n', 10, "DECR a" },
    { 'n', 25, "GET a" },
    { 'n', 3, "SET a D" },
    { 'n', 3, "DEL a" },

    { 'l', 20, "RPUSH K V" },
    { 'l', 4, "RPUSH K V V" },
    { 'l', 6, "LPUSH K V" },
    { 'l', 11, "LPOP K" },
    { 'l', 8, "RPOP K" },
    { 'l', 6, "LLEN K" },
    { 'l', 22, "LRANGE K 0 -1" },
    { 'l', 6, "RPOPLPUSH K J" },
    { 'l', 4, "LMOVE K J LEFT RIGHT" },
    { 'l', 2, "LMOVE K J RIGHT LEFT" },
    { 'l', 3, "BLPOP K 1" },
    { 'l', 3, "DEL K" },
    { 'l', 1, "DEL a b" },

    { 'h', 20, "HSET K F V" },
    { 'h', 5, "HSET K F V N D" },
    { 'h', 18, "HGET K F" },
    { 'h', 8, "HDEL K F" },
    { 'h', 16, "HINCRBY K N D" },
    { 'h', 18, "HGETALL K" },
    { 'h', 2, "DEL K" },

    { 's', 20, "SADD K M" },
    { 's', 6, "SADD K M V" },
    { 's', 12, "SREM K M" },
    { 's', 10, "SMOVE a b M" },
    { 's', 6, "SMOVE b a M" },
    { 's', 6, "SINTERSTORE c a b" },
    { 's', 8, "SISMEMBER K M" },
    { 's', 18, "SMEMBERS K" },
    { 's', 3, "DEL K" },

    { 'a', 30, "APPEND a V" },
    { 'a', 30, "GET a" },
    { 'a', 8, "STRLEN a" },
    { 'a', 3, "SET a V" },
    { 'a', 2, "GETDEL a" },
    { 'a', 2, "DEL a" },

    { 'm', 14, "MSET a V b V c V" },
    { 'm', 25, "MGET a b c" },
    { 'm', 8, "RENAME K J" },
    { 'm', 5, "COPY K J" },
    { 'm', 6, "COPY K J REPLACE" },
    { 'm', 4, "DEL K J" },
    { 'm', 3, "UNLINK K J" },
    { 'm', 12, "SET K V" },
    { 'm', 8, "GET K" },
    { 'm', 12, "SWAP K J" },
    { 'm', 5, "EXISTS a b c" },

    /* Mostly read, so that keys live to see their time. */
    { 'x', 14, "SET K V PX T" },
    { 'x', 6, "PEXPIRE K T" },
    { 'x', 3, "PERSIST K" },
    { 'x', 14, "PTTL K" },
    { 'x', 30, "GET K" },
    { 'x', 4, "SET K V" },
    { 'x', 10, "SET K V NX" },
    { 'x', 2, "GETDEL K" },
    { 'x', 2, "RENAME K J" },
    { 'x', 1, "DEL K" },
    { 'x', 14, "MGET a b" },
};

static const struct {
    char class;
    const char *form[3];
} reads[] = {
    { 'r', { "GET a" } },
    { 'n', { "GET a" } },
    { 'a', { "GET a" } },
    { 'l', { "LRANGE a 0 -1", "LRANGE b 0 -1" } },
    { 'h', { "HGETALL a", "HGETALL b" } },
    { 's', { "SMEMBERS a", "SMEMBERS b", "SMEMBERS c" } },
    { 'm', { "MGET a b c" } },
    { 'x', { "MGET a b" } },
};

#define count(a) (sizeof(a) / sizeof((a)[0]))

uint64_t
lin_random(lin_gen_t *g)
{
    g->seed += UINT64_C(0x9e3779b97f4a7c15);
    return lin_mix(g->seed);
}

static unsigned
below(lin_gen_t *g, unsigned n)
{
    return (unsigned) (lin_random(g) % n);
}

/* Of all kinds: soon, after a while, not in this test. */
static unsigned
time_to_live(lin_gen_t *g)
{
    static const struct {
        unsigned from, range;
    } kind[] = { { 20, 100 }, { 20, 100 }, { 300, 1200 }, { 300, 1200 },
        { 300, 1200 }, { 60000, 1000 } };
    unsigned k = below(g, count(kind));

    return kind[k].from + below(g, kind[k].range);
}

/* A word of a form; all others stand for themselves. */
static int
put_word(lin_gen_t *g, lin_str_t group, lin_str_t hint, lin_str_t word,
    unsigned *key, char *to, size_t size)
{
    unsigned keys = group.data[0] == 's' ? 3 : group.data[0] == 'm' ? 3 : 2;
    char c = word.len == 1 ? word.data[0] : ' ';

    switch (c) {
    case 'a':
    case 'b':
    case 'c':
    case 'K':
    case 'J':
        if (c == 'K') {
            *key = below(g, group.data[0] == 's' ? 2 : keys);
        } else if (c == 'J') {
            *key = (*key + 1 + below(g, keys - 1)) % keys;
        } else {
            *key = (unsigned) (c - 'a');
        }
        return snprintf(to, size, "{%.*s}%c", (int) group.len, group.data,
            'a' + (int) *key);
    case 'V':
        return snprintf(to, size, "v%u.%u", g->client, ++g->written);
    case 'O':
        if (hint.len == 0) {
            hint = lin_lit("none");
        }
        return snprintf(to, size, "%.*s", (int) hint.len, hint.data);
    case 'D':
        return snprintf(to, size, "%u", 2 + below(g, 100000));
    case 'T':
        return snprintf(to, size, "%u", time_to_live(g));
    case 'F':
        return snprintf(to, size, "f%u", below(g, 5));
    case 'N':
        return snprintf(to, size, "n%u", below(g, 2));
    case 'M':
        return snprintf(to, size, "m%u", below(g, 7));
    default:
        return snprintf(to, size, "%.*s", (int) word.len, word.data);
    }
}

static size_t
put_form(lin_gen_t *g, lin_str_t group, lin_str_t hint, const char *form,
    char *line, size_t size)
{
    unsigned key = 0;
    size_t n = 0;

    for (const char *s = form; *s != '\0' && n < size;) {
        lin_str_t word = { s, (uint32_t) strcspn(s, " ") };

        if (n > 0) {
            line[n++] = ' ';
        }
        n += (size_t) put_word(g, group, hint, word, &key, line + n, size - n);
        s += word.len;
        s += *s == ' ';
    }
    return n;
}

size_t
lin_gen(lin_gen_t *g, lin_str_t group, lin_str_t hint, char *line, size_t size)
{
    unsigned all = 0, at;

    for (size_t i = 0; i < count(forms); i++) {
        all += forms[i].class == group.data[0] ? forms[i].weight : 0;
    }
    at = below(g, all);
    for (size_t i = 0;; i++) {
        if (forms[i].class != group.data[0]) {
            continue;
        }
        if (at < forms[i].weight) {
            return put_form(g, group, hint, forms[i].form, line, size);
        }
        at -= forms[i].weight;
    }
}

size_t
lin_gen_read(lin_str_t group, unsigned k, char *line, size_t size)
{
    lin_gen_t g = { 0 };

    for (size_t i = 0; k < 3 && i < count(reads); i++) {
        if (reads[i].class == group.data[0] && reads[i].form[k] != NULL) {
            return put_form(
                &g, group, lin_lit(""), reads[i].form[k], line, size);
        }
    }
    return 0;
}
