/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "http/um_httpc_priv.h"
#include "meta/um_base64.h"
#include "meta/um_gunzip.h"

#define NS_PER_MS UINT64_C(1000000)

#define HTTPC_FIELDS 16

void
httpc_wake(um_httpc_t *c)
{
    um_timer_start(c->turn, 0);
}

/* ---- The end of a call -------------------------------------------------- */

static void
call_free(um_httpc_call_t *call)
{
    um_timer_free(call->timer);
    httpc_head_free(call->head);
    free(call->text);
    free(call);
}

static void
call_done(um_httpc_call_t *call)
{
    call->stage = CALL_DONE;
    um_timer_stop(call->timer);
    um_list_add_tail(&call->c->done, &call->link);
    httpc_wake(call->c);
}

static const char call_late[] = "timed out";

/* No answer.  `why` is lent for good, or call->why. */
static void
call_fail(um_httpc_call_t *call, const char *why, bool unsure)
{
    call->answer = (um_httpc_answer_t){
        .why = why,
        .unsure = unsure,
        .late = why == call_late,
    };
    call_done(call);
}

static const char *
call_unpack(um_httpc_call_t *call, size_t *len)
{
    char *plain = NULL;
    um_rc_t rc = um_gunzip((const unsigned char *) call->text, *len,
        call->c->limits.body_max, &plain, len);

    free(call->text);
    call->text = plain;
    switch (rc) {
    case UM_OK:
        return NULL;

    case UM_DONE:
        return "answer too large";

    case UM_DECLINED:
        return "answer is packed wrongly";

    default:
        return "out of memory";
    }
}

/* NULL, or what is wrong with the body. */
static const char *
call_take_body(um_httpc_call_t *call)
{
    const char *coding = httpc_head_field(call->head, "Content-Encoding");
    size_t len = 0;

    if (httpc_head_body(call->head, &call->text, &len) != UM_OK) {
        return "out of memory";
    }

    if (coding != NULL && strcasecmp(coding, "identity") != 0 && len > 0) {
        const char *wrong = strcasecmp(coding, "gzip") != 0
                                ? "answer comes in an unknown coding"
                                : call_unpack(call, &len);

        if (wrong != NULL) {
            return wrong;
        }
    }

    call->answer.body = (um_str_t){ call->text, len };
    return NULL;
}

void
httpc_call_answer(um_httpc_call_t *call, struct evhttp_request *head)
{
    const char *wrong;

    call->head = head;
    wrong = call_take_body(call);
    if (wrong != NULL) {
        call_fail(call, wrong, true);
        return;
    }

    call->answer.status = httpc_head_status(head);
    call->answer.why = "";
    call->answer.call = call;
    call_done(call);
}

/* ---- Again, or in vain -------------------------------------------------- */

static void
call_wait_again(um_httpc_call_t *call)
{
    call->stage = CALL_WAITING;
    um_list_add_head(&call->c->waiting, &call->link);
    call->c->waiting_count++;
    httpc_call_timer(call);
    httpc_wake(call->c);
}

/* The next address, if there is one. */
static void
call_unreached(um_httpc_call_t *call, uint32_t others, const char *why)
{
    call->tried++;
    if (others > 0) {
        call_wait_again(call);
        return;
    }

    um_resolve_distrust(call->c->resolve);
    call_fail(call, why, false);
}

void
httpc_call_lost(um_httpc_call_t *call, const char *why, int err)
{
    httpc_conn_t *conn = call->conn;

    httpc_conn_trash(conn); /* and there until the next turn */
    if (!conn->up) {
        snprintf(call->why, sizeof(call->why), "connect failed%s%s",
            err != 0 ? ": " : "", err != 0 ? strerror(err) : "");
        call_unreached(call, conn->others, call->why);
    } else if (conn->used && conn->heard == 0 && call->again) {
        call->again = false;
        call->fresh = true;
        call_wait_again(call);
    } else {
        call_fail(call, why, true);
    }
}

/* While it is not connected, others of the server's addresses want their share
 * of the time. */
void
httpc_call_timer(um_httpc_call_t *call)
{
    uint64_t now = um_loop_now(call->c->loop);
    uint64_t left = call->due_ns > now ? call->due_ns - now : 0;
    const httpc_conn_t *conn = call->conn;

    if (conn != NULL && !conn->up) {
        left /= conn->others + 1;
    }
    um_timer_start(call->timer, (left + NS_PER_MS - 1) / NS_PER_MS);
}

static void
call_on_time(void *data)
{
    um_httpc_call_t *call = data;
    httpc_conn_t *conn = call->conn;

    if (conn == NULL) {
        um_list_del(&call->link);
        call->c->waiting_count--;
        call_fail(call, call_late, false);
    } else if (conn->up) {
        httpc_conn_close(conn);
        call_fail(call, call_late, true);
    } else {
        uint32_t others = conn->others;

        httpc_conn_close(conn);
        call_unreached(call, others, call_late);
    }
}

