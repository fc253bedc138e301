/* SPDX-License-Identifier: Apache-2.0 */

#include "migrate_text.h"

#include <string.h>

#include "core/um_str.h"

#define TASK_RANGES 16384

static um_str_t
task_word(um_str_t *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    um_str_t word = { rest->data,
        end != NULL ? (size_t) (end - rest->data) : rest->len };
    size_t used = word.len + (end != NULL);

    rest->data += used;
    rest->len -= used;
    return word;
}

/* A word that may stand in JSON as it is. */
static bool
task_text(um_str_t *rest, char *out, size_t size)
{
    um_str_t w = task_word(rest);

    for (size_t i = 0; i < w.len; i++) {
        if ((unsigned char) w.data[i] < ' ' || w.data[i] == '"'
            || w.data[i] == '\\') {
            return false;
        }
    }

    if (w.len == 0 || w.len >= size) {
        return false;
    }

    memcpy(out, w.data, w.len);
    out[w.len] = '\0';
    return true;
}

static bool
task_range(um_str_t word, um_sbuf_t *out)
{
    const char *dash = word.len > 0 ? memchr(word.data, '-', word.len) : NULL;
    uint64_t a, b;
    size_t n;

    if (dash == NULL) {
        return false;
    }

    n = (size_t) (dash - word.data);
    if (um_str_to_u64((um_str_t){ word.data, n }, &a) != UM_OK
        || um_str_to_u64((um_str_t){ dash + 1, word.len - n - 1 }, &b) != UM_OK)
    {
        return false;
    }

    um_sbuf_addz(out, "[");
    um_sbuf_add_u64(out, a);
    um_sbuf_addz(out, ",");
    um_sbuf_add_u64(out, b);
    um_sbuf_addz(out, "]");
    return true;
}

static bool
task_ranges(um_str_t *rest, um_sbuf_t *out)
{
    uint64_t count;

    if (um_str_to_u64(task_word(rest), &count) != UM_OK || count == 0
        || count > TASK_RANGES)
    {
        return false;
    }

    for (uint64_t i = 0; i < count; i++) {
        um_sbuf_addz(out, i > 0 ? "," : "");
        if (!task_range(task_word(rest), out)) {
            return false;
        }
    }

    return true;
}

static bool
task_write(um_str_t rest, migrate_task_t *t, um_sbuf_t *out)
{
    char src_node[UM_ADDR_TEXT_MAX + 1], dst_node[UM_ADDR_TEXT_MAX + 1];
    uint64_t epoch;
    um_str_t tag;

    if (!task_text(&rest, t->cluster, sizeof(t->cluster))) {
        return false;
    }

    um_sbuf_addf(out, "{\"cluster_name\":\"%s\",\"slot_range\":{", t->cluster);
    um_sbuf_addz(out, "\"range_list\":[");
    tag = task_word(&rest);
    if ((!um_str_ieq(tag, um_lit("MIGRATING"))
            && !um_str_ieq(tag, um_lit("IMPORTING")))
        || !task_ranges(&rest, out)
        || um_str_to_u64(task_word(&rest), &epoch) != UM_OK
        || !task_text(&rest, t->src_proxy, sizeof(t->src_proxy))
        || !task_text(&rest, src_node, sizeof(src_node))
        || !task_text(&rest, t->dst_proxy, sizeof(t->dst_proxy))
        || !task_text(&rest, dst_node, sizeof(dst_node)) || rest.len > 0)
    {
        return false;
    }

    um_sbuf_addf(out, "],\"tag\":{\"%s\":{\"epoch\":",
        um_str_ieq(tag, um_lit("MIGRATING")) ? "Migrating" : "Importing");
    um_sbuf_add_u64(out, epoch);
    um_sbuf_addf(out,
        ",\"src_proxy_address\":\"%s\",\"src_node_address\":\"%s\""
        ",\"dst_proxy_address\":\"%s\",\"dst_node_address\":\"%s\"}}}}",
        t->src_proxy, src_node, t->dst_proxy, dst_node);
    return true;
}

um_rc_t
migrate_parse(um_str_t text, migrate_task_t *task, um_sbuf_t *out)
{
    um_sbuf_clear(out);
    return task_write(text, task, out) ? UM_OK : UM_DECLINED;
}
