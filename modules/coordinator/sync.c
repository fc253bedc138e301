/*
 * sync.c -- what the broker says: which clusters there are, which proxies, and
 * which of them have failed.
 *
 * Each second the epoch is asked for; only when it has moved, or when something
 * is known to have happened, a round is made: names, addresses and failures,
 * then the view of each cluster, where it has changed.  What a round has found
 * counts once it is whole and comes from one broker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_clock.h"
#include "core/um_crc64.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "sync_priv.h"

#define PAGE     500u
#define PAGE_MAX 1000 /* of a list; a broker that never ends is wrong */

/* Views that are asked for at once. */
#define VIEWS_OPEN 6

/* A round is made so often, whatever the epoch says. */
#define FULL_MS 10000

/* After this pause when something has happened during a round. */
#define AGAIN_MS 10

static const struct {
    const char *path;
    const char *member;
    bool paged;
} lists[LISTS] = {
    [LIST_NAMES] = { "/clusters/names", "names", true },
    [LIST_ADDRESSES] = { "/proxies/addresses", "addresses", true },
    [LIST_FAILED] = { "/proxies/failed/addresses", "addresses", false },
};

static void sync_step(sync_t *s);

/* ---- Asking ------------------------------------------------------------- */

/* The same trouble is told once. */
static void
sync_complain(sync_t *s, const char *what, const char *why)
{
    char text[sizeof(s->complaint)];

    s->bad = true;
    snprintf(text, sizeof(text), "%s: %s", what, why);
    if (strcmp(text, s->complaint) != 0) {
        um_log_error(0, "broker: %s", text);
        memcpy(s->complaint, text, sizeof(text));
    }
}

static void
sync_get(sync_t *s, const char *target, const char *etag, bool view,
    const char *about, broker_pt on_answer)
{
    const broker_ask_t ask = {
        .method = UM_HTTP_GET,
        .target = target,
        .etag = etag,
        .view = view,
        .about = about,
    };

    if (brokers_ask(s->co->brokers, &ask, on_answer, s) == UM_OK) {
        s->open++;
    } else {
        s->bad = true;
    }
}

/* An answer has come, that has to be 200, or 304 where that is fine. */
static bool
sync_answered(sync_t *s, const broker_answer_t *a, const char *what, bool view)
{
    char why[96];

    s->open--;
    if (a->status == 200 || (view && a->status == 304)) {
        return !s->bad;
    }

    if (a->status == 0) {
        snprintf(why, sizeof(why), "%s", a->why);
    } else {
        snprintf(why, sizeof(why), "status %u", a->status);
    }
    sync_complain(s, what, why);
    return false;
}

/* ---- Lists -------------------------------------------------------------- */

static void sync_on_names(void *data, const broker_answer_t *a);
static void sync_on_addresses(void *data, const broker_answer_t *a);
static void sync_on_failed(void *data, const broker_answer_t *a);

static void
sync_ask_list(sync_t *s, list_t which)
{
    static const broker_pt on_answer[LISTS] = {
        [LIST_NAMES] = sync_on_names,
        [LIST_ADDRESSES] = sync_on_addresses,
        [LIST_FAILED] = sync_on_failed,
    };
    char target[128];

    if (lists[which].paged) {
        snprintf(target, sizeof(target), "%s?offset=%u&limit=%u",
            lists[which].path, s->list[which].count, PAGE);
    } else {
        snprintf(target, sizeof(target), "%s", lists[which].path);
    }
    sync_get(s, target, NULL, false, NULL, on_answer[which]);
}

/* How many there were; -1: it is no such list. */
static int
sync_take_page(sync_t *s, list_t which, um_str_t body)
{
    cJSON *json = cJSON_ParseWithLength(body.data, body.len);
    const cJSON *page =
        cJSON_GetObjectItemCaseSensitive(json, lists[which].member);
    const cJSON *v;
    int count = 0;

    if (!cJSON_IsArray(page)) {
        count = -1;
    }
    cJSON_ArrayForEach(v, page)
    {
        if (!cJSON_IsString(v) || !text_is_clean(v->valuestring)
            || texts_add(&s->list[which], v->valuestring) != UM_OK)
        {
            count = -1;
            break;
        }
        count++;
    }

    cJSON_Delete(json);
    return count;
}

