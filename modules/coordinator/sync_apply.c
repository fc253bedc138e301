/*
 * sync_apply.c -- what a round has found, given to the proxies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>

#include "core/um_log.h"
#include "sync_priv.h"

static void
sync_apply_view(coord_t *co, view_t *v)
{
    v->ordered = v->moving;
    for (uint32_t i = 0; i < v->proxies; i++) {
        view_proxy_t *vp = &v->proxy[i];
        coord_proxy_t *p = proxies_need(co, vp->address);

        vp->who = p;
        if (p == NULL || (p->view != NULL && p->view->epoch > v->epoch)) {
            continue;
        }

        p->view = v;
        p->index = i;
        p->spare = SPARE_UNKNOWN;
        v->ordered |= p->hint != PUSH_HINT_NONE;
    }
}

static void
sync_apply_views(sync_t *s)
{
    coord_t *co = s->co;

    um_list_each_safe(l, &co->views)
    {
        view_t *v = um_list_entry(l, view_t, link);

        if (v->round != s->round) {
            view_free(v);
        }
    }

    um_list_each(l, &s->fresh)
    {
        view_t *v = um_list_entry(l, view_t, link);

        v->wave = 0;
        v->wave_until_ns = um_loop_now(co->loop) + PUSH_WAVE_MS * NS_PER_MS;
    }
    um_list_join(&co->views, &s->fresh);

    um_list_each(l, &co->views)
    {
        sync_apply_view(co, um_list_entry(l, view_t, link));
    }
}

static void
sync_apply_lists(sync_t *s)
{
    const texts_t *all = &s->list[LIST_ADDRESSES];
    const texts_t *failed = &s->list[LIST_FAILED];

    for (uint32_t i = 0; i < all->count; i++) {
        coord_proxy_t *p = proxies_need(s->co, all->text[i]);

        if (p != NULL) {
            p->listed = true;
        }
    }

    for (uint32_t i = 0; i < failed->count; i++) {
        coord_proxy_t *p = proxies_find(s->co, failed->text[i]);

        if (p != NULL) {
            p->failed = true;
        }
    }
}

void
sync_apply(sync_t *s)
{
    coord_t *co = s->co;

    for (uint32_t i = 0; i < co->proxies; i++) {
        co->proxy[i]->view = NULL;
        co->proxy[i]->listed = co->proxy[i]->failed = false;
        if (s->turn != s->applied) { /* another broker said so, or knew it */
            co->proxy[i]->spare = SPARE_UNKNOWN;
            migrate_forget(co->proxy[i]);
        }
    }

    sync_apply_views(s);
    sync_apply_lists(s);
    for (uint32_t i = co->proxies; i > 0; i--) {
        const coord_proxy_t *p = co->proxy[i - 1];

        if (!p->listed && p->view == NULL) {
            proxies_remove(co, i - 1);
        }
    }

    if (co->known_ns == 0) {
        um_log_notice(0, "the broker knows %u proxies, epoch %" PRIu64,
            co->proxies, s->epoch);
    }
    co->epoch = s->epoch;
    co->known_ns = s->began_ns;
    co->sure_ns = s->asked_ns;
    s->full_ns = s->began_ns;
    s->applied = s->turn;
    s->complaint[0] = '\0';
    co->stats.rounds++;
    push_scan(co);
    spare_ask(co);
    undo_consider(co);
}
