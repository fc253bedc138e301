/*
 * um_conn_cmd.c -- commands about the connection itself: PING, AUTH, HELLO ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <limits.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_client_text.h"
#include "proxy/um_info.h"
#include "proxy/um_node.h"
#include "proxy/um_self.h"
#include "resp/um_put.h"

#define CONN_WRONGPASS                                                         \
    "WRONGPASS invalid username-password pair or user is disabled."

#define CONN_HELLO_NOAUTH                                                      \
    "NOAUTH HELLO must be called with the client already authenticated, "      \
    "otherwise the HELLO AUTH <user> <pass> option can be used to "            \
    "authenticate the client and select the RESP protocol version at the "     \
    "same time"

/* The first Redis that knows RESP3. */
#define HELLO_REDIS 0x060000u

/*
 * Equal?  In a time that tells nothing of where they differ.  How long the
 * right one is may be guessed, as with Redis' own.
 */
static bool
conn_same_secret(um_str_t given, um_str_t right)
{
    unsigned diff = given.len != right.len;

    for (size_t i = 0; i < given.len; i++) {
        diff |= (unsigned char) given.data[i]
                ^ (unsigned char) (i < right.len ? right.data[i] : 0);
    }

    return diff == 0;
}

/* Log `c` in.  There is one user, `default`, with or without a password. */
static bool
conn_login(um_client_t *c, um_str_t user, um_str_t password)
{
    const char *right = c->w->conf->password;

    if (um_str_eq(user, um_lit("default"))
        && (right == NULL || conn_same_secret(password, um_str_of(right))))
    {
        c->st.authenticated = true;
        return true;
    }

    um_stat_add(c->w->row, UM_STAT_AUTH_FAILURES, 1);

    return false;
}

void
um_self_auth(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_client_t *c = r->client;
    um_str_t user = argc == 3 ? argv[1] : um_lit("default");

    if (argc > 3) {
        um_req_error(r, "ERR syntax error");
    } else if (argc == 2 && c->w->conf->password == NULL) {
        um_req_error(r,
            "ERR AUTH <password> called without any password configured for "
            "the default user. Are you sure your configuration is correct?");
    } else if (conn_login(c, user, argv[argc - 1])) {
        um_req_ok(r);
    } else {
        um_req_error(r, CONN_WRONGPASS);
    }
}

void
um_self_ping(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o;

    if (argc > 2) {
        um_req_error(r, "ERR wrong number of arguments for 'ping' command");
        return;
    }

    o = um_req_begin(r);
    if (argc == 2) {
        um_put_bulk(o, argv[1]);
    } else {
        um_put_simple(o, "PONG");
    }
    um_req_end(r);
}

void
um_self_echo(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_put_bulk(um_req_begin(r), argv[argc - 1]);
    um_req_end(r);
}

void
um_self_quit(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_client_t *c = r->client;

    um_req_ok(r);
    um_client_close_after(c);
}

void
um_self_select(um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    int64_t db;

    if (um_str_to_arg(argv[1], &db) != UM_OK) {
        um_req_error(r, "ERR value is not an integer or out of range");
    } else if (db < INT_MIN || db > INT_MAX) {
        um_req_error(r,
            "ERR value is out of range, value must between %d and %d", INT_MIN,
            INT_MAX);
    } else if (db == 0) {
        um_req_ok(r);
    } else if (r->w->conf->active_redirection) {
        um_req_error(r, "ERR DB index is out of range");
    } else {
        um_req_error(r, "ERR SELECT is not allowed in cluster mode");
    }
}

/* RESP `proto` from now on, and with it other connections to the nodes. */
static void
client_speak(um_client_t *c, uint8_t proto)
{
    if (c->st.proto != proto) {
        um_nodes_leave(c->w->nodes, c->st.id, c->st.proto);
        c->st.proto = proto;
    }
}

/*
 * Back to what a fresh connection is.  lib_name and lib_ver stay, they still
 * say who is at the other end; so does NO-EVICT, as with Redis 7.0.
 */
