/*
 * An external store: one JSON object behind an HTTP server, with a version
 * that it checks.  Several brokers may share it.
 *
 *   GET                 what there is, and its version
 *   PUT with a version  takes its place if that is still the version
 *
 * One request at a time, and none of them twice.  A PUT whose answer is lost
 * may have been executed: the changes in it are answered with an error, and
 * the next GET tells what came of them.
 *
 * What cannot be used is refused, and what was good last goes on being read:
 * broken metadata, an epoch that has gone back, a store that has become empty.
 *
 * Begin, once a second until there is something:
 *
 *   GET  -> metadata            ready
 *        -> nothing, once       PUT an empty one, then GET again
 *        -> anything else       again in a second
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "broker.h"
#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "http/um_httpc.h"
#include "net/um_resolve.h"
#include "storage_wire.h"

#define AGAIN_MS 1000 /* while it cannot be read */

#define HEAD_MAX 16384 /* bytes of an answer's head */

/* What a store may have around its dump. */
#define BODY_SLACK 65536

typedef struct external_s {
    broker_t *b;
    um_jobs_t *names; /* to resolve; NULL: it is an address */
    um_httpc_t *http;
    um_sbuf_t path;
    um_sbuf_t authorization;
    um_httpc_call_t *call; /* under way */
    um_timer_t *tick;      /* to the next GET that nobody waits for */
    bool wanted;           /* changes_fetched() is waited for  */
    bool offered;          /* an empty one, as there is nothing */

    um_sbuf_t version; /* of b->store, as it was said; empty: not known */
    um_sbuf_t text;    /* b->store as it lies there                     */
    um_sbuf_t sent;    /* what is PUT there                             */
    bool unsure;       /* or was, and nobody knows whether it came to be */
} external_t;

static um_str_t
str_of(const um_sbuf_t *b)
{
    return (um_str_t){ b->data, b->len };
}

static void
sbuf_set(um_sbuf_t *b, um_str_t s)
{
    b->failed = false;
    um_sbuf_clear(b);
    um_sbuf_add_str(b, s);
}

/* Why it is no good, and what is said to who waits for it.  A refusal to write
 * may stand though reading works. */
static store_rc_t
external_complain(
    external_t *x, trouble_t kind, const char *what, const um_httpc_answer_t *a)
{
    if (a->status != 0) {
        storage_trouble(
            x->b, kind, 0, "%s was answered with %u", what, a->status);
        return STORE_EXTERNAL;
    }

    storage_trouble(x->b, TROUBLE_REACH, 0, "%s: %s", what, a->why);
    return a->late ? STORE_EXTERNAL_TIMEOUT : STORE_EXTERNAL;
}

/* ---- Requests ----------------------------------------------------------- */

static um_rc_t
external_ask(external_t *x, unsigned method, const um_sbuf_t *body,
    um_httpc_pt on_answer)
{
    const um_httpc_field_t fields[] = {
        { "Authorization", um_sbuf_cstr(&x->authorization) },
        { body != NULL ? "Content-Type" : NULL, "application/json" },
        { NULL, NULL },
    };
    const um_httpc_ask_t ask = {
        .method = method,
        .target = um_sbuf_cstr(&x->path),
        .fields = fields,
        .body = body != NULL ? str_of(body) : (um_str_t){ NULL, 0 },
        .timeout = x->b->conf->storage_timeout,
        .again = method == UM_HTTP_GET,
    };
    const char *why;

    um_assert(x->call == NULL);
    x->call = um_httpc_ask(x->http, &ask, on_answer, x, &why);
    if (x->call == NULL) {
        storage_trouble(x->b, TROUBLE_REACH, 0, "cannot be asked: %s", why);
        return UM_ERR;
    }

    um_timer_stop(x->tick);
    return UM_OK;
}

static void external_on_got(const um_httpc_answer_t *a, void *data);
static void external_done(external_t *x, store_rc_t rc);

static void
external_get(external_t *x)
{
    if (external_ask(x, UM_HTTP_GET, NULL, external_on_got) != UM_OK) {
        external_done(x, STORE_EXTERNAL);
    }
}

