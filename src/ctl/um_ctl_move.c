/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_move.h"

#include <inttypes.h>
#include <string.h>

#include "core/um_str.h"

/* ---- Taking apart ------------------------------------------------------- */

#define MOVE(name) offsetof(um_ctl_move_t, name)

static const struct {
    const char *name;
    bool text;
    size_t offset;
} move_fields[] = {
    { "step:", true, MOVE(step) },
    { "keys:", false, MOVE(keys) },
    { "bytes:", false, MOVE(bytes) },
    { "dirty:", false, MOVE(dirty) },
    { "per_mille:", false, MOVE(per_mille) },
    { "keys_second:", false, MOVE(keys_second) },
    { "held_us:", false, MOVE(held_us) },
    { "attempts:", false, MOVE(attempts) },
    { "big:", false, MOVE(big) },
    { "why:", true, MOVE(why) },
};

static um_str_t
word_next(um_str_t *rest)
{
    um_str_t word;
    size_t used;

    while (rest->len > 0 && rest->data[0] == ' ') {
        rest->data++;
        rest->len--;
    }

    word = *rest;
    for (used = 0; used < rest->len && rest->data[used] != ' '; used++) {
    }
    word.len = used;
    rest->data += used;
    rest->len -= used;
    return word;
}

/* "key:"; a word of a state or a reason may be one with a colon in it. */
static bool
word_is_key(um_str_t word)
{
    for (size_t i = 0; i + 1 < word.len; i++) {
        if (word.data[i] != '_' && (word.data[i] < 'a' || word.data[i] > 'z')) {
            return false;
        }
    }

    return word.len > 1 && word.data[word.len - 1] == ':';
}

/* What stands before the next key; of a reason, before the next known one. */
static um_str_t
value_next(um_str_t *rest, bool known_only)
{
    um_str_t value = { rest->data, 0 };

    while (rest->len > 0) {
        um_str_t before = *rest;
        um_str_t word = word_next(rest);
        bool ends = word_is_key(word) && !known_only;

        for (size_t i = 0; known_only && i < um_countof(move_fields); i++) {
            ends = ends || um_str_eq(word, um_str_of(move_fields[i].name));
        }
        if (ends) {
            *rest = before;
            break;
        }
        if (word.len > 0) {
            value.len = (size_t) (word.data + word.len - value.data);
        }
    }

    while (value.len > 0 && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }
    return value;
}

static void
move_set(um_ctl_move_t *m, um_str_t key, um_str_t value, um_pool_t *p)
{
    for (size_t i = 0; i < um_countof(move_fields); i++) {
        void *at = (char *) m + move_fields[i].offset;
        uint64_t n;

        if (!um_str_eq(key, um_str_of(move_fields[i].name))) {
            continue;
        }
        if (!move_fields[i].text) {
            *(uint64_t *) at = um_str_to_u64(value, &n) == UM_OK ? n : 0;
        } else if (value.len > 0 && !um_str_eq(value, um_lit("-"))) {
            *(const char **) at = um_ctl_strdup(p, value);
        }
    }
}

void
um_ctl_move_parse(um_ctl_move_t *m, um_str_t words, um_pool_t *p)
{
    um_str_t state = value_next(&words, false);

    m->state = state.len > 0 ? um_ctl_strdup(p, state) : NULL;
    while (words.len > 0) {
        um_str_t key = word_next(&words);

        if (key.len > 0) {
            move_set(
                m, key, value_next(&words, um_str_eq(key, um_lit("why:"))), p);
        }
    }
}

/* ---- What follows from it ----------------------------------------------- */

static bool
step_is_of(const um_ctl_move_t *m, const char *const *steps)
{
    while (*steps != NULL && strcmp(*steps, m->step) != 0) {
        steps++;
    }
    return *steps != NULL;
}

uint64_t
um_ctl_move_done(const um_ctl_move_t *m)
{
    static const char *const copied[] = { "CATCHUP", "FREEZE", "FLIP", NULL };
    static const char *const over[] = { "SWEEP", "OVER", NULL };

    if (m->step == NULL || m->undoing) {
        return 0;
    }
    if (step_is_of(m, over)) {
        return 1000;
    }

    /* What is written while it is copied has to be copied yet. */
    return step_is_of(m, copied)          ? 990
           : strcmp(m->step, "COPY") == 0 ? um_min(m->per_mille, 1000u) * 9 / 10
                                          : 0;
}

