/*
 * store_audit.c -- is the whole state sound?  For tests and for doubts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *
audit_proxies(const store_t *s)
{
    uint32_t live = 0;

    for (uint32_t i = 0; i < s->proxies; i++) {
        const store_proxy_t *p = &s->proxy[i];

        if (p->ident == NULL) {
            continue;
        }
        live++;
        if (store_find_proxy(s, p->ident->address) != i) {
            return "a proxy is not found by its address";
        }
        if (p->host >= s->hosts || s->host[p->host].name == NULL) {
            return "a proxy has no host";
        }
        if (p->cluster == STORE_NONE) {
            continue;
        }
        if (p->cluster >= s->clusters || s->cluster[p->cluster] == NULL
            || p->chunk >= s->cluster[p->cluster]->chunks
            || s->cluster[p->cluster]->chunk[p->chunk].proxy[p->side] != i)
        {
            return "a proxy is not where it says it is";
        }
    }
    return live == s->by_address.n ? NULL : "proxies are listed wrongly";
}

static const char *
audit_hosts(const store_t *s)
{
    uint32_t live = 0;

    for (uint32_t h = 0; h < s->hosts; h++) {
        uint32_t n = 0;

        if (s->host[h].name == NULL) {
            continue;
        }
        live++;
        for (uint32_t i = 0; i < s->proxies; i++) {
            n += s->proxy[i].ident != NULL && s->proxy[i].host == h;
        }
        if (n == 0 || n != s->host[h].proxies) {
            return "a host does not know how many proxies it has";
        }
        if (store_find_host(s, store_text(s->host[h].name)) != h) {
            return "a host is not found by its name";
        }
    }
    return live == s->by_host.n ? NULL : "hosts are listed wrongly";
}

static const char *
audit_links(const store_t *s)
{
    uint64_t want = 0;
    uint64_t have = 0;

    for (uint32_t i = 0; i < s->by_name.n; i++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[i]];

        for (uint32_t k = 0; k < c->chunks; k++) {
            uint32_t a = s->proxy[c->chunk[k].proxy[0]].host;
            uint32_t b = s->proxy[c->chunk[k].proxy[1]].host;

            want += a == b ? 1 : 2;
            if (store_link_count(s, a, b) == 0
                || store_link_count(s, a, b) != store_link_count(s, b, a))
            {
                return "a chunk is not in the link table";
            }
        }
    }
    for (uint32_t i = 0; i < s->links; i++) {
        const store_link_t *l = &s->link[i];

        have += l->n;
        if (i > 0 && (l[-1].a > l->a || (l[-1].a == l->a && l[-1].b >= l->b))) {
            return "the link table is out of order";
        }
    }
    return want == have ? NULL : "the link table counts wrongly";
}

/* Mark; was one marked, or is the list not as it should be? */
static const char *
audit_ranges(const store_ranges_t *r, uint8_t *seen)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->r[i].start > r->r[i].end || r->r[i].end >= UM_SLOTS
            || (i > 0 && r->r[i].start <= r->r[i - 1].end + 1))
        {
            return "ranges are not compact";
        }
        for (uint32_t slot = r->r[i].start; slot <= r->r[i].end; slot++) {
            if (seen[slot]++) {
                return "a slot has two owners";
            }
        }
    }
    return r->n > 0 ? NULL : "ranges are empty";
}

static const char *
audit_task(const store_cluster_t *c, uint32_t i, uint8_t *seen)
{
    const store_task_t *t = &c->task[i];

    for (unsigned end = 0; end < 2; end++) {
        if (t->chunk[end] >= c->chunks || t->part[end] > 1) {
            return "a task ends nowhere";
        }
    }
    if (t->chunk[0] == t->chunk[1] && t->part[0] == t->part[1]) {
        return "a task goes nowhere";
    }
    if (i > 0
        && (t[-1].chunk[0] > t->chunk[0]
            || (t[-1].chunk[0] == t->chunk[0] && t[-1].part[0] > t->part[0])))
    {
        return "tasks are out of order";
    }
    if (t->epoch > c->epoch) {
        return "a task is ahead of its cluster";
    }
    if (t->cancelling && !t->started) {
        return "a task is cancelled that nobody was told of";
    }
    if ((t->undone[0] || t->undone[1]) && !t->cancelling) {
        return "a task is undone that nobody cancelled";
    }
    if (t->undone[0] && t->undone[1]) {
        return "a task is undone and still there";
    }
    return audit_ranges(t->ranges, seen);
}

static const char *
audit_slots(const store_cluster_t *c)
{
    uint8_t seen[UM_SLOTS] = { 0 };
    const char *bad = NULL;

    for (uint32_t i = 0; i < 2 * c->chunks && bad == NULL; i++) {
        const store_ranges_t *r = c->chunk[i / 2].stable[i % 2];

        bad = r != NULL ? audit_ranges(r, seen) : NULL;
    }
    for (uint32_t i = 0; i < c->tasks && bad == NULL; i++) {
        bad = audit_task(c, i, seen);
    }
    if (bad == NULL && memchr(seen, 0, sizeof(seen)) != NULL) {
        bad = "a slot has no owner";
    }
    return bad;
}

static const char *
audit_cluster(const store_t *s, uint32_t place)
{
    const store_cluster_t *c = s->cluster[place];

    if (store_find_cluster(s, um_str_of(c->name)) != place) {
        return "a cluster is not found by its name";
    }
    if (c->epoch > s->epoch || c->stamp > s->serial) {
        return "a cluster is ahead of the store";
    }
    if (c->tasks > 0 && !store_tasks_started(c)) {
        return "no task of a plan has started";
    }
    if (c->scale_to != 0 && c->tasks > 0) {
        return "a cluster scales and migrates";
    }
    for (uint32_t i = 0; i < c->chunks; i++) {
        for (uint8_t side = 0; side < 2; side++) {
            uint32_t at = c->chunk[i].proxy[side];

            if (at >= s->proxies || s->proxy[at].ident == NULL
                || s->proxy[at].cluster != place || s->proxy[at].chunk != i
                || s->proxy[at].side != side)
            {
                return "a chunk has a proxy that is not there";
            }
        }
    }
    return audit_slots(c);
}

static const char *
audit_reports(const store_t *s)
{
    for (uint32_t i = 1; i < s->reports; i++) {
        const store_report_t *r = &s->report[i];
        int d = store_cmp(store_text(r[-1].address), store_text(r->address));

        if (d > 0
            || (d == 0
                && store_cmp(
                       store_text(r[-1].reporter), store_text(r->reporter))
                       >= 0))
        {
            return "reports are out of order";
        }
    }
    return NULL;
}

const char *
store_audit(const store_t *s)
{
    const char *bad = audit_proxies(s);

    for (uint32_t i = 0; i < s->by_name.n && bad == NULL; i++) {
        bad = audit_cluster(s, s->by_name.at[i]);
    }
    if (bad == NULL) {
        bad = audit_hosts(s);
    }
    if (bad == NULL) {
        bad = audit_links(s);
    }
    return bad != NULL ? bad : audit_reports(s);
}
