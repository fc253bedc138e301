/* SPDX-License-Identifier: Apache-2.0 */

#include "api_task.h"

#include <stdlib.h>
#include <string.h>

#include "api_in.h"
#include "core/um_slot.h"
#include "core/um_str.h"

/* A range of every other slot, three values each, and what else there is. */
#define TASK_VALUES_MAX (3 * UM_SLOTS / 2 + API_VALUES_MAX)

static bool
range_parse(const cJSON *pair, store_range_t *range)
{
    uint64_t end[2];

    if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2) {
        return false;
    }

    for (int i = 0; i < 2; i++) {
        if (!api_in_is_u64(cJSON_GetArrayItem(pair, i), &end[i])
            || end[i] >= UM_SLOTS) {
            return false;
        }
    }

    range->start = (uint16_t) end[0];
    range->end = (uint16_t) end[1];
    return true;
}

static bool
task_ranges(um_http_req_t *r, const cJSON *slots, change_t *c)
{
    const cJSON *list =
        api_in_member(r, slots, "range_list", "slot_range.range_list");
    const cJSON *pair;
    size_t count;

    if (list == NULL) {
        return false;
    }

    if (!cJSON_IsArray(list)) {
        api_in_wrong(r, "slot_range.range_list", "is not an array");
        return false;
    }

    count = (size_t) cJSON_GetArraySize(list);
    c->ranges = calloc(count + 1, sizeof(*c->ranges));
    if (c->ranges == NULL) {
        api_text(r, 500, "out of memory");
        return false;
    }

    cJSON_ArrayForEach(pair, list)
    {
        if (!range_parse(pair, &c->ranges[c->task.n])) {
            api_in_wrong(r, "slot_range.range_list",
                "a range is not two numbers of slots");
            return false;
        }
        c->task.n++;
    }

    c->task.ranges = c->ranges;
    return true;
}

static bool
task_tag(um_http_req_t *r, const cJSON *slots, store_task_args_t *task)
{
    static const char *const addresses[][2] = {
        { "src_proxy_address", "slot_range.tag.src_proxy_address" },
        { "src_node_address", "slot_range.tag.src_node_address" },
        { "dst_proxy_address", "slot_range.tag.dst_proxy_address" },
        { "dst_node_address", "slot_range.tag.dst_node_address" },
    };
    const cJSON *tag = api_in_member(r, slots, "tag", "slot_range.tag");
    const cJSON *meta = tag == NULL ? NULL : tag->child;
    um_str_t unused;

    if (tag == NULL) {
        return false;
    }

    if (cJSON_IsString(tag)
        && um_str_eq(um_str_of(tag->valuestring), um_lit("None")))
    {
        task->tag = STORE_TAG_NONE;
        return true;
    }

    if (cJSON_IsObject(tag) && cJSON_IsObject(meta) && meta->next == NULL) {
        um_str_t name = um_str_of(meta->string);

        task->tag = um_str_eq(name, um_lit("Migrating"))   ? STORE_TAG_MIGRATING
                    : um_str_eq(name, um_lit("Importing")) ? STORE_TAG_IMPORTING
                                                           : STORE_TAG_NONE;
    }

    if (task->tag == STORE_TAG_NONE) {
        api_in_wrong(
            r, "slot_range.tag", "is neither None, Migrating nor Importing");
        return false;
    }

    for (size_t i = 0; i < um_countof(addresses); i++) {
        if (!api_in_str(r, meta, addresses[i][0], addresses[i][1], &unused)) {
            return false;
        }
    }

    return api_in_u64(r, meta, "epoch", "slot_range.tag.epoch", &task->epoch);
}

static bool
task_parse(um_http_req_t *r, const cJSON *json, change_t *c)
{
    const cJSON *slots;
    um_str_t name;

    if (!api_in_str(r, json, "cluster_name", "cluster_name", &name)) {
        return false;
    }

    slots = api_in_member(r, json, "slot_range", "slot_range");
    if (slots == NULL) {
        return false;
    }

    if (!cJSON_IsObject(slots)) {
        api_in_wrong(r, "slot_range", "is not an object");
        return false;
    }

    c->text = strndup(name.data, name.len);
    if (c->text == NULL) {
        api_text(r, 500, "out of memory");
        return false;
    }

    c->task.cluster = um_str_of(c->text);
    return task_ranges(r, slots, c) && task_tag(r, slots, &c->task);
}

/* Its many values are not kept until it is answered, as those of others. */
bool
api_task_parse(um_http_req_t *r, change_t *c)
{
    cJSON *json;
    bool taken;

    if (!api_in_body_of(r, TASK_VALUES_MAX, &json)) {
        return false;
    }

    taken = task_parse(r, json, c);
    cJSON_Delete(json);
    return taken;
}
