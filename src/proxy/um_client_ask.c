/*
 * um_client_ask.c -- CLIENT LIST, KILL and UNBLOCK: all workers are asked, so
 * that it does not matter which one a client has landed on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_client_ask.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_block.h"
#include "proxy/um_client_pick.h"
#include "proxy/um_client_walk.h"
#include "resp/um_put.h"

/*
 * What one CLIENT LIST, KILL or UNBLOCK means to one worker: its own clients
 * are walked through, and at the asker the others' answers come in meanwhile.
 */
typedef struct client_ask_s client_ask_t;

struct client_ask_s {
    um_worker_t *w;
    um_sbuf_t own;  /* LIST: our lines */
    uint64_t count; /* KILL, UNBLOCK: how many */
    uint32_t left;  /* what is waited for: the walk, the others */

    um_bus_answer_t *answer; /* at another worker */

    um_req_t *r; /* at the asker: who is answered */
    uint64_t asker;
    int proto;
    bool by_addr; /* KILL of the old form */
    um_sbuf_t theirs;
    void (*end)(client_ask_t *a, um_str_t theirs);

    um_client_pick_t pick; /* as far as it means something */
};

static client_ask_t *
client_ask_new(um_worker_t *w, const um_client_pick_t *p)
{
    size_t size = um_client_pick_size(p);
    client_ask_t *a = malloc(offsetof(client_ask_t, pick) + size);

    if (a == NULL) {
        return NULL;
    }

    memset(a, 0, offsetof(client_ask_t, pick));
    memcpy(&a->pick, p, size);
    a->w = w;
    a->left = 1;

    return a;
}

static void
client_ask_free(client_ask_t *a)
{
    um_sbuf_deinit(&a->own);
    um_sbuf_deinit(&a->theirs);
    free(a);
}

static void
client_visit_list(um_client_t *c, void *data)
{
    client_ask_t *a = data;

    if (um_client_pick_match(&a->pick, c)) {
        um_client_line(&a->own, c, um_worker_now(a->w));
    }
}

/* Who asked was dealt with when he did. */
static void
client_visit_kill(um_client_t *c, void *data)
{
    client_ask_t *a = data;

    if (c->st.id != a->asker && um_client_pick_match(&a->pick, c)) {
        um_client_kill(c);
        a->count++;
    }
}

static void
client_visit_unblock(um_client_t *c, void *data)
{
    client_ask_t *a = data;

    if (um_client_pick_match(&a->pick, c)
        && um_block_unblock(c, a->pick.with_error != 0))
    {
        a->count++;
    }
}

/* ---- at another worker ---- */

static void
client_answered_list(void *data)
{
    client_ask_t *a = data;
    um_sbuf_t *out = um_bus_answer_text(a->answer);

    /* It is still empty: let it have our lines as they are. */
    *out = a->own;
    a->own = (um_sbuf_t){ 0 };
    um_bus_answer_end(a->w->bus, a->answer);
    client_ask_free(a);
}

static void
client_answered_count(void *data)
{
    client_ask_t *a = data;
    um_sbuf_t *out = um_bus_answer_text(a->answer);

    um_sbuf_add_u64(out, a->count);
    um_sbuf_addz(out, "\n");
    um_bus_answer_end(a->w->bus, a->answer);
    client_ask_free(a);
}

static void
client_answer(um_worker_t *w, um_str_t question, um_bus_answer_t *answer,
    um_client_visit_pt visit, um_client_walked_pt walked)
{
    static um_client_pick_t p;
    client_ask_t *a = NULL;

    if (um_client_pick_take(&p, question) != UM_OK) {
        um_log_alert(0, "bus: CLIENT asked in a way unknown here");
    } else {
        a = client_ask_new(w, &p);
    }

    if (a != NULL) {
        a->answer = answer;
        if (um_client_walk(w, visit, walked, a) == UM_OK) {
            return;
        }
        client_ask_free(a);
    }

    um_bus_answer_end(w->bus, answer);
}

static void
client_answer_list(um_worker_t *w, um_str_t question, um_bus_answer_t *answer)
{
    client_answer(w, question, answer, client_visit_list, client_answered_list);
}

static void
client_answer_kill(um_worker_t *w, um_str_t question, um_bus_answer_t *answer)
{
    client_answer(
        w, question, answer, client_visit_kill, client_answered_count);
}

static void
client_answer_unblock(
    um_worker_t *w, um_str_t question, um_bus_answer_t *answer)
{
    client_answer(
        w, question, answer, client_visit_unblock, client_answered_count);
}

void
um_client_ask_serve(um_bus_t *bus)
{
    um_bus_serve(bus, UM_BUS_CLIENT_LIST, client_answer_list);
    um_bus_serve(bus, UM_BUS_CLIENT_KILL, client_answer_kill);
    um_bus_serve(bus, UM_BUS_CLIENT_UNBLOCK, client_answer_unblock);
}

/* ---- at the asker ---- */

