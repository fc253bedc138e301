/* SPDX-License-Identifier: Apache-2.0 */

#include "status_prom_out.h"

#include <stdio.h>
#include <string.h>

#include "core/um_str.h"

#define PROM_PREFIX "undermoon_"
#define PROM_TOTAL  "_total"

/* In a label's value, and in a help text, where quotes may stay. */
static void
prom_escaped(um_sbuf_t *o, const char *text, bool quotes)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            um_sbuf_addz(o, "\\\\");
            break;

        case '\n':
            um_sbuf_addz(o, "\\n");
            break;

        case '"':
            um_sbuf_addz(o, quotes ? "\\\"" : "\"");
            break;

        default:
            um_sbuf_add(o, text, 1);
        }
    }
}

void
prom_family(prom_t *p, const char *name, prom_type_t type, const char *help)
{
    static const char *const types[] = { "counter", "gauge", "histogram" };
    int len = snprintf(p->name, sizeof(p->name), PROM_PREFIX "%s", name);

    /* OpenMetrics has the suffix on the values only. */
    if (p->open && type == PROM_COUNTER) {
        len -= (int) strlen(PROM_TOTAL);
    }

    um_sbuf_addf(p->out, "# HELP %.*s ", len, p->name);
    prom_escaped(p->out, help, p->open);
    um_sbuf_addf(p->out, "\n# TYPE %.*s %s\n", len, p->name, types[type]);
}

void
prom_label(prom_t *p, const char *key, const char *value)
{
    um_sbuf_addf(&p->labels, "%s%s=\"", p->labels.len > 0 ? "," : "", key);
    prom_escaped(&p->labels, value, true);
    um_sbuf_addz(&p->labels, "\"");
}

void
prom_label_u64(prom_t *p, const char *key, uint64_t value)
{
    char text[24];

    text[um_u64_format(value, text)] = '\0';
    prom_label(p, key, text);
}

void
prom_labels_raw(prom_t *p, const char *labels)
{
    if (labels != NULL) {
        um_sbuf_addf(&p->labels, "%s%s", p->labels.len > 0 ? "," : "", labels);
    }
}

/* What stands before a value: name, suffix, labels and one more. */
static void
prom_head(prom_t *p, const char *suffix, const char *le)
{
    um_sbuf_t *o = p->out;
    bool many = p->labels.len > 0;

    um_sbuf_addf(o, "%s%s", p->name, suffix);
    if (many || le != NULL) {
        um_sbuf_addz(o, "{");
        um_sbuf_add(o, p->labels.data, p->labels.len);
        if (le != NULL) {
            um_sbuf_addf(o, "%sle=\"%s\"", many ? "," : "", le);
        }
        um_sbuf_addz(o, "}");
    }
    um_sbuf_addz(o, " ");
    o->failed |= p->labels.failed;
}

void
prom_value(prom_t *p, uint64_t value)
{
    prom_head(p, "", NULL);
    um_sbuf_add_u64(p->out, value);
    um_sbuf_addz(p->out, "\n");
    um_sbuf_clear(&p->labels);
}

static void
prom_decimal(um_sbuf_t *o, uint64_t value, uint64_t unit, int digits)
{
    um_sbuf_addf(o, "%llu.%0*llu", (unsigned long long) (value / unit), digits,
        (unsigned long long) (value % unit));
}

void
prom_seconds_ns(prom_t *p, uint64_t ns)
{
    prom_head(p, "", NULL);
    prom_decimal(p->out, ns, 1000000000, 9);
    um_sbuf_addz(p->out, "\n");
    um_sbuf_clear(&p->labels);
}

void
prom_seconds_us(prom_t *p, uint64_t us)
{
    prom_head(p, "", NULL);
    prom_decimal(p->out, us, 1000000, 6);
    um_sbuf_addz(p->out, "\n");
    um_sbuf_clear(&p->labels);
}

void
prom_bucket(prom_t *p, uint64_t le_us, uint64_t count)
{
    char le[32];

    snprintf(le, sizeof(le), "%llu.%06llu",
        (unsigned long long) (le_us / 1000000),
        (unsigned long long) (le_us % 1000000));
    prom_head(p, "_bucket", le_us == UINT64_MAX ? "+Inf" : le);
    um_sbuf_add_u64(p->out, count);
    um_sbuf_addz(p->out, "\n");
}

void
prom_sum_count(prom_t *p, uint64_t usec, uint64_t count)
{
    prom_head(p, "_sum", NULL);
    prom_decimal(p->out, usec, 1000000, 6);
    um_sbuf_addz(p->out, "\n");
    prom_head(p, "_count", NULL);
    um_sbuf_add_u64(p->out, count);
    um_sbuf_addz(p->out, "\n");
    um_sbuf_clear(&p->labels);
}

void
prom_end(prom_t *p)
{
    if (p->open) {
        um_sbuf_addz(p->out, "# EOF\n");
    }
    um_sbuf_deinit(&p->labels);
}
