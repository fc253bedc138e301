/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/um_str.h"
#include "ctl/um_ctl_code.h"

#define ASK_BASE "/api/v3"

/* 409 RETRY: others were quicker.  Surely nothing has been done. */
#define ASK_RETRIES     5
#define ASK_RETRY_PAUSE 200 /* ms */

/* What we must not show whole. */
#define ASK_SHOWN 200

/* ---- One request -------------------------------------------------------- */

typedef struct {
    um_pool_t *pool;
    um_ctl_said_t *said;
    bool done;
} call_t;

static void
said_skew(um_ctl_said_t *said, const char *date)
{
    struct tm tm = { 0 };
    const char *end;

    if (date == NULL) {
        return;
    }

    end = strptime(date, "%a, %d %b %Y %H:%M:%S", &tm);
    if (end != NULL && strcmp(end, " GMT") == 0) {
        said->has_skew = true;
        said->skew = (int64_t) timegm(&tm) - (int64_t) time(NULL);
    }
}

static void
on_answer(const um_httpc_answer_t *a, void *data)
{
    call_t *call = data;
    um_ctl_said_t *said = call->said;

    call->done = true;
    said->status = a->status;
    said->unsure = a->unsure;
    if (a->status == 0) {
        said->why = um_ctl_printf(call->pool, "%s", a->why);
        return;
    }

    said->text = (um_str_t){
        um_ctl_strdup(call->pool, a->body),
        a->body.len,
    };
    said->json = um_ctl_json_parse(call->pool, said->text);
    said_skew(said, um_httpc_header(a, "Date"));
}

/* The value of Authorization; NULL: none. */
static const char *
ask_who(um_ctl_t *c, um_pool_t *p)
{
    const char *user = c->opts.user;
    um_sbuf_t value = { 0 };
    const char *text;
    size_t len;

    if (c->opts.token != NULL) {
        return um_ctl_printf(p, "Bearer %s", c->opts.token);
    }
    if (user == NULL) {
        return NULL;
    }

    len = strcspn(user, ":");
    um_httpc_basic(&value, (um_str_t){ user, len },
        um_str_of(user[len] == ':' ? user + len + 1 : ""));
    text = um_ctl_printf(p, "%s", um_ctl_cstr(&value));
    um_sbuf_deinit(&value);
    return text;
}

void
um_ctl_ask_at(um_ctl_t *c, uint32_t broker, const um_ctl_ask_t *ask,
    um_pool_t *p, um_ctl_said_t *said)
{
    bool reads = ask->method == UM_HTTP_GET;
    const char *who = reads ? NULL : ask_who(c, p);
    um_httpc_field_t fields[4] = { { "Accept", "application/json" } };
    char *body = ask->body != NULL ? cJSON_PrintUnformatted(ask->body) : NULL;
    size_t n = 1;
    um_httpc_ask_t http = {
        .method = ask->method,
        .target =
            um_ctl_printf(p, "%s%s", ask->root ? "" : ASK_BASE, ask->path),
        .fields = fields,
        .body = um_str_of(body),
        .timeout = ask->timeout != 0 ? ask->timeout : c->opts.timeout,
        .again = reads,
    };
    call_t call = { p, said, false };
    um_httpc_call_t *at;

    memset(said, 0, sizeof(*said));
    said->broker = c->broker[broker].addr.text;
    if (who != NULL) {
        fields[n++] = (um_httpc_field_t){ "Authorization", who };
    }
    if (body != NULL) {
        fields[n] = (um_httpc_field_t){ "Content-Type", "application/json" };
    }

    at = um_httpc_ask(
        c->broker[broker].http, &http, on_answer, &call, &said->why);
    cJSON_free(body);
    if (at != NULL && !um_ctl_until(c, &call.done)) {
        um_httpc_cancel(at);
        said->why = "interrupted";
        said->unsure = !reads;
    }
}

static bool
said_retry(const um_ctl_said_t *said)
{
    const char *code = um_ctl_json_text(said->json, "error");

    return said->status == 409 && code != NULL && strcmp(code, "RETRY") == 0;
}

/* The others, while it is only a question. */
static void
ask_others(
    um_ctl_t *c, const um_ctl_ask_t *ask, um_pool_t *p, um_ctl_said_t *said)
{
    um_ctl_said_t first = *said;

    for (uint32_t i = 1; i < c->brokers && !c->interrupted; i++) {
        um_ctl_ask_at(c, i, ask, p, said);
        if (said->status != 0) {
            um_ctl_note(c, "broker %s: %s: broker %s is asked", first.broker,
                first.why, said->broker);
            c->at = i;
            return;
        }
    }

    *said = first;
}

void
um_ctl_ask(
    um_ctl_t *c, const um_ctl_ask_t *ask, um_pool_t *p, um_ctl_said_t *said)
{
    if (ask->method == UM_HTTP_GET) {
        um_ctl_ask_at(c, c->at, ask, p, said);
        if (said->status == 0 && c->at == 0) {
            ask_others(c, ask, p, said);
        }
        return;
    }

    for (int i = 0; i < ASK_RETRIES; i++) {
        um_ctl_ask_at(c, 0, ask, p, said);
        if (!said_retry(said) || !um_ctl_pause(c, ASK_RETRY_PAUSE)) {
            return;
        }
    }
}

