/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_health.h"

#include <string.h>

#include "core/um_str.h"

/* Cut the next piece off, up to the byte. */
static um_str_t
cut(um_str_t *rest, char at)
{
    const char *end = memchr(rest->data, at, rest->len);
    um_str_t piece = { rest->data,
        end != NULL ? (size_t) (end - rest->data) : rest->len };
    size_t used = um_min(piece.len + 1, rest->len);

    rest->data += used;
    rest->len -= used;
    return piece;
}

/* "a=1,b=2": what `name` is; "" when it is not there. */
static um_str_t
field(um_str_t fields, const char *name)
{
    while (fields.len > 0) {
        um_str_t value = cut(&fields, ',');
        um_str_t key = cut(&value, '=');

        if (um_str_eq(key, um_str_of(name))) {
            return value;
        }
    }

    return um_lit("");
}

static bool
field_u64(um_str_t fields, const char *name, uint64_t *out)
{
    return um_str_to_u64(field(fields, name), out) == UM_OK;
}

static const char *
field_text(um_pool_t *p, um_str_t fields, const char *name)
{
    um_str_t value = field(fields, name);

    return value.len > 0 ? um_ctl_strdup(p, value) : "";
}

/* "addr=...,role=..."; false: it has no such fields. */
static bool
parse_seat(um_ctl_seat_t *s, um_str_t fields, um_pool_t *p)
{
    uint64_t link = 0;

    s->node = field_text(p, fields, "addr");
    s->role = field_text(p, fields, "role");
    s->state = field_text(p, fields, "state");
    s->fault = field_text(p, fields, "fault");
    if (field(fields, "lost").len > 0 && !field_u64(fields, "lost", &s->lost)) {
        return false;
    }

    if (!field_u64(fields, "link", &link) || !field_u64(fields, "lag", &s->lag))
    {
        return false;
    }

    s->link = link != 0;
    return *s->node != '\0' && *s->role != '\0' && *s->state != '\0';
}

/* Does the key count a node: "node0"? */
static bool
is_node(um_str_t key)
{
    uint64_t n;

    return key.len > 4 && memcmp(key.data, "node", 4) == 0
           && um_str_to_u64((um_str_t){ key.data + 4, key.len - 4 }, &n)
                  == UM_OK;
}

static size_t
count_lines(um_str_t text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        n += text.data[i] == '\n';
    }
    return n;
}

typedef struct {
    um_ctl_health_t h;
    bool epoch;
    bool well; /* said in_sync */
} parse_t;

static bool
parse_line(parse_t *at, um_str_t key, um_str_t value, um_pool_t *p)
{
    um_ctl_health_t *h = &at->h;
    uint64_t n;

    if (um_str_eq(key, um_lit("epoch"))) {
        at->epoch = true;
        return um_str_to_u64(value, &h->epoch) == UM_OK;
    }
    if (um_str_eq(key, um_lit("repl_epoch"))) {
        return um_str_to_u64(value, &h->repl_epoch) == UM_OK;
    }
    if (um_str_eq(key, um_lit("cluster"))) {
        h->cluster = um_ctl_strdup(p, value);
    } else if (um_str_eq(key, um_lit("fault"))) {
        h->fault = um_ctl_strdup(p, value);
    } else if (um_str_eq(key, um_lit("in_sync"))) {
        at->well = um_str_to_u64(value, &n) == UM_OK;
        h->in_sync = at->well && n == 1;
    } else if (um_str_eq(key, um_lit("migration_protocol"))) {
        return um_str_to_u64(value, &h->protocol) == UM_OK;
    } else if (is_node(key)) {
        return parse_seat(&h->seat[h->seats++], value, p);
    }
    return true;
}

bool
um_ctl_health_parse(um_ctl_health_t *h, um_str_t text, um_pool_t *p)
{
    parse_t at = { .h = { .detailed = true, .cluster = "", .fault = "none" } };

    at.h.seat = um_ctl_array(p, count_lines(text), sizeof(*at.h.seat));
    while (text.len > 0) {
        um_str_t line = cut(&text, '\n');
        um_str_t key;

        if (line.len > 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        key = cut(&line, ':');
        if (!parse_line(&at, key, line, p)) {
            return false;
        }
    }

    if (!at.epoch || !at.well) {
        return false;
    }
    *h = at.h;
    return true;
}

const um_ctl_seat_t *
um_ctl_health_of(const um_ctl_health_t *h, const char *node)
{
    for (size_t i = 0; i < h->seats; i++) {
        if (strcmp(h->seat[i].node, node) == 0) {
            return &h->seat[i];
        }
    }

    return NULL;
}

const char *
um_ctl_fault_words(const char *fault)
{
    static const struct {
        const char *fault;
        const char *words;
    } known[] = {
        { "down", "its Redis does not run" },
        { "hung", "its Redis does not answer" },
        { "lost", "its Redis has lost data that a replica still has" },
        { "fenced", "another node has taken its slots over" },
        { "unsynced", "it was to become master before it had all data" },
    };

    for (size_t i = 0; i < um_countof(known); i++) {
        if (strcmp(fault, known[i].fault) == 0) {
            return known[i].words;
        }
    }

    return strcmp(fault, "none") == 0 || *fault == '\0' ? NULL : fault;
}
