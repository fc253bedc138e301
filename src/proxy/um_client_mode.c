/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_client_mode.h"

#include "core/um_str.h"
#include "resp/um_put.h"

/* ON or OFF; UM_DECLINED: neither, and the error is said. */
static um_rc_t
mode_switch(um_req_t *r, um_str_t word, bool *on)
{
    *on = um_str_ieq(word, um_lit("on"));

    if (!*on && !um_str_ieq(word, um_lit("off"))) {
        um_req_error(r, "ERR syntax error");
        return UM_DECLINED;
    }

    return UM_OK;
}

static void
mode_nothing(um_req_t *r)
{
    (void) um_req_begin(r);
    um_req_end(r);
}

/*
 * Who asks is in the queue already, muted by what was said before it; what it
 * says counts for those behind it.
 */
void
um_client_mode_reply(um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_client_state_t *st = &r->client->st;

    if (um_str_ieq(argv[2], um_lit("on"))) {
        st->reply = UM_REPLY_ON;
        r->hooks &= (uint8_t) ~UM_HOOK_MUTED;
        um_req_ok(r);
    } else if (um_str_ieq(argv[2], um_lit("off"))) {
        st->reply = UM_REPLY_OFF;
        mode_nothing(r);
    } else if (um_str_ieq(argv[2], um_lit("skip"))) {
        if (st->reply == UM_REPLY_ON) {
            st->reply = UM_REPLY_SKIP;
        }
        mode_nothing(r);
    } else {
        um_req_error(r, "ERR syntax error");
    }
}

void
um_client_mode_no_evict(
    um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    bool on;

    if (mode_switch(r, argv[2], &on) == UM_OK) {
        r->client->st.no_evict = on;
        um_req_ok(r);
    }
}

/* A connection to a node is many clients', and NO-TOUCH is the connection's. */
void
um_client_mode_no_touch(
    um_req_t *r, const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    bool on;

    if (mode_switch(r, argv[2], &on) != UM_OK) {
        return;
    }

    if (on) {
        um_req_error(r, "ERR CLIENT NO-TOUCH ON is not supported: clients "
                        "share the connections to the nodes");
    } else {
        um_req_ok(r);
    }
}

/* ---- what is not there: tracking ---------------------------------------- */

/* The options as Redis reads them.  False: an error has been said. */
static bool
tracking_options(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const char *const plain[] = { "bcast", "optin", "optout", "noloop" };
    int64_t id;

    for (uint32_t i = 3; i < argc; i++) {
        bool found = false;

        for (size_t k = 0; k < um_countof(plain); k++) {
            found = found || um_str_ieq(argv[i], um_str_of(plain[k]));
        }

        if (found) {
            continue;
        }

        if (um_str_ieq(argv[i], um_lit("redirect")) && i + 1 < argc) {
            if (um_str_to_arg(argv[++i], &id) != UM_OK) {
                um_req_error(r, "ERR value is not an integer or out of range");
                return false;
            }
        } else if (um_str_ieq(argv[i], um_lit("prefix")) && i + 1 < argc) {
            i++;
        } else {
            um_req_error(r, "ERR syntax error");
            return false;
        }
    }

    return true;
}

/* An invalidation that is lost on the way is a client that reads old values
 * for ever: better none. */
void
um_client_mode_tracking(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    bool on;

    if (!tracking_options(r, argv, argc)
        || mode_switch(r, argv[2], &on) != UM_OK) {
        return;
    }

    if (on) {
        um_req_error(r, "ERR CLIENT TRACKING ON is not supported: the proxy "
                        "does not pass on invalidation messages");
    } else {
        um_req_ok(r);
    }
}

void
um_client_mode_trackinginfo(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    int proto = r->client->st.proto;
    um_sbuf_t *o = um_req_begin(r);

    um_put_map(o, 3, proto);
    um_put_bulkz(o, "flags");
    um_put_set(o, 1, proto);
    um_put_bulkz(o, "off");
    um_put_bulkz(o, "redirect");
    um_put_int(o, -1);
    um_put_bulkz(o, "prefixes");
    um_put_array(o, 0);
    um_req_end(r);
}

void
um_client_mode_caching(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_req_error(r, "ERR CLIENT CACHING can be called only when the client is "
                    "in tracking mode with OPTIN or OPTOUT mode enabled");
}

void
um_client_mode_getredir(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_put_int(um_req_begin(r), -1);
    um_req_end(r);
}