static void
sync_on_page(sync_t *s, list_t which, const broker_answer_t *a)
{
    if (sync_answered(s, a, lists[which].path, false)) {
        int count = sync_take_page(s, which, a->body);

        if (count < 0) {
            sync_complain(s, lists[which].path, "is no list of names");
        } else if (count > 0 && lists[which].paged) {
            if (++s->list[which].pages > PAGE_MAX) {
                sync_complain(s, lists[which].path, "does not end");
            } else {
                sync_ask_list(s, which);
            }
        }
    }
    sync_step(s);
}

static void
sync_on_names(void *data, const broker_answer_t *a)
{
    sync_on_page(data, LIST_NAMES, a);
}

static void
sync_on_addresses(void *data, const broker_answer_t *a)
{
    sync_on_page(data, LIST_ADDRESSES, a);
}

static void
sync_on_failed(void *data, const broker_answer_t *a)
{
    sync_on_page(data, LIST_FAILED, a);
}

/* ---- Views -------------------------------------------------------------- */

static view_t *
sync_find_view(const coord_t *co, const char *name)
{
    um_list_each(l, &co->views)
    {
        view_t *v = um_list_entry(l, view_t, link);

        if (strcmp(v->name, name) == 0) {
            return v;
        }
    }

    return NULL;
}

static void
sync_take_view(sync_t *s, const broker_answer_t *a)
{
    view_t *old = sync_find_view(s->co, a->about);
    view_t *v = NULL;
    const char *wrong = NULL;

    /* It says so, or the text does. */
    if (old != NULL && (a->status == 304 || um_crc64(a->body) == old->crc)) {
        old->round = s->round;
        return;
    }

    switch (view_parse(a->body, &v, &wrong)) {
    case UM_OK:
        v->round = s->round;
        snprintf(v->etag, sizeof(v->etag), "%s",
            strlen(a->etag) < sizeof(v->etag) ? a->etag : "");
        um_list_add_tail(&s->fresh, &v->link);
        return;

    case UM_DONE: /* it is gone, between the list and now */
        return;

    default:
        sync_complain(s, a->about, wrong != NULL ? wrong : "out of memory");
    }
}

static void
sync_on_view(void *data, const broker_answer_t *a)
{
    sync_t *s = data;

    if (sync_answered(s, a, a->about, true)) {
        sync_take_view(s, a);
    }
    sync_step(s);
}

static void
sync_ask_view(sync_t *s, const char *name)
{
    const view_t *old = sync_find_view(s->co, name);
    um_sbuf_t target = { 0 };

    um_sbuf_addf(&target, "/clusters/meta/%s", name);
    if (target.failed) {
        s->bad = true;
    } else {
        /* Another broker's tags may mean something else. */
        sync_get(s, um_sbuf_cstr(&target),
            old != NULL && s->turn == s->applied ? old->etag : NULL, true, name,
            sync_on_view);
    }
    um_sbuf_deinit(&target);
}

/* ---- Its course --------------------------------------------------------- */

static void sync_begin(sync_t *s);

static void
sync_drop_fresh(sync_t *s)
{
    um_list_each_safe(l, &s->fresh)
    {
        view_free(um_list_entry(l, view_t, link));
    }
}

static void
sync_end(sync_t *s)
{
    uint64_t pause = s->co->conf->sync_interval;

    sync_drop_fresh(s);
    for (int i = 0; i < LISTS; i++) {
        texts_clear(&s->list[i]);
    }

    s->running = false;
    if (s->bad) {
        s->dirty = true;
    } else if (s->again) {
        pause = AGAIN_MS;
    }
    s->dirty |= s->again;
    s->again = false;
    um_timer_start(s->timer, pause);
}