/* ---- What it means ------------------------------------------------------ */

static int
judge_none(um_ctl_t *c, const um_ctl_ask_t *ask, const um_ctl_said_t *said)
{
    bool changes = ask->method != UM_HTTP_GET;

    if (c->interrupted) {
        return um_ctl_interrupted(c);
    }
    if (changes && said->unsure) {
        return um_ctl_fail(c, UM_CTL_UNREACHED, "UNSURE",
            "broker %s: %s: it may have been done or not: look before you "
            "repeat it",
            said->broker, said->why);
    }
    if (changes && c->brokers > 1) {
        return um_ctl_fail(c, UM_CTL_UNREACHED, "UNREACHABLE",
            "broker %s: %s: nothing was changed; if it is gone for good, give "
            "--broker with the one that takes its place",
            said->broker, said->why);
    }
    return um_ctl_fail(c, UM_CTL_UNREACHED, "UNREACHABLE",
        "broker %s: %s: does it run? --broker says where", said->broker,
        said->why);
}

static int
judge_code(um_ctl_t *c, const um_ctl_said_t *said, const char *code)
{
    const char *words = um_ctl_code_words(code);
    const char *key = um_ctl_json_text(said->json, "key");
    const char *value = um_ctl_json_text(said->json, "value");
    const char *message = um_ctl_json_text(said->json, "message");
    um_sbuf_t text = { 0 };
    int status;

    um_sbuf_addz(&text, words != NULL ? words : "the broker refused");
    if (key != NULL && value != NULL) {
        um_sbuf_addf(&text, ": %s=%s", key, value);
    }
    if (message != NULL) {
        um_sbuf_addf(&text, ": %s",
            strcmp(message, "FIELD_NOT_FOUND") == 0 ? "there is no such key"
            : strcmp(message, "INVALID_VALUE") == 0 ? "it cannot have that "
                                                      "value"
                                                    : message);
    }
    status = um_ctl_fail(
        c, UM_CTL_REFUSED, code, "%s (%s)", um_ctl_cstr(&text), code);
    um_sbuf_deinit(&text);
    return status;
}

int
um_ctl_judge(um_ctl_t *c, const um_ctl_ask_t *ask, const um_ctl_said_t *said)
{
    const char *code = um_ctl_json_text(said->json, "error");
    int shown = (int) um_min(said->text.len, (size_t) ASK_SHOWN);

    if (said->status == 0) {
        return judge_none(c, ask, said);
    }
    if (said->status == 200) {
        return UM_CTL_DONE;
    }
    if (said->status == 401) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "UNAUTHORIZED", "broker %s: %s",
            said->broker,
            c->opts.token == NULL && c->opts.user == NULL
                ? "who changes something has to say who he is: set "
                  "UNDERMOONCTL_TOKEN or UNDERMOONCTL_USER"
                : "it does not know this token or user");
    }
    if (code != NULL) {
        return judge_code(c, said, code);
    }
    if (said->status == 404 || said->status == 405) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "NOT_SUPPORTED",
            "%s knows no such request (%u): is it a broker, and a recent one?",
            said->broker, said->status);
    }
    return um_ctl_fail(c, UM_CTL_REFUSED, "REFUSED",
        "broker %s refused (%u): %.*s", said->broker, said->status, shown,
        shown > 0 ? said->text.data : "");
}

int
um_ctl_nonsense(um_ctl_t *c, const char *path, const char *what)
{
    return um_ctl_fail(c, UM_CTL_UNREACHED, "NONSENSE",
        "%s gives no sensible answer to %s: %s: is it a broker?",
        c->broker[c->at].addr.text, path, what);
}

int
um_ctl_get(um_ctl_t *c, um_pool_t *p, const char *path, const cJSON **json)
{
    um_ctl_ask_t ask = { .method = UM_HTTP_GET, .path = path };
    um_ctl_said_t said;
    int status;

    um_ctl_ask(c, &ask, p, &said);
    status = um_ctl_judge(c, &ask, &said);
    if (status != UM_CTL_DONE) {
        return status;
    }
    if (said.json == NULL) {
        return um_ctl_nonsense(c, path, "it is no JSON");
    }
    *json = said.json;
    return UM_CTL_DONE;
}

int
um_ctl_change(um_ctl_t *c, unsigned method, const char *path, const cJSON *body,
    um_ctl_said_t *said)
{
    um_ctl_ask_t ask = { .method = method, .path = path, .body = body };

    um_ctl_ask(c, &ask, c->pool, said);
    return um_ctl_judge(c, &ask, said);
}

const char *
um_ctl_escape(um_pool_t *p, const char *name)
{
    um_sbuf_t out = { 0 };
    const char *text;

    /* The reference undoes no escapes: what may stand in a path, does. */
    for (; *name != '\0'; name++) {
        unsigned char ch = (unsigned char) *name;

        if ((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z')
            || (ch >= 'A' && ch <= 'Z') || strchr("-._~@:", ch) != NULL)
        {
            um_sbuf_add(&out, name, 1);
        } else {
            um_sbuf_addf(&out, "%%%02X", ch);
        }
    }

    text = um_ctl_printf(p, "%s", um_ctl_cstr(&out));
    um_sbuf_deinit(&out);
    return text;
}
