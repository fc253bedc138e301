/*
 * store_report.c -- who says that a proxy is dead, and since when.
 *
 * A report is believed for failure_ttl seconds.  Said again, it lives on, but
 * is rewritten only when half of that has gone: a coordinator says it every
 * second, and each rewrite is a write to the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

/* Reports of addresses nobody knows must not fill the memory. */
#define REPORTS_BEYOND 4096
#define REPORTS_EACH   16

/* How old a report is; clocks may step back. */
static uint64_t
report_age(const store_report_t *r, const store_env_t *e)
{
    return e->now > r->when ? e->now - r->when : 0;
}

static bool
report_lives(const store_report_t *r, const store_env_t *e)
{
    return report_age(r, e) < e->failure_ttl;
}

static int
report_cmp(const store_report_t *r, um_str_t address, um_str_t reporter)
{
    int d = store_cmp(store_text(r->address), address);

    return d != 0 ? d : store_cmp(store_text(r->reporter), reporter);
}

/* Where (address, reporter) is or should be. */
static uint32_t
report_find(const store_t *s, um_str_t address, um_str_t reporter, bool *found)
{
    uint32_t lo = 0;
    uint32_t hi = s->reports;

    *found = false;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int d = report_cmp(&s->report[mid], address, reporter);

        if (d == 0) {
            *found = true;
            return mid;
        }
        if (d < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static void
report_drop(store_t *s, uint32_t i)
{
    store_text_put(s->report[i].address);
    store_text_put(s->report[i].reporter);
    s->reports--;
    memmove(&s->report[i], &s->report[i + 1],
        (s->reports - i) * sizeof(s->report[0]));
}

bool
store_reports_drop(store_t *s, um_str_t address)
{
    bool any = false;
    bool found;
    uint32_t i = report_find(s, address, um_lit(""), &found);

    while (i < s->reports
           && um_str_eq(store_text(s->report[i].address), address)) {
        report_drop(s, i);
        any = true;
    }
    return any;
}

static bool
reports_purge(store_t *s, const store_env_t *e)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < s->reports; i++) {
        if (report_lives(&s->report[i], e)) {
            s->report[kept++] = s->report[i];
        } else {
            store_text_put(s->report[i].address);
            store_text_put(s->report[i].reporter);
        }
    }
    if (kept == s->reports) {
        return false;
    }
    s->reports = kept;
    return true;
}

void
store_purge(store_t *s, const store_env_t *e)
{
    if (reports_purge(s, e)) {
        store_changed(s);
    }
}

bool
store_enter_report(
    store_t *s, um_str_t address, um_str_t reporter, uint64_t when)
{
    bool found;
    uint32_t i = report_find(s, address, reporter, &found);
    store_report_t r = { .when = when };

    if (found) {
        s->report[i].when = when;
        return true;
    }
    if (!store_room(
            &s->report, s->reports, &s->report_cap, sizeof(s->report[0]))) {
        return false;
    }
    r.address = store_text_new(address);
    r.reporter = store_text_new(reporter);
    if (r.address == NULL || r.reporter == NULL) {
        store_text_put(r.address);
        store_text_put(r.reporter);
        return false;
    }

    memmove(&s->report[i + 1], &s->report[i],
        (s->reports - i) * sizeof(s->report[0]));
    s->report[i] = r;
    s->reports++;
    return true;
}

store_rc_t
store_report(
    store_t *s, const store_env_t *e, um_str_t address, um_str_t reporter)
{
    bool found;
    uint32_t i;

    if (!store_text_ok(address, STORE_ADDR_MAX)) {
        return STORE_INVALID_PROXY_ADDRESS;
    }
    if (!store_text_ok(reporter, STORE_REPORTER_MAX)) {
        return STORE_INVALID_REPORTER;
    }

    i = report_find(s, address, reporter, &found);
    if (found && report_lives(&s->report[i], e)) {
        if (report_age(&s->report[i], e) * 2 >= e->failure_ttl) {
            s->report[i].when = e->now;
            store_changed(s);
        }
        return STORE_OK;
    }

    (void) reports_purge(s, e);
    if (s->reports >= REPORTS_BEYOND + REPORTS_EACH * s->by_address.n) {
        return STORE_TOO_MANY;
    }
    if (!store_enter_report(s, address, reporter, e->now)) {
        return STORE_NO_MEMORY;
    }
    store_bump(s);
    return STORE_OK;
}

store_rc_t
store_unreport(store_t *s, um_str_t address, um_str_t reporter)
{
    bool found;
    uint32_t i;

    if (!store_text_ok(address, STORE_ADDR_MAX)) {
        return STORE_INVALID_PROXY_ADDRESS;
    }
    if (!store_text_ok(reporter, STORE_REPORTER_MAX)) {
        return STORE_INVALID_REPORTER;
    }

    i = report_find(s, address, reporter, &found);
    if (found) {
        report_drop(s, i);
        store_changed(s);
    }
    return STORE_OK;
}

/* The live reports from i on that are of one address; *next is behind. */
static uint64_t
reports_of(const store_t *s, const store_env_t *e, uint32_t i, uint32_t *next)
{
    um_str_t address = store_text(s->report[i].address);
    uint64_t live = 0;

    for (; i < s->reports; i++) {
        if (!um_str_eq(store_text(s->report[i].address), address)) {
            break;
        }
        live += report_lives(&s->report[i], e);
    }
    *next = i;
    return live;
}

uint8_t *
store_suspects(const store_t *s, const store_env_t *e, uint64_t quorum)
{
    uint8_t *suspect = calloc(s->proxies + 1, 1);
    uint32_t next;

    for (uint32_t i = 0; suspect != NULL && i < s->reports; i = next) {
        uint64_t live = reports_of(s, e, i, &next);
        uint32_t place = store_find_proxy(s, store_text(s->report[i].address));

        if (place != STORE_NONE && live >= um_max(quorum, 1)) {
            suspect[place] = 1;
        }
    }
    return suspect;
}

void
store_view_failures(const store_t *s, const store_env_t *e, um_sbuf_t *out)
{
    uint64_t quorum = um_max(e->failure_quorum, 1);
    const char *comma = "";
    uint32_t next;

    um_sbuf_addz(out, "{\"addresses\":[");
    for (uint32_t i = 0; i < s->reports; i = next) {
        um_str_t address = store_text(s->report[i].address);

        if (reports_of(s, e, i, &next) >= quorum
            && store_find_proxy(s, address) != STORE_NONE)
        {
            um_sbuf_addz(out, comma);
            store_json_str(out, address);
            comma = ",";
        }
    }
    um_sbuf_addz(out, "]}");
}
