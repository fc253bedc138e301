/*
 * um_ctl_json.h -- reading JSON that somebody else has written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_JSON_H
#define UM_CTL_JSON_H

#include <cjson/cJSON.h>

#include "ctl/um_ctl_mem.h"

/* A whole JSON text in UTF-8, freed with the pool; NULL: it is none. */
UM_MUSTCHECK cJSON *um_ctl_json_parse(um_pool_t *p, um_str_t text);

/* A member's text; NULL: there is none, or it is no string. */
const char *um_ctl_json_text(const cJSON *object, const char *name);

/* A member that is a whole number up to 2^53. */
UM_MUSTCHECK bool um_ctl_json_u64(
    const cJSON *object, const char *name, uint64_t *out);

/* A member that is true. */
bool um_ctl_json_true(const cJSON *object, const char *name);

/* A member that is an array or an object; NULL: it is not. */
const cJSON *um_ctl_json_list(const cJSON *object, const char *name);
const cJSON *um_ctl_json_object(const cJSON *object, const char *name);

/* Add a member; a text that is NULL is null. */
void um_ctl_json_add(cJSON *object, const char *name, const char *text);
void um_ctl_json_add_u64(cJSON *object, const char *name, uint64_t n);

#endif /* UM_CTL_JSON_H */
