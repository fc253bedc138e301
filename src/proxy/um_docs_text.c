/*
 * A node is asked in RESP2, which tells maps and sets as arrays; the names of
 * the fields say what they are in RESP3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_docs_text.h"

#include "core/um_str.h"
#include "proxy/um_command_text.h"
#include "resp/um_put.h"
#include "resp/um_value.h"

#define DOCS_DEPTH 24 /* arguments in arguments; Redis 7.2 has 10 */
#define DOCS_SUBS  64 /* of one command, as many as have a bit */

/* A reply that is written again, in another protocol. */
typedef struct {
    um_value_reader_t in;
    um_sbuf_t *out;
    int proto;
    int depth;
    const um_cmd_t *cmd; /* whose entry it is */
} docs_t;

/* ---- by the table ------------------------------------------------------- */

static size_t
own_listed_subs(const um_cmd_t *cmd)
{
    size_t n = 0;

    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        n += um_command_is_listed(&cmd->subs[i]);
    }

    return n;
}

static bool
own_has(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void
own_text(um_sbuf_t *o, const char *field, const char *text)
{
    if (own_has(text)) {
        um_put_bulkz(o, field);
        um_put_bulkz(o, text);
    }
}

/* name, { fields; those of its subcommands are the caller's. */
static void
own_fields(um_sbuf_t *o, const um_cmd_t *cmd, size_t more, int proto)
{
    um_put_bulkz(o, cmd->name);
    um_put_map(o,
        own_has(cmd->summary) + own_has(cmd->since) + own_has(cmd->group)
            + more,
        proto);
    own_text(o, "summary", cmd->summary);
    own_text(o, "since", cmd->since);
    own_text(o, "group", cmd->group);
}

/* Subcommands have none of their own. */
static void
own_put(um_sbuf_t *o, const um_cmd_t *cmd, int proto)
{
    size_t subs = own_listed_subs(cmd);

    own_fields(o, cmd, subs > 0, proto);
    if (subs == 0) {
        return;
    }

    um_put_bulkz(o, "subcommands");
    um_put_map(o, subs, proto);
    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        if (um_command_is_listed(&cmd->subs[i])) {
            own_fields(o, &cmd->subs[i], 0, proto);
        }
    }
}

void
um_docs_put(um_sbuf_t *o, const um_cmd_t *const *cmds, size_t count, int proto)
{
    um_put_map(o, count, proto);
    for (size_t i = 0; i < count; i++) {
        own_put(o, cmds[i], proto);
    }
}

/* ---- by what a node said ------------------------------------------------ */

static bool docs_fields(docs_t *d);

/* The next value as it is, whatever it is. */
static bool
docs_copy(docs_t *d)
{
    const char *from = d->in.p;
    um_value_t v;
    bool ok = true;

    if (d->depth >= DOCS_DEPTH || !um_value_next(&d->in, &v)) {
        return false;
    }

    um_sbuf_add(d->out, from, (size_t) (d->in.p - from));
    if (v.type == '*') {
        d->depth++;
        for (int64_t i = 0; i < v.n && ok; i++) {
            ok = docs_copy(d);
        }
        d->depth--;
    }

    return ok;
}

/* An array's header: how many values follow. */
static bool
docs_array(docs_t *d, int64_t *n)
{
    um_value_t v;

    if (!um_value_next(&d->in, &v) || v.type != '*') {
        return false;
    }

    *n = v.n;
    return true;
}

static bool
docs_text(docs_t *d, um_str_t *s)
{
    um_value_t v;

    if (!um_value_next(&d->in, &v) || v.type != '$') {
        return false;
    }

    *s = v.s;
    return true;
}

static bool
docs_set(docs_t *d)
{
    int64_t n;

    if (!docs_array(d, &n)) {
        return false;
    }

    um_put_set(d->out, (size_t) n, d->proto);
    for (int64_t i = 0; i < n; i++) {
        if (!docs_copy(d)) {
            return false;
        }
    }

    return true;
}

/* An array of maps, which may have such an array in them. */
static bool
docs_arguments(docs_t *d)
{
    int64_t n;

    if (!docs_array(d, &n)) {
        return false;
    }

    um_put_array(d->out, (size_t) n);
    for (int64_t i = 0; i < n; i++) {
        if (!docs_fields(d)) {
            return false;
        }
    }

    return true;
}

