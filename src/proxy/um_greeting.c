/*
 * The first words on a new connection: who we are (AUTH), who we are to this
 * Redis (CLIENT ID), who it is (INFO server), and the death of our old
 * connections there (design.md 2.8).  To a peer only AUTH.  HELLO 3 where its
 * clients speak RESP3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_orphans.h"

/* INFO server is about 700 bytes; much more is not one. */
#define GREETING_TEXT 4096

static void greeting_step(um_backend_t *b);

/* The reply as text, cut and NUL-terminated. */
static void
reply_text(const um_req_t *r, char *out, size_t size)
{
    size_t n = um_min(r->reply.len, size - 1);

    um_chain_peek(&r->reply, out, n);
    out[n] = '\0';
}

/* One answer has come; after the last the next step. */
static void
greeting_answered(um_backend_t *b)
{
    um_assert(b->greetings > 0);
    if (--b->greetings == 0) {
        greeting_step(b);
    }
}

static bool
greeting_failed(um_backend_t *b, um_rc_t rc)
{
    if (rc == UM_OK) {
        return false;
    }

    /* The connection is ending already, unless time was up first. */
    if (b->state == UM_BACKEND_GREETING) {
        um_backend_fail(b, 0, "does not answer");
    }
    return true;
}

static void
greeting_on_auth(um_req_t *r, um_rc_t rc)
{
    um_backend_t *b = r->data;
    char text[256];

    if (greeting_failed(b, rc)) {
        return;
    }

    reply_text(r, text, sizeof(text));
    if (text[0] == '-' && b->node->is_peer) {
        /* A peer without a password takes everybody. */
        um_log_info(0, "peer %s: AUTH: %.*s", b->node->addr.text,
            (int) strcspn(text, "\r\n"), text);
    } else if (text[0] == '-') {
        um_log_error(0, "backend %s: AUTH: %.*s", b->node->addr.text,
            (int) strcspn(text, "\r\n"), text);
        um_backend_fail(b, 0, "refused our password");
        return;
    }

    greeting_answered(b);
}

/* Our id at a peer, from its answer to HELLO; 0: it tells none. */
static uint64_t
hello_id(const char *text)
{
    static const char field[] = "$2\r\nid\r\n:";
    const char *p = strstr(text, field);
    um_str_t num = { "", 0 };
    uint64_t id;

    if (p != NULL) {
        p += sizeof(field) - 1;
        num = (um_str_t){ p, strcspn(p, "\r\n") };
    }

    return um_str_to_u64(num, &id) == UM_OK ? id : 0;
}

/*
 * RESP3, which Redis before 6, and a peer of the reference, do not have.  And
 * who we are to a peer: of the reference CLIENT ID must not be asked, for it
 * passes it on to some Redis.
 */
static void
greeting_on_hello(um_req_t *r, um_rc_t rc)
{
    um_backend_t *b = r->data;
    char text[512];

    if (greeting_failed(b, rc)) {
        return;
    }

    reply_text(r, text, sizeof(text));
    if (b->node->is_peer) {
        b->id = hello_id(text);
    }
    if (b->proto == 3 && text[0] != '%') {
        um_log_warn(0, "backend %s: HELLO 3: %.*s", b->node->addr.text,
            (int) strcspn(text, "\r\n"), text);
        um_backend_fail(b, 0, "does not speak RESP3");
        return;
    }

    greeting_answered(b);
}

static void
greeting_on_id(um_req_t *r, um_rc_t rc)
{
    um_backend_t *b = r->data;
    char text[128];

    if (greeting_failed(b, rc)) {
        return;
    }

    reply_text(r, text, sizeof(text));
    if (text[0] == ':') {
        um_str_t num = { text + 1, strcspn(text + 1, "\r\n") };

        if (um_str_to_u64(num, &b->id) != UM_OK) {
            b->id = 0;
        }
    } else if (strncmp(text, "-NOAUTH", 7) == 0
               || strncmp(text, "-ERR max number", 15) == 0)
    {
        uint64_t now = um_worker_now(b->w);

        /* Each client that would wait may try again. */
        if (now - b->node->told_ns >= UINT64_C(1000000000)) {
            b->node->told_ns = now;
            um_log_error(0, "backend %s: %.*s", b->node->addr.text,
                (int) strcspn(text, "\r\n"), text);
        }
        um_backend_fail(b, 0, "does not let us in");
        return;
    }

    greeting_answered(b);
}

