/*
 * um_ctl_findings.c -- findings in words and as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "ctl/um_ctl_diagnosis.h"
#include "ctl/um_ctl_table.h"

/* So many of a kind are told one by one. */
#define FINDINGS_ALIKE 5

static const char *const level_names[] = {
    [UM_CTL_NOTE] = "note",
    [UM_CTL_WARNING] = "warning",
    [UM_CTL_ERROR] = "error",
};

void
um_ctl_find(um_ctl_findings_t *all, um_ctl_level_t level, const char *code,
    const char *subject, const char *advice, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    if (all->n == all->room) {
        size_t room = all->room > 0 ? 2 * all->room : 16;
        um_ctl_finding_t *more = um_ctl_array(all->pool, room, sizeof(*more));

        for (size_t i = 0; i < all->n; i++) {
            more[i] = all->finding[i];
        }
        all->finding = more;
        all->room = room;
    }

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    all->finding[all->n++] = (um_ctl_finding_t){
        .level = level,
        .code = code,
        .subject = um_ctl_strdup(all->pool, um_str_of(subject)),
        .text = um_ctl_strdup(all->pool, um_str_of(um_ctl_cstr(&text))),
        .advice = advice,
    };
    um_sbuf_deinit(&text);
}

static size_t
findings_count(const um_ctl_findings_t *all, um_ctl_level_t level)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        n += all->finding[i].level == level;
    }
    return n;
}

int
um_ctl_findings_status(const um_ctl_findings_t *all)
{
    if (findings_count(all, UM_CTL_ERROR) > 0) {
        return 2;
    }
    return findings_count(all, UM_CTL_WARNING) > 0 ? 1 : 0;
}

/* How many of its kind, and as bad, stand among the first `n`. */
static size_t
findings_alike(
    const um_ctl_findings_t *all, const um_ctl_finding_t *f, size_t n)
{
    size_t alike = 0;

    for (size_t i = 0; i < n; i++) {
        const um_ctl_finding_t *one = &all->finding[i];

        alike += one->level == f->level && strcmp(one->code, f->code) == 0;
    }
    return alike;
}

static void
put_one(const um_ctl_findings_t *all, size_t i, bool colour, um_sbuf_t *out)
{
    static const um_ctl_tone_t tones[] = {
        [UM_CTL_NOTE] = UM_CTL_PLAIN,
        [UM_CTL_WARNING] = UM_CTL_LOOK,
        [UM_CTL_ERROR] = UM_CTL_BAD,
    };
    const um_ctl_finding_t *f = &all->finding[i];
    size_t before = findings_alike(all, f, i);
    size_t alike = findings_alike(all, f, all->n);

    if (before >= FINDINGS_ALIKE) {
        return;
    }

    um_ctl_toned(out, colour, tones[f->level], level_names[f->level]);
    um_sbuf_addz(out, ": ");
    um_ctl_clean(out, f->subject);
    um_sbuf_addz(out, ": ");
    um_ctl_clean(out, f->text);
    um_sbuf_addz(out, "\n");
    if (before + 1 == FINDINGS_ALIKE && alike > FINDINGS_ALIKE) {
        um_sbuf_addf(
            out, "    and %zu more like that\n", alike - FINDINGS_ALIKE);
    }
    if (f->advice != NULL && before == 0) {
        um_sbuf_addf(out, "    %s\n", f->advice);
    }
}

static void
put_level(const um_ctl_findings_t *all, um_ctl_level_t level, bool colour,
    um_sbuf_t *out)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->finding[i].level == level) {
            put_one(all, i, colour, out);
        }
    }
}

void
um_ctl_findings_put(const um_ctl_findings_t *all, bool colour, um_sbuf_t *out)
{
    size_t errors = findings_count(all, UM_CTL_ERROR);
    size_t warnings = findings_count(all, UM_CTL_WARNING);

    put_level(all, UM_CTL_ERROR, colour, out);
    put_level(all, UM_CTL_WARNING, colour, out);
    put_level(all, UM_CTL_NOTE, colour, out);
    if (errors + warnings == 0) {
        um_sbuf_addz(out, "all is well\n");
    } else {
        um_sbuf_addf(out, "%zu error%s, %zu warning%s\n", errors,
            errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    }
}

cJSON *
um_ctl_findings_json(const um_ctl_findings_t *all, const um_ctl_facts_t *f)
{
    static const char *const words[] = { "well", "warnings", "errors" };
    cJSON *doc = cJSON_CreateObject();
    cJSON *list;

    um_ctl_json_add(doc, "status", words[um_ctl_findings_status(all)]);
    list = cJSON_AddArrayToObject(doc, "findings");
    for (size_t i = 0; i < all->n; i++) {
        const um_ctl_finding_t *one = &all->finding[i];
        cJSON *o = cJSON_CreateObject();

        um_ctl_json_add(o, "level", level_names[one->level]);
        um_ctl_json_add(o, "code", one->code);
        um_ctl_json_add(o, "subject", one->subject);
        um_ctl_json_add(o, "text", one->text);
        um_ctl_json_add(o, "advice", one->advice);
        cJSON_AddItemToArray(list, o);
    }

    um_ctl_json_add_u64(doc, "brokers", f->brokers);
    um_ctl_json_add_u64(doc, "clusters", f->clusters);
    um_ctl_json_add_u64(doc, "proxies", f->store.proxies);
    return doc;
}
