/*
 * um_ctl_broker.c -- epoch, version, help.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <inttypes.h>

#include "core/um_str.h"
#include "ctl/um_ctl_ask.h"
#include "ctl/um_ctl_doc.h"

/* Recovery asks all proxies. */
#define RECOVER_TIMEOUT 60000 /* ms */

int
um_ctl_epoch(um_ctl_t *c)
{
    const cJSON *json;
    cJSON *doc;
    int status = um_ctl_get(c, c->pool, "/epoch", &json);

    if (status != UM_CTL_DONE) {
        return status;
    }
    if (!cJSON_IsNumber(json)) {
        return um_ctl_nonsense(c, "/epoch", "it is no number");
    }
    if (!c->opts.json) {
        um_ctl_line(c, "%.0f", json->valuedouble);
        return UM_CTL_DONE;
    }

    doc = cJSON_CreateObject();
    cJSON_AddNumberToObject(doc, "epoch", json->valuedouble);
    return um_ctl_json(c, doc);
}

static int
recover_text(um_ctl_t *c, const cJSON *failed)
{
    const cJSON *item;

    um_ctl_line(c, "the epoch is beyond that of all proxies that answered");
    cJSON_ArrayForEach(item, failed)
    {
        const char *address = cJSON_GetStringValue(item);

        um_ctl_line(c,
            "%s did not answer: if it comes back with a higher "
            "epoch, recover again",
            address != NULL ? address : "somebody");
    }
    return UM_CTL_DONE;
}

int
um_ctl_epoch_recover(um_ctl_t *c)
{
    const um_ctl_ask_t ask = {
        .method = UM_HTTP_PUT,
        .path = "/epoch/recovery",
        .timeout = um_max(c->opts.timeout, (uint64_t) RECOVER_TIMEOUT),
    };
    um_ctl_said_t said;
    const cJSON *failed;
    cJSON *doc;
    int status;

    um_ctl_ask(c, &ask, c->pool, &said);
    status = um_ctl_judge(c, &ask, &said);
    if (status != UM_CTL_DONE) {
        return status;
    }
    failed = um_ctl_json_list(said.json, "failed_addresses");
    if (failed == NULL) {
        return um_ctl_nonsense(c, ask.path, "it has no failed_addresses");
    }
    if (!c->opts.json) {
        return recover_text(c, failed);
    }

    doc = cJSON_CreateObject();
    cJSON_AddTrueToObject(doc, "done");
    cJSON_AddItemToObject(
        doc, "failed_addresses", cJSON_Duplicate(failed, true));
    return um_ctl_json(c, doc);
}

/* Without a broker there is still our own. */
int
um_ctl_version(um_ctl_t *c)
{
    const um_ctl_ask_t ask = { .method = UM_HTTP_GET, .path = "/version" };
    um_ctl_said_t said;
    const char *version;
    cJSON *doc;

    um_ctl_ask(c, &ask, c->pool, &said);
    version = said.status == 200 ? um_ctl_printf(c->pool, "%.*s",
                  (int) um_min(said.text.len, 80u), said.text.data)
                                 : NULL;
    if (c->interrupted) {
        return um_ctl_interrupted(c);
    }
    if (c->opts.json) {
        doc = cJSON_CreateObject();
        um_ctl_json_add(doc, "undermoonctl", PACKAGE_VERSION);
        um_ctl_json_add(doc, "broker", version);
        return um_ctl_json(c, doc);
    }

    um_ctl_line(c, "undermoonctl %s", PACKAGE_VERSION);
    if (version != NULL) {
        um_ctl_line(c, "broker %s %s", said.broker, version);
    } else {
        um_ctl_line(c, "broker %s: %s", said.broker,
            said.status == 0 ? said.why : "does not say its version");
    }
    return UM_CTL_DONE;
}

int
um_ctl_help(um_ctl_t *c)
{
    const um_ctl_cmd_t *cmd;
    uint32_t used;

    if (c->opts.args == 0) {
        um_ctl_doc_all(&c->out);
        return UM_CTL_DONE;
    }

    cmd = um_ctl_cmd_find(c->opts.arg, c->opts.args, &used);
    if (cmd != NULL && used == c->opts.args) {
        um_ctl_doc_cmd(&c->out, cmd);
        return UM_CTL_DONE;
    }
    if (c->opts.args == 1 && um_ctl_cmd_is_group(c->opts.arg[0])) {
        um_ctl_doc_group(&c->out, c->opts.arg[0]);
        return UM_CTL_DONE;
    }
    return um_ctl_fail(c, UM_CTL_USAGE, "USAGE",
        "there is no command \"%s%s%s\": \"undermoonctl help\" shows all",
        c->opts.arg[0], c->opts.args > 1 ? " " : "",
        c->opts.args > 1 ? c->opts.arg[1] : "");
}
