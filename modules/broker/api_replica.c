/* SPDX-License-Identifier: Apache-2.0 */

#include "api_replica.h"

#include "api_in.h"
#include "core/um_str.h"

void
api_replica_get(broker_t *b, um_http_req_t *r)
{
    um_sbuf_t body = { 0 };

    um_sbuf_addz(&body, "{\"replica_addresses\":");
    replicas_json(b, &body);
    um_sbuf_addz(&body, "}");
    api_answer(b, r, STORE_OK, NULL, &body);
}

/* {"replica_addresses":["host:port",..]}; false: answered. */
static bool
parse_replicas(
    um_http_req_t *r, const cJSON *json, um_addr_t *list, uint32_t *count)
{
    static const char name[] = "replica_addresses";
    const cJSON *array = api_in_member(r, json, name, name);
    const cJSON *v;

    if (array == NULL) {
        return false;
    }

    if (!cJSON_IsArray(array)) {
        api_in_wrong(r, name, "is not an array");
        return false;
    }

    cJSON_ArrayForEach(v, array)
    {
        const char *wrong =
            !cJSON_IsString(v) ? "an address is not a string"
            : *count == REPLICAS_MAX
                ? "has too many elements"
                : um_addr_parse(&list[*count], um_str_of(v->valuestring));

        if (wrong == NULL) {
            wrong = broker_replica_wrong(list, *count);
        }
        if (wrong != NULL) {
            api_in_wrong(r, name, wrong);
            return false;
        }
        (*count)++;
    }

    return true;
}

/*
 * In memory only: a broker that starts again does not know whether another has
 * taken its place meanwhile, and operators take the one with a list for the
 * broker.
 */
void
api_replica_put(broker_t *b, um_http_req_t *r)
{
    um_addr_t list[REPLICAS_MAX];
    uint32_t count = 0;
    cJSON *json;

    if (!api_in_body(r, &json)) {
        return;
    }

    if (parse_replicas(r, json, list, &count)) {
        store_rc_t rc =
            replicas_set(b, list, count) == UM_OK ? STORE_OK : STORE_NO_MEMORY;

        /* Who is given replicas is the broker. */
        if (rc == STORE_OK && count > 0) {
            changes_lead(b);
        }
        api_answer(b, r, rc, NULL, NULL);
    }
    cJSON_Delete(json);
}
