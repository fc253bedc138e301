/* SPDX-License-Identifier: Apache-2.0 */

#include "storage_wire.h"

#include <string.h>

#include "core/um_str.h"

typedef struct {
    const char *at;
    const char *end;
} cursor_t;

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_blank(cursor_t *c)
{
    while (c->at < c->end && is_blank(*c->at)) {
        c->at++;
    }
}

/* False: it is another, or the end. */
static bool
skip_char(cursor_t *c, char want)
{
    skip_blank(c);
    if (c->at == c->end || *c->at != want) {
        return false;
    }

    c->at++;
    return true;
}

/* A string, with its quotes.  False: it does not end, or is none. */
static bool
skip_string(cursor_t *c, um_str_t *out)
{
    const char *begin;

    skip_blank(c);
    begin = c->at;
    if (!skip_char(c, '"')) {
        return false;
    }

    for (; c->at < c->end && *c->at != '"'; c->at++) {
        if ((unsigned char) *c->at < 0x20) {
            return false;
        }
        if (*c->at == '\\' && ++c->at == c->end) {
            return false;
        }
    }

    *out = (um_str_t){ begin, (size_t) (c->at - begin) + 1 };
    return skip_char(c, '"');
}

/* Objects and arrays are left by as many ends as they have begins; what is
 * between is for whoever reads it. */
static bool
skip_nested(cursor_t *c)
{
    size_t depth = 0;
    um_str_t text;

    do {
        skip_blank(c);
        if (c->at == c->end) {
            return false;
        }
        if (*c->at == '"') {
            if (!skip_string(c, &text)) {
                return false;
            }
            continue;
        }
        depth += *c->at == '{' || *c->at == '[';
        depth -= *c->at == '}' || *c->at == ']';
        c->at++;
    } while (depth > 0);

    return true;
}

static bool
skip_value(cursor_t *c, um_str_t *out)
{
    const char *begin;

    skip_blank(c);
    begin = c->at;
    if (c->at == c->end) {
        return false;
    }

    if (*c->at == '"') {
        return skip_string(c, out);
    }

    if (*c->at == '{' || *c->at == '[') {
        if (!skip_nested(c)) {
            return false;
        }
    } else {
        while (c->at < c->end && !is_blank(*c->at)
               && memchr(",:]}", *c->at, 4) == NULL) {
            c->at++;
        }
    }

    *out = (um_str_t){ begin, (size_t) (c->at - begin) };
    return out->len > 0;
}

static const char *
take_member(wire_t *w, um_str_t name, um_str_t value, bool seen[2])
{
    bool is_store = um_str_eq(name, um_lit("\"store\""));
    um_str_t *field = is_store ? &w->store : &w->version;

    if (!is_store && !um_str_eq(name, um_lit("\"version\""))) {
        return NULL;
    }
    if (seen[is_store]) {
        return "has a member twice";
    }

    seen[is_store] = true;
    if (um_str_eq(value, um_lit("null"))) {
        return NULL;
    }
    if (!is_store && value.data[0] != '"') {
        return "has a version that is no string";
    }
    if (!is_store && value.len > WIRE_VERSION_MAX) {
        return "has a version that is too long";
    }

    *field = value;
    return NULL;
}

const char *
wire_read(um_str_t text, wire_t *w)
{
    cursor_t c = { text.data, text.data + text.len };
    bool seen[2] = { false, false };
    bool more;

    *w = (wire_t){ .store = { NULL, 0 } };
    if (!skip_char(&c, '{')) {
        return "is no JSON object";
    }

    skip_blank(&c);
    more = c.at < c.end && *c.at != '}';
    while (more) {
        um_str_t name, value;
        const char *wrong;

        if (!skip_string(&c, &name) || !skip_char(&c, ':')
            || !skip_value(&c, &value)) {
            return "is broken JSON";
        }

        wrong = take_member(w, name, value, seen);
        if (wrong != NULL) {
            return wrong;
        }
        more = skip_char(&c, ',');
    }

    if (!skip_char(&c, '}')) {
        return "is broken JSON";
    }

    skip_blank(&c);
    return c.at == c.end ? NULL : "has something behind its end";
}

void
wire_write(um_str_t store, um_str_t version, um_sbuf_t *out)
{
    um_sbuf_addz(out, "{\"store\":");
    um_sbuf_add_str(out, store);
    um_sbuf_addz(out, ",\"version\":");
    um_sbuf_add_str(out, version.len > 0 ? version : um_lit("null"));
    um_sbuf_addz(out, "}");
}

void
wire_path(um_str_t name, um_sbuf_t *out)
{
    um_sbuf_addz(out, "/api/v1/store/");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char) name.data[i];

        if ((um_char_lower((char) c) >= 'a' && um_char_lower((char) c) <= 'z')
            || (c >= '0' && c <= '9')
            || (c != '\0' && strchr("-._~!$&'()*+,;=:@", c) != NULL))
        {
            um_sbuf_add(out, &c, 1);
        } else {
            um_sbuf_addf(out, "%%%02X", c);
        }
    }
}
