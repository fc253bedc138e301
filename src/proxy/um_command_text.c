/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_command_text.h"

#include "resp/um_put.h"

typedef struct {
    uint32_t bit;
    const char *name;
} flag_name_t;

/* Both in the order in which Redis tells them. */
static const flag_name_t cmd_flags[] = {
    { UM_CMD_WRITE, "write" },
    { UM_CMD_READONLY, "readonly" },
    { UM_CMD_DENYOOM, "denyoom" },
    { UM_CMD_ADMIN, "admin" },
    { UM_CMD_PUBSUB, "pubsub" },
    { UM_CMD_NOSCRIPT, "noscript" },
    { UM_CMD_BLOCKING, "blocking" },
    { UM_CMD_LOADING, "loading" },
    { UM_CMD_STALE, "stale" },
    { UM_CMD_SKIP_MONITOR, "skip_monitor" },
    { UM_CMD_SKIP_SLOWLOG, "skip_slowlog" },
    { UM_CMD_ASKING, "asking" },
    { UM_CMD_FAST, "fast" },
    { UM_CMD_NO_AUTH, "no_auth" },
    { UM_CMD_MAY_REPLICATE, "may_replicate" },
    { UM_CMD_NO_MANDATORY_KEYS, "no_mandatory_keys" },
    { UM_CMD_NO_ASYNC_LOADING, "no_async_loading" },
    { UM_CMD_NO_MULTI, "no_multi" },
    { UM_CMD_MOVABLEKEYS, "movablekeys" },
    { UM_CMD_ALLOW_BUSY, "allow_busy" },
};

static const flag_name_t key_flags[] = {
    { UM_KEY_RO, "RO" },
    { UM_KEY_RW, "RW" },
    { UM_KEY_OW, "OW" },
    { UM_KEY_RM, "RM" },
    { UM_KEY_ACCESS, "access" },
    { UM_KEY_UPDATE, "update" },
    { UM_KEY_INSERT, "insert" },
    { UM_KEY_DELETE, "delete" },
    { UM_KEY_NOT_KEY, "not_key" },
    { UM_KEY_INCOMPLETE, "incomplete" },
    { UM_KEY_VARIABLE_FLAGS, "variable_flags" },
};

static bool
command_is_done(const um_cmd_t *cmd)
{
    switch (cmd->how) {
    case UM_HOW_FORWARD:
    case UM_HOW_KEYLESS:
    case UM_HOW_SPLIT:
        return true;

    case UM_HOW_SELF:
        return cmd->self != UM_SELF_UMCTL && cmd->self != UM_SELF_UMFORWARD
               && cmd->self != UM_SELF_UMSYNC;

    default:
        return false;
    }
}

static size_t
command_listed_subs(const um_cmd_t *cmd)
{
    size_t n = 0;

    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        n += command_is_done(&cmd->subs[i]);
    }

    return n;
}

bool
um_command_is_listed(const um_cmd_t *cmd)
{
    return command_is_done(cmd) || command_listed_subs(cmd) > 0;
}

const um_cmd_t *
um_command_at(const um_cmd_foreign_t *foreign, size_t i)
{
    return i < um_cmd_count() ? um_cmd_at(i)
                              : um_cmd_foreign_at(foreign, i - um_cmd_count());
}

const um_cmd_t *
um_command_find(const um_cmd_foreign_t *foreign, um_str_t name)
{
    const um_cmd_t *cmd = um_cmd_find_name(name);

    if (cmd == NULL) {
        cmd = um_cmd_foreign_find(foreign, name);
    }

    return cmd != NULL && um_command_is_listed(cmd) ? cmd : NULL;
}

static void
put_flags(
    um_sbuf_t *o, uint32_t flags, const flag_name_t *names, size_t n, int proto)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        count += (flags & names[i].bit) != 0;
    }

    um_put_set(o, count, proto);

    for (size_t i = 0; i < n; i++) {
        if (flags & names[i].bit) {
            um_put_simple(o, names[i].name);
        }
    }
}

void
um_command_put_key_flags(um_sbuf_t *o, uint32_t flags, int proto)
{
    put_flags(o, flags, key_flags, um_countof(key_flags), proto);
}

static size_t
count_words(const char *const *words)
{
    size_t n = 0;

    while (words != NULL && words[n] != NULL) {
        n++;
    }

    return n;
}