/* Something has been answered; what is next? */
static void
sync_step(sync_t *s)
{
    const texts_t *names = &s->list[LIST_NAMES];

    if (s->bad) {
        if (s->open == 0) {
            sync_end(s);
        }
        return;
    }

    /* Views when the lists are whole. */
    if (s->next == 0 && s->open > 0) {
        return;
    }

    while (!s->bad && s->next < names->count && s->open < VIEWS_OPEN) {
        sync_ask_view(s, names->text[s->next++]);
    }
    if (s->open > 0) {
        return;
    }

    /* Two halves from two brokers are no whole. */
    if (s->turn != brokers_turn(s->co->brokers)) {
        s->again = true;
    } else if (!s->bad) {
        s->dirty = false;
        sync_apply(s);
    }
    sync_end(s);
}

static bool
sync_is_due(const sync_t *s)
{
    const coord_t *co = s->co;

    return s->dirty || co->known_ns == 0 || s->epoch != co->epoch
           || s->turn != s->applied
           || s->began_ns - s->full_ns > FULL_MS * NS_PER_MS;
}

static void
sync_on_epoch(void *data, const broker_answer_t *a)
{
    sync_t *s = data;

    if (!sync_answered(s, a, "/epoch", false)) {
        sync_end(s);
        return;
    }

    if (um_str_to_u64(a->body, &s->epoch) != UM_OK) {
        sync_complain(s, "/epoch", "is no number");
        sync_end(s);
        return;
    }

    if (!sync_is_due(s)) {
        if (s->turn == brokers_turn(s->co->brokers)) {
            s->co->sure_ns = s->asked_ns;
        }
        spare_ask_again(s->co);
        sync_end(s);
        return;
    }

    s->round++;
    s->next = 0;
    for (int i = 0; i < LISTS; i++) {
        sync_ask_list(s, (list_t) i);
    }
    sync_step(s);
}

static void
sync_begin(sync_t *s)
{
    s->running = true;
    s->bad = false;
    s->open = 0;
    s->began_ns = um_loop_now(s->co->loop);
    s->asked_ns = um_clock_boot_ns();
    s->turn = brokers_turn(s->co->brokers);
    sync_get(s, "/epoch", NULL, false, NULL, sync_on_epoch);
    if (s->bad) {
        sync_end(s);
    }
}

static void
sync_on_time(void *data)
{
    sync_t *s = data;

    if (!s->running) {
        sync_begin(s);
    }
}

void
sync_now(coord_t *co)
{
    sync_t *s = co->sync;

    if (s->running) {
        s->again = true;
        return;
    }

    s->dirty = true;
    um_timer_start(s->timer, 0);
}

bool
sync_is_newer(const coord_t *co, uint64_t ns)
{
    return co->known_ns > ns;
}

um_rc_t
sync_start(coord_t *co)
{
    sync_t *s = calloc(1, sizeof(*s));

    if (s != NULL) {
        s->timer = um_timer_new(co->loop, sync_on_time, s);
    }
    if (s == NULL || s->timer == NULL) {
        um_log_error(ENOMEM, "coordinator");
        free(s);
        return UM_ERR;
    }

    s->co = co;
    um_list_init(&s->fresh);
    co->sync = s;
    um_timer_start(s->timer, 0);
    return UM_OK;
}

void
sync_stop(coord_t *co)
{
    sync_t *s = co->sync;

    if (s == NULL) {
        return;
    }

    um_timer_free(s->timer);
    sync_drop_fresh(s);
    for (int i = 0; i < LISTS; i++) {
        texts_clear(&s->list[i]);
    }
    um_list_each_safe(l, &co->views)
    {
        view_free(um_list_entry(l, view_t, link));
    }
    free(s);
    co->sync = NULL;
}
