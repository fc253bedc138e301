/*
 * um_client_cmd.c -- CLIENT, of this connection.  LIST, KILL and UNBLOCK are
 * um_client_ask.c, what changes its ways is um_client_mode.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_str.h"
#include "proxy/um_client_ask.h"
#include "proxy/um_client_mode.h"
#include "proxy/um_client_text.h"
#include "proxy/um_subcmd.h"
#include "resp/um_put.h"

/* ---- of this connection ------------------------------------------------- */

static void
client_id(um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_int(um_req_begin(r), (int64_t) r->client->st.id);
    um_req_end(r);
}

static void
client_getname(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    const um_client_state_t *st = &r->client->st;
    um_sbuf_t *o = um_req_begin(r);

    if (st->name == NULL) {
        um_put_null(o, st->proto);
    } else {
        um_put_bulkz(o, st->name);
    }
    um_req_end(r);
}

static void
client_setname(um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    const char *wrong = um_client_name_wrong(argv[2]);

    if (wrong != NULL) {
        um_req_error(r, "%s", wrong);
    } else if (um_client_name_set(&r->client->st.name, argv[2]) != UM_OK) {
        um_req_error(r, "ERR out of memory");
    } else {
        um_req_ok(r);
    }
}

/* Of Redis 7.2, but clients send it unasked. */
static void
client_setinfo(um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_client_state_t *st = &r->client->st;
    char **place;

    if (um_str_ieq(argv[2], um_lit("lib-name"))) {
        place = &st->lib_name;
    } else if (um_str_ieq(argv[2], um_lit("lib-ver"))) {
        place = &st->lib_ver;
    } else {
        um_req_error(r, "ERR Unrecognized option '%.*s'", um_str_fmt(argv[2]));
        return;
    }

    if (argv[3].len >= UM_CLIENT_LIB_MAX
        || um_client_name_wrong(argv[3]) != NULL) {
        um_req_error(r,
            "ERR %.*s cannot contain spaces, newlines or special characters.",
            um_str_fmt(argv[2]));
    } else if (um_client_name_set(place, argv[3]) != UM_OK) {
        um_req_error(r, "ERR out of memory");
    } else {
        um_req_ok(r);
    }
}

static void
client_info(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    int proto = r->client->st.proto;
    um_sbuf_t line = { 0 };
    um_sbuf_t *o;

    um_client_line(&line, r->client, um_worker_now(r->w));

    o = um_req_begin(r);
    o->failed |= line.failed;
    um_put_text(o, (um_str_t){ line.data, line.len }, proto);
    um_req_end(r);
    um_sbuf_deinit(&line);
}

/* ---- */

static void
client_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
        "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is "
        "enabled.",
        "GETNAME",
        "    Return the name of the current connection.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made from the specified address",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made to specified local address",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Kill connections by type.",
        "    * USER <username>",
        "      Kill connections authenticated by <username>.",
        "    * SKIPME (YES|NO)",
        "      Skip killing current connection (default: yes).",
        "LIST [options ...]",
        "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Return clients of specified type.",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Unblock the specified blocked client.",
        "TRACKINGINFO",
        "    Report tracking status for the current connection.",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "SETINFO <option> <value>",
        "    Set client meta attr. Options are:",
        "    * LIB-NAME: the client lib name.",
        "    * LIB-VER: the client lib version.",
        NULL,
    };

    um_subcmd_help(r, "CLIENT", lines);
}

void
um_self_client(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const um_subcmd_t subs[] = {
        { "id", client_id },
        { "getname", client_getname },
        { "setname", client_setname },
        { "setinfo", client_setinfo },
        { "info", client_info },
        { "list", um_client_ask_list },
        { "kill", um_client_ask_kill },
        { "unblock", um_client_ask_unblock },
        { "reply", um_client_mode_reply },
        { "no-evict", um_client_mode_no_evict },
        { "no-touch", um_client_mode_no_touch },
        { "tracking", um_client_mode_tracking },
        { "trackinginfo", um_client_mode_trackinginfo },
        { "caching", um_client_mode_caching },
        { "getredir", um_client_mode_getredir },
        { "help", client_help },
    };

    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}
