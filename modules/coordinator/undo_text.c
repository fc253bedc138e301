/* SPDX-License-Identifier: Apache-2.0 */

#include "undo_text.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "core/um_str.h"

static const char *const undo_tags[2] = { "MIGRATING", "IMPORTING" };

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

#define NUMBER_MAX 9007199254740992.0 /* exact in a double */

/* " 7"; the text is no task when it is no number. */
static void
add_number(um_sbuf_t *out, const cJSON *v, const char *before)
{
    um_sbuf_addz(out, before);
    if (cJSON_IsNumber(v) && v->valuedouble >= 0
        && v->valuedouble <= NUMBER_MAX) {
        um_sbuf_add_u64(out, (uint64_t) v->valuedouble);
    } else {
        um_sbuf_addz(out, "?");
    }
}

static void
add_word(um_sbuf_t *out, const cJSON *v)
{
    um_sbuf_addz(out, " ");
    um_sbuf_addz(out, cJSON_IsString(v) ? v->valuestring : "");
}

/* Whether that is well-formed is for migrate_parse() to say. */
static void
add_task(um_sbuf_t *out, const cJSON *task)
{
    const cJSON *name = member(task, "cluster_name");
    const cJSON *slots = member(task, "slot_range");
    const cJSON *list = member(slots, "range_list");
    const cJSON *meta = member(member(slots, "tag"), "Migrating");
    const cJSON *r;

    um_sbuf_addf(out, "%s %s %d", cJSON_IsString(name) ? name->valuestring : "",
        undo_tags[0], cJSON_GetArraySize(list));
    cJSON_ArrayForEach(r, list)
    {
        add_number(out, cJSON_GetArrayItem(r, 0), " ");
        add_number(out, cJSON_GetArrayItem(r, 1), "-");
    }

    add_number(out, member(meta, "epoch"), " ");
    add_word(out, member(meta, "src_proxy_address"));
    add_word(out, member(meta, "src_node_address"));
    add_word(out, member(meta, "dst_proxy_address"));
    add_word(out, member(meta, "dst_node_address"));
}

static um_rc_t
parse_one(const cJSON *json, undo_task_pt on_task, void *data)
{
    um_sbuf_t text = { 0 }, body = { 0 };
    undo_task_t t = {
        .undone = { cJSON_IsTrue(member(json, "source_undone")),
            cJSON_IsTrue(member(json, "destination_undone")) },
    };
    um_rc_t rc = UM_ERR;

    add_task(&text, json);
    if (!text.failed) {
        t.text = um_sbuf_cstr(&text);
        rc = migrate_parse(um_str_of(t.text), &t.who, &body);
    }
    if (rc == UM_OK && (body.failed || !on_task(data, &t))) {
        rc = UM_ERR;
    }
    um_sbuf_deinit(&text);
    um_sbuf_deinit(&body);
    return rc;
}

um_rc_t
undo_parse(um_str_t body, undo_task_pt on_task, void *data)
{
    cJSON *json = cJSON_ParseWithLength(body.data, body.len);
    const cJSON *list = member(json, "tasks");
    um_rc_t rc = cJSON_IsArray(list) ? UM_OK : UM_DECLINED;
    const cJSON *one;

    cJSON_ArrayForEach(one, list)
    {
        rc = parse_one(one, on_task, data);
        if (rc != UM_OK) {
            break;
        }
    }

    cJSON_Delete(json);
    return rc;
}

/* The task's text with the tag of a side. */
static void
add_side(const undo_task_t *t, unsigned side, um_sbuf_t *out)
{
    size_t name = strlen(t->who.cluster);

    um_sbuf_addf(out, "%s %s%s", t->who.cluster, undo_tags[side],
        t->text + name + 1 + strlen(undo_tags[0]));
}

void
undo_command(const undo_task_t *t, unsigned side, um_sbuf_t *out)
{
    um_sbuf_addz(out, "UMCTL UNDO ");
    add_side(t, side, out);
}

void
undo_body(const undo_task_t *t, unsigned side, um_sbuf_t *out)
{
    um_sbuf_t text = { 0 };
    migrate_task_t who;

    add_side(t, side, &text);
    if (text.failed
        || migrate_parse(um_str_of(um_sbuf_cstr(&text)), &who, out) != UM_OK)
    {
        out->failed = true;
    }
    um_sbuf_deinit(&text);
}
