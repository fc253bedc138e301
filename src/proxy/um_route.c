/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_route.h"

um_verdict_t
um_route(const um_topo_t *topo, uint16_t slot, uint8_t hops,
    const um_route_conf_t *conf)
{
    um_verdict_t v = { .go = UM_GO_DOWN };
    uint8_t left;

    if (um_likely(um_route_is_local(topo, slot))) {
        v.go = UM_GO_LOCAL;
        v.addr = topo->owner[slot];
        return v;
    }

    if (um_unlikely(!um_topo_has_cluster(topo))) {
        if (conf->default_redirection) {
            v.go = UM_GO_ELSEWHERE;
        }
        return v;
    }

    v.addr = topo->owner[slot];
    if (um_unlikely(v.addr == UM_TOPO_NO_OWNER)) {
        v.go = UM_GO_NOWHERE;
        return v;
    }

    /* Whoever sent UMFORWARD expects an answer, not a redirection, also when
     * we were not told to redirect for our own clients. */
    if (!conf->active && hops == 0) {
        v.go = UM_GO_MOVED;
        return v;
    }

    if (hops > 0) {
        left = (uint8_t) (hops - 1);
    } else if (conf->max_redirections > 0) {
        left = (uint8_t) (conf->max_redirections - 1);
    } else {
        left = UM_REDIRECTIONS_MAX - 1;
    }

    if (left == 0) {
        v.go = UM_GO_TOO_FAR;
        return v;
    }

    v.go = UM_GO_PEER;
    v.hops = (uint8_t) (left - 1);
    return v;
}

um_rc_t
um_route_slot(const um_str_t *argv, const um_keys_t *keys, uint16_t *slot)
{
    uint16_t first = um_slot_of(argv[keys->key[0].pos]);

    for (uint32_t i = 1; i < keys->count; i++) {
        if (um_slot_of(argv[keys->key[i].pos]) != first) {
            return UM_DECLINED;
        }
    }

    *slot = first;
    return UM_OK;
}
