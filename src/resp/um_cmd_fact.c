/*
 * um_cmd_fact.c -- read what a Redis says about its commands.
 *
 * The reply comes from a Redis of the operator, but of any version and with
 * any module: nothing in it is believed to have its usual form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "resp/um_cmd_fact.h"

#include <string.h>

#include "core/um_str.h"
#include "resp/um_reply_scan.h"
#include "resp/um_value.h"

typedef struct {
    const char *name;
    uint32_t flag;
} flag_name_t;

static const flag_name_t fact_flags[] = {
    { "write", UM_CMD_WRITE },
    { "readonly", UM_CMD_READONLY },
    { "denyoom", UM_CMD_DENYOOM },
    { "admin", UM_CMD_ADMIN },
    { "pubsub", UM_CMD_PUBSUB },
    { "noscript", UM_CMD_NOSCRIPT },
    { "blocking", UM_CMD_BLOCKING },
    { "loading", UM_CMD_LOADING },
    { "stale", UM_CMD_STALE },
    { "fast", UM_CMD_FAST },
    { "no_auth", UM_CMD_NO_AUTH },
    { "may_replicate", UM_CMD_MAY_REPLICATE },
    { "movablekeys", UM_CMD_MOVABLEKEYS },
    { "no_multi", UM_CMD_NO_MULTI },
    { "allow_busy", UM_CMD_ALLOW_BUSY },
    { "no_mandatory_keys", UM_CMD_NO_MANDATORY_KEYS },
    { NULL, 0 },
};

static const flag_name_t fact_key_flags[] = {
    { "RO", UM_KEY_RO },
    { "RW", UM_KEY_RW },
    { "OW", UM_KEY_OW },
    { "RM", UM_KEY_RM },
    { "access", UM_KEY_ACCESS },
    { "update", UM_KEY_UPDATE },
    { "insert", UM_KEY_INSERT },
    { "delete", UM_KEY_DELETE },
    { "not_key", UM_KEY_NOT_KEY },
    { "incomplete", UM_KEY_INCOMPLETE },
    { "variable_flags", UM_KEY_VARIABLE_FLAGS },
    { NULL, 0 },
};

static bool
fact_number(um_cmd_reader_t *r, int64_t *out)
{
    um_value_t v;

    if (!um_value_next(r, &v) || v.type != ':') {
        return false;
    }

    *out = v.n;
    return true;
}

/* The header of an array: how many values follow. */
static bool
fact_array(um_cmd_reader_t *r, int64_t *count)
{
    um_value_t v;

    if (!um_value_next(r, &v) || v.type != '*') {
        return false;
    }

    *count = v.n;
    return true;
}

static bool
fact_text(um_cmd_reader_t *r, um_str_t *out)
{
    um_value_t v;

    if (!um_value_next(r, &v) || v.type != '$') {
        return false;
    }

    *out = v.s;
    return true;
}

/* Pass over one value, whatever it is. */
static bool
fact_skip(um_cmd_reader_t *r)
{
    um_reply_scan_t s = { .type = 0 };
    size_t used;

    if (um_reply_scan(&s, r->p, (size_t) (r->end - r->p), &used) != UM_OK) {
        return false;
    }

    r->p += used;
    return true;
}

static bool
fact_flag_set(um_cmd_reader_t *r, const flag_name_t *names, uint32_t *flags)
{
    int64_t count;
    um_str_t word;

    if (!fact_array(r, &count)) {
        return false;
    }

    for (*flags = 0; count > 0; count--) {
        if (!fact_text(r, &word)) {
            return false;
        }

        for (const flag_name_t *f = names; f->name != NULL; f++) {
            if (um_str_eq(word, um_str_of(f->name))) {
                *flags |= f->flag;
            }
        }
    }

    return true;
}

/* A number of a specification, in the small range they have. */
static bool
fact_small(um_cmd_reader_t *r, int16_t *out)
{
    int64_t n;

    if (!fact_number(r, &n) || n < -1000 || n > 1000) {
        return false;
    }

    *out = (int16_t) n;
    return true;
}

/* One field of a search and its value. */
static bool
fact_field(um_cmd_reader_t *r, um_key_spec_t *spec, char *kw)
{
    const struct {
        const char *name;
        int16_t *number;
    } fields[] = {
        { "index", &spec->index },
        { "startfrom", &spec->index },
        { "lastkey", &spec->a },
        { "keynumidx", &spec->a },
        { "keystep", &spec->b }, /* fact_spec() changes these two of keynum */
        { "firstkey", &spec->c },
        { "limit", &spec->c },
    };
    um_str_t word;

    if (!fact_text(r, &word)) {
        return false;
    }

    for (size_t i = 0; i < um_countof(fields); i++) {
        if (um_str_eq(word, um_str_of(fields[i].name))) {
            return fact_small(r, fields[i].number);
        }
    }

    if (!um_str_eq(word, um_lit("keyword"))) {
        return fact_skip(r);
    }

    if (!fact_text(r, &word) || word.len >= UM_CMD_FACT_KEYWORD) {
        return false;
    }

    if (word.len > 0) {
        memcpy(kw, word.data, word.len);
    }

    kw[word.len] = '\0';
    return true;
}