/* The lines may be megabytes: from here straight to the client. */
static void
client_end_list(client_ask_t *a, um_str_t theirs)
{
    um_req_t *r = a->r;
    um_sbuf_t head = { 0 };

    um_put_text_head(&head, a->own.len + theirs.len, a->proto);
    if (head.failed || a->own.failed || a->theirs.failed) {
        um_req_error(r, "ERR out of memory");
    } else {
        um_req_reply(r, head.data, head.len, false);
        um_req_reply(r, a->own.data, a->own.len, false);
        um_req_reply(r, theirs.data, theirs.len, false);
        r->async = false;
        um_req_reply(r, "\r\n", 2, true);
    }

    um_sbuf_deinit(&head);
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
client_end_count(client_ask_t *a, um_str_t theirs)
{
    uint64_t count = a->count + client_sum(theirs);

    if (!a->by_addr) {
        um_put_int(um_req_begin(a->r), (int64_t) count);
        um_req_end(a->r);
    } else if (count > 0) {
        um_req_ok(a->r);
    } else {
        um_req_error(a->r, "ERR No such client");
    }
}

static void
client_end_refused(client_ask_t *a, UM_UNUSED um_str_t theirs)
{
    um_req_error(a->r, "ERR the other workers cannot be asked now, try again");
}

/* The others have answered. */
static void
client_asked(void *data, um_str_t answers)
{
    client_ask_t *a = data;

    if (--a->left > 0) {
        um_sbuf_add_str(&a->theirs, answers);
        return;
    }

    a->end(a, answers);
    client_ask_free(a);
}

/* Our own have been walked through. */
static void
client_walked(void *data)
{
    client_ask_t *a = data;

    if (--a->left == 0) {
        a->end(a, (um_str_t){ a->theirs.data, a->theirs.len });
        client_ask_free(a);
    }
}

/* Ask the others, and walk through our own; NULL: `r` has got its error. */
static client_ask_t *
client_ask(um_req_t *r, um_bus_what_t what, const um_client_pick_t *p,
    um_client_visit_pt visit, void (*end)(client_ask_t *, um_str_t))
{
    um_str_t question = { (const char *) p, um_client_pick_size(p) };
    client_ask_t *a = client_ask_new(r->w, p);

    if (a == NULL || um_client_walk(r->w, visit, client_walked, a) != UM_OK) {
        free(a);
        um_req_error(r, "ERR out of memory");
        return NULL;
    }

    a->r = r;
    a->proto = r->client->st.proto;
    a->asker = r->client->st.id;
    a->end = end;
    um_req_hold(r);

    if (um_bus_ask(r->w->bus, what, question, client_asked, a) == UM_OK) {
        a->left++;
    } else {
        a->pick.type = UM_PICK_OTHER; /* nobody is meant any more */
        a->end = client_end_refused;
    }

    return a;
}

static void
client_wrong(um_req_t *r, um_sbuf_t *err)
{
    um_req_error(r, "%s", um_sbuf_cstr(err));
    um_sbuf_deinit(err);
}

void
um_client_ask_list(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static um_client_pick_t p;
    um_sbuf_t err = { 0 };

    if (um_client_pick_list(&p, argv, argc, &err) != UM_OK) {
        client_wrong(r, &err);
        return;
    }

    (void) client_ask(
        r, UM_BUS_CLIENT_LIST, &p, client_visit_list, client_end_list);
}

void
um_client_ask_kill(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static um_client_pick_t p;
    um_sbuf_t err = { 0 };
    client_ask_t *a;

    if (um_client_pick_kill(&p, argv, argc, r->client->st.id, &err) != UM_OK) {
        client_wrong(r, &err);
        return;
    }

    a = client_ask(
        r, UM_BUS_CLIENT_KILL, &p, client_visit_kill, client_end_count);
    if (a == NULL) {
        return;
    }

    /* Who kills himself still gets the answer, and nothing behind it. */
    a->by_addr = argc == 3;
    if (um_client_pick_match(&a->pick, r->client)) {
        a->count = 1;
        um_client_close_after(r->client);
    }
}

/* An id is one client's at most: the sum is 0 or 1. */
void
um_client_ask_unblock(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static um_client_pick_t p;
    bool with_error = false;
    int64_t id;

    if (argc > 4) {
        um_req_error(r,
            "ERR unknown subcommand or wrong number of arguments "
            "for '%.*s'. Try CLIENT HELP.",
            um_str_fmt(argv[1]));
        return;
    }

    if (argc == 4) {
        with_error = um_str_ieq(argv[3], um_lit("error"));
        if (!with_error && !um_str_ieq(argv[3], um_lit("timeout"))) {
            um_req_error(
                r, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    }

    if (um_str_to_arg(argv[2], &id) != UM_OK) {
        um_req_error(r, "ERR value is not an integer or out of range");
        return;
    }

    um_client_pick_one(&p, (uint64_t) id);
    p.with_error = with_error;
    (void) client_ask(
        r, UM_BUS_CLIENT_UNBLOCK, &p, client_visit_unblock, client_end_count);
}
