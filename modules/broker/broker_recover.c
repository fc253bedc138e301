/*
 * PUT epoch/recovery: all proxies are asked for their epoch once, and the
 * answer names those that did not say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "broker.h"

typedef struct {
    round_t round;
    um_http_req_t *req; /* NULL: who asked is gone */
} recover_t;

/* {"failed_addresses":[..]} */
static char *
recover_text(const round_t *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "failed_addresses");
    char *text = NULL;
    bool whole = list != NULL;

    for (size_t i = 0; whole && i < r->proxies.count; i++) {
        const ask_one_t *p = &r->proxies.list[i];
        cJSON *name = NULL;

        if (!p->answered) {
            name = cJSON_CreateString(p->address);
            whole = name != NULL && cJSON_AddItemToArray(list, name);
        }
    }

    if (whole) {
        text = cJSON_PrintUnformatted(json);
    }
    cJSON_Delete(json);
    return text;
}

static store_rc_t
apply_recover(broker_t *b UM_UNUSED, store_t *s, change_t *c)
{
    store_rc_t rc = store_recover_epoch(s, c->number);

    if (rc == STORE_OK) {
        um_sbuf_addz(&c->out, c->text);
    }

    return rc;
}

static void
recover_on_answers(round_t *round)
{
    recover_t *r = (recover_t *) round;
    um_http_req_t *req = r->req;
    change_t *c;
    size_t told;

    if (req == NULL) {
        return;
    }

    r->req = NULL;
    um_http_on_cancel(req, NULL, NULL);
    c = change_new(req, apply_recover);
    if (c != NULL) {
        c->text = recover_text(round);
        c->number = epoch_highest(round->b, round, &told);
    }

    if (c != NULL && c->text != NULL) {
        change_add(round->b, c);
        return;
    }

    if (c != NULL) {
        change_free(c);
    }
    api_answer(round->b, req, STORE_NO_MEMORY, NULL, NULL);
}

static void
recover_on_cancel(um_http_req_t *r UM_UNUSED, void *data)
{
    recover_t *rec = data;

    rec->req = NULL;
}

/* Who asked is answered by the end of the server. */
static void
recover_on_free(round_t *round)
{
    recover_t *r = (recover_t *) round;

    if (r->req != NULL) {
        um_http_on_cancel(r->req, NULL, NULL);
    }
    free(r);
}

void
epoch_recover(broker_t *b, um_http_req_t *req)
{
    recover_t *r = calloc(1, sizeof(*r));

    if (r != NULL) {
        round_init(&r->round, b, recover_on_answers, recover_on_free);
        if (round_add_all(&r->round) == UM_OK
            && round_start(&r->round) == UM_OK) {
            r->req = req;
            um_http_on_cancel(req, recover_on_cancel, r);
            return;
        }
        round_free(&r->round);
    }

    api_answer(b, req, STORE_NO_MEMORY, NULL, NULL);
}
