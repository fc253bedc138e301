/*
 * back.c -- a failed proxy that is well is taken back.
 *
 * The reference leaves that to people: its broker forgets a failure only when
 * the proxy is registered again.  So it is registered again, once it has what
 * the broker wants it to have, all its nodes are what they should be, and that
 * has lasted (back_rule.h).  Only one of ours can say so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "coord.h"
#include "core/um_log.h"

static void
back_on_answer(void *data, const broker_answer_t *a)
{
    coord_t *co = data;
    coord_proxy_t *p = proxies_find(co, a->about);

    if (p != NULL) {
        p->taking_back = false;
        back_done(&p->back, coord_ms(co));
    }

    /* It was there already: so it should be, and its mark is gone. */
    if (a->status == 200 || a->status == 409) {
        co->stats.taken_back++;
        um_log_notice(0, "proxy %s: is taken back", a->about);
        sync_now(co);
    } else {
        um_log_error(0, "proxy %s: cannot be taken back: status %u %s",
            a->about, a->status, a->why);
    }
}

static void
back_say(coord_proxy_t *p, const char *const *node)
{
    um_sbuf_t body = { 0 };

    um_sbuf_addf(&body, "{\"proxy_address\":\"%s\",\"nodes\":[\"%s\",\"%s\"]}",
        p->address, node[0], node[1]);
    if (!body.failed) {
        const broker_ask_t ask = {
            .method = UM_HTTP_POST,
            .target = "/proxies/meta",
            .body = { body.data, body.len },
            .about = p->address,
        };

        p->taking_back =
            brokers_ask(p->co->brokers, &ask, back_on_answer, p->co) == UM_OK;
    }
    um_sbuf_deinit(&body);
}

/* Its two nodes, from its cluster or from what was said of it alone. */
static uint32_t
back_nodes(const coord_proxy_t *p, const char **node)
{
    uint32_t count = 0;

    if (p->view == NULL) {
        for (; count < p->nodes; count++) {
            node[count] = p->node[count];
        }
        return count;
    }

    view_each_node(p->view, n, &p->view->proxy[p->index])
    {
        if (count < COORD_NODES) {
            node[count] = p->view->node[n].address;
        }
        count++;
    }
    return count;
}

void
back_consider(coord_proxy_t *p)
{
    const char *node[COORD_NODES];
    bool well = p->kind == KIND_OURS && p->watch.state == WATCH_ALIVE
                && p->beat.in_sync && push_is_done(p);

    /* Not one that is being taken off the list right now. */
    if (!p->failed || !p->listed || p->taking_back
        || p->co->conf->disable_failover) {
        p->back.looks = 0;
        return;
    }

    if (back_note(&p->back, well, coord_ms(p->co))
        && back_nodes(p, node) == COORD_NODES)
    {
        back_say(p, node);
    }
}
