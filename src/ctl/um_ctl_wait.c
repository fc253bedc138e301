/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_wait.h"

#include <inttypes.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_str.h"

#define WAIT_PAUSE 500 /* ms between two looks */

/* Where nobody watches a terminal, so often. */
#define WAIT_LINE 10000 /* ms */

#define NS_PER_MS UINT64_C(1000000)

/* What has been said of it. */
typedef struct {
    um_sbuf_t text;
    uint64_t at_ns;
    unsigned phase;
} said_t;

/* On a terminal all of it as it changes; elsewhere not a line each half second
 * of something that may take hours. */
static void
wait_say(um_ctl_wait_t *w, said_t *said)
{
    um_ctl_t *c = w->c;
    uint64_t now = um_clock_ns();
    um_sbuf_t text = { 0 };

    if (w->now.len > 0) {
        um_sbuf_addf(&text, "%s: %s", w->cluster, um_ctl_cstr(&w->now));
    }
    if (c->terminal) {
        um_sbuf_addf(&text, "\n%s", um_ctl_cstr(&w->more));
    }

    if (strcmp(um_ctl_cstr(&text), um_ctl_cstr(&said->text)) == 0
        || (!c->terminal && w->stalls && w->phase == said->phase
            && now - said->at_ns < WAIT_LINE * NS_PER_MS))
    {
        um_sbuf_deinit(&text);
        return;
    }

    um_ctl_progress(c, um_ctl_cstr(&text));
    um_sbuf_deinit(&said->text);
    *said = (said_t){ text, now, w->phase };
}

static int
wait_look(um_ctl_wait_t *w, um_ctl_look_pt look, void *data)
{
    um_ctl_t *c = w->c;
    int status;

    w->p = um_ctl_pool();
    um_sbuf_clear(&w->now);
    um_sbuf_clear(&w->more);
    w->phase = 0;
    status = look(w, data);
    um_pool_free(w->p);
    if (c->interrupted) {
        return UM_CTL_INTERRUPTED;
    }
    return !w->gone ? status
                    : um_ctl_fail(c, UM_CTL_REFUSED, "CLUSTER_NOT_FOUND",
                        "%s: somebody has deleted it", w->cluster);
}

static int
wait_for(um_ctl_wait_t *w, um_ctl_look_pt look, void *data, said_t *said)
{
    um_ctl_t *c = w->c;
    uint64_t since = um_clock_ns();
    uint64_t progress = 0;

    while (true) {
        int status = wait_look(w, look, data);

        if (status != UM_CTL_LATE) {
            return status;
        }
        if (w->stalls && w->progress != progress) {
            progress = w->progress;
            since = um_clock_ns();
        }

        wait_say(w, said);
        if (!w->for_ever
            && um_clock_ns() - since >= c->opts.wait_timeout * NS_PER_MS) {
            return um_ctl_fail(c, UM_CTL_LATE, "TIMED_OUT",
                "%s: not in time, but it goes on: %s", w->cluster,
                um_ctl_cstr(&w->now));
        }
        if (!um_ctl_pause(c, WAIT_PAUSE)) {
            return UM_CTL_INTERRUPTED;
        }
    }
}

int
um_ctl_wait(um_ctl_wait_t *w, um_ctl_look_pt look, void *data)
{
    said_t said = { 0 };
    int status = wait_for(w, look, data, &said);

    um_sbuf_deinit(&said.text);
    um_sbuf_deinit(&w->now);
    um_sbuf_deinit(&w->more);
    if (!w->c->interrupted) {
        return status;
    }
    return w->interrupted == NULL ? um_ctl_interrupted(w->c)
                                  : um_ctl_fail(w->c, UM_CTL_INTERRUPTED,
                                      "INTERRUPTED", "%s", w->interrupted);
}