/* ---- From the line to a connection -------------------------------------- */

static void
httpc_fail_waiting(um_httpc_t *c, const char *why)
{
    while (!um_list_is_empty(&c->waiting)) {
        um_httpc_call_t *call =
            um_list_entry(c->waiting.next, um_httpc_call_t, link);

        um_list_del(&call->link);
        c->waiting_count--;
        snprintf(
            call->why, sizeof(call->why), "name cannot be resolved: %s", why);
        call_fail(call, call->why, false);
    }
}

/* UM_AGAIN: there is none now.  UM_ERR: and will not be. */
static um_rc_t
httpc_connect(um_httpc_t *c, const um_httpc_call_t *call, httpc_conn_t **conn)
{
    const um_resolved_t *list;
    uint32_t count, which;
    um_rc_t rc;

    if (c->count >= c->limits.connections) {
        if (um_list_is_empty(&c->idle)) {
            return UM_AGAIN;
        }
        c->idle_count--; /* one that `call` does not want */
        httpc_conn_trash(um_list_entry(c->idle.prev, httpc_conn_t, link));
    }

    rc = um_resolve_get(c->resolve, &list, &count);
    if (rc != UM_OK) {
        return rc;
    }

    which = (c->best + call->tried) % count;
    *conn = httpc_conn_new(c, &list[which], which);
    if (*conn == NULL) {
        return UM_ERR;
    }

    (*conn)->others = call->tried + 1 < count ? count - 1 - call->tried : 0;
    return UM_OK;
}

static void
httpc_pump(um_httpc_t *c)
{
    while (!um_list_is_empty(&c->waiting)) {
        um_httpc_call_t *call =
            um_list_entry(c->waiting.next, um_httpc_call_t, link);
        httpc_conn_t *conn = call->fresh ? NULL : httpc_conn_idle(c);
        um_rc_t rc = conn != NULL ? UM_OK : httpc_connect(c, call, &conn);

        if (rc == UM_AGAIN) {
            return;
        }

        um_list_del(&call->link);
        c->waiting_count--;
        call->stage = CALL_ASKED;
        if (rc != UM_OK || httpc_conn_ask(conn, call) != UM_OK) {
            call_fail(call, "out of memory", false);
        }
    }
}

static void
httpc_on_name(void *data, const char *why)
{
    um_httpc_t *c = data;

    c->no_name = why;
    httpc_wake(c);
}

static void
httpc_free_list(um_list_t *conns)
{
    while (!um_list_is_empty(conns)) {
        httpc_conn_free(um_list_entry(conns->next, httpc_conn_t, link));
    }
}

static void
httpc_on_turn(void *data)
{
    um_httpc_t *c = data;
    bool gone = false;

    httpc_free_list(&c->trash);
    if (c->no_name != NULL) {
        httpc_fail_waiting(c, c->no_name);
        c->no_name = NULL;
    }
    httpc_pump(c);

    c->gone = &gone;
    um_list_join(&c->now, &c->done);
    while (!um_list_is_empty(&c->now)) {
        um_httpc_call_t *call =
            um_list_entry(c->now.next, um_httpc_call_t, link);

        um_list_del(&call->link);
        call->on_answer(&call->answer, call->data);
        call_free(call);
        if (gone) {
            return;
        }
    }
    c->gone = NULL;
}

/* ---- A server ----------------------------------------------------------- */

um_httpc_t *
um_httpc_new(um_loop_t *loop, um_jobs_t *jobs, const um_addr_t *server,
    const um_httpc_limits_t *limits)
{
    um_httpc_t *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        um_log_error(ENOMEM, "server %s", server->text);
        return NULL;
    }

    c->loop = loop;
    c->server = *server;
    c->limits = *limits;
    um_list_init(&c->idle);
    um_list_init(&c->busy);
    um_list_init(&c->trash);
    um_list_init(&c->waiting);
    um_list_init(&c->done);
    um_list_init(&c->now);

    c->turn = um_timer_new(loop, httpc_on_turn, c);
    c->sweep = um_timer_new(loop, httpc_on_sweep, c);
    c->resolve = um_resolve_new(loop, jobs, server, httpc_on_name, c);
    if (c->turn == NULL || c->sweep == NULL || c->resolve == NULL) {
        um_log_error(ENOMEM, "server %s", server->text);
        um_httpc_free(c);
        return NULL;
    }

    return c;
}

static void
httpc_drop_calls(um_list_t *calls)
{
    um_list_each_safe(l, calls)
    {
        call_free(um_list_entry(l, um_httpc_call_t, link));
    }
}

void
um_httpc_free(um_httpc_t *c)
{
    if (c->gone != NULL) {
        *c->gone = true;
    }

    um_list_each(l, &c->busy)
    {
        call_free(um_list_entry(l, httpc_conn_t, link)->call);
    }
    httpc_drop_calls(&c->waiting);
    httpc_drop_calls(&c->done);
    httpc_drop_calls(&c->now);
    httpc_free_list(&c->busy);
    httpc_free_list(&c->idle);
    httpc_free_list(&c->trash);
    if (c->resolve != NULL) {
        um_resolve_free(c->resolve);
    }
    um_timer_free(c->turn);
    um_timer_free(c->sweep);
    free(c);
}

