/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_wait.h"

#include <inttypes.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_str.h"

#define WAIT_PAUSE 500 /* ms between two looks */

#define NS_PER_MS UINT64_C(1000000)

typedef struct {
    um_ctl_t *c;
    const char *cluster;
    uint64_t nodes;
    uint64_t most; /* slots that were to move */
    um_pool_t *p;  /* of one look */
    um_sbuf_t now; /* how far it is */
    bool gone;     /* there is no such cluster any more */
} wait_t;

/* UM_CTL_LATE: not yet.  UM_CTL_DONE, or how it ended. */
typedef int (*look_pt)(wait_t *w);

/* Look again and again.  A broker that does not answer may be back soon. */
static int
wait_for(wait_t *w, look_pt look)
{
    um_ctl_t *c = w->c;
    uint64_t end = um_clock_ns() + c->opts.wait_timeout * NS_PER_MS;
    um_sbuf_t before = { 0 };
    int status;

    while (true) {
        w->p = um_ctl_pool();
        um_sbuf_clear(&w->now);
        status = look(w);
        um_pool_free(w->p);
        if (c->interrupted) {
            status = um_ctl_interrupted(c);
        } else if (w->gone) {
            status = um_ctl_fail(c, UM_CTL_REFUSED, "CLUSTER_NOT_FOUND",
                "%s: somebody has deleted it", w->cluster);
        }
        if (status != UM_CTL_LATE) {
            break;
        }

        if (strcmp(um_ctl_cstr(&before), um_ctl_cstr(&w->now)) != 0) {
            um_ctl_progress(c, "%s: %s", w->cluster, um_ctl_cstr(&w->now));
            um_sbuf_clear(&before);
            um_sbuf_add(&before, w->now.data, w->now.len);
        }
        if (um_clock_ns() >= end) {
            status = um_ctl_fail(c, UM_CTL_LATE, "TIMED_OUT",
                "%s: not in time, but it goes on: %s", w->cluster,
                um_ctl_cstr(&w->now));
            break;
        }
        if (!um_ctl_pause(c, WAIT_PAUSE)) {
            status = um_ctl_interrupted(c);
            break;
        }
    }

    um_sbuf_deinit(&before);
    um_sbuf_deinit(&w->now);
    return status;
}

/* NULL: there is no good answer yet, and w->now says why. */
static const cJSON *
wait_get(wait_t *w, const char *what)
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

static bool
wait_view(wait_t *w, um_ctl_view_t *v)
{
    const cJSON *json = wait_get(w, "meta");
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
look_ready(wait_t *w)
{
    const char *first = NULL;
    um_ctl_probe_t *probe;
    um_ctl_view_t v;
    size_t ready = 0;
    int status;

    if (!wait_view(w, &v)) {
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
    wait_t w = { .c = c, .cluster = cluster };

    return wait_for(&w, look_ready);
}

/* ---- Scaled ------------------------------------------------------------- */

static int
look_scaled(wait_t *w)
{
    const cJSON *json = wait_get(w, "info");
    um_ctl_info_t info;
    um_ctl_view_t v;
    uint64_t left;

    if (json == NULL) {
        return UM_CTL_LATE;
    }
    if (!um_ctl_info_parse(&info, json)) {
        um_sbuf_addz(&w->now, "the broker's answer makes no sense");
        return UM_CTL_LATE;
    }
    if (info.scaling_error != NULL) {
        return um_ctl_fail(w->c, UM_CTL_REFUSED, "SCALING_FAILED",
            "%s: scaling was given up: %s", w->cluster, info.scaling_error);
    }
    if (!info.migrating && info.with_slots == w->nodes) {
        return UM_CTL_DONE;
    }
    if (!info.migrating) {
        return um_ctl_fail(w->c, UM_CTL_REFUSED, "NOT_SCALED",
            "%s: %" PRIu64 " nodes have slots and nothing moves any more: it "
            "was taken back, or somebody else scales it",
            w->cluster, info.with_slots);
    }
    if (info.scaling > 0) {
        um_sbuf_addz(&w->now, "the proxies are told of the new nodes");
        return UM_CTL_LATE;
    }
    if (!wait_view(w, &v)) {
        return UM_CTL_LATE;
    }

    left = um_ctl_view_left(&v, w->nodes);
    w->most = um_max(w->most, left);
    um_sbuf_addf(&w->now, "%" PRIu64 " of %" PRIu64 " slots are to move yet",
        left, w->most);
    return UM_CTL_LATE;
}

int
um_ctl_wait_scaled(um_ctl_t *c, const char *cluster, uint64_t nodes)
{
    wait_t w = { .c = c, .cluster = cluster, .nodes = nodes };

    return wait_for(&w, look_scaled);
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
