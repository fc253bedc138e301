/*
 * um_client_cmd.c -- CLIENT.  LIST and KILL ask all workers, so that it does
 * not matter which one a client has landed on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_client_cmd.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_client_pick.h"
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

/* ---- of all workers ----------------------------------------------------- */

/* A question under way: who asked, and what this worker has to say itself. */
typedef struct {
    um_req_t *r;
    um_sbuf_t own; /* LIST: our lines */
    uint64_t killed;
    bool by_addr; /* KILL of the old form */
    int proto;
} client_ask_t;

static void
client_lines(um_worker_t *w, const um_client_pick_t *p, um_sbuf_t *o)
{
    uint64_t now = um_worker_now(w);

    um_list_each(l, &w->clients)
    {
        const um_client_t *c = um_list_entry(l, um_client_t, link);

        if (um_client_pick_match(p, c)) {
            um_client_line(o, c, now);
        }
    }
}

/* How many were killed.  `asks` still gets its answer, then it is closed. */
static uint64_t
client_kill_own(um_worker_t *w, const um_client_pick_t *p, um_client_t *asks)
{
    uint64_t killed = 0;

    um_list_each_safe(l, &w->clients)
    {
        um_client_t *c = um_list_entry(l, um_client_t, link);

        if (!um_client_pick_match(p, c)) {
            continue;
        }

        if (c == asks) {
            um_client_close_after(c);
        } else {
            um_client_kill(c);
        }
        killed++;
    }

    return killed;
}

static void
client_answer_list(um_worker_t *w, um_str_t question, um_sbuf_t *out)
{
    static um_client_pick_t p;

    if (um_client_pick_take(&p, question) == UM_OK) {
        client_lines(w, &p, out);
    } else {
        um_log_alert(0, "bus: CLIENT LIST asked in a way unknown here");
    }
}

static void
client_answer_kill(um_worker_t *w, um_str_t question, um_sbuf_t *out)
{
    static um_client_pick_t p;

    if (um_client_pick_take(&p, question) == UM_OK) {
        um_sbuf_add_u64(out, client_kill_own(w, &p, NULL));
        um_sbuf_addz(out, "\n");
    } else {
        um_log_alert(0, "bus: CLIENT KILL asked in a way unknown here");
    }
}

void
um_client_cmd_serve(um_bus_t *bus)
{
    um_bus_serve(bus, UM_BUS_CLIENT_LIST, client_answer_list);
    um_bus_serve(bus, UM_BUS_CLIENT_KILL, client_answer_kill);
}

static void
client_ask_free(client_ask_t *a)
{
    um_sbuf_deinit(&a->own);
    free(a);
}

static void
client_list_done(void *data, um_str_t answers)
{
    client_ask_t *a = data;
    um_sbuf_t *o;

    um_sbuf_add_str(&a->own, answers);

    o = um_req_begin(a->r);
    o->failed |= a->own.failed;
    um_put_text(o, (um_str_t){ a->own.data, a->own.len }, a->proto);
    um_req_end(a->r);
    client_ask_free(a);
}

/* Each worker has answered with a number on a line. */
static uint64_t
client_sum(um_str_t answers)
{
    uint64_t sum = 0, n;

    while (answers.len > 0) {
        const char *end = memchr(answers.data, '\n', answers.len);
        size_t len = end == NULL ? answers.len : (size_t) (end - answers.data);

        if (um_str_to_u64((um_str_t){ answers.data, len }, &n) == UM_OK) {
            sum += n;
        }

        len += end != NULL;
        answers.data += len;
        answers.len -= len;
    }

    return sum;
}

static void
client_kill_done(void *data, um_str_t answers)
{
    client_ask_t *a = data;

    a->killed += client_sum(answers);

    if (!a->by_addr) {
        um_put_int(um_req_begin(a->r), (int64_t) a->killed);
        um_req_end(a->r);
    } else if (a->killed > 0) {
        um_req_ok(a->r);
    } else {
        um_req_error(a->r, "ERR No such client");
    }

    client_ask_free(a);
}

/* `a` is taken; `r` is answered by `done`, or here when nobody can be asked. */
static void
client_ask(client_ask_t *a, um_bus_what_t what, const um_client_pick_t *p,
    um_bus_done_pt done)
{
    um_str_t question = { (const char *) p, um_client_pick_size(p) };
    um_req_t *r = a->r;

    um_req_hold(r);

    if (um_bus_ask(r->w->bus, what, question, done, a) != UM_OK) {
        client_ask_free(a);
        um_req_error(r, "ERR the other workers cannot be asked now, try again");
    }
}

static client_ask_t *
client_ask_new(um_req_t *r)
{
    client_ask_t *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        um_req_error(r, "ERR out of memory");
        return NULL;
    }

    a->r = r;
    a->proto = r->client->st.proto;

    return a;
}

static void
client_wrong(um_req_t *r, um_sbuf_t *err)
{
    um_req_error(r, "%s", um_sbuf_cstr(err));
    um_sbuf_deinit(err);
}

static void
client_list(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static um_client_pick_t p;
    um_sbuf_t err = { 0 };
    client_ask_t *a;

    if (um_client_pick_list(&p, argv, argc, &err) != UM_OK) {
        client_wrong(r, &err);
        return;
    }

    a = client_ask_new(r);
    if (a != NULL) {
        client_lines(r->w, &p, &a->own);
        client_ask(a, UM_BUS_CLIENT_LIST, &p, client_list_done);
    }
}

static void
client_kill(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static um_client_pick_t p;
    um_sbuf_t err = { 0 };
    client_ask_t *a;

    if (um_client_pick_kill(&p, argv, argc, r->client->st.id, &err) != UM_OK) {
        client_wrong(r, &err);
        return;
    }

    a = client_ask_new(r);
    if (a != NULL) {
        a->by_addr = argc == 3;
        a->killed = client_kill_own(r->w, &p, r->client);
        client_ask(a, UM_BUS_CLIENT_KILL, &p, client_kill_done);
    }
}

/* ---- */

static void
client_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
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
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
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
        { "list", client_list },
        { "kill", client_kill },
        { "help", client_help },
    };

    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}