/* Which subcommand of ours it is; UINT32_MAX: none that is listed. */
static uint32_t
docs_sub(const docs_t *d, um_str_t name)
{
    for (uint32_t i = 0; i < d->cmd->sub_count; i++) {
        if (um_str_ieq(name, um_str_of(d->cmd->subs[i].name))
            && um_command_is_listed(&d->cmd->subs[i]))
        {
            return i;
        }
    }

    return UINT32_MAX;
}

/* Entries of subcommands, in `d->out`: those of the node, then those that it
 * has not and we have.  How many; -1: it is strange. */
static int64_t
docs_sub_entries(docs_t *d)
{
    um_sbuf_t *out = d->out, unwanted = { 0 };
    uint64_t seen = 0;
    int64_t n, count = 0;
    um_str_t name;

    if (!docs_array(d, &n) || n % 2 != 0) {
        return -1;
    }

    for (; n > 0; n -= 2) {
        bool ok = docs_text(d, &name);
        uint32_t sub = ok ? docs_sub(d, name) : UINT32_MAX;

        if (sub < DOCS_SUBS) {
            seen |= UINT64_C(1) << sub;
            count++;
            um_put_bulk(out, name);
        } else {
            d->out = &unwanted;
        }

        ok = ok && docs_fields(d);
        d->out = out;
        um_sbuf_deinit(&unwanted);
        if (!ok) {
            return -1;
        }
    }

    for (uint32_t i = 0; i < um_min(d->cmd->sub_count, DOCS_SUBS); i++) {
        const um_cmd_t *sub = &d->cmd->subs[i];

        if (!(seen >> i & 1) && um_command_is_listed(sub)) {
            count++;
            own_fields(out, sub, 0, d->proto);
        }
    }

    return count;
}

static bool
docs_subcommands(docs_t *d)
{
    um_sbuf_t *out = d->out, entries = { 0 };
    int64_t count;

    d->out = &entries;
    count = docs_sub_entries(d);
    d->out = out;

    if (count >= 0) {
        um_put_map(out, (size_t) count, d->proto);
        um_sbuf_add(out, entries.data, entries.len);
        out->failed |= entries.failed;
    }

    um_sbuf_deinit(&entries);
    return count >= 0;
}

static bool
docs_field(docs_t *d)
{
    static const struct {
        const char *name;
        bool (*put)(docs_t *d);
    } special[] = {
        { "doc_flags", docs_set },
        { "history", docs_set },
        { "flags", docs_set },
        { "arguments", docs_arguments },
        { "subcommands", docs_subcommands },
    };
    um_str_t name;

    if (!docs_text(d, &name)) {
        return false;
    }

    um_put_bulk(d->out, name);
    for (size_t i = 0; i < um_countof(special); i++) {
        if (um_str_eq(name, um_str_of(special[i].name))) {
            return special[i].put(d);
        }
    }

    return docs_copy(d);
}

/* { field: value, ... }, of a command or of an argument. */
static bool
docs_fields(docs_t *d)
{
    bool ok;
    int64_t n;

    if (d->depth >= DOCS_DEPTH || !docs_array(d, &n) || n % 2 != 0) {
        return false;
    }

    um_put_map(d->out, (size_t) n / 2, d->proto);
    d->depth++;
    for (ok = true; n > 0 && ok; n -= 2) {
        ok = docs_field(d);
    }
    d->depth--;

    return ok;
}

um_rc_t
um_docs_put_from(um_sbuf_t *o, const um_cmd_t *const *cmds, size_t count,
    um_str_t reply, int proto)
{
    docs_t d = {
        .in = { reply.data, reply.data + reply.len },
        .out = o,
        .proto = proto,
    };
    um_str_t name = { NULL, 0 }; /* of the next entry, if it was read */
    int64_t left;

    if (!docs_array(&d, &left) || left % 2 != 0) {
        return UM_DECLINED;
    }

    um_put_map(o, count, proto);

    for (size_t i = 0; i < count; i++) {
        if (name.data == NULL && left > 0) {
            left -= 2;
            if (!docs_text(&d, &name)) {
                return UM_DECLINED;
            }
        }

        if (name.data == NULL || !um_str_ieq(name, um_str_of(cmds[i]->name))) {
            own_put(o, cmds[i], proto);
            continue;
        }

        um_put_bulk(o, name);
        d.cmd = cmds[i];
        name.data = NULL;
        if (!docs_fields(&d)) {
            return UM_DECLINED;
        }
    }

    return name.data == NULL && left == 0 ? UM_OK : UM_DECLINED;
}
