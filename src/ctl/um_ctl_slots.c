/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_slots.h"

#include <string.h>

static bool
range_end(const cJSON *n, uint32_t *out)
{
    double d = cJSON_IsNumber(n) ? n->valuedouble : -1;

    if (!(d >= 0 && d < UM_SLOTS) || (double) (uint32_t) d != d) {
        return false;
    }
    *out = (uint32_t) d;
    return true;
}

bool
um_ctl_slots_parse(um_ctl_slots_t *s, const cJSON *slot_range, um_pool_t *p)
{
    const cJSON *list = um_ctl_json_list(slot_range, "range_list");
    const cJSON *pair;

    if (list == NULL) {
        return false;
    }

    s->n = 0;
    s->range =
        um_ctl_array(p, (size_t) cJSON_GetArraySize(list), sizeof(*s->range));
    cJSON_ArrayForEach(pair, list)
    {
        um_ctl_range_t *r = &s->range[s->n++];

        if (cJSON_GetArraySize(pair) != 2
            || !range_end(cJSON_GetArrayItem(pair, 0), &r->from)
            || !range_end(cJSON_GetArrayItem(pair, 1), &r->to)
            || r->from > r->to)
        {
            return false;
        }
    }
    return true;
}

void
um_ctl_slots_join(um_ctl_slots_t *s, const um_ctl_slots_t *more, um_pool_t *p)
{
    um_ctl_range_t *all =
        um_ctl_array(p, s->n + more->n + 1, sizeof(*s->range));

    for (size_t i = 0; i < s->n; i++) {
        all[i] = s->range[i];
    }
    for (size_t i = 0; i < more->n; i++) {
        all[s->n + i] = more->range[i];
    }
    s->range = all;
    s->n += more->n;
}

uint32_t
um_ctl_slots_count(const um_ctl_slots_t *s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        n += s->range[i].to - s->range[i].from + 1;
    }
    return n;
}

void
um_ctl_slots_put(um_sbuf_t *out, const um_ctl_slots_t *s, size_t most)
{
    size_t shown = s->n > most ? most - 1 : s->n;

    for (size_t i = 0; i < shown; i++) {
        const um_ctl_range_t *r = &s->range[i];

        um_sbuf_addz(out, i > 0 ? "," : "");
        um_sbuf_add_u64(out, r->from);
        if (r->to > r->from) {
            um_sbuf_addf(out, "-%u", r->to);
        }
    }

    if (shown < s->n) {
        um_sbuf_addf(out, "%s... (%zu ranges)", shown > 0 ? "," : "", s->n);
    }
}

cJSON *
um_ctl_slots_json(const um_ctl_slots_t *s)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < s->n; i++) {
        const int ends[2] = { (int) s->range[i].from, (int) s->range[i].to };

        cJSON_AddItemToArray(list, cJSON_CreateIntArray(ends, 2));
    }
    return list;
}

void
um_ctl_cover_add(um_ctl_cover_t *c, const um_ctl_slots_t *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (uint32_t n = s->range[i].from; n <= s->range[i].to; n++) {
            c->owners[n] = (uint8_t) (c->owners[n] < 2 ? c->owners[n] + 1 : 2);
        }
    }
}

void
um_ctl_cover_having(
    const um_ctl_cover_t *c, unsigned owners, um_ctl_slots_t *s, um_pool_t *p)
{
    s->n = 0;
    s->range = um_ctl_array(p, UM_SLOTS / 2 + 1, sizeof(*s->range));
    for (uint32_t n = 0; n < UM_SLOTS; n++) {
        if (c->owners[n] != owners) {
            continue;
        }
        if (s->n > 0 && s->range[s->n - 1].to + 1 == n) {
            s->range[s->n - 1].to = n;
        } else {
            s->range[s->n++] = (um_ctl_range_t){ n, n };
        }
    }
}