static void
external_on_tick(void *data)
{
    external_t *x = data;

    if (x->call == NULL) {
        external_get(x);
    }
}

/* ---- What is there ------------------------------------------------------ */

/* What came of the PUT that nobody answered, now that `now` is there. */
static void
external_settle(external_t *x, um_str_t now)
{
    if (!x->unsure) {
        return;
    }

    x->unsure = false;
    um_log_notice(0, "%s: the changes that it did not answer %s",
        um_sbuf_cstr(&x->b->where),
        um_str_eq(now, str_of(&x->sent))
            ? "have been made"
            : "have not been made so far, or others have followed");
}

/* It is there as `w` says, and b->store is the same. */
static void
external_note(external_t *x, const wire_t *w)
{
    sbuf_set(&x->version, w->version);
    sbuf_set(&x->text, w->store);
    if (x->version.failed || x->text.failed) {
        um_log_error(ENOMEM, "%s", um_sbuf_cstr(&x->b->where));
        um_sbuf_deinit(&x->version);
        um_sbuf_deinit(&x->text);
    }
}

/* `s`, taken, is what `w` has.  Is it of use?  It is what we have, mostly,
 * written in another way: then that stays, with all that is kept of it. */
static store_rc_t
external_judge(external_t *x, const wire_t *w, store_t *s)
{
    broker_t *b = x->b;
    um_sbuf_t ours = { 0 };
    um_sbuf_t theirs = { 0 };
    store_rc_t rc = STORE_OK;

    store_dump(b->store, &ours);
    store_dump(s, &theirs);
    if (ours.failed || theirs.failed) {
        um_log_error(ENOMEM, "%s", um_sbuf_cstr(&b->where));
        rc = STORE_NO_MEMORY;
    } else if (store_epoch(s) < store_epoch(b->store)) {
        storage_trouble(b, TROUBLE_REACH, 0,
            "its epoch has gone back, from %" PRIu64 " to %" PRIu64
            ", which is refused until the broker is started anew",
            store_epoch(b->store), store_epoch(s));
        rc = STORE_EXTERNAL;
    } else {
        external_note(x, w);
        external_settle(x, str_of(&theirs));
        if (!um_str_eq(str_of(&ours), str_of(&theirs))) {
            changes_adopt(b, s);
            s = NULL;
        }
    }

    store_free(s);
    um_sbuf_deinit(&ours);
    um_sbuf_deinit(&theirs);
    return rc;
}

static store_rc_t
external_take(external_t *x, const wire_t *w)
{
    broker_t *b = x->b;
    store_why_t why = { 0 };
    store_t *s;
    store_rc_t rc;

    if (b->ready
        && ((w->version.len > 0 && um_str_eq(w->version, str_of(&x->version)))
            || um_str_eq(w->store, str_of(&x->text))))
    {
        external_settle(x, str_of(&x->text));
        sbuf_set(&x->version, w->version);
        return STORE_OK;
    }

    rc = store_load(w->store, true, broker_env(b), &s, &why);
    if (rc == STORE_OK) {
        return external_judge(x, w, s);
    }
    if (rc == STORE_NO_MEMORY) {
        um_log_error(ENOMEM, "%s", um_sbuf_cstr(&b->where));
        return rc;
    }

    storage_trouble(b, TROUBLE_REACH, 0, "what it has is refused: %s %s %s",
        store_rc_name(rc), why.field, why.message);
    return STORE_EXTERNAL;
}

static store_rc_t
external_read(external_t *x, const um_httpc_answer_t *a)
{
    const char *wrong;
    wire_t w;

    if (a->status / 100 != 2) {
        return external_complain(x, TROUBLE_REACH, "reading it", a);
    }

    wrong = wire_read(a->body, &w);
    if (wrong == NULL && w.store.len == 0) {
        wrong = "has no metadata";
    }
    if (wrong != NULL) {
        storage_trouble(x->b, TROUBLE_REACH, 0, "its answer %s", wrong);
        return STORE_EXTERNAL;
    }

    return external_take(x, &w);
}