bool
um_ctl_move_holds(const um_ctl_move_t *m)
{
    static const char *const held[] = { "NEW", "FREEZE", "FLIP", NULL };

    return m->step != NULL && step_is_of(m, held);
}

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Attempts are none: it may try again for ever. */
bool
um_ctl_move_went_on(const um_ctl_move_t *was, const um_ctl_move_t *is)
{
    if (is->deaf != NULL) {
        return false; /* what it counts is not known */
    }
    return was->keys != is->keys || was->bytes != is->bytes
           || was->per_mille != is->per_mille
           || um_ctl_move_done(was) < um_ctl_move_done(is)
           || (is->step == NULL && !same_text(was->state, is->state))
           || was->undoing != is->undoing || was->undone[0] != is->undone[0]
           || was->undone[1] != is->undone[1];
}

bool
um_ctl_move_same(const um_ctl_task_t *a, const um_ctl_task_t *b)
{
    return a->epoch == b->epoch && strcmp(a->src_node, b->src_node) == 0
           && strcmp(a->dst_node, b->dst_node) == 0
           && um_ctl_slots_count(&a->slots) == um_ctl_slots_count(&b->slots)
           && a->slots.n > 0 && b->slots.n > 0
           && a->slots.range[0].from == b->slots.range[0].from;
}

const char *
um_ctl_move_state(const um_ctl_move_t *m)
{
    return m->undoing ? "is taken back" : m->step != NULL ? m->step : m->state;
}

/* ---- In words ----------------------------------------------------------- */

#define BAR_WIDTH 20

void
um_ctl_put_bar(um_sbuf_t *out, uint64_t per_mille)
{
    um_sbuf_addz(out, "[");
    for (uint64_t i = 1; i <= BAR_WIDTH; i++) {
        um_sbuf_addz(out, per_mille >= i * 1000 / BAR_WIDTH ? "#" : "-");
    }
    um_sbuf_addz(out, "]");
}

void
um_ctl_put_count(um_sbuf_t *out, uint64_t n)
{
    char digits[20];
    size_t len = um_u64_format(n, digits);

    for (size_t i = 0; i < len; i++) {
        um_sbuf_addz(out, i > 0 && (len - i) % 3 == 0 ? "," : "");
        um_sbuf_add(out, digits + i, 1);
    }
}

void
um_ctl_put_bytes(um_sbuf_t *out, uint64_t bytes)
{
    static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
    uint64_t unit = 1000;
    size_t i = 0;

    if (bytes < 1000) {
        um_sbuf_addf(out, "%" PRIu64 " B", bytes);
        return;
    }
    while (i + 1 < um_countof(units) && bytes / unit >= 1000) {
        unit *= 1000;
        i++;
    }
    um_sbuf_addf(out, "%" PRIu64 ".%" PRIu64 " %s", bytes / unit,
        bytes % unit / (unit / 10), units[i]);
}

void
um_ctl_put_copied(um_sbuf_t *out, uint64_t keys, uint64_t bytes, uint64_t rate)
{
    um_ctl_put_count(out, keys);
    um_sbuf_addz(out, " keys, ");
    um_ctl_put_bytes(out, bytes);
    um_sbuf_addz(out, ", ");
    um_ctl_put_count(out, rate);
    um_sbuf_addz(out, " keys/s");
}

void
um_ctl_put_seconds(um_sbuf_t *out, uint64_t seconds)
{
    if (seconds < 60) {
        um_sbuf_addf(out, "%" PRIu64 " s", seconds);
    } else if (seconds < 3600) {
        um_sbuf_addf(
            out, "%" PRIu64 " m %" PRIu64 " s", seconds / 60, seconds % 60);
    } else {
        um_sbuf_addf(out, "%" PRIu64 " h %" PRIu64 " m", seconds / 3600,
            seconds / 60 % 60);
    }
}

void
um_ctl_put_move(um_sbuf_t *out, const um_ctl_move_t *m)
{
    const char *state = um_ctl_move_state(m);

    um_ctl_slots_put(out, &m->task.slots, 2);
    um_sbuf_addf(out, " %s -> %s", m->task.src_node, m->task.dst_node);
    if (state != NULL) {
        um_sbuf_addf(out, " %s", state);
    }
    if (m->step != NULL && !m->undoing) {
        um_sbuf_addf(out, " %" PRIu64 " %%, ", um_ctl_move_done(m) / 10);
        um_ctl_put_copied(out, m->keys, m->bytes, m->keys_second);
    }
    if (m->deaf != NULL) {
        um_sbuf_addf(
            out, ": %s does not answer: %s", m->task.src_proxy, m->deaf);
    } else if (m->why != NULL) {
        um_sbuf_addf(out, ": %s", m->why);
    }
}
