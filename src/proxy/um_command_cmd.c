/*
 * um_command_cmd.c -- COMMAND, from the command table: what we support, in
 * the words of Redis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "proxy/um_command_docs.h"
#include "proxy/um_command_text.h"
#include "proxy/um_refuse.h"
#include "proxy/um_subcmd.h"
#include "resp/um_cmd_foreign.h"
#include "resp/um_put.h"

static size_t
command_count_listed(const um_worker_t *w)
{
    const um_cmd_t *cmd;
    size_t n = 0;

    for (size_t i = 0; (cmd = um_command_at(w->foreign, i)) != NULL; i++) {
        n += um_command_is_listed(cmd);
    }

    return n;
}

static void
command_all(um_req_t *r)
{
    int proto = r->client->st.proto;
    um_sbuf_t *o = um_req_begin(r);
    const um_cmd_t *cmd;

    um_put_array(o, command_count_listed(r->w));

    for (size_t i = 0; (cmd = um_command_at(r->w->foreign, i)) != NULL; i++) {
        if (um_command_is_listed(cmd)) {
            um_command_put(o, cmd, proto);
        }
    }

    um_req_end(r);
}

static void
command_count(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_int(um_req_begin(r), (int64_t) command_count_listed(r->w));
    um_req_end(r);
}

static void
command_info(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    int proto = r->client->st.proto;
    um_sbuf_t *o;

    if (argc == 2) {
        command_all(r);
        return;
    }

    o = um_req_begin(r);
    um_put_array(o, argc - 2);

    for (uint32_t i = 2; i < argc; i++) {
        const um_cmd_t *cmd = um_command_find(r->w->foreign, argv[i]);

        if (cmd != NULL) {
            um_command_put(o, cmd, proto);
        } else {
            um_put_null(o, proto);
        }
    }

    um_req_end(r);
}

/* ---- COMMAND LIST ------------------------------------------------------- */

typedef enum {
    LIST_ALL,
    LIST_MODULE,
    LIST_ACLCAT,
    LIST_PATTERN,
} list_by_t;

static bool
list_takes(const um_cmd_t *cmd, list_by_t by, um_str_t word)
{
    if (!um_command_is_listed(cmd)) {
        return false;
    }

    switch (by) {
    case LIST_ALL:
        return true;

    case LIST_PATTERN:
        return um_str_glob(word, um_str_of(cmd->name), true);

    case LIST_ACLCAT:
        for (const char *const *c = cmd->acl_categories;
             c != NULL && *c != NULL; c++) {
            if (um_str_ieq(word, um_str_of(*c))) {
                return true;
            }
        }
        return false;

    default: /* no command of ours is a module's */
        return false;
    }
}

/* Put the names, or only count them when `o` is NULL. */
static size_t
list_put(const um_worker_t *w, um_sbuf_t *o, list_by_t by, um_str_t word)
{
    const um_cmd_t *cmd;
    size_t n = 0;

    for (size_t i = 0; (cmd = um_command_at(w->foreign, i)) != NULL; i++) {
        for (int32_t j = -1; j < (int32_t) cmd->sub_count; j++) {
            const um_cmd_t *one = j < 0 ? cmd : &cmd->subs[j];

            if (list_takes(one, by, word)) {
                n++;
                if (o != NULL) {
                    um_put_bulkz(o, one->name);
                }
            }
        }
    }

    return n;
}

static void
command_list(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const struct {
        const char *name;
        list_by_t by;
    } filters[] = {
        { "module", LIST_MODULE },
        { "aclcat", LIST_ACLCAT },
        { "pattern", LIST_PATTERN },
    };
    list_by_t by = LIST_ALL;
    um_str_t word = argv[argc - 1];
    um_sbuf_t *o;

    if (argc == 5 && um_str_ieq(argv[2], um_lit("filterby"))) {
        for (size_t i = 0; i < um_countof(filters); i++) {
            if (um_str_ieq(argv[3], um_str_of(filters[i].name))) {
                by = filters[i].by;
            }
        }
    }

    if (argc != 2 && by == LIST_ALL) {
        um_req_error(r, "ERR syntax error");
        return;
    }

    o = um_req_begin(r);
    um_put_array(o, list_put(r->w, NULL, by, word));
    list_put(r->w, o, by, word);
    um_req_end(r);
}

/* ---- COMMAND GETKEYS ---------------------------------------------------- */

static bool
getkeys_may_have_keys(const um_cmd_t *cmd)
{
    for (uint32_t i = 0; i < cmd->spec_count; i++) {
        if (!cmd->specs[i].not_key) {
            return true;
        }
    }

    return false;
}

/* NULL and answered with an error, or the command that was asked about. */
static const um_cmd_t *
getkeys_command(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    const um_cmd_t *cmd = um_cmd_lookup(r->w, argv, argc);

    if (cmd == NULL || ((cmd->flags & UM_CMD_CONTAINER) && argc > 1)) {
        um_req_error(r, "ERR Invalid command specified");
    } else if (!getkeys_may_have_keys(cmd)) {
        um_req_error(r, "ERR The command has no key arguments");
    } else if (!um_cmd_arity_ok(cmd, argc)) {
        um_req_error(
            r, "ERR Invalid number of arguments specified for command");
    } else {
        return cmd;
    }

    return NULL;
}

static void
getkeys_answer(
    um_req_t *r, const um_str_t *argv, uint32_t argc, bool with_flags)
{
    int proto = r->client->st.proto;
    um_keys_t keys = { 0 };
    const um_cmd_t *cmd;
    um_sbuf_t *o;
    um_rc_t rc;

    argv += 2;
    argc -= 2;

    cmd = getkeys_command(r, argv, argc);
    if (cmd == NULL) {
        return;
    }

    rc = um_cmd_keys(cmd, argv, argc, &keys);

    if (rc == UM_ERR) {
        um_req_error(r, "ERR out of memory");
    } else if ((rc == UM_DECLINED || keys.count == 0)
               && (cmd->flags & UM_CMD_NO_MANDATORY_KEYS) == 0)
    {
        um_req_error(r, "ERR Invalid arguments specified for command");
    } else {
        size_t n = rc == UM_OK ? keys.count : 0;

        o = um_req_begin(r);
        um_put_array(o, n);
        for (size_t i = 0; i < n; i++) {
            if (with_flags) {
                um_put_array(o, 2);
            }
            um_put_bulk(o, argv[keys.key[i].pos]);
            if (with_flags) {
                um_command_put_key_flags(o, keys.key[i].flags, proto);
            }
        }
        um_req_end(r);
    }

    um_keys_deinit(&keys);
}

static void
command_getkeys(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    getkeys_answer(r, argv, argc, false);
}

static void
command_getkeysandflags(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    getkeys_answer(r, argv, argc, true);
}

/* ---- */

static void
command_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Return details about all Redis commands.",
        "COUNT",
        "    Return the total number of commands in this Redis server.",
        "LIST",
        "    Return a list of all commands in this Redis server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full Redis command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full Redis command.",
        NULL,
    };

    um_subcmd_help(r, "COMMAND", lines);
}

void
um_self_command(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const um_subcmd_t subs[] = {
        { "count", command_count },
        { "info", command_info },
        { "docs", um_command_docs },
        { "list", command_list },
        { "getkeys", command_getkeys },
        { "getkeysandflags", command_getkeysandflags },
        { "help", command_help },
    };

    if (argc == 1) {
        command_all(r);
    } else {
        um_subcmd_run(r, argv, argc, subs, um_countof(subs));
    }
}
