/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "broker.h"
#include "core/um_log.h"

/* To be reached, and to answer, each. */
#define ROUND_ASK_MS 1000

void
round_init(round_t *r, broker_t *b, round_pt on_answers, round_pt on_free)
{
    r->b = b;
    r->proxies.timeout = ROUND_ASK_MS;
    r->on_answers = on_answers;
    r->on_free = on_free;
    um_list_init(&r->link);
}

void
round_free(round_t *r)
{
    um_list_del(&r->link);
    ask_deinit(&r->proxies);
    r->on_free(r);
}

um_rc_t
round_add_all(round_t *r)
{
    um_str_t address;

    for (size_t i = 0; store_proxy(r->b->store, i, &address) == UM_OK; i++) {
        if (ask_add(&r->proxies, address, 0) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

static void
round_work(void *data)
{
    round_t *r = data;

    ask_run(&r->proxies);
}

static void
round_done(void *data)
{
    round_t *r = data;

    r->on_answers(r);
    round_free(r);
}

um_rc_t
round_start(round_t *r)
{
    if (um_jobs_add(r->b->asks, round_work, round_done, r) != UM_OK) {
        um_log_error(ENOMEM, "proxies cannot be asked");
        return UM_ERR;
    }

    um_list_add_tail(&r->b->rounds, &r->link);
    return UM_OK;
}

/* ---- Begin and end ------------------------------------------------------ */

um_rc_t
rounds_init(broker_t *b)
{
    b->asks = um_jobs_new(b->loop, 4);
    return b->asks == NULL ? UM_ERR : UM_OK;
}

static void
round_drop(void *data)
{
    round_free(data);
}

void
rounds_deinit(broker_t *b)
{
    um_list_each(l, &b->rounds)
    {
        um_list_entry(l, round_t, link)->proxies.leave = true;
    }

    if (b->asks != NULL) {
        um_jobs_free(b->asks, round_drop);
    }
}