/* { type: index, spec: { index: 1 } } and its like. */
static bool
fact_search(um_cmd_reader_t *r, um_str_t *type, um_key_spec_t *spec, char *kw)
{
    int64_t pairs, fields;
    um_str_t word;

    if (!fact_array(r, &pairs)) {
        return false;
    }

    for (; pairs >= 2; pairs -= 2) {
        bool ok = fact_text(r, &word);

        if (ok && um_str_eq(word, um_lit("type"))) {
            ok = fact_text(r, type);
        } else if (ok && um_str_eq(word, um_lit("spec"))) {
            ok = fact_array(r, &fields);
            for (; ok && fields >= 2; fields -= 2) {
                ok = fact_field(r, spec, kw);
            }
        } else if (ok) {
            ok = fact_skip(r);
        }

        if (!ok) {
            return false;
        }
    }

    return true;
}

/* Do we understand it, and are its numbers ones to work with? */
static bool
fact_spec_sane(const um_key_spec_t *s, const char *kw)
{
    if ((s->begin == UM_KEY_BEGIN_INDEX && s->index > 0)
        || (s->begin == UM_KEY_BEGIN_KEYWORD && s->index != 0 && kw[0] != '\0'))
    {
        return s->find == UM_KEY_FIND_RANGE
                   ? s->b > 0 && s->c >= 0
                   : s->find == UM_KEY_FIND_KEYNUM && s->a >= 0 && s->b >= 0
                         && s->c > 0;
    }

    return false;
}

static bool
fact_spec(um_cmd_reader_t *r, um_key_spec_t *s, char *kw)
{
    um_str_t word, begin = { NULL, 0 }, find = { NULL, 0 };
    int64_t pairs;
    uint32_t flags = 0;

    if (!fact_array(r, &pairs)) {
        return false;
    }

    for (; pairs >= 2; pairs -= 2) {
        bool ok;

        if (!fact_text(r, &word)) {
            return false;
        }

        if (um_str_eq(word, um_lit("flags"))) {
            ok = fact_flag_set(r, fact_key_flags, &flags);
        } else if (um_str_eq(word, um_lit("begin_search"))) {
            ok = fact_search(r, &begin, s, kw);
        } else if (um_str_eq(word, um_lit("find_keys"))) {
            ok = fact_search(r, &find, s, kw);
        } else {
            ok = fact_skip(r);
        }

        if (!ok) {
            return false;
        }
    }

    if (um_str_eq(begin, um_lit("index"))) {
        s->begin = UM_KEY_BEGIN_INDEX;
    } else if (um_str_eq(begin, um_lit("keyword"))) {
        s->begin = UM_KEY_BEGIN_KEYWORD;
    }

    if (um_str_eq(find, um_lit("range"))) {
        s->find = UM_KEY_FIND_RANGE;
    } else if (um_str_eq(find, um_lit("keynum"))) {
        int16_t step = s->b;

        s->find = UM_KEY_FIND_KEYNUM;
        s->b = s->c;
        s->c = step;
    }

    s->flags = (uint16_t) flags;
    s->read = (flags & (UM_KEY_OW | UM_KEY_RM)) == 0;
    s->write = (flags & UM_KEY_RO) == 0;
    s->may_delete = s->write; /* who knows */
    s->not_key = (flags & UM_KEY_NOT_KEY) != 0;
    s->incomplete = (flags & UM_KEY_INCOMPLETE) != 0;
    return true;
}

static bool
fact_specs(um_cmd_reader_t *r, um_cmd_fact_t *fact)
{
    int64_t count;

    if (!fact_array(r, &count)) {
        return false;
    }

    fact->has_specs = true;

    for (; count > 0; count--) {
        uint8_t i = fact->spec_count;

        if (i == UM_CMD_FACT_SPECS) {
            fact->too_much = true;
            if (!fact_skip(r)) {
                return false;
            }

            continue;
        }

        if (!fact_spec(r, &fact->spec[i], fact->keyword[i])) {
            return false;
        }

        if (!fact_spec_sane(&fact->spec[i], fact->keyword[i])) {
            fact->too_much = true;
        }

        fact->spec_count++;
    }

    return true;
}

um_rc_t
um_cmd_fact_count(um_cmd_reader_t *r, uint64_t *count)
{
    int64_t n;

    if (!fact_array(r, &n)) {
        return UM_DECLINED;
    }

    *count = (uint64_t) n;
    return UM_OK;
}

/*
 * name, arity, flags, first, last, step; with Redis 6 ACL categories; with
 * Redis 7 tips, key specifications and subcommands.
 */
um_rc_t
um_cmd_fact_read(um_cmd_reader_t *r, um_cmd_fact_t *fact)
{
    int64_t fields;

    *fact = (um_cmd_fact_t){ .arity = 0 };

    if (!fact_array(r, &fields) || fields < 6 || !fact_text(r, &fact->name)
        || !fact_number(r, &fact->arity)
        || !fact_flag_set(r, fact_flags, &fact->flags)
        || !fact_number(r, &fact->first) || !fact_number(r, &fact->last)
        || !fact_number(r, &fact->step))
    {
        return UM_DECLINED;
    }

    for (int64_t i = 6; i < fields; i++) {
        if (i == 8 ? !fact_specs(r, fact) : !fact_skip(r)) {
            return UM_DECLINED;
        }
    }

    return UM_OK;
}