const cJSON *
um_ctl_wait_get(um_ctl_wait_t *w, const char *what)
{
    um_ctl_ask_t ask = {
        .method = UM_HTTP_GET,
        .path = um_ctl_printf(
            w->p, "/clusters/%s/%s", what, um_ctl_escape(w->p, w->cluster)),
    };
    um_ctl_said_t said;

    um_ctl_ask(w->c, &ask, w->p, &said);
    w->gone = said.status == 404;
    if (said.status == 200 && said.json != NULL) {
        return said.json;
    }

    um_sbuf_addf(&w->now, "broker %s: %s", said.broker,
        said.status == 0 ? said.why : "gives no sensible answer");
    return NULL;
}

bool
um_ctl_wait_view(um_ctl_wait_t *w, um_ctl_view_t *v)
{
    const cJSON *json = um_ctl_wait_get(w, "meta");
    const char *wrong;

    if (json == NULL) {
        return false;
    }
    json = cJSON_GetObjectItemCaseSensitive(json, "cluster");
    w->gone = cJSON_IsNull(json);
    wrong = um_ctl_view_parse(v, json, w->p);
    if (wrong != NULL) {
        um_sbuf_addf(&w->now, "the broker's answer makes no sense: %s", wrong);
        return false;
    }
    return true;
}

bool
um_ctl_wait_info(um_ctl_wait_t *w, um_ctl_info_t *info)
{
    const cJSON *json = um_ctl_wait_get(w, "info");

    if (json == NULL) {
        return false;
    }
    if (!um_ctl_info_parse(info, json)) {
        um_sbuf_addz(&w->now, "the broker's answer makes no sense");
        return false;
    }
    return true;
}

/* ---- Ready -------------------------------------------------------------- */

/* NULL: it is. */
static const char *
not_ready(um_pool_t *p, const um_ctl_probe_t *probe, uint64_t epoch)
{
    const um_ctl_health_t *h = &probe->health;

    if (probe->why != NULL) {
        return probe->why;
    }
    if (h->epoch < epoch) {
        return um_ctl_printf(p,
            "knows epoch %" PRIu64 ", not %" PRIu64 ": does a coordinator run?",
            h->epoch, epoch);
    }
    if (h->detailed && h->repl_epoch < epoch) {
        return "does not know the roles of its nodes";
    }
    return h->detailed && !h->in_sync ? "has nodes that are not in sync" : NULL;
}

static int
look_ready(um_ctl_wait_t *w, void *data UM_UNUSED)
{
    const char *first = NULL;
    um_ctl_probe_t *probe;
    um_ctl_view_t v;
    size_t ready = 0;
    int status;

    if (!um_ctl_wait_view(w, &v)) {
        return UM_CTL_LATE;
    }
    status = um_ctl_load_probes(w->c, w->p, &v, &probe);
    if (status != UM_CTL_DONE) {
        return status;
    }

    for (size_t i = 0; i < v.proxies; i++) {
        const char *why = not_ready(w->p, &probe[i], v.epoch);

        ready += why == NULL;
        if (why != NULL && first == NULL) {
            first = um_ctl_printf(w->p, "%s %s", v.proxy[i], why);
        }
    }

    if (first == NULL) {
        return UM_CTL_DONE;
    }
    um_sbuf_addf(
        &w->now, "%zu of %zu proxies are ready: %s", ready, v.proxies, first);
    return UM_CTL_LATE;
}

int
um_ctl_wait_ready(um_ctl_t *c, const char *cluster)
{
    um_ctl_wait_t w = { .c = c, .cluster = cluster };

    return um_ctl_wait(&w, look_ready, NULL);
}

/* ---- Done --------------------------------------------------------------- */

int
um_ctl_wait_told(um_ctl_t *c, const char *name, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    if (c->opts.json) {
        cJSON *doc = cJSON_CreateObject();

        um_ctl_json_add(doc, "name", name);
        cJSON_AddTrueToObject(doc, "done");
        return um_ctl_json(c, doc);
    }

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    um_ctl_line(c, "%s", um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
    return UM_CTL_DONE;
}
