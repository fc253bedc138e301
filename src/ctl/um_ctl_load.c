/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_load.h"

int
um_ctl_load_view(
    um_ctl_t *c, um_pool_t *p, const char *cluster, um_ctl_view_t *v)
{
    const char *path =
        um_ctl_printf(p, "/clusters/meta/%s", um_ctl_escape(p, cluster));
    const cJSON *json;
    const char *wrong;
    int status = um_ctl_get(c, p, path, &json);

    if (status != UM_CTL_DONE) {
        return status;
    }

    json = cJSON_GetObjectItemCaseSensitive(json, "cluster");
    if (cJSON_IsNull(json)) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "CLUSTER_NOT_FOUND",
            "there is no cluster %s: \"cluster list\" has all", cluster);
    }

    wrong = um_ctl_view_parse(v, json, p);
    return wrong == NULL ? UM_CTL_DONE : um_ctl_nonsense(c, path, wrong);
}

int
um_ctl_load_store(um_ctl_t *c, um_pool_t *p, um_ctl_store_t *s)
{
    const cJSON *json;
    const char *wrong;
    int status = um_ctl_get(c, p, "/metadata", &json);

    if (status != UM_CTL_DONE) {
        return status;
    }

    wrong = um_ctl_store_parse(s, json, p);
    if (wrong != NULL) {
        return um_ctl_nonsense(c, "/metadata", wrong);
    }

    status = um_ctl_get(c, p, "/failures", &json);
    if (status == UM_CTL_DONE) {
        um_ctl_store_dead(s, json);
    }
    return status;
}

bool
um_ctl_info_parse(um_ctl_info_t *info, const cJSON *json)
{
    *info =
        (um_ctl_info_t){ .migrating = um_ctl_json_true(json, "is_migrating") };
    info->scaling_error = um_ctl_json_text(json, "scaling_error");

    /* A reference broker does not have these. */
    if (!um_ctl_json_u64(json, "scaling", &info->scaling)) {
        info->scaling = 0;
    }
    if (!um_ctl_json_u64(json, "cancelling", &info->cancelling)) {
        info->cancelling = 0;
    }
    return um_ctl_json_u64(json, "node_number", &info->nodes)
           && um_ctl_json_u64(
               json, "node_number_with_slots", &info->with_slots);
}

int
um_ctl_load_info(
    um_ctl_t *c, um_pool_t *p, const char *cluster, um_ctl_info_t *info)
{
    const char *path =
        um_ctl_printf(p, "/clusters/info/%s", um_ctl_escape(p, cluster));
    const cJSON *json;
    int status = um_ctl_get(c, p, path, &json);

    if (status != UM_CTL_DONE) {
        return status;
    }
    return um_ctl_info_parse(info, json)
               ? UM_CTL_DONE
               : um_ctl_nonsense(c, path, "it has no numbers of nodes");
}

const char *
um_ctl_info_words(um_pool_t *p, const um_ctl_info_t *info)
{
    if (info->scaling_error != NULL) {
        return um_ctl_printf(p, "scaling failed: %s", info->scaling_error);
    }
    if (info->cancelling > 0) {
        return "slots are taken back";
    }
    if (info->scaling > 0) {
        return um_ctl_printf(
            p, "growing to %llu nodes", (unsigned long long) info->scaling);
    }
    if (info->migrating) {
        return "slots are on the move";
    }
    return info->with_slots < info->nodes ? "has nodes without slots"
                                          : "settled";
}

int
um_ctl_load_probes(
    um_ctl_t *c, um_pool_t *p, const um_ctl_view_t *v, um_ctl_probe_t **probe)
{
    *probe = um_ctl_array(p, v->proxies, sizeof(**probe));
    for (size_t i = 0; i < v->proxies; i++) {
        (*probe)[i].address = v->proxy[i];
    }
    return um_ctl_probe(c, p, *probe, v->proxies) ? UM_CTL_DONE
                                                  : um_ctl_interrupted(c);
}