um_httpc_load_t
um_httpc_load(const um_httpc_t *c)
{
    return (um_httpc_load_t){
        .connections = c->count,
        .idle = c->idle_count,
        .waiting = c->waiting_count,
        .opened = c->opened,
    };
}

/* ---- A call ------------------------------------------------------------- */

/* Only what is printed; blanks and tabs within a field's value. */
static bool
ask_is_clean(const char *text, bool blanks)
{
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char) *p;

        if (c == 0x7f || (c <= ' ' && !(blanks && (c == ' ' || c == '\t')))) {
            return false;
        }
    }

    return true;
}

/* NULL, or what has no place in a request.  How much room all of it needs. */
static const char *
ask_check(const um_httpc_ask_t *ask, size_t *count, size_t *room)
{
    if (ask->target[0] != '/' || !ask_is_clean(ask->target, false)) {
        return "target is no path";
    }

    *count = 0;
    *room = strlen(ask->target) + 1 + ask->body.len;
    for (const um_httpc_field_t *f = ask->fields; f != NULL && f->name != NULL;
         f++) {
        if (++*count > HTTPC_FIELDS || f->name[0] == '\0'
            || strchr(f->name, ':') != NULL || !ask_is_clean(f->name, false)
            || !ask_is_clean(f->value, true))
        {
            return "field has a forbidden character, or there are too many";
        }
        *room += strlen(f->name) + strlen(f->value) + 2;
    }
    *room += (*count + 1) * sizeof(um_httpc_field_t);
    return NULL;
}

static char *
call_copy(char **room, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = *room;

    memcpy(copy, text, len);
    *room += len;
    return copy;
}

static um_httpc_call_t *
call_new(const um_httpc_ask_t *ask, size_t count, size_t size)
{
    um_httpc_call_t *call = calloc(1, sizeof(*call) + size);
    char *room;

    if (call == NULL) {
        return NULL;
    }

    call->fields = (um_httpc_field_t *) (void *) call->room;
    room = call->room + (count + 1) * sizeof(um_httpc_field_t);
    for (size_t i = 0; i < count; i++) {
        call->fields[i].name = call_copy(&room, ask->fields[i].name);
        call->fields[i].value = call_copy(&room, ask->fields[i].value);
    }

    call->target = call_copy(&room, ask->target);
    call->method = ask->method;
    call->again = ask->again;
    call->body = (um_str_t){ room, ask->body.len };
    if (ask->body.len > 0) {
        memcpy(room, ask->body.data, ask->body.len);
    }
    um_list_init(&call->link);
    return call;
}

um_httpc_call_t *
um_httpc_ask(um_httpc_t *c, const um_httpc_ask_t *ask, um_httpc_pt on_answer,
    void *data, const char **why)
{
    um_httpc_call_t *call;
    size_t count, size;

    *why = ask_check(ask, &count, &size);
    if (*why != NULL) {
        return NULL;
    }

    if (c->waiting_count
        >= c->limits.queue + c->limits.connections - c->count + c->idle_count)
    {
        *why = "too many requests wait";
        return NULL;
    }

    call = call_new(ask, count, size);
    if (call != NULL) {
        call->timer = um_timer_new(c->loop, call_on_time, call);
    }
    if (call == NULL || call->timer == NULL) {
        free(call);
        *why = "out of memory";
        return NULL;
    }

    call->c = c;
    call->on_answer = on_answer;
    call->data = data;
    call->due_ns = um_loop_now(c->loop) + ask->timeout * NS_PER_MS;
    call->stage = CALL_WAITING;
    um_list_add_tail(&c->waiting, &call->link);
    c->waiting_count++;
    httpc_call_timer(call);
    httpc_pump(c);
    return call;
}

void
um_httpc_cancel(um_httpc_call_t *call)
{
    if (call->stage == CALL_ASKED) {
        um_httpc_t *c = call->c;

        httpc_conn_close(call->conn);
        httpc_wake(c); /* others wait for its place */
    } else {
        call->c->waiting_count -= call->stage == CALL_WAITING;
        um_list_del(&call->link);
    }
    call_free(call);
}

const char *
um_httpc_header(const um_httpc_answer_t *a, const char *name)
{
    return a->call == NULL ? NULL : httpc_head_field(a->call->head, name);
}

void
um_httpc_basic(um_sbuf_t *out, um_str_t name, um_str_t password)
{
    um_sbuf_t both = { 0 };

    um_sbuf_add_str(&both, name);
    um_sbuf_addz(&both, ":");
    um_sbuf_add_str(&both, password);
    um_sbuf_addz(out, "Basic ");
    um_base64_encode((um_str_t){ both.data, both.len }, out);
    out->failed |= both.failed;
    um_sbuf_deinit(&both);
}
