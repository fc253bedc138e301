/* SPDX-License-Identifier: Apache-2.0 */

#include "resp_cmd.h"

#include <string.h>
#include <time.h>

#include "core/um_str.h"
#include "resp/um_put.h"
#include "resp_door.h"

#define US_PER_S 1000000

/* A word in upper case, cut at what anybody wants to read. */
static const char *
upper(um_str_t word, char *out, size_t size)
{
    size_t len = um_min(word.len, size - 1);

    for (size_t i = 0; i < len; i++) {
        char c = word.data[i];

        out[i] = c >= 'a' && c <= 'z' ? (char) (c - 0x20) : c;
    }
    out[len] = '\0';
    return out;
}

/* ---- CONFIG ------------------------------------------------------------- */

static void
config_get(coord_t *co, um_str_t field, um_sbuf_t *out)
{
    um_sbuf_t text = { 0 };

    if (um_str_eq(field, um_lit("brokers"))) {
        brokers_list(co->brokers, &text);
    } else if (um_str_eq(field, um_lit("reporter_id"))) {
        um_sbuf_addz(&text, co->reporter);
    } else {
        um_put_error(out, "Invalid CONFIG field %.*s", um_str_fmt(field));
        return;
    }

    um_put_bulk(out, (um_str_t){ text.data, text.len });
    out->failed |= text.failed;
    um_sbuf_deinit(&text);
}

static void
config_set(coord_t *co, um_str_t field, um_str_t value, um_sbuf_t *out)
{
    um_addr_t list[COORD_BROKERS_MAX];
    const char *wrong;
    uint32_t count;

    if (!um_str_eq(field, um_lit("brokers"))) {
        um_put_error(out, "Invalid CONFIG SET field %.*s", um_str_fmt(field));
        return;
    }

    count = coord_conf_brokers(value, list, &wrong);
    if (count == 0) {
        um_put_error(out, "Invalid brokers: %s", wrong);
    } else if (coord_set_brokers(co, list, count) != UM_OK) {
        um_put_error(out, "ERR out of memory");
    } else {
        um_put_simple(out, "OK");
    }
}

static void
cmd_config(coord_t *co, const um_args_t *args, um_sbuf_t *out)
{
    um_str_t sub = args->argc > 1 ? args->argv[1] : um_lit("");
    char name[64];

    if (args->argc < 2) {
        um_put_error(out, "Missing sub argument");
    } else if (um_str_ieq(sub, um_lit("GET"))) {
        if (args->argc < 3) {
            um_put_error(out, "Missing sub argument");
        } else {
            config_get(co, args->argv[2], out);
        }
    } else if (um_str_ieq(sub, um_lit("SET"))) {
        if (args->argc < 4) {
            um_put_error(out, "Missing sub argument");
        } else {
            config_set(co, args->argv[2], args->argv[3], out);
        }
    } else {
        um_put_error(out, "Invalid config sub command: %s",
            upper(sub, name, sizeof(name)));
    }
}

/* ---- UMCTL DEBUG FUTURE ------------------------------------------------- */

static void
future_client(const door_client_t *c, um_sbuf_t *out)
{
    time_t at = (time_t) (c->came_us / US_PER_S);
    char when[32] = "";
    struct tm tm;

    if (localtime_r(&at, &tm) != NULL) {
        (void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    }
    um_put_bulkf(out, "%llu %s session: session_id=%llu peer=%s",
        (unsigned long long) c->id, when, (unsigned long long) c->id, c->peer);
}

static void
cmd_umctl(coord_t *co, const um_args_t *args, um_sbuf_t *out)
{
    size_t count = 0;

    if (args->argc < 3 || !um_str_ieq(args->argv[1], um_lit("DEBUG"))
        || !um_str_ieq(args->argv[2], um_lit("FUTURE")))
    {
        um_put_error(out, "Invalid sub command for UMCTL");
        return;
    }

    um_list_each(l, door_clients(co))
    {
        count++;
    }
    um_put_array(out, count);
    um_list_each(l, door_clients(co))
    {
        future_client(um_list_entry(l, door_client_t, link), out);
    }
}

/* ---- INFO --------------------------------------------------------------- */

static void
cmd_info(coord_t *co, const um_args_t *args, um_sbuf_t *out)
{
    um_sbuf_t text = { 0 };

    resp_info(co, args->argc > 1 ? args->argv[1] : um_lit(""), &text);
    um_put_bulk(out, (um_str_t){ text.data, text.len });
    out->failed |= text.failed;
    um_sbuf_deinit(&text);
}

/* ---- Which one ---------------------------------------------------------- */

static void
cmd_ping(coord_t *co UM_UNUSED, const um_args_t *args, um_sbuf_t *out)
{
    if (args->argc > 1) {
        um_put_bulk(out, args->argv[1]);
    } else {
        um_put_simple(out, "PONG");
    }
}

/* Clients take it for an old Redis, and go on in RESP2. */
static void
cmd_hello(
    coord_t *co UM_UNUSED, const um_args_t *args UM_UNUSED, um_sbuf_t *out)
{
    um_put_error(out, "ERR unknown command 'HELLO'");
}

static const struct {
    const char *name;
    void (*answer)(coord_t *co, const um_args_t *args, um_sbuf_t *out);
} commands[] = {
    { "CONFIG", cmd_config },
    { "UMCTL", cmd_umctl },
    { "INFO", cmd_info },
    { "PING", cmd_ping },
    { "HELLO", cmd_hello },
};

bool
resp_answer(coord_t *co, const um_args_t *args, um_sbuf_t *out)
{
    char name[64];

    if (um_str_ieq(args->argv[0], um_lit("QUIT"))) {
        um_put_simple(out, "OK");
        return false;
    }

    for (size_t i = 0; i < um_countof(commands); i++) {
        if (um_str_ieq(args->argv[0], um_str_of(commands[i].name))) {
            commands[i].answer(co, args, out);
            return true;
        }
    }

    um_put_error(out, "ERR_COMMAND_NOT_SUPPORTED: %s",
        upper(args->argv[0], name, sizeof(name)));
    return true;
}
