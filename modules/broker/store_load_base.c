/*
 * store_load_base.c -- typed values out of a dump, errors with their path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_load_priv.h"

#include <stdio.h>
#include <string.h>

size_t
load_down(load_t *l, const char *member)
{
    size_t mark = strlen(l->why->field);

    snprintf(l->why->field + mark, sizeof(l->why->field) - mark, "%s%s",
        mark > 0 ? "." : "", member);
    return mark;
}

size_t
load_item(load_t *l, size_t i)
{
    size_t mark = strlen(l->why->field);

    snprintf(l->why->field + mark, sizeof(l->why->field) - mark, "[%zu]", i);
    return mark;
}

void
load_up(load_t *l, size_t mark)
{
    l->why->field[mark] = '\0';
}

bool
load_fail(load_t *l, const char *message)
{
    l->why->message = message;
    l->rc = STORE_INVALID_METADATA;
    return false;
}

bool
load_nomem(load_t *l)
{
    l->why->message = "no memory";
    l->rc = STORE_NO_MEMORY;
    return false;
}

const cJSON *
load_member(load_t *l, const cJSON *object, const char *name, size_t *mark)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

    *mark = load_down(l, name);
    if (v == NULL) {
        (void) load_fail(l, "is missing");
        return NULL;
    }

    for (const cJSON *more = v->next; more != NULL; more = more->next) {
        if (strcmp(more->string, name) == 0) {
            (void) load_fail(l, "is there twice");
            return NULL;
        }
    }

    return v;
}

bool
load_number(
    load_t *l, const cJSON *v, uint64_t min, uint64_t max, uint64_t *out)
{
    double d;

    if (!cJSON_IsNumber(v)) {
        return load_fail(l, "is not a number");
    }
    d = v->valuedouble;
    /* Compared as a double first: a conversion out of range is undefined. */
    if (!(d >= (double) min && d <= (double) max)) {
        return load_fail(l, "is out of range");
    }
    *out = (uint64_t) d;
    if ((double) *out < d) {
        return load_fail(l, "is not a whole number");
    }
    return true;
}

bool
load_string(load_t *l, const cJSON *v, um_str_t *out)
{
    if (!cJSON_IsString(v)) {
        return load_fail(l, "is not a string");
    }
    *out = um_str_of(v->valuestring);
    return true;
}

bool
load_bool(load_t *l, const cJSON *v, bool *out)
{
    if (!cJSON_IsBool(v)) {
        return load_fail(l, "is not a boolean");
    }
    *out = cJSON_IsTrue(v);
    return true;
}

bool
load_array(load_t *l, const cJSON *v, size_t n)
{
    if (!cJSON_IsArray(v)) {
        return load_fail(l, "is not an array");
    }
    if (n != SIZE_MAX && (size_t) cJSON_GetArraySize(v) != n) {
        return load_fail(l, n == 2 ? "is not of two elements"
                                   : "has a wrong number of elements");
    }
    return true;
}

bool
load_object(load_t *l, const cJSON *v)
{
    return cJSON_IsObject(v) || load_fail(l, "is not an object");
}

bool
load_number_of(load_t *l, const cJSON *object, const char *name, uint64_t min,
    uint64_t max, uint64_t *out)
{
    size_t mark;
    const cJSON *v = load_member(l, object, name, &mark);

    if (v == NULL || !load_number(l, v, min, max, out)) {
        return false;
    }
    load_up(l, mark);
    return true;
}

bool
load_string_of(load_t *l, const cJSON *object, const char *name, um_str_t *out)
{
    size_t mark;
    const cJSON *v = load_member(l, object, name, &mark);

    if (v == NULL || !load_string(l, v, out)) {
        return false;
    }
    load_up(l, mark);
    return true;
}

bool
load_bool_of(load_t *l, const cJSON *object, const char *name, bool *out)
{
    size_t mark;
    const cJSON *v = load_member(l, object, name, &mark);

    if (v == NULL || !load_bool(l, v, out)) {
        return false;
    }
    load_up(l, mark);
    return true;
}