void
um_self_reset(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_client_t *c = r->client;
    um_sbuf_t *o;

    c->st.authenticated = c->w->conf->password == NULL;
    c->st.readonly = false;
    client_speak(c, 2);
    if (c->st.reply == UM_REPLY_OFF) {
        c->st.reply = UM_REPLY_ON;
        r->hooks &= (uint8_t) ~UM_HOOK_MUTED;
    }

    if (um_client_name_set(&c->st.name, um_lit("")) != UM_OK) {
        um_log_alert(0, "reset: taking a name away needed memory");
    }

    o = um_req_begin(r);
    um_put_simple(o, "RESET");
    um_req_end(r);
}

void
um_self_time(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    uint64_t us = um_clock_wall_us();
    um_sbuf_t *o = um_req_begin(r);

    um_put_array(o, 2);
    um_put_bulkf(o, "%llu", (unsigned long long) (us / 1000000));
    um_put_bulkf(o, "%llu", (unsigned long long) (us % 1000000));
    um_req_end(r);
}

/* ---- HELLO -------------------------------------------------------------- */

/* Do the nodes speak it?  While none has been met we hope so. */
static bool
hello_is_served(const um_worker_t *w, int64_t proto)
{
    uint32_t lowest = atomic_load_explicit(
        &w->shm->settings->redis_version, memory_order_relaxed);

    return proto == 2 || (proto == 3 && (lowest == 0 || lowest >= HELLO_REDIS));
}

/* Do what the options say, one after the other; false: answered an error. */
static bool
hello_options(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_client_t *c = r->client;
    const char *wrong;

    for (uint32_t i = 2; i < argc; i++) {
        uint32_t more = argc - 1 - i;

        if (um_str_ieq(argv[i], um_lit("auth")) && more >= 2) {
            if (!conn_login(c, argv[i + 1], argv[i + 2])) {
                um_req_error(r, CONN_WRONGPASS);
                return false;
            }
            i += 2;
        } else if (um_str_ieq(argv[i], um_lit("setname")) && more >= 1) {
            wrong = um_client_name_wrong(argv[++i]);
            if (wrong != NULL) {
                um_req_error(r, "%s", wrong);
                return false;
            }
            if (um_client_name_set(&c->st.name, argv[i]) != UM_OK) {
                um_req_error(r, "ERR out of memory");
                return false;
            }
        } else {
            um_req_error(r, "ERR Syntax error in HELLO option '%.*s'",
                um_str_fmt(argv[i]));
            return false;
        }
    }

    return true;
}

static void
hello_answer(um_req_t *r)
{
    um_client_t *c = r->client;
    int proto = c->st.proto;
    char version[UM_VERSION_TEXT_MAX];
    um_sbuf_t *o = um_req_begin(r);

    um_info_redis_version(c->w, version);

    um_put_map(o, 7, proto);
    um_put_bulkz(o, "server");
    um_put_bulkz(o, "redis");
    um_put_bulkz(o, "version");
    um_put_bulkz(o, version);
    um_put_bulkz(o, "proto");
    um_put_int(o, proto);
    um_put_bulkz(o, "id");
    um_put_int(o, (int64_t) c->st.id);
    um_put_bulkz(o, "mode");
    um_put_bulkz(o, um_info_mode(c->w));
    um_put_bulkz(o, "role");
    um_put_bulkz(o, "master");
    um_put_bulkz(o, "modules");
    um_put_array(o, 0);
    um_req_end(r);
}

void
um_self_hello(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    int64_t proto = 2;

    if (argc >= 2) {
        if (um_str_to_arg(argv[1], &proto) != UM_OK) {
            um_req_error(
                r, "ERR Protocol version is not an integer or out of range");
            return;
        }

        if (!hello_is_served(r->w, proto)) {
            um_req_error(r, "NOPROTO unsupported protocol version");
            return;
        }
    }

    if (!hello_options(r, argv, argc)) {
        return;
    }

    if (!r->client->st.authenticated) {
        um_req_error(r, CONN_HELLO_NOAUTH);
        return;
    }

    if (argc >= 2) {
        client_speak(r->client, (uint8_t) proto);
    }

    hello_answer(r);
}

/* ---- cluster mode of a connection --------------------------------------- */

void
um_self_readonly(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    r->client->st.readonly = true;
    um_req_ok(r);
}

void
um_self_readwrite(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    r->client->st.readonly = false;
    um_req_ok(r);
}

/* We never answer ASK, so there is nothing to remember. */
void
um_self_asking(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_req_ok(r);
}
