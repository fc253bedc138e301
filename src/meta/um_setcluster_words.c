/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/um_str.h"
#include "meta/um_setcluster_in.h"
#include "meta/um_utf8.h"

const um_str_t *
um_words_peek(um_words_t *w)
{
    while (w->next < w->end && !um_utf8_valid(*w->next)) {
        w->next++;
    }

    return w->next < w->end ? w->next : NULL;
}

bool
um_words_take(um_words_t *w, um_str_t *word)
{
    const um_str_t *next = um_words_peek(w);

    *word = next != NULL ? *next : um_lit("");
    w->next += next != NULL;
    return next != NULL;
}

/* Take the next word if it is `keyword`, in any case. */
static bool
words_take_if(um_words_t *w, um_str_t keyword)
{
    const um_str_t *next = um_words_peek(w);

    if (next == NULL || !um_str_ieq(*next, keyword)) {
        return false;
    }

    w->next++;
    return true;
}

/* A section begins here, or nothing does. */
static bool
words_at_section(um_words_t *w)
{
    const um_str_t *next = um_words_peek(w);

    return next == NULL || um_str_ieq(*next, um_lit("PEER"))
           || um_str_ieq(*next, um_lit("CONFIG"));
}

/* Numbers as the reference's language reads them: one '+' may lead. */
static bool
number_parse(um_str_t s, uint64_t *n)
{
    if (s.len > 1 && s.data[0] == '+') {
        s.data++;
        s.len--;
    }

    return um_str_to_u64(s, n) == UM_OK;
}

bool
um_words_take_number(um_words_t *w, uint64_t *n)
{
    um_str_t word;

    return um_words_take(w, &word) && number_parse(word, n);
}

/* "a-b"; what follows a second '-' is ignored. */
static bool
range_parse(um_str_t word, uint64_t *start, uint64_t *end)
{
    const char *dash = memchr(word.data, '-', word.len);
    const char *stop = word.data + word.len;
    const char *dash2;

    if (dash == NULL) {
        return false;
    }

    dash2 = memchr(dash + 1, '-', (size_t) (stop - (dash + 1)));
    if (dash2 != NULL) {
        stop = dash2;
    }

    return number_parse(
               (um_str_t){ word.data, (size_t) (dash - word.data) }, start)
           && number_parse(
               (um_str_t){ dash + 1, (size_t) (stop - (dash + 1)) }, end);
}

static um_rc_t
ranges_decode(um_words_t *w, um_topo_build_t *b)
{
    uint64_t count, start, end;
    um_str_t word;

    if (!um_words_take_number(w, &count)) {
        return UM_DECLINED;
    }

    for (; count > 0; count--) {
        if (!um_words_take(w, &word) || !range_parse(word, &start, &end)
            || um_topo_build_range(b, start, end) != UM_OK)
        {
            return UM_DECLINED;
        }
    }

    um_topo_build_entry_end(b);
    return UM_OK;
}

/* An address and one entry of it. */
static um_rc_t
entry_decode(um_words_t *w, um_topo_build_t *b)
{
    uint32_t tag = UM_TAG_NONE;
    um_migr_words_t m;
    um_str_t name;

    if (!um_words_take(w, &name) || um_topo_build_addr(b, name) != UM_OK
        || um_topo_build_entry(b) != UM_OK)
    {
        return UM_DECLINED;
    }

    if (words_take_if(w, um_lit("MIGRATING"))) {
        tag = UM_TAG_MIGRATING;
    } else if (words_take_if(w, um_lit("IMPORTING"))) {
        tag = UM_TAG_IMPORTING;
    }

    if (ranges_decode(w, b) != UM_OK) {
        return UM_DECLINED;
    }

    if (tag == UM_TAG_NONE) {
        return UM_OK;
    }

    if (!um_words_take_number(w, &m.epoch) || !um_words_take(w, &m.src_proxy)
        || !um_words_take(w, &m.src_node) || !um_words_take(w, &m.dst_proxy)
        || !um_words_take(w, &m.dst_node))
    {
        return UM_DECLINED;
    }

    return um_topo_build_tag(b, tag, &m);
}

static um_rc_t
entries_decode(um_words_t *w, um_topo_build_t *b)
{
    um_rc_t rc = UM_OK;

    while (rc == UM_OK && !words_at_section(w)) {
        rc = entry_decode(w, b);
    }

    return rc;
}

/* Fields and values up to the next section.  Stops behind the first error. */
static um_rc_t
config_decode(um_words_t *w, um_topo_t *t)
{
    uint64_t *number;
    um_str_t field, value;

    um_topo_config_default(t);

    while (!words_at_section(w)) {
        if (!um_words_take(w, &field) || !um_words_take(w, &value)) {
            return UM_DECLINED;
        }

        if (um_str_ieq(field, um_lit("compression_strategy"))) {
            if (!um_setcluster_strategy(t, value)) {
                return UM_DECLINED;
            }

            continue;
        }

        if (um_str_ieq(field, um_lit("migration_max_migration_time"))) {
            number = &t->max_migration_time;
        } else if (um_str_ieq(field, um_lit("migration_max_blocking_time"))) {
            number = &t->max_blocking_time;
        } else if (um_str_ieq(field, um_lit("migration_scan_interval"))) {
            number = &t->scan_interval;
        } else if (um_str_ieq(field, um_lit("migration_scan_count"))) {
            number = &t->scan_count;
        } else {
            return UM_DECLINED;
        }

        if (!number_parse(value, number)
            || (number == &t->scan_count && *number == 0)) {
            return UM_DECLINED;
        }
    }

    um_setcluster_bound_config(t);
    return UM_OK;
}

/*
 * A bad config does not stop metadata that is complete otherwise.  Words
 * behind its bad pair are read as the next section.
 */
const char *
um_setcluster_words(
    um_words_t *w, um_topo_build_t *b, um_topo_t *t, bool *config_ignored)
{
    bool peers = false;
    uint32_t locals;
    um_str_t name;

    if (!um_words_take(w, &name)) {
        return UM_SETCLUSTER_BAD_ARGS;
    }

    if (!um_setcluster_name(t, name)) {
        return "Failed to parse args: InvalidClusterName";
    }

    if (entries_decode(w, b) != UM_OK) {
        return UM_SETCLUSTER_BAD_ARGS;
    }

    locals = t->addr_count;

    while (um_words_peek(w) != NULL) {
        if (words_take_if(w, um_lit("PEER"))) {
            um_topo_build_peers(b);
            peers = true;
            if (entries_decode(w, b) != UM_OK) {
                return UM_SETCLUSTER_BAD_ARGS;
            }
        } else if (!words_take_if(w, um_lit("CONFIG"))) {
            return UM_SETCLUSTER_BAD_ARGS;
        } else if (config_decode(w, t) != UM_OK) {
            if (locals == 0 || !peers || t->addr_count == locals) {
                return UM_SETCLUSTER_BAD_ARGS;
            }

            um_topo_config_default(t);
            *config_ignored = true;
        }
    }

    return NULL;
}