/* The value of `name:value\r\n` in INFO's text; empty when it is missing. */
static um_str_t
info_field(const char *text, const char *name)
{
    size_t len = strlen(name);
    const char *p = text;

    while ((p = strstr(p, name)) != NULL) {
        if (p > text && p[-1] == '\n' && p[len] == ':') {
            return (um_str_t){ p + len + 1, strcspn(p + len + 1, "\r\n") };
        }
        p += len;
    }

    return (um_str_t){ "", 0 };
}

static uint32_t
version_parse(um_str_t s)
{
    uint32_t part[3] = { 0, 0, 0 };
    int i = 0;

    for (size_t k = 0; k < s.len && i < 3; k++) {
        if (s.data[k] == '.') {
            i++;
        } else if (s.data[k] >= '0' && s.data[k] <= '9') {
            part[i] = (part[i] * 10 + (uint32_t) (s.data[k] - '0')) & 0xff;
        } else {
            break;
        }
    }

    return part[0] << 16 | part[1] << 8 | part[2];
}

static void
greeting_on_info(um_req_t *r, um_rc_t rc)
{
    um_backend_t *b = r->data;
    char text[GREETING_TEXT];
    um_str_t run_id, mode;

    if (greeting_failed(b, rc)) {
        return;
    }

    reply_text(r, text, sizeof(text));
    run_id = info_field(text, "run_id");
    mode = info_field(text, "redis_mode");

    if (run_id.len == UM_RUN_ID) {
        memcpy(b->run_id, run_id.data, UM_RUN_ID);
        um_node_learn(b->node, b->run_id,
            version_parse(info_field(text, "redis_version")),
            um_str_eq(mode, um_lit("cluster")));
    } else {
        memset(b->run_id, 0, sizeof(b->run_id));
        um_log_warn(0, "backend %s: INFO tells no run_id: %.*s",
            b->node->addr.text, (int) strcspn(text, "\r\n"), text);
    }

    greeting_answered(b);
}

/* All asked so far is answered: kill what must be killed, or serve. */
static void
greeting_step(um_backend_t *b)
{
    if (!b->node->is_peer) {
        b->greetings = um_old_kill(b, greeting_answered);
        b->greetings += um_orphans_kill(b, greeting_answered);
        if (b->greetings > 0) {
            return;
        }
    }

    um_backend_ready(b);
}

static um_rc_t
greeting_say(
    um_backend_t *b, const um_str_t *argv, uint32_t argc, um_req_done_pt done)
{
    if (um_backend_internal(b, argv, argc, done, b) != UM_OK) {
        um_backend_fail(b, 0, "out of memory");
        return UM_ERR;
    }

    b->greetings++;
    return UM_OK;
}

static um_rc_t
greeting_auth(um_backend_t *b)
{
    const um_proxy_conf_t *conf = b->w->conf;
    const char *user = b->node->is_peer ? NULL : conf->backend_user;
    const char *password = conf->backend_password;
    um_str_t argv[3] = { um_lit("AUTH") };
    uint32_t argc = 1;

    if (b->node->is_peer) {
        password =
            conf->peer_password != NULL ? conf->peer_password : conf->password;
    }
    if (password == NULL) {
        return UM_OK;
    }

    if (user != NULL) {
        argv[argc++] = um_str_of(user);
    }
    argv[argc++] = um_str_of(password);
    return greeting_say(b, argv, argc, greeting_on_auth);
}

void
um_greeting_start(um_backend_t *b)
{
    static const um_str_t id[] = { { "CLIENT", 6 }, { "ID", 2 } };
    const um_str_t hello[] = { um_lit("HELLO"),
        b->proto == 3 ? um_lit("3") : um_lit("2") };
    bool says_hello =
        b->proto == 3 || (b->node->is_peer && b->kind == UM_BACKEND_PRIVATE);
    static const um_str_t info[] = { { "INFO", 4 }, { "server", 6 } };

    b->state = UM_BACKEND_GREETING;
    b->greetings = 0;

    if (greeting_auth(b) != UM_OK
        || (says_hello
            && greeting_say(b, hello, um_countof(hello), greeting_on_hello)
                   != UM_OK))
    {
        return;
    }

    if (!b->node->is_peer) {
        if (greeting_say(b, id, um_countof(id), greeting_on_id) == UM_OK) {
            (void) greeting_say(b, info, um_countof(info), greeting_on_info);
        }
        return;
    }

    /* There is nothing more to ask a peer. */
    if (b->greetings == 0) {
        um_backend_ready(b);
    }
}
