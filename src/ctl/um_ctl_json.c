/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_json.h"

#include <string.h>

#include "core/um_str.h"
#include "meta/um_utf8.h"

#define JSON_NUMBER_MAX 9007199254740992.0 /* 2^53 */

static void
json_free(void *json)
{
    cJSON_Delete(json);
}

/* cJSON ends a string at \u0000 and takes anything behind a value. */
cJSON *
um_ctl_json_parse(um_pool_t *p, um_str_t text)
{
    const char *end = NULL;
    cJSON *json;

    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL
        || memmem(text.data, text.len, "\\u0000", 6) != NULL
        || !um_utf8_valid(text))
    {
        return NULL;
    }

    json = cJSON_ParseWithLengthOpts(text.data, text.len, &end, 0);
    if (json == NULL) {
        return NULL;
    }
    if (um_pool_on_free(p, json_free, json) != UM_OK) {
        cJSON_Delete(json);
        return NULL;
    }

    while (end < text.data + text.len && strchr(" \t\r\n", *end) != NULL) {
        end++;
    }
    return end == text.data + text.len ? json : NULL;
}

const char *
um_ctl_json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool
um_ctl_json_u64(const cJSON *object, const char *name, uint64_t *out)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);
    double d;

    if (!cJSON_IsNumber(m)) {
        return false;
    }

    d = m->valuedouble;
    if (!(d >= 0 && d <= JSON_NUMBER_MAX) || (double) (uint64_t) d != d) {
        return false;
    }

    *out = (uint64_t) d;
    return true;
}

bool
um_ctl_json_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

const cJSON *
um_ctl_json_list(const cJSON *object, const char *name)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsArray(m) ? m : NULL;
}

const cJSON *
um_ctl_json_object(const cJSON *object, const char *name)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsObject(m) ? m : NULL;
}

void
um_ctl_json_add(cJSON *object, const char *name, const char *text)
{
    if (text != NULL) {
        cJSON_AddStringToObject(object, name, text);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

void
um_ctl_json_add_u64(cJSON *object, const char *name, uint64_t n)
{
    cJSON_AddNumberToObject(object, name, (double) n);
}