static void
put_categories(um_sbuf_t *o, const char *const *categories, int proto)
{
    size_t n = count_words(categories);

    um_put_set(o, n, proto);
    for (size_t i = 0; i < n; i++) {
        um_sbuf_addz(o, "+@");
        um_sbuf_addz(o, categories[i]);
        um_sbuf_addz(o, "\r\n");
    }
}

static void
put_tips(um_sbuf_t *o, const char *const *tips, int proto)
{
    size_t n = count_words(tips);

    um_put_set(o, n, proto);
    for (size_t i = 0; i < n; i++) {
        um_put_bulkz(o, tips[i]);
    }
}

/* ---- key specifications ------------------------------------------------- */

static void
put_pair(um_sbuf_t *o, const char *name, int64_t value)
{
    um_put_bulkz(o, name);
    um_put_int(o, value);
}

/* { type: ..., spec: { `n` pairs, which follow */
static void
put_spec_head(
    um_sbuf_t *o, const char *name, const char *type, size_t n, int proto)
{
    um_put_bulkz(o, name);
    um_put_map(o, 2, proto);
    um_put_bulkz(o, "type");
    um_put_bulkz(o, type);
    um_put_bulkz(o, "spec");
    um_put_map(o, n, proto);
}

static void
put_begin(um_sbuf_t *o, const um_key_spec_t *s, int proto)
{
    static const char name[] = "begin_search";

    switch (s->begin) {
    case UM_KEY_BEGIN_INDEX:
        put_spec_head(o, name, "index", 1, proto);
        put_pair(o, "index", s->index);
        break;

    case UM_KEY_BEGIN_KEYWORD:
        put_spec_head(o, name, "keyword", 2, proto);
        um_put_bulkz(o, "keyword");
        um_put_bulkz(o, s->keyword);
        put_pair(o, "startfrom", s->index);
        break;

    default:
        put_spec_head(o, name, "unknown", 0, proto);
    }
}

static void
put_find(um_sbuf_t *o, const um_key_spec_t *s, int proto)
{
    static const char name[] = "find_keys";

    switch (s->find) {
    case UM_KEY_FIND_RANGE:
        put_spec_head(o, name, "range", 3, proto);
        put_pair(o, "lastkey", s->a);
        put_pair(o, "keystep", s->b);
        put_pair(o, "limit", s->c);
        break;

    case UM_KEY_FIND_KEYNUM:
        put_spec_head(o, name, "keynum", 3, proto);
        put_pair(o, "keynumidx", s->a);
        put_pair(o, "firstkey", s->b);
        put_pair(o, "keystep", s->c);
        break;

    default:
        put_spec_head(o, name, "unknown", 0, proto);
    }
}

static void
put_spec(um_sbuf_t *o, const um_key_spec_t *s, int proto)
{
    um_put_map(o, s->notes != NULL ? 4 : 3, proto);

    if (s->notes != NULL) {
        um_put_bulkz(o, "notes");
        um_put_bulkz(o, s->notes);
    }

    um_put_bulkz(o, "flags");
    um_command_put_key_flags(o, s->flags, proto);
    put_begin(o, s, proto);
    put_find(o, s, proto);
}

/* ---- the entry ---------------------------------------------------------- */

/* Everything but the subcommands. */
static void
put_nine(um_sbuf_t *o, const um_cmd_t *cmd, int proto)
{
    um_put_array(o, 10);
    um_put_bulkz(o, cmd->name);
    um_put_int(o, cmd->arity);
    put_flags(o, cmd->flags, cmd_flags, um_countof(cmd_flags), proto);
    um_put_int(o, cmd->first);
    um_put_int(o, cmd->last);
    um_put_int(o, cmd->step);
    put_categories(o, cmd->acl_categories, proto);
    put_tips(o, cmd->tips, proto);

    um_put_set(o, cmd->spec_count, proto);
    for (uint32_t i = 0; i < cmd->spec_count; i++) {
        put_spec(o, &cmd->specs[i], proto);
    }
}

/* Subcommands have none of their own. */
void
um_command_put(um_sbuf_t *o, const um_cmd_t *cmd, int proto)
{
    put_nine(o, cmd, proto);
    um_put_set(o, command_listed_subs(cmd), proto);

    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        if (command_is_done(&cmd->subs[i])) {
            put_nine(o, &cmd->subs[i], proto);
            um_put_set(o, 0, proto);
        }
    }
}