/* ---- Begin -------------------------------------------------------------- */

static bool
external_is_new(const um_httpc_answer_t *a, wire_t *w)
{
    *w = (wire_t){ .store = { NULL, 0 } };
    return a->status == 404
           || (a->status / 100 == 2 && wire_read(a->body, w) == NULL
               && w->store.len == 0);
}

static void
external_on_offered(const um_httpc_answer_t *a UM_UNUSED, void *data)
{
    external_t *x = data;

    x->call = NULL;
    external_get(x); /* that tells what came of it */
}

/* There is nothing yet: put an empty one there.  False: it cannot be.  A store
 * that has got something meanwhile does not take it. */
static bool
external_offer(external_t *x, um_str_t version)
{
    um_sbuf_t dump = { 0 };
    um_sbuf_t body = { 0 };

    store_dump(x->b->store, &dump);
    wire_write(str_of(&dump), version, &body);
    if (dump.failed || body.failed) {
        um_log_error(ENOMEM, "%s", um_sbuf_cstr(&x->b->where));
    } else {
        x->offered =
            external_ask(x, UM_HTTP_PUT, &body, external_on_offered) == UM_OK;
    }

    um_sbuf_deinit(&dump);
    um_sbuf_deinit(&body);
    return x->offered;
}

/* ---- A read is over ----------------------------------------------------- */

static store_rc_t
apply_purge(broker_t *b, store_t *s UM_UNUSED, change_t *c)
{
    c->after = b->purged;
    return STORE_OK;
}

/* Reports that have expired go for good, as nobody asks for it otherwise. */
static void
external_purge(broker_t *b)
{
    store_t *copy = changes_are_idle(b) ? store_copy(b->store) : NULL;
    change_t *c;

    if (copy == NULL) {
        return;
    }

    store_purge(copy, broker_env(b));
    if (store_serial(copy) != store_serial(b->store)) {
        c = change_new(NULL, apply_purge);
        if (c != NULL) {
            change_add(b, c);
        }
    }
    store_free(copy);
}

/* Nothing is under way.  Whoever waits is told; the next one is in time. */
static void
external_done(external_t *x, store_rc_t rc)
{
    broker_t *b = x->b;

    um_timer_start(x->tick, b->ready && b->trouble == TROUBLE_NONE
                                ? b->conf->refresh_interval
                                : um_min(b->conf->refresh_interval, AGAIN_MS));

    if (x->wanted) {
        x->wanted = false;
        changes_fetched(b, rc);
    } else if (rc == STORE_OK) {
        external_purge(b);
    }
}

static void
external_on_got(const um_httpc_answer_t *a, void *data)
{
    external_t *x = data;
    broker_t *b = x->b;
    store_rc_t rc;
    wire_t w;

    x->call = NULL;
    b->stats.reads++;
    if (!b->ready && !x->offered && external_is_new(a, &w)
        && external_offer(x, w.version))
    {
        return;
    }

    x->offered = false;
    rc = external_read(x, a);
    b->stats.read_failures += rc != STORE_OK;
    if (rc == STORE_OK) {
        b->read_ns = um_loop_now(b->loop);
        storage_works(b, TROUBLE_REACH);
    }
    if (rc == STORE_OK && !b->ready) {
        b->ready = true;
        storage_tell(b);
        changes_hold(b, false);
    }

    external_done(x, rc);
}

/* ---- A batch ------------------------------------------------------------ */

static void
external_fetch(broker_t *b)
{
    external_t *x = b->external;

    x->wanted = true;
    if (x->call == NULL) {
        external_get(x);
    }
}

static void
external_on_put(const um_httpc_answer_t *a, void *data)
{
    external_t *x = data;
    broker_t *b = x->b;
    store_rc_t rc = STORE_OK;

    x->call = NULL;
    um_sbuf_clear(&x->version); /* a PUT does not say the new one */
    um_timer_start(x->tick, b->conf->refresh_interval);

    if (a->status / 100 == 2) {
        um_sbuf_t old = x->text;

        x->text = x->sent;
        x->sent = old;
        b->stats.saves++;
        b->read_ns = um_loop_now(b->loop);
        storage_works(b, TROUBLE_KEEP);
    } else if (a->status == 409) {
        b->stats.conflicts++;
        rc = STORE_RETRY;
    } else {
        b->stats.save_failures++;
        x->unsure = a->status != 0 || a->unsure;
        b->stats.unsure += x->unsure;
        rc = external_complain(x, TROUBLE_KEEP, "writing to it", a);
        um_timer_start(x->tick, 0); /* what has come of it? */
    }

    changes_kept(b, rc);
}

static void
external_keep(broker_t *b)
{
    external_t *x = b->external;
    um_sbuf_t body = { 0 };
    store_rc_t rc = STORE_OK;

    um_sbuf_clear(&x->sent);
    store_dump(b->next, &x->sent);
    wire_write(str_of(&x->sent), str_of(&x->version), &body);

    if (x->version.len == 0) {
        storage_trouble(b, TROUBLE_KEEP, 0, "it tells no version");
        rc = STORE_EMPTY_EXTERNAL_VERSION;
    } else if (x->sent.failed || body.failed) {
        um_log_error(ENOMEM, "%s", um_sbuf_cstr(&b->where));
        um_sbuf_deinit(&x->sent);
        rc = STORE_NO_MEMORY;
    } else if (external_ask(x, UM_HTTP_PUT, &body, external_on_put) != UM_OK) {
        rc = STORE_EXTERNAL;
    }

    um_sbuf_deinit(&body);
    if (rc != STORE_OK) {
        b->stats.save_failures++;
        changes_kept(b, rc);
    }
}

/* ---- Life --------------------------------------------------------------- */

static um_rc_t
external_open(broker_t *b)
{
    const broker_conf_t *conf = b->conf;
    const um_httpc_limits_t limits = {
        .connections = 1,
        .queue = 1,
        .idle_timeout = um_max(conf->refresh_interval * 2, 30000u),
        .header_max = HEAD_MAX,
        .body_max = conf->metadata_limit + BODY_SLACK,
    };
    um_str_t name = um_str_of(conf->external_name);
    external_t *x = calloc(1, sizeof(*x));

    b->external = x;
    um_sbuf_addf(&b->where, "external store %s %s", conf->external->text,
        conf->external_name);
    b->store = store_new(conf->ordered); /* until there is something */
    if (x == NULL || b->store == NULL) {
        um_log_error(ENOMEM, "external store");
        return UM_ERR;
    }

    x->b = b;
    wire_path(name, &x->path);
    um_httpc_basic(&x->authorization, name, um_str_of(conf->external_password));
    if (conf->external->kind == UM_ADDR_NAME) {
        x->names = um_jobs_new(b->loop, 1);
        if (x->names == NULL) {
            return UM_ERR;
        }
    }

    x->http = um_httpc_new(b->loop, x->names, conf->external, &limits);
    x->tick = um_timer_new(b->loop, external_on_tick, x);
    if (x->http == NULL || x->tick == NULL || x->path.failed
        || x->authorization.failed || b->where.failed)
    {
        um_log_error(ENOMEM, "external store");
        return UM_ERR;
    }

    um_timer_start(x->tick, 0);
    return UM_OK;
}

static void
external_close(broker_t *b)
{
    external_t *x = b->external;

    if (x == NULL) {
        return;
    }

    if (x->http != NULL) {
        um_httpc_free(x->http);
    }
    if (x->names != NULL) {
        um_jobs_free(x->names, um_resolve_drop);
    }
    um_timer_free(x->tick);
    um_sbuf_deinit(&x->path);
    um_sbuf_deinit(&x->authorization);
    um_sbuf_deinit(&x->version);
    um_sbuf_deinit(&x->text);
    um_sbuf_deinit(&x->sent);
    free(x);
    b->external = NULL;
}

const storage_t storage_http = {
    .name = "http",
    .shared = true,
    .open = external_open,
    .close = external_close,
    .fetch = external_fetch,
    .keep = external_keep,
};
